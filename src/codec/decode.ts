/**
 * Decodes any Control Packet (§2 and §3), in all three versions, from either side. Strict: everything that the standard
 * calls an error is thrown, with the Reason Code that it names.
 *
 * The result contains no view of the input bytes, except for the payload of a PUBLISH. Rules that depend on more than
 * the packet (which Topic Filters are valid, whether an identifier is in use, whether a Topic Alias is known) are
 * checked on higher floors.
 *
 * @module
 */
import { connectPacketOf, decodeConnect } from './decode-connect.ts'
import {
  type AcknowledgementPacket,
  type AuthPacket,
  type ConnackPacket,
  type DisconnectPacket,
  type Packet,
  type PublishPacket,
  type SubackPacket,
  type SubscribePacket,
  type SubscriptionRequest,
  type UnsubackPacket,
  type UnsubscribePacket,
} from './packets.ts'
import { PacketType, packetTypes, type ProtocolVersion, type QoS, type Sender } from './packet-types.ts'
import { noPacketLimits, type PacketLimits, tooMany } from './packet-limits.ts'
import { noProperties, type Properties } from './properties.ts'
import type { PropertyHolder } from './property-table.ts'
import { readProperties } from './property-reader.ts'
import { forbidden, malformed } from './protocol-error.ts'
import { PublishView, readPublish, readPublishProperties, readTopicName } from './publish-view.ts'
import { connectReturnCodes, isReasonCodeAllowed, ReasonCode } from './reason-code.ts'
import { Reader } from './reader.ts'

/**
 * Decodes one packet, as delimited by `Decoder`.
 *
 * @param bodyStart where the variable header begins
 * @param version as agreed in CONNECT; ignored for CONNECT itself
 * @param sender the side that sent it, because some packets may come from one side only
 * @param limits what it may contain
 * @param readsUserProperties false omits User Properties, which are checked all the same
 * @returns the packet; the `payload` of a PUBLISH is a view of `bytes`, to be copied if it is kept
 * @throws {ProtocolError} with the Reason Code of the error; for CONNECT a `ConnectError`
 *
 * @example
 * decodePacket(Uint8Array.of(0xc0, 0), 0xc0, 2, 2, 4, 'client').type // 12: PINGREQ
 */
export function decodePacket(
  bytes: Uint8Array,
  firstByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  sender: Sender,
  limits: PacketLimits = noPacketLimits,
  readsUserProperties = true,
): Packet {
  const type = (firstByte >> 4) as PacketType
  checkSender(type, version, sender)
  if (type === PacketType.CONNECT)
    return connectPacketOf(decodeConnect(bytes, bodyStart, end, firstByte, limits, readsUserProperties))
  if (type === PacketType.PUBLISH) return decodePublish(bytes, firstByte, bodyStart, end, version, sender)
  checkFlags(firstByte, version)
  const reader = new Reader(bytes, bodyStart, end, limits, readsUserProperties)
  const packet = decodeBody(reader, type, version, sender)
  reader.expectEnd()
  return packet
}

function checkSender(type: PacketType, version: ProtocolVersion, sender: Sender): void {
  const row = packetTypes[type - 1]
  if (row === undefined || row.since > version) throw malformed(`Control Packet type ${type} is reserved`)
  const fromServerBefore5 = type === PacketType.DISCONNECT && sender === 'server' && version < 5
  if ((row.sentBy !== 'both' && row.sentBy !== sender) || fromServerBefore5) {
    throw forbidden(`A ${sender} must not send ${row.name}`)
  }
}

/** In 3.1, packets with QoS bits may be sent again, with DUP 1 (3.1 §2.1). */
const dupOf31 = 0b1000

function checkFlags(firstByte: number, version: ProtocolVersion): void {
  const { flags, name } = packetTypes[(firstByte >> 4) - 1]!
  const ignored = version === 3 && flags === 0b0010 ? dupOf31 : 0
  if ((firstByte & 0x0f & ~ignored) !== flags) {
    throw malformed(`${name} has wrong fixed header flags [5.0 MQTT-2.1.3-1] [3.1.1 MQTT-2.2.2-2]`)
  }
}

function decodeBody(
  reader: Reader,
  type: Exclude<PacketType, typeof PacketType.CONNECT | typeof PacketType.PUBLISH>,
  version: ProtocolVersion,
  sender: Sender,
): Packet {
  switch (type) {
    case PacketType.CONNACK:
      return decodeConnack(reader, version)
    case PacketType.PUBACK:
    case PacketType.PUBREC:
    case PacketType.PUBREL:
    case PacketType.PUBCOMP:
      return decodeAcknowledgement(reader, type, version, sender)
    case PacketType.SUBSCRIBE:
      return decodeSubscribe(reader, version)
    case PacketType.SUBACK:
      return decodeSuback(reader, version)
    case PacketType.UNSUBSCRIBE:
      return decodeUnsubscribe(reader, version)
    case PacketType.UNSUBACK:
      return decodeUnsuback(reader, version)
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return { type }
    case PacketType.DISCONNECT:
      return decodeDisconnect(reader, version, sender)
    case PacketType.AUTH:
      return decodeAuth(reader, sender)
  }
}

