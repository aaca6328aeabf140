/**
 * The settings of a Broker besides its configuration, and its states.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import type { Store } from '../stores/store.ts'
import type { ConfigSource } from '../config/config-problems.ts'
import type { StreamPumps } from './host/host-streams.ts'
import type { AccessPlan } from '../access/directory/plan.ts'
import type { Directory, MakeCredentials } from '../access/directory/directory.ts'
import type { ControlHandler } from './control.ts'
import type { PluginFactory } from '../access/plugin.ts'
import type { OpenAdmin } from './host/admin-door.ts'
import type { OpenTelemetry } from './host/telemetry-export.ts'
import type { LoadBridges } from './host/open-bridges.ts'
import { type ProcessMemory } from '../limits/process-memory.ts'
import type { ReadConfig } from './host/read-again.ts'
import type { OpenOne } from './host/open-listeners.ts'
import { type OpenFiles } from '../limits/open-files.ts'

/** The parts that the floors above provide. */
export interface FloorParts extends StreamPumps {
  readonly openListener: OpenOne
  readonly plugins: ReadonlyMap<string, PluginFactory>
  /** Hashes the password of a user. */
  readonly makeCredentials: MakeCredentials
  /** Makes the export that `telemetry` configures. */
  readonly openTelemetry: OpenTelemetry
  /** What the file `users.initial-file` makes of a directory. */
  readonly planAccess: (directory: Directory, file: unknown) => Promise<AccessPlan>
}

/** The same with the parts of a Broker that runs. */
export interface RunningFloorParts extends FloorParts {
  /** Opens the HTTP API that `admin` configures. */
  readonly openAdmin: OpenAdmin
  /** Loads what `bridges` configures. */
  readonly loadBridges: LoadBridges
  /** Loads what carries out commands on `$CONTROL/dynamic-security/v1`. */
  readonly loadControl: () => Promise<ControlHandler>
}

/** What a broker can be given in addition to its configuration. Every setting is optional. */
export interface BrokerSettings {
  /** An object with pino's methods. Default: nothing is logged. */
  readonly logger?: Logger
  /** Aborting it closes the broker. */
  readonly signal?: AbortSignal
  /** The source of time and randomness. Default: the real one. */
  readonly clock?: Clock
  /** The memory that is available. Default: that of the process, or 1 GiB if `clock` is not the real one. */
  readonly processMemory?: ProcessMemory
  /** How many files the process may open. Default: the system's limit, or no limit if `clock` is not the real one. */
  readonly openFiles?: OpenFiles
  /** Where a broker with `persistence` keeps its data. Default: the folder named by `persistence.path`. */
  readonly disk?: Disk
  /**
   * Stores the data of a broker with `persistence`, instead of files. `storeCases` of `sluice/testing` tests such a
   * store.
   */
  readonly store?: Store
  /**
   * Whether to start from a damaged store with everything that is readable. Each damaged part is logged as a warning,
   * and damaged files are set aside. Default false: damage is an error.
   */
  readonly repair?: boolean
  /** Where the configuration was read from, so that errors can name line and column. */
  readonly source?: ConfigSource
  /**
   * Reads the configuration again: called by `broker.admin.reload()` and `sluice reload`, which apply what it returns.
   * It may throw a `ConfigError`. Default: they are refused, since the configuration came from the program.
   */
  readonly readConfig?: () => ReadConfig | Promise<ReadConfig>
}

/** The state of a broker. A closed broker can be started again. */
export type BrokerState = 'new' | 'starting' | 'started' | 'closing' | 'closed'
