/**
 * A Control Packet as a trace shows it: every field by its name, and nothing that is secret.
 *
 *   Password, Authentication Data         only how long they are
 *   payload, Correlation Data             the first bytes, if the trace may show payloads; below `$CONTROL/` only how long they are
 *   User Properties                       the pairs that fit into as many bytes, if the trace may show payloads
 *   tokens in user names and texts        `(token)`
 *
 * A field with bytes that this file does not know is hidden as well.
 *
 * @module
 */
import { withoutTokens } from '../../base/redact.ts'
import { isControlTopic } from '../../access/control-topics.ts'
import type { Packet } from '../../codec/packets.ts'
import { PacketType, packetTypes, type PacketName, type ProtocolVersion } from '../../codec/packet-types.ts'
import type { Properties } from '../../codec/properties.ts'
import type { TraceBytes, TracePacket } from '../../broker/host/trace-admin.ts'

/** Binary fields that belong to a message. */
const CONTENT: ReadonlySet<string> = new Set(['payload', 'correlationData'])

/** @param payloadBytes how much of a payload is shown; 0: nothing */
export function packetFields(packet: Packet, payloadBytes: number): TracePacket {
  const { type, ...fields } = packet
  const most = isCommand(packet) ? 0 : payloadBytes
  return { type: packetTypes[type - 1]!.name, ...shownFields(fields, most) }
}

/** Packets that have a Reason Code, and properties, in 5.0 only. */
const CODED: ReadonlySet<string> = new Set<PacketName>([
  'PUBACK',
  'PUBREC',
  'PUBREL',
  'PUBCOMP',
  'UNSUBACK',
  'DISCONNECT',
])

/**
 * The fields that the version of a connection has on the wire. The codes of CONNACK and SUBACK depend on it.
 *
 * @example
 * versionFields({ type: 'PUBACK', packetIdentifier: 7, reasonCode: 0x87 }, 4) // { type: 'PUBACK', packetIdentifier: 7 }
 */
export function versionFields(packet: TracePacket, protocolVersion: ProtocolVersion): TracePacket {
  const { type } = packet
  if (type === 'CONNACK' || (type === 'SUBACK' && protocolVersion < 5)) return { ...packet, protocolVersion }
  if (protocolVersion === 5 || !CODED.has(type)) return packet
  const { reasonCode: _, reasonCodes: __, ...fields } = packet
  return { ...fields, type, ...(fields['properties'] !== undefined && { properties: {} }) }
}

/** Whether it belongs to the commands of administrators, which have passwords in them. */
function isCommand(packet: Packet): boolean {
  return packet.type === PacketType.PUBLISH && isControlTopic(packet.topicName)
}

function shownFields(fields: object, payloadBytes: number): Record<string, unknown> {
  const shown: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) {
    if (value !== undefined) shown[name] = shownValue(name, value, payloadBytes)
  }
  return shown
}

function shownValue(name: string, value: unknown, payloadBytes: number): unknown {
  if (value instanceof Uint8Array) return shownBytes(value, CONTENT.has(name) ? payloadBytes : 0)
  if (name === 'userProperties') return shownPairs(value as NonNullable<Properties['userProperties']>, payloadBytes)
  if (typeof value === 'string') return withoutTokens(value)
  if (Array.isArray(value)) return value.map((one) => shownValue('', one, payloadBytes))
  return typeof value === 'object' && value !== null ? shownFields(value, payloadBytes) : value
}

/** @param most how many of them are shown */
export function shownBytes(bytes: Uint8Array, most: number): TraceBytes {
  if (most === 0) return { bytes: bytes.length }
  const { buffer, byteOffset, length } = bytes
  return { bytes: length, base64: Buffer.from(buffer, byteOffset, Math.min(most, length)).toString('base64') }
}

/** How many there are and, if they may be shown, the first ones. */
function shownPairs(pairs: NonNullable<Properties['userProperties']>, most: number): object {
  const shown: (readonly [string, string])[] = []
  let left = most
  for (const [name, value] of pairs) {
    left -= Buffer.byteLength(name) + Buffer.byteLength(value)
    if (left < 0) break
    shown.push([withoutTokens(name), withoutTokens(value)])
  }
  return { count: pairs.length, ...(most > 0 && { pairs: shown }) }
}
