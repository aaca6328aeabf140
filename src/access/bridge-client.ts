/**
 * The rights of a bridge beyond those of other clients. A bridge is another server that connects to this one and sets
 * bit 7 of the Protocol Level (0x83 for 3.1, 0x84 for 3.1.1), as Mosquitto's does. No standard defines that bit. The
 * bridge requests what 5.0 offers to every client:
 *
 *   No Local              no message returns to its origin, so that `topic # both` creates no loop
 *   Retain As Published   RETAIN is forwarded, so that the other side retains the message as well
 *
 * It may also publish below `$SYS/` whether it is connected, under its own client identifier only.
 *
 * @module
 */
import { isControlTopic } from './control-topics.ts'
import type { SubscriptionRequest } from '../codec/packets.ts'
import type { Client } from '../protocol/client.ts'

/**
 * What the Client Identifiers of the broker's own bridges begin with at their local end; no other client may use it.
 */
export const OWN_CLIENT_IDS = '$bridge/'

const SYS_PREFIX = '$SYS/'
const STATE_PREFIX = '$SYS/broker/connection/'
const STATE_SUFFIX = '/state'

/** Whether this is the topic below `$SYS/` to which a client may publish: a bridge's own state. */
export function isOwnState({ clientId, bridge }: Pick<Client, 'clientId' | 'bridge'>, topicName: string): boolean {
  return bridge === true && topicName === STATE_PREFIX + clientId + STATE_SUFFIX
}

/** Whether that topic is reserved for the broker, so that this client must not publish to it. */
export function isReserved(topicName: string, client: Pick<Client, 'clientId' | 'bridge'>): boolean {
  if (isControlTopic(topicName)) return true
  return topicName.startsWith(SYS_PREFIX) && !isOwnState(client, topicName)
}

/** The effective options of a subscription request. A Shared Subscription has no No Local [5.0 MQTT-3.8.3-4]. */
export function bridgeRequest(client: Client, request: SubscriptionRequest, isShared: boolean): SubscriptionRequest {
  return client.bridge === true ? { ...request, noLocal: !isShared, retainAsPublished: true } : request
}
