/** The public door: named re-exports only. @module */
export type { Plugin, PluginFactory } from './broker/plugin.ts'
