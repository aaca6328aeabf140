/**
 * All Sessions by Client Identifier, each with its Connection, its Will, and the time when it ends.
 *
 *   connected ──Connection ends──> away ──Session Expiry──> ended
 *       ^                           │  Will Delay ──> Will
 *       └───────CONNECT, Clean Start 0
 *
 * The Will is sent at Will Delay or Session end, whichever is first, unless a DISCONNECT 0x00 or a resumed Session has
 * removed it [5.0 MQTT-3.1.2-8] [5.0 MQTT-3.1.3-9].
 *
 * @module
 */
import { LinkedList, type Linked } from '../../base/linked-list.ts'
import { WideMap } from '../../base/wide-map.ts'
import type { WillFields } from '../../codec/packets.ts'
import type { PropertyList } from '../../codec/property-list.ts'
import type { Client } from '../../protocol/client.ts'
import type { Connection } from '../../protocol/connection.ts'
import { sizeOfText } from '../../base/memory-account.ts'
import { MESSAGE_BYTES } from '../../protocol/memory-sizes.ts'
import type { Session } from '../../protocol/session.ts'
import { networkOf } from '../../access/address.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { SessionEndCause } from '../../access/broker-events.ts'
import type { Turn } from '../../turn/turn.ts'
import type { Expiring } from '../../base/timer-wheel.ts'

/** A Session Expiry Interval that never ends. */
export const NEVER_EXPIRES = 0xffff_ffff

/** A Will with its Client. */
export interface Will {
  readonly fields: Omit<WillFields, 'properties'> & { readonly properties: PropertyList }
  readonly client: Client
  /** In seconds. */
  readonly delayInterval: number
}

/** The memory that a Will takes. */
export function sizeOfWill({ topicName, payload, properties }: Will['fields']): number {
  return MESSAGE_BYTES + sizeOfText(topicName) + payload.length + properties.size
}

/** What the registry reports to the broker. */
export interface SessionsSide {
  /**
   * A Session has ended: its Subscriptions have to be removed, and messages that other members of a Shared Subscription
   * can get are handed on.
   */
  sessionEnded(registration: Registration, cause: SessionEndCause): void
  /**
   * @param settled called once it was sent or refused
   * @returns whether it was settled at once; if not, a plugin has not decided yet
   */
  publishWill(will: Will, settled: () => void): boolean
  /** Whether that Will has to wait for subscribers: `sendWill` follows. */
  willMustWait(registration: Registration): boolean
  /** A Will no longer waits. */
  willLeft(registration: Registration): void
  /** The facts of a Session, or the time at which it or its Will is due, have changed. */
  changed(registration: Registration): void
  /** Its Will was set or removed, or its due time was set. */
  willChanged(registration: Registration): void
  /** Its Will is due, and a plugin has not decided about it. @returns the number for `willDecided` */
  willUndecided(registration: Registration, will: Will): number
  willDecided(undecided: number): void
}

/** One Session with its Connection, its Will and its deadlines. */
export class Registration implements Expiring, Linked<Registration> {
  deadlineMs = 0
  wheelIndex = -1
  previous: Registration | undefined = undefined
  next: Registration | undefined = undefined
  /** Whether it has no Connection and waits in the list of the holder that it had when the Connection ended, if any. */
  isAway = false
  awayOf: Holder | undefined = undefined
  readonly session: Session
  connection: Connection | undefined = undefined
  /** The Client of the present or latest Connection. */
  client: Client
  #will: Will | undefined = undefined
  /** When its Will is due, in monotonic milliseconds; `undefined` if it is not. */
  willDueAtMs: number | undefined = undefined
  /** Whether its Will is due and waits for subscribers. */
  isWillWaiting = false
  expiresAtMs: number | undefined = undefined
  /** The holder for which it is counted; `undefined` if it ends with its Connection. */
  holder: Holder | undefined = undefined
  readonly #registry: Sessions

  constructor(session: Session, client: Client, registry: Sessions) {
    this.session = session
    this.client = client
    this.#registry = registry
  }

  get will(): Will | undefined {
    return this.#will
  }

  /** Sets the Will, with which the Session's account is charged. */
  set will(will: Will | undefined) {
    const before = this.#will === undefined ? 0 : sizeOfWill(this.#will.fields)
    this.session.memory.add((will === undefined ? 0 : sizeOfWill(will.fields)) - before)
    this.#will = will
  }

  expire(nowMs: number): void {
    this.#registry.due(this, nowMs)
  }
}

function isDue(deadlineMs: number | undefined, nowMs: number): boolean {
  return deadlineMs !== undefined && nowMs >= deadlineMs
}

function isSame(one: Client, other: Client): boolean {
  return (
    one.userName === other.userName &&
    one.listener === other.listener &&
    one.address === other.address &&
    one.protocolVersion === other.protocolVersion &&
    one.bridge === other.bridge
  )
}

export interface SessionsLimits {
  /** The most Sessions that outlive their Connections; 0 sets no limit. */
  readonly maxSessions: number
  /** The same of one holder: a User Name, or an address for anonymous Clients; 0 sets no limit. */
  readonly maxSessionsPerUser: number
  /** Bits of an IPv6 address that distinguish holders. */
  readonly ipv6PrefixLength: number
}

