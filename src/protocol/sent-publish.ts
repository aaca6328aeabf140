/** A PUBLISH as it was sent, for whoever watches packets. @module */
import type { PublishPacket } from '../codec/packets.ts'
import { PacketType, type QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from './application-message.ts'

/** @param firstByte with DUP, QoS and RETAIN as sent, which may differ from those of the message */
export function sentPublish(
  { topicName, properties: own, payload }: ApplicationMessage,
  firstByte: number,
  packetIdentifier: number,
  subscriptionIdentifiers: readonly number[],
): PublishPacket {
  const [dup, qos, retain] = [(firstByte & 0x08) !== 0, ((firstByte >> 1) & 3) as QoS, (firstByte & 0x01) !== 0]
  const properties = subscriptionIdentifiers.length === 0 ? own : { ...own, subscriptionIdentifiers }
  return { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, properties, payload }
}
