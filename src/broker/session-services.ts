/**
 * The Server as Sessions see it: rights, payloads, and reports about what became of a message.
 *
 * Hot: `now`, `rightsVersion` and `delivered` are used for every delivery.
 *
 * @module
 */
import type { MemoryAccount } from '../base/memory-account.ts'
import type { WorkBudget } from '../base/work.ts'
import type { QoS } from '../codec/packet-types.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import { Session } from '../protocol/session.ts'
import type { SessionGauges, SessionSide } from '../protocol/session-side.ts'
import type { Subscriber } from '../protocol/subscription.ts'
import type { BackPressure } from '../turn/back-pressure.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Denials } from '../reporting/denials.ts'
import type { Events } from '../reporting/events.ts'
import type { MemoryRefusals } from '../limits/memory-refusals.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { PacketWatch } from '../reporting/packet-watch.ts'
import type { Payloads } from './durable/payloads.ts'
import { LaggingSessions } from './sessions/lagging-sessions.ts'
import type { QueueExpiries } from './sessions/queue-expiries.ts'
import type { Replays } from '../routing/replays.ts'
import type { RouterSide } from '../routing/router.ts'
import type { Sessions } from './sessions/sessions.ts'
import type { Turn } from '../turn/turn.ts'
import type { SessionEnds } from './session-ends.ts'

/** What SessionServices work with. */
export interface SessionServicesParts {
  readonly current: ActiveConfig
  readonly turn: Turn
  readonly gauges: SessionGauges
  readonly metrics: Metrics
  readonly events: Events
  readonly packets: PacketWatch
  readonly sessions: Sessions
  readonly replays: Replays
  /** Present if something is stored. */
  readonly payloads: Payloads | undefined
  readonly queueExpiries: QueueExpiries
  readonly backPressure: BackPressure
  readonly memoryRefusals: MemoryRefusals
  readonly denials: Denials
  readonly ends: SessionEnds
}

export class SessionServices implements SessionSide<Session> {
  readonly work: WorkBudget
  readonly gauges: SessionGauges
  /** For the list of slow subscribers. */
  readonly lagging: LaggingSessions = new LaggingSessions((session) => this.#isLagging(session))
  readonly #turn: Turn
  readonly #current: ActiveConfig
  readonly #metrics: Metrics
  readonly #events: Events
  readonly #parts: SessionServicesParts

  constructor(parts: SessionServicesParts) {
    this.work = parts.turn.work
    this.gauges = parts.gauges
    this.#turn = parts.turn
    this.#current = parts.current
    this.#metrics = parts.metrics
    this.#events = parts.events
    this.#parts = parts
  }

  now(): number {
    return this.#turn.now()
  }

  wantsPayloads(session: Session): void {
    this.#parts.payloads?.fetch(session)
  }

  get rightsVersion(): number {
    const { checksReceive, stable, version } = this.#current.access
    return checksReceive ? (stable ? version : NaN) : 0
  }

  mayReceive({ clientId }: Session, topicName: string): boolean {
    const client = this.#parts.sessions.get(clientId)?.client
    return client === undefined || this.#current.access.mayReceive(client, topicName)
  }

  handsOn(session: Session, delivery: Delivery, cause: DropCause): boolean {
    this.#parts.ends.handsOn(session, delivery, cause)
    return true
  }

  expires(session: Session, atMs: number): void {
    this.#parts.queueExpiries.expires(session, atMs)
  }

  parks(session: Session, bytes: number): boolean {
    return this.#parts.payloads?.parks(session, bytes, this.gauges.queuedBytes) ?? false
  }

  dropped(receiver: { readonly clientId: string }, message: ApplicationMessage, cause: DropCause): void {
    const { clientId } = receiver
    this.#metrics.dropped[cause]++
    if (receiver instanceof Session) receiver.noteDrop(message.topicName, cause)
    this.#parts.packets.tap?.dropped(clientId, message, cause)
    this.#parts.packets.spans?.dropped(clientId, message, cause)
    if (cause === 'not authorized') this.#notReceived(clientId, message)
    if (!this.#events.hasListener.dropped) return
    message.own()
    this.#events.emit('dropped', { clientId, message, cause })
  }

  #notReceived(clientId: string, { topicName }: ApplicationMessage): void {
    const client = this.#parts.sessions.get(clientId)?.client
    if (client !== undefined) this.#parts.denials.denied(client, 'receive', topicName, ReasonCode.NotAuthorized)
  }

  delivered({ clientId }: Session, message: ApplicationMessage, qos: QoS): void {
    this.#parts.packets.tap?.delivered(clientId, message, qos)
    this.#parts.packets.spans?.delivered(clientId, message, qos)
    if (!this.#events.hasListener.delivered) return
    message.own()
    this.#events.emit('delivered', { clientId, message, qos })
  }

  acknowledged({ clientId }: Session, message: ApplicationMessage): void {
    this.#parts.packets.tap?.acknowledged(clientId, message)
  }

  queued({ clientId }: Session, message: ApplicationMessage): void {
    this.#parts.packets.tap?.queued(clientId, message)
  }

  wantsFlow(session: Session): void {
    this.#turn.addTask(session, session)
  }

  hasRoom(session: Session): void {
    this.#parts.replays.hasRoom(session)
  }

  lags(session: Session): void {
    this.lagging.add(session)
  }

  #isLagging({ clientId, connection, queuedBytes }: Session): boolean {
    if (connection === undefined) return false
    return queuedBytes > 0 || (this.#parts.sessions.get(clientId)?.connection?.unsentBytes ?? 0) > 0
  }

  crowded(session: Session): void {
    this.#parts.backPressure.crowded(session)
  }

  thinned(session: Session): void {
    this.#parts.backPressure.thinned(session)
  }

  memoryRefused(account: MemoryAccount, bytes: number): void {
    this.#parts.memoryRefusals.refused(account, bytes)
  }
}

/**
 * The rights that the Router asks about: for a Session, the same as the Session itself asks about. The host program may
 * receive everything. This is a class because V8 reads getters of an object literal by a look-up for every message.
 */
class RouterRights implements RouterSide {
  readonly work: WorkBudget
  readonly #current: ActiveConfig
  readonly #services: () => SessionServices

  constructor(current: ActiveConfig, work: WorkBudget, services: () => SessionServices) {
    this.work = work
    this.#current = current
    this.#services = services
  }

  get checksReceive(): boolean {
    return this.#current.access.checksReceive
  }

  get stable(): boolean {
    return this.#current.access.stable
  }

  mayReceive(subscriber: Subscriber, topicName: string): boolean {
    return !(subscriber instanceof Session) || this.#services().mayReceive(subscriber, topicName)
  }

  dropped(receiver: { readonly clientId: string }, message: ApplicationMessage, cause: DropCause): void {
    this.#services().dropped(receiver, message, cause)
  }
}

export function routerSideOf(current: ActiveConfig, work: WorkBudget, services: () => SessionServices): RouterSide {
  return new RouterRights(current, work, services)
}
