/**
 * The parameters of an operation, from where HTTP has them: the path, the query, and a body in JSON. Their types are
 * those of the table; whether they are valid is checked by the operation itself.
 *
 * @module
 */
import { show } from '../../base/show.ts'
import type { ParameterRow } from '../operation.ts'
import { describe } from '../parameter-check.ts'
import { ParameterError } from '../parameter-error.ts'
import { Problem } from './problem.ts'
import type { FoundRoute } from './routes.ts'

type Rows = Readonly<Record<string, ParameterRow>>

/**
 * @param query without its question mark
 * @param body the value of the body; `undefined` if there is none
 * @throws {ParameterError} for one at the wrong place, twice, or not of its type
 */
export function requestParameters(route: FoundRoute, query: string, body: unknown): object {
  const rows = route.operation.parameters as Rows
  // Without a prototype, so that no name has a meaning of its own.
  const parameters = Object.create(null) as Record<string, unknown>
  for (const [name, value] of route.inPath) parameters[name] = value
  addQuery(route, rows, query, parameters)
  addBody(route, rows, body, parameters)
  return parameters
}

function addQuery({ name }: FoundRoute, rows: Rows, query: string, parameters: Record<string, unknown>): void {
  for (const [key, text] of new URLSearchParams(query)) {
    const row = placed(name, rows, key, 'query')
    const isList = row?.type === 'list'
    if (key in parameters && !isList) throw new ParameterError(`${name}: ${show(key)} is given twice`, key)
    const value = row === undefined ? text : ofText(name, key, text, row)
    parameters[key] = isList ? [...((parameters[key] ?? []) as unknown[]), ...(value as unknown[])] : value
  }
}

function addBody({ name }: FoundRoute, rows: Rows, body: unknown, parameters: Record<string, unknown>): void {
  if (body === undefined) return
  if (!isPlain(body)) {
    throw new Problem('ERR_JSON', `the body must be an object with the parameters of ${name}`)
  }
  for (const [key, value] of Object.entries(body)) {
    const row = placed(name, rows, key, 'body')
    parameters[key] = row === undefined ? value : ofJson(name, key, value, row)
  }
}

/** The row of a parameter; `undefined` for an unknown one, which the operation refuses. */
function placed(name: string, rows: Rows, key: string, place: ParameterRow['place']): ParameterRow | undefined {
  const row = Object.hasOwn(rows, key) ? rows[key] : undefined
  if (row === undefined || row.place === place) return row
  throw new ParameterError(`${name}: ${key} belongs in the ${row.place}, not in the ${place}`, key, describe(row))
}

/** Text that is not of its type stays text, which the operation refuses. */
function ofText(name: string, key: string, text: string, row: ParameterRow): unknown {
  if (row.type === 'integer') return /^-?\d{1,15}$/.test(text) ? Number(text) : text
  if (row.type === 'boolean') return text === 'true' ? true : text === 'false' ? false : text
  if (row.type === 'list') return text === '' ? [] : text.split(',')
  if (row.type === 'text') return text
  throw new ParameterError(`${name}: ${key} cannot be written in a query`, key, describe(row))
}

function ofJson(name: string, key: string, value: unknown, { type }: ParameterRow): unknown {
  if (type === 'payload') return isBase64(value) ? bytesOf(name, key, value.base64) : value
  if (type !== 'object' || !isPlain(value) || key === 'configuration') return value
  return Object.fromEntries(
    Object.entries(value).map(([inner, one]) => [
      inner,
      isBase64(one) ? bytesOf(name, `${key}.${inner}`, one.base64) : one,
    ]),
  )
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** How JSON has bytes: `{ "base64": "AAEC" }`. */
function isBase64(value: unknown): value is { readonly base64: string } {
  return isPlain(value) && Object.keys(value).length === 1 && typeof value['base64'] === 'string'
}

function bytesOf(name: string, key: string, base64: string): Uint8Array {
  const bytes = Buffer.from(base64, 'base64')
  if (bytes.toString('base64').replaceAll('=', '') === base64.replaceAll('=', '')) return bytes
  throw new ParameterError(`${name}: ${key} is not Base64: ${show(base64)}`, key, 'bytes in Base64')
}
