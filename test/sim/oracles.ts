/**
 * The oracles: a model of what the broker owes whom, checked at every instant.
 *
 *   handed packets ──> what Clients did ─┐
 *   events of the broker ──> what it ────┼──> the model ──> what must be written, what must never be
 *                     says it did        │
 *   written packets ──> what it did ─────┘
 *
 * An event is only believed if a Client did what it tells of; and whatever it tells binds the broker: a message that it
 * says it took over has to reach every subscriber that the model knows, once at QoS 2, in order, within its time. The
 * model knows the standard and the manual; it shares no code with the broker but the codec.
 *
 * @module
 */
import type { Broker } from '../../src/create-broker.ts'
import type { BrokerEvents } from '../../src/access/broker-events.ts'
import {
  type AcknowledgementPacket,
  type ConnackPacket,
  type ConnectPacket,
  type Packet,
  type PublishPacket,
} from '../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../src/codec/packet-types.ts'
import type { Properties } from '../../src/codec/properties.ts'
import type { ApplicationMessage } from '../../src/protocol/application-message.ts'
import type { DropCause } from '../../src/protocol/drop-cause.ts'
import {
  identifiersOf,
  keyOf,
  makeCopy,
  ModelSession,
  shortOf,
  type Copy,
  type Doubt,
  type Message,
  type ModelWill,
  type Sending,
  type SharedCopy,
  type WireFacts,
} from './facts.ts'
import { isShared, matchFilterOf, matches, mayUse, maySubscribe, USERS } from './rules.ts'
import type { SimulationLimits } from './settings.ts'
import { Survival } from './survival.ts'
import type { Totals } from './totals.ts'
import type { Wire, WireEar } from './wire.ts'
import type { StoreModel } from '../../src/testing/store-model.ts'
import { sessionsOf } from '../support/sessions.ts'

/** The default of `packet-timeout`. */
const PACKET_TIMEOUT_MS = 30_000

const NEVER = 0xffff_ffff
/** How a refused filter is told: 3.1 has no code for it. */
const REFUSED = { 3: 0x00, 4: 0x80 } as const
/** Payloads of regular Clients and of Wills begin so. */
export const WILL_MARK = 'will '

/** QoS 0 goes at once or never; the rest may wait. What is too large may have been either. */
type Lane = 'at-once' | 'queued' | 'either'
const LANES: Partial<Record<DropCause, Lane>> = {
  'not connected': 'at-once',
  'output full': 'at-once',
  'packet too large': 'either',
}

export interface OraclesSide {
  now(): number
  wallNow(): number
  /** The broker is being closed. */
  readonly isClosing: boolean
  violation(text: string): void
}

interface Written {
  readonly wire: Wire
  readonly packet: Packet
  readonly size: number
}

export class Oracles implements WireEar {
  readonly sessions = new Map<string, ModelSession>()
  readonly #side: OraclesSide
  readonly #limits: SimulationLimits
  readonly #totals: Totals
  readonly #sendings = new Map<string, Sending>()
  readonly #retained = new Map<string, Message>()
  readonly #hostPending = new Map<string, number>()
  /** Wills of Sessions that have ended: due at once. */
  #owedWills: ModelWill[] = []
  readonly #shared = new Map<string, SharedCopy[]>()
  #written: Written[] = []
  /** Drops that the broker told of and no copy was found for yet: by lane, Client and message. */
  readonly #drops = new Map<string, number>()
  readonly #touched = new Set<ModelSession>()
  /** What has changed since the last quiet moment, at which everything that is to be stored was. */
  #ended: ModelSession[] = []
  /** When the queue of a connected Client was half full last. */
  #crowdedAtMs = -Infinity
  readonly #formerRetained = new Map<string, (Message | undefined)[]>()
  readonly #formerWills = new Set<string>()
  /** Topics whose next message a full Store has no room to retain. */
  readonly #notRetained = new Set<string>()
  #quietGroup = 0
  /** Of messages that are stored, by their numbers there. */
  readonly #keys = new Map<number, string>()
  #quietAtMs = 0
  /**
   * Sessions that may outlive their Connections, in all and of one user: more than the limit where the Store gave more
   * back.
   */
  #mostKept: number
  #mostOwn: number
  /** The broker says that it cannot store anything. */
  #isSick = false
  /** Client Identifiers that somebody else took while they had no Session: theirs by right. */
  readonly #stolen = new Set<string>()
  #entering: Wire | undefined
  /** By Client: what has sent CONNECT last. After a wrong password of its user the answer comes later. */
  readonly #asking = new Map<string, Wire>()
  #groups = 0
  #sequence = 0
  /** Matches of each topic, while subscriptions stay as they are. */
  readonly #matches = new Map<string, [ModelSession, string][]>()

  constructor(side: OraclesSide, limits: SimulationLimits, totals: Totals) {
    this.#side = side
    this.#limits = limits
    this.#mostKept = limits.maxSessions
    this.#mostOwn = limits.maxSessionsPerUser
    this.#totals = totals
  }

