/** What a server allows, from its CONNACK (§3.2.2.3). @module */
import { maxControlPacketBytes } from '../codec/decoder.ts'
import type { SubscriptionRequest } from '../codec/packets.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import { hasWildcards, parseSharedFilter } from '../topics/topic-filter.ts'

/** What a server allows; a property that is absent from its CONNACK has the value that the standard gives it. */
export interface ServerLimits {
  readonly receiveMaximum: number
  readonly maximumQoS: QoS
  readonly retainAvailable: boolean
  readonly maximumPacketSize: number
  readonly topicAliasMaximum: number
  readonly wildcardSubscriptionAvailable: boolean
  readonly subscriptionIdentifierAvailable: boolean
  readonly sharedSubscriptionAvailable: boolean
}

/** Reads them. Before 5.0 there are no properties, and so everything is allowed. */
export function serverLimitsOf(properties: Properties): ServerLimits {
  return {
    receiveMaximum: properties.receiveMaximum ?? 0xffff,
    maximumQoS: (properties.maximumQoS ?? 2) as QoS,
    retainAvailable: properties.retainAvailable !== 0,
    maximumPacketSize: properties.maximumPacketSize ?? maxControlPacketBytes,
    topicAliasMaximum: properties.topicAliasMaximum ?? 0,
    wildcardSubscriptionAvailable: properties.wildcardSubscriptionAvailable !== 0,
    subscriptionIdentifierAvailable: properties.subscriptionIdentifierAvailable !== 0,
    sharedSubscriptionAvailable: properties.sharedSubscriptionAvailable !== 0,
  }
}

/** Why a message must not be sent to that server; `undefined` if it may. */
export function publishProblem(limits: ServerLimits, qos: QoS, retain: boolean): string | undefined {
  if (qos > limits.maximumQoS) {
    return `the server supports at most QoS ${limits.maximumQoS}, got ${qos} [5.0 MQTT-3.2.2-11]`
  }
  if (retain && !limits.retainAvailable) return 'the server does not support retained messages [5.0 MQTT-3.2.2-14]'
  return undefined
}

/** Why a subscription must not be requested from that server; `undefined` if it may. */
export function subscribeProblem(
  limits: ServerLimits,
  subscriptions: readonly SubscriptionRequest[],
  properties: Properties,
): string | undefined {
  if (!limits.subscriptionIdentifierAvailable && properties.subscriptionIdentifiers !== undefined) {
    return 'the server does not support Subscription Identifiers'
  }
  for (const { topicFilter } of subscriptions) {
    const isShared = parseSharedFilter(topicFilter) !== undefined
    if (isShared && !limits.sharedSubscriptionAvailable) return 'the server does not support Shared Subscriptions'
    if (hasWildcards(topicFilter) && !limits.wildcardSubscriptionAvailable) {
      return 'the server does not support wildcards in Topic Filters'
    }
  }
  return undefined
}
