/** One Client of a `TestBroker`: the byte stream's far end, and the packets on it. @module */
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import {
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  type PublishPacket,
  type SubackPacket,
  type SubscriptionRequest,
  type UnsubackPacket,
} from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import type { Incoming, Peer, Transport } from '../../src/protocol/transport.ts'
import { reportPoison } from '../../src/testing/poison.ts'
import type { TestBroker } from './test-broker.ts'

export interface ConnectOptions {
  readonly version?: ProtocolVersion
  /** Sets the bridge's bit of the version. */
  readonly bridge?: true
  /** Default `client`. */
  readonly clientId?: string
  /** Default true. */
  readonly cleanStart?: boolean
  /** Seconds; default 0. */
  readonly keepAlive?: number
  readonly will?: Partial<NonNullable<ConnectPacket['will']>> & { readonly topicName: string }
  readonly userName?: string
  readonly password?: string | Uint8Array
  readonly properties?: Properties
  readonly peer?: Partial<Peer>
}

/** What a Connection comes in by. */
export interface Door {
  accept(transport: Transport, peer: Peer): Incoming | undefined
}

export class TestClient implements Transport {
  readonly version: ProtocolVersion
  /** Everything received and not yet taken. */
  packets: Packet[] = []
  /** Every byte received. */
  bytes: Buffer = Buffer.alloc(0)
  /** The byte stream has ended. */
  isClosed = false
  /** The Server does not read at the moment. */
  isPaused = false
  connack: ConnackPacket | undefined
  /** True: takes nothing from the Server; what it writes piles up. */
  isFrozen = false
  unsentBytes = 0
  readonly #broker: TestBroker
  readonly #decoder = new Decoder()
  readonly #incoming: Incoming | undefined
  #isLost = false
  #frozen: Uint8Array[] = []
  #lastPacketIdentifier = 0

  /** @param door what takes its Connection: the broker itself, or one of its listeners */
  constructor(broker: TestBroker, version: ProtocolVersion, peer: Peer, door: Door = broker.broker) {
    this.#broker = broker
    this.version = version
    this.#incoming = door.accept(this, peer)
    if (this.#incoming === undefined) this.isClosed = true
  }

  // ---- what the Server does (Transport) ----

  write(bytes: Uint8Array): boolean {
    if (this.isFrozen) {
      // As the system does, without a copy: until it has left, its memory must not be used again.
      this.#frozen.push(bytes)
      this.unsentBytes += bytes.length
      return false
    }
    this.#read(Buffer.from(bytes))
    return true
  }

  #read(bytes: Uint8Array): void {
    reportPoison(bytes, 'the broker')
    this.bytes = Buffer.concat([this.bytes, bytes])
    this.#decoder.push(bytes)
    while (this.#decoder.next()) {
      const { bytes: all, firstByte, bodyStart, end } = this.#decoder
      const packet = decodePacket(all, firstByte, bodyStart, end, this.version, 'server')
      this.packets.push('payload' in packet ? { ...packet, payload: new Uint8Array(packet.payload) } : packet)
    }
    this.#decoder.detach()
  }

  pauseReading(): void {
    this.isPaused = true
  }

  resumeReading(): void {
    this.isPaused = false
  }

  end(): void {
    this.destroy()
  }

  destroy(): void {
    this.isClosed = true
    this.#lose()
  }

  #lose(error?: Error): void {
    if (this.#isLost) return
    this.#isLost = true
    this.#incoming?.lost(error)
  }

  // ---- what the Client does ----

  /** Sends bytes as they are, in one chunk, and ends the turn. */
  sendBytes(bytes: Uint8Array): void {
    this.sendBytesInTurn(bytes)
    this.#broker.clock.runTurns()
  }

