/**
 * The MQTT 5.0 client of the console: bytes in, bytes out. It knows no WebSocket and no clock, so a test drives it
 * against the broker itself.
 *
 *   publish, subscribe, unsubscribe ──> side.write        the promise resolves with the Reason Code of the answer
 *   receive(bytes) ──> side.received(message)             acknowledged as its QoS asks
 *
 * A session ends with its connection, so nothing is sent again, and what was not answered by then has failed.
 *
 * @module
 */
import type { SubscriptionRequest } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import {
  encodeAnswer,
  encodeConnect,
  encodeEmpty,
  encodePublish,
  encodeSubscribe,
  encodeUnsubscribe,
  PacketStream,
  type PublishPacket,
  type Received,
} from './packets.ts'

/** Messages of QoS 1 and 2 that the broker may send before one is acknowledged. */
const RECEIVE_MAXIMUM = 64
/** The broker drops larger messages for this client; a browser would not show them anyway. */
export const MAXIMUM_PACKET_BYTES = 2 * 1024 * 1024
/** In seconds. Browsers let a page that is not looked at act once a minute. */
export const KEEP_ALIVE_SECONDS = 60
const LARGEST_RECEIVE_MAXIMUM = 0xffff
const LAST_IDENTIFIER = 0xffff

export type OutgoingMessage = Omit<PublishPacket, 'dup' | 'packetIdentifier'>

/** What the client works for. */
export interface ClientSide {
  write(bytes: Uint8Array<ArrayBuffer>): void
  /** CONNACK, with whatever it says. */
  answered(reasonCode: number, properties: Properties): void
  received(message: PublishPacket): void
  /** The broker has sent DISCONNECT. */
  disconnected(reasonCode: number, properties: Properties): void
}

interface Pending {
  readonly resolve: (answer: { readonly reasonCode: number; readonly reason: string | undefined }) => void
  readonly reject: (error: Error) => void
  /** Whether it counts for the Receive Maximum of the broker. */
  readonly isPublish: boolean
}

export type Acknowledgement = { readonly reasonCode: number; readonly reason: string | undefined }

export class MqttClient {
  /** What CONNACK announced. */
  announced: Properties = noProperties
  readonly #side: ClientSide
  readonly #stream = new PacketStream()
  readonly #pending = new Map<number, Pending>()
  /** Messages of QoS 2 that were received and not released. */
  readonly #unreleased = new Set<number>()
  #lastIdentifier = 0
  #isConnected = false

  constructor(side: ClientSide) {
    this.#side = side
  }

  connect(): void {
    const properties = { receiveMaximum: RECEIVE_MAXIMUM, maximumPacketSize: MAXIMUM_PACKET_BYTES }
    this.#side.write(encodeConnect(KEEP_ALIVE_SECONDS, properties))
  }

