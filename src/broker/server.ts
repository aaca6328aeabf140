/**
 * Where it meets: the Server behind every Connection. Each part does one thing (admission, subscribing, publishing, routing, retained
 * messages, Sessions, the turn); this file wires them and answers what Connections ask.
 *
 *   Connection ── connect ────> Admission ──> Sessions
 *              ── publish ────> Publishing ──> retained, Router ──> Session.deliver
 *              ── subscribe ──> Subscribing ──> Router, retained
 *              ── closed ─────> Sessions ──> Will ──> Publishing
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import { withoutTokens } from '../base/redact.ts'
import type { AuthPacket, ConnectPacket, Packet, QoS, SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import { ReasonCode, reasonCodeName } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import { Connection } from '../protocol/connection.ts'
import { BufferPool } from '../protocol/output.ts'
import type { ConnectionEnd, KnownTopic, Pending, ServerSide } from '../protocol/server-side.ts'
import { Session, type DropCause, type SessionSide } from '../protocol/session.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import type {
  Durability,
  LoadProgress,
  SessionRecord,
  Store,
  StoreFigures,
  SubscriptionRecord,
} from '../stores/store.ts'
import type { Access } from './access.ts'
import { Admission } from './admission.ts'
import { ConnectionNotes, notesOf, type ListenerState } from './connection-notes.ts'
import type { Current } from './current.ts'
import { DurabilityRules } from './durability-rules.ts'
import type { Events, SessionEndCause } from './events.ts'
import { Ledger } from './ledger.ts'
import { Metrics } from './metrics.ts'
import type { ListenerOptions } from './options.ts'
import { Payloads } from './payloads.ts'
import { Restoring } from './restore.ts'
import { Publishing } from './publishing.ts'
import { RetainedMessages, type RetainedSide } from './retained.ts'
import { Router, type RouterSide } from './router.ts'
import { Sessions, type Registration, type SessionsSide, type Will } from './sessions.ts'
import { Subscribing } from './subscribing.ts'
import { Turn, type Expiring } from './turn.ts'

/** What a Server is made of. */
export interface ServerParts {
  readonly current: Current
  readonly clock: Clock
  readonly store: Store
  readonly events: Events
  readonly log: Logger
}

export class Server implements ServerSide, SessionSide, SessionsSide, RetainedSide {
  readonly metrics: Metrics = new Metrics()
  readonly buffers: BufferPool = new BufferPool()
  readonly turn: Turn
  readonly sessions: Sessions
  readonly router: Router
  readonly retainedMessages: RetainedMessages
  readonly admission: Admission
  readonly subscribing: Subscribing
  readonly publishing: Publishing
  /** Every Network Connection, with or without CONNECT. */
  readonly connections: Set<Connection> = new Set()
  /** Connections whose byte stream is open, ended or not. */
  readonly #transports = new Set<Connection>()
  #allGone: () => void = () => {}
  /** Where the Store keeps something. */
  readonly ledger: Ledger | undefined = undefined
  readonly #payloads: Payloads | undefined = undefined
  /** False while the Store cannot write: what would have to be stored is refused (§ durability in the manual). */
  isStoreHealthy = true
  readonly #parts: ServerParts
  readonly #events: Events
  #isClosing = false

