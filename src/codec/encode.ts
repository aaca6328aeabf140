/**
 * Encodes any Control Packet, for all three versions and both sides. The hot ones have their own: `publish-frame.ts` and
 * `acknowledgement.ts`.
 *
 * Of a packet's properties those are written that its type may have, and none before 5.0. The short forms that 5.0 allows are
 * always used.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import {
  type ConnectPacket,
  type Packet,
  type PublishPacket,
  type SubscribePacket,
  type SubscriptionRequest,
} from './packets.ts'
import { PacketType, packetTypes, type ProtocolVersion } from './packet-types.ts'
import { noProperties, type Properties } from './properties.ts'
import type { PropertyHolder } from './property-table.ts'
import { sizeOfProperties } from './property-writer.ts'
import { firstByteOfPublish } from './publish-frame.ts'
import { Writer } from './writer.ts'

/**
 * Encodes one packet.
 *
 * @param version what the receiver speaks; a CONNECT says its own, `protocolVersion`
 * @throws {UsageError} when a string is too long or holds U+0000, when the packet is too large for the protocol, or when
 * `version` has no such packet
 *
 * @example
 * encodePacket({ type: 13 }, 4).length // 2: PINGRESP
 */
export function encodePacket(packet: Packet, version: ProtocolVersion): Uint8Array {
  if (packet.type === PacketType.PUBLISH) return encodePublish(packet, version)
  const row = packetTypes[packet.type - 1]!
  if (row.since > version) throw new UsageError(`MQTT before 5.0 has no ${row.name}`)
  const writer = new Writer()
  writeBody(writer, packet, version)
  return writer.finish((packet.type << 4) | row.flags!)
}

/**
 * Encodes one packet for a receiver that takes no more than `maximumPacketSize` bytes: if need be without Reason String, then
 * without User Properties [5.0 MQTT-3.2.2-19] [5.0 MQTT-3.2.2-20]. What cannot be encoded, such as a Reason String of more
 * than 65,535 bytes, does not fit either. A PUBLISH is the message's own and loses nothing.
 *
 * @returns `undefined` when it does not fit even so, and must not be sent [5.0 MQTT-3.1.2-24]
 * @throws {UsageError} as `encodePacket`, when what is left cannot be encoded
 *
 * @example
 * encodeWithinLimit({ type: 14, reasonCode: 0x8b, properties: { reasonString: 'bye' } }, 5, 8)?.length // 3: DISCONNECT
 */
export function encodeWithinLimit(
  packet: Packet,
  version: ProtocolVersion,
  maximumPacketSize: number,
): Uint8Array | undefined {
  let problem: unknown
  for (const candidate of shorterAndShorter(packet)) {
    try {
      const bytes = encodePacket(candidate, version)
      if (bytes.length <= maximumPacketSize) return bytes
      problem = undefined
    } catch (error) {
      problem = error
    }
  }
  if (problem !== undefined) throw problem
  return undefined
}

function* shorterAndShorter(packet: Packet): Iterable<Packet> {
  yield packet
  if (packet.type === PacketType.PUBLISH || !('properties' in packet)) return
  const { reasonString, ...withoutReason } = packet.properties
  if (reasonString !== undefined) yield { ...packet, properties: withoutReason }
  const { userProperties, ...rest } = withoutReason
  if (userProperties !== undefined) yield { ...packet, properties: rest }
}

function encodePublish(packet: PublishPacket, version: ProtocolVersion): Uint8Array {
  const { topicName, qos, retain, dup, packetIdentifier, properties, payload } = packet
  const writer = new Writer()
  writer.string(topicName)
  if (qos > 0) writer.twoByteInteger(packetIdentifier)
  writeProperties(writer, properties, 'PUBLISH', version)
  writer.rest(payload)
  return writer.finish(firstByteOfPublish(qos, retain, dup))
}

