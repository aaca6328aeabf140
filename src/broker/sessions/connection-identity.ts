/** Who is behind a Connection, and which way it came. @module */
import type { ProtocolVersion } from '../../codec/packet-types.ts'

/** Who is behind a connection, and which way it came. */
export interface ConnectionIdentity {
  readonly clientId: string
  /** The name that the login settled on; `undefined` for an anonymous client. */
  readonly userName: string | undefined
  /** What an anonymous client sent as its User Name; nobody has verified it. */
  readonly claimedUserName: string | undefined
  /** Empty for an attached stream. */
  readonly address: string
  readonly port: number | undefined
  readonly listener: string
  /** 3 for MQTT 3.1, 4 for 3.1.1, 5 for 5.0. */
  readonly protocolVersion: ProtocolVersion
}