/** The owner of Sessions that outlive their Connections. */
interface Holder {
  readonly name: string
  kept: number
  /** Its Sessions without a Connection, the longest absent first. */
  readonly away: LinkedList<Registration>
}

export class Sessions {
  limits: SessionsLimits
  readonly #byClientId = new WideMap<Registration>()
  readonly #holders = new WideMap<Holder>()
  /** The number of Sessions without a Connection. */
  #away = 0
  /** The number of Sessions that outlive their Connections. */
  #kept = 0
  readonly #turn: Turn
  readonly #metrics: Metrics
  readonly #side: SessionsSide

  constructor(limits: SessionsLimits, turn: Turn, metrics: Metrics, side: SessionsSide) {
    this.limits = limits
    this.#turn = turn
    this.#metrics = metrics
    this.#side = side
  }

  get count(): number {
    return this.#byClientId.size
  }

  get awayCount(): number {
    return this.#away
  }

  get(clientId: string): Registration | undefined {
    return this.#byClientId.get(clientId)
  }

  /** All Sessions, in no particular order. Sessions may come and go meanwhile; each that stays is returned once. */
  all(): Iterable<Registration> {
    return this.#byClientId.values()
  }

  /**
   * Some of the Client Identifiers that follow `after` in an order of their own; none only at the end.
   *
   * @param after `undefined` for the first ones
   * @param looked called with the number of identifiers examined
   */
  idsAfter(after: string | undefined, most: number, looked: (count: number) => void): string[] {
    return this.#byClientId.keysAfter(after, (size) => (looked(size), most))
  }

  /** Adds a new Session, connected. */
  add(session: Session, client: Client, connection: Connection | undefined): Registration {
    const registration = new Registration(session, client, this)
    registration.connection = connection
    // If a Store returned two, the older one had ended, and only hands over its messages.
    const other = this.#byClientId.get(session.clientId)?.session
    const isOver = other !== undefined && session.sessionNumber > 0 && session.sessionNumber < other.sessionNumber
    if (!isOver) this.#byClientId.set(session.clientId, registration)
    this.#metrics.sessionsCreated++
    return registration
  }

  /**
   * Restores a Session that a Store returned at start, without its Client.
   *
   * @param expiresAtMs monotonic milliseconds; `undefined` if it was connected when the Server stopped: the wait begins
   *   now
   * @param willDueAtMs the same for its Will
   */
  restore(registration: Registration, expiresAtMs: number | undefined, willDueAtMs: number | undefined): void {
    const { sessionExpiryInterval } = registration.session
    this.settle(registration)
    this.startWaiting(registration, sessionExpiryInterval, registration.will?.delayInterval ?? 0, false)
    if (expiresAtMs !== undefined && sessionExpiryInterval !== NEVER_EXPIRES) registration.expiresAtMs = expiresAtMs
    if (willDueAtMs !== undefined && registration.will !== undefined) registration.willDueAtMs = willDueAtMs
    this.#arm(registration)
  }

  /** A Client is back: its Session continues, and a Will that is not due yet is not sent. */
  resume(registration: Registration, client: Client, connection: Connection): void {
    this.#leaveAway(registration)
    // Messages that wait were judged for the earlier Client; another user or another listener may have other rights.
    if (!isSame(registration.client, client)) registration.session.doubtRights()
    // It was due before its Client came.
    if (registration.isWillWaiting) this.sendWill(registration)
    registration.client = client
    registration.connection = connection
    this.#dropWill(registration) // [5.0 MQTT-3.1.3-9]
    registration.willDueAtMs = undefined
    registration.expiresAtMs = undefined
    this.#turn.arm(registration, Infinity)
  }

  /**
   * Called when a Connection has ended.
   *
   * @param keepsWill false after a DISCONNECT that removes the Will
   */
  disconnected(registration: Registration, keepsWill: boolean): void {
    const { session } = registration
    registration.connection = undefined
    if (!keepsWill) this.#dropWill(registration) // [5.0 MQTT-3.14.4-3] [3.1.1 MQTT-3.14.4-3]
    if (session.sessionExpiryInterval === 0) {
      this.end(registration, 'connection ended')
      return
    }
    this.startWaiting(registration, session.sessionExpiryInterval, registration.will?.delayInterval ?? 0)
    this.#side.changed(registration)
    if (registration.will !== undefined) this.#side.willChanged(registration)
  }

  /** Starts the time in which a Session waits for its Client; both in seconds. */
  startWaiting(registration: Registration, expirySeconds: number, willSeconds: number, sendsWill = true): void {
    const now = this.#turn.now()
    registration.expiresAtMs = expirySeconds === NEVER_EXPIRES ? undefined : now + expirySeconds * 1000
    registration.willDueAtMs = registration.will === undefined ? undefined : now + willSeconds * 1000
    this.#enterAway(registration)
    if (sendsWill && isDue(registration.willDueAtMs, now)) this.#publishWill(registration)
    this.#arm(registration)
  }

