/**
 * Reads a configuration file (YAML 1.2, with merge keys) as plain values, and remembers the place of each.
 *
 * @module
 */
import { dirname, resolve } from 'node:path'
import type { Alias, Document, Node, YAMLError } from 'yaml'
import { ConfigError } from '../base/errors.ts'
import type { ConfigProblem } from '../base/errors.ts'
import { lazyPackage } from '../base/lazy-package.ts'
import { substituteVariables } from './config-variables.ts'
import type { Environment } from './config-variables.ts'
import { toKebab } from './option-spelling.ts'
import { nearest } from '../base/nearest.ts'
import { optionTable } from './option-table.ts'
import { formatProblem } from './config-problems.ts'
import type { ConfigSource } from './config-problems.ts'
import { readTextSync } from './text-file.ts'

const yaml = lazyPackage<typeof import('yaml')>('yaml')

export interface ConfigFile {
  readonly input: unknown
  readonly source: ConfigSource
}

/**
 * Reads a configuration file. Its keys are not interpreted here: `resolveOptions(input, source)` does that.
 *
 * @throws {ConfigError} `ERR_CONFIG` if the file cannot be read or is not YAML
 */
export function loadConfigFile(path: string, environment: Environment = process.env): ConfigFile {
  let text: string
  try {
    text = readTextSync(path)
  } catch (cause) {
    if (cause instanceof ConfigError) {
      const message = `In the configuration file ${path}, ${cause.message}.`
      throw new ConfigError('ERR_CONFIG', message, {
        cause,
        problems: [{ path: '', file: path, message: cause.message }],
      })
    }
    const { code } = cause as NodeJS.ErrnoException
    const problem = READ_FAILURES[code ?? ''] ?? `cannot be read (${code})`
    const message = `The configuration file ${path} ${problem}.`
    throw new ConfigError('ERR_CONFIG', message, { cause, problems: [{ path: '', file: path, message: problem }] })
  }
  return parseConfig(text, path, environment)
}

const READ_FAILURES: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder, not a file',
}

/**
 * The same for a text in memory.
 *
 * @param file its name in messages; relative paths refer to its folder
 * @param environment the values of `${NAME}`
 *
 * @throws {ConfigError} `ERR_CONFIG` if it is not YAML
 */
export function parseConfig(text: string, file: string, environment: Environment = process.env): ConfigFile {
  const { LineCounter, parseDocument } = yaml()
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false, merge: true })
  const isDouble = (error: YAMLError) => error.code === 'DUPLICATE_KEY'
  const problemAt: ProblemAt = (path, message, at) => {
    const { line, col } = lines.linePos(at)
    return { path, file, line, column: col, message }
  }

  const broken = document.errors.filter((error) => !isDouble(error))
  if (broken.length > 0) throw notYaml(brokenYaml(broken, text, problemAt))
  const variables = new Set<string>()
  const problems = substituteVariables(document, environment, variables).map(({ path, message, offset }) =>
    problemAt(path.join('.'), message, offset),
  )
  let input: unknown
  try {
    input = document.toJS() ?? {}
  } catch (cause) {
    const alias = unresolvedAlias(document)
    const message = `is not valid YAML: ${(cause as Error).message}${alias === undefined ? '' : aliasHint(alias)}`
    const at = alias?.range?.[0]
    throw notYaml([at === undefined ? { path: '', file, message } : problemAt('', message, at)])
  }
  const doubles = document.errors.filter(isDouble).map((error) => {
    const path = pathAt(document.contents as Node | null, error.pos[0]) ?? []
    return problemAt(path.join('.'), doubleMessage(path.at(-1) ?? ''), error.pos[0])
  })
  const source: ConfigSource = {
    file,
    folder: dirname(resolve(file)),
    problems: [...doubles, ...problems],
    locate: (path, part) => {
      const offset = find(document, path, part)
      if (offset === undefined) return undefined
      const { line, col } = lines.linePos(offset)
      return { line, column: col }
    },
    origin: (path) => {
      if (!hasKey(document, path)) return undefined
      return variables.has(path.join('.')) ? 'environment' : 'file'
    },
  }
  return { input, source }
}

function notYaml(problems: readonly ConfigProblem[]): ConfigError {
  return new ConfigError('ERR_CONFIG', problems.map(formatProblem).join('\n'), { problems })
}

