/**
 * Parses TypeScript sources just far enough for our own checks: which characters are code and which are comments, and
 * which modules a file imports. A tokenizer of fifty lines instead of the compiler, whose programming interface is not
 * stable yet: only `declarations.ts`, which has to resolve names, uses that.
 *
 * @module
 */
import { readdirSync } from 'node:fs'
import { join } from 'node:path'

/** A span of characters, `end` not included. */
export interface Span {
  readonly start: number
  readonly end: number
}

export interface Source {
  /** The text with comments and the contents of strings replaced by spaces: same length, same lines. */
  readonly code: string
  readonly comments: readonly Span[]
  readonly expressions: readonly Span[]
}

/** A module that a file names, whether in `import`, `export … from`, or `import(…)`; types count. */
export interface Import {
  readonly specifier: string
  readonly line: number
}

const COMMENT = /\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const STRING = /'(?:[^'\\\n]|\\[\s\S])*'|"(?:[^"\\\n]|\\[\s\S])*"/y
const TEMPLATE_PART = /[`}](?:[^`\\$]|\\[\s\S]|\$(?!\{))*(?:`|\$\{)/y
const REGULAR_EXPRESSION = /\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y
const WORD = /[\w$]+/y
/** After one of these, a slash begins a regular expression; after anything else it divides. */
const BEFORE_EXPRESSION = /^(?:|[([{},;:=!&|?+\-*%<>~^]|return|typeof|case|in|of|await|yield|throw|void|else|do)$/

/** Distinguishes code from comments and strings. */
export function readSource(text: string): Source {
  const code = text.split('')
  const comments: Span[] = []
  const expressions: Span[] = []
  /** For each open template literal, how many braces are open in its current `${`. */
  const braces: number[] = []
  let previous = ''
  let at = 0

  const take = (pattern: RegExp): string | undefined => {
    pattern.lastIndex = at
    return pattern.exec(text)?.[0]
  }
  const blank = (start: number, end: number): void => {
    for (let index = start; index < end; index++) if (code[index] !== '\n') code[index] = ' '
  }

  while (at < text.length) {
    const character = text[at]!
    const continuesTemplate = character === '}' && braces.at(-1) === 0
    let token: string | undefined
    if ((token = take(COMMENT)) !== undefined) {
      comments.push({ start: at, end: at + token.length })
      blank(at, at + token.length)
      at += token.length
      continue
    }
    if ((token = take(STRING)) !== undefined) {
      blank(at + 1, at + token.length - 1)
    } else if ((character === '`' || continuesTemplate) && (token = take(TEMPLATE_PART)) !== undefined) {
      if (continuesTemplate) braces.pop()
      if (token.endsWith('${')) braces.push(0)
      blank(at + 1, at + token.length - (token.endsWith('${') ? 2 : 1))
    } else if (BEFORE_EXPRESSION.test(previous) && (token = take(REGULAR_EXPRESSION)) !== undefined) {
      expressions.push({ start: at, end: at + token.length })
      blank(at + 1, at + token.length - 1)
    } else {
      token = take(WORD) ?? character
      if (braces.length > 0 && (token === '{' || token === '}')) braces.push(braces.pop()! + (token === '{' ? 1 : -1))
    }
    if (token.trim() !== '') previous = WORD_ONLY.test(token) ? token : token.slice(-1)
    at += token.length
  }
  return { code: code.join(''), comments, expressions }
}

/** A regular expression literal, as the arguments of `RegExp`. */
export interface WrittenExpression {
  readonly source: string
  readonly flags: string
  readonly line: number
}

/** Every regular expression of a file. */
export function expressionsOf(text: string): WrittenExpression[] {
  return readSource(text).expressions.map(({ start, end }) => {
    const slash = text.lastIndexOf('/', end - 1)
    return { source: text.slice(start + 1, slash), flags: text.slice(slash + 1, end), line: lineAt(text, start) }
  })
}

const WORD_ONLY = /^[\w$]+$/

/** The line, counted from 1, of the character at `at`. */
export function lineAt(text: string, at: number): number {
  let line = 1
  for (let index = text.indexOf('\n'); index !== -1 && index < at; index = text.indexOf('\n', index + 1)) line++
  return line
}

const IMPORT = /(?<![.\w$])(?:from|import)\s*\(?\s*(['"])(\s*)\1/g

/** Every module that `text` names. */
export function importsOf(text: string, code = readSource(text).code): Import[] {
  return [...code.matchAll(IMPORT)].map((match) => {
    const end = match.index + match[0].length - 1
    const specifier = text.slice(end - match[2]!.length, end)
    return { specifier, line: lineAt(text, match.index) }
  })
}

/** All files under `folder`, sorted, as paths from `root` with slashes; an absent folder has none. */
export function filesUnder(root: string, folder: string, extension: string): string[] {
  let entries
  try {
    entries = readdirSync(join(root, folder), { withFileTypes: true })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
  const paths = entries.flatMap((entry) => {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory()) return filesUnder(root, path, extension)
    return entry.name.endsWith(extension) ? [path] : []
  })
  return paths.sort()
}
