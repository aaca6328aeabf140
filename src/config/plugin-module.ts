/**
 * Loads a module that contains a plugin: its factory and, if exported, the schema of its options.
 *
 * @module
 */
import { pathToFileURL } from 'node:url'
import type { PluginFactory } from '../access/plugin.ts'
import { pluginRefusal } from './plugin-object.ts'
import type { PluginStarts } from './plugin-starts.ts'

/** The contents of a plugin module. */
export interface PluginModule {
  readonly factory: PluginFactory
  readonly schema: StandardSchema | undefined
  /** Whether it is one of the built-in plugins. */
  readonly isShipped?: true
}

/** The part of the Standard Schema interface, version 1, that is used here. */
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

/** @throws {ConfigError} if the module cannot be imported in time, or has no factory */
export async function importPlugin(name: string, path: string, starts: PluginStarts): Promise<PluginModule> {
  const module = await starts.run(name, `cannot be loaded from ${path}`, async () => {
    try {
      return (await import(pathToFileURL(path).href)) as { default?: unknown; optionsSchema?: unknown }
    } catch (error) {
      // Node does not say where, neither in the message nor in the stack; it does when it runs the file itself.
      if (error instanceof SyntaxError)
        throw new SyntaxError(`${error.message}; \`node ${path}\` shows where`, { cause: error })
      throw error
    }
  })
  if (typeof module.default !== 'function')
    throw pluginRefusal(
      `plugin ${name}: ${path} has no factory as its default export, such as \`export default (context) => ({ name: 'mine' })\``,
    )
  return { factory: module.default as PluginFactory, schema: module.optionsSchema as StandardSchema | undefined }
}

/**
 * @returns the options as converted by the schema
 * @throws {ConfigError} with all problems that the schema finds
 */
export async function validateOptions(
  title: string,
  schema: StandardSchema,
  options: unknown,
  starts: PluginStarts,
): Promise<Record<string, unknown>> {
  const result = await starts.run(title, 'cannot check its options', async () => {
    const { issues, value } = await schema['~standard'].validate(options)
    return issues === undefined ? { value } : { problem: issues.map(describeIssue).join('; ') }
  })
  if (result.problem !== undefined) throw pluginRefusal(`plugin ${title}: ${result.problem}`)
  if (typeof result.value === 'object' && result.value !== null) return result.value as Record<string, unknown>
  throw pluginRefusal(`plugin ${title}: its schema made no object of its options`)
}

function describeIssue({ path, message }: SchemaIssue): string {
  const keys = path?.map((step) => String(typeof step === 'object' ? step.key : step)) ?? []
  return keys.length > 0 ? `option ${keys.join('.')}: ${message}` : message
}