  #fail(text: string): void {
    this.#side.violation(text)
  }

  #check(condition: boolean, text: () => string): void {
    if (!condition) this.#fail(text())
  }

  /** The process has ended: this is what its Store gives back, and all that there is now. */
  restore(facts: StoreModel): void {
    this.#flush()
    const past = {
      sessions: new Map(this.sessions),
      ended: this.#ended,
      retained: new Map(this.#retained),
      formerRetained: new Map(this.#formerRetained),
      formerWills: new Set(this.#formerWills),
      shared: new Map(this.#shared),
      isSafe: (copy: Copy) => this.#isSafe(copy),
      isRegular: (clientId: string) => this.#isRegular(clientId),
    }
    const now = (): number => this.#side.now()
    const survival = new Survival(facts, past, {
      now,
      wallNow: () => this.#side.wallNow(),
      nextSequence: () => ++this.#sequence,
      fail: (text) => this.#fail(text),
    })
    const sendings = new Map(this.#sendings)
    this.forget()
    for (const [clientId, session] of survival.sessions) this.sessions.set(clientId, session)
    for (const [topicName, message] of survival.retained) this.#retained.set(topicName, message)
    for (const [key, list] of survival.shared) this.#shared.set(key, list)
    this.#owedWills = survival.owedWills
    for (const { messageNumber, topicName, payload } of facts.messages.values()) {
      this.#keys.set(messageNumber, keyOf(topicName, payload))
    }
    for (const [name, sending] of sendings) {
      this.#sendings.set(name, sending)
      const [clientId] = name.split(' ', 1)
      const isKnown = survival.received.get(clientId!)?.has(sending.packetIdentifier) === true
      // What was taken over and not stored is sent again, and taken over again.
      if (sending.qos === 2 && !sending.isAcked && !isKnown) sending.published = 0
    }
    this.#totals.sessionsSurvived += survival.sessions.size
    this.#totals.replaysSurvived += survival.replaysSurvived
    this.#mostKept = Math.max(this.#mostKept, survival.sessions.size)
    this.#mostOwn = Math.max(this.#mostOwn, survival.sessions.size)
  }

  #isSafe({ group, message }: Copy): boolean {
    return group <= this.#quietGroup || (message.isAcked && group === message.group)
  }

  /** The broker has lost its memory. */
  forget(): void {
    this.#flush()
    this.#ended = []
    this.#formerRetained.clear()
    this.#formerWills.clear()
    this.#quietGroup = this.#groups
    this.#isSick = false
    this.sessions.clear()
    this.#sendings.clear()
    this.#retained.clear()
    this.#owedWills = []
    this.#shared.clear()
    this.#drops.clear()
    this.#touched.clear()
    this.#matches.clear()
    this.#written = []
  }

  /** A message that the host program is about to publish. */
  hostPublishes(topicName: string, payload: string): void {
    const key = keyOf(topicName, Buffer.from(payload))
    this.#hostPending.set(key, (this.#hostPending.get(key) ?? 0) + 1)
  }

  /** The broker has refused it: it is published to nobody. */
  hostRefused(topicName: string, payload: string): void {
    this.#check(
      this.#isSick,
      () => `a message of the host program for ${topicName} was refused, though the store has room`,
    )
    const key = keyOf(topicName, Buffer.from(payload))
    this.#hostPending.set(key, (this.#hostPending.get(key) ?? 0) - 1)
  }

  listen(broker: Broker): void {
    broker.on('clientConnected', (event) => this.#connected(event))
    broker.on('clientDisconnected', (event) => this.#disconnected(event))
    broker.on('clientRefused', (event) => this.#refused(event))
    broker.on('sessionCreated', ({ clientId }) => void this.sessions.set(clientId, new ModelSession(clientId)))
    broker.on('sessionEnded', (event) => this.#sessionEnded(event))
    broker.on('subscribed', ({ client, topicFilter, qos }) => this.#subscribeTold(client.clientId, topicFilter, qos))
    broker.on('subscribeRefused', ({ client, topicFilter, reasonCode }) =>
      this.#subscribeTold(client.clientId, topicFilter, reasonCode),
    )
    broker.on('unsubscribed', ({ client, topicFilter }) => this.#unsubscribed(client.clientId, topicFilter))
    broker.on('published', (event) => this.#published(event))
    broker.on('storeHealth', ({ healthy }) => {
      this.#isSick = !healthy
      if (!healthy) this.#totals.storeFailures++
    })
    broker.on('publishRefused', (event) => this.#publishRefused(event))
    broker.on('dropped', (event) => this.#dropped(event))
    broker.on('retained', (event) => this.#retainedTold(event))
    broker.on('internalError', ({ clientId, error }) => {
      this.#fail(`internal error at ${clientId}: ${(error as Error).stack ?? String(error)}`)
    })
  }

  // ---- what Clients do ----

  entering(wire: Wire | undefined): void {
    this.#entering = wire
  }

  garbled(wire: Wire, error: unknown): void {
    this.#fail(`${wire.name} was sent what nobody can read: ${String(error)}`)
  }

  handed(wire: Wire, packet: Packet): void {
    this.#flush()
    this.#totals.packetsReceived++
    const { facts } = wire
    if (facts.isOver) return
    switch (packet.type) {
      case PacketType.PUBLISH:
        this.#publishHanded(wire, packet)
        return
      case PacketType.PUBACK:
      case PacketType.PUBREC:
      case PacketType.PUBCOMP:
        this.#acknowledgedByClient(wire, packet)
        return
      case PacketType.SUBSCRIBE:
        facts.subscribes.push({ packet, codes: [], group: ++this.#groups })
        return
      case PacketType.UNSUBSCRIBE:
        facts.unsubacks.set(packet.packetIdentifier, packet.topicFilters)
        return
      case PacketType.DISCONNECT:
        facts.disconnect = packet
        return
      case PacketType.CONNECT:
        if (!wire.isHostile) this.#asking.set(packet.clientId, wire)
        return
      default:
    }
  }

  /** Whose CONNECT is answered now, which is that Client's; `undefined` if nobody's is. */
  #arriving(clientId: string): Wire | undefined {
    return this.#entering ?? this.#waitingFor(this.#asking.get(clientId))
  }

  /** That Connection, if its CONNECT still waits. */
  #waitingFor(wire: Wire | undefined): Wire | undefined {
    return wire === undefined || wire.isDetached || wire.link.isOver || wire.facts.isAnswered ? undefined : wire
  }

  #publishHanded(wire: Wire, packet: PublishPacket): void {
    const { facts } = wire
    const topicName = resolveAlias(packet, facts.aliasesUp)
    if (wire.isHostile || topicName === undefined) return
    const key = keyOf(topicName, packet.payload)
    const { clientId, userName } = wire.connect!
    const name = `${clientId} ${packet.qos} ${key}`
    let sending = this.#sendings.get(name)
    if (sending === undefined) {
      const { qos } = packet
      const isAllowed = mayUse(userName, topicName)
      const { packetIdentifier } = packet
      const fresh = { handed: 0, published: 0, message: undefined, isAcked: false, refusals: 0 }
      sending = { qos, isAllowed, packetIdentifier, ...fresh }
      this.#sendings.set(name, sending)
    }
    sending.handed++
    if (packet.qos > 0) facts.sendings.set(packet.packetIdentifier, sending)
  }

  #acknowledgedByClient(wire: Wire, packet: AcknowledgementPacket): void {
    const { session } = wire.facts
    if (wire.isHostile || session === undefined) return
    const copy = session.inflight.get(packet.packetIdentifier)
    if (copy === undefined) return
    this.#touched.add(session)
    const isRefused = packet.reasonCode >= 0x80
    if (isRefused) wire.facts.hasRefused = true
    copy.isRefused ||= isRefused
    const { key } = copy.message
    if (isRefused && copy.qos === 2) session.sentOnce.set(key, session.sentOnce.get(key)! - 1)
    if (packet.type === PacketType.PUBREC && !isRefused) copy.hasPubrec = true
    else this.#finish(session, copy)
  }

  #finish(session: ModelSession, copy: Copy): void {
    copy.isFinished = true
    session.inflight.delete(copy.packetIdentifier)
    this.#remember(session, copy)
    session.late.set(copy.packetIdentifier, copy)
    if (copy.openOn !== undefined && copy.openOn === session.wire) copy.openOn.facts.open--
  }

  /** It is over, but the Store may not know it. */
  #remember(session: ModelSession, copy: Copy): void {
    session.recent.push(copy)
    this.#touched.add(session)
  }

  /** A simulated Client's program has got a message of QoS 2. */
  applied(wire: Wire, topicName: string, payload: Uint8Array): void {
    this.#flush()
    let { session } = wire.facts
    // What was on its way when the process ended may come after the restart.
    while (session?.successor !== undefined) session = session.successor
    if (session === undefined) return
    const key = keyOf(topicName, payload)
    const times = (session.applied.get(key) ?? 0) + 1
    session.applied.set(key, times)
    this.#check(
      times <= (session.sentOnce.get(key) ?? 0),
      () => `${wire.name} got ${shortOf(key)} ${times} times at QoS 2`,
    )
  }

  // ---- what the broker says ----

  #connected({ client, sessionPresent, cleanStart }: BrokerEvents['clientConnected']): void {
    const { clientId } = client
    const wire = this.#arriving(clientId)
    if (wire === undefined || wire.isHostile) {
      const isOwned = this.sessions.get(clientId)?.userName !== undefined
      this.#check(!isOwned, () => `${wire?.name} was let in as ${clientId}, whose Session it is not`)
      this.#stolen.add(clientId)
      return
    }
    const session = this.sessions.get(clientId)
    if (session === undefined) {
      this.#fail(`${clientId} is connected without a Session`)
      return
    }
    this.#check(session.wire === undefined, () => `${clientId} has two Connections`)
    this.#check(!(sessionPresent && cleanStart), () => `${clientId} asked for a clean start and got its old Session`)
    const isNew = session.userName === undefined
    this.#check(isNew !== sessionPresent, () => `${clientId}: Session Present is ${sessionPresent}, which is wrong`)
    if (!isNew && session.will?.dueAtMs !== undefined && session.will.dueAtMs < Infinity) this.#totals.willsCancelled++
    if (sessionPresent) this.#totals.sessionsResumed++
    this.#takeUp(session, wire, sessionPresent)
  }

  #takeUp(session: ModelSession, wire: Wire, sessionPresent: boolean): void {
    const packet = wire.connect!
    session.userName = packet.userName
    session.wire = wire
    session.expiresAtMs = Infinity
    session.expiryMs = Math.min(requestedExpiry(packet), this.#limits.maxSessionExpiry) * 1000
    if (session.will !== undefined) this.#formerWills.add(session.will.key)
    session.will = willOf(packet)
    session.isWillSafe = false
    session.connections++
    session.resend = [...session.inflight.values()].sort((one, other) => one.sequence - other.sequence)
    wire.facts.session = session
    wire.facts.sessionPresent = sessionPresent
    this.#touched.add(session)
  }

  #isRegular(clientId: string): boolean {
    return clientId.startsWith('c') && !this.#stolen.has(clientId)
  }

  #refused({ clientId, detail }: BrokerEvents['clientRefused']): void {
    const wire = this.#arriving(clientId)
    if (wire === undefined || wire.isHostile || this.#side.isClosing || this.#isSick) return
    if (detail.startsWith('max-sessions')) this.#checkSessionRefusal(wire.connect!)
    else this.#fail(`${clientId} was refused: ${detail}`)
  }

  /**
   * Only who asks for a Session that is kept, has none, and whose user has none to give, is refused for lack of room.
   */
  #checkSessionRefusal(packet: ConnectPacket): void {
    const { clientId, userName } = packet
    const kept = this.#keptSessions()
    const own = kept.filter((session) => session.userName === userName)
    this.#totals.sessionsRefused++
    this.#check(requestedExpiry(packet) > 0, () => `${clientId} was refused a Session that it did not ask for`)
    this.#check(this.#hasNoRoom(kept, own), () => `${clientId} was refused, though ${kept.length} Sessions are kept`)
    this.#check(!own.some((session) => session.clientId === clientId), () => `${clientId} was refused its own Session`)
    const absent = own.find(({ wire }) => wire === undefined)
    this.#check(absent === undefined, () => `${clientId} was refused, though ${absent!.clientId} could give way`)
  }

  /** Those that outlive their Connections. */
  #keptSessions(): ModelSession[] {
    return [...this.sessions.values()].filter(({ userName, expiryMs }) => userName !== undefined && expiryMs > 0)
  }

  #hasNoRoom(kept: readonly ModelSession[], own: readonly ModelSession[]): boolean {
    return kept.length >= this.#limits.maxSessions || own.length >= this.#limits.maxSessionsPerUser
  }

  #disconnected({ client, cause, reasonCode, detail }: BrokerEvents['clientDisconnected']): void {
    const session = this.sessions.get(client.clientId)
    const wire = session?.wire
    if (session === undefined || wire === undefined) {
      this.#check(!this.#isRegular(client.clientId), () => `${client.clientId} ended, but was not connected`)
      return
    }
    this.#checkCause(wire, cause, detail)
    const { facts } = wire
    facts.isOver = true
    session.wire = undefined
    session.resend = []
    const now = this.#side.now()
    const { disconnect } = facts
    const isByClient = cause === 'disconnected by client'
    const changed = isByClient ? disconnect?.properties.sessionExpiryInterval : undefined
    if (changed !== undefined) session.expiryMs = Math.min(changed, this.#limits.maxSessionExpiry) * 1000
    session.expiresAtMs = now + session.expiryMs
    session.awaySinceMs = now
    const isShutDown = cause === 'server shutting down'
    // A Will that is stored goes out after the next start.
    if (isShutDown && this.#limits.durability !== undefined) return
    const takesWill = (isByClient && reasonCode === 0) || isShutDown
    this.#touched.add(session)
    if (takesWill && session.will !== undefined) this.#formerWills.add(session.will.key)
    if (takesWill) session.will = undefined
    else if (session.will !== undefined) session.will.dueAtMs = now + Math.min(session.will.delayMs, session.expiryMs)
  }

  #checkCause(wire: Wire, cause: string, detail: string): void {
    const { link, facts } = wire
    const now = this.#side.now()
    const silentMs = now - wire.lastPacketAtMs
    const arriving = this.#arriving(wire.connect!.clientId)
    const isTrue: Readonly<Record<string, () => boolean>> = {
      'disconnected by client': () => facts.disconnect !== undefined,
      'keep alive timeout': () => wire.connect!.keepAlive > 0 && silentMs >= wire.connect!.keepAlive * 1500,
      // The link fell silent in the middle of a packet.
      'packet timeout': () => silentMs >= PACKET_TIMEOUT_MS,
      'session taken over': () => arriving !== wire && arriving?.connect?.clientId === wire.connect!.clientId,
      'connection lost': () => link.isOver,
      'slow receiver': () => link.unsentBytes > 0,
      'server shutting down': () => this.#side.isClosing,
      // The Store took too long over CONNACK.
      'connect timeout': () => !facts.isAnswered && this.#limits.durability !== undefined,
      // A publisher of 3.1.1 cannot be told that its message was not stored.
      // One that is larger than what is left is refused by a Store that is well, too.
      'not stored': () => wire.version < 5 && (this.#isSick || /^a message of \d+ bytes does not fit/.test(detail)),
    }
    if (cause === 'session taken over') this.#totals.takeovers++
    if (cause === 'keep alive timeout') this.#totals.keepAliveTimeouts++
    if (cause === 'slow receiver') this.#totals.slowReceivers++
    this.#check(isTrue[cause]?.() === true, () => `${wire.name} was disconnected without reason: ${cause}, ${detail}`)
  }

  #sessionEnded({ clientId, cause }: BrokerEvents['sessionEnded']): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) {
      this.#fail(`the Session of ${clientId} ended, but there was none`)
      return
    }
    const kept = this.#keptSessions()
    this.sessions.delete(clientId)
    this.#ended.push(session)
    this.#matches.clear()
    if (session.userName === undefined || !this.#isRegular(clientId)) return
    const now = this.#side.now()
    const arriving = this.#arriving(clientId)?.connect
    const isTrue: Readonly<Record<string, () => boolean>> = {
      expired: () => session.wire === undefined && now === session.expiresAtMs,
      'connection ended': () => session.wire === undefined && session.expiryMs === 0,
      'clean start': () => arriving?.clientId === clientId && arriving.cleanStart,
      'session limit': () => this.#mayGiveWay(session, kept),
    }
    if (cause === 'session limit') this.#totals.sessionsGivenUp++
    if (cause === 'expired') this.#totals.sessionsExpired++
    this.#check(isTrue[cause]?.() === true, () => `the Session of ${clientId} ended without reason: ${cause}`)
    this.#leaveShared(session, undefined)
    if (session.will === undefined) return
    session.will.dueAtMs = now // U-3.1.3.2.2-1
    this.#owedWills.push(session.will)
  }

  /** Nobody's Session ends for another user's. */
  #mayGiveWay({ wire, userName }: ModelSession, kept: readonly ModelSession[]): boolean {
    const asking = [...this.#asking.values()].filter((one) => this.#waitingFor(one) !== undefined)
    const arriving = this.#entering === undefined ? asking : [this.#entering]
    if (wire !== undefined || !arriving.some((one) => one.connect?.userName === userName)) return false
    return this.#hasNoRoom(
      kept,
      kept.filter((session) => session.userName === userName),
    )
  }

  /** What a Session that leaves held for Shared Subscriptions may move, or must not. */
  #leaveShared(session: ModelSession, topicFilter: string | undefined): void {
    for (const list of this.#shared.values()) {
      for (const shared of list) {
        if (topicFilter !== undefined && shared.topicFilter !== topicFilter) continue
        if (shared.session === session && topicFilter === undefined) this.#giveBack(shared)
        // At QoS 2 what was gathered for a Connection that ended in the same turn counts as sent, though nobody saw it.
        const { message } = shared
        const isGathered = message.receivedAtMs === session.awaySinceMs || this.#limits.durability !== undefined
        if (shared.session === undefined && message.qos === 2 && isGathered) {
          shared.isOptional ||= session.subscriptions.has(shared.topicFilter)
        }
        if (!this.#hasMembers(shared.topicFilter, session)) shared.isOptional = true
      }
    }
  }

  #giveBack(shared: SharedCopy): void {
    const { copy } = shared
    if (copy === undefined || copy.isFinished || copy.qos === 0) return
    if (copy.qos === 2) {
      shared.isForbidden = true
      return
    }
    shared.session = undefined
    shared.copy = undefined
    this.#totals.sharedMoved++
  }

  #hasMembers(topicFilter: string, except?: ModelSession): boolean {
    for (const session of this.sessions.values()) {
      if (session !== except && session.subscriptions.has(topicFilter)) return true
    }
    return false
  }

  #subscribeTold(clientId: string, topicFilter: string, code: number): void {
    const session = this.sessions.get(clientId)
    const wire = session?.wire
    const told = wire?.facts.subscribes[0]
    if (session === undefined || wire === undefined || told === undefined) {
      this.#check(!this.#isRegular(clientId), () => `${clientId} did not subscribe to ${topicFilter}`)
      return
    }
    const { packet, codes, group } = told
    const request = packet.subscriptions[codes.length]!
    const isAllowed = maySubscribe(session.userName, matchFilterOf(topicFilter))
    const expected = isAllowed ? request.qos : 0x87
    this.#check(request.topicFilter === topicFilter, () => `${clientId} did not subscribe to ${topicFilter} now`)
    const isSick = code === 0x83 && this.#isSick && session.expiryMs > 0
    this.#check(
      code === expected || isSick,
      () => `${clientId} was granted ${code} for ${topicFilter} instead of ${expected}`,
    )
    codes.push(code)
    if (codes.length === packet.subscriptions.length) {
      wire.facts.subscribes.shift()
      wire.facts.subacks.set(packet.packetIdentifier, codes)
      const granted = packet.subscriptions.filter((_, index) => codes[index]! < 0x80)
      const topicFilters = granted.map((one) => one.topicFilter)
      wire.facts.granted.set(packet.packetIdentifier, { topicFilters, group })
    }
    if (code >= 0x80) return
    const isNew = !session.subscriptions.has(topicFilter)
    const identifiers = packet.properties.subscriptionIdentifiers ?? []
    session.subscriptions.set(topicFilter, { ...request, identifiers })
    this.#touched.add(session)
    this.#matches.clear()
    const { retainHandling } = request
    if (isShared(topicFilter)) return
    if (retainHandling === 2 || (retainHandling === 1 && !isNew)) {
      this.#giveUpReplay(session, topicFilter)
      return
    }
    for (const message of this.#retained.values()) {
      if (message.expiresAtMs <= this.#side.now() || !matches(topicFilter, message.topicName)) continue
      if (request.noLocal && message.publisher === clientId) continue
      const qos = Math.min(message.qos, request.qos) as QoS
      this.#oweRetained(session, message, qos, identifiers, group)
      this.#totals.retainedSent++
    }
  }

  /** To subscribe again takes the place of a replay that has not finished; nobody can see what of it was on its way. */
  #oweRetained(session: ModelSession, message: Message, qos: QoS, identifiers: readonly number[], group: number): void {
    const isEarlier = (copy: Copy): boolean => copy.isReplay && copy.message === message
    const earlier = [...session.waiting[1], ...session.waiting[2]].filter(isEarlier)
    this.#owe(session, message, qos, true, identifiers, group, true)
    if (earlier.length === 0) return
    const all = [...session.waiting[1], ...session.waiting[2]].filter(isEarlier)
    const doubt: Doubt = { copies: new Set(all), drops: 0, isLoose: true }
    for (const copy of all) copy.doubt = doubt
  }

  #unsubscribed(clientId: string, topicFilter: string): void {
    const session = this.sessions.get(clientId)
    if (session === undefined) return
    const old = session.subscriptions.get(topicFilter)
    session.subscriptions.delete(topicFilter)
    session.safeFilters.delete(topicFilter)
    if (old !== undefined) session.left.set(topicFilter, old)
    if (old !== undefined && this.#limits.durability !== undefined) {
      session.former.set(topicFilter, { qos: old.qos, untilMs: this.#side.now() })
    }
    this.#touched.add(session)
    this.#check(old !== undefined || !this.#isRegular(clientId), () => {
      return `${clientId} was not subscribed to ${topicFilter}`
    })
    this.#matches.clear()
    if (isShared(topicFilter)) this.#leaveShared(session, topicFilter)
    else this.#giveUpReplay(session, topicFilter)
  }

  /** A replay ends with its Subscription; for which of several Subscriptions a copy was owed, nobody can see. */
  #giveUpReplay({ waiting, wire }: ModelSession, topicFilter: string): void {
    const copies = [...waiting[1], ...waiting[2], ...(wire?.facts.zero ?? [])].filter(
      ({ isReplay, message }) => isReplay && matches(topicFilter, message.topicName),
    )
    const doubt: Doubt = { copies: new Set(copies), drops: 0, isLoose: true }
    for (const copy of copies) copy.doubt = doubt
  }

  #published({ client, message: seen }: BrokerEvents['published']): void {
    const told = inside(seen)
    const { topicName, qos, retain, properties, payload } = told
    const key = keyOf(topicName, payload)
    const now = this.#side.now()
    if (told.messageNumber > 0) this.#keys.set(told.messageNumber, key)
    const publisher = client?.clientId ?? ''
    const interval = properties.messageExpiryInterval
    const message: Message = {
      key,
      topicName,
      qos,
      retain,
      publisher,
      size: told.fullSize,
      receivedAtMs: now,
      expiresAtMs: interval === undefined ? Infinity : now + interval * 1000,
      properties,
      travelling: travellingOf(properties),
      group: ++this.#groups,
      isAcked: false,
    }
    this.#justify(message, payload)
    this.#totals.messages++
    if (retain) {
      this.#formerlyRetained(topicName)
      if (this.#notRetained.delete(topicName) || payload.length === 0) this.#retained.delete(topicName)
      else this.#retained.set(topicName, message)
    }
    this.#route(message)
  }

  #formerlyRetained(topicName: string): void {
    if (this.#limits.durability === undefined) return
    const former = this.#formerRetained.get(topicName) ?? []
    former.push(this.#retained.get(topicName))
    this.#formerRetained.set(topicName, former)
  }

  /** Somebody has to have sent it, and it may be taken over only so often. */
  #justify(message: Message, payload: Uint8Array): void {
    const { key, publisher, topicName, qos } = message
    if (publisher === '') {
      const pending = this.#hostPending.get(key) ?? 0
      this.#check(pending > 0, () => `the host program did not publish ${shortOf(key)}`)
      this.#hostPending.set(key, pending - 1)
      return
    }
    if (!this.#isRegular(publisher)) {
      this.#check(!topicName.startsWith('$SYS/'), () => `${publisher} published to ${topicName}`)
      return
    }
    if (Buffer.from(payload).toString('latin1').startsWith(WILL_MARK)) {
      this.#justifyWill(key, publisher)
      return
    }
    const sending = this.#sendings.get(`${publisher} ${qos} ${key}`)
    if (sending === undefined) {
      this.#fail(`${publisher} did not publish ${shortOf(key)}`)
      return
    }
    sending.published++
    sending.message = message
    const most = sending.qos === 2 ? 1 : sending.handed
    this.#check(sending.isAllowed, () => `${publisher} may not publish to ${topicName}`)
    this.#check(
      sending.published <= most,
      () =>
        `${shortOf(key)} at QoS ${sending.qos} was taken over ${sending.published} times, sent ${sending.handed} times`,
    )
  }

  #justifyWill(key: string, publisher: string): void {
    const now = this.#side.now()
    this.#totals.wills++
    this.#formerWills.add(key)
    const at = this.#owedWills.findIndex((will) => will.key === key)
    if (at >= 0) {
      this.#owedWills.splice(at, 1)
      return
    }
    const session = this.sessions.get(publisher)
    const will = session?.will
    this.#check(will?.key === key, () => `a Will of ${publisher} was sent that it does not have`)
    const isDue =
      will?.dueAtMs === now || (will !== undefined && will.dueAtMs < now && this.#crowdedAtMs >= will.dueAtMs)
    this.#check(isDue, () => `the Will of ${publisher} was sent before its time, ${will?.dueAtMs}`)
    if (session !== undefined) session.will = undefined
  }

  #route(message: Message): void {
    const { group } = message
    const now = this.#side.now()
    const sharedFilters = new Set<string>()
    let of: ModelSession | undefined
    let copies: { noLocal: boolean; retainAsPublished: boolean; qos: QoS; identifiers: number[] }[] = []
    const owe = (): void => {
      const receiver = of
      if (receiver === undefined || !this.#isRegular(receiver.clientId)) return
      for (const { qos, retainAsPublished, noLocal, identifiers } of copies) {
        if (noLocal && receiver.clientId === message.publisher) continue
        const lower = Math.min(qos, message.qos) as QoS
        this.#owe(receiver, message, lower, retainAsPublished && message.retain, identifiers, group)
      }
    }
    for (const [session, topicFilter] of this.#matching(message.topicName)) {
      if (isShared(topicFilter)) {
        sharedFilters.add(topicFilter)
        continue
      }
      if (session !== of) {
        owe()
        of = session
        copies = []
      }
      const { noLocal, retainAsPublished, qos, identifiers } = session.subscriptions.get(topicFilter)!
      const same = copies.find((one) => one.noLocal === noLocal && one.retainAsPublished === retainAsPublished)
      if (same === undefined) copies.push({ noLocal, retainAsPublished, qos, identifiers: [...identifiers] })
      else {
        same.qos = Math.max(same.qos, qos) as QoS
        same.identifiers.push(...identifiers)
      }
    }
    owe()
    for (const topicFilter of sharedFilters) this.#oweShared(message, topicFilter)
    if (message.expiresAtMs <= now) this.#totals.messagesBornExpired++
  }

  #matching(topicName: string): readonly [ModelSession, string][] {
    let found = this.#matches.get(topicName)
    if (found !== undefined) return found
    found = []
    for (const session of this.sessions.values()) {
      for (const topicFilter of session.subscriptions.keys()) {
        if (matches(matchFilterOf(topicFilter), topicName)) found.push([session, topicFilter])
      }
    }
    this.#matches.set(topicName, found)
    return found
  }

  #owe(
    session: ModelSession,
    message: Message,
    qos: QoS,
    retain: boolean,
    identifiers: readonly number[],
    group: number,
    isReplay = false,
  ): void {
    if (!mayUse(session.userName, message.topicName)) return
    if (qos === 0 && session.wire === undefined) return
    const copy = makeCopy(message, qos, retain, identifiers, group)
    copy.isReplay = isReplay
    copy.owedTo = session.wire
    copy.connections = session.connections
    if (qos === 0) session.wire!.facts.zero.push(copy)
    else session.waiting[qos].push(copy)
    this.#touched.add(session)
  }

  #oweShared(message: Message, topicFilter: string): void {
    const members = [...this.sessions.values()].filter((session) => session.subscriptions.has(topicFilter))
    const may = members.filter(({ userName }) => mayUse(userName, message.topicName))
    const isTaken = may.some(
      ({ wire, subscriptions }) => wire !== undefined || Math.min(subscriptions.get(topicFilter)!.qos, message.qos) > 0,
    )
    if (!isTaken) return
    const isOptional =
      message.qos === 0 ||
      members.some(
        ({ clientId, subscriptions }) => !this.#isRegular(clientId) || subscriptions.get(topicFilter)!.qos === 0,
      )
    const list = this.#shared.get(message.key) ?? []
    const isDurable = members.every(({ expiryMs }) => expiryMs > 0)
    list.push({ message, topicFilter, isOptional, isDurable, session: undefined, copy: undefined, isForbidden: false })
    this.#shared.set(message.key, list)
    this.#totals.shared++
  }

  #dropped({ clientId, message: seen, cause }: BrokerEvents['dropped']): void {
    const message = inside(seen)
    const isOfNoMember = clientId === '' && cause === 'packet too large'
    if (!isOfNoMember && !this.#isRegular(clientId)) return
    // What waits may be known to the Store alone, and has no payload then.
    const key = message.isLoaded
      ? keyOf(message.topicName, message.payload)
      : (this.#keys.get(message.messageNumber) ?? message.topicName)
    if (isOfNoMember) {
      this.#check(this.#isTooLargeForSome(message.topicName), () => `${shortOf(key)} is too large for no member`)
      this.#drops.set(`${LANES[cause] ?? 'queued'}  ${key}`, 1)
      return
    }
    this.#checkDrop(clientId, message, cause)
    if (cause === 'not authorized') return
    if (cause === 'refused by client') return
    if (cause === 'session ended' || cause === 'no member') {
      for (const shared of this.#openShared(key)) shared.isOptional = true
      // What it held is told of before its Session is seen to end. Nobody else takes it if those who are left say how
      // much they take.
      if (this.#isTooLargeForSome(message.topicName)) this.#excuseHeld(clientId, key)
      return
    }
    const at = `${LANES[cause] ?? 'queued'} ${clientId} ${key}`
    this.#drops.set(at, (this.#drops.get(at) ?? 0) + 1)
    if (cause === 'expired') this.#totals.messagesExpired++
    else this.#totals.dropped++
  }

  #excuseHeld(clientId: string, key: string): void {
    const held = (this.#shared.get(key) ?? []).filter(({ session }) => session?.clientId === clientId)
    for (const shared of held) shared.isOptional = true
  }

  /** Whether a member of a Shared Subscription that matches says how much it takes. */
  #isTooLargeForSome(topicName: string): boolean {
    return [...this.sessions.values()].some(
      ({ subscriptions, wire }) =>
        wire?.connect?.properties.maximumPacketSize !== undefined &&
        [...subscriptions.keys()].some((filter) => isShared(filter) && matches(matchFilterOf(filter), topicName)),
    )
  }

  #checkDrop(clientId: string, { topicName, expiresAtMs, fullSize: size }: ApplicationMessage, cause: DropCause): void {
    const session = this.sessions.get(clientId)
    const wire = session?.wire
    const isTrue: Partial<Record<DropCause, () => boolean>> = {
      // Nothing goes before CONNACK, which may wait for the Store.
      'not connected': () => wire?.facts.isAnswered !== true,
      'output full': () => wire !== undefined && wire.mostUnsentBytes >= this.#limits.maxOutgoingBytes,
      'queue full': () => session !== undefined && this.#isFull(session, size),
      expired: () => this.#side.now() >= expiresAtMs,
      'packet too large': () =>
        // A message that has waited is judged before CONNACK, which may be decided in a later turn.
        [wire, this.#arriving(clientId)].some((one) => one?.connect?.properties.maximumPacketSize !== undefined) ||
        // It was handed to the other members of a Shared Subscription.
        this.#isTooLargeForSome(topicName),
      'not authorized': () => !mayUse(session?.userName, topicName),
      'refused by client': () => wire?.facts.hasRefused === true,
      'session ended': () => true,
      'no member': () => true,
    }
    this.#check(isTrue[cause]?.() === true, () => `a message for ${clientId} was dropped without reason: ${cause}`)
  }

  /** What waits for a Shared Subscription may wait in this Session, as far as anybody can see. */
  #isFull({ waiting, subscriptions, wire }: ModelSession, size: number): boolean {
    let messages = waiting[1].length + waiting[2].length
    let bytes = size
    for (const copy of [...waiting[1], ...waiting[2]]) bytes += copy.message.size
    for (const list of this.#shared.values()) {
      for (const { message, topicFilter, session, copy } of list) {
        // What another Session held may be on its way here, because that Session ends.
        if (session !== undefined && (copy?.isFinished === true || !subscriptions.has(topicFilter))) continue
        messages++
        bytes += message.size
      }
    }
    const { maxQueuedMessages, maxQueuedMessagesConnected, maxQueuedBytes, queueFull } = this.#limits
    const most = wire?.facts.isAnswered === true ? maxQueuedMessagesConnected : maxQueuedMessages
    // Copies of the message that is on its way just now are not told of yet; of it, one dropped old message says no
    // size.
    const newest = subscriptions.size
    return messages + newest > most || bytes + newest * size > maxQueuedBytes || queueFull === 'drop-oldest'
  }

  #applyDrops(): void {
    for (const [at, count] of this.#drops) {
      const [lane, clientId] = at.split(' ', 2) as [Lane, string]
      const key = at.slice(lane.length + clientId.length + 2)
      const session = this.sessions.get(clientId)
      if (session !== undefined) this.#applyDrop(session, lane, key, count)
      // It had expired when its Session ended, and went to nobody else.
      else for (const shared of this.#openShared(key)) shared.isOptional = true
    }
    this.#drops.clear()
  }

  #applyDrop(session: ModelSession, lane: Lane, key: string, count: number): void {
    const zero = lane === 'queued' ? [] : (session.wire?.facts.zero ?? [])
    const rest = lane === 'at-once' ? [] : [...session.waiting[1], ...session.waiting[2]]
    const copies = [...zero, ...rest].filter(({ message }) => message.key === key)
    const shared = lane === 'at-once' ? [] : this.#openShared(key)
    for (const one of shared) one.isOptional = true
    const known = copies.find(({ doubt }) => doubt !== undefined)?.doubt
    if (known !== undefined) {
      known.drops += count
      known.isLoose ||= shared.length > 0
      for (const copy of copies) {
        copy.doubt = known
        known.copies.add(copy)
      }
      this.#settle(session, known)
    } else if (copies.length > count || (copies.length > 0 && shared.length > 0)) {
      const doubt: Doubt = { copies: new Set(copies), drops: count, isLoose: shared.length > 0 }
      for (const copy of copies) copy.doubt = doubt
    } else {
      for (const copy of copies) this.#forget(session, copy)
      if (copies.length < count) this.#notResent(session, key)
    }
  }

  #openShared(key: string): SharedCopy[] {
    return (this.#shared.get(key) ?? []).filter(({ session }) => session === undefined)
  }

  /** Of copies in doubt as many are left as were dropped: those are the ones. */
  #settle(session: ModelSession, { copies, drops, isLoose }: Doubt): void {
    if (isLoose || copies.size > drops) return
    for (const copy of copies) this.#forget(session, copy)
  }

  #forget(session: ModelSession, copy: Copy): void {
    const { waiting, wire } = session
    for (const list of [waiting[1], waiting[2], wire?.facts.zero ?? []]) {
      const at = list.indexOf(copy)
      if (at >= 0) list.splice(at, 1)
    }
    this.#remember(session, copy)
  }

  /** Not one that waits to be sent: one that is too large for the present Connection. */
  #notResent(session: ModelSession, key: string): void {
    for (const copy of session.inflight.values()) {
      if (copy.message.key === key && copy.openOn !== session.wire) this.#finish(session, copy)
    }
  }

  #retainedTold({ topic: topicName, action }: BrokerEvents['retained']): void {
    if (action === 'refused') {
      this.#check(this.#isSick, () => `${topicName} was not retained for lack of room`)
      this.#notRetained.add(topicName)
    }
    if (action !== 'expired') return
    const message = this.#retained.get(topicName)
    this.#totals.retainedExpired++
    this.#check(message?.expiresAtMs === this.#side.now(), () => `${topicName} expired before or after its time`)
    this.#formerlyRetained(topicName)
    this.#retained.delete(topicName)
  }

  #publishRefused({ client, reasonCode, qos }: BrokerEvents['publishRefused']): void {
    if (reasonCode !== 0x97) return
    this.#check(this.#isSick && qos > 0, () => `${client.clientId} was refused, though the store can write`)
    this.#totals.publishesRefused++
  }

  // ---- what the broker does ----

  written(wire: Wire, packet: Packet, { length }: Uint8Array): void {
    this.#totals.packetsSent++
    this.#written.push({ wire, packet, size: length })
  }

  /**
   * Judges what was written since the last time. Never from inside the broker: what it says of it may come a moment
   * later.
   */
  #flush(): void {
    if (this.#drops.size > 0) this.#applyDrops()
    if (this.#written.length === 0) return
    const written = this.#written
    this.#written = []
    for (const { wire, packet, size } of written) if (!wire.isHostile) this.#judge(wire, packet, size)
  }

  #judge(wire: Wire, packet: Packet, size: number): void {
    const { facts } = wire
    const most = wire.connect?.properties.maximumPacketSize ?? Infinity
    this.#check(size <= most, () => `${wire.name} was sent ${size} bytes, but takes ${most}`)
    if (packet.type === PacketType.CONNACK) this.#connackWritten(wire, packet)
    else {
      this.#check(facts.isAnswered, () => `${wire.name} was sent packet type ${packet.type} before CONNACK`)
    }
    switch (packet.type) {
      case PacketType.PUBLISH:
        this.#publishWritten(wire, packet)
        return
      case PacketType.PUBACK:
      case PacketType.PUBREC:
        this.#acknowledgedByBroker(wire, packet)
        return
      case PacketType.PUBREL:
        this.#pubrelWritten(wire, packet)
        return
      case PacketType.SUBACK:
        this.#check(
          facts.subacks.get(packet.packetIdentifier)?.every((code, index) => {
            return packet.reasonCodes[index] === (code < 0x80 || wire.version === 5 ? code : REFUSED[wire.version])
          }) === true,
          () => `${wire.name}: SUBACK says ${packet.reasonCodes.join()}`,
        )
        this.#granted(facts, packet.packetIdentifier)
        return
      case PacketType.UNSUBACK:
        this.#check(
          facts.unsubacks.has(packet.packetIdentifier) &&
            (wire.version < 5 || packet.reasonCodes.length === facts.unsubacks.get(packet.packetIdentifier)!.length),
          () => `${wire.name}: UNSUBACK says ${packet.reasonCodes.join()}`,
        )
        for (const topicFilter of facts.unsubacks.get(packet.packetIdentifier) ?? []) {
          facts.session?.left.delete(topicFilter)
        }
        return
      default:
    }
  }

  #granted({ session, granted }: WireFacts, packetIdentifier: number): void {
    const { topicFilters, group } = granted.get(packetIdentifier) ?? { topicFilters: [], group: -1 }
    if (session === undefined) return
    for (const topicFilter of topicFilters) {
      if (session.subscriptions.has(topicFilter)) session.safeFilters.add(topicFilter)
    }
    for (const copy of [...session.waiting[1], ...session.waiting[2]]) {
      if (copy.isReplay && copy.group === group) copy.isPromised = true
    }
  }

  #connackWritten(wire: Wire, { reasonCode, sessionPresent }: ConnackPacket): void {
    const { facts } = wire
    this.#check(!facts.isAnswered, () => `${wire.name} was sent two CONNACK`)
    facts.isAnswered = true
    facts.answeredAtMs = this.#side.now()
    if (reasonCode !== 0) return
    if (facts.session?.wire === wire) {
      facts.session.isSafe = true
      facts.session.isWillSafe = true
    }
    this.#check(sessionPresent === (facts.sessionPresent && wire.version > 3), () => {
      return `${wire.name}: CONNACK says Session Present ${sessionPresent}`
    })
  }

  #publishWritten(wire: Wire, packet: PublishPacket): void {
    const { facts } = wire
    const { session } = facts
    if (session === undefined) return
    const topicName = resolveAlias(packet, facts.aliasesDown)
    const { topicAlias = 0 } = packet.properties
    const aliases = wire.connect!.properties.topicAliasMaximum ?? 0
    if (topicName === undefined || topicAlias > aliases) {
      this.#fail(`${wire.name} does not know Topic Alias ${topicAlias}`)
      return
    }
    this.#totals.deliveries++
    const key = keyOf(topicName, packet.payload)
    this.#check(mayUse(session.userName, topicName), () => `${wire.name} may not receive ${topicName}`)
    if (packet.qos === 0) {
      const copy = this.#take(wire, facts.zero, key, packet) ?? this.#takeShared(wire, session, key, packet)
      if (copy !== undefined) this.#checkContents(wire, copy, packet, false)
    } else if (!this.#resent(wire, session, key, packet)) this.#sentFirst(wire, session, key, packet)
  }

  #resent(wire: Wire, session: ModelSession, key: string, packet: PublishPacket): boolean {
    const { packetIdentifier, dup } = packet
    const open = session.inflight.get(packetIdentifier)
    const copy = open ?? (dup ? session.late.get(packetIdentifier) : undefined)
    if (copy === undefined || (open === undefined && copy.message.key !== key)) return false
    const what = (): string => `${wire.name}, Packet Identifier ${packetIdentifier}, ${shortOf(key)}`
    this.#check(copy.message.key === key, () => `Packet Identifier in use by ${shortOf(copy.message.key)}: ${what()}`)
    this.#check(copy.openOn !== wire, () => `sent again on the same Connection: ${what()}`)
    this.#check(dup, () => `sent again without DUP: ${what()}`)
    this.#check(!copy.hasPubrel, () => `sent again after PUBREL: ${what()}`)
    // QoS 2 may have waited for the Store while QoS 1 went on: then each keeps its own order.
    const isOneLane = this.#limits.durability === undefined
    const before = session.resend
      .slice(0, Math.max(0, session.resend.indexOf(copy)))
      .filter(({ qos }) => isOneLane || qos === copy.qos)
    this.#check(
      before.every((one) => isResent(one, wire)),
      () => `resent before its turn: ${what()}`,
    )
    if (open === undefined) {
      copy.isFinished = false
      session.inflight.set(packetIdentifier, copy)
      session.late.delete(packetIdentifier)
    }
    copy.openOn = wire
    this.#opened(wire)
    this.#checkContents(wire, copy, packet, true)
    this.#totals.resent++
    return true
  }

  #sentFirst(wire: Wire, session: ModelSession, key: string, packet: PublishPacket): void {
    const qos = packet.qos as 1 | 2
    const { packetIdentifier } = packet
    const what = (): string => `${wire.name}, Packet Identifier ${packetIdentifier}, ${shortOf(key)}`
    const copy = this.#take(wire, session.waiting[qos], key, packet) ?? this.#takeShared(wire, session, key, packet)
    if (copy === undefined) return
    const isMoved = copy.shared !== undefined || this.#mayBeResent(session, wire, copy)
    const isOneLane = this.#limits.durability === undefined
    this.#check(!packet.dup || isMoved, () => `DUP on the first sending: ${what()}`)
    this.#check(
      packet.dup || session.resend.every((one) => isResent(one, wire) || (!isOneLane && one.qos !== qos)),
      () => `sent before what is to be resent: ${what()}`,
    )
    copy.packetIdentifier = packetIdentifier
    copy.sequence = ++this.#sequence
    copy.openOn = wire
    session.inflight.set(packetIdentifier, copy)
    session.late.delete(packetIdentifier)
    if (qos === 2) session.sentOnce.set(key, (session.sentOnce.get(key) ?? 0) + 1)
    this.#opened(wire)
    this.#checkContents(wire, copy, packet, packet.dup)
  }

  /** It may have waited for the Store, or at the end of a turn, on a Connection that is gone. */
  #mayBeResent({ connections }: ModelSession, wire: Wire, copy: Copy): boolean {
    if (copy.owedTo !== undefined) return copy.owedTo !== wire
    return this.#limits.durability !== undefined && connections > copy.connections + 1
  }

  #opened(wire: Wire): void {
    const open = ++wire.facts.open
    const most = this.#quota(wire)
    this.#check(open <= most, () => `${wire.name} has ${open} PUBLISH open, but takes ${most}`)
  }

  #quota({ connect }: Wire): number {
    return Math.min(connect!.properties.receiveMaximum ?? 65_535, this.#limits.maxInflightMessages)
  }

  /** The copy that a written PUBLISH is: the first that is owed, or one of its group. */
  #take(wire: Wire, owed: Copy[], key: string, packet: PublishPacket): Copy | undefined {
    const { retain } = packet
    const identifiers = identifiersOf(packet.properties.subscriptionIdentifiers ?? [])
    const fits = (copy: Copy): boolean =>
      copy.message.key === key && copy.retain === retain && (wire.version < 5 || copy.identifiers === identifiers)
    // A replay of retained messages waits for room, and what is published meanwhile passes it.
    const isInOrder = ({ doubt, isReplay }: Copy): boolean => doubt === undefined && !isReplay
    const first = owed.find(isInOrder) ?? owed[0]
    const found: number[] = []
    for (const [at, copy] of owed.entries()) {
      if (isInOrder(copy) && copy.group !== first!.group) break
      if (fits(copy)) found.push(at)
    }
    // Of messages that look the same, the earlier may have expired.
    const isSure = (at: number): boolean => owed[at]!.doubt === undefined
    const isFresh = (at: number): boolean => packet.dup || this.#mayGo(owed[at]!.message)
    const likely =
      found.find((at) => isSure(at) && isFresh(at)) ?? found.find(isFresh) ?? found.find(isSure) ?? found[0]
    if (likely !== undefined) return this.#taken(wire, owed, likely)
    if (this.#isOwedToShared(key)) return undefined
    const at = owed.findIndex(fits)
    if (at < 0) return undefined
    this.#fail(`${wire.name} was sent ${shortOf(key)} before ${shortOf(first!.message.key)}: lost, or out of order`)
    return this.#taken(wire, owed, at)
  }

  #taken({ facts }: Wire, owed: Copy[], at: number): Copy {
    const copy = owed.splice(at, 1)[0]!
    copy.doubt?.copies.delete(copy)
    if (copy.doubt !== undefined) this.#settle(facts.session!, copy.doubt)
    return copy
  }

  #isOwedToShared(key: string): boolean {
    return this.#shared.get(key)?.some(({ session }) => session === undefined) === true
  }

  #takeShared(wire: Wire, session: ModelSession, key: string, packet: PublishPacket): Copy | undefined {
    const list = this.#shared.get(key) ?? []
    const memberships = session.membershipsSince(list.at(-1)?.message.receivedAtMs ?? 0)
    const shared = this.#freeFor(memberships, packet, list, new Set())
    if (shared === undefined) {
      const second = list.find((one) => one.session !== undefined && session.subscriptions.has(one.topicFilter))
      this.#fail(
        second === undefined
          ? `${wire.name} was sent ${shortOf(key)} at QoS ${packet.qos}, RETAIN ${packet.retain}, which it is not owed; ${owed(session)}`
          : `${wire.name} was sent ${shortOf(key)} too, which ${second.session?.clientId} has for ${second.topicFilter}`,
      )
      return undefined
    }
    const { topicFilter } = shared
    const identifiers = (session.subscriptions.get(topicFilter) ?? session.left.get(topicFilter))?.identifiers
    const copy = { ...makeCopy(shared.message, packet.qos, packet.retain, identifiers ?? [], 0), shared, memberships }
    shared.session = session
    shared.copy = copy
    return copy
  }

  /**
   * A Shared Subscription for which a member of these can have got the message. Nobody can see for which one it was, so
   * that others who may have got it for another one as well make room.
   */
  #freeFor(
    memberships: ReadonlyMap<string, QoS>,
    { qos, dup }: Pick<PublishPacket, 'qos' | 'dup'>,
    list: readonly SharedCopy[],
    seen: Set<SharedCopy>,
  ): SharedCopy | undefined {
    const now = this.#side.now()
    const mine = list.filter(({ topicFilter, isForbidden, message }) => {
      // QoS 0 goes at once or never, also where the next message looks the same. What is sent again may have expired
      // since.
      const isFresh = message.receivedAtMs === now || (message.qos > 0 && (dup || this.#mayGo(message)))
      return isFresh && !isForbidden && memberships.has(topicFilter)
    })
    // First what nobody has: who has left may well have acknowledged in time.
    const free = [
      ...mine.filter(({ session }) => session === undefined).toReversed(),
      ...mine.filter((one) => this.#hasLeft(one)).toReversed(),
    ]
    const isAtQos = ({ topicFilter, message }: SharedCopy): boolean =>
      Math.min(memberships.get(topicFilter)!, message.qos) === qos
    const first = free.find(isAtQos) ?? free[0]
    if (first !== undefined) return first
    for (const taken of mine) {
      if (seen.has(taken)) continue
      seen.add(taken)
      const other = this.#freeFor(taken.copy!.memberships!, { qos: taken.copy!.qos, dup: true }, list, seen)
      if (other === undefined) continue
      other.session = taken.session
      other.copy = taken.copy
      return taken
    }
    return undefined
  }

  /** The PUBACK may have come too late: where its Session ended, others get the message again. */
  #hasLeft({ session, copy }: SharedCopy): boolean {
    return copy?.qos === 1 && this.sessions.get(session!.clientId) !== session
  }

  /** Since when it may have been on its way, waiting for the Store. */
  #sinceMs({ receivedAtMs }: Message): number {
    return Math.min(this.#side.now(), Math.max(this.#quietAtMs, receivedAtMs))
  }

  /** Whether it had not expired when it was last looked at. */
  #mayGo(message: Message): boolean {
    const sinceMs = this.#sinceMs(message)
    return sinceMs < message.expiresAtMs || sinceMs === message.receivedAtMs
  }

  #checkContents(wire: Wire, { message }: Copy, packet: PublishPacket, isResent: boolean): void {
    const now = this.#side.now()
    this.#check(isResent || this.#mayGo(message), () => {
      return `${wire.name} was sent ${shortOf(message.key)}, which had expired`
    })
    if (wire.version < 5) return
    const { properties } = packet
    this.#check(travellingOf(properties) === message.travelling, () => {
      return `${wire.name}: the properties of ${shortOf(message.key)} have changed to ${travellingOf(properties)}`
    })
    const interval = message.properties.messageExpiryInterval
    const leftAt = (atMs: number): number => Math.max(0, interval! - Math.floor((atMs - message.receivedAtMs) / 1000))
    const told = properties.messageExpiryInterval
    const isRight =
      interval === undefined
        ? told === undefined
        : told !== undefined && told >= leftAt(now) && told <= leftAt(this.#sinceMs(message))
    this.#check(isRight, () => {
      return `${wire.name}: ${shortOf(message.key)} says it has ${told} s left, not ${interval && leftAt(now)}`
    })
  }

  #acknowledgedByBroker(wire: Wire, { type, packetIdentifier, reasonCode }: AcknowledgementPacket): void {
    const sending = wire.facts.sendings.get(packetIdentifier)
    const what = (): string => `${wire.name}, packet type ${type}, Packet Identifier ${packetIdentifier}`
    if (sending === undefined) {
      this.#fail(`an acknowledgement for nothing: ${what()}`)
      return
    }
    this.#totals.acknowledged++
    const { isAllowed, published, qos } = sending
    this.#check((type === PacketType.PUBACK) === (qos === 1), () => `the wrong acknowledgement: ${what()}`)
    if (reasonCode === 0x97 && published === 0) {
      this.#check(this.#limits.durability !== undefined, () => `refused for want of a store: ${what()}`)
    } else if (isAllowed) {
      sending.isAcked = true
      if (sending.message !== undefined) sending.message.isAcked = true
      this.#check(reasonCode < 0x80, () => `refused with ${reasonCode}: ${what()}`)
      this.#check(published > 0, () => `acknowledged, but not taken over: ${what()}`)
    } else {
      this.#check(wire.version < 5 || reasonCode === 0x87, () => `answered ${reasonCode} instead of 0x87: ${what()}`)
      this.#check(published === 0, () => `taken over without permission: ${what()}`)
    }
  }

  #pubrelWritten(wire: Wire, { packetIdentifier, reasonCode }: AcknowledgementPacket): void {
    const { session } = wire.facts
    if (session === undefined || reasonCode >= 0x80) return
    const copy = session.inflight.get(packetIdentifier) ?? session.late.get(packetIdentifier)
    if (copy === undefined || !copy.hasPubrec) {
      this.#fail(`${wire.name} was sent PUBREL for Packet Identifier ${packetIdentifier} without PUBREC`)
      return
    }
    copy.hasPubrel = true
    copy.releasedOn = wire
  }

  // ---- at every instant ----

  /**
   * Everything that was possible at this instant has happened.
   *
   * @param isQuiet nothing waits for the disk: what is owed now has to be there, and what is to be stored is
   */
  endOfInstant(isQuiet: boolean): void {
    this.#flush()
    if (isQuiet && !this.#isSick) this.#quiet()
    if (this.#isAnyoneCrowded()) this.#crowdedAtMs = this.#side.now()
    const [will] = this.#crowdedAtMs === this.#side.now() ? [] : this.#owedWills
    this.#check(will === undefined, () => `the Will of ${will!.clientId} was not sent when its Session ended`)
  }

  /**
   * Whether the queue of a connected Client is half full, as far as anybody can see: Wills that are due may wait for
   * it.
   */
  #isAnyoneCrowded(): boolean {
    const { maxQueuedMessagesConnected, maxQueuedBytes } = this.#limits
    return [...this.sessions.values()].some(({ waiting, wire }) => {
      if (wire === undefined) return false
      const all = [...waiting[1], ...waiting[2]]
      const bytes = all.reduce((sum, { message }) => sum + message.size, 0)
      return all.length * 2 >= maxQueuedMessagesConnected || bytes * 2 >= maxQueuedBytes
    })
  }

  #quiet(): void {
    for (const session of this.#touched) {
      this.#checkFlow(session)
      session.left.clear()
      session.recent = []
      session.isSafe = true
      session.isWillSafe = true
      for (const topicFilter of session.subscriptions.keys()) session.safeFilters.add(topicFilter)
    }
    this.#touched.clear()
    this.#ended = []
    this.#formerRetained.clear()
    this.#formerWills.clear()
    this.#quietGroup = this.#groups
    this.#quietAtMs = this.#side.now()
  }

  /** Who can take something gets it at once, whatever others do. */
  #checkFlow(session: ModelSession): void {
    const { wire } = session
    if (wire === undefined) return
    const { link, facts } = wire
    if (!facts.isAnswered || link.isOver || link.isPaused || link.unsentBytes > 0) return
    const isOwed = (copy: Copy): boolean => copy.doubt === undefined && this.#isDue(session, copy)
    const zero = facts.zero.find(isOwed)
    this.#check(zero === undefined, () => `${wire.name} was not sent ${shortOf(zero!.message.key)} at QoS 0`)
    if (facts.open >= this.#quota(wire)) return
    const owed =
      session.resend.find((one) => !isResent(one, wire)) ??
      session.waiting[1].find(isOwed) ??
      session.waiting[2].find(isOwed)
    this.#check(owed === undefined, () => `${wire.name} is kept waiting for ${shortOf(owed!.message.key)}`)
  }

  /**
   * Whether nothing excuses that a copy is still to come: a replay waits while other messages of its Session wait,
   * skips what is no longer retained or subscribed to, and at QoS 0 ends with its Connection.
   */
  #isDue(session: ModelSession, { isReplay, message, qos, owedTo }: Copy): boolean {
    if (!isReplay) return true
    const { wire, waiting, subscriptions } = session
    if (this.#retained.get(message.topicName) !== message) return false
    if (qos === 0 && owedTo !== wire) return false
    if (qos === 0 && (waiting[1].length + waiting[2].length > 0 || this.#mayHoldShared(session))) return false
    return [...subscriptions.keys()].some((topicFilter) => matches(topicFilter, message.topicName))
  }

  /** Whether a message of a Shared Subscription may wait in that Session: which member has it cannot be seen. */
  #mayHoldShared({ subscriptions }: ModelSession): boolean {
    for (const list of this.#shared.values()) {
      if (list.some(({ session, topicFilter }) => session === undefined && subscriptions.has(topicFilter))) return true
    }
    return false
  }

  /** What is looked at once a second. */
  sweep(): void {
    const now = this.#side.now()
    for (const session of this.sessions.values()) {
      if (!this.#isRegular(session.clientId)) continue
      const { wire, will, clientId } = session
      const mayBeLate = will !== undefined && this.#crowdedAtMs >= will.dueAtMs
      this.#check(
        will === undefined || will.dueAtMs >= now || mayBeLate,
        () => `the Will of ${clientId} was not sent in time`,
      )
      this.#check(session.expiresAtMs >= now, () => `the Session of ${clientId} did not expire in time`)
      if (wire === undefined) continue
      const { keepAlive } = wire.connect!
      // Nothing is read before CONNACK, which may wait for the Store, nor while its sender has to wait.
      const { lastPacketAtMs, lastPartAtMs, readsAgainAtMs } = wire
      const since = Math.max(lastPacketAtMs, lastPartAtMs, wire.facts.answeredAtMs, readsAgainAtMs)
      const deadline = since + keepAlive * 1500
      this.#check(keepAlive === 0 || deadline >= now || wire.link.isPaused, () => {
        return `${clientId} has been silent since ${since}, with a Keep Alive of ${keepAlive} s`
      })
    }
    for (const message of this.#retained.values()) {
      this.#check(message.expiresAtMs >= now, () => `${message.topicName} is retained beyond its time`)
    }
  }

  /** The broker's own view of its limits. */
  audit(broker: Broker): void {
    const { maxQueuedMessagesConnected, maxQueuedBytes, maxSessions, maxSessionsPerUser } = this.#limits
    for (const { clientId, queuedMessages, queuedBytes } of sessionsOf(broker)) {
      this.#check(queuedMessages <= maxQueuedMessagesConnected, () => `${clientId} queues ${queuedMessages} messages`)
      this.#check(queuedBytes <= maxQueuedBytes, () => `${clientId} queues ${queuedBytes} bytes`)
    }
    const kept = this.#keptSessions()
    const own = Math.max(...USERS.map((name) => kept.filter(({ userName }) => userName === name).length))
    // Those that a start gives back leave two by two as others come.
    if (kept.length <= maxSessions) this.#mostKept = maxSessions
    if (own <= maxSessionsPerUser) this.#mostOwn = maxSessionsPerUser
    this.#check(kept.length <= this.#mostKept, () => `${kept.length} Sessions are kept, ${maxSessions} may`)
    this.#check(own <= this.#mostOwn, () => `${own} Sessions of one user are kept, ${maxSessionsPerUser} may`)
  }

  /** The end: everybody is connected and has taken everything. */
  finish(): void {
    this.#flush()
    for (const session of this.sessions.values()) {
      if (session.wire === undefined || !this.#isRegular(session.clientId) || isAbandoned(session)) continue
      const { clientId, inflight } = session
      const owed = [...session.waiting[1], ...session.waiting[2], ...inflight.values()].find(
        (one) => one.doubt === undefined && this.#isDue(session, one),
      )
      this.#check(owed === undefined, () => `${clientId} never got ${shortOf(owed!.message.key)}`)
      for (const [key, times] of session.sentOnce) {
        this.#check(
          (session.applied.get(key) ?? 0) === times,
          () => `the program of ${clientId} never got ${shortOf(key)}`,
        )
      }
    }
    for (const [key, list] of this.#shared) {
      const lost = list.find(({ session, isOptional, isForbidden, topicFilter }) => {
        return session === undefined && !isOptional && !isForbidden && !this.#mayBeAbandoned(topicFilter)
      })
      this.#check(lost === undefined, () => `nobody of ${lost!.topicFilter} got ${shortOf(key)}`)
    }
  }

  /**
   * Whether a message of that Shared Subscription may wait for a Client that reads no more: which member has it cannot
   * be seen.
   */
  #mayBeAbandoned(topicFilter: string): boolean {
    for (const session of this.sessions.values()) {
      if (isAbandoned(session) && session.subscriptions.has(topicFilter)) return true
    }
    return false
  }
}

