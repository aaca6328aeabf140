/**
 * A Subscription, and its Subscriber.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import { sizeInTree } from '../topics/topic-size.ts'
import type { ApplicationMessage } from './application-message.ts'
import { SUBSCRIPTION_BYTES } from './memory-sizes.ts'

/** The parts of a Subscription (or of several that agree) that a delivery needs. */
export interface DeliveryOptions {
  /** The granted QoS; for several, the highest [5.0 MQTT-3.3.4-2]. */
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** Shared by every delivery and never changed. Empty if no Subscription Identifier was given. */
  readonly subscriptionIdentifiers: readonly number[]
}

/** A receiver of messages: a Session, or a function of the host program. Both are matched in the same way. */
export interface Subscriber {
  readonly clientId: string
  /** It takes nothing more, even if its Subscriptions still exist for a while. */
  readonly isEnded: boolean
  deliver(message: ApplicationMessage, options: DeliveryOptions): void
}

/** One Subscription of one Subscriber, shared or not; its Topic Filter is the key (U-4.8.1-1). */
export interface Subscription extends DeliveryOptions {
  readonly subscriber: Subscriber
  /** As the Client wrote it, with `$share/Name/` if it is shared. */
  readonly topicFilter: string
  readonly retainHandling: 0 | 1 | 2
}

/** The parts of a Subscription without its Subscriber. */
export type SubscriptionParts = Omit<Subscription, 'subscriber'>

/**
 * Makes a Subscription. All of them are made here: objects from one literal have one shape in V8, which makes reading
 * them for each delivery twice as fast as reading objects that were copied with a spread.
 */
export function subscriptionOf(subscriber: Subscriber, parts: SubscriptionParts): Subscription {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers } = parts
  return { subscriber, topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers }
}

/** The memory of a Subscription, which is charged to its Session. */
export function sizeOfSubscription(topicFilter: string): number {
  return SUBSCRIPTION_BYTES + sizeInTree(topicFilter)
}
