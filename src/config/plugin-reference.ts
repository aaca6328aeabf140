/**
 * How a configuration names its plugins.
 *
 * @module
 */
import type { Plugin, PluginFactory } from '../access/plugin.ts'

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
  /** Who may change messages, in their order. */
  readonly intercept?: PluginSection | undefined
  /** Plugins that are asked whatever they answer, or that only listen. */
  readonly plugins?: readonly PluginReference[] | undefined
  /** Seconds that a plugin has for one answer, and to close. */
  readonly pluginTimeout?: number | undefined
  /** Seconds that a plugin has to start. */
  readonly pluginStartTimeout?: number | undefined
}