function doubleMessage(key: string): string {
  const others = optionTable.map((row) => row.key).filter((other) => other !== toKebab(key))
  const meant = nearest(toKebab(key), others)
  return `appears twice in this section; ${meant === undefined ? 'remove one of them' : `did you mean \`${meant}\` for one of them?`}`
}

/** `*` begins an alias unless quoted. */
const BIND_LIST = /bind["']?[ \t]*:[ \t]*\[/
const BIND_ALIAS = /^[ \t]*bind[ \t]*:[ \t]*\*:?\d/m
const BIND_ALIAS_HINT = "; an address that begins with * needs quotes: bind: '*:1883', or bind: :1883"
const ALIAS_HINT = '; a value that begins with * needs quotes, unless it refers to an &anchor'

/** The first alias without an anchor: the parser's own error has no position. */
function unresolvedAlias(document: Document): Alias | undefined {
  let found: Alias | undefined
  const { visit } = yaml()
  visit(document, {
    Alias(_key, node) {
      if (node.resolve(document) !== undefined) return
      found = node
      return visit.BREAK
    },
  })
  return found
}

function aliasHint({ source }: Alias): string {
  return /^:?\d/.test(source) ? BIND_ALIAS_HINT : ALIAS_HINT
}

type ProblemAt = (path: string, message: string, at: number) => ConfigProblem

/** The parser's errors. Those after an unquoted variable in `{ … }` or `[ … ]` are only consequences of it. */
function brokenYaml(errors: readonly YAMLError[], text: string, problemAt: ProblemAt): ConfigProblem[] {
  const variable = errors.findIndex(({ pos }) => text.startsWith('${', pos[0] - 1))
  const shown = variable === -1 ? errors : errors.slice(0, variable)
  const problems = shown.map((error) => problemAt('', yamlMessage(error, text), error.pos[0]))
  if (variable === -1) return problems
  const at = errors[variable]!.pos[0] - 1
  const [written = '${'] = /^\$\{[^}\n]*\}?/.exec(text.slice(at)) ?? []
  const message = `is not valid YAML: inside { … } and [ … ], a value with ${written} needs quotes, such as "${written}"`
  return [...problems, problemAt('', `${message}; its value may still be a number or a boolean`, at)]
}

/** The parser's message, with a hint for a trap of our own syntax: `[::1]:1883` begins a list unless quoted. */
function yamlMessage(error: YAMLError, text: string): string {
  const lineStart = text.lastIndexOf('\n', error.pos[0]) + 1
  const line = text.slice(lineStart).split('\n', 1)[0]!
  const hint = BIND_ALIAS.test(line)
    ? BIND_ALIAS_HINT
    : BIND_LIST.test(line)
      ? "; an IPv6 address needs quotes: bind: '[::1]:1883'"
      : ''
  return `is not valid YAML: ${error.message}${hint}`
}

/** The offset of the key or value at `path`, or of the nearest enclosing section that exists. */
function find(document: Document, path: readonly string[], part: 'key' | 'value'): number | undefined {
  let node = document.contents as Node | null
  let found = offsetOf(node)
  for (const [depth, name] of path.entries()) {
    const child = childOf(document, node, name)
    if (child === undefined) return found
    const key = offsetOf(child.key)
    const value = offsetOf(child.value)
    found = (part === 'key' || depth < path.length - 1 ? key : value) ?? key ?? value ?? found
    node = child.value
  }
  return found
}

function hasKey(document: Document, path: readonly string[]): boolean {
  let node = document.contents as Node | null
  return path.every((name) => {
    const child = childOf(document, node, name)
    node = child?.value ?? null
    return child !== undefined
  })
}

/** Where a node begins; `undefined` for an empty value. */
function offsetOf(node: Node | null): number | undefined {
  const [start, end] = node?.range ?? []
  return start === end ? undefined : start
}

/** The path of the key that begins at `offset`. */
function pathAt(node: Node | null, offset: number): string[] | undefined {
  if (!yaml().isMap(node)) return undefined
  for (const { key, value } of node.items) {
    const name = String(key)
    if (offsetOf(key as Node | null) === offset) return [name]
    const inner = pathAt(value as Node | null, offset)
    if (inner !== undefined) return [name, ...inner]
  }
  return undefined
}

interface Child {
  readonly key: Node | null
  readonly value: Node | null
}

/** A merged section (`<<: *base`) counts if the section has no key of that name itself. */
function childOf(document: Document, parent: Node | null, name: string): Child | undefined {
  const { isMap, isSeq } = yaml()
  const node = resolved(document, parent)
  if (isSeq(node)) {
    const value = node.items[Number(name)] as Node | undefined
    return value === undefined ? undefined : { key: null, value }
  }
  if (!isMap(node)) return undefined
  const pair =
    node.items.find(({ key }) => keyText(key) === name) ??
    node.items.find(({ key }) => toKebab(keyText(key) ?? '') === name)
  if (pair !== undefined) return { key: pair.key as Node | null, value: pair.value as Node | null }
  for (const { key, value } of node.items) {
    if (keyText(key) !== '<<') continue
    const merged = resolved(document, value as Node | null)
    for (const source of isSeq(merged) ? (merged.items as Node[]) : [merged]) {
      const child = childOf(document, source, name)
      if (child !== undefined) return child
    }
  }
  return undefined
}

/** The parser has a symbol for the merge key. */
function keyText(key: unknown): string | undefined {
  if (!yaml().isScalar(key)) return undefined
  return typeof key.value === 'symbol' ? key.value.description : String(key.value)
}

function resolved(document: Document, node: Node | null): Node | null {
  return yaml().isAlias(node) ? (node.resolve(document) ?? null) : node
}
