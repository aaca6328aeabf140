/**
 * A Connection as the Session of its Client sees it.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { Client } from './client.ts'
import type { Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'

/** The Connection of a Session's Client, through which the Session sends. */
export interface SessionConnection {
  /** The Client that is connected. */
  readonly client: Client
  /** True while output piles up: only what is already in flight continues. */
  readonly congested: boolean
  /** Whether it makes sense to pass it more at once, because its peer takes what it is sent. */
  readonly takesMore: boolean
  /** Whether that message is within the Client's Maximum Packet Size. */
  fits(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean
  /**
   * @returns why this Client cannot get it, for example because of its Maximum Packet Size; `undefined` if it was sent
   */
  sendPublish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined
  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined
  sendPubrel(delivery: Delivery): void
}
