/**
 * The configuration in force, without secrets: what the table of options marks as secret, and the options of plugins,
 * which are the plugins' own. URLs cannot hold any: one with a password is refused.
 *
 * @module
 */
import { toCamel } from '../../config/option-spelling.ts'
import { optionTable } from '../../config/option-table.ts'
import type { Options } from '../../config/options.ts'

const HIDDEN = '(hidden)'

const secretKeys: ReadonlySet<string> = new Set(
  optionTable.flatMap(({ key, secret }) => (secret === true ? [toCamel(key)] : [])),
)

/** Plain values, as JSON has them. */
export function configurationOf(options: Options): Readonly<Record<string, unknown>> {
  return section(options as unknown as Readonly<Record<string, unknown>>)
}

function section(values: Readonly<Record<string, unknown>>): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [key, value] of Object.entries(values)) {
    if (value === undefined) continue
    if (secretKeys.has(key)) shown[key] = HIDDEN
    else if (key === 'plugins' && Array.isArray(value)) shown[key] = value.map(pluginName)
    else shown[key] = shownValue(value)
  }
  return shown
}

function shownValue(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(shownValue)
  if (typeof value === 'function') return '(function)'
  if (typeof value !== 'object' || value === null) return value
  // A section, or a list by names; anything else is an object of the program.
  const prototype: unknown = Object.getPrototypeOf(value)
  const isPlain = prototype === Object.prototype || prototype === null
  return isPlain ? section(value as Readonly<Record<string, unknown>>) : '(object)'
}

/** A name, a plugin, or a plugin with options: by its name alone. */
function pluginName(reference: unknown): unknown {
  if (typeof reference === 'string') return reference
  if (typeof reference === 'function') return reference.name
  const { name, plugin } = (reference ?? {}) as { readonly name?: unknown; readonly plugin?: unknown }
  if (typeof name === 'string') return name
  return plugin === undefined ? '(plugin)' : pluginName(plugin)
}
