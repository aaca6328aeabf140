/** A Client that has logged in, as plain facts. @module */
import type { ProtocolVersion } from '../codec/packet-types.ts'

/** What the console of an operator may do: publish and subscribe, or only publish. */
export type ConsoleRights = 'all' | 'publish'

/** A client that has logged in, as plugins and event listeners see it. */
export interface Client {
  readonly clientId: string
  /** The user name that the login decided; `undefined` for an anonymous client. */
  readonly userName: string | undefined
  /** The unverified user name that an anonymous client sent: for display only, never for decisions. */
  readonly claimedUserName?: string | undefined
  readonly address: string
  readonly listener: string
  readonly protocolVersion: ProtocolVersion
  /** True if the client identifies itself as the bridge of another broker. */
  readonly bridge?: true | undefined
  /** True for the local end of one of this broker's own bridges: it needs no login and no permission. */
  readonly own?: true | undefined
  /**
   * For the console of an operator: what its role permits, which no plugin is asked about. Absent for every other
   * client.
   */
  readonly console?: ConsoleRights | undefined
}
