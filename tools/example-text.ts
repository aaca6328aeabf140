/**
 * Converts documentation to programs, by the conventions of docs/examples.md: text in, text out. Every line of a
 * program keeps the number of its line in the documentation.
 *
 * @module
 */
import { lineAt, readSource } from './source.ts'

export interface ProgramLine {
  readonly text: string
  /** The line in the documentation, counted from 1. */
  readonly line: number
}

export interface Program {
  /** The file to be written, such as `src/codec/packets.ts.ts` or `README.md.41.js`. */
  readonly name: string
  /** The documentation file. */
  readonly file: string
  readonly lines: readonly ProgramLine[]
  readonly runs: boolean
}

/** The text of one `@example`, without the stars. */
interface DocExample {
  readonly lines: readonly ProgramLine[]
  readonly runs: boolean
}

/** The contents of an example line: some code and, if a comment follows it, the value of that code. */
interface Statement {
  readonly lines: readonly ProgramLine[]
  readonly value: string | undefined
}

const BLOCK = /^```(js|ts|yaml)\b([^\n]*)\n([\s\S]*?)^```\s*$/gm

/**
 * The fenced blocks of a Markdown file that show code (`js`, `ts`) or a configuration (`yaml`), each a program of its
 * own.
 */
export function blocksIn(file: string, markdown: string): Program[] {
  return [...markdown.matchAll(BLOCK)].map((match) => {
    const line = lineAt(markdown, match.index) + 1
    const text = match[3]!.trimEnd()
    const runs = !match[2]!.includes('no-run')
    if (match[1] === 'yaml') return configurationProgram(file, line, text, runs)
    return { name: `${file}.${line}.${match[1]}`, file, lines: codeLines(text, line), runs }
  })
}

/** A whole file as an example: a program like a block, but only compiled, because it may run until it is stopped. */
export function fileProgram(file: string, text: string): Program {
  return { name: file, file, lines: codeLines(text.trimEnd(), 1), runs: false }
}

/** The last line turns a program without imports into a module. */
function codeLines(text: string, line: number): ProgramLine[] {
  const lines = text.split('\n').map((one, index) => ({ text: one, line: line + index }))
  return [...lines, { text: 'export {}', line }]
}

/** Resolves the configuration like the program; empty lines before it make errors name the page's lines. */
function configurationProgram(file: string, line: number, text: string, runs: boolean): Program {
  const up = '../'.repeat(file.split('/').length + 1)
  const texts = [
    `import { parseConfig } from '${up}src/config/config-file.js'`,
    `import { resolveOptions } from '${up}src/config/options.js'`,
    `const { input, source } = parseConfig(${JSON.stringify('\n'.repeat(line - 1) + text)}, ${JSON.stringify(file)})`,
    `resolveOptions(input as never, source)`,
  ]
  return { name: `${file}.${line}.ts`, file, lines: texts.map((one) => ({ text: one, line })), runs }
}

/** Combines all `@example`s of one source file into a program, which has no lines if there are none. */
export function docstringProgram(file: string, source: string): Program {
  const examples = examplesIn(source)
  const name = `${file}.ts`
  if (examples.length === 0) return { name, file, lines: [], runs: false }
  const up = '../'.repeat(file.split('/').length + 1)
  const module = `${up}${file.replace(/ts$/, 'js')}`
  const all = examples.flatMap((example) => example.lines.map((line) => line.text)).join('\n')
  const used = exportsOf(source).filter((one) => new RegExp(`(?<![\\w$.])${one}(?![\\w$])`).test(all))
  const lines = [
    { text: `import { expectValue } from '${up}tools/example-value.js'`, line: 1 },
    { text: `import * as scope from '${module}'`, line: 1 },
    { text: `import { ${used.join(', ')} } from '${module}'`, line: 1 },
    ...examples.flatMap((example, index) => functionOf(file, example, index)),
  ]
  return { name, file, lines, runs: examples.some((example) => example.runs) }
}

/** Turns an example into a function that is called at once, unless it is only to be compiled. */
function functionOf(file: string, example: DocExample, index: number): ProgramLine[] {
  const line = example.lines[0]?.line ?? 1
  return [
    { text: `async function example${index}(): Promise<void> {`, line },
    ...statementsOf(example.lines).flatMap((statement) => expectationOf(file, statement)),
    { text: '}', line },
    { text: example.runs ? `await example${index}()` : `void example${index}`, line },
  ]
}

