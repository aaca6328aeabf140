/** The parameters of an operation, checked against its rows of the table. @module */
import { types } from 'node:util'
import { UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { show } from '../base/show.ts'
import type { AdminParameters, OperationName } from '../broker/host/admin.ts'
import type { ParameterRow, ParameterType } from './operation.ts'
import { ParameterError } from './parameter-error.ts'
import { operationTable } from './operation-table.ts'

/** What a value has to be, in words, and whether it is. */
const TYPES: Readonly<Record<ParameterType, readonly [words: string, fits: (value: unknown) => boolean]>> = {
  text: ['a string', (value) => typeof value === 'string'],
  integer: ['a whole number', (value) => Number.isInteger(value)],
  boolean: ['true or false', (value) => typeof value === 'boolean'],
  list: ['a list', (value) => Array.isArray(value)],
  object: ['an object', (value) => typeof value === 'object' && value !== null && !Array.isArray(value)],
  payload: ['a string or a Uint8Array', (value) => typeof value === 'string' || types.isUint8Array(value)],
}

/**
 * @returns the parameters as they are; `undefined` counts as not given
 * @throws {ParameterError} for one that is unknown, missing or not valid: it names the parameter, the value and what it
 *   may be
 */
export function checkParameters<Name extends OperationName>(name: Name, given: unknown): AdminParameters[Name] {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new UsageError(`${name} takes an object of parameters, got ${show(given)}`)
  }
  const rows: Readonly<Record<string, ParameterRow>> = operationTable[name].parameters
  for (const [key, value] of Object.entries(given)) {
    const row = Object.hasOwn(rows, key) ? rows[key] : undefined
    if (row === undefined) throw unknown(name, key, Object.keys(rows))
    const problem = value === undefined ? undefined : problemOf(value, row)
    if (problem !== undefined) throw new ParameterError(`${name}: ${key} must be ${problem}`, key, describe(row))
  }
  for (const [key, row] of Object.entries(rows)) {
    if (row.required && (given as Record<string, unknown>)[key] === undefined) {
      throw new ParameterError(`${name}: ${key} is missing`, key, describe(row))
    }
  }
  return given as AdminParameters[Name]
}

function unknown(name: string, key: string, known: readonly string[]): ParameterError {
  const near = nearest(key, known)
  const hint = near === undefined ? `it has ${known.join(', ') || 'none'}` : `did you mean ${near}?`
  return new ParameterError(`${name} has no parameter ${show(key)}; ${hint}`, key)
}

/** What a parameter must be, in words. */
export function describe({ type, values, minimum, maximum }: ParameterRow): string {
  if (values !== undefined) return `${type === 'list' ? 'a list of ' : 'one of '}${values.join(', ')}`
  const range = minimum === undefined && maximum === undefined ? '' : ` from ${minimum} to ${maximum}`
  return TYPES[type][0] + range
}

/** @returns what it must be; `undefined` where it is */
function problemOf(value: unknown, row: ParameterRow): string | undefined {
  const [words, fits] = TYPES[row.type]
  if (!fits(value)) return `${words}, got ${show(value)}`
  const { values, minimum = -Infinity, maximum = Infinity } = row
  if (row.type === 'integer' && ((value as number) < minimum || (value as number) > maximum)) {
    return `from ${minimum} to ${maximum}, got ${show(value)}`
  }
  if (values === undefined) return undefined
  const wrong = (row.type === 'list' ? (value as unknown[]) : [value]).find((one) => !values.includes(one as string))
  return wrong === undefined ? undefined : `one of ${values.join(', ')}; got ${show(wrong)}`
}