function decodePublish(
  bytes: Uint8Array,
  firstByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  sender: Sender,
): PublishPacket {
  const view = new PublishView()
  readPublish(bytes, firstByte, bodyStart, end, version, view)
  const topicName = readTopicName(bytes, view.topicStart, view.topicEnd)
  const properties = readPublishProperties(bytes, view.propertiesStart, view.propertiesEnd, sender)
  if (topicName === '' && properties.topicAlias === undefined) throw forbidden('PUBLISH has neither topic nor alias')
  const { dup, qos, retain, packetIdentifier } = view
  const payload = bytes.subarray(view.payloadStart, view.payloadEnd)
  return { type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, properties, payload }
}

function decodeConnack(reader: Reader, version: ProtocolVersion): ConnackPacket {
  const flags = reader.byte('Connect Acknowledge Flags')
  // 3.1 has no Session Present: the whole byte is reserved.
  if (flags > (version === 3 ? 0 : 1)) throw malformed('CONNACK has a reserved flag set [5.0 MQTT-3.2.2-1]')
  const reasonCode = reader.byte('Reason Code')
  if (version === 5) checkReasonCode(PacketType.CONNACK, reasonCode, 'server')
  else if (reasonCode >= connectReturnCodes.length) throw malformed(`CONNACK has return code ${reasonCode}`)
  if (flags === 1 && reasonCode !== 0) throw forbidden('A refusal has Session Present 1 [5.0 MQTT-3.2.2-6]')
  const properties = readPropertiesOf(reader, 'CONNACK', version, 'server')
  return { type: PacketType.CONNACK, sessionPresent: flags === 1, reasonCode, properties }
}

function decodeAcknowledgement(
  reader: Reader,
  type: AcknowledgementPacket['type'],
  version: ProtocolVersion,
  sender: Sender,
): AcknowledgementPacket {
  const packetIdentifier = readPacketIdentifier(reader)
  if (version < 5) return { type, packetIdentifier, reasonCode: ReasonCode.Success, properties: noProperties }
  return { type, packetIdentifier, ...readReason(reader, type, sender) }
}

function decodeSubscribe(reader: Reader, version: ProtocolVersion): SubscribePacket {
  const packetIdentifier = readPacketIdentifier(reader)
  const properties = readPropertiesOf(reader, 'SUBSCRIBE', version, 'client')
  checkFilterCount(reader, 'SUBSCRIBE', 1)
  const subscriptions: SubscriptionRequest[] = []
  while (!reader.isAtEnd) subscriptions.push(readSubscription(reader, version))
  if (subscriptions.length === 0) throw forbidden('SUBSCRIBE has no Topic Filter [5.0 MQTT-3.8.3-2]')
  return { type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties }
}

/** Counts the Topic Filters that follow, each with this many bytes of options, before they are decoded. */
function checkFilterCount({ bytes, at, end, limits }: Reader, name: 'SUBSCRIBE' | 'UNSUBSCRIBE', options: 0 | 1): void {
  const { maxFiltersPerPacket } = limits
  let count = 0
  while (at + 2 <= end) {
    at += 2 + ((bytes[at]! << 8) | bytes[at + 1]!) + options
    if (++count > maxFiltersPerPacket) {
      throw tooMany('Topic Filters', name, 'max-filters-per-packet', maxFiltersPerPacket)
    }
  }
}

function readSubscription(reader: Reader, version: ProtocolVersion): SubscriptionRequest {
  const topicFilter = reader.string('Topic Filter')
  const options = reader.byte('Subscription Options')
  const qos = options & 0b11
  const retainHandling = (options >> 4) & 0b11
  const noLocal = (options & 0b0100) !== 0
  if (version < 5) {
    if (options > 2) throw malformed('Requested QoS is not 0, 1 or 2 [3.1.1 MQTT-3.8.3-4]')
  } else {
    if (options > 0b0011_1111) throw malformed('Subscription Options have a reserved bit set [5.0 MQTT-3.8.3-5]')
    if (qos === 3) throw forbidden('Subscription Options have QoS 3')
    if (retainHandling === 3) throw forbidden('Subscription Options have Retain Handling 3')
    if (noLocal && topicFilter.startsWith('$share/')) {
      throw forbidden('No Local is set on a Shared Subscription [5.0 MQTT-3.8.3-4]')
    }
  }
  return {
    topicFilter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & 0b1000) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  }
}

