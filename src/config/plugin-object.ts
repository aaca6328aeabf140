/** Whether something is a plugin, and has what a plugin has: it may come from plain JavaScript. @module */
import { types } from 'node:util'
import { ConfigError } from '../base/errors.ts'
import { kindOf } from '../base/thrown.ts'
import type { Plugin } from '../access/plugin.ts'

const METHODS = [
  'authenticate',
  'mayStay',
  'mayPublish',
  'maySubscribe',
  'mayReceive',
  'intercept',
  'transformDelivery',
  'explain',
  'close',
] as const satisfies readonly (keyof Plugin)[]

/** What has a name passes for a plugin. */
export function isPlugin(value: unknown): value is Plugin {
  // One that throws at every look has none.
  if (typeof value !== 'object' || value === null || types.isProxy(value)) return false
  return 'name' in value && typeof value.name === 'string'
}

/**
 * @throws {ConfigError} naming the first thing that a plugin cannot have; and what the plugin throws when it is read
 */
export function mustBePlugin(title: string, plugin: Plugin): void {
  for (const method of METHODS) {
    const value: unknown = plugin[method]
    if (value !== undefined && typeof value !== 'function') throw wrong(title, method, 'a function', kindOf(value))
  }
  const stable: unknown = plugin.stable
  if (stable !== undefined && typeof stable !== 'boolean') throw wrong(title, 'stable', 'true or false', kindOf(stable))
  const checks: unknown = plugin.maxLoginChecks
  if (checks === undefined || checks === Infinity || (Number.isInteger(checks) && (checks as number) >= 1)) return
  throw wrong(title, 'maxLoginChecks', 'a whole number from 1', typeof checks === 'number' ? checks : kindOf(checks))
}

/** Whether a plugin of the section `intercept` sees messages; by a slip in the name of a method, it sees none. */
export function intercepts(plugin: Plugin): boolean {
  return plugin.intercept !== undefined || plugin.transformDelivery !== undefined
}

function wrong(title: string, what: string, kind: string, got: string | number): ConfigError {
  return pluginRefusal(`plugin ${title}: ${what} must be ${kind}, got ${got}`)
}

/** `ERR_CONFIG_PLUGIN`. */
export function pluginRefusal(message: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_PLUGIN', message, { cause })
}