/**
 * Its Client came again and was refused, where `max-sessions` has no room for a Session that is kept; and the broker
 * cannot know that nobody is at the other end of a link that is silent.
 */
function isAbandoned({ wire }: ModelSession): boolean {
  return wire?.facts.isAbandoned === true
}

function isResent(copy: Copy, wire: Wire): boolean {
  return copy.isFinished || copy.openOn === wire || copy.releasedOn === wire
}

/** What a Session is owed next, for a message. */
function owed({ waiting, wire }: ModelSession): string {
  const first = [...waiting[1].slice(0, 2), ...waiting[2].slice(0, 2), ...(wire?.facts.zero.slice(0, 2) ?? [])]
  if (first.length === 0) return 'it is owed nothing'
  return `next is ${first.map(({ message, qos, retain, identifiers }) => `${shortOf(message.key)} at QoS ${qos}, RETAIN ${retain}, [${identifiers}]`).join(', ')}`
}

function resolveAlias(packet: PublishPacket, aliases: Map<number, string>): string | undefined {
  const { topicAlias } = packet.properties
  if (topicAlias === undefined) return packet.topicName
  if (packet.topicName !== '') aliases.set(topicAlias, packet.topicName)
  return aliases.get(topicAlias)
}

function travellingOf(properties: Properties): string {
  const { payloadFormatIndicator, contentType, responseTopic, correlationData, userProperties } = properties
  const correlation = correlationData && Buffer.from(correlationData).toString('hex')
  if ((payloadFormatIndicator ?? contentType ?? responseTopic ?? correlation ?? userProperties) === undefined) return ''
  return JSON.stringify([payloadFormatIndicator, contentType, responseTopic, correlation, userProperties])
}

function requestedExpiry({ protocolVersion, cleanStart, properties }: ConnectPacket): number {
  if (protocolVersion === 5) return properties.sessionExpiryInterval ?? 0
  return cleanStart ? 0 : NEVER
}

function willOf({ will, clientId }: ConnectPacket): ModelWill | undefined {
  if (will === undefined) return undefined
  const delayMs = (will.properties.willDelayInterval ?? 0) * 1000
  return { key: keyOf(will.topicName, will.payload), clientId, delayMs, dueAtMs: Infinity }
}

/** The message behind the view of an event: oracles look at its number and size, too. */
function inside(message: BrokerEvents['published']['message']): ApplicationMessage {
  return message as ApplicationMessage
}
