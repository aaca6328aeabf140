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

/** What a Session sends through: its Client's Connection. */
export interface SessionConnection {
  /** Who is connected. */
  readonly client: Client
  /** True while output piles up: only what is already in flight goes on. */
  readonly congested: boolean
  /** Whether it is as well to hand it more at once: its peer takes what it has. */
  readonly takesMore: boolean
  /** Whether the Client's Maximum Packet Size lets it have that message. */
  fits(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean
  /** @returns why this Client cannot have it, as where it exceeds its Maximum Packet Size; `undefined` where it was sent */
  sendPublish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined
  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined
  sendPubrel(delivery: Delivery): void
}
