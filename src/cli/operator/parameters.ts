/** The options of a command, from the parameters of its operation, and back. @module */
import { resolve } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import type { ParameterRow } from '../../admin/operation.ts'
import { operationTable } from '../../admin/operation-table.ts'
import { toKebab } from '../../config/option-spelling.ts'
import type { Call, CommandOption } from '../command.ts'
import type { Item } from './layout.ts'
import type { OperatorRow } from './operator-table.ts'

/** Parameters that a command handles itself. */
const OWN: ReadonlySet<string> = new Set(['cursor', 'limit', 'fields', 'configuration'])

function rowsOf({ operation }: Pick<OperatorRow, 'operation'>): [string, ParameterRow][] {
  return Object.entries(operationTable[operation].parameters)
}

/** An option for each parameter that has no place on the command line of its own. */
export function optionsOf(row: OperatorRow): Record<string, CommandOption> {
  const options: Record<string, CommandOption> = {}
  for (const [name, parameter] of rowsOf(row)) {
    if (OWN.has(name) || name === row.positional?.parameter) continue
    options[toKebab(name)] = {
      value: VALUES[parameter.type] ?? 'TEXT',
      ...(parameter.required && { isRequired: true as const }),
      description: descriptionOf(parameter),
    }
  }
  return options
}

const VALUES: Readonly<Partial<Record<ParameterRow['type'], string>>> = { integer: 'N', boolean: 'yes|no', list: 'A,B' }

function descriptionOf({ description }: ParameterRow): string {
  const [first = '', ...rest] = description.replace(/\.$/, '')
  return `${first.toLowerCase()}${rest.join('')}`
}

/** The parameters that a command line gives. @throws {UsageError} for a value that is not of its type */
export function parametersOf(row: OperatorRow, { options, positionals }: Pick<Call, 'options' | 'positionals'>): Item {
  const parameters: Record<string, unknown> = { ...row.preset }
  const [given] = positionals
  if (row.positional !== undefined && given !== undefined) {
    const isOurs = row.positional.isPath === true && options['url'] === undefined
    parameters[row.positional.parameter] = isOurs ? resolve(given) : given
  }
  for (const [name, parameter] of rowsOf(row)) {
    const written = OWN.has(name) ? undefined : options[toKebab(name)]
    if (written !== undefined) parameters[name] = typed(toKebab(name), written, parameter)
  }
  const fields = options['fields']
  if (fields !== undefined) parameters['fields'] = checkedFields(row, fields)
  return parameters
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
  return type === 'list' ? written.split(',') : written
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

/** Whether the operation returns a list in pages, or one of a limited length. */
export function isList({ operation }: Pick<OperatorRow, 'operation'>): boolean {
  return operationTable[operation].answer.startsWith('Page<')
}
