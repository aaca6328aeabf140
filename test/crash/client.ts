/**
 * A Client with a Session of its own that outlives every Connection, as §4.1, §4.3 and §4.4 ask of the Client's side:
 * what was not acknowledged is sent again in order, and Packet Identifiers received at QoS 2 are remembered.
 *
 * @module
 */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import type { Packet, PublishPacket } from '../../src/codec/packets.ts'
import type { ProtocolVersion } from '../../src/codec/packet-types.ts'
import { noProperties } from '../../src/codec/properties.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import type { Book, Stream } from './book.ts'
import type { Dial, ByteStream } from './byte-stream.ts'

const FOREVER = 0xffff_ffff
/** Messages in flight from one publisher. */
const WINDOW = 200

interface Outgoing {
  readonly stream: Stream
  readonly number: number
  readonly packetIdentifier: number
  /** PUBREC has come: only PUBREL is owed. */
  isReceived: boolean
}

export class CrashClient {
  readonly clientId: string
  readonly #version: ProtocolVersion
  readonly #book: Book
  #link: ByteStream | undefined
  #decoder = new Decoder()
  #isConnected = false
  /** The Server has once said that the Session is stored. */
  #hasSession = false
  #topicFilter: string | undefined
  #isSubscribed = false
  #receiveMaximum = 65_535
  readonly #outgoing = new Map<number, Outgoing>()
  readonly #received = new Set<number>()
  #lastPacketIdentifier = 0

  constructor(clientId: string, version: ProtocolVersion, book: Book) {
    this.clientId = clientId
    this.#version = version
    this.#book = book
  }

  get isAway(): boolean {
    return this.#link === undefined
  }

  /** CONNACK has come, and SUBACK if something is subscribed to. */
  get isReady(): boolean {
    return this.#isConnected && (this.#topicFilter === undefined || this.#isSubscribed)
  }

  /** Messages that may still be sent now. */
  get room(): number {
    return this.isReady ? Math.min(WINDOW, this.#receiveMaximum) - this.#outgoing.size : 0
  }

  get isSubscribed(): boolean {
    return this.#isSubscribed
  }

  /** Subscribes to it at QoS 2, once, as soon as it is connected. */
  wants(topicFilter: string): this {
    this.#topicFilter = topicFilter
    return this
  }

  connect(dial: Dial): void {
    this.#decoder = new Decoder()
    const link: ByteStream = dial({
      receive: (bytes) => this.#link === link && this.#receive(bytes),
      ended: () => this.#link === link && this.#ended(),
    })
    this.#link = link
    const properties = this.#version === 5 ? { sessionExpiryInterval: FOREVER } : noProperties
    const { clientId } = this
    const type = PacketType.CONNECT
    this.#send({ type, protocolVersion: this.#version, cleanStart: false, keepAlive: 0, clientId, properties })
  }

  leave(): void {
    this.#link?.cut()
    this.#ended()
  }

  #ended(): void {
    this.#link = undefined
    this.#isConnected = false
  }

  publish(stream: Stream): void {
    do this.#lastPacketIdentifier = (this.#lastPacketIdentifier % 65_535) + 1
    while (this.#outgoing.has(this.#lastPacketIdentifier))
    const packetIdentifier = this.#lastPacketIdentifier
    const outgoing: Outgoing = { stream, number: ++stream.sent, packetIdentifier, isReceived: false }
    this.#outgoing.set(packetIdentifier, outgoing)
    this.#sendPublish(outgoing, false)
  }

  #sendPublish({ stream, number, packetIdentifier }: Outgoing, dup: boolean): void {
    const { topicName, qos, retain } = stream
    const payload = Buffer.from(String(number))
    const type = PacketType.PUBLISH
    this.#send({ type, dup, qos, retain, topicName, packetIdentifier, properties: noProperties, payload })
  }

