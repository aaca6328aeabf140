/**
 * Finds the plugins that a configuration lists, and creates each once; collects the errors, so that all are reported
 * together.
 *
 * @module
 */
import { resolve } from 'node:path'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../base/clock.ts'
import { ConfigError, type ConfigProblem } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { placeOf, type ConfigSource } from './config-problems.ts'
import { toCamel } from './option-spelling.ts'
import { nearest } from '../base/nearest.ts'
import type { Directory } from '../access/directory/directory.ts'
import type { ShippedContext } from '../access/directory/shipped-context.ts'
import type { Plugin, PluginContext, PluginEvents, PluginFactory } from '../access/plugin.ts'
import type { PluginSection, PluginWithOptions } from './plugin-reference.ts'
import { importPlugin, validateOptions, type PluginModule } from './plugin-module.ts'
import { intercepts, isPlugin, mustBePlugin, pluginRefusal } from './plugin-object.ts'
import type { PluginStarts } from './plugin-starts.ts'
import { findPackagedPlugins } from './packaged-plugins.ts'

/** Where plugins are found, and the arguments of their creation. */
export interface PluginSources {
  /** The built-in plugins, under all of their names. */
  readonly registry: ReadonlyMap<string, PluginFactory>
  readonly baseFolder: string
  readonly log: Logger
  readonly clock: Clock
  readonly events?: PluginEvents | undefined
  /** For the built-in plugins only. */
  readonly directory?: Directory | undefined
  /** The configuration file, for messages with line and column. */
  readonly source?: ConfigSource | undefined
}

/** The notifications from a plugin; `by` is `undefined` while it is being created. */
export type PluginCalls = {
  readonly [Call in keyof Pick<PluginContext, 'changed' | 'revoked'>]: (by: Plugin | undefined) => void
}

export class PluginLoader {
  readonly #sources: PluginSources
  readonly #calls: PluginCalls
  readonly #made: Plugin[]
  readonly #starts: PluginStarts
  readonly #places: Map<Plugin, string>
  readonly #problems: ConfigProblem[] = []
  readonly #errors: ConfigError[] = []
  readonly #instances: { factory: PluginFactory; options: object; plugin: Promise<Plugin> }[] = []
  #packaged: ReadonlyMap<string, string> | undefined

  /** @param places receives where each plugin is listed first */
  constructor(
    sources: PluginSources,
    calls: PluginCalls,
    made: Plugin[],
    starts: PluginStarts,
    places: Map<Plugin, string>,
  ) {
    this.#sources = sources
    this.#calls = calls
    this.#made = made
    this.#starts = starts
    this.#places = places
  }

