/** One client of a `VirtualBroker`: the far end of the byte stream, and the packets on it. @module */
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
import type { VirtualBroker } from './virtual-broker.ts'

export interface ConnectOptions {
  readonly version?: ProtocolVersion
  /** Sets the bridge bit of the version. */
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

/** Accepts Connections. */
export interface Door {
  accept(transport: Transport, peer: Peer): Incoming | undefined
}

export class TestClient implements Transport {
  readonly version: ProtocolVersion
  /** Packets that were received and not taken yet. */
  packets: Packet[] = []
  /** All received bytes. */
  bytes: Buffer = Buffer.alloc(0)
  /** The byte stream has ended. */
  isClosed = false
  /** The Server has paused reading. */
  isPaused = false
  connack: ConnackPacket | undefined
  /** If true, it accepts nothing from the Server, whose output piles up. */
  isFrozen = false
  unsentBytes = 0
  readonly #broker: VirtualBroker
  readonly #decoder = new Decoder()
  readonly #incoming: Incoming | undefined
  #isLost = false
  #frozen: Uint8Array[] = []
  #lastPacketIdentifier = 0

  /** @param door accepts its Connection: the broker itself, or one of its listeners */
  constructor(broker: VirtualBroker, version: ProtocolVersion, peer: Peer, door: Door = broker.broker) {
    this.#broker = broker
    this.version = version
    this.#incoming = door.accept(this, peer)
    if (this.#incoming === undefined) this.isClosed = true
  }

  // ---- what the Server does (Transport) ----

  write(bytes: Uint8Array): boolean {
    if (this.isFrozen) {
      // Like the system, it does not copy: until the bytes have left, their memory must not be reused.
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

  /** Sends bytes unchanged, in one chunk, and ends the turn. */
  sendBytes(bytes: Uint8Array): void {
    this.sendBytesInTurn(bytes)
    this.#broker.clock.runTurns()
  }

  /** Sends bytes without ending the turn, so that others may send in the same one. */
  sendBytesInTurn(bytes: Uint8Array): void {
    if (this.#isLost) return
    // Like a listener, it reuses the chunk's memory once it was processed.
    const chunk = new Uint8Array(bytes)
    this.#incoming?.receive(chunk)
    chunk.fill(0xee)
  }

  /** Sends bytes written in hex; spaces are ignored. */
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

  /** Sends a SUBSCRIBE with one filter or several; returns the SUBACK. */
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

  /** Sends a PUBLISH; returns its Packet Identifier (0 at QoS 0). At QoS 2 the caller has to complete the exchange. */
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

  /** Sends a PUBACK, PUBREC, PUBREL or PUBCOMP. */
  acknowledge(type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): void {
    this.send({ type, packetIdentifier, reasonCode, properties: noProperties })
  }

  /** Answers every PUBLISH and PUBREL from now until no more arrive; returns the PUBLISH packets. */
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

  /** Loses the network connection without notice. */
  drop(error?: Error): void {
    this.isClosed = true
    this.#lose(error)
    this.#broker.clock.runTurns()
  }

  /** Accepts what piled up while it was frozen. */
  thaw(): void {
    this.isFrozen = false
    const frozen = this.#frozen
    this.#frozen = []
    this.unsentBytes = 0
    for (const bytes of frozen) this.#read(bytes)
    if (!this.#isLost) this.#incoming?.drained()
    this.#broker.clock.runTurns()
  }

  /** Everything received since the last call. */
  take(): Packet[] {
    return this.packets.splice(0)
  }

  /** Removes and returns the first waiting packet of that type. */
  takeFirst(type: PacketType): Packet | undefined {
    const at = this.packets.findIndex((packet) => packet.type === type)
    return at < 0 ? undefined : this.packets.splice(at, 1)[0]
  }

  /** Payloads of the waiting PUBLISH packets as text; removes all waiting packets. */
  takePayloads(): string[] {
    return this.take()
      .filter((packet) => packet.type === PacketType.PUBLISH)
      .map((packet) => Buffer.from((packet as PublishPacket).payload).toString())
  }
}
