/**
 * A Subscription, and who can have one.
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import { sizeInTree } from '../topics/topic-size.ts'
import type { ApplicationMessage } from './application-message.ts'
import { SUBSCRIPTION_BYTES } from './memory-sizes.ts'

/** What a delivery needs to know of the subscription, or of several that agree, that caused it. */
export interface DeliveryOptions {
  /** Granted; for several, the highest [5.0 MQTT-3.3.4-2]. */
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  /** Shared by every delivery: never changed once made. Empty where no Subscription Identifier was given. */
  readonly subscriptionIdentifiers: readonly number[]
}

/** Anyone a message can be delivered to: a Session, or a function of the host program. One match path for both. */
export interface Subscriber {
  readonly clientId: string
  /** It takes nothing more, though its Subscriptions may be there for a while. */
  readonly isEnded: boolean
  deliver(message: ApplicationMessage, options: DeliveryOptions): void
}

/** One non-shared or shared Subscription of one Subscriber; its Topic Filter is the key (U-4.8.1-1). */
export interface Subscription extends DeliveryOptions {
  readonly subscriber: Subscriber
  /** As the Client wrote it, with `$share/Name/` if it is shared. */
  readonly topicFilter: string
  readonly retainHandling: 0 | 1 | 2
}

/** What a Subscription is made of, besides its Subscriber. */
export type SubscriptionParts = Omit<Subscription, 'subscriber'>

/**
 * Makes a Subscription. Every one is made here: literals with the same fields in the same order are alike to V8, which makes
 * reading them for each delivery twice as fast as objects that were copied with a spread.
 */
export function subscriptionOf(subscriber: Subscriber, parts: SubscriptionParts): Subscription {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers } = parts
  return { subscriber, topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers }
}

/** What a Subscription takes in memory, for its Session. */
export function sizeOfSubscription(topicFilter: string): number {
  return SUBSCRIPTION_BYTES + sizeInTree(topicFilter)
}
