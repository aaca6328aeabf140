/**
 * An Application Message as host programs and plugins see it: to be read only. It is a view of the message that the broker works
 * with, so one that is not looked at costs nothing.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'

/** An application message, as programs and plugins see it: read only. */
export interface Message {
  /** The Topic Name. */
  readonly topic: string
  /** The same as `topic`, by the name that the standard gives it. */
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
   * The payload as JSON.
   *
   * @throws {SyntaxError} if it is no JSON
   */
  json(): unknown
  readonly qos: QoS
  /** The publisher's RETAIN. */
  readonly retain: boolean
  readonly properties: Properties
  /** Client identifier of the publisher; empty for the host program. */
  readonly publisher: string
  /** Whether the payload is in memory: always, except in the event `dropped`. */
  readonly isLoaded: boolean
}
