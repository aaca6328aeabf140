/**
 * What traces are made from: packets of the connections that are followed, what is decided about them, and what becomes
 * of messages.
 *
 *   CONNECT ── claims to be a client that is followed ──> its packets belong to the trace, also if it is refused
 *   login   ── is a client that is followed ──> the same from CONNACK on, and what happens to its session
 *   start   ── all sessions are looked through, a share of a turn at a time ──> `following`
 *
 * Of a connection that is not followed, a packet costs one look-up; if only topics are followed, nothing.
 *
 * @module
 */
import { withoutTokens } from '../../base/redact.ts'
import { Work } from '../../base/work.ts'
import type { Packet } from '../../codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../codec/packet-types.ts'
import { ReasonCode, reasonCodeName } from '../../codec/reason-code.ts'
import type { BrokerEvents, EventName } from '../../access/broker-events.ts'
import type { Registration } from '../../broker/sessions/sessions.ts'
import type { Server } from '../../broker/server.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import type { DropCause } from '../../protocol/drop-cause.ts'
import type { ConnectionEnd } from '../../protocol/server-side.ts'
import type { DeniedAction } from '../../reporting/denials.ts'
import type { Tap } from '../../reporting/packet-watch.ts'
import { packetFields, shownBytes, versionFields } from './packet-fields.ts'
import type { Trace, TraceFacts } from './trace.ts'
import { TraceDenials } from './trace-denials.ts'
import type { Identity } from './trace-filter.ts'

/** Subscriptions of a client that was connected already which its first record shows. */
const MAX_SHOWN_SUBSCRIPTIONS = 100

/** The detail of a refusal that is due to permissions. */
const NOT_AUTHORIZED = reasonCodeName(ReasonCode.NotAuthorized)

/** What the tap needs of the traces. */
export interface TraceSide {
  /** Those that go on. */
  readonly running: readonly Trace[]
  /** Whether another record is to be made, which is then passed to `record`. */
  takes(trace: Trace): boolean
  record(trace: Trace, facts: TraceFacts): void
}

/** The number of a followed connection, and the client identifier that it has or claims. */
interface Followed {
  readonly number: number
  clientId: string
}

