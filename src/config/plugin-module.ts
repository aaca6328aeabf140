/**
 * A module that has a plugin: its factory, and the schema of its options, if it exports one.
 *
 * @module
 */
import { pathToFileURL } from 'node:url'
import { ConfigError, SluiceError } from '../base/errors.ts'
import type { PluginFactory } from '../access/plugin.ts'

/** What a plugin is made with. */
export interface PluginModule {
  readonly factory: PluginFactory
  readonly schema: StandardSchema | undefined
}

/** As much as is needed here of the Standard Schema interface, version 1, that schema libraries share. */
interface StandardSchema {
  readonly '~standard': {
    validate(value: unknown): SchemaResult | Promise<SchemaResult>
  }
}
interface SchemaResult {
  readonly value?: unknown
  readonly issues?: readonly SchemaIssue[] | undefined
}
interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** @throws {ConfigError} where the module cannot be imported, or has no factory */
export async function importPlugin(name: string, path: string): Promise<PluginModule> {
  const module = await attempt(
    `plugin ${name} cannot be loaded from ${path}`,
    () => import(pathToFileURL(path).href) as Promise<{ default?: unknown; optionsSchema?: unknown }>,
  )
  if (typeof module.default !== 'function')
    throw pluginRefusal(`plugin ${name}: ${path} has no factory as its default export`)
  return { factory: module.default as PluginFactory, schema: module.optionsSchema as StandardSchema | undefined }
}

/**
 * @returns the options as the schema makes them
 * @throws {ConfigError} with all that the schema finds wrong
 */
export async function validateOptions(
  title: string,
  schema: StandardSchema,
  options: unknown,
): Promise<Record<string, unknown>> {
  const result = await schema['~standard'].validate(options)
  if (result.issues === undefined) return result.value as Record<string, unknown>
  throw pluginRefusal(`plugin ${title}: ${result.issues.map(describeIssue).join('; ')}`)
}

function describeIssue({ path, message }: SchemaIssue): string {
  const keys = path?.map((step) => String(typeof step === 'object' ? step.key : step)) ?? []
  return keys.length > 0 ? `option ${keys.join('.')}: ${message}` : message
}

/** Our own errors say all that is needed; any other is named with what was going on. */
export async function attempt<Value>(what: string, act: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw pluginRefusal(`${what}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

/** `ERR_CONFIG_PLUGIN`. */
export function pluginRefusal(message: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_PLUGIN', message, { cause })
}
