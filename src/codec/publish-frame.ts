/**
 * The hot half of encoding: PUBLISH frames (§3.3).
 *
 *   first byte | Remaining Length | Topic Name | [Packet Identifier] | [Property Length, properties] | payload
 *   DUP, RETAIN                                  ^ packetIdentifierAt
 *
 * One frame serves every receiver of one protocol version: at QoS 0 as it is; at QoS 1 and 2 it is copied, and the first byte
 * and the two bytes of the Packet Identifier are patched. A large payload need not be copied into the frame at all:
 * `makePublishHeader` makes only what stands before it. Frames are meant to be short-lived: small ones lie in memory that Node
 * shares out (8 KiB a slab), so what is kept for long is copied.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { copyBytes } from '../base/bytes.ts'
import { invariant, UsageError } from '../base/errors.ts'
import { PacketType, type ProtocolVersion, type QoS } from './packet-types.ts'
import type { Properties } from './properties.ts'
import { noPropertyList, PropertyList } from './property-list.ts'
import { sizeOfBinary, sizeOfProperties, writeBinary, writeProperties, writeTwoByteInteger } from './property-writer.ts'
import { sizeOfString, writeString } from './utf8.ts'
import { maxVariableByteInteger, sizeOfVariableByteInteger, writeVariableByteInteger } from './variable-byte-integer.ts'

/** The DUP flag in a PUBLISH's first byte: `frame[0] |= dupFlag` before a frame is sent again. */
export const dupFlag = 0b1000

/** The RETAIN flag in a PUBLISH's first byte. */
export const retainFlag = 0b0001

/** What a PUBLISH says besides its payload. */
export interface PublishFields {
  /** As text, or as the UTF-8 bytes that were received; empty where a Topic Alias stands for it. */
  readonly topicName: string | Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup?: boolean
  /** 0 (the default) leaves two bytes to be patched; there are none at QoS 0. */
  readonly packetIdentifier?: number
  /**
   * The message's own properties; nothing before 5.0. Topic Alias and Subscription Identifiers in it are not written, since
   * they belong to one hop: those of this hop are given below.
   */
  readonly properties: PropertyList | Properties
  readonly topicAlias?: number | undefined
  readonly subscriptionIdentifiers?: readonly number[] | undefined
  /** Seconds that are left; takes the place of the one in `properties`, where there is one. */
  readonly messageExpiryInterval?: number | undefined
}

/** An encoded PUBLISH, or the part before its payload. */
export interface PublishFrame {
  readonly bytes: Uint8Array
  /** Where its two bytes go; 0 at QoS 0, which has none. */
  readonly packetIdentifierAt: number
}

/**
 * Encodes a whole PUBLISH.
 *
 * @throws {UsageError} when a string is too long or holds U+0000, or the packet exceeds what the protocol can say
 *
 * @example
 * makePublishFrame({ topicName: 'a', qos: 1, retain: false, properties: {} }, Uint8Array.of(7), 4).packetIdentifierAt // 5
 */
export function makePublishFrame(fields: PublishFields, payload: Uint8Array, version: ProtocolVersion): PublishFrame {
  return make(fields, payload.length, version, payload)
}

/**
 * Encodes what stands before the payload of a PUBLISH, for a payload that is handed on without a copy.
 *
 * @param payloadLength bytes that will follow
 * @throws {UsageError} as `makePublishFrame`
 *
 * @example
 * makePublishHeader({ topicName: 'a', qos: 0, retain: false, properties: {} }, 1000, 4).bytes.length // 6
 */
export function makePublishHeader(
  fields: PublishFields,
  payloadLength: number,
  version: ProtocolVersion,
): PublishFrame {
  return make(fields, payloadLength, version, undefined)
}

function make(
  fields: PublishFields,
  payloadLength: number,
  version: ProtocolVersion,
  payload: Uint8Array | undefined,
): PublishFrame {
  const { topicName, qos } = fields
  const properties = version === 5 ? listOf(fields.properties) : noPropertyList
  const hop = version === 5 ? propertiesOfHop(fields) : undefined
  const propertyLength = properties.length + (hop === undefined ? 0 : sizeOfProperties(hop, 'PUBLISH'))
  const topicSize = typeof topicName === 'string' ? sizeOfString(topicName) : sizeOfBinary(topicName)
  const headLength = topicSize + (qos > 0 ? 2 : 0) + (version === 5 ? sizeOfVariableByteInteger(propertyLength) : 0)
  const remainingLength = headLength + propertyLength + payloadLength
  if (remainingLength > maxVariableByteInteger) {
    throw new UsageError(`A PUBLISH holds at most ${maxVariableByteInteger} bytes, got ${remainingLength}`)
  }
  const size = 1 + sizeOfVariableByteInteger(remainingLength) + remainingLength
  const bytes = Buffer.allocUnsafe(payload === undefined ? size - payloadLength : size)

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
  if (payload !== undefined) at = copyBytes(bytes, at, payload, 0, payloadLength)
  // The memory held something else before: what is not written must not leave.
  invariant(at === bytes.length, 'a PUBLISH is not of the size that it was measured at')
  return { bytes, packetIdentifierAt }
}

function listOf(properties: PropertyList | Properties): PropertyList {
  return properties instanceof PropertyList ? properties : PropertyList.of(properties)
}

/** What stands behind the message's own properties; `undefined` for nothing. */
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

/**
 * The size of a PUBLISH without properties: what `writePlainPublish` will write.
 *
 * @example
 * sizeOfPlainPublish(1, 1, 1, 4) // 8
 */
export function sizeOfPlainPublish(
  topicLength: number,
  payloadLength: number,
  qos: QoS,
  version: ProtocolVersion,
): number {
  const remainingLength = 2 + topicLength + (qos > 0 ? 2 : 0) + (version === 5 ? 1 : 0) + payloadLength
  return 1 + sizeOfVariableByteInteger(remainingLength) + remainingLength
}

/**
 * Writes a PUBLISH without properties straight into an output buffer, which has room for `sizeOfPlainPublish`.
 *
 * Hot: runs for every delivery that shares its frame with no other.
 *
 * @param firstByte from `firstByteOfPublish`
 * @param packetIdentifier not looked at when `firstByte` says QoS 0
 * @returns where the next byte goes
 */
export function writePlainPublish(
  target: Uint8Array,
  at: number,
  firstByte: number,
  topicName: Uint8Array,
  packetIdentifier: number,
  payload: Uint8Array,
  version: ProtocolVersion,
): number {
  const hasIdentifier = (firstByte & 0b0110) !== 0
  const remainingLength = 2 + topicName.length + (hasIdentifier ? 2 : 0) + (version === 5 ? 1 : 0) + payload.length
  target[at++] = firstByte
  at = writeVariableByteInteger(target, at, remainingLength)
  at = writeBinary(target, at, topicName)
  if (hasIdentifier) at = writeTwoByteInteger(target, at, packetIdentifier)
  if (version === 5) target[at++] = 0
  return copyBytes(target, at, payload, 0, payload.length)
}
