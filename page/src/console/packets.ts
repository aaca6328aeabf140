/**
 * The packets of MQTT 5.0 that a client of the page writes and reads. The broker has a codec of its own, which is made
 * for Node's memory and for speed; this one is made for a browser, and shares its tables.
 *
 * @module
 */
import type { SubscriptionRequest } from '../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { ByteReader, ByteWriter, MalformedPacket } from './bytes.ts'
import { readProperties, writeProperties } from './properties.ts'

/** A message on its way, in either direction. */
export interface PublishPacket {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly dup: boolean
  /** 0 at QoS 0. */
  readonly packetIdentifier: number
  readonly properties: Properties
}

/** What the broker sends. */
export type Received =
  | { readonly type: typeof PacketType.PUBLISH; readonly publish: PublishPacket }
  | { readonly type: typeof PacketType.PINGRESP }
  | {
      readonly type: Exclude<PacketType, typeof PacketType.PUBLISH | typeof PacketType.PINGRESP>
      /** 0 where there is none. */
      readonly packetIdentifier: number
      /** At least one. */
      readonly reasonCodes: readonly number[]
      readonly properties: Properties
    }

const CLEAN_START = 0x02

export function encodeConnect(keepAlive: number, properties: Properties): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().text('MQTT').integer(5, 1).integer(CLEAN_START, 1).integer(keepAlive, 2)
  writeProperties(body, properties, 'CONNECT')
  // The broker assigns the client identifier.
  return framed(PacketType.CONNECT, 0, body.text(''))
}

export function encodePublish(packet: PublishPacket): Uint8Array<ArrayBuffer> {
  const { topicName, payload, qos, retain, dup, packetIdentifier, properties } = packet
  const body = new ByteWriter().text(topicName)
  if (qos > 0) body.integer(packetIdentifier, 2)
  writeProperties(body, properties, 'PUBLISH')
  return framed(PacketType.PUBLISH, (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0), body.raw(payload))
}

export function encodeSubscribe(
  packetIdentifier: number,
  { topicFilter, qos, noLocal, retainAsPublished, retainHandling }: SubscriptionRequest,
  properties: Properties,
): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().integer(packetIdentifier, 2)
  writeProperties(body, properties, 'SUBSCRIBE')
  const options = qos | (noLocal ? 4 : 0) | (retainAsPublished ? 8 : 0) | (retainHandling << 4)
  return framed(PacketType.SUBSCRIBE, 2, body.text(topicFilter).integer(options, 1))
}

export function encodeUnsubscribe(packetIdentifier: number, topicFilter: string): Uint8Array<ArrayBuffer> {
  const body = new ByteWriter().integer(packetIdentifier, 2)
  writeProperties(body, noProperties, 'UNSUBSCRIBE')
  return framed(PacketType.UNSUBSCRIBE, 2, body.text(topicFilter))
}

/** PUBACK, PUBREC, PUBREL or PUBCOMP, with the Reason Code 0x00. */
export function encodeAnswer(type: 4 | 5 | 6 | 7, packetIdentifier: number): Uint8Array<ArrayBuffer> {
  return framed(type, type === PacketType.PUBREL ? 2 : 0, new ByteWriter().integer(packetIdentifier, 2))
}

export function encodeEmpty(type: typeof PacketType.PINGREQ | typeof PacketType.DISCONNECT): Uint8Array<ArrayBuffer> {
  return framed(type, 0, new ByteWriter())
}

function framed(type: PacketType, flags: number, body: ByteWriter): Uint8Array<ArrayBuffer> {
  const { bytes } = body
  return new ByteWriter()
    .integer((type << 4) | flags, 1)
    .variable(bytes.length)
    .raw(bytes).bytes
}

/**
 * Divides what arrives into packets, which frames of a WebSocket do not.
 *
 * @throws {MalformedPacket}
 */
export class PacketStream {
  #waiting: Uint8Array = new Uint8Array()

  push(chunk: Uint8Array): Received[] {
    let bytes = chunk
    if (this.#waiting.length > 0) {
      bytes = new Uint8Array(this.#waiting.length + chunk.length)
      bytes.set(this.#waiting)
      bytes.set(chunk, this.#waiting.length)
    }
    const packets: Received[] = []
    let at = 0
    for (let end = endOf(bytes, at); end !== undefined && end.at <= bytes.length; end = endOf(bytes, at)) {
      packets.push(decode(bytes[at]!, bytes.subarray(end.bodyAt, end.at)))
      at = end.at
    }
    this.#waiting = bytes.slice(at)
    return packets
  }
}

/** @returns `undefined` if the length of the packet is not all there */
function endOf(bytes: Uint8Array, from: number): { readonly bodyAt: number; readonly at: number } | undefined {
  let length = 0
  for (let place = 0; place < 4; place++) {
    const byte = bytes[from + 1 + place]
    if (byte === undefined) return undefined
    length += (byte & 0x7f) * 128 ** place
    if (byte < 0x80) return { bodyAt: from + 2 + place, at: from + 2 + place + length }
  }
  throw new MalformedPacket()
}

function decode(firstByte: number, body: Uint8Array): Received {
  const type = (firstByte >> 4) as PacketType
  const reader = new ByteReader(body)
  if (type === PacketType.PINGRESP) return { type }
  if (type === PacketType.PUBLISH) return { type, publish: decodePublish(firstByte, reader) }
  if (type === PacketType.CONNACK) {
    reader.integer(1)
    return { type, packetIdentifier: 0, reasonCodes: [reader.integer(1)], properties: readProperties(reader) }
  }
  if (type === PacketType.SUBACK || type === PacketType.UNSUBACK) {
    const packetIdentifier = reader.integer(2)
    const properties = readProperties(reader)
    return { type, packetIdentifier, reasonCodes: [...reader.rest()], properties }
  }
  const packetIdentifier = type === PacketType.DISCONNECT ? 0 : reader.integer(2)
  const reasonCodes = [reader.isAtEnd ? 0 : reader.integer(1)]
  return { type, packetIdentifier, reasonCodes, properties: reader.isAtEnd ? noProperties : readProperties(reader) }
}

function decodePublish(firstByte: number, reader: ByteReader): PublishPacket {
  const qos = ((firstByte >> 1) & 3) as QoS
  const [retain, dup] = [(firstByte & 1) === 1, (firstByte & 8) === 8]
  const topicName = reader.text()
  const packetIdentifier = qos > 0 ? reader.integer(2) : 0
  const properties = readProperties(reader)
  return { topicName, qos, retain, dup, packetIdentifier, properties, payload: reader.rest().slice() }
}
