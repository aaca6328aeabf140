/** What the floors above put into a Broker, as far as it is made from the Broker itself. @module */
import type { Options } from '../config/options.ts'
import type { FloorParts, RunningFloorParts } from './broker-settings.ts'
import type { ControlHandler } from './control.ts'
import type { Admin } from './host/admin.ts'
import type { AdminDoor, AdminHost } from './host/admin-door.ts'
import type { Bridges, BridgesHost } from './host/open-bridges.ts'

export interface PartsFor<Broker> extends FloorParts {
  /** Loads what `broker.admin` is. */
  loadAdmin(broker: Broker): Promise<Admin>
  loadBridges(broker: Broker, host: BridgesHost): Promise<Bridges>
  openAdmin(broker: Broker, options: Options, host: AdminHost): Promise<AdminDoor>
  /** Loads what carries out commands on `$CONTROL/dynamic-security/v1`. */
  loadControl(broker: Broker): Promise<ControlHandler>
}

/** The same for one Broker. */
export function partsFor<Broker>(broker: () => Broker, parts: PartsFor<Broker>): RunningFloorParts {
  return {
    ...parts,
    openAdmin: (...what) => parts.openAdmin(broker(), ...what),
    loadBridges: (host) => parts.loadBridges(broker(), host),
    loadControl: () => parts.loadControl(broker()),
  }
}
