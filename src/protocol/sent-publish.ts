/** A PUBLISH as it was sent, for whoever watches packets. @module */
import type { PublishPacket } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../codec/packet-types.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import type { ApplicationMessage } from './application-message.ts'

/** @param firstByte with DUP, QoS and RETAIN as sent, which may differ from those of the message */
export function sentPublish(
  { topicName, payload }: ApplicationMessage,
  firstByte: number,
  packetIdentifier: number,
): Omit<PublishPacket, 'properties'> {
  const [dup, qos, retain] = [(firstByte & 0x08) !== 0, ((firstByte >> 1) & 3) as QoS, (firstByte & 0x01) !== 0]
  return { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, payload }
}

/** None before 5.0; the Message Expiry Interval is what is left of it. */
export function sentProperties(
  message: ApplicationMessage,
  version: ProtocolVersion,
  subscriptionIdentifiers: readonly number[],
  nowMs: number,
): Properties {
  if (version < 5) return noProperties
  const messageExpiryInterval = message.expiryIntervalAt(nowMs)
  if (messageExpiryInterval === undefined && subscriptionIdentifiers.length === 0) return message.properties
  return {
    ...message.properties,
    ...(messageExpiryInterval !== undefined && { messageExpiryInterval }),
    ...(subscriptionIdentifiers.length > 0 && { subscriptionIdentifiers }),
  }
}
