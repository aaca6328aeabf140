/** Packets of a trace as packets that can be sent again; what the trace does not show is replaced. @module */
import { encodePacket } from '../codec/encode.ts'
import type { Packet } from '../codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { TraceBytes, TracePacket } from '../broker/host/trace-admin.ts'

type Fields = Readonly<Record<string, unknown>>

/** Passwords by user name: a trace has none. */
export type Passwords = Readonly<Record<string, string>>

/**
 * The bytes of a packet that a client has sent.
 *
 * @throws {Error} for fields that do not make a packet
 */
export function bytesOfPacket(traced: TracePacket, version: ProtocolVersion, passwords: Passwords): Uint8Array {
  return encodePacket(packetOf(traced, passwords), version)
}

function packetOf({ type, ...fields }: TracePacket, passwords: Passwords): Packet {
  const restored = restoredFields(fields)
  const { userName } = fields
  const known = typeof userName === 'string' && Object.hasOwn(passwords, userName) ? passwords[userName] : undefined
  if (type === 'CONNECT' && known !== undefined) restored['password'] = Buffer.from(known)
  return { type: PacketType[type], ...restored } as unknown as Packet
}

function restoredFields(fields: Fields): Record<string, unknown> {
  const restored: Record<string, unknown> = {}
  for (const [name, value] of Object.entries(fields)) restored[name] = restoredValue(name, value)
  return restored
}

function restoredValue(name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  if (name === 'userProperties') return (value as { readonly pairs?: Properties['userProperties'] }).pairs ?? []
  if (typeof (value as Fields)['bytes'] === 'number') return restoredBytes(value as TraceBytes)
  return restoredFields(value as Fields)
}

/** As many bytes as there were: those that the trace shows, then zeros. */
export function restoredBytes({ bytes, base64 = '' }: TraceBytes): Uint8Array {
  const restored = Buffer.alloc(bytes)
  Buffer.from(base64, 'base64').copy(restored)
  return restored
}

/**
 * The facts by which two packets from the broker are compared: what the protocol fixes, and not what depends on the
 * configuration, on time, or on clients that the trace does not show.
 */
export function comparable({ type, ...fields }: TracePacket): string {
  const properties = (fields['properties'] ?? {}) as Fields
  const payload = fields['payload'] as TraceBytes | undefined
  return JSON.stringify([
    type,
    ...['packetIdentifier', 'sessionPresent', 'topicName', 'qos', 'dup', 'retain', 'reasonCodes'].map(
      (name) => fields[name],
    ),
    withoutReceivers(fields['reasonCode']),
    properties['subscriptionIdentifiers'],
    payload?.bytes,
  ])
}

/** Whether a message has other subscribers is not in the trace of its publisher. */
function withoutReceivers(reasonCode: unknown): unknown {
  return reasonCode === 0x10 ? 0 : reasonCode
}
