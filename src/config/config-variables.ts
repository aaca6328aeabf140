/**
 * Environment variables in the values of a configuration file, written as shells and compose files write them:
 *
 *   ${NAME}              the variable; it is a mistake if it is not set
 *   ${NAME:-default}     the default if it is not set, or empty
 *   $${NAME}             the text ${NAME}
 *
 * Keys are left as they are. The text of a variable never becomes YAML: it cannot add a key or end a list. A value becomes a number
 * where its option is one, with and without quotes, because `{ … }` and `[ … ]` demand quotes; a text option stays text. Keys of
 * plugins have no type here: without quotes, a number or a boolean that comes out of a variable is one.
 *
 * @module
 */
import { isAlias, isPair, isScalar, Scalar, visit } from 'yaml'
import type { Document, Node } from 'yaml'
import { toKebab } from './option-spelling.ts'
import { optionTable, rowsOf } from './option-table.ts'
import type { OptionRow, OptionType, SectionName } from './option-table.ts'

export type Environment = Readonly<Record<string, string | undefined>>

/** Something is wrong with a variable. */
export interface VariableProblem {
  /** Of the value, in canonical spelling. */
  readonly path: readonly string[]
  readonly message: string
  /** Of the value, in the text. */
  readonly offset: number
}

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g
const ONE_VARIABLE = /^\$\{[^}]*\}$/
const EXPRESSION = /^([A-Za-z_]\w*)(?::-(.*))?$/s
/** What YAML reads as a number or a boolean, and as nothing else. */
const PLAIN_NUMBER = /^[-+]?(?:\d+(?:\.\d+)?|0x[\da-f]+)$/i
/** A password file may be called 1883. */
const TEXTS: ReadonlySet<OptionType> = new Set(['text', 'path', 'bind', 'websocket-path', 'url'])
const OPTION_KEYS: ReadonlySet<string> = new Set(optionTable.map(({ key }) => key))

/** Puts the variables into the values of `document`. @returns what is wrong with them */
export function substituteVariables(document: Document, environment: Environment): VariableProblem[] {
  const problems: VariableProblem[] = []
  visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const messages: string[] = []
      const text = substituted(node.value, environment, (message) => messages.push(message))
      const path = pathOf(node, ancestors as Node[])
      node.value = isReadAsYaml(node, node.value, path) ? plainValue(text) : text
      const offset = node.range?.[0] ?? 0
      if (messages.length > 0) problems.push({ path, message: messages.join('; '), offset })
    },
  })
  return problems
}

function substituted(text: string, environment: Environment, report: (message: string) => void): string {
  return text.replaceAll(VARIABLE, (written, expression: string | undefined, end: string) => {
    if (expression === undefined) return '${'
    const [, name, standard] = EXPRESSION.exec(expression) ?? []
    if (end === '' || name === undefined) {
      report(
        `has ${written}, which is no variable; write \${NAME} or \${NAME:-default}, and $\${ for the signs themselves`,
      )
      return written
    }
    const value = environment[name]
    if (standard !== undefined) return value === undefined || value === '' ? standard : value
    if (value !== undefined) return value
    report(`names the environment variable ${name}, which is not set; set it, or write \${${name}:-default}`)
    return written
  })
}

/** Whether a number or a boolean that comes out of the variables is one. */
function isReadAsYaml({ type }: Scalar, written: string, path: readonly string[]): boolean {
  const row = rowAt(path)
  if (row === undefined) return type === Scalar.PLAIN
  if (TEXTS.has(row.type)) return false
  return type === Scalar.PLAIN || ONE_VARIABLE.test(written)
}

/** The option that has this path; `undefined` for what belongs to a plugin, and for entries of lists and maps. */
function rowAt(path: readonly string[]): OptionRow | undefined {
  const isListener = path[0] === 'listeners' && path.length === 3
  const scope = isListener ? 'listener' : path.length === 1 ? 'broker' : path.slice(0, -1).join('.')
  return rowsOf(scope as SectionName).find(({ key }) => key === path.at(-1))
}

function plainValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return PLAIN_NUMBER.test(text) ? Number(text) : text
}

/** Names of the keys and numbers of the entries that lead to a node. */
function pathOf(node: Node, ancestors: readonly Node[]): string[] {
  const nodes = [...ancestors, node]
  return nodes.flatMap((each, index): string[] => {
    if (isPair(each)) return isScalar(each.key) ? [canonical(String(each.key.value))] : []
    const parent = nodes[index - 1]
    if (parent === undefined || !('items' in parent) || isAlias(each)) return []
    return [String((parent.items as unknown[]).indexOf(each))]
  })
}

function canonical(key: string): string {
  return OPTION_KEYS.has(toKebab(key)) ? toKebab(key) : key
}
