/**
 * All Sessions by Client Identifier, with what hangs on each: its Connection, its Will, and when it ends.
 *
 *   connected ──Connection ends──> away ──Session Expiry──> ended
 *       ^                           │  Will Delay ──> Will
 *       └───────CONNECT, Clean Start 0
 *
 * The Will goes out at Will Delay or Session end, whichever is first, unless a DISCONNECT 0x00 or a resumed Session took it
 * away [5.0 MQTT-3.1.2-8] [5.0 MQTT-3.1.3-9].
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

/** A Will with who it speaks for. */
export interface Will {
  readonly fields: Omit<WillFields, 'properties'> & { readonly properties: PropertyList }
  readonly client: Client
  /** Seconds. */
  readonly delayInterval: number
}

/** What a Will takes in memory. */
export function sizeOfWill({ topicName, payload, properties }: Will['fields']): number {
  return MESSAGE_BYTES + sizeOfText(topicName) + payload.length + properties.size
}

/** What the registry tells the broker. */
export interface SessionsSide {
  /** The Session is over: its Subscriptions have to go, and what others of a Shared Subscription can have moves on. */
  sessionEnded(registration: Registration, cause: SessionEndCause): void
  /**
   * @param settled called once it has gone out or was refused
   * @returns whether that is done: if not, a plugin still looks at it
   */
  publishWill(will: Will, settled: () => void): boolean
  /** Whether that Will has to wait for subscribers: `sendWill` follows. */
  willMustWait(registration: Registration): boolean
  /** It waits no more. */
  willLeft(registration: Registration): void
  /** The Session's own facts, or the time at which it or its Will is due, changed. */
  changed(registration: Registration): void
  /** Its Will was set, took a due time, or is gone. */
  willChanged(registration: Registration): void
  /** Its Will is due, and a plugin looks at it. @returns what `willDecided` takes */
  willUndecided(registration: Registration, will: Will): number
  willDecided(undecided: number): void
}

/** One Session and what hangs on it. */
export class Registration implements Expiring, Linked<Registration> {
  deadlineMs = 0
  wheelIndex = -1
  previous: Registration | undefined = undefined
  next: Registration | undefined = undefined
  /** It has no Connection, and waits in the list of the holder that it had when that ended, if any. */
  isAway = false
  awayOf: Holder | undefined = undefined
  readonly session: Session
  connection: Connection | undefined = undefined
  /** The Client of the present or latest Connection. */
  client: Client
  #will: Will | undefined = undefined
  /** Monotonic milliseconds; `undefined` while not due. */
  willDueAtMs: number | undefined = undefined
  /** Its Will is due, and waits for subscribers. */
  isWillWaiting = false
  expiresAtMs: number | undefined = undefined
  /** Whom it is counted for; `undefined` for one that ends with its Connection. */
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

  /** The Session's account is charged with it. */
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
  /** Sessions that outlive their Connections, in all; 0 sets no limit. */
  readonly maxSessions: number
  /** The same of one holder: a User Name, or an address for anonymous Clients; 0 sets no limit. */
  readonly maxSessionsPerUser: number
  /** Bits of an IPv6 address that tell one holder from another. */
  readonly ipv6PrefixLength: number
}

/** Whoever has Sessions that outlive their Connections. */
interface Holder {
  readonly name: string
  kept: number
  /** Those without a Connection, the longest absent first. */
  readonly away: LinkedList<Registration>
}

export class Sessions {
  limits: SessionsLimits
  readonly #byClientId = new WideMap<Registration>()
  readonly #holders = new WideMap<Holder>()
  /** Sessions without a Connection. */
  #away = 0
  /** Sessions that outlive their Connections. */
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

  /** In no particular order. They may come and go meanwhile: those that stay come once. */
  all(): Iterable<Registration> {
    return this.#byClientId.values()
  }

  /**
   * Client Identifiers that come after `after` in an order of their own: some of the next, and none only at the end.
   *
   * @param after `undefined` for the first of all
   * @param looked is called with how many were looked at
   */
  idsAfter(after: string | undefined, most: number, looked: (count: number) => void): string[] {
    return this.#byClientId.keysAfter(after, (size) => (looked(size), most))
  }

  /** Adds a new Session, connected. */
  add(session: Session, client: Client, connection: Connection | undefined): Registration {
    const registration = new Registration(session, client, this)
    registration.connection = connection
    // Of two that a Store gave, the older one had ended, and only hands over what it holds.
    const other = this.#byClientId.get(session.clientId)?.session
    const isOver = other !== undefined && session.sessionNumber > 0 && session.sessionNumber < other.sessionNumber
    if (!isOver) this.#byClientId.set(session.clientId, registration)
    this.#metrics.sessionsCreated++
    return registration
  }

  /**
   * Puts back a Session that a Store gave at start, without its Client.
   *
   * @param expiresAtMs monotonic milliseconds; `undefined` where it was connected when the Server stopped: the wait begins now
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

  /** A Client is back: its Session goes on and a Will that was still due is not sent. */
  resume(registration: Registration, client: Client, connection: Connection): void {
    this.#leaveAway(registration)
    // What waits was judged for the Client that it was; another name or another way in may have other rights.
    if (!isSame(registration.client, client)) registration.session.doubtRights()
    // Its time had come before its Client did.
    if (registration.isWillWaiting) this.sendWill(registration)
    registration.client = client
    registration.connection = connection
    this.#dropWill(registration) // [5.0 MQTT-3.1.3-9]
    registration.willDueAtMs = undefined
    registration.expiresAtMs = undefined
    this.#turn.arm(registration, Infinity)
  }

  /**
   * A Connection is over.
   *
   * @param keepsWill false after a DISCONNECT that takes the Will away
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

  /** Begins the time in which a Session waits for its Client; both in seconds. */
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

  /** A deadline of that Session has come. */
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
    // The Store has forgotten it with its Session.
    if (registration.session.isEnded) this.#side.willChanged(registration)
  }

  /** Its time has come, and nothing is in its way. */
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

  /** Ends a Session: its Will, if it still has one, goes out now, whatever its delay (U-3.1.3.2.2-1). */
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

  /** Its user, its address and its Session Expiry Interval are what they are now: from now on it counts for that holder. */
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
   * Makes room for a Session that outlives its Connection. Its holder gives way, never another one: where a limit is reached,
   * the holder's Session that has been away the longest ends.
   *
   * @returns false where the holder has none to give
   */
  makeRoomFor({ clientId, userName, address }: Client): boolean {
    const name = this.#holderOf(userName, address)
    const existing = this.#byClientId.get(clientId)
    if (existing?.holder?.name === name) return true
    let ended = 0
    // Two for one that comes, so that a lowered limit, too, is reached without a long turn.
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