function decodeSuback(reader: Reader, version: ProtocolVersion): SubackPacket {
  const packetIdentifier = readPacketIdentifier(reader)
  const properties = readPropertiesOf(reader, 'SUBACK', version, 'server')
  const reasonCodes = readReasonCodes(reader, PacketType.SUBACK)
  if (version < 5 && reasonCodes.some((code) => code > 2 && (code !== 0x80 || version === 3))) {
    throw malformed('SUBACK has a return code that its protocol version does not define [3.1.1 MQTT-3.9.3-2]')
  }
  return { type: PacketType.SUBACK, packetIdentifier, reasonCodes, properties }
}

function decodeUnsubscribe(reader: Reader, version: ProtocolVersion): UnsubscribePacket {
  const packetIdentifier = readPacketIdentifier(reader)
  const properties = readPropertiesOf(reader, 'UNSUBSCRIBE', version, 'client')
  checkFilterCount(reader, 'UNSUBSCRIBE', 0)
  const topicFilters: string[] = []
  while (!reader.isAtEnd) topicFilters.push(reader.string('Topic Filter'))
  if (topicFilters.length === 0) throw forbidden('UNSUBSCRIBE has no Topic Filter [5.0 MQTT-3.10.3-2]')
  return { type: PacketType.UNSUBSCRIBE, packetIdentifier, topicFilters, properties }
}

function decodeUnsuback(reader: Reader, version: ProtocolVersion): UnsubackPacket {
  const packetIdentifier = readPacketIdentifier(reader)
  const properties = readPropertiesOf(reader, 'UNSUBACK', version, 'server')
  const reasonCodes = version === 5 ? readReasonCodes(reader, PacketType.UNSUBACK) : []
  return { type: PacketType.UNSUBACK, packetIdentifier, reasonCodes, properties }
}

function decodeDisconnect(reader: Reader, version: ProtocolVersion, sender: Sender): DisconnectPacket {
  const type = PacketType.DISCONNECT
  if (version < 5) return { type, reasonCode: ReasonCode.Success, properties: noProperties }
  return { type, ...readReason(reader, type, sender) }
}

function decodeAuth(reader: Reader, sender: Sender): AuthPacket {
  const reason = readReason(reader, PacketType.AUTH, sender)
  // The form without properties exists (§3.15.2.1), but the method is required (§3.15.2.2.2), so that form cannot be
  // used.
  if (reason.properties.authenticationMethod === undefined) throw forbidden('AUTH has no Authentication Method')
  return { type: PacketType.AUTH, ...reason }
}

/**
 * Reads the Reason Code and properties, either of which may be omitted at the end (§3.4.2.1, §3.4.2.2, §3.14.2.1,
 * §3.15.2.1).
 */
function readReason(
  reader: Reader,
  type: (AcknowledgementPacket | DisconnectPacket | AuthPacket)['type'],
  sender: Sender,
): { reasonCode: number; properties: Properties } {
  const reasonCode = reader.isAtEnd ? ReasonCode.Success : reader.byte('Reason Code')
  if (!isHarmless(type, reasonCode)) checkReasonCode(type, reasonCode, sender)
  const holder = packetTypes[type - 1]!.name as PropertyHolder
  return { reasonCode, properties: reader.isAtEnd ? noProperties : readProperties(reader, holder, sender) }
}

function readReasonCodes(reader: Reader, type: PacketType): number[] {
  const codes: number[] = []
  while (!reader.isAtEnd) {
    const code = reader.byte('Reason Code')
    checkReasonCode(type, code, 'server')
    codes.push(code)
  }
  if (codes.length === 0) throw forbidden(`${packetTypes[type - 1]!.name} has no Reason Code`)
  return codes
}

/** Some clients acknowledge with "No matching subscribers", which only a server may send: it is treated as success. */
function isHarmless(type: PacketType, code: number): boolean {
  return code === ReasonCode.NoMatchingSubscribers && (type === PacketType.PUBACK || type === PacketType.PUBREC)
}

function checkReasonCode(type: PacketType, code: number, sender: Sender): void {
  if (!isReasonCodeAllowed(type, code, sender)) {
    throw forbidden(`A ${sender} must not send ${packetTypes[type - 1]!.name} with Reason Code 0x${code.toString(16)}`)
  }
}

function readPacketIdentifier(reader: Reader): number {
  const packetIdentifier = reader.twoByteInteger('Packet Identifier')
  if (packetIdentifier === 0) throw forbidden('Packet Identifier is 0 [5.0 MQTT-2.2.1-3] [3.1.1 MQTT-2.3.1-1]')
  return packetIdentifier
}

function readPropertiesOf(
  reader: Reader,
  holder: PropertyHolder,
  version: ProtocolVersion,
  sender: Sender,
): Properties {
  return version === 5 ? readProperties(reader, holder, sender) : noProperties
}