  /** Sends bytes in a turn that goes on: others may send in the same one. */
  sendBytesInTurn(bytes: Uint8Array): void {
    if (this.#isLost) return
    // As a listener does: the chunk's memory is used again once it was taken.
    const chunk = new Uint8Array(bytes)
    this.#incoming?.receive(chunk)
    chunk.fill(0xee)
  }

  /** Sends bytes written in hex; blanks are ignored. */
  sendHex(hex: string): void {
    this.sendBytes(Buffer.from(hex.replaceAll(/\s+/g, ''), 'hex'))
  }

  /** Sends packets in one chunk and ends the turn. */
  send(...packets: Packet[]): void {
    this.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))))
  }

  connect(options: ConnectOptions = {}): ConnackPacket | undefined {
    const { clientId = 'client', cleanStart = true, keepAlive = 0, will, userName, password } = options
    this.send({
      type: PacketType.CONNECT,
      protocolVersion: this.version,
      ...(options.bridge === true && { bridge: true }),
      cleanStart,
      keepAlive,
      clientId,
      will: will && { payload: Buffer.from('gone'), qos: 0, retain: false, properties: noProperties, ...will },
      userName,
      password: typeof password === 'string' ? Buffer.from(password) : password,
      properties: options.properties ?? noProperties,
    })
    const [first] = this.packets
    if (first?.type === PacketType.CONNACK) {
      this.connack = first
      this.packets.shift()
    }
    return this.connack
  }

  nextPacketIdentifier(): number {
    this.#lastPacketIdentifier = (this.#lastPacketIdentifier % 65_535) + 1
    return this.#lastPacketIdentifier
  }

  /** SUBSCRIBE with one filter or several; returns the SUBACK. */
  subscribe(
    filters: string | readonly (string | (Partial<SubscriptionRequest> & { readonly topicFilter: string }))[],
    qos: QoS = 0,
    options: Partial<SubscriptionRequest> = {},
    properties: Properties = noProperties,
  ): SubackPacket {
    const defaults = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0, ...options } as const
    const subscriptions = (typeof filters === 'string' ? [filters] : filters).map((filter) =>
      typeof filter === 'string' ? { ...defaults, topicFilter: filter } : { ...defaults, ...filter },
    )
    const packetIdentifier = this.nextPacketIdentifier()
    this.send({ type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties })
    return this.takeFirst(PacketType.SUBACK) as SubackPacket
  }

  unsubscribe(...topicFilters: string[]): UnsubackPacket {
    const packetIdentifier = this.nextPacketIdentifier()
    this.send({ type: PacketType.UNSUBSCRIBE, packetIdentifier, topicFilters, properties: noProperties })
    return this.takeFirst(PacketType.UNSUBACK) as UnsubackPacket
  }

  /** One PUBLISH; returns its Packet Identifier (0 at QoS 0). The exchange of QoS 2 is the caller's to finish. */
  publish(
    topicName: string,
    payload: string | Uint8Array,
    qos: QoS = 0,
    options: { retain?: boolean; dup?: boolean; packetIdentifier?: number; properties?: Properties } = {},
  ): number {
    const { retain = false, dup = false, properties = noProperties } = options
    const packetIdentifier = qos === 0 ? 0 : (options.packetIdentifier ?? this.nextPacketIdentifier())
    const bytes = typeof payload === 'string' ? Buffer.from(payload) : payload
    this.send({ type: PacketType.PUBLISH, dup, qos, retain, topicName, packetIdentifier, properties, payload: bytes })
    return packetIdentifier
  }

  /** PUBACK, PUBREC, PUBREL or PUBCOMP. */
  acknowledge(type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): void {
    this.send({ type, packetIdentifier, reasonCode, properties: noProperties })
  }

  /** Answers every PUBLISH and PUBREL taken from now until nothing more comes; returns the PUBLISH packets. */
  receiveAll(): PublishPacket[] {
    const received: PublishPacket[] = []
    for (let packets = this.take(); packets.length > 0; packets = this.take()) {
      for (const packet of packets) {
        if (packet.type === PacketType.PUBLISH) {
          received.push(packet)
          if (packet.qos === 1) this.acknowledge(PacketType.PUBACK, packet.packetIdentifier)
          if (packet.qos === 2) this.acknowledge(PacketType.PUBREC, packet.packetIdentifier)
        } else if (packet.type === PacketType.PUBREL) this.acknowledge(PacketType.PUBCOMP, packet.packetIdentifier)
      }
    }
    return received
  }

  disconnect(reasonCode = 0, properties: Properties = noProperties): void {
    this.send({ type: PacketType.DISCONNECT, reasonCode, properties })
  }

  /** The network is gone without a word. */
  drop(error?: Error): void {
    this.isClosed = true
    this.#lose(error)
    this.#broker.clock.runTurns()
  }

  /** Takes what piled up while it was frozen. */
  thaw(): void {
    this.isFrozen = false
    const frozen = this.#frozen
    this.#frozen = []
    this.unsentBytes = 0
    for (const bytes of frozen) this.#read(bytes)
    if (!this.#isLost) this.#incoming?.drained()
    this.#broker.clock.runTurns()
  }

  /** Everything received since the last taking. */
  take(): Packet[] {
    return this.packets.splice(0)
  }

  /** The first waiting packet of that type, taken out. */
  takeFirst(type: PacketType): Packet | undefined {
    const at = this.packets.findIndex((packet) => packet.type === type)
    return at < 0 ? undefined : this.packets.splice(at, 1)[0]
  }

  /** Payloads of the PUBLISH packets waiting, as text; everything waiting is taken. */
  takePayloads(): string[] {
    return this.take()
      .filter((packet) => packet.type === PacketType.PUBLISH)
      .map((packet) => Buffer.from((packet as PublishPacket).payload).toString())
  }
}
