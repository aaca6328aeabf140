/** A Client that has logged in, as plain facts. @module */
import type { ProtocolVersion } from '../codec/packet-types.ts'

/** Who asks, after log-in. Plain facts; what the host sees in events and lists too. */
export interface Client {
  readonly clientId: string
  /** The name that the log-in settled on; `undefined` for an anonymous Client. */
  readonly userName: string | undefined
  /** The User Name that an anonymous Client sent and nobody has verified: to show, never to decide by. */
  readonly claimedUserName?: string | undefined
  readonly address: string
  readonly listener: string
  readonly protocolVersion: ProtocolVersion
  /** It says that it is another Server's bridge. */
  readonly bridge?: true | undefined
}
