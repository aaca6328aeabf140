/** What operators see of bridges, and do about them. @module */
import type { BridgeView } from './bridge-view.ts'

/** The parameters of the operations. */
export interface BridgeParameters {
  bridges: object
  pauseBridge: { readonly name: string }
  resumeBridge: { readonly name: string }
}

/** The operations about bridges. */
export interface BridgeAdmin {
  /** The bridges to other brokers, in the order of the configuration. */
  bridges(parameters?: object): Promise<readonly BridgeView[]>
  /** Disconnects a bridge until it is resumed or reloaded; messages wait. `false` if there is none of that name. */
  pauseBridge(parameters: BridgeParameters['pauseBridge']): Promise<boolean>
  /** Lets a bridge connect again. `false` if there is none of that name. */
  resumeBridge(parameters: BridgeParameters['resumeBridge']): Promise<boolean>
}
