/**
 * An Application Message as host programs and plugins see it. It is a read-only view of the message that the broker
 * works with, so it costs nothing unless it is used.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'

/** An application message, as programs and plugins see it. It is read-only. */
export interface Message {
  /** The Topic Name. */
  readonly topic: string
  /** The same as `topic`, under the name that the standard uses. */
  readonly topicName: string
  /**
   * The payload as bytes.
   *
   * @throws {InvariantError} if the payload is in the store alone (`isLoaded`)
   */
  readonly payload: Buffer
  /** The payload as UTF-8. */
  text(): string
  /**
   * The payload, parsed as JSON.
   *
   * @throws {SyntaxError} if the payload is not JSON
   */
  json(): unknown
  readonly qos: QoS
  /** The RETAIN flag that the publisher set. */
  readonly retain: boolean
  readonly properties: Properties
  /** Client identifier of the publisher; empty for messages of the host program. */
  readonly publisher: string
  /** Whether the payload is in memory; it always is, except in the event `dropped`. */
  readonly isLoaded: boolean
}