  constructor(parts: ServerParts) {
    const { current, clock, store, events } = parts
    const { options } = current
    this.#parts = parts
    this.#events = events
    this.turn = new Turn(clock, store, this.metrics, options.maxUncommittedBytes)
    this.turn.onReadingAllowed = () => {
      for (const connection of this.connections) this.turn.wantsTurn(connection)
    }
    this.sessions = new Sessions(options, this.turn, this.metrics, this)
    this.router = new Router(this.#routerSide(), Math.floor(clock.random() * 0x1_0000_0000))
    this.retainedMessages = new RetainedMessages(options, this.turn, this.metrics, this)
    const { persistence } = options
    if (store.keeps && persistence !== undefined) {
      const rules = new DurabilityRules(persistence, this.#levelsOfListeners())
      this.turn.baseLevel = rules.level
      this.ledger = new Ledger(this.turn, clock, rules)
      this.#payloads = new Payloads(persistence, store, this.turn, this.metrics, parts.log)
    }
    const shared = { current, events, clock, turn: this.turn, metrics: this.metrics }
    this.admission = new Admission({
      ...shared,
      sessions: this.sessions,
      makeSession: (clientId, listener) => new Session(clientId, this, listener),
      sessionChanged: (registration) => {
        this.changed(registration)
        if (registration.will !== undefined) this.willChanged(registration)
      },
      canStore: () => this.isStoreHealthy,
    })
    this.subscribing = new Subscribing({
      ...shared,
      router: this.router,
      retained: this.retainedMessages,
      subscribed: (session, subscription) => this.ledger?.subscribed(session, subscription),
      unsubscribed: (session, topicFilter) => this.ledger?.unsubscribed(session, topicFilter),
      canStore: (session) => session.ledger === undefined || this.isStoreHealthy,
      dropped: (session, message, cause) => this.dropped(session, message, cause),
      leftShared: (session, topicFilter) => this.#redistribute(session, topicFilter, false),
    })
    this.publishing = new Publishing({
      ...shared,
      router: this.router,
      retained: this.retainedMessages,
      canStore: () => this.isStoreHealthy,
    })
    this.#watchAccess()
  }

  /** How the Store does; `undefined` where nothing is stored. */
  get storeFigures(): StoreFigures | undefined {
    return this.#parts.store.figures?.()
  }

  #watchAccess(): void {
    this.#access.onChanged(() => this.router.forget())
  }

  get #access(): Access {
    return this.#parts.current.access
  }

