/**
 * A Shared Subscription: one ShareName with one Topic Filter, and the Sessions that take turns (§4.8.2).
 *
 * The choice is fair and looks ahead: the next member in turn that would send at once, else the next that is connected
 * and has room in its queue, else the next that keeps messages while it is away. A member whose Client takes no packet
 * of that size is skipped. A member that leaves hands on what others can still get (`shared-handover.ts`).
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { SharedOrigin } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { QoS } from '../codec/packet-types.ts'
import { Readiness } from '../protocol/readiness.ts'
import type { Session } from '../protocol/session.ts'
import type { Subscription } from '../protocol/subscription.ts'

/** The membership of a Session in a Shared Subscription. */
export interface Membership extends Subscription {
  readonly subscriber: Session
}

/** Whether that member may receive that message (a permission). */
export type MayHave = (session: Session, message: ApplicationMessage) => boolean

/** With more members than this, one is found by an index instead of a search. */
const MAX_SEARCHED = 16

export class SharedGroup implements SharedOrigin {
  /** As its members wrote it: `$share/Name/filter`. */
  readonly topicFilter: string
  readonly #members: Membership[] = []
  /** The index of each member, once there are many. */
  #places: Map<Session, number> | undefined = undefined
  #next = 0

  constructor(topicFilter: string) {
    this.topicFilter = topicFilter
  }

  get size(): number {
    return this.#members.length
  }

  /** The highest QoS that a member was granted. */
  get highestQos(): QoS {
    return this.#members.reduce<QoS>((highest, { qos }) => (qos > highest ? qos : highest), 0)
  }

  /** Adds a member, or replaces its part: subscribing twice does not join twice (U-4.8.2-5). */
  add(membership: Membership): void {
    const at = this.#find(membership.subscriber)
    if (at >= 0) {
      this.#members[at] = membership
      return
    }
    this.#places?.set(membership.subscriber, this.#members.length)
    this.#members.push(membership)
    if (this.#members.length <= MAX_SEARCHED) return
    this.#places ??= new Map(this.#members.map(({ subscriber }, place) => [subscriber, place]))
  }

  #find(session: Session): number {
    if (this.#places !== undefined) return this.#places.get(session) ?? -1
    return this.#members.findIndex(({ subscriber }) => subscriber === session)
  }

  remove(session: Session): void {
    const at = this.#find(session)
    if (at < 0) return
    if (this.#places === undefined) {
      this.#members.splice(at, 1)
      if (this.#next > at) this.#next--
      return
    }
    // With many members, the last one takes the place of the one that leaves.
    this.#places.delete(session)
    const last = this.#members.pop()!
    if (last.subscriber !== session) {
      this.#members[at] = last
      this.#places.set(last.subscriber, at)
    }
    if (this.#next >= this.#members.length) this.#next = 0
    if (this.#members.length <= MAX_SEARCHED / 2) this.#places = undefined
  }

  /**
   * Delivers to one member.
   *
   * @param origin that of a message that other members could not get
   * @param looks how many members are examined, if not all
   * @returns why none can get it; `undefined` if one got it
   */
  deliver(
    message: ApplicationMessage,
    mayHave: MayHave,
    work: WorkBudget,
    origin?: ReturnedOrigin,
    looks = Infinity,
  ): DropCause | undefined {
    let best: Readiness = Readiness.None
    let bestAt = -1
    let member: Membership | undefined
    const count = this.#members.length
    let step = 0
    for (; step < count && step < looks && best < Readiness.Now; step++) {
      const at = (this.#next + step) % count
      const candidate = this.#members[at]!
      if (candidate.subscriber.isEnded || origin?.sessions.includes(candidate.subscriber) === true) continue
      const readiness = readinessOf(candidate, message)
      // Plugins are not asked about a member that would not be chosen.
      if (readiness <= best) continue
      const may = mayHave(candidate.subscriber, message)
      // If the plugin that was asked has ended Sessions, the choice is among those that are left.
      if (this.#members.length !== count || candidate.subscriber.isEnded) {
        return this.deliver(message, mayHave, work, origin, looks)
      }
      if (!may) continue
      best = readiness
      bestAt = at
      member = candidate
    }
    work.spend(step * Work.entry)
    if (member === undefined) return 'no member'
    if (best === Readiness.TooLarge) return 'packet too large'
    this.#next = (bestAt + 1) % count
    member.subscriber.deliver(message, member, origin ?? this)
    return undefined
  }

  /** Whether a member that cannot wait for a message whose payload the Store has would take it once that is in RAM. */
  wouldTakeLoaded(
    message: ApplicationMessage,
    mayHave: MayHave,
    work: WorkBudget,
    origin: ReturnedOrigin | undefined,
  ): boolean {
    work.spend(this.#members.length * Work.entry)
    return this.#members.some((member) => {
      const { subscriber } = member
      if (subscriber.isEnded || canWait(member, message) || origin?.sessions.includes(subscriber) === true) return false
      return readinessOnceLoaded(member, message) > Readiness.TooLarge && mayHave(subscriber, message)
    })
  }
}

/** The origin of a delivery that some members could not get: it goes to none of them again. */
export class ReturnedOrigin implements SharedOrigin {
  readonly topicFilter: string
  readonly sessions: readonly Session[]

  constructor(topicFilter: string, sessions: readonly Session[]) {
    this.topicFilter = topicFilter
    this.sessions = sessions
  }
}

function readinessOf(member: Membership, message: ApplicationMessage): Readiness {
  return canWait(member, message) ? readinessOnceLoaded(member, message) : Readiness.None
}

function readinessOnceLoaded(member: Membership, message: ApplicationMessage): Readiness {
  const qos = message.qos < member.qos ? message.qos : member.qos
  return member.subscriber.readinessFor(message, qos, member.subscriptionIdentifiers)
}

/**
 * Whether a member can wait for a message from before the start, whose payload is in the Store: only members that keep
 * messages can.
 */
function canWait({ subscriber, qos }: Membership, message: ApplicationMessage): boolean {
  return message.isLoaded || (qos > 0 && subscriber.ledger !== undefined)
}
