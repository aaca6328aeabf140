/** A received message, as formats see it. @module */
import type { QoS } from '../../codec/packet-types.ts'
import type { Properties } from '../../codec/properties.ts'

/** A received message with everything that came with it. */
export interface ReceivedMessage {
  readonly topicName: string
  readonly payload: Buffer
  readonly qos: QoS
  readonly retain: boolean
  /** 0 at QoS 0. */
  readonly packetIdentifier: number
  readonly properties: Properties
  readonly subscriptionIdentifiers: readonly number[]
  /** Milliseconds since 1970, with a fraction. */
  readonly receivedAtMs: number
}
