/**
 * The types of a configuration as it is written: the same keys as in the file, in any spelling, all optional.
 *
 * @module
 */
import type {
  AdminOpenidOptions,
  AdminSettings,
  AuthHttpOptions,
  AuthJwtOptions,
  AuthScramOptions,
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
import type { BridgeRule, ServerCertificate } from './option-values.ts'

/** The kebab-case spelling of an option, as in a file: `maxQos` becomes `max-qos`. */
export type KebabCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${KebabCase<Rest>}`
  : Name
/** The snake_case spelling of an option: `maxQos` becomes `max_qos`. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** The spellings of a boolean. */
export type Switch = boolean | 'on' | 'off' | 'yes' | 'no' | 'true' | 'false'

/** The accepted forms of an option's value. */
export type ValueInput<Value> = boolean extends Value
  ? Switch
  : Value extends readonly (3 | 4 | 5)[]
    ? readonly ProtocolVersionInput[]
    : Value extends readonly ServerCertificate[]
      ? readonly SectionInput<ServerCertificate>[]
      : Value
/** A version of MQTT in a configuration. */
export type ProtocolVersionInput = 3.1 | '3.1' | '3.1.1' | 5 | '5' | '5.0'

/** Settings in any of the three spellings: `maxQos`, `max-qos`, `max_qos`. */
export type SectionInput<Settings> = { readonly [Key in keyof Settings]?: ValueInput<Settings[Key]> | undefined } & {
  readonly [Key in keyof Settings as KebabCase<Key & string> | SnakeCase<Key & string>]?:
    ValueInput<Settings[Key]> | undefined
}

/** One listener in a configuration. */
export type ListenerInput = SectionInput<ListenerLimits & ListenerSettings & { bind: string }>

/** The section `auth` in a configuration. */
export type AuthInput = SectionInput<
  Omit<AuthSettings, 'jwt' | 'http' | 'scram'> & {
    jwt: SectionInput<AuthJwtOptions>
    http: SectionInput<AuthHttpOptions>
    scram: SectionInput<AuthScramOptions>
  }
>

/** One bridge in a configuration. */
export type BridgeInput = SectionInput<
  Omit<BridgeSettings, 'url' | 'queue' | 'out' | 'in'> & {
    url: string | readonly string[]
    queue: SectionInput<Omit<BridgeQueueOptions, 'maxBytes'> & { maxBytes: number | string }>
    out: readonly SectionInput<BridgeRule>[]
    in: readonly SectionInput<BridgeRule>[]
  }
>

/** A configuration: the content of the configuration file, or the same object in a program. */
export type ConfigInput = SectionInput<
  ListenerLimits &
    TopLevelSettings & {
      listeners: Readonly<Record<string, ListenerInput>>
      auth: AuthInput & Readonly<Record<string, unknown>>
      topicCheck: SectionInput<TopicCheckSettings> & Readonly<Record<string, unknown>>
      intercept: SectionInput<InterceptSettings> & Readonly<Record<string, unknown>>
      users: SectionInput<UsersOptions>
      bans: SectionInput<BansOptions>
      persistence: SectionInput<PersistenceOptions>
      log: SectionInput<LogOptions>
      admin: SectionInput<Omit<AdminSettings, 'openid'> & { bind: string; openid: SectionInput<AdminOpenidOptions> }>
      telemetry: SectionInput<TelemetryOptions>
      bridges: Readonly<Record<string, BridgeInput>>
    }
>