function writeBody(writer: Writer, packet: Exclude<Packet, PublishPacket>, version: ProtocolVersion): void {
  switch (packet.type) {
    case PacketType.CONNECT:
      writeConnect(writer, packet)
      return
    case PacketType.CONNACK:
      writer.byte(packet.sessionPresent && version > 3 ? 1 : 0)
      writer.byte(packet.reasonCode)
      writeProperties(writer, packet.properties, 'CONNACK', version)
      return
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      writer.twoByteInteger(packet.packetIdentifier)
      writeReason(writer, packet.reasonCode, packet.properties, 'PUBACK', version)
      return
    case PacketType.SUBSCRIBE:
      writeSubscribe(writer, packet, version)
      return
    case PacketType.UNSUBSCRIBE:
      writer.twoByteInteger(packet.packetIdentifier)
      writeProperties(writer, packet.properties, 'UNSUBSCRIBE', version)
      for (const topicFilter of packet.topicFilters) writer.string(topicFilter)
      return
    case PacketType.SUBACK:
    case PacketType.UNSUBACK:
      writer.twoByteInteger(packet.packetIdentifier)
      writeProperties(writer, packet.properties, 'SUBACK', version)
      if (version < 5 && packet.type === PacketType.UNSUBACK) return
      for (const reasonCode of packet.reasonCodes) writer.byte(reasonCode)
      return
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return
    case PacketType.DISCONNECT:
      writeReason(writer, packet.reasonCode, packet.properties, 'DISCONNECT', version)
      return
    case PacketType.AUTH:
      writeReason(writer, packet.reasonCode, packet.properties, 'AUTH', version)
  }
}

/** Of the version byte, by agreement among Servers. */
const BRIDGE = 0x80

function writeConnect(writer: Writer, packet: ConnectPacket): void {
  const { protocolVersion, will, userName, password } = packet
  writer.string(protocolVersion === 3 ? 'MQIsdp' : 'MQTT')
  writer.byte(packet.bridge === true ? protocolVersion | BRIDGE : protocolVersion)
  writer.byte(connectFlags(packet))
  writer.twoByteInteger(packet.keepAlive)
  writeProperties(writer, packet.properties, 'CONNECT', protocolVersion)
  writer.string(packet.clientId)
  if (will !== undefined) {
    writeProperties(writer, will.properties, 'WILL', protocolVersion)
    writer.string(will.topicName)
    writer.binary(will.payload)
  }
  if (userName !== undefined) writer.string(userName)
  if (password !== undefined) writer.binary(password)
}

function connectFlags({ cleanStart, will, userName, password }: ConnectPacket): number {
  const willFlags = will === undefined ? 0 : 0b100 | (will.qos << 3) | (will.retain ? 0b10_0000 : 0)
  const credentials = (userName === undefined ? 0 : 0b1000_0000) | (password === undefined ? 0 : 0b0100_0000)
  return credentials | willFlags | (cleanStart ? 0b10 : 0)
}

function writeSubscribe(writer: Writer, packet: SubscribePacket, version: ProtocolVersion): void {
  writer.twoByteInteger(packet.packetIdentifier)
  writeProperties(writer, packet.properties, 'SUBSCRIBE', version)
  for (const subscription of packet.subscriptions) {
    writer.string(subscription.topicFilter)
    writer.byte(version === 5 ? subscriptionOptions(subscription) : subscription.qos)
  }
}

function subscriptionOptions({ qos, noLocal, retainAsPublished, retainHandling }: SubscriptionRequest): number {
  return qos | (noLocal ? 0b100 : 0) | (retainAsPublished ? 0b1000 : 0) | (retainHandling << 4)
}

function writeProperties(
  writer: Writer,
  properties: Properties,
  holder: PropertyHolder,
  version: ProtocolVersion,
): void {
  if (version === 5) writer.properties(properties, holder)
}

/** Reason Code and properties, as far as they say anything. */
function writeReason(
  writer: Writer,
  reasonCode: number,
  properties: Properties,
  holder: PropertyHolder,
  version: ProtocolVersion,
): void {
  if (version < 5) return
  const hasProperties = properties !== noProperties && sizeOfProperties(properties, holder) > 0
  if (reasonCode !== 0 || hasProperties) writer.byte(reasonCode)
  if (hasProperties) writer.properties(properties, holder)
}
