/**
 * What the audit log shows of the parameters of an action: the values of those whose type is plain. Objects
 * (properties, a configuration, a file of users) and payloads may hold secrets; so may a parameter that does not exist,
 * because it may be a password under a mistyped name.
 *
 * @module
 */
import { types } from 'node:util'
import type { Operation, ParameterRow, ParameterType } from '../operation.ts'

/** Of these types nothing is shown. */
const HIDDEN_TYPES: ReadonlySet<ParameterType> = new Set(['payload', 'object'])

export function auditedParameters({ parameters: known }: Operation, parameters: object): object {
  const rows = known as Readonly<Record<string, ParameterRow>>
  return Object.fromEntries(
    Object.entries(parameters).map(([name, value]) => {
      const row = Object.hasOwn(rows, name) ? rows[name] : undefined
      const isShown = row !== undefined && !HIDDEN_TYPES.has(row.type) && row.isSecret !== true
      return [name, isShown ? value : hidden(value, row?.type)]
    }),
  )
}

/** The length of a payload is worth a look; that of a password would help to guess it. */
function hidden(value: unknown, type: ParameterType | undefined): string {
  if (type !== 'payload') return '(hidden)'
  if (typeof value === 'string') return `(${Buffer.byteLength(value)} bytes)`
  return types.isUint8Array(value) ? `(${value.length} bytes)` : '(hidden)'
}
