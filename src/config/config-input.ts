/**
 * A configuration as it is written, for programs: the same keys as in the file, in any spelling, none required.
 *
 * @module
 */
import type {
  AuthHttpOptions,
  AuthJwtOptions,
  AuthScramOptions,
  AuthSettings,
  InterceptSettings,
  TopLevelSettings,
  ListenerLimits,
  ListenerSettings,
  LogOptions,
  PersistenceOptions,
  TopicCheckSettings,
} from './option-types.ts'
import type { ServerCertificate } from './option-values.ts'

/** An option's name as it is written in a file: `maxQos` as `max-qos`. */
export type KebabCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${KebabCase<Rest>}`
  : Name
/** An option's name as it is accepted as well: `maxQos` as `max_qos`. */
export type SnakeCase<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${SnakeCase<Rest>}`
  : Name

/** What a boolean may be written as. */
export type Switch = boolean | 'on' | 'off' | 'yes' | 'no' | 'true' | 'false'

/** What the value of an option may be written as. */
export type ValueInput<Value> = boolean extends Value
  ? Switch
  : Value extends readonly (3 | 4 | 5)[]
    ? readonly ProtocolVersionInput[]
    : Value extends readonly ServerCertificate[]
      ? readonly SectionInput<ServerCertificate>[]
      : Value
/** A version of MQTT, as it is written. */
export type ProtocolVersionInput = 3.1 | '3.1' | '3.1.1' | 5 | '5' | '5.0'

/** Settings in any of the three spellings: `maxQos`, `max-qos`, `max_qos`. */
export type SectionInput<Settings> = { readonly [Key in keyof Settings]?: ValueInput<Settings[Key]> | undefined } & {
  readonly [Key in keyof Settings as KebabCase<Key & string> | SnakeCase<Key & string>]?:
    ValueInput<Settings[Key]> | undefined
}

/** One listener, as it is written. */
export type ListenerInput = SectionInput<ListenerLimits & ListenerSettings & { bind: string }>

/** The section `auth`, as it is written. */
export type AuthInput = SectionInput<
  Omit<AuthSettings, 'jwt' | 'http' | 'scram'> & {
    jwt: SectionInput<AuthJwtOptions>
    http: SectionInput<AuthHttpOptions>
    scram: SectionInput<AuthScramOptions>
  }
>

/** A configuration, as it is written: the configuration file's content, or the same object in a program. */
export type ConfigInput = SectionInput<
  ListenerLimits &
    TopLevelSettings & {
      listeners: Readonly<Record<string, ListenerInput>>
      auth: AuthInput & Readonly<Record<string, unknown>>
      topicCheck: SectionInput<TopicCheckSettings> & Readonly<Record<string, unknown>>
      intercept: SectionInput<InterceptSettings> & Readonly<Record<string, unknown>>
      persistence: SectionInput<PersistenceOptions>
      log: SectionInput<LogOptions>
    }
>
