/**
 * What a Connection needs around it, and no more: a Server that says yes, and a Transport that remembers. For tests of the
 * machine alone; `TestBroker` is the whole house.
 *
 * @module
 */
import { MemoryAccount } from '../../src/base/memory-account.ts'
import { TURN_UNITS, WorkBudget } from '../../src/base/work.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import { type ConnectPacket, type Packet } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { readTopicName } from '../../src/codec/publish-view.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { ApplicationMessage, type MessageParts } from '../../src/protocol/application-message.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { BufferPool } from '../../src/protocol/output.ts'
import type { ConnectionEnd, KnownTopic, Pending, ServerSide } from '../../src/protocol/server-side.ts'
import type { ConnectionLimits } from '../../src/protocol/connection-limits.ts'
import { Session, type SessionLimits, type SessionSide } from '../../src/protocol/session.ts'
import type { Transport } from '../../src/protocol/transport.ts'
import { poisonMemory, reportPoison } from '../../src/testing/poison.ts'
import { CachedTopic } from '../../src/topics/match-cache.ts'

poisonMemory()

export const sessionLimits: SessionLimits = {
  maxInflightMessages: 1000,
  maxQueuedMessages: 1000,
  maxQueuedMessagesConnected: 1000,
  maxQueuedBytes: 1_000_000,
  maxMemoryPerSession: 0,
  queueFull: 'drop-newest',
  maxDeliveryAttempts: 10,
}

export const connectionLimits: ConnectionLimits = {
  maxConnectPacketSize: 1024,
  maxUserProperties: 100,
  maxFiltersPerPacket: 100,
  packetTimeout: 30,
  minPacketRate: 100,
  maxPacketSize: 65_536,
  connectTimeout: 10,
  loginTimeout: 30,
  timeoutDisconnectDelay: 0,
  receiveMaximum: 100,
  maxQos: 2,
  topicAliasMaximum: 4,
  maxOutgoingTopicAliases: 4,
  maxOutgoingBytes: 10_000,
  drainTimeout: 60,
  maxPublishRate: 0,
  maxByteRate: 0,
}

export function messageOf(parts: Partial<MessageParts> = {}): ApplicationMessage {
  const payload = Buffer.from('payload')
  return ApplicationMessage.of({
    topicName: 'a/b',
    payload,
    qos: 0,
    retain: false,
    publisher: '',
    receivedAtMs: 0,
    ...parts,
  })
}

/** Says yes to everything; a test overrides what it is about. */
export class FakeServer implements ServerSide, SessionSide {
  /** What was told by `inputHeld`. */
  heldBytes = 0
  readonly metrics = {
    bytesReceived: 0,
    readsReceived: 0,
    bytesSent: 0,
    packetsReceived: 0,
    packetsSent: 0,
    publishReceived: 0,
    publishBytesReceived: 0,
    publishBytesSent: 0,
    publishSent: 0,
    publishDroppedIn: 0,
    packetsOverLimit: 0,
    readingPaused: 0,
    rateLimited: 0,
    qosLowered: 0,
  }
  /** Who pays for Connections. */
  readonly payer = new MemoryAccount('user', '', 0, undefined)
  readonly buffers = new BufferPool()
  changeCount = 0
  committedCount = 0
  readonly work = new WorkBudget(() => 0)
  watchesPackets = false
  nowMs = 0
  /** What came to pass, one word each. */
  readonly told: string[] = []
  readonly published: ApplicationMessage[] = []
  end: ConnectionEnd | undefined
  deadlineMs = Infinity
  session: Session = new Session('client', this, sessionLimits)
  readonly #topics = new Map<string, KnownTopic>()
  #dirty = new Set<Connection>()
  #waiting = new Set<Connection | Session>()

  now(): number {
    return this.nowMs
  }
  topic(bytes: Uint8Array, start: number, end: number): KnownTopic {
    const topicName = readTopicName(bytes, start, end)
    const known = this.#topics.get(topicName) ?? new CachedTopic(topicName, bytes.slice(start, end), 0)
    this.#topics.set(topicName, known)
    return known
  }

  connect(connection: Connection, packet: ConnectPacket): void {
    this.accept(connection, packet)
  }
  accept(connection: Connection, { clientId, protocolVersion, keepAlive }: ConnectPacket): void {
    const client = { clientId, userName: undefined, address: '', listener: 'test', protocolVersion }
    const granted = {
      sessionPresent: false,
      keepAlive,
      properties: noProperties,
      loginExpiresAtMs: undefined,
      afterChange: 0,
    }
    connection.accept({ client, session: this.session, ...granted })
  }
  authenticate(): void {
    this.told.push('authenticate')
  }
  publish(_connection: Connection, message: ApplicationMessage): number {
    message.keep()
    this.published.push(message)
    return ReasonCode.Success
  }
  subscribe(): readonly number[] | Pending {
    return [0]
  }
  subscribed(): void {
    this.told.push('subscribed')
  }
  unsubscribe(): readonly number[] | Pending {
    return [0]
  }
  changeSessionExpiry(_connection: Connection, seconds: number): void {
    this.told.push(`expiry ${seconds}`)
  }
  closed(_connection: Connection, end: ConnectionEnd): void {
    this.told.push('closed')
    this.end = end
  }
  gone(): void {
    this.told.push('gone')
  }
  throttled(): void {}

