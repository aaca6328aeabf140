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
  TopLevelSettings,
  ListenerLimits,
  ListenerSettings,
  LogOptions,
  PersistenceOptions,
  TopicCheckSettings,
} from './option-types.ts'
import type { ServerCertificate } from './option-values.ts'

type Kebab<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `-${Lowercase<First>}`}${Kebab<Rest>}`
  : Name
type Snake<Name extends string> = Name extends `${infer First}${infer Rest}`
  ? `${First extends Lowercase<First> ? First : `_${Lowercase<First>}`}${Snake<Rest>}`
  : Name

/** What a boolean may be written as. */
export type Switch = boolean | 'on' | 'off' | 'yes' | 'no' | 'true' | 'false'

type Written<Value> = boolean extends Value
  ? Switch
  : Value extends readonly (3 | 4 | 5)[]
    ? WrittenVersions
    : Value extends readonly ServerCertificate[]
      ? readonly Input<ServerCertificate>[]
      : Value
type WrittenVersions = readonly (3.1 | '3.1' | '3.1.1' | 5 | '5' | '5.0')[]
type Optional<Settings> = { readonly [Key in keyof Settings]?: Written<Settings[Key]> | undefined }

/** Settings in any of the three spellings: `maxQos`, `max-qos`, `max_qos`. */
type Input<Settings> = Optional<Settings> & {
  readonly [Key in keyof Settings as Kebab<Key & string> | Snake<Key & string>]?: Written<Settings[Key]> | undefined
}

/** One listener, as it is written. */
export type ListenerInput = Input<ListenerLimits & ListenerSettings & { bind: string }>

type AuthInput = Input<
  Omit<AuthSettings, 'jwt' | 'http' | 'scram'> & {
    jwt: Input<AuthJwtOptions>
    http: Input<AuthHttpOptions>
    scram: Input<AuthScramOptions>
  }
>

/** A configuration, as it is written: the configuration file's content, or the same object in a program. */
export type ConfigInput = Input<
  ListenerLimits &
    TopLevelSettings & {
      listeners: Readonly<Record<string, ListenerInput>>
      auth: AuthInput & Readonly<Record<string, unknown>>
      topicCheck: Input<TopicCheckSettings> & Readonly<Record<string, unknown>>
      persistence: Input<PersistenceOptions>
      log: Input<LogOptions>
    }
>
