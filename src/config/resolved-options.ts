/**
 * The resolved options of the broker: every default filled in, every listener with its inherited values, in camelCase.
 *
 * @module
 */
import type { ConfigProblem } from '../base/errors.ts'
import type {
  AdminSettings,
  AuthSettings,
  InterceptSettings,
  TopLevelSettings,
  ListenerLimits,
  ListenerSettings,
  LogOptions,
  BansOptions,
  BridgeQueueOptions,
  BridgeSettings,
  PersistenceOptions,
  TelemetryOptions,
  TopicCheckSettings,
  UsersOptions,
} from './option-types.ts'
import type { BindAddress } from './option-schema.ts'
import type { PluginReference } from './option-values.ts'

/** A resolved listener. */
export interface ListenerOptions extends ListenerLimits, ListenerSettings {
  readonly name: string
  /** Empty for every interface, and for a Unix domain socket. */
  readonly host: string
  /** 0 lets the system choose; also 0 for a Unix domain socket. */
  readonly port: number
  /** Absolute path of a Unix domain socket; empty otherwise. */
  readonly path: string
  /** For `[::]`: another listener uses the port for IPv4. */
  readonly ipv6Only: boolean
  readonly clientCertificates: 'off' | 'optional' | 'required'
  /** Whether clients may log in here without credentials. */
  readonly admitsAnonymous: boolean
}

/** The treatment of a client whose name no plugin knows, if anonymous clients may log in. */
export type UnknownUserNames = NonNullable<AuthSettings['unknownUserNames']>

/** Who may log in. It also contains the options of other plugins, in camelCase. */
export interface AuthOptions extends AuthSettings {
  readonly plugins: readonly PluginReference[]
  readonly unknownUserNames: UnknownUserNames
  /** The setting of single listeners, by name. */
  readonly allowAnonymousOn: Readonly<Record<string, boolean>>
  /** The same for listeners that do not use all plugins, by name. */
  readonly unknownUserNamesOn: Readonly<Record<string, UnknownUserNames>>
  /** The `plugins` of listeners that do not use all, by name. */
  readonly pluginsOn: Readonly<Record<string, readonly PluginReference[]>>
}

/** Who may publish and subscribe to which topics. It also contains the options of other plugins, in camelCase. */
export interface TopicCheckOptions extends TopicCheckSettings {
  readonly plugins: readonly PluginReference[]
}

/** Plugins that may change messages. It also contains the options of these plugins, in camelCase. */
export type InterceptOptions = InterceptSettings

/** The HTTP API for operators. */
export interface AdminOptions extends AdminSettings {
  /** Host '' means every interface; port 0 lets the system choose. `undefined`: not over TCP. */
  readonly bind: BindAddress | undefined
  /** Whether the configuration names the address; otherwise the broker starts without it if it is taken. */
  readonly isBindAsked: boolean
  /** Absolute path of the Unix domain socket; empty: none. */
  readonly socket: string
  /** Whether the configuration names the socket; otherwise the broker starts without it if it cannot be opened. */
  readonly isSocketAsked: boolean
  /** Absolute path; empty: none. */
  readonly keysFile: string
  /** Absolute path; empty: none. */
  readonly auditFile: string
  /** Absolute path; empty: none. */
  readonly historyFile: string
}

/** One bridge to another broker. */
export interface BridgeOptions extends BridgeSettings {
  readonly name: string
  readonly url: readonly string[]
  readonly clientId: string
  readonly maxInflightMessages: number
  readonly maxPacketSize: number
  readonly queue: BridgeQueueOptions
}

/** The resolved options of the broker. */
export interface Options extends ListenerLimits, TopLevelSettings {
  readonly listeners: readonly ListenerOptions[]
  readonly auth: AuthOptions
  /** `undefined`: topics are not checked, and everything is allowed. */
  readonly topicCheck?: TopicCheckOptions
  /** `undefined`: only plugins of the top level may intercept messages. */
  readonly intercept?: InterceptOptions
  /** `undefined`: no users, groups and roles can be set while the broker runs. */
  readonly users?: UsersOptions
  readonly bans: BansOptions
  /** `undefined`: everything is kept in memory. */
  readonly persistence?: PersistenceOptions
  readonly log: LogOptions
  /** `undefined`: no HTTP API. */
  readonly admin?: AdminOptions
  /** `undefined`: nothing is exported. */
  readonly telemetry?: TelemetryOptions
  /** In the order of the file; none by default. */
  readonly bridges: readonly BridgeOptions[]
  /** The folder to which relative paths refer. Absolute, like all paths here except those of plugin modules. */
  readonly baseFolder: string
  /** Settings that work but are probably not intended; the program logs them. */
  readonly warnings: readonly ConfigProblem[]
}