  #send(packet: Packet): void {
    this.#link?.write(encodePacket(packet, this.#version))
  }

  #acknowledge(type: 4 | 5 | 6 | 7, packetIdentifier: number): void {
    this.#send({ type, packetIdentifier, reasonCode: 0, properties: noProperties })
  }

  #receive(bytes: Uint8Array): void {
    this.#decoder.push(bytes)
    while (this.#decoder.next()) {
      const { bytes: all, firstByte, bodyStart, end } = this.#decoder
      this.#packet(decodePacket(all, firstByte, bodyStart, end, this.#version, 'server'))
    }
    this.#decoder.detach()
  }

  #packet(packet: Packet): void {
    if ('reasonCode' in packet && packet.reasonCode >= 0x80 && !isLateRelease(packet)) {
      this.#book.fault(`${this.clientId} was refused: packet ${packet.type}, 0x${packet.reasonCode.toString(16)}`)
    }
    switch (packet.type) {
      case PacketType.CONNACK:
        this.#connected(packet.sessionPresent, packet.properties.receiveMaximum)
        return
      case PacketType.SUBACK:
        this.#isSubscribed = true
        return
      case PacketType.PUBLISH:
        this.#published(packet)
        return
      case PacketType.PUBACK:
      case PacketType.PUBCOMP:
        this.#done(packet.packetIdentifier)
        return
      case PacketType.PUBREC: {
        const outgoing = this.#outgoing.get(packet.packetIdentifier)
        if (outgoing !== undefined) outgoing.isReceived = true
        this.#acknowledge(PacketType.PUBREL, packet.packetIdentifier)
        return
      }
      case PacketType.PUBREL:
        this.#received.delete(packet.packetIdentifier)
        this.#acknowledge(PacketType.PUBCOMP, packet.packetIdentifier)
        return
      default:
        this.#book.fault(`${this.clientId} got a packet ${packet.type}`)
    }
  }

  #connected(isPresent: boolean, receiveMaximum = 65_535): void {
    if (this.#hasSession && !isPresent) this.#book.fault(`the Session of ${this.clientId} is gone`)
    this.#hasSession = true
    this.#isConnected = true
    this.#receiveMaximum = receiveMaximum
    for (const outgoing of this.#outgoing.values()) {
      if (outgoing.isReceived) this.#acknowledge(PacketType.PUBREL, outgoing.packetIdentifier)
      else this.#sendPublish(outgoing, true)
    }
    if (this.#topicFilter === undefined || this.#isSubscribed) return
    const options = { qos: 2, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const
    const subscriptions = [{ topicFilter: this.#topicFilter, ...options }]
    this.#send({ type: PacketType.SUBSCRIBE, packetIdentifier: 65_535, subscriptions, properties: noProperties })
  }

  #published({ qos, packetIdentifier, topicName, payload }: PublishPacket): void {
    const isKnown = qos === 2 && this.#received.has(packetIdentifier)
    if (!isKnown) this.#book.receive(this.clientId, topicName, Number(Buffer.from(payload).toString()))
    if (qos === 1) this.#acknowledge(PacketType.PUBACK, packetIdentifier)
    if (qos !== 2) return
    this.#received.add(packetIdentifier)
    this.#acknowledge(PacketType.PUBREC, packetIdentifier)
  }

  /** Acknowledgements come in the order of what they acknowledge [5.0 MQTT-4.6.0-2]; PUBCOMP in that of PUBREL. */
  #done(packetIdentifier: number): void {
    const outgoing = this.#outgoing.get(packetIdentifier)
    if (outgoing === undefined) return
    this.#outgoing.delete(packetIdentifier)
    this.#book.acknowledge(outgoing.stream, outgoing.number)
  }
}

/**
 * PUBREL came again because PUBCOMP had died with the Server, which had forgotten the Packet Identifier rightly
 * (§4.3.3).
 */
function isLateRelease({ type, reasonCode }: { readonly type: PacketType; readonly reasonCode: number }): boolean {
  return type === PacketType.PUBCOMP && reasonCode === (ReasonCode.PacketIdentifierNotFound as number)
}
