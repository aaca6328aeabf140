/**
 * PUBACK, PUBREC, PUBREL and PUBCOMP without properties (§3.4 to §3.7): the common packets of QoS 1 and 2, written
 * directly to an output buffer and read as plain numbers. Those with properties go through `decode.ts` and `encode.ts`.
 *
 * @module
 */
import { type AcknowledgementPacket } from './packets.ts'
import { PacketType, type ProtocolVersion } from './packet-types.ts'
import { writeTwoByteInteger } from './property-writer.ts'

/**
 * Writes an acknowledgement: four bytes, or five in 5.0 for a Reason Code other than 0x00 (which is omitted, §3.4.2.1).
 *
 * Hot: runs for every QoS 1 and QoS 2 message.
 *
 * @param reasonCode not written before 5.0, which has no negative acknowledgement
 * @returns the position of the next byte
 *
 * @example
 * writeAcknowledgement(new Uint8Array(8), 0, 4, 1, 0x00, 5) // 4: a PUBACK is four bytes
 */
export function writeAcknowledgement(
  target: Uint8Array,
  at: number,
  type: AcknowledgementPacket['type'],
  packetIdentifier: number,
  reasonCode: number,
  version: ProtocolVersion,
): number {
  const withCode = version === 5 && reasonCode !== 0
  target[at] = (type << 4) | (type === PacketType.PUBREL ? 0b0010 : 0)
  target[at + 1] = withCode ? 3 : 2
  at = writeTwoByteInteger(target, at + 2, packetIdentifier)
  if (withCode) target[at++] = reasonCode
  return at
}

/**
 * Reads the Packet Identifier of an acknowledgement in its shortest form: correct flags, a body of two bytes, success.
 *
 * Hot: runs for every QoS 1 and QoS 2 message.
 *
 * @returns 1 to 65535; 0 if the packet does not have this form, in which case `decodePacket` has to decode it
 *
 * @example
 * readPlainAcknowledgement(Uint8Array.of(0x40, 2, 0, 7), 0x40, 2, 4) // 7
 */
export function readPlainAcknowledgement(bytes: Uint8Array, firstByte: number, bodyStart: number, end: number): number {
  if (end - bodyStart !== 2) return 0
  if ((firstByte & 0x0f) !== (firstByte >> 4 === PacketType.PUBREL ? 0b0010 : 0)) return 0
  return (bytes[bodyStart]! << 8) | bytes[bodyStart + 1]!
}
