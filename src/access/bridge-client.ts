/**
 * What a bridge gets beyond other Clients: another Server that connects to this one, and says so by bit 7 of the Protocol Level
 * (0x83 for 3.1, 0x84 for 3.1.1), as Mosquitto's does. No standard has that bit. It asks for what 5.0 gives to every Client:
 *
 *   No Local              nothing comes back to where it came from, so that `topic # both` makes no loop
 *   Retain As Published   RETAIN travels on, so that the other side retains the message as well
 *
 * and it may publish whether it is connected, below `$SYS/`, under its own Client Identifier and nobody else's.
 *
 * @module
 */
import type { SubscriptionRequest } from '../codec/packets.ts'
import type { Client } from '../protocol/client.ts'

const SYS_PREFIX = '$SYS/'
const STATE_PREFIX = '$SYS/broker/connection/'
const STATE_SUFFIX = '/state'

/** Whether that is the topic below `$SYS/` that a Client may publish to: a bridge's own state. */
export function isOwnState({ clientId, bridge }: Pick<Client, 'clientId' | 'bridge'>, topicName: string): boolean {
  return bridge === true && topicName === STATE_PREFIX + clientId + STATE_SUFFIX
}

/** Whether that topic is the broker's own, where that Client publishes nothing. */
export function isReserved(topicName: string, client: Pick<Client, 'clientId' | 'bridge'>): boolean {
  return topicName.startsWith(SYS_PREFIX) && !isOwnState(client, topicName)
}

/** What a Client's request for a Subscription means. A Shared Subscription has no No Local [5.0 MQTT-3.8.3-4]. */
export function requestOf(client: Client, request: SubscriptionRequest, isShared: boolean): SubscriptionRequest {
  return client.bridge === true ? { ...request, noLocal: !isShared, retainAsPublished: true } : request
}
