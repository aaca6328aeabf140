/**
 * Environment variables in the values of a configuration file, written as shells and compose files write them:
 *
 *   ${NAME}              the variable; it is an error if it is not set
 *   ${NAME:-default}     the default if it is not set, or empty
 *   $${NAME}             the text ${NAME}
 *
 * Keys are not substituted. The text of a variable is never parsed as YAML, so it cannot add a key or end a list. A
 * value becomes a number if its option is one, quoted or not, because `{ … }` and `[ … ]` require quotes; the value of
 * a text option stays text. Keys of plugins have no type here: an unquoted variable whose text is a number or a boolean
 * becomes one.
 *
 * @module
 */
import type { Document, Node, Scalar } from 'yaml'
import { lazyPackage } from '../base/lazy-package.ts'
import { toKebab } from './option-spelling.ts'
import { optionTable, rowsOf } from './option-table.ts'
import type { OptionRow, OptionType, SectionName } from './option-table.ts'

const yaml = lazyPackage<typeof import('yaml')>('yaml')

export type Environment = Readonly<Record<string, string | undefined>>

/** An error in a variable. */
export interface VariableProblem {
  /** The path of the value, in canonical spelling. */
  readonly path: readonly string[]
  readonly message: string
  /** The offset of the value in the text. */
  readonly offset: number
}

const VARIABLE = /\$\$\{|\$\{([^}]*)(\}?)/g
const ONE_VARIABLE = /^\$\{[^}]*\}$/
const EXPRESSION = /^([A-Za-z_]\w*)(?::-(.*))?$/s
/** A text that YAML always reads as a number. */
const PLAIN_NUMBER = /^[-+]?(?:\d+(?:\.\d+)?|0x[\da-f]+)$/i
/** The name of a password file may be 1883. */
const TEXTS: ReadonlySet<OptionType> = new Set(['text', 'path', 'bind', 'websocket-path', 'url'])
const OPTION_KEYS: ReadonlySet<string> = new Set(optionTable.map(({ key }) => key))

/**
 * Substitutes the variables in the values of `document`.
 *
 * @param substitutedKeys gets the path of each value that had one, with dots
 * @returns the errors
 */
export function substituteVariables(
  document: Document,
  environment: Environment,
  substitutedKeys: Set<string>,
): VariableProblem[] {
  const problems: VariableProblem[] = []
  yaml().visit(document, {
    Scalar(key, node, ancestors) {
      if (key === 'key' || typeof node.value !== 'string' || !node.value.includes('${')) return
      const messages: string[] = []
      const text = substituted(node.value, environment, (message) => messages.push(message))
      const path = pathOf(node, ancestors as Node[])
      substitutedKeys.add(path.join('.'))
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
      report(`has ${written}, which is not a variable; write \${NAME} or \${NAME:-default}, or $\${ for a literal \${`)
      return written
    }
    const value = environment[name]
    if (standard !== undefined) return value === undefined || value === '' ? standard : value
    if (value !== undefined) return value
    report(`names the environment variable ${name}, which is not set; set it, or write \${${name}:-default}`)
    return written
  })
}

/** Whether a value that consists of variables is converted to a number or a boolean. */
function isReadAsYaml({ type }: Scalar, written: string, path: readonly string[]): boolean {
  const row = rowAt(path)
  const { PLAIN } = yaml().Scalar
  if (row === undefined) return type === PLAIN
  if (TEXTS.has(row.type)) return false
  return type === PLAIN || ONE_VARIABLE.test(written)
}

/** The option at this path; `undefined` for keys of plugins, and for entries of lists and maps. */
function rowAt(path: readonly string[]): OptionRow | undefined {
  const isNamed = path[0] === 'listeners' || path[0] === 'bridges'
  const scope =
    isNamed && path.length > 2
      ? [path[0]!.slice(0, -1), ...path.slice(2, -1)].join('.')
      : path.length === 1
        ? 'broker'
        : path.slice(0, -1).join('.')
  return rowsOf(scope as SectionName).find(({ key }) => key === path.at(-1))
}

function plainValue(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return PLAIN_NUMBER.test(text) ? Number(text) : text
}

/** The keys and list indexes that lead to a node. */
function pathOf(node: Node, ancestors: readonly Node[]): string[] {
  const { isAlias, isPair, isScalar } = yaml()
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
