/**
 * The hot part of decoding: a PUBLISH as eleven numbers that refer to its bytes (§3.3).
 *
 *   first byte | Remaining Length | Topic Name | [Packet Identifier] | [Property Length, properties] | payload
 *                                 ^ topicStart ^ topicEnd                             ^ propertiesStart ^ propertiesEnd
 *
 * Nothing is copied and nothing is allocated: one view serves a Connection for all its packets. The bytes of the Topic
 * Name are not checked here, so that a caller that has seen them before need not check them again; `readTopicName`
 * does.
 *
 * @module
 */
import type { ProtocolVersion, QoS, Sender } from './packet-types.ts'
import { checkProperties, FoundProperties } from './property-check.ts'
import { decodeProperties } from './property-reader.ts'
import { noProperties, type Properties } from './properties.ts'
import { forbidden, malformed } from './protocol-error.ts'
import { refuseWildcard } from './reader.ts'
import { readUtf8 } from './utf8.ts'
import { readVariableByteInteger, sizeOfVariableByteInteger } from './variable-byte-integer.ts'

/** The positions of the parts of one PUBLISH. */
export class PublishView {
  dup = false
  qos: QoS = 0
  retain = false
  topicStart = 0
  topicEnd = 0
  /** 0 at QoS 0. */
  packetIdentifier = 0
  /** After the Property Length; equal to `propertiesEnd` if there are none, and before 5.0. */
  propertiesStart = 0
  propertiesEnd = 0
  payloadStart = 0
  payloadEnd = 0
}

/**
 * Parses the PUBLISH whose variable header begins at `bodyStart`, into `into`.
 *
 * Hot: runs for every message received.
 *
 * @throws {ProtocolError} 0x81 for QoS 3 or a field that runs past the end; 0x82 for DUP at QoS 0 or Packet Identifier
 * 0
 */
export function readPublish(
  bytes: Uint8Array,
  firstByte: number,
  bodyStart: number,
  end: number,
  version: ProtocolVersion,
  into: PublishView,
): void {
  const qos = (firstByte >> 1) & 0b11
  const dup = (firstByte & 0b1000) !== 0
  if (qos === 3) throw malformed('PUBLISH has QoS 3 [5.0 MQTT-3.3.1-4]')
  if (dup && qos === 0) throw forbidden('PUBLISH has DUP 1 at QoS 0 [5.0 MQTT-3.3.1-2]')
  into.dup = dup
  into.qos = qos as QoS
  into.retain = (firstByte & 1) !== 0

  let at = bodyStart + 2
  if (at > end) throw pastEnd('Topic Name')
  into.topicStart = at
  at += (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]!
  if (at > end) throw pastEnd('Topic Name')
  into.topicEnd = at

  into.packetIdentifier = 0
  if (qos > 0) {
    if (at + 2 > end) throw pastEnd('Packet Identifier')
    into.packetIdentifier = (bytes[at]! << 8) | bytes[at + 1]!
    if (into.packetIdentifier === 0) throw forbidden('PUBLISH has Packet Identifier 0 [5.0 MQTT-2.2.1-3]')
    at += 2
  }

  let propertyLength = 0
  if (version === 5) {
    propertyLength = readVariableByteInteger(bytes, at, end, true)
    if (propertyLength < 0) throw malformed('Property Length of PUBLISH is not a valid Variable Byte Integer')
    at += sizeOfVariableByteInteger(propertyLength)
    if (at + propertyLength > end) throw pastEnd('Properties')
  }
  into.propertiesStart = at
  into.propertiesEnd = at + propertyLength
  into.payloadStart = into.propertiesEnd
  into.payloadEnd = end
}

function pastEnd(what: string): Error {
  return malformed(`${what} runs past the end of the PUBLISH`)
}

/** Shared by all calls: it is read before the next list is checked. */
const found = new FoundProperties()

/**
 * Reads and checks the properties of a PUBLISH, from `propertiesStart` to `propertiesEnd` of its view. Strings and
 * Binary Data are copied.
 *
 * @throws {ProtocolError} 0x81 for an unknown or misplaced property or a bad value, 0x82 for a repeat, a Response Topic
 * that is empty or has a wildcard, or a Client's Subscription Identifier, 0x94 for Topic Alias 0
 */
export function readPublishProperties(
  bytes: Uint8Array,
  start: number,
  end: number,
  sender: Sender = 'client',
): Properties {
  if (start === end) return noProperties
  checkProperties(bytes, start, end, 'PUBLISH', sender, found)
  return decodeProperties(bytes, start, end)
}

/**
 * Reads and checks a Topic Name. An empty one is accepted: the caller has to check whether a Topic Alias replaces it.
 *
 * @throws {ProtocolError} 0x81 for bad UTF-8 [5.0 MQTT-3.3.2-1], 0x82 for a wildcard [5.0 MQTT-3.3.2-2]
 *
 * @example
 * readTopicName(Uint8Array.of(0x61, 0x2f, 0x62), 0, 3) // 'a/b'
 */
export function readTopicName(bytes: Uint8Array, start: number, end: number): string {
  const topicName = readUtf8(bytes, start, end)
  if (topicName === undefined) throw malformed('Topic Name is not well-formed UTF-8 without U+0000')
  refuseWildcard(topicName, 'Topic Name')
  return topicName
}