  #routerSide(): RouterSide {
    const { current } = this.#parts
    return {
      get checksReceive() {
        return current.access.checksReceive
      },
      get stable() {
        return current.access.stable
      },
      mayReceive: (subscriber, topicName) => {
        // The host program has no Client: it may receive everything.
        if (!(subscriber instanceof Session)) return true
        const client = this.sessions.get(subscriber.clientId)?.client
        return client === undefined || current.access.mayReceive(client, topicName)
      },
      dropped: (receiver, message, cause) => this.dropped(receiver, message, cause),
    }
  }

  /** What listeners say about durability, by the publisher's Client Identifier; `undefined` where none says anything. */
  #levelsOfListeners(): ((clientId: string) => Durability | undefined) | undefined {
    if (this.#parts.current.options.listeners.every(({ durability }) => durability === undefined)) return undefined
    return (clientId) => {
      const connection = this.sessions.get(clientId)?.connection
      return connection === undefined ? undefined : notesOf(connection).listener.options.durability
    }
  }

  /**
   * Brings back what is stored, before the first Client comes.
   *
   * @throws {StoreError} when the Store cannot be read
   */
  async restore(tell: (progress: LoadProgress) => void): Promise<void> {
    const { ledger } = this
    if (ledger === undefined) return
    const restoring = new Restoring({
      ledger,
      now: () => this.now(),
      addSession: (record) => this.#restoreSession(record),
      subscribe: (session, record) => this.#restoreSubscription(session, record),
      retain: (message) => this.retainedMessages.restore(message),
    })
    ledger.begin(await this.#parts.store.load((change) => restoring.apply(change), tell))
    restoring.allTold()
    await this.#readRetained(restoring.unloadedRetained)
    restoring.finish((registration, expiresAtMs, willDueAtMs) => {
      registration.session.ledger = ledger
      this.sessions.restore(registration, expiresAtMs, willDueAtMs)
    })
    for (const [sessionNumber, will] of restoring.orphanedWills) {
      this.publishWill(will)
      ledger.willRemoved(sessionNumber)
    }
  }

  #restoreSession(record: SessionRecord): Registration {
    const { clientId, userName, protocolVersion } = record
    const session = new Session(clientId, this, this.#parts.current.options)
    session.userName = userName
    session.sessionExpiryInterval = record.sessionExpiryInterval
    session.sessionNumber = record.sessionNumber
    session.numberEntriesAbove(record.lastEntryNumber ?? 0)
    return this.sessions.add(session, { clientId, userName, protocolVersion, address: '', listener: '' }, undefined)
  }

  #restoreSubscription(session: Session, record: SubscriptionRecord): void {
    const { subscriptionIdentifier, ...options } = record
    const subscriptionIdentifiers = subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier]
    const subscription = { ...options, subscriber: session, subscriptionIdentifiers }
    session.subscribe(subscription)
    this.router.add(subscription)
  }

  async #readRetained(messages: readonly ApplicationMessage[]): Promise<void> {
    const atOnce = 1000
    for (let at = 0; at < messages.length; at += atOnce) await this.#payloads!.load(messages.slice(at, at + atOnce))
  }

  /**
   * Applies what `current` says from now on. Connections keep the limits that their CONNACK announced; those whose log-in the
   * new rules rule out are ended.
   *
   * @param mayStay whether that Client would still be let in
   */
  reconfigure(mayStay: (client: Client) => boolean): void {
    const { options } = this.#parts.current
    this.sessions.limits = options
    this.retainedMessages.limits = options
    this.admission.limitRate()
    this.#watchAccess()
    this.router.forget()
    for (const connection of this.connections) {
      if (connection.isConnected && !mayStay(connection.client)) {
        connection.disconnect(ReasonCode.NotAuthorized, 'disconnected by server', 'the new configuration rules it out')
      }
    }
  }

  // ---- Connections ----

  /** A new Network Connection. @returns `undefined` where it is closed at once for lack of room */
  accept(transport: Transport, peer: Peer, listener: ListenerState): Incoming | undefined {
    const { maxWaitingConnections, maxConnections, maxConnectionsBeforeConnect } = this.#parts.current.options
    const isFull = (limit: number, open: number): boolean => limit > 0 && open >= limit + maxWaitingConnections
    const isRefused = this.#isClosing || this.#hasTooMany(peer.address)
    const unaccepted = this.connections.size - this.admission.connected
    if (
      isRefused ||
      (maxConnectionsBeforeConnect > 0 && unaccepted >= maxConnectionsBeforeConnect) ||
      isFull(maxConnections, this.connections.size) ||
      isFull(listener.options.maxConnections, listener.open)
    ) {
      this.metrics.connectionsClosedAtLimit++
      return undefined
    }
    this.metrics.connectionsAccepted++
    const connection = new Connection(this, transport, peer, listener.options)
    connection.notes = new ConnectionNotes(listener)
    listener.open++
    this.connections.add(connection)
    this.#transports.add(connection)
    this.#count(peer.address, 1)
    return connection
  }

  readonly #byAddress = new Map<string, number>()

  #hasTooMany(address: string): boolean {
    const { maxConnectionsPerAddress } = this.#parts.current.options
    return maxConnectionsPerAddress > 0 && (this.#byAddress.get(address) ?? 0) >= maxConnectionsPerAddress
  }

  #count(address: string, change: 1 | -1): void {
    if (address === '') return // a Unix socket, or a stream of the host program
    const count = (this.#byAddress.get(address) ?? 0) + change
    if (count === 0) this.#byAddress.delete(address)
    else this.#byAddress.set(address, count)
  }

  closed(connection: Connection, end: ConnectionEnd): void {
    this.connections.delete(connection)
    this.#count(connection.peer.address, -1)
    notesOf(connection).listener.open--
    this.#countEnd(end)
    if (connection.session === undefined) this.#refused(connection, end)
    else this.#disconnected(connection, connection.session, end)
  }

  #countEnd({ cause }: ConnectionEnd): void {
    if (cause === 'refused') this.metrics.connectsRefused++
    else if (cause === 'protocol error') this.metrics.protocolErrors++
    else if (cause === 'keep alive timeout') this.metrics.keepAliveTimeouts++
    else if (cause === 'slow receiver') this.metrics.slowReceiversClosed++
  }

  #refused(connection: Connection, { reasonCode, detail }: ConnectionEnd): void {
    const { address, listener } = connection.peer
    const clientId = connection.connectPacket?.clientId ?? ''
    const claimed = connection.connectPacket?.userName
    const userName = claimed === undefined ? undefined : withoutTokens(claimed)
    const fields = { clientId, userName, address, listener, reasonCode: reasonCodeName(reasonCode) }
    this.#parts.log.info(
      fields,
      `refused ${clientId || 'a connection'} from ${address || 'an attached stream'}: ${detail}`,
    )
    this.#events.tell('clientRefused', { clientId, userName, address, listener, reasonCode, detail })
  }

  #disconnected(connection: Connection, session: Session, end: ConnectionEnd): void {
    this.admission.left(connection)
    const { client } = connection
    const { cause, reasonCode, detail } = end
    const fields = { clientId: client.clientId, address: client.address, cause, reasonCode: reasonCodeName(reasonCode) }
    this.#parts.log.info(fields, `${client.clientId} ended: ${cause}${detail === '' ? '' : `, ${detail}`}`)
    this.#events.tell('clientDisconnected', { client, cause, reasonCode, detail })
    const registration = this.sessions.get(session.clientId)
    if (registration?.connection !== connection) return
    // DISCONNECT 0x00 takes the Will away; a broker that stops leaves Wills to its next start (U-3.1.2.5-3).
    if (cause === 'server shutting down' && this.ledger !== undefined) {
      this.#leaveForNextStart(registration)
      return
    }
    const isNormal = cause === 'disconnected by client' && reasonCode === ReasonCode.Success
    const keepsWill = !isNormal && cause !== 'server shutting down'
    this.sessions.disconnected(registration, keepsWill, cause === 'session taken over')
  }

  /** A Session that is stored goes on in the next start, and its Will with it. */
  #leaveForNextStart(registration: Registration): void {
    registration.connection = undefined
    this.changed(registration)
  }

  /**
   * Ends all Connections with 0x8B, takes no new one, and stores what is left.
   *
   * @param timeoutMs Clients that have not taken their last bytes by then are cut
   */
  async shutDown(timeoutMs: number): Promise<void> {
    this.#isClosing = true
    for (const connection of this.connections) {
      connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', 'the server is shutting down')
    }
    if (this.#transports.size > 0) {
      await new Promise<void>((resolve) => {
        const timer = this.#parts.clock.setTimer(timeoutMs, () => {
          for (const connection of this.#transports) connection.cut()
        })
        this.#allGone = () => {
          timer.cancel()
          resolve()
        }
      })
    }
    this.publishing.stop()
    await this.turn.settle()
  }

  /** The byte stream of a Connection is gone. */
  gone(connection: Connection): void {
    this.#transports.delete(connection)
    if (this.#transports.size === 0) this.#allGone()
  }

  failed(connection: Connection, error: unknown): void {
    this.metrics.internalErrors++
    const { clientId, address } = connection.client
    this.#parts.log.error({ clientId, address, error }, `internal error, ${clientId} is disconnected: ${String(error)}`)
    this.#events.tell('internalError', { clientId, error })
  }

  // ---- the turn, for Connections ----

  get changeCount(): number {
    return this.turn.changeCount
  }

  get committedCount(): number {
    return this.turn.committedCount
  }

  get isTurnSpent(): boolean {
    return this.turn.isSpent
  }

  get isReadingAllowed(): boolean {
    return this.turn.isReadingAllowed
  }

  get watchesPackets(): boolean {
    return this.#events.hears.packets
  }

  now(): number {
    return this.turn.now()
  }

  wantsFlush(connection: Connection): void {
    this.turn.wantsFlush(connection)
  }

  wantsTurn(connection: Connection): void {
    this.turn.wantsTurn(connection)
  }

  wantsRelease(connection: Connection): void {
    this.turn.wantsRelease(connection)
  }

  arm(entry: Expiring, deadlineMs: number): void {
    this.turn.arm(entry, deadlineMs)
  }

  packetReceived({ client }: Connection, packet: Packet): void {
    this.#events.tell('packetReceived', { clientId: client.clientId, packet })
  }

  packetSent({ client }: Connection, packet: Packet): void {
    this.#events.tell('packetSent', { clientId: client.clientId, packet })
  }

  topic(bytes: Uint8Array, start: number, end: number): KnownTopic {
    return this.router.topic(bytes, start, end)
  }

  // ---- what Clients ask ----

  connect(connection: Connection, packet: ConnectPacket): void {
    this.admission.connect(connection, packet)
  }

  authenticate(connection: Connection, packet: AuthPacket): void {
    this.admission.authenticate(connection, packet)
  }

  subscribe(connection: Connection, packet: SubscribePacket): readonly number[] | Pending {
    return this.subscribing.subscribe(connection, packet)
  }

  subscribed(connection: Connection): void {
    this.subscribing.subscribed(connection)
  }

  unsubscribe(connection: Connection, packet: UnsubscribePacket): readonly number[] {
    return this.subscribing.unsubscribe(connection, packet)
  }

  changeSessionExpiry(connection: Connection, seconds: number): void {
    const { session, limits } = connection
    session!.sessionExpiryInterval = Math.min(seconds, (limits as ListenerOptions).maxSessionExpiry)
  }

  publish(connection: Connection, message: ApplicationMessage, topic: KnownTopic): number {
    return this.publishing.publish(connection, message, topic)
  }

  publishFromHost(message: ApplicationMessage): void {
    this.publishing.publishFromHost(message)
  }

  // ---- Sessions ----

  publishWill(will: Will): void {
    this.publishing.publishWill(will)
  }

  sessionEnded({ session }: Registration, cause: SessionEndCause): void {
    for (const subscription of session.subscriptions.values()) this.router.remove(subscription)
    this.#redistribute(session, undefined, true)
    session.clear()
    this.ledger?.sessionEnded(session)
    this.#events.tell('sessionEnded', { clientId: session.clientId, cause })
  }

  /** What a leaving member of a Shared Subscription held goes to the others (U-4.8.2-8). */
  #redistribute(session: Session, topicFilter: string | undefined, sessionEnds: boolean): void {
    for (const delivery of session.takeShared(topicFilter, sessionEnds)) {
      const message = renewed(delivery.message)
      if (message.isExpired(this.now())) {
        this.dropped(session, message, 'expired') // [5.0 MQTT-3.3.2-5]
        continue
      }
      const group = this.router.group(delivery.shared!.topicFilter)
      if (group?.deliver(message, (member) => this.#mayHave(member, message)) !== true) {
        this.dropped(session, message, sessionEnds ? 'session ended' : 'no member')
      }
    }
  }

  #mayHave(member: Session, { topicName }: ApplicationMessage): boolean {
    const client = this.sessions.get(member.clientId)?.client
    return client !== undefined && this.#access.mayReceive(client, topicName)
  }

  changed(registration: Registration): void {
    this.ledger?.session(registration)
  }

  willChanged(registration: Registration): void {
    this.ledger?.will(registration)
  }

  wantsPayloads(session: Session): void {
    this.#payloads?.fetch(session)
  }

  parks(session: Session, bytes: number): boolean {
    return this.#payloads?.parks(session, bytes, this.queuedBytes) ?? false
  }

  dropped({ clientId }: { readonly clientId: string }, message: ApplicationMessage, cause: DropCause): void {
    this.metrics.dropped[cause]++
    if (!this.#events.hears.dropped) return
    message.own()
    this.#events.tell('dropped', { clientId, message, cause })
  }

  delivered({ clientId }: Session, message: ApplicationMessage, qos: QoS): void {
    if (!this.#events.hears.delivered) return
    message.own()
    this.#events.tell('delivered', { clientId, message, qos })
  }

  /** Bytes that wait in all Sessions' queues. */
  queuedBytes = 0

  queued(bytes: number): void {
    this.queuedBytes += bytes
  }

  /** Whether `max-memory` has room for a message that would be kept. */
  hasMemoryFor(bytes: number): boolean {
    const { maxMemory } = this.#parts.current.options
    return maxMemory === 0 || this.queuedBytes + this.retainedMessages.bytes + bytes <= maxMemory
  }

  // ---- retained messages ----

  retained(message: ApplicationMessage): void {
    const { topicName } = message
    this.ledger?.retained(message)
    this.#events.tell('retained', { topicName, action: 'set' })
  }

  cleared(topicName: string, action: 'cleared' | 'expired' | 'refused'): void {
    this.ledger?.retainedCleared(topicName)
    this.#events.tell('retained', { topicName, action })
  }
}

/**
 * A message that changes hands: the one who had it may have been the last for whom the Store kept it, so that it is stored
 * anew. Whose payload is in the Store alone stays what it is: it goes to nobody who would let the Store forget it.
 */
function renewed(message: ApplicationMessage): ApplicationMessage {
  if (!message.isLoaded || message.messageNumber === 0) return message
  message.own()
  return ApplicationMessage.of(message)
}
