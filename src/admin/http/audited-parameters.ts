/** What the audit log shows of the parameters of an action: no payloads, no configuration, no bytes. @module */
import { types } from 'node:util'

/** Shown without their values. */
const HIDDEN: ReadonlySet<string> = new Set(['payload', 'configuration', 'properties', 'password'])

export function auditedParameters(parameters: object): object {
  return Object.fromEntries(Object.entries(parameters).map(([name, value]) => [name, shown(name, value)]))
}

function shown(name: string, value: unknown): unknown {
  if (!HIDDEN.has(name)) return value
  if (typeof value === 'string') return `(${Buffer.byteLength(value)} bytes)`
  return types.isUint8Array(value) ? `(${value.length} bytes)` : '(hidden)'
}
