/** Parses a doc comment: its text, and its tags in order. @module */

/** A tag and its text: `@param name text`, `@throws {name} text`, `@returns text`, `@example` and lines of code. */
export interface DocTag {
  readonly tag: string
  /** The name of a parameter or of the error that is thrown; empty for other tags. */
  readonly name: string
  readonly text: string
}

export interface DocComment {
  /** The text before the first tag; its lines are kept. */
  readonly text: string
  readonly tags: readonly DocTag[]
}

/**
 * @param comment including its stars and delimiters
 *
 * @example
 * readDocComment('/** Adds two. @module *\/').text // 'Adds two.'
 */
export function readDocComment(comment: string): DocComment {
  const lines = comment
    .trim()
    .replace(/^\/\*\*/, '')
    .replace(/\*\/$/, '')
    .replaceAll(/[ \t]+@(?=(?:module|param|returns|throws)\b)/g, '\n@')
    .split('\n')
    .map((line) => line.replace(/^\s*\* ?/, '').trimEnd())
  const [text, ...tagged] = cutAtTags(lines)
  return { text: joined(text!), tags: tagged.map(tagOf) }
}

/** Splits before each line that begins with a tag. */
function cutAtTags(lines: readonly string[]): string[][] {
  const pieces: string[][] = [[]]
  for (const line of lines) {
    if (/^\s*@\w/.test(line)) pieces.push([])
    pieces.at(-1)!.push(line)
  }
  return pieces
}

function joined(lines: readonly string[]): string {
  return lines
    .join('\n')
    .replace(/^\s*\n/, '')
    .trimEnd()
    .replace(/^[ \t]+(?=\S)/, '')
}

const TAG = /^\s*@(\w+) ?(.*)$/

function tagOf(lines: readonly string[]): DocTag {
  const [, tag, first] = TAG.exec(lines[0]!) as unknown as [string, string, string]
  const rest = lines.slice(1)
  if (tag === 'example') return { tag, name: '', text: rest.join('\n').trim() }
  const text = [first, ...rest]
    .map((line) => line.trim())
    .join('\n')
    .trim()
  const name = tag === 'param' ? /^(\S+)\s*/.exec(text) : tag === 'throws' ? /^\{([^}]*)\}\s*/.exec(text) : null
  return { tag, name: name?.[1] ?? '', text: text.slice(name?.[0].length ?? 0) }
}
