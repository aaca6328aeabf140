/**
 * The minimum around a Connection: a turn, a Server that accepts everything, and a Transport that records. For tests of
 * the machine alone; `VirtualBroker` is a complete broker.
 *
 * @module
 */
import { MemoryAccount } from '../../src/base/memory-account.ts'
import type { Expiring } from '../../src/base/timer-wheel.ts'
import { TURN_UNITS, WorkBudget } from '../../src/base/work.ts'
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { encodePacket } from '../../src/codec/encode.ts'
import type { ConnectPacket, Packet, ReceivedConnect } from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { readTopicName } from '../../src/codec/publish-view.ts'
import { ReasonCode } from '../../src/codec/reason-code.ts'
import { ApplicationMessage } from '../../src/protocol/application-message.ts'
import type { MessageParts } from '../../src/protocol/message-parts.ts'
import { Connection } from '../../src/protocol/connection.ts'
import { BufferPool } from '../../src/protocol/output.ts'
import type { Acceptance } from '../../src/protocol/served-connection.ts'
import type {
  ConnectionEnd,
  ConnectionReports,
  ConnectionTurn,
  Departing,
  LoginQuestions,
  PublishQuestions,
  ServerSide,
  SubscribeQuestions,
  TopicNames,
} from '../../src/protocol/server-side.ts'
import type { ConnectionLimits } from '../../src/protocol/connection-limits.ts'
import { Session } from '../../src/protocol/session.ts'
import type { SessionLimits } from '../../src/protocol/session-limits.ts'
import type { SessionSide } from '../../src/protocol/session-side.ts'
import type { Transport } from '../../src/protocol/transport.ts'
import { Metrics } from '../../src/reporting/metrics.ts'
import { poisonMemory, reportPoison } from '../../src/testing/poison.ts'
import { CachedTopic } from '../../src/topics/match-cache.ts'
import { publishPacket } from './publish-packet.ts'

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
  maxSessionExpiry: 0xffff_ffff,
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

/** A turn that a test ends, with time that a test advances. */
export class HandTurn implements ConnectionTurn {
  readonly work = new WorkBudget(() => 0)
  changeCount = 0
  committedCount = 0
  nowMs = 0
  deadlineMs = Infinity
  #dirty = new Set<Connection>()
  #waiting = new Set<{ resume(): boolean }>()

  now(): number {
    return this.nowMs
  }
  arm(connection: Expiring, deadlineMs: number): void {
    connection.deadlineMs = deadlineMs
    this.deadlineMs = deadlineMs
  }
  wantsFlush(connection: Connection): void {
    this.#dirty.add(connection)
  }
  wantsTurn(connection: Connection): void {
    this.#waiting.add(connection)
  }
  wantsSettling(connection: Connection): void {
    this.#waiting.add({ resume: () => connection.settleLoss() })
  }
  wantsFlow(session: Session): void {
    this.#waiting.add(session)
  }
  wantsRelease(): void {}

  /** Uses up the budget of this turn. */
  spend(): void {
    this.work.spend(TURN_UNITS)
  }

