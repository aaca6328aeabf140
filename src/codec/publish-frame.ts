/**
 * The hot part of encoding: PUBLISH frames (§3.3).
 *
 *   first byte | Remaining Length | Topic Name | [Packet Identifier] | [Property Length, properties] | payload
 *   DUP, RETAIN                                  ^ packetIdentifierAt
 *
 * One frame serves every receiver of one protocol version. At QoS 0 it is sent as it is; at QoS 1 and 2 it is copied,
 * and the first byte and the two bytes of the Packet Identifier are patched. Frames should be short-lived: small ones
 * are in memory that Node divides (8 KiB per slab), so a frame that is kept for long is copied.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { copyBytes } from '../base/bytes.ts'
import { invariant, UsageError } from '../base/errors.ts'
import { PacketType, type ProtocolVersion, type QoS } from './packet-types.ts'
import type { Properties } from './properties.ts'
import { noPropertyList, propertyListOf, type PropertyList } from './property-list.ts'
import { sizeOfBinary, sizeOfProperties, writeBinary, writeProperties, writeTwoByteInteger } from './property-writer.ts'
import { sizeOfString, writeString } from './utf8.ts'
import { maxVariableByteInteger, sizeOfVariableByteInteger, writeVariableByteInteger } from './variable-byte-integer.ts'

/** The DUP flag in a PUBLISH's first byte: `frame[0] |= dupFlag` before a frame is sent again. */
export const dupFlag = 0b1000

/** The RETAIN flag in a PUBLISH's first byte. */
export const retainFlag = 0b0001

/** The fields of a PUBLISH except its payload. */
export interface PublishFields {
  /** As text, or as the UTF-8 bytes that were received; empty if a Topic Alias replaces it. */
  readonly topicName: string | Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup?: boolean
  /** 0 (the default) leaves two bytes to be patched; at QoS 0 there are none. */
  readonly packetIdentifier?: number
  /**
   * The message's own properties; none before 5.0. Topic Alias and Subscription Identifiers in them are not written,
   * because they belong to one hop: those of this hop are given below.
   */
  readonly properties: PropertyList | Properties
  readonly topicAlias?: number | undefined
  readonly subscriptionIdentifiers?: readonly number[] | undefined
  /** The remaining seconds, which replace the interval in `properties`, if there is one. */
  readonly messageExpiryInterval?: number | undefined
}

/** An encoded PUBLISH. */
export interface PublishFrame {
  readonly bytes: Uint8Array
  /** The position of its two bytes; 0 at QoS 0, which has none. */
  readonly packetIdentifierAt: number
}

/**
 * Encodes a whole PUBLISH.
 *
 * @throws {UsageError} if a string is too long or contains U+0000, or the packet exceeds the limit of the protocol
 *
 * @example
 * makePublishFrame({ topicName: 'a', qos: 1, retain: false, properties: {} }, Uint8Array.of(7), 4).packetIdentifierAt // 5
 */
export function makePublishFrame(fields: PublishFields, payload: Uint8Array, version: ProtocolVersion): PublishFrame {
  const { topicName, qos } = fields
  const properties = version === 5 ? propertyListOf(fields.properties) : noPropertyList
  const hop = version === 5 ? propertiesOfHop(fields) : undefined
  const propertyLength = properties.length + (hop === undefined ? 0 : sizeOfProperties(hop, 'PUBLISH'))
  const topicSize = typeof topicName === 'string' ? sizeOfString(topicName) : sizeOfBinary(topicName)
  const headLength = topicSize + (qos > 0 ? 2 : 0) + (version === 5 ? sizeOfVariableByteInteger(propertyLength) : 0)
  const remainingLength = headLength + propertyLength + payload.length
  if (remainingLength > maxVariableByteInteger) {
    throw new UsageError(`A PUBLISH must not exceed ${maxVariableByteInteger} bytes, got ${remainingLength}`)
  }
  const size = 1 + sizeOfVariableByteInteger(remainingLength) + remainingLength
  const bytes = Buffer.allocUnsafe(size)

  bytes[0] = firstByteOfPublish(qos, fields.retain, fields.dup === true)
  let at = writeVariableByteInteger(bytes, 1, remainingLength)
  at = typeof topicName === 'string' ? writeString(bytes, at, topicName) : writeBinary(bytes, at, topicName)
  const packetIdentifierAt = qos > 0 ? at : 0
  if (qos > 0) at = writeTwoByteInteger(bytes, at, fields.packetIdentifier ?? 0)
  if (version === 5) {
    at = writeVariableByteInteger(bytes, at, propertyLength)
    at = properties.write(bytes, at, fields.messageExpiryInterval)
    if (hop !== undefined) at = writeProperties(bytes, at, hop, 'PUBLISH')
  }
  at = copyBytes(bytes, at, payload, 0, payload.length)
  // The memory contained other data before: every byte that is sent must have been written.
  invariant(at === bytes.length, 'a PUBLISH is not of the size that it was measured at')
  return { bytes, packetIdentifierAt }
}

/** The properties that follow the message's own; `undefined` for none. */
function propertiesOfHop({ topicAlias, subscriptionIdentifiers }: PublishFields): Properties | undefined {
  if (topicAlias === undefined && subscriptionIdentifiers === undefined) return undefined
  return { topicAlias, subscriptionIdentifiers }
}

/**
 * The first byte of a PUBLISH (§3.3.1).
 *
 * @example
 * firstByteOfPublish(1, true, false) // 0x33
 */
export function firstByteOfPublish(qos: QoS, retain: boolean, dup: boolean): number {
  return (PacketType.PUBLISH << 4) | (dup ? dupFlag : 0) | (qos << 1) | (retain ? retainFlag : 0)
}
