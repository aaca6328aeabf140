/**
 * Encodes any Control Packet, for all three versions and both sides. The hot packets have encoders of their own:
 * `publish-frame.ts` and `acknowledgement.ts`.
 *
 * Only properties that the packet type allows are written, and none before 5.0. The short forms of 5.0 are always used.
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
 * @param version of the receiver; a CONNECT contains its own, `protocolVersion`
 * @throws {UsageError} if a string is too long or contains U+0000, if the packet is too large for the protocol, or if
 * `version` does not have this packet
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
 * Encodes one packet for a receiver that accepts at most `maximumPacketSize` bytes: if necessary without Reason String,
 * then without User Properties [5.0 MQTT-3.2.2-19] [5.0 MQTT-3.2.2-20]. A packet that cannot be encoded, for instance
 * because its Reason String has more than 65,535 bytes, does not fit either. A PUBLISH belongs to its publisher and is
 * never shortened.
 *
 * @returns `undefined` if it does not fit, so that it must not be sent [5.0 MQTT-3.1.2-24]
 * @throws {UsageError} as `encodePacket`, if the shortened packet cannot be encoded
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
  const fitting = (candidate: Packet): Uint8Array | undefined => {
    try {
      problem = undefined
      const bytes = encodePacket(candidate, version)
      return bytes.length <= maximumPacketSize ? bytes : undefined
    } catch (error) {
      problem = error
      return undefined
    }
  }
  // Almost always the packet fits as it is.
  const whole = fitting(packet)
  if (whole !== undefined) return whole
  for (const candidate of shorterAndShorter(packet)) {
    const bytes = fitting(candidate)
    if (bytes !== undefined) return bytes
  }
  if (problem !== undefined) throw problem
  return undefined
}

function* shorterAndShorter(packet: Packet): Iterable<Packet> {
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

/** A bit of the version byte, by convention among servers. */
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

/** Writes the Reason Code and properties, unless they can be omitted. */
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
