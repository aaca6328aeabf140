/**
 * The options the broker runs by: every default filled in, every listener with what it inherits, camelCase.
 *
 * @module
 */
import type { ConfigProblem } from '../base/errors.ts'
import type {
  AuthSettings,
  InterceptSettings,
  TopLevelSettings,
  ListenerLimits,
  ListenerSettings,
  LogOptions,
  PersistenceOptions,
  TopicCheckSettings,
} from './option-types.ts'
import type { PluginReference } from './option-values.ts'

/** One listener, ready to open. */
export interface ListenerOptions extends ListenerLimits, ListenerSettings {
  readonly name: string
  /** Empty for every interface, and for a Unix domain socket. */
  readonly host: string
  /** 0 lets the system choose; 0 for a Unix domain socket. */
  readonly port: number
  /** Absolute path of a Unix domain socket; empty otherwise. */
  readonly path: string
  /** For `[::]`: another listener has the port for IPv4. */
  readonly ipv6Only: boolean
  readonly clientCertificates: 'off' | 'optional' | 'required'
  /** Whether Clients that show nothing about who they are may log in here. */
  readonly admitsAnonymous: boolean
}

/** What happens to a client whose name no plugin knows, where anonymous clients may log in. */
export type UnknownUserNames = NonNullable<AuthSettings['unknownUserNames']>

/** Who may log in. Keys of plugins that are not ours stand beside these, in camelCase. */
export interface AuthOptions extends AuthSettings {
  readonly plugins: readonly PluginReference[]
  readonly unknownUserNames: UnknownUserNames
  /** What listeners say for themselves, by their names. */
  readonly allowAnonymousOn: Readonly<Record<string, boolean>>
  /** The same for listeners that do not ask all plugins, by their names. */
  readonly unknownUserNamesOn: Readonly<Record<string, UnknownUserNames>>
  /** Those of `plugins` that are asked on listeners that do not ask all, by their names. */
  readonly pluginsOn: Readonly<Record<string, readonly PluginReference[]>>
}

/** Who may publish and subscribe to what. Keys of plugins that are not ours stand beside these, in camelCase. */
export interface TopicCheckOptions extends TopicCheckSettings {
  readonly plugins: readonly PluginReference[]
}

/** Who may change messages. Keys of plugins stand beside these, in camelCase. */
export type InterceptOptions = InterceptSettings

/** What the broker runs by. */
export interface Options extends ListenerLimits, TopLevelSettings {
  readonly listeners: readonly ListenerOptions[]
  readonly auth: AuthOptions
  /** `undefined`: nothing is asked, all is allowed. */
  readonly topicCheck?: TopicCheckOptions
  /** `undefined`: only plugins of the top level intercept messages, if any do. */
  readonly intercept?: InterceptOptions
  /** `undefined`: everything is in memory. */
  readonly persistence?: PersistenceOptions
  readonly log: LogOptions
  /** Where relative paths count from. Absolute; all paths in here are absolute already, except those of plugin modules. */
  readonly baseFolder: string
  /** What works, but is probably not what was meant; the program logs them. */
  readonly warnings: readonly ConfigProblem[]
}
