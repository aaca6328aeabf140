/** What the plugins that ship are given besides what every plugin gets. @module */
import type { PluginContext } from '../plugin.ts'
import type { Directory } from './directory.ts'

export interface ShippedContext extends PluginContext {
  /** Absent without a broker, as in `sluice check`. */
  readonly directory?: Directory | undefined
}