  #arm(registration: Registration): void {
    const { expiresAtMs = Infinity, willDueAtMs = Infinity, isWillWaiting } = registration
    this.#turn.arm(registration, isWillWaiting ? expiresAtMs : Math.min(expiresAtMs, willDueAtMs))
  }

  /** Called at a deadline of that Session. */
  due(registration: Registration, nowMs: number): void {
    if (isDue(registration.expiresAtMs, nowMs)) {
      this.#metrics.sessionsExpired++
      this.end(registration, 'expired')
      return
    }
    if (isDue(registration.willDueAtMs, nowMs)) this.#publishWill(registration)
    this.#arm(registration)
  }

  #publishWill(registration: Registration): void {
    if (registration.will === undefined || !this.#side.willMustWait(registration)) {
      this.sendWill(registration)
      return
    }
    registration.isWillWaiting = true
    // The Store has removed it with its Session.
    if (registration.session.isEnded) this.#side.willChanged(registration)
  }

  /** Sends a Will that is due and need not wait. */
  sendWill(registration: Registration): void {
    if (registration.isWillWaiting) this.#side.willLeft(registration)
    registration.isWillWaiting = false
    const { will } = registration
    registration.will = undefined // [5.0 MQTT-3.1.2-10]
    registration.willDueAtMs = undefined
    if (will === undefined) return
    let undecided = 0
    const isSettled = this.#side.publishWill(will, () =>
      undecided === 0 ? this.#side.willChanged(registration) : this.#side.willDecided(undecided),
    )
    if (!isSettled) undecided = this.#side.willUndecided(registration, will)
  }

  #dropWill(registration: Registration): void {
    if (registration.will === undefined) return
    registration.will = undefined
    this.#side.willChanged(registration)
  }

  /** Ends a Session. Its Will, if it still has one, is sent now, whatever its delay (U-3.1.3.2.2-1). */
  end(registration: Registration, cause: SessionEndCause): void {
    this.#leaveAway(registration)
    this.#discount(registration)
    this.#turn.arm(registration, Infinity)
    const { clientId } = registration.session
    if (this.#byClientId.get(clientId) === registration) this.#byClientId.delete(clientId)
    this.#side.sessionEnded(registration, cause)
    this.#publishWill(registration)
  }

  #enterAway(registration: Registration): void {
    if (registration.isAway) return
    this.#away++
    registration.isAway = true
    registration.awayOf = registration.holder
    registration.awayOf?.away.push(registration)
  }

  #leaveAway(registration: Registration): void {
    if (!registration.isAway) return
    this.#away--
    registration.isAway = false
    registration.awayOf?.away.remove(registration)
    registration.awayOf = undefined
  }

  // ---- whose they are ----

  /** Counts a Session for the holder that its user, its address and its Session Expiry Interval now give. */
  settle(registration: Registration): void {
    const { session, client } = registration
    const name = session.sessionExpiryInterval === 0 ? undefined : this.#holderOf(session.userName, client.address)
    if (registration.holder?.name === name) return
    this.#discount(registration)
    if (name === undefined) return
    const holder = this.#holders.get(name) ?? { name, kept: 0, away: new LinkedList<Registration>() }
    this.#holders.set(name, holder)
    holder.kept++
    this.#kept++
    registration.holder = holder
  }

  #discount(registration: Registration): void {
    const { holder } = registration
    if (holder === undefined) return
    registration.holder = undefined
    this.#kept--
    if (--holder.kept === 0) this.#holders.delete(holder.name)
  }

  #holderOf(userName: string | undefined, address: string): string {
    return userName === undefined ? `@${networkOf(address, this.limits.ipv6PrefixLength)}` : `=${userName}`
  }

  /**
   * Makes room for a Session that outlives its Connection. If a limit is reached, the same holder's Session that has
   * been away the longest ends; another holder never gives way.
   *
   * @returns false if the holder has no such Session
   */
  makeRoomFor({ clientId, userName, address }: Client): boolean {
    const name = this.#holderOf(userName, address)
    const existing = this.#byClientId.get(clientId)
    if (existing?.holder?.name === name) return true
    let ended = 0
    // Two end for each that comes, so that a lowered limit is reached without a long turn.
    while (ended < 2 && this.#isFull(name, existing)) {
      const longest = this.#holders.get(name)?.away.first
      if (longest === undefined) break
      this.#metrics.sessionsEndedAtLimit++
      this.end(longest, 'session limit')
      ended++
    }
    if (ended > 0 || !this.#isFull(name, existing)) return true
    this.#metrics.sessionsRefusedAtLimit++
    return false
  }

  #isFull(name: string, existing: Registration | undefined): boolean {
    const { maxSessions, maxSessionsPerUser } = this.limits
    const own = this.#holders.get(name)?.kept ?? 0
    const others = existing?.holder === undefined ? this.#kept : this.#kept - 1
    return (maxSessionsPerUser > 0 && own >= maxSessionsPerUser) || (maxSessions > 0 && others >= maxSessions)
  }
}
