/**
 * From the names in a configuration to plugins: who ships with us (the registry, handed in from the floor above), a path, an
 * npm package that names itself, or an object of the host program.
 *
 *   plugins:
 *     - auth.file                          # in the registry
 *     - ./plugins/door.js                  # a path, from the configuration's folder
 *     - auth.mine                          # an installed package with "sluice": { "plugins": { "auth.mine": "./dist/mine.js" } }
 *     - plugin: auth.mine                  # any of these, with options of its own
 *       options: { table: doors }
 *
 * One that is listed in several places is made once, and sees the keys of every section that lists it; only other options of its
 * own make it another plugin.
 *
 * A plugin module exports its factory as `default` and, if it likes, a schema of its options as `optionsSchema` (any
 * Standard Schema: valibot, zod, arktype and others make them). The schema should let pass keys that it does not know, because
 * without options of its own a plugin sees the whole section that lists it.
 *
 * @module
 */
import { dirname, join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../base/clock.ts'
import { ConfigError, SluiceError, type ConfigProblem } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { placeOf, type ConfigSource } from './config-problems.ts'
import { toCamel } from './option-spelling.ts'
import { nearest } from '../base/nearest.ts'
import { Access } from '../access/access.ts'
import {
  answersAboutTopics,
  type Plugin,
  type PluginContext,
  type PluginEvents,
  type PluginFactory,
} from '../access/plugin.ts'
import { readTextSync } from './text-file.ts'

/** A plugin by its name or module path, with options of its own if it has any; from a program also the thing itself. */
export type PluginReference = string | Plugin | PluginFactory | PluginWithOptions

/** A plugin with options of its own. */
export interface PluginWithOptions {
  readonly plugin: string | PluginFactory
  /** The plugin's own options, in place of the section that lists it. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** A configuration section that lists plugins; its other keys are their options. */
export interface PluginSection {
  readonly plugins: readonly PluginReference[]
}

/** Listeners that do not ask all login plugins, by their names, with those that they ask. */
export interface LoginPluginsOn {
  readonly pluginsOn?: Readonly<Record<string, readonly PluginReference[]>>
}

/** The parts of a configuration that the vote is made from. */
export interface AccessOptions {
  /** Who may log in. Absent: nobody may, unless `plugins` has one that answers. */
  readonly auth?: (PluginSection & LoginPluginsOn) | undefined
  /** Who may do what with which topic. Absent, or with `enabled: false`: nothing is asked, all is allowed. */
  readonly topicCheck?: (PluginSection & { readonly enabled?: boolean | undefined }) | undefined
  /** Plugins that are asked whatever they answer, or that only listen. */
  readonly plugins?: readonly PluginReference[] | undefined
  /** Seconds that a plugin has for one answer. */
  readonly pluginTimeout?: number | undefined
}

/** Where plugins come from, and what they are made with. */
export interface PluginSources {
  /** The plugins that ship, by every name they go by. */
  readonly registry: ReadonlyMap<string, PluginFactory>
  readonly baseFolder: string
  readonly log: Logger
  readonly clock: Clock
  readonly events?: PluginEvents | undefined
  /** The configuration file, for messages with line and column. */
  readonly source?: ConfigSource | undefined
}

/** What a plugin may announce. */
export type PluginCalls = Pick<PluginContext, 'changed' | 'revoked'>

/** All plugins of a configuration, made, by what they vote on. */
export interface LoadedPlugins {
  readonly loginPlugins: readonly Plugin[]
  /** By listener; who is not in here asks all. */
  readonly loginPluginsOn: ReadonlyMap<string, readonly Plugin[]>
  readonly topicPlugins: readonly Plugin[] | undefined
  readonly plugins: readonly Plugin[]
}

/**
 * Makes all plugins that `options` lists, in their order.
 *
 * @param calls what a plugin's `context.changed()` and `context.revoked()` do
 * @throws {ConfigError} naming each that cannot be made, after closing those that were
 */
export async function loadPlugins(
  options: AccessOptions,
  sources: PluginSources,
  calls: PluginCalls,
): Promise<LoadedPlugins> {
  const made: Plugin[] = []
  const loader = new Loader(sources, calls, made)
  try {
    const { auth, topicCheck, plugins = [] } = options
    const disabled = topicCheck?.enabled === false
    const sections = [
      await loader.find(auth, ['auth', 'plugins']),
      await loader.find(disabled ? undefined : topicCheck, ['topic-check', 'plugins']),
      await loader.find({ plugins }, ['plugins']),
    ]
    const [login, topics, others] = (await loader.make(sections)) as [Plugin[], Plugin[], Plugin[]]
    loader.throwIfAny()
    const topicPlugins = distinct([...topics, ...others.filter(answersAboutTopics)])
    const unchecked = disabled || (topicCheck === undefined && topicPlugins.length === 0)
    return {
      loginPlugins: distinct([...login, ...others]),
      loginPluginsOn: new Map(
        Object.entries(auth?.pluginsOn ?? {}).map(([listener, entries]) => [
          listener,
          distinct([...login.filter((_, index) => entries.includes(auth!.plugins[index]!)), ...others]),
        ]),
      ),
      topicPlugins: unchecked ? undefined : topicPlugins,
      plugins: made,
    }
  } catch (error) {
    for (const plugin of made.reverse()) await plugin.close?.()
    throw error
  }
}

/**
 * Makes the plugins that the configuration names, then the vote over them.
 *
 * @throws {ConfigError} `ERR_CONFIG_PLUGIN` when a plugin is unknown, cannot be loaded or refuses its options; what was
 * made until then is closed again
 */
export async function createAccess(options: AccessOptions, sources: PluginSources): Promise<Access> {
  let access: Access | undefined
  const calls = { changed: () => access?.changed(), revoked: () => access?.revoked() }
  const loaded = await loadPlugins(options, sources, calls)
  const pluginTimeoutMs = options.pluginTimeout === undefined ? undefined : options.pluginTimeout * 1000
  access = new Access({ ...loaded, clock: sources.clock, log: sources.log, pluginTimeoutMs })
  return access
}

/** One that is listed twice is asked once. */
function distinct(plugins: readonly Plugin[]): Plugin[] {
  return [...new Set(plugins)]
}

class Loader {
  readonly #sources: PluginSources
  readonly #calls: PluginCalls
  readonly #made: Plugin[]
  readonly #problems: ConfigProblem[] = []
  readonly #errors: ConfigError[] = []
  readonly #instances: { factory: PluginFactory; options: object; plugin: Promise<Plugin> }[] = []
  #packaged: ReadonlyMap<string, string> | undefined

  constructor(sources: PluginSources, calls: PluginCalls, made: Plugin[]) {
    this.#sources = sources
    this.#calls = calls
    this.#made = made
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

  /** Makes what was found, in its order; one list for each section. */
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

  /** @returns nothing for one that cannot be made */
  async #makeOrNote(found: Found, all: readonly Found[]): Promise<Plugin[]> {
    try {
      if ('error' in found) throw found.error
      return [await ('plugin' in found ? this.#keep(found.plugin) : this.#makeOnce(found, all))]
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      // Of a plugin that is listed twice the mistake is one.
      if (!this.#errors.includes(error)) {
        this.#errors.push(error)
        this.#problems.push(this.#place(error, found.place))
      }
      return []
    }
  }

  /** A plugin that nobody wrote, but a key of the section implies, has its place at the section. */
  #place({ message }: ConfigError, path: readonly string[]): ConfigProblem {
    const { source } = this.#sources
    const at = source?.locate(path, 'value') ?? source?.locate(path.slice(0, 1), 'key')
    return { path: path.join('.'), message, ...(source && { file: source.file }), ...at }
  }

  /** @throws {ConfigError} with all that could not be made */
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

  async #make({ title, factory, schema }: FoundFactory, given: Readonly<Record<string, unknown>>): Promise<Plugin> {
    const options = schema === undefined ? given : await validate(title, schema, given)
    const { baseFolder, log, clock, events } = this.#sources
    const context: PluginContext = { options, baseFolder, log, clock, events, ...this.#calls }
    const plugin: unknown = await attempt(`plugin ${title} cannot start`, () => factory(context))
    if (isPlugin(plugin)) return this.#keep(plugin)
    throw refusal(`plugin ${title}: what its factory returned is no plugin, as it has no name`)
  }

  /** The same object may be listed twice, for both votes; it is closed once. */
  #keep(plugin: Plugin): Plugin {
    if (!this.#made.includes(plugin)) this.#made.push(plugin)
    return plugin
  }

  async #find(plugin: string | PluginFactory): Promise<PluginModule> {
    if (typeof plugin === 'function') return { factory: plugin, schema: undefined }
    const shipped = this.#sources.registry.get(plugin)
    if (shipped !== undefined) return { factory: shipped, schema: undefined }
    if (/^(\.{1,2})?[/\\]|^[A-Za-z]:[/\\]/.test(plugin)) {
      return importPlugin(plugin, resolve(this.#sources.baseFolder, plugin))
    }
    this.#packaged ??= findPackagedPlugins(this.#sources.baseFolder)
    const path = this.#packaged.get(plugin)
    if (path !== undefined) return importPlugin(plugin, path)
    throw this.#unknown(plugin)
  }

  #unknown(name: string): ConfigError {
    const known = [...this.#sources.registry.keys(), ...(this.#packaged?.keys() ?? [])]
    const near = nearest(name, known)
    const hint = near === undefined ? `known are ${known.join(', ')}` : `did you mean ${near}?`
    return refusal(`unknown plugin ${name}: ${hint} (a path begins with ./ or /)`)
  }
}

/** An entry of a list: with its factory at hand, an object of the host program, or one that cannot be found. */
type Found = (FoundFactory | { readonly plugin: Plugin } | { readonly error: unknown }) & {
  readonly place: readonly string[]
}

interface FoundFactory extends PluginModule {
  readonly title: string
  readonly ownOptions: Readonly<Record<string, unknown>> | undefined
  /** The keys of the section that lists it. */
  readonly sectionOptions: Readonly<Record<string, unknown>>
}

/** What a plugin without options of its own sees: the keys of every section that lists it so. */
function optionsOf(factory: PluginFactory, all: readonly Found[]): Record<string, unknown> {
  const sections = all.flatMap((found) =>
    'factory' in found && found.factory === factory && found.ownOptions === undefined ? [found.sectionOptions] : [],
  )
  return Object.assign({}, ...sections.toReversed()) as Record<string, unknown>
}

interface PluginModule {
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

async function importPlugin(name: string, path: string): Promise<PluginModule> {
  const module = await attempt(
    `plugin ${name} cannot be loaded from ${path}`,
    () => import(pathToFileURL(path).href) as Promise<{ default?: unknown; optionsSchema?: unknown }>,
  )
  if (typeof module.default !== 'function')
    throw refusal(`plugin ${name}: ${path} has no factory as its default export`)
  return { factory: module.default as PluginFactory, schema: module.optionsSchema as StandardSchema | undefined }
}

async function validate(title: string, schema: StandardSchema, options: unknown): Promise<Record<string, unknown>> {
  const result = await schema['~standard'].validate(options)
  if (result.issues === undefined) return result.value as Record<string, unknown>
  throw refusal(`plugin ${title}: ${result.issues.map(describeIssue).join('; ')}`)
}

function describeIssue({ path, message }: SchemaIssue): string {
  const keys = path?.map((step) => String(typeof step === 'object' ? step.key : step)) ?? []
  return keys.length > 0 ? `option ${keys.join('.')}: ${message}` : message
}

/** The plugins that packages name for themselves, with their paths: the project around `folder` and what it depends on. */
function findPackagedPlugins(folder: string): ReadonlyMap<string, string> {
  const root = upward(folder).find((parent) => readPackage(parent) !== undefined)
  const found = new Map<string, string>()
  if (root === undefined) return found
  const { dependencies, devDependencies, optionalDependencies } = readPackage(root)!
  const names = Object.keys({ ...dependencies, ...devDependencies, ...optionalDependencies })
  for (const packageFolder of [root, ...names.flatMap((name) => findPackage(root, name))]) {
    const plugins = readPackage(packageFolder)?.sluice?.plugins ?? {}
    for (const [name, path] of Object.entries(plugins)) {
      if (!found.has(name)) found.set(name, resolve(packageFolder, path))
    }
  }
  return found
}

/** Where Node would find an installed package, whatever its `exports` let through. */
function findPackage(root: string, name: string): string[] {
  const candidates = upward(root).map((parent) => join(parent, 'node_modules', name))
  return candidates.filter((candidate) => readPackage(candidate) !== undefined).slice(0, 1)
}

function upward(folder: string): string[] {
  const start = resolve(folder)
  const parent = dirname(start)
  return parent === start ? [start] : [start, ...upward(parent)]
}

interface PackageFile {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly sluice?: { readonly plugins?: Readonly<Record<string, string>> }
}

/** @returns `undefined` where there is no package.json */
function readPackage(folder: string): PackageFile | undefined {
  const path = join(folder, 'package.json')
  try {
    return JSON.parse(readTextSync(path)) as PackageFile
  } catch (error) {
    if (error instanceof SyntaxError) throw refusal(`${path} is not JSON`, error)
    return undefined
  }
}

function withCamelCaseKeys(options: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(options).map(([key, value]) => [toCamel(key), value]))
}

function isPlugin(value: unknown): value is Plugin {
  return typeof value === 'object' && value !== null && 'name' in value && typeof value.name === 'string'
}

/** Our own errors say all that is needed; any other is named with what was going on. */
async function attempt<Value>(what: string, act: () => Value | Promise<Value>): Promise<Value> {
  try {
    return await act()
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw refusal(`${what}: ${error instanceof Error ? error.message : String(error)}`, error)
  }
}

function refusal(message: string, cause?: unknown): ConfigError {
  return new ConfigError('ERR_CONFIG_PLUGIN', message, { cause })
}
