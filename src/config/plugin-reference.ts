/**
 * The ways in which a configuration names its plugins.
 *
 * @module
 */
import type { Plugin, PluginFactory } from '../access/plugin.ts'

/** A plugin by its name or module path, optionally with options; a program may also pass a plugin or a factory. */
export type PluginReference = string | Plugin | PluginFactory | PluginWithOptions

/** A plugin with options of its own. */
export interface PluginWithOptions {
  readonly plugin: string | PluginFactory
  /** The plugin's own options, instead of the section that lists it. */
  readonly options?: Readonly<Record<string, unknown>>
}

/** A configuration section that lists plugins; its other keys are their options. */
export interface PluginSection {
  readonly plugins: readonly PluginReference[]
}

/** Listeners that do not use all login plugins, by name, with the plugins that they use. */
export interface LoginPluginsOn {
  readonly pluginsOn?: Readonly<Record<string, readonly PluginReference[]>>
}

/** The parts of a configuration that determine the vote. */
export interface AccessOptions {
  /** Who may log in. Absent: nobody, unless a plugin in `plugins` allows it. */
  readonly auth?: (PluginSection & LoginPluginsOn) | undefined
  /** Who may use which topics. Absent, or with `enabled: false`: topics are not checked, and everything is allowed. */
  readonly topicCheck?: (PluginSection & { readonly enabled?: boolean | undefined }) | undefined
  /** Plugins that may change messages, in order. */
  readonly intercept?: PluginSection | undefined
  /** Plugins that answer any question, or that only listen. */
  readonly plugins?: readonly PluginReference[] | undefined
  /** Seconds that a plugin has for each answer, and to close. */
  readonly pluginTimeout?: number | undefined
  /** Seconds that a plugin has to start. */
  readonly pluginStartTimeout?: number | undefined
}
