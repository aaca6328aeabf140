/**
 * Packets that Clients send, in short; and some that are made by hand, because they are too large to be made nicely.
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { type ConnectPacket, type Packet, type SubscribePacket } from '../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { sizeOfVariableByteInteger, writeVariableByteInteger } from '../../src/codec/variable-byte-integer.ts'

export { publishPacket } from '../support/publish-packet.ts'

export const PINGREQ: Packet = { type: PacketType.PINGREQ }

export function connectPacket(clientId: string, more: Partial<ConnectPacket> = {}): ConnectPacket {
  return {
    type: PacketType.CONNECT,
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId,
    properties: noProperties,
    ...more,
  }
}

export function subscribePacket(
  packetIdentifier: number,
  topicFilters: readonly string[],
  qos: QoS = 0,
  properties: Properties = noProperties,
): SubscribePacket {
  const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
  return { type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties }
}

export function unsubscribePacket(packetIdentifier: number, topicFilters: readonly string[]): Packet {
  return { type: PacketType.UNSUBSCRIBE, packetIdentifier, topicFilters, properties: noProperties }
}

export function acknowledgement(type: 4 | 5 | 6 | 7, packetIdentifier: number): Packet {
  return { type, packetIdentifier, reasonCode: 0, properties: noProperties }
}

/** A packet with that first byte and those parts behind the Remaining Length. */
export function packetOf(firstByte: number, ...parts: readonly Uint8Array[]): Buffer {
  const length = parts.reduce((sum, part) => sum + part.length, 0)
  return Buffer.concat([headerOf(firstByte, length), ...parts])
}

/** The fixed header of a packet with that Remaining Length, whatever follows. */
export function headerOf(firstByte: number, remainingLength: number): Buffer {
  return Buffer.concat([Buffer.of(firstByte), variable(remainingLength)])
}

export function variable(value: number): Buffer {
  const bytes = Buffer.alloc(sizeOfVariableByteInteger(value))
  writeVariableByteInteger(bytes, 0, value)
  return bytes
}

export function twoBytes(value: number): Buffer {
  return Buffer.of(value >> 8, value & 0xff)
}

export function textOf(text: string): Buffer {
  const bytes = Buffer.from(text)
  return Buffer.concat([twoBytes(bytes.length), bytes])
}

/** So many User Properties, with their Property Length before them. */
export function userProperties(count: number, name: string, value: string): Buffer {
  const one = Buffer.concat([Buffer.of(0x26), textOf(name), textOf(value)])
  const bytes = Buffer.alloc(one.length * count)
  for (let at = 0; at < count; at++) one.copy(bytes, at * one.length)
  return Buffer.concat([variable(bytes.length), bytes])
}

/** A PUBLISH of 5.0 with properties that are given as bytes. */
export function publishBytes(
  topicName: string,
  propertyBytes: Uint8Array,
  payload: Uint8Array,
  { qos = 0, retain = false, packetIdentifier = 1 }: { qos?: QoS; retain?: boolean; packetIdentifier?: number } = {},
): Buffer {
  const firstByte = 0x30 | (qos << 1) | (retain ? 1 : 0)
  const identifier = qos === 0 ? Buffer.alloc(0) : twoBytes(packetIdentifier)
  return packetOf(firstByte, textOf(topicName), identifier, propertyBytes, payload)
}

/** A CONNECT of 5.0 with properties that are given as bytes. */
export function connectBytes(clientId: string, propertyBytes: Uint8Array, userName: string, password: string): Buffer {
  const flags = Buffer.of(5, 0b1100_0010, 0, 0)
  return packetOf(0x10, textOf('MQTT'), flags, propertyBytes, textOf(clientId), textOf(userName), textOf(password))
}

/** Packets of version 5 in one chunk. */
export function bytesOf(...packets: readonly Packet[]): Buffer {
  return Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))
}
