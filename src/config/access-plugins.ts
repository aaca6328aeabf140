/**
 * Creates plugins from the names in a configuration: a built-in one (the registry, passed in from the floor above), a
 * path, an npm package that declares itself, or an object of the host program.
 *
 *   plugins:
 *     - auth.file                          # in the registry
 *     - ./plugins/door.js                  # a path, relative to the configuration's folder
 *     - auth.mine                          # an installed package with "sluice": { "plugins": { "auth.mine": "./dist/mine.js" } }
 *     - plugin: auth.mine                  # any of these, with options of its own
 *       options: { table: doors }
 *
 * A plugin that is listed in several places is created once, and receives the keys of every section that lists it; only
 * different options of its own make it a separate plugin.
 *
 * A plugin module exports its factory as `default` and may export a schema of its options as `optionsSchema` (any
 * Standard Schema: valibot, zod, arktype and others produce them). The schema should accept unknown keys, because
 * without options of its own a plugin receives the whole section that lists it.
 *
 * @module
 */
import { Access, DEFAULT_PLUGIN_TIMEOUT_MS } from '../access/access.ts'
import { PluginQuestions, type PluginPlaces } from '../access/plugin-questions.ts'
import { answersAboutTopics, type Plugin } from '../access/plugin.ts'
import type { AccessOptions } from './plugin-reference.ts'
import { PluginStarts } from './plugin-starts.ts'
import { PluginLoader, type PluginCalls, type PluginSources } from './plugin-loader.ts'

/** All plugins of a configuration, by the questions on which they vote. */
export interface LoadedPlugins {
  readonly loginPlugins: readonly Plugin[]
  /** By listener; one that is absent uses all plugins. */
  readonly loginPluginsOn: ReadonlyMap<string, readonly Plugin[]>
  readonly topicPlugins: readonly Plugin[] | undefined
  readonly interceptors: readonly Plugin[]
  readonly plugins: readonly Plugin[]
  /** Where each is listed. */
  readonly places: PluginPlaces
}

/**
 * Creates all plugins that `options` lists, in order.
 *
 * @param calls the implementation of `context.changed()` and `context.revoked()`
 * @throws {ConfigError} naming each plugin that cannot be created, after closing the others
 */
export async function loadPlugins(
  options: AccessOptions,
  sources: PluginSources,
  calls: PluginCalls,
): Promise<LoadedPlugins> {
  const made: Plugin[] = []
  const places = new Map<Plugin, string>()
  const questions = new PluginQuestions(sources.clock, sources.log, timeoutMs(options.pluginTimeout), places)
  const starts = new PluginStarts(sources.clock, questions, options.pluginStartTimeout)
  const loader = new PluginLoader(sources, calls, made, starts, places)
  try {
    const { auth, topicCheck, intercept, plugins = [] } = options
    const disabled = topicCheck?.enabled === false
    const sections = [
      await loader.find(auth, ['auth', 'plugins']),
      await loader.find(disabled ? undefined : topicCheck, ['topic-check', 'plugins']),
      await loader.find(intercept, ['intercept', 'plugins']),
      await loader.find({ plugins }, ['plugins']),
    ]
    const [login, topics, interceptors, others] = (await loader.make(sections)) as [
      Plugin[],
      Plugin[],
      Plugin[],
      Plugin[],
    ]
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
      interceptors: distinct([...interceptors, ...others]),
      plugins: made,
      places,
    }
  } catch (error) {
    await questions.closeAll(made)
    throw error
  }
}

/**
 * Creates the plugins that the configuration names, and the vote over them.
 *
 * @throws {ConfigError} `ERR_CONFIG_PLUGIN` if a plugin is unknown, cannot be loaded or rejects its options; plugins
 * created before are closed again
 */
export async function createAccess(options: AccessOptions, sources: PluginSources): Promise<Access> {
  let access: Access | undefined
  const calls: PluginCalls = { changed: (by) => access?.changed(by), revoked: (by) => access?.revoked(by) }
  const loaded = await loadPlugins(options, sources, calls)
  const { clock, log } = sources
  access = new Access({ ...loaded, clock, log, pluginTimeoutMs: timeoutMs(options.pluginTimeout) })
  return access
}

function timeoutMs(seconds: number | undefined): number {
  return seconds === undefined ? DEFAULT_PLUGIN_TIMEOUT_MS : seconds * 1000
}

/** A plugin that is listed twice is asked once. */
function distinct(plugins: readonly Plugin[]): Plugin[] {
  return [...new Set(plugins)]
}