/** The names that a module exports, including types. */
function exportsOf(source: string): string[] {
  const { code } = readSource(source)
  const declared = [
    ...code.matchAll(/^export (?:declare |abstract |async )*(?:function\*?|class|const|let|interface|type) ([\w$]+)/gm),
  ].map((match) => match[1]!)
  const listed = [...code.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap((match) =>
    match[1]!.split(',').map((one) => one.trim().split(/\s+/).at(-1)!),
  )
  return [...new Set([...declared, ...listed])].filter((one) => one !== '' && one !== 'default')
}

function examplesIn(source: string): DocExample[] {
  const comments = readSource(source).comments.filter(({ start }) => source.startsWith('/**', start))
  return comments.flatMap(({ start, end }) => {
    const first = lineAt(source, start)
    const lines = source
      .slice(start, end - 2)
      .split('\n')
      .map((text, index) => ({ text: text.replace(/^\s*(?:\/\*\*|\*) ?/, ''), line: first + index }))
    return examplesOf(lines)
  })
}

/** An example extends from its tag to the next tag or the end of the comment. */
function examplesOf(lines: readonly ProgramLine[]): DocExample[] {
  const examples: { lines: ProgramLine[]; runs: boolean }[] = []
  let open = false
  for (const line of lines) {
    const tag = /^@(\w+)(.*)$/.exec(line.text)
    if (tag !== null) {
      open = tag[1] === 'example'
      if (open) examples.push({ lines: [], runs: !tag[2]!.includes('no-run') })
    } else if (open && line.text.trim() !== '') {
      examples.at(-1)!.lines.push(line)
    }
  }
  return examples
}

/** Divides lines into statements: one continues while a bracket is open, or if the next line begins with a dot. */
function statementsOf(lines: readonly ProgramLine[]): Statement[] {
  const statements: Statement[] = []
  let gathered: ProgramLine[] = []
  lines.forEach((line, index) => {
    gathered.push(line)
    const text = gathered.map((one) => one.text).join('\n')
    const { code, comments } = readSource(text)
    const open = (code.match(/[([{]/g)?.length ?? 0) - (code.match(/[)\]}]/g)?.length ?? 0)
    if (open > 0 || lines[index + 1]?.text.trim().startsWith('.') === true) return
    const comment = comments.at(-1)
    const isLast = comment !== undefined && comment.end === text.length && code.trim() !== ''
    const value = isLast ? valueOf(text.slice(comment.start + 2).trim()) : undefined
    statements.push({ lines: gathered, value })
    gathered = []
  })
  if (gathered.length > 0) statements.push({ lines: gathered, value: undefined })
  return statements
}

/**
 * The value in `value: explanation` or `value; explanation`; a colon inside brackets or a string belongs to the value.
 */
export function valueOf(comment: string): string {
  const { code } = readSource(comment)
  let depth = 0
  for (let at = 0; at < code.length; at++) {
    if ('([{<'.includes(code[at]!)) depth++
    if (')]}>'.includes(code[at]!)) depth--
    if (depth === 0 && /^(?:;|:(?:\s|$))/.test(code.slice(at, at + 2))) return comment.slice(0, at).trim()
  }
  return comment
}

const NOT_AN_EXPRESSION = /^(?:for|while|if|else|try|return|throw|function|class|import|export|interface|type|[})\]])/
const DECLARATION = /^(?:const|let|await using|using)\s+([\w$]+)\b[^=]*=(?!=)/

/** The comment of a declaration gives the value of the new name; that of any other statement is prose. */
function expectationOf(file: string, { lines, value }: Statement): ProgramLine[] {
  const first = lines[0]!
  const last = lines.at(-1)!
  if (value === undefined || NOT_AN_EXPRESSION.test(first.text.trim())) return [...lines]
  const place = JSON.stringify(`${file}:${first.line}`)
  const before = `await expectValue(scope, ${place}, ${JSON.stringify(value)}, async () => (`
  const declared = DECLARATION.exec(first.text.trim())
  if (declared !== null) return [...lines, { text: `${before}${declared[1]}))`, line: last.line }]
  const bare = withoutComment(lines)
  return [{ text: before, line: first.line }, ...bare, { text: '))', line: last.line }]
}

/** The expression alone, without comments and a final semicolon. */
function withoutComment(lines: readonly ProgramLine[]): ProgramLine[] {
  const text = lines.map((line) => line.text).join('\n')
  let bare = text
  for (const { start, end } of readSource(text).comments) {
    bare = bare.slice(0, start) + text.slice(start, end).replace(/[^\n]/g, ' ') + bare.slice(end)
  }
  return bare
    .trimEnd()
    .replace(/;$/, '')
    .split('\n')
    .map((one, index) => ({ text: one, line: lines[index]!.line }))
}
