/**
 * A Connection as its parts and the Server see it. What they call is few of what it has; the Server, which makes every Connection,
 * knows the class behind it.
 *
 * @module
 */
import type { PacketType } from '../codec/packet-types.ts'
import type { Client } from './client.ts'
import type { ConnectionLimits } from './connection-limits.ts'
import type { Session } from './session.ts'

export interface ServedConnection {
  readonly client: Client
  readonly limits: ConnectionLimits
  /** From CONNACK on. */
  readonly session: Session | undefined
  /** PUBACK or PUBREC for the message at hand, once what it changed is stored. */
  acknowledge(type: typeof PacketType.PUBACK | typeof PacketType.PUBREC, packetIdentifier: number, code: number): void
  /** Its Sender keeps so many bytes more, or less, that are not handed to the Transport. */
  keeps(change: number): void
}
