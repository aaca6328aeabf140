/**
 * What an Application Message is made of, before it is one.
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
  /** What belongs to one hop (Topic Alias, Subscription Identifiers) does not travel on. */
  readonly properties?: PropertyList | Properties
  /** Client Identifier; empty for the host program. */
  readonly publisher: string
  /** Monotonic milliseconds. */
  readonly receivedAtMs: number
}