  /** Ends turns until no other one is requested. */
  end(): void {
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

/** A Session whose Server allows everything. @param calls records the events, one word each */
export function sessionIn(turn: HandTurn, calls: string[] = []): Session {
  const side: SessionSide<Session> = {
    work: turn.work,
    now: () => turn.now(),
    gauges: { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 },
    dropped: (_session, _message, cause) => calls.push(`dropped: ${cause}`),
    delivered: () => {},
    wantsFlow: (session) => turn.wantsFlow(session),
    hasRoom: () => calls.push('has room'),
    parks: () => false,
    wantsPayloads: () => {},
    memoryRefused: () => {},
    rightsVersion: 0,
    mayReceive: () => true,
    handsOn: () => false,
    acknowledged: () => {},
    queued: () => {},
    lags: () => {},
    crowded: () => {},
    thinned: () => {},
    expires: () => {},
  }
  return new Session('client', side, sessionLimits)
}

/** CONNACK 0x00 for that CONNECT, without changes to its requests. */
export function acceptanceOf({ clientId, protocolVersion, keepAlive }: ReceivedConnect, session: Session): Acceptance {
  const client = { clientId, userName: undefined, address: '', listener: 'test', protocolVersion }
  const properties = noProperties
  return { client, session, sessionPresent: false, keepAlive, properties, loginExpiresAtMs: undefined, afterChange: 0 }
}

/** Accepts everything and records the calls, one word each; a test replaces the answer that it is about. */
export class FakeServer implements ServerSide {
  readonly calls: string[] = []
  readonly published: ApplicationMessage[] = []
  end: ConnectionEnd | undefined
  heldBytes = 0
  readonly turn = new HandTurn()
  session = sessionIn(this.turn, this.calls)
  readonly metrics = new Metrics()
  readonly buffers = new BufferPool()
  /** The account that pays for Connections. */
  readonly payer = new MemoryAccount('user', '', 0, undefined)
  readonly memory = { of: () => this.payer }
  readonly memoryRefusals = { refused: () => {} }
  readonly inputBudget = { change: (bytes: number) => void (this.heldBytes += bytes) }
  readonly admission: LoginQuestions = {
    connect: (connection, packet) => connection.accept(acceptanceOf(packet, this.session)),
    authenticate: () => this.calls.push('authenticate'),
  }
  readonly publishing: PublishQuestions = {
    publish: (_connection, message) => {
      message.keep()
      this.published.push(message)
      return ReasonCode.Success
    },
  }
  readonly subscribing: SubscribeQuestions = {
    subscribe: () => [0],
    subscribed: () => this.calls.push('subscribed'),
    unsubscribe: () => [0],
  }
  readonly router: TopicNames = {
    topic: (bytes, start, end) => new CachedTopic(readTopicName(bytes, start, end), bytes.slice(start, end), 0),
  }
  readonly deliveryTransforms = { isAsked: false, transform: (_: unknown, message: ApplicationMessage) => message }
  readonly packets = {
    isWatched: false,
    watches: (): boolean => this.packets.isWatched,
    received: (_: unknown, { type }: Packet) => void this.calls.push(`received ${type}`),
    sent: (_: unknown, { type }: Packet) => void this.calls.push(`sent ${type}`),
  }
  readonly reports: ConnectionReports = {
    throttled: () => {},
    failed: (_connection, error) => this.calls.push(`failed ${String(error)}`),
  }
  readonly departures: Departing = {
    lost: (connection) => this.turn.wantsSettling(connection as Connection),
    closed: (_connection, end) => {
      this.calls.push('closed')
      this.end = end
    },
    gone: () => this.calls.push('gone'),
  }
}

/** Accepts everything at once or, when frozen, nothing. */
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

  /** All bytes since the last call. */
  takeBytes(): Buffer {
    return Buffer.concat(this.chunks.splice(0))
  }
}

/** A Connection between a fake Server and a fake Transport, and the peer's side of it. */
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

  /** A Connection whose CONNECT was accepted and whose CONNACK was read. */
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

  /** Sends packets in one chunk, and ends the turn. */
  send(...packets: Packet[]): void {
    this.sendBytes(Buffer.concat(packets.map((packet) => encodePacket(packet, this.version))))
  }

  sendBytes(bytes: Uint8Array): void {
    this.connection.receive(bytes)
    this.server.turn.end()
  }

  publish(packetIdentifier: number, qos: 0 | 1 | 2, topicName = 'a/b', properties: Properties = noProperties): void {
    this.send(publishPacket(topicName, 'payload', { qos, packetIdentifier, properties }))
  }

  /** The packets that the Server sent since the last call. */
  take(): Packet[] {
    this.server.turn.end()
    return packetsOf(this.transport.takeBytes(), this.version)
  }

  /** Advances time to `ms` after the start and fires the deadline if it is due. */
  at(ms: number): void {
    this.server.turn.nowMs = ms
    if (this.server.turn.deadlineMs <= ms) this.connection.expire(ms)
    this.server.turn.end()
  }
}

/** Decodes packets that a Server sent. */
export function packetsOf(bytes: Uint8Array, version: ProtocolVersion): Packet[] {
  const decoder = new Decoder()
  const packets: Packet[] = []
  decoder.push(bytes)
  while (decoder.next()) {
    packets.push(decodePacket(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end, version, 'server'))
  }
  return packets
}