export class TraceTap implements Tap {
  readonly #server: Server
  readonly #traces: TraceSide
  readonly #denials: TraceDenials
  readonly #followed = new Map<Connection, Followed>()
  #lastNumber = 0
  /** Whether a trace follows packets, and not only messages. */
  #followsPackets = false
  readonly #listeners: readonly (readonly [EventName, (event: never) => void])[] = [
    ['publishRefused', (event: BrokerEvents['publishRefused']) => this.#publishRefused(event)],
    ['subscribeRefused', (event: BrokerEvents['subscribeRefused']) => this.#subscribeRefused(event)],
    ['sessionCreated', (event: BrokerEvents['sessionCreated']) => this.#ofSession('sessionCreated', event)],
    ['sessionEnded', (event: BrokerEvents['sessionEnded']) => this.#ofSession('sessionEnded', event)],
    ['willPublished', (event: BrokerEvents['willPublished']) => this.#ofSession('willPublished', event)],
    ['handshakeRefused', (event: BrokerEvents['handshakeRefused']) => this.#handshakeRefused(event)],
  ]

  constructor(server: Server, traces: TraceSide) {
    this.#server = server
    this.#traces = traces
    this.#denials = new TraceDenials(server)
  }

  // ---- traces come and go ----

  begin(trace: Trace): void {
    if (this.#traces.running.length === 1) this.#turnOn()
    this.#look()
    if (trace.matcher.selectsClients) void this.#followPresent(trace)
  }

  finish(trace: Trace): void {
    for (const connection of trace.connections) {
      if (!this.#traces.running.some(({ connections }) => connections.has(connection)))
        this.#followed.delete(connection)
    }
    trace.connections.clear()
    trace.clientIds.clear()
    this.#look()
    if (this.#traces.running.length === 0) this.#turnOff()
    const { seq: records, recordsLost, end: cause, traceId } = trace
    this.#server.packets.events.emit('traceEnded', { traceId, cause: cause!, records, recordsLost })
  }

  #look(): void {
    this.#followsPackets = this.#traces.running.some(({ matcher }) => !matcher.followsTopic)
  }

  #turnOn(): void {
    this.#server.packets.tap = this
    for (const [name, listener] of this.#listeners) this.#server.packets.events.on(name, listener as never)
  }

  #turnOff(): void {
    this.#server.packets.tap = undefined
    for (const [name, listener] of this.#listeners) this.#server.packets.events.off(name, listener as never)
    this.#followed.clear()
    this.#denials.clear()
  }

  /** A trace has reached a limit: reported once for each. */
  limitReached({ traceId, limitsReached }: Trace, option: string): void {
    if (limitsReached.has(option)) return
    limitsReached.add(option)
    this.#server.packets.events.emit('limitReached', { option, owner: `trace ${traceId}` })
  }

  /** @returns whether there was room for it */
  #follow(trace: Trace, connection: Connection): boolean {
    return trace.follow(connection) || this.#leftOut(trace)
  }

  #followClient(trace: Trace, clientId: string): void {
    // Otherwise its connection is counted.
    if (!trace.followClient(clientId) && trace.matcher.followsTopic) this.#leftOut(trace)
  }

  #leftOut(trace: Trace): false {
    this.#server.metrics.traceClientsLeftOut++
    this.limitReached(trace, 'admin.max-trace-clients')
    return false
  }

  /** Follows those who are there already; those who come meanwhile are seen at their login. */
  async #followPresent(trace: Trace): Promise<void> {
    const { sessions, turn } = this.#server
    const { clientId } = trace.matcher.filter
    if (clientId !== undefined) {
      const registration = sessions.get(clientId)
      if (registration !== undefined) this.#followRegistration(trace, registration)
      return
    }
    for (const registration of sessions.all()) {
      if (turn.work.isSpent) await turn.share(trace)
      if (trace.end !== undefined) return
      turn.work.spend(Work.entry)
      this.#followRegistration(trace, registration)
    }
  }

  #followRegistration(trace: Trace, { client, connection, session }: Registration): void {
    if (!trace.matcher.matchesClient(identityOf(client))) return
    this.#followClient(trace, client.clientId)
    if (connection === undefined || trace.matcher.followsTopic || trace.connections.has(connection)) return
    if (!this.#follow(trace, connection)) return
    const { userName, address, listener, protocolVersion } = client
    const subscriptions = []
    for (const { subscriber: _, ...subscription } of session.subscriptions.values()) {
      if (subscriptions.push(subscription) === MAX_SHOWN_SUBSCRIPTIONS) break
    }
    const details = { userName: shownName(userName), address, listener, protocolVersion, subscriptions }
    this.#event(trace, 'following', client.clientId, details, this.#numberOf(connection, client.clientId))
  }

  // ---- packets ----

  /** Hot while there are traces: asked for every packet. */
  watches(connection: Connection): boolean {
    if (!this.#followsPackets) return false
    return connection.session === undefined || this.#followed.has(connection)
  }

  received(connection: Connection, packet: Packet): void {
    if (packet.type === PacketType.CONNECT) {
      const { clientId, userName } = packet
      this.#claims(connection, { clientId, userName: shownName(userName), address: connection.peer.address })
    }
    this.#packet(connection, 'received', packet)
  }

  sent(connection: Connection, packet: Packet): void {
    this.#packet(connection, 'sent', packet)
  }

  #packet(connection: Connection, direction: 'received' | 'sent', packet: Packet): void {
    const followed = this.#followed.get(connection)
    if (followed === undefined) return
    const { number, clientId } = followed
    for (const trace of [...this.#traces.running]) {
      if (!trace.connections.has(connection) || !this.#traces.takes(trace)) continue
      const fields = versionFields(packetFields(packet, trace.limits.payloadBytes), versionOf(connection))
      this.#traces.record(trace, { clientId, connection: number, direction, packet: fields })
    }
  }

  #claims(connection: Connection, identity: Identity): void {
    for (const trace of this.#traces.running) {
      if (trace.matcher.followsTopic || !trace.matcher.matchesClient(identity)) continue
      if (this.#follow(trace, connection)) this.#numberOf(connection, identity.clientId)
    }
  }

  #numberOf(connection: Connection, clientId: string): number {
    let followed = this.#followed.get(connection)
    if (followed === undefined) this.#followed.set(connection, (followed = { number: ++this.#lastNumber, clientId }))
    followed.clientId = clientId
    return followed.number
  }

  // ---- connections ----

  loggedIn(connection: Connection, client: Client): void {
    const identity = identityOf(client)
    const { userName, address, listener, protocolVersion } = client
    for (const trace of [...this.#traces.running]) {
      const matches = trace.matcher.matchesClient(identity)
      if (matches && trace.matcher.selectsClients) this.#followClient(trace, client.clientId)
      if (trace.matcher.followsTopic) continue
      if (!matches && !trace.connections.has(connection)) continue
      if (!this.#follow(trace, connection)) continue
      const details = { userName: shownName(userName), address, listener, protocolVersion }
      const number = this.#numberOf(connection, client.clientId)
      this.#event(trace, 'clientConnected', client.clientId, details, number)
    }
  }

  closed(connection: Connection, { cause, reasonCode, detail }: ConnectionEnd): void {
    const followed = this.#followed.get(connection)
    const details = { cause, reasonCode, detail: withoutTokens(detail), address: connection.peer.address }
    const event = connection.session === undefined ? 'clientRefused' : 'clientDisconnected'
    for (const trace of [...this.#traces.running]) {
      if (trace.connections.delete(connection)) {
        this.#event(trace, event, followed!.clientId, details, followed!.number)
      } else if (followed === undefined && connection.session === undefined && isFromThere(trace, connection)) {
        this.#event(trace, event, '', details)
      }
    }
    this.#followed.delete(connection)
  }

  #handshakeRefused({ listener, address, stage, detail }: BrokerEvents['handshakeRefused']): void {
    for (const trace of [...this.#traces.running]) {
      if (!trace.matcher.selectsAddressesOnly || !trace.matcher.isFrom(address)) continue
      this.#event(trace, 'handshakeRefused', '', { listener, address, stage, detail: withoutTokens(detail) })
    }
  }

  // ---- sessions and messages ----

  published(client: Client | undefined, message: ApplicationMessage, receivers: number): void {
    const clientId = client?.clientId ?? ''
    for (const trace of [...this.#traces.running]) {
      const { selectsClients, followsTopic } = trace.matcher
      if (selectsClients && (client === undefined || !trace.concerns(clientId))) continue
      if (!trace.matcher.matchesTopic(message.topicName)) continue
      if (!this.#traces.takes(trace)) continue
      const content = followsTopic ? contentOf(message, trace) : { topic: message.topicName }
      this.#traces.record(trace, { clientId, event: 'published', details: { ...content, receivers } })
    }
  }

  delivered(clientId: string, message: ApplicationMessage, qos: QoS): void {
    this.#ofMessage('delivered', clientId, message, { qos })
  }

  acknowledged(clientId: string, message: ApplicationMessage): void {
    this.#ofMessage('acknowledged', clientId, message, {})
  }

  queued(clientId: string, message: ApplicationMessage): void {
    this.#ofMessage('queued', clientId, message, {})
  }

  dropped(clientId: string, message: ApplicationMessage, cause: DropCause): void {
    this.#ofMessage('dropped', clientId, message, { cause })
    const client = cause === 'not authorized' ? this.#server.sessions.get(clientId)?.client : undefined
    if (client !== undefined) this.#decidedBy(client, 'receive', message.topicName)
  }

  #ofMessage(event: string, clientId: string, message: ApplicationMessage, details: object): void {
    const { topicName: topic } = message
    for (const trace of [...this.#traces.running]) {
      const { matcher } = trace
      // Of a client whose packets are followed, they show what is delivered and acknowledged.
      if (!matcher.followsTopic && (event === 'delivered' || event === 'acknowledged')) continue
      // What no receiver took belongs to its publisher.
      if (!trace.concerns(clientId === '' ? message.publisher : clientId) || !matcher.matchesTopic(topic)) continue
      this.#event(trace, event, clientId, { topic, publisher: message.publisher, ...details })
    }
  }

  #publishRefused({ client, topic, qos, reasonCode, detail }: BrokerEvents['publishRefused']): void {
    for (const trace of [...this.#traces.running]) {
      if (!trace.concerns(client.clientId) || !trace.matcher.matchesTopic(topic)) continue
      const details = { topic, qos, reasonCode, detail: withoutTokens(detail) }
      this.#event(trace, 'publishRefused', client.clientId, details)
    }
    // Whatever refuses for another reason than a permission explains itself.
    if (detail === NOT_AUTHORIZED) this.#decidedBy(client, 'publish', topic)
  }

  #subscribeRefused({ client, ...details }: BrokerEvents['subscribeRefused']): void {
    this.#ofSession('subscribeRefused', { clientId: client.clientId, ...details })
    if (details.reasonCode === ReasonCode.NotAuthorized) this.#decidedBy(client, 'subscribe', details.topicFilter)
  }

  /** Records which plugin and which rule have denied something, as soon as that is known. */
  #decidedBy(client: Client, action: DeniedAction, topic: string): void {
    const { clientId } = client
    const isShown = (trace: Trace): boolean =>
      trace.concerns(clientId) &&
      (action === 'subscribe' ? !trace.matcher.followsTopic : trace.matcher.matchesTopic(topic))
    if (!this.#traces.running.some(isShown)) return
    const write = (detail: string | undefined): void => {
      if (detail === undefined) return
      const details = { topic, detail, action }
      for (const trace of this.#traces.running.filter(isShown)) this.#event(trace, 'decidedBy', clientId, details)
    }
    this.#denials.explain(client, action, topic).then(write, () => write(undefined))
  }

  #ofSession(event: string, { clientId, ...details }: { readonly clientId: string }): void {
    for (const trace of [...this.#traces.running]) {
      if (!trace.matcher.followsTopic && trace.concerns(clientId)) this.#event(trace, event, clientId, details)
    }
  }

  #event(trace: Trace, event: string, clientId: string, details: object, connection?: number): void {
    if (!this.#traces.takes(trace)) return
    this.#traces.record(trace, { clientId, ...(connection !== undefined && { connection }), event, details })
  }
}

/** Some clients send a token as their name. */
function shownName(userName: string | undefined): string | undefined {
  return userName === undefined ? undefined : withoutTokens(userName)
}

function identityOf({ clientId, userName, claimedUserName, address }: Client): Identity {
  return { clientId, userName: userName ?? claimedUserName, address }
}

function versionOf({ connectPacket, client }: Connection): ProtocolVersion {
  return connectPacket?.protocolVersion ?? client.protocolVersion
}

/** What was refused before it said who it is. */
function isFromThere({ matcher }: Trace, { peer }: Connection): boolean {
  return matcher.selectsAddressesOnly && matcher.isFrom(peer.address)
}

function contentOf({ topicName, qos, retain, payload }: ApplicationMessage, { limits }: Trace): object {
  return { topic: topicName, qos, retain, payload: shownBytes(payload, limits.payloadBytes) }
}
