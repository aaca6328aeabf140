/**
 * The parts from which an Application Message is made.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { PropertyList } from '../codec/property-list.ts'
import type { Properties } from '../codec/properties.ts'

export interface MessageParts {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** Properties that belong to one hop (Topic Alias, Subscription Identifiers) are not passed on. */
  readonly properties?: PropertyList | Properties
  /** Client Identifier; empty for the host program. */
  readonly publisher: string
  /** Monotonic milliseconds. */
  readonly receivedAtMs: number
}
