/**
 * Turns documentation into programs: the conventions of docs/examples.md, as text in and text out. Every line of a program
 * remembers which line of the documentation it comes from.
 *
 * @module
 */
import { lineAt, readSource } from './source.ts'

export interface ProgramLine {
  readonly text: string
  /** The line of the documentation, counted from 1. */
  readonly line: number
}

export interface Program {
  /** Where it is written, such as `src/codec/packets.ts.ts` or `README.md.41.js`. */
  readonly name: string
  /** The file of the documentation. */
  readonly file: string
  readonly lines: readonly ProgramLine[]
  readonly runs: boolean
}

/** The text of one `@example`, without the stars. */
interface DocExample {
  readonly lines: readonly ProgramLine[]
  readonly runs: boolean
}

/** What an example line says: some code and, if there is a comment behind it, what that code gives. */
interface Statement {
  readonly lines: readonly ProgramLine[]
  readonly value: string | undefined
}

const BLOCK = /^```(js|ts|yaml)\b([^\n]*)\n([\s\S]*?)^```\s*$/gm

/** The fenced blocks of a Markdown file that show code (`js`, `ts`) or a configuration (`yaml`), each a program of its own. */
export function blocksIn(file: string, markdown: string): Program[] {
  return [...markdown.matchAll(BLOCK)].map((match) => {
    const line = lineAt(markdown, match.index) + 1
    const text = match[3]!.trimEnd()
    const runs = !match[2]!.includes('no-run')
    if (match[1] === 'yaml') return configurationProgram(file, line, text, runs)
    return { name: `${file}.${line}.${match[1]}`, file, lines: codeLines(text, line), runs }
  })
}

/** A whole file that is an example: a program like a block, but only compiled, since it may run until it is stopped. */
export function fileProgram(file: string, text: string): Program {
  return { name: file, file, lines: codeLines(text.trimEnd(), 1), runs: false }
}

/** The last line makes a module of a program that imports nothing. */
function codeLines(text: string, line: number): ProgramLine[] {
  const lines = text.split('\n').map((one, index) => ({ text: one, line: line + index }))
  return [...lines, { text: 'export {}', line }]
}

/** Resolves the configuration as the program would; empty lines in front make its complaints name the page's lines. */
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

/** All `@example`s of one source file, as one program; without lines if there are none. */
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

/** An example as a function that is called at once, unless it is only to be compiled. */
function functionOf(file: string, example: DocExample, index: number): ProgramLine[] {
  const line = example.lines[0]?.line ?? 1
  return [
    { text: `async function example${index}(): Promise<void> {`, line },
    ...statementsOf(example.lines).flatMap((statement) => expectationOf(file, statement)),
    { text: '}', line },
    { text: example.runs ? `await example${index}()` : `void example${index}`, line },
  ]
}

/** Names that a module exports, types among them. */
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

/** An example goes from its tag to the next tag or the end of the comment. */
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

/** Cuts lines into statements: one goes on while a bracket is open, or the next line begins with a dot. */
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

/** The value in `value: explanation` or `value; explanation`; a colon inside brackets or a string belongs to the value. */
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

/** The comment of a declaration says what the new name holds; that of any other statement is prose. */
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

/** The expression alone: its comments and a semicolon at its end taken off. */
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
