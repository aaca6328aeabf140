/** The options of a command, from the parameters of its operation, and back. @module */
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { ParameterRow } from '../../admin/operation.ts'
import { operationTable } from '../../admin/operation-table.ts'
import { toKebab } from '../../config/option-spelling.ts'
import type { Call, CommandOption } from '../command.ts'
import { askPassword, type PasswordPrompt } from '../password-prompt.ts'
import type { Item } from './layout.ts'
import type { OperatorRow, Positional } from './operator-row.ts'

/** Parameters that a command handles itself. */
const OWN: ReadonlySet<string> = new Set(['cursor', 'limit', 'fields', 'configuration'])

function rowsOf({ operation }: Pick<OperatorRow, 'operation'>): [string, ParameterRow][] {
  return Object.entries(operationTable[operation].parameters)
}

const isOwn = ({ preset, positionals = [] }: OperatorRow, name: string): boolean =>
  OWN.has(name) || Object.hasOwn(preset ?? {}, name) || positionals.some(({ parameter }) => parameter === name)

/** An option for each parameter that has no place on the command line of its own. */
export function optionsOf(row: OperatorRow): Record<string, CommandOption> {
  const options: Record<string, CommandOption> = {}
  for (const [name, parameter] of rowsOf(row)) {
    if (!isOwn(row, name)) options[toKebab(name)] = optionOf(parameter)
  }
  return options
}

function optionOf(parameter: ParameterRow): CommandOption {
  const { type, place, required, values, isSecret } = parameter
  if (isSecret) return { description: 'asks for a new one; if standard input is no terminal, its first line is taken' }
  return {
    value: type === 'list' && place === 'body' ? 'A,B|JSON' : (VALUES[type] ?? 'TEXT'),
    ...(required && { isRequired: true as const }),
    ...(type === 'text' && values !== undefined && { values: values.map(String) }),
    ...(place === 'body' && (type === 'text' || type === 'list') && { mayBeEmpty: true as const }),
    description: descriptionOf(parameter),
  }
}

const VALUES: Readonly<Partial<Record<ParameterRow['type'], string>>> = { integer: 'N', boolean: 'yes|no', list: 'A,B' }

function descriptionOf({ description }: ParameterRow): string {
  const [first = '', ...rest] = description.replace(/\.$/, '')
  return `${first.toLowerCase()}${rest.join('')}`
}

/**
 * The parameters that a command line gives, without passwords.
 *
 * @throws {UsageError} for a value that is not of its type, and for a file that cannot be read
 */
export function parametersOf(row: OperatorRow, { options, positionals }: Pick<Call, 'options' | 'positionals'>): Item {
  const parameters: Record<string, unknown> = { ...row.preset }
  for (const [at, positional] of (row.positionals ?? []).entries()) {
    const given = positionals[at]
    if (given === undefined) continue
    const { type, values } = rowOf(row, positional.parameter)
    if (type === 'text') checkValue(positional.name, given, values)
    parameters[positional.parameter] = positionalValue(positional, given, options['url'] === undefined)
  }
  for (const [name, parameter] of rowsOf(row)) {
    const written = isOwn(row, name) || parameter.isSecret ? undefined : options[toKebab(name)]
    if (written !== undefined) parameters[name] = typed(toKebab(name), written, parameter)
  }
  const fields = hasFields(row) ? options['fields'] : undefined
  if (fields !== undefined) parameters['fields'] = checkedFields(row, fields)
  return parameters
}

function rowOf(row: OperatorRow, parameter: string): ParameterRow {
  return rowsOf(row).find(([name]) => name === parameter)![1]
}

/** @param isHere whether the broker is on this machine, where paths are known */
function positionalValue({ isPath, isJsonFile }: Positional, given: string, isHere: boolean): unknown {
  if (isJsonFile) return jsonOfFile(given)
  return isPath && isHere ? resolve(given) : given
}

function jsonOfFile(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'))
  } catch (error) {
    // The message of the parser quotes the file, which may have credentials.
    const reason = error instanceof SyntaxError ? 'is not JSON' : `cannot be read: ${(error as Error).message}`
    throw new UsageError(`${path} ${reason}.`)
  }
}

function checkValue(name: string, given: string, values: ParameterRow['values']): void {
  if (values === undefined || values.includes(given)) return
  throw new UsageError(`${name} must be one of ${values.join(', ')}, got ${given}.`)
}

/** Whether it has a parameter that is a password. */
export function takesSecret(row: OperatorRow): boolean {
  return rowsOf(row).some(([, { isSecret }]) => isSecret)
}

/** Asks for the passwords that a command line announces. */
export async function secretsOf(row: OperatorRow, call: Call, prompt: PasswordPrompt): Promise<Item> {
  const secrets: Record<string, unknown> = {}
  for (const [name, { isSecret }] of rowsOf(row)) {
    if (!isSecret || call.options[toKebab(name)] === undefined) continue
    secrets[name] = await askPassword(call.positionals[0] ?? '', prompt)
  }
  return secrets
}

/** Parameters as a program reads them back, without contents of files. */
export function plainOf(row: OperatorRow, parameters: Item): Item {
  return Object.fromEntries(Object.entries(parameters).filter(([name]) => rowOf(row, name).type !== 'object'))
}

function typed(option: string, written: string, { type, minimum, maximum }: ParameterRow): unknown {
  if (type === 'integer') {
    const value = Number(written)
    if (Number.isInteger(value) && value >= (minimum ?? -Infinity) && value <= (maximum ?? Infinity)) return value
    const range = minimum === undefined ? '' : ` from ${minimum} to ${maximum}`
    throw new UsageError(`--${option} must be a whole number${range}, got ${written}.`)
  }
  if (type === 'boolean') {
    if (written === 'yes' || written === 'no') return written === 'yes'
    throw new UsageError(`--${option} must be yes or no, got ${written}.`)
  }
  return type === 'list' ? listOf(option, written) : written
}

/** Names, or a list in JSON where its entries are more than names. */
function listOf(option: string, written: string): unknown {
  if (written === '') return []
  if (!written.startsWith('[')) return written.split(',')
  try {
    return JSON.parse(written)
  } catch {
    throw new UsageError(`--${option} begins like a list in JSON, but is none: ${written}`)
  }
}

/** The broker would refuse a wrong one, too; here the nearest is named before it is asked. */
function checkedFields(row: OperatorRow, written: string): string[] {
  const known = (rowsOf(row).find(([name]) => name === 'fields')?.[1].values ?? []).map(String)
  const fields = written.split(',').map((field) => field.trim())
  const wrong = fields.find((field) => !known.includes(field))
  if (wrong === undefined) return fields
  const near = nearest(wrong, known)
  const hint = near === undefined ? `the fields are ${known.join(', ')}` : `did you mean ${near}?`
  throw new UsageError(`--fields: there is no field ${wrong}; ${hint}`)
}

/** Whether the operation can leave out fields. */
export function hasFields(row: Pick<OperatorRow, 'operation'>): boolean {
  return rowsOf(row).some(([name]) => name === 'fields')
}

/** Whether the operation returns a list in pages, or one of a limited length. */
export function isList({ operation }: Pick<OperatorRow, 'operation'>): boolean {
  return operationTable[operation].answer.startsWith('Page<')
}
