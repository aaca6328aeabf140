/**
 * The types of options that are more than a number, a string or a switch.
 *
 * @module
 */

export type { PluginReference } from './plugin-reference.ts'

/** The topics that one user may use. `deny` overrides the other two. */
export interface AccessRules {
  readonly publish?: readonly string[]
  readonly subscribe?: readonly string[]
  readonly deny?: readonly string[]
}

/** User → topic filters to publish and subscribe to, or rules for each. */
export type AccessList = Readonly<Record<string, readonly string[] | AccessRules>>

/** Which messages cross a bridge, and under which topics. */
export interface BridgeRule {
  /** What follows the prefixes. */
  readonly filter: string
  /** The most that a message has on the other side; default 1. */
  readonly qos?: 0 | 1 | 2
  /** What the topic begins with here; default empty. */
  readonly localPrefix?: string
  /** What the topic begins with at the other broker; default empty. */
  readonly remotePrefix?: string
}

/** A certificate that is chosen by SNI. */
export interface ServerCertificate {
  /** The server name for which it is used; absent means the names in the certificate. */
  readonly serverName?: string
  readonly certfile: string
  readonly keyfile: string
  /** A file whose first line is the password of an encrypted key. */
  readonly keyfilePasswordFile?: string
}