  inputHeld(bytes: number): void {
    this.heldBytes += bytes
  }
  payerOf(): MemoryAccount {
    return this.payer
  }
  wantsFlush(connection: Connection): void {
    this.#dirty.add(connection)
  }
  wantsTurn(connection: Connection): void {
    this.#waiting.add(connection)
  }
  wantsRelease(): void {
    this.told.push('waits')
  }
  arm(connection: Connection, deadlineMs: number): void {
    connection.deadlineMs = deadlineMs
    this.deadlineMs = deadlineMs
  }
  packetReceived(_connection: Connection, packet: Packet): void {
    this.told.push(`received ${packet.type}`)
  }
  packetSent(_connection: Connection, packet: Packet): void {
    this.told.push(`sent ${packet.type}`)
  }
  failed(_connection: Connection, error: unknown): void {
    this.told.push(`failed ${String(error)}`)
  }

  dropped(_session: Session, _message: ApplicationMessage, cause: string): void {
    this.told.push(`dropped: ${cause}`)
  }
  delivered(): void {}
  readonly gauges = { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 }
  wantsFlow(session: Session): void {
    this.#waiting.add(session)
  }
  hasRoom(): void {
    this.told.push('has room')
  }
  parks(): boolean {
    return false
  }
  wantsPayloads(): void {}
  memoryRefused(): void {}
  readonly rightsVersion = 0
  mayReceive(): boolean {
    return true
  }
  handsOn(): boolean {
    return false
  }
  expires(): void {}
  crowded(): void {}
  thinned(): void {}

  /** Nobody may work any more in this turn. */
  spendTurn(): void {
    this.work.spend(TURN_UNITS)
  }

  /** Ends turns until nobody wants another one. */
  endTurn(): void {
    do {
      this.work.endTurn()
      const waiting = this.#waiting
      this.#waiting = new Set()
      for (const one of waiting) one.resume()
      const dirty = this.#dirty
      this.#dirty = new Set()
      for (const connection of dirty) connection.flush()
    } while (this.#waiting.size > 0 || this.#dirty.size > 0)
  }
}

/** Takes everything at once, or, when frozen, nothing. */
export class FakeTransport implements Transport {
  readonly chunks: Buffer[] = []
  unsentBytes = 0
  isFrozen = false
  isPaused = false
  ended: 'end' | 'destroy' | undefined

  write(bytes: Uint8Array): boolean {
    reportPoison(bytes, 'the Connection')
    this.chunks.push(Buffer.from(bytes))
    if (this.isFrozen) this.unsentBytes += bytes.length
    return !this.isFrozen
  }
  pauseReading(): void {
    this.isPaused = true
  }
  resumeReading(): void {
    this.isPaused = false
  }
  end(): void {
    this.ended ??= 'end'
  }
  destroy(): void {
    this.ended = 'destroy'
  }

  /** All bytes since the last taking. */
  takeBytes(): Buffer {
    return Buffer.concat(this.chunks.splice(0))
  }
}

/** A Connection between a fake Server and a fake Transport, and the peer's pen. */
export class TestConnection {
  readonly server: FakeServer
  readonly transport = new FakeTransport()
  readonly connection: Connection
  readonly version: ProtocolVersion

  constructor(version: ProtocolVersion = 5, limits: Partial<ConnectionLimits> = {}, server = new FakeServer()) {
    this.version = version
    this.server = server
    const peer = { listener: 'test', address: '192.0.2.7', encrypted: false }
    this.connection = new Connection(server, this.transport, peer, { ...connectionLimits, ...limits })
  }

  /** One whose CONNECT was accepted, its CONNACK taken. */
  static connected(
    version: ProtocolVersion = 5,
    limits: Partial<ConnectionLimits> = {},
    properties: Properties = noProperties,
    keepAlive = 0,
  ): TestConnection {
    const one = new TestConnection(version, limits)
    one.connect({ properties, keepAlive })
    one.take()
    return one
  }

  connect(fields: Partial<ConnectPacket> = {}): void {
    const { version: protocolVersion } = this
    const plain = { cleanStart: true, keepAlive: 0, clientId: 'client', properties: noProperties } as const
    this.send({ type: PacketType.CONNECT, protocolVersion, ...plain, ...fields })
  }

  /** Packets in one chunk, and the end of the turn. */
  send(...packets: Packet[]): void {
    this.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))))
  }

  sendBytes(bytes: Uint8Array): void {
    this.connection.receive(bytes)
    this.server.endTurn()
  }

  publish(packetIdentifier: number, qos: 0 | 1 | 2, topicName = 'a/b', properties: Properties = noProperties): void {
    const payload = Buffer.from('payload')
    this.send({
      type: PacketType.PUBLISH,
      dup: false,
      qos,
      retain: false,
      topicName,
      packetIdentifier,
      properties,
      payload,
    })
  }

  /** What the Server sent since the last taking. */
  take(): Packet[] {
    this.server.endTurn()
    return packetsOf(this.transport.takeBytes(), this.version)
  }

  /** Moves time on to `ms` after the start and fires the deadline if it has come. */
  at(ms: number): void {
    this.server.nowMs = ms
    if (this.server.deadlineMs <= ms) this.connection.expire(ms)
    this.server.endTurn()
  }
}

/** Packets a Server sent, read from their bytes. */
export function packetsOf(bytes: Uint8Array, version: ProtocolVersion): Packet[] {
  const decoder = new Decoder()
  const packets: Packet[] = []
  decoder.push(bytes)
  while (decoder.next()) {
    packets.push(decodePacket(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end, version, 'server'))
  }
  return packets
}