  /** @param path of the list in the configuration */
  async find(section: PluginSection | undefined, path: readonly string[]): Promise<Found[]> {
    if (section === undefined) return []
    const { plugins: entries, ...sectionOptions } = section
    const found: Found[] = []
    for (const [index, entry] of entries.entries()) {
      const place = [...path, String(index)]
      found.push(isPlugin(entry) ? { plugin: entry, place } : await this.#lookUp(entry, sectionOptions, place))
    }
    return found
  }

  async #lookUp(
    entry: string | PluginFactory | PluginWithOptions,
    sectionOptions: FoundFactory['sectionOptions'],
    place: readonly string[],
  ): Promise<Found> {
    const named = typeof entry === 'object' ? entry : { plugin: entry }
    const title = typeof named.plugin === 'string' ? named.plugin : named.plugin.name || 'of the host program'
    try {
      return { title, ownOptions: named.options, sectionOptions, place, ...(await this.#find(named.plugin)) }
    } catch (error) {
      return { error, place }
    }
  }

  /** Creates the plugins in order; one list for each section. */
  async make(sections: readonly (readonly Found[])[]): Promise<Plugin[][]> {
    const all = sections.flat()
    const made: Plugin[][] = []
    for (const section of sections) {
      const plugins: Plugin[] = []
      for (const found of section) plugins.push(...(await this.#makeOrNote(found, all)))
      made.push(plugins)
    }
    return made
  }

  /** @returns an empty list if the plugin cannot be created */
  async #makeOrNote(found: Found, all: readonly Found[]): Promise<Plugin[]> {
    try {
      if ('error' in found) throw found.error
      const plugin = await ('plugin' in found
        ? this.#keep(found.plugin.name, found.plugin)
        : this.#makeOnce(found, all))
      if (!this.#places.has(plugin)) this.#places.set(plugin, this.#placeText(found.place))
      if (found.place[0] === 'intercept') await this.#warnIfIdle('plugin' in found ? plugin.name : found.title, plugin)
      return [plugin]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      // A plugin that is listed twice causes one error only.
      if (!this.#errors.includes(error)) {
        this.#errors.push(error)
        this.#problems.push(this.#place(error, found.place))
      }
      return []
    }
  }

  async #warnIfIdle(title: string, plugin: Plugin): Promise<void> {
    if (await this.#starts.run(title, 'cannot be used', () => intercepts(plugin))) return
    const message = `plugin ${title} is listed in \`intercept.plugins\`, but has neither \`intercept\` nor \`transformDelivery\`: it intercepts nothing`
    this.#sources.log.warn({ plugin: title }, message)
  }

  /** As in errors: file, line and column if there is a file, then the key. */
  #placeText(path: readonly string[]): string {
    return placeOf(this.#place({ message: '' }, path)) + path.join('.')
  }

  /** For a plugin that is not listed but implied by a key, the place is the section. */
  #place({ message }: Pick<ConfigError, 'message'>, path: readonly string[]): ConfigProblem {
    const { source } = this.#sources
    const at = source?.locate(path, 'value') ?? source?.locate(path.slice(0, 1), 'key')
    return { path: path.join('.'), message, ...(source && { file: source.file }), ...at }
  }

  /** @throws {ConfigError} naming every plugin that could not be created */
  throwIfAny(): void {
    const [first] = this.#errors
    if (first === undefined) return
    const lines = this.#problems.map(({ message, ...place }) => placeOf(place) + message)
    throw new ConfigError(first.code, lines.join('\n'), { problems: this.#problems, cause: first })
  }

  #makeOnce(found: FoundFactory, all: readonly Found[]): Promise<Plugin> {
    const { factory, ownOptions } = found
    const options = ownOptions === undefined ? optionsOf(factory, all) : withCamelCaseKeys(ownOptions)
    const same = this.#instances.find((one) => one.factory === factory && isDeepStrictEqual(one.options, options))
    if (same !== undefined) return same.plugin
    const plugin = this.#make(found, options)
    this.#instances.push({ factory, options, plugin })
    return plugin
  }

  async #make(
    { title, factory, schema, isShipped }: FoundFactory,
    given: Readonly<Record<string, unknown>>,
  ): Promise<Plugin> {
    const options = schema === undefined ? given : await validateOptions(title, schema, given, this.#starts)
    const { baseFolder, log, clock, events, directory } = this.#sources
    let made: Plugin | undefined
    const calls = { changed: () => this.#calls.changed(made), revoked: () => this.#calls.revoked(made) }
    const common: PluginContext = { options, baseFolder, log, clock, events, ...calls }
    const context: ShippedContext = isShipped ? { ...common, directory } : common
    const plugin: unknown = await this.#starts.make(title, () => factory(context))
    if (isPlugin(plugin)) return this.#keep(title, (made = plugin))
    throw pluginRefusal(`plugin ${title}: its factory did not return a plugin, which is an object with a name`)
  }

  /** The same object may be listed twice, for both votes; it is closed once. */
  async #keep(title: string, plugin: Plugin): Promise<Plugin> {
    if (this.#made.includes(plugin)) return plugin
    await this.#starts.run(title, 'cannot be used', () => mustBePlugin(title, plugin))
    this.#made.push(plugin)
    return plugin
  }

  async #find(plugin: string | PluginFactory): Promise<PluginModule> {
    if (typeof plugin === 'function') return { factory: plugin, schema: undefined }
    const shipped = this.#sources.registry.get(plugin)
    if (shipped !== undefined) return { factory: shipped, schema: undefined, isShipped: true }
    if (/^(\.{1,2})?[/\\]|^[A-Za-z]:[/\\]/.test(plugin)) {
      return importPlugin(plugin, resolve(this.#sources.baseFolder, plugin), this.#starts)
    }
    this.#packaged ??= findPackagedPlugins(this.#sources.baseFolder)
    const path = this.#packaged.get(plugin)
    if (path !== undefined) return importPlugin(plugin, path, this.#starts)
    throw this.#unknown(plugin)
  }

  #unknown(name: string): ConfigError {
    const known = [...this.#sources.registry.keys(), ...(this.#packaged?.keys() ?? [])]
    const near = nearest(name, known)
    const hint = near === undefined ? `available plugins are ${known.join(', ')}` : `did you mean ${near}?`
    return pluginRefusal(`unknown plugin ${name}: ${hint} (a path begins with ./ or /)`)
  }
}

/** An entry of a list: its factory, an object of the host program, or the error that it was not found. */
type Found = (FoundFactory | { readonly plugin: Plugin } | { readonly error: unknown }) & {
  readonly place: readonly string[]
}

interface FoundFactory extends PluginModule {
  readonly title: string
  readonly ownOptions: Readonly<Record<string, unknown>> | undefined
  /** The keys of the section that lists it. */
  readonly sectionOptions: Readonly<Record<string, unknown>>
}

/** The options of a plugin without its own: the keys of every section that lists it this way. */
function optionsOf(factory: PluginFactory, all: readonly Found[]): Record<string, unknown> {
  const sections = all.flatMap((found) =>
    'factory' in found && found.factory === factory && found.ownOptions === undefined ? [found.sectionOptions] : [],
  )
  return Object.assign({}, ...sections.toReversed()) as Record<string, unknown>
}

function withCamelCaseKeys(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [toCamel(key), value]))
}
