/**
 * The values of options that are more than a number, a text or a switch.
 *
 * @module
 */

export type { PluginReference } from './plugin-reference.ts'

/** What one user may do with topics. A topic that `deny` covers is denied whatever the other two say. */
export interface AccessRules {
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
  readonly deny?: readonly string[]
}

/** User → Topic Filters to publish and subscribe to, or rules for each. */
export type AccessList = Readonly<Record<string, readonly string[] | AccessRules>>

/** A certificate that is chosen by SNI. */
export interface ServerCertificate {
  /** The name it is shown for; absent takes the names inside the certificate. */
  readonly serverName?: string
  readonly certfile: string
  readonly keyfile: string
  /** A file whose first line is the password of an encrypted key. */
  readonly keyfilePasswordFile?: string
}