  /** @throws {MalformedPacket} */
  receive(chunk: Uint8Array): void {
    for (const packet of this.#stream.push(chunk)) this.#take(packet)
  }

  ping(): void {
    if (this.#isConnected) this.#side.write(encodeEmpty(PacketType.PINGREQ))
  }

  disconnect(): void {
    if (this.#isConnected) this.#side.write(encodeEmpty(PacketType.DISCONNECT))
  }

  /** Called when the connection is gone: what was not answered has failed. */
  lost(): void {
    this.#isConnected = false
    const error = new Error('The connection ended before the broker answered.')
    for (const { reject } of this.#pending.values()) reject(error)
    this.#pending.clear()
  }

  subscribe(request: SubscriptionRequest, subscriptionIdentifier: number | undefined): Promise<Acknowledgement> {
    const identifiers = subscriptionIdentifier === undefined ? undefined : [subscriptionIdentifier]
    return this.#ask(false, (id) => encodeSubscribe(id, request, { subscriptionIdentifiers: identifiers }))
  }

  unsubscribe(topicFilter: string): Promise<Acknowledgement> {
    return this.#ask(false, (id) => encodeUnsubscribe(id, topicFilter))
  }

  /** @returns at QoS 0, once it is written: there is no answer */
  publish(message: OutgoingMessage): Promise<Acknowledgement> {
    const encode = (packetIdentifier: number): Uint8Array<ArrayBuffer> =>
      this.#withinLimits(encodePublish({ ...message, dup: false, packetIdentifier }))
    if (message.qos > 0) return this.#ask(true, encode)
    return this.#attempt(() => {
      this.#side.write(encode(0))
      return Promise.resolve({ reasonCode: 0, reason: undefined })
    })
  }

  #withinLimits(bytes: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
    const { maximumPacketSize = Infinity } = this.announced
    if (bytes.length <= maximumPacketSize) return bytes
    throw new Error(`The packet has ${bytes.length} bytes; the broker takes at most ${maximumPacketSize}.`)
  }

  #attempt(run: () => Promise<Acknowledgement>): Promise<Acknowledgement> {
    if (!this.#isConnected) return Promise.reject(new Error('The console is not connected.'))
    try {
      return run()
    } catch (error) {
      return Promise.reject(error as Error)
    }
  }

  #ask(isPublish: boolean, encode: (packetIdentifier: number) => Uint8Array<ArrayBuffer>): Promise<Acknowledgement> {
    return this.#attempt(() => {
      const { receiveMaximum = LARGEST_RECEIVE_MAXIMUM } = this.announced
      const inFlight = [...this.#pending.values()].filter((each) => each.isPublish).length
      if (isPublish && inFlight >= receiveMaximum) {
        throw new Error(`${inFlight} messages wait for their acknowledgement; the broker takes no more before that.`)
      }
      const packetIdentifier = this.#nextIdentifier()
      const bytes = encode(packetIdentifier)
      return new Promise((resolve, reject) => {
        this.#pending.set(packetIdentifier, { resolve, reject, isPublish })
        this.#side.write(bytes)
      })
    })
  }

  #nextIdentifier(): number {
    do this.#lastIdentifier = (this.#lastIdentifier % LAST_IDENTIFIER) + 1
    while (this.#pending.has(this.#lastIdentifier))
    return this.#lastIdentifier
  }

  #take(packet: Received): void {
    if (packet.type === PacketType.PUBLISH) return this.#receive(packet.publish)
    if (packet.type === PacketType.PINGRESP) return
    const { type, packetIdentifier, reasonCodes, properties } = packet
    const [reasonCode = 0] = reasonCodes
    if (type === PacketType.CONNACK) return this.#connected(reasonCode, properties)
    if (type === PacketType.DISCONNECT) return this.#side.disconnected(reasonCode, properties)
    if (type === PacketType.PUBREL) {
      this.#unreleased.delete(packetIdentifier)
      return this.#side.write(encodeAnswer(PacketType.PUBCOMP, packetIdentifier))
    }
    if (type === PacketType.PUBREC && reasonCode < 0x80) {
      return this.#side.write(encodeAnswer(PacketType.PUBREL, packetIdentifier))
    }
    const pending = this.#pending.get(packetIdentifier)
    this.#pending.delete(packetIdentifier)
    pending?.resolve({ reasonCode, reason: properties.reasonString })
  }

  #connected(reasonCode: number, properties: Properties): void {
    this.#isConnected = reasonCode === 0
    this.announced = properties
    this.#side.answered(reasonCode, properties)
  }

  #receive(message: PublishPacket): void {
    const { qos, packetIdentifier } = message
    const isKnown = qos === 2 && this.#unreleased.has(packetIdentifier)
    if (!isKnown) this.#side.received(message)
    if (qos === 1) this.#side.write(encodeAnswer(PacketType.PUBACK, packetIdentifier))
    if (qos < 2) return
    this.#unreleased.add(packetIdentifier)
    this.#side.write(encodeAnswer(PacketType.PUBREC, packetIdentifier))
  }
}
