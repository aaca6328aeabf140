/**
 * A Shared Subscription: one ShareName with one Topic Filter, and the Sessions that take turns (§4.8.2).
 *
 * The choice is fair and looks ahead: the next member in turn that would send at once, else the next that is connected,
 * else the next that keeps messages while it is away. A member that leaves gives back what others can still have.
 *
 * @module
 */
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { SharedOrigin } from '../protocol/delivery.ts'
import type { Session } from '../protocol/session.ts'
import type { Subscription } from '../protocol/subscription.ts'

/** A Session's part in a Shared Subscription. */
export interface Membership extends Subscription {
  readonly subscriber: Session
}

/** Whether that member may have that message at all (a permission). */
export type MayHave = (session: Session, message: ApplicationMessage) => boolean

export class SharedGroup implements SharedOrigin {
  /** As its members wrote it: `$share/Name/filter`. */
  readonly topicFilter: string
  readonly #members: Membership[] = []
  #next = 0

  constructor(topicFilter: string) {
    this.topicFilter = topicFilter
  }

  get size(): number {
    return this.#members.length
  }

  /** Adds a member, or replaces its part: subscribing twice does not join twice (U-4.8.2-5). */
  add(membership: Membership): void {
    const at = this.#members.findIndex(({ subscriber }) => subscriber === membership.subscriber)
    if (at < 0) this.#members.push(membership)
    else this.#members[at] = membership
  }

  remove(session: Session): void {
    const at = this.#members.findIndex(({ subscriber }) => subscriber === session)
    if (at < 0) return
    this.#members.splice(at, 1)
    if (this.#next > at) this.#next--
  }

  /** Delivers to one member. @returns whether there was one that could have it */
  deliver(message: ApplicationMessage, mayHave: MayHave): boolean {
    const member = this.#choose(message, mayHave)
    if (member === undefined) return false
    member.subscriber.deliver(message, member, this)
    return true
  }

  #choose(message: ApplicationMessage, mayHave: MayHave): Membership | undefined {
    const count = this.#members.length
    let connected = -1
    let away = -1
    for (let step = 0; step < count; step++) {
      const at = (this.#next + step) % count
      const { subscriber, qos } = this.#members[at]!
      if (subscriber.isEnded || !mayHave(subscriber, message) || !canWait(this.#members[at]!, message)) continue
      if (subscriber.isReady) return this.#take(at)
      if (subscriber.connection !== undefined) connected = connected < 0 ? at : connected
      else if (qos > 0 && message.qos > 0) away = away < 0 ? at : away
    }
    const fallback = connected >= 0 ? connected : away
    return fallback < 0 ? undefined : this.#take(fallback)
  }

  #take(at: number): Membership {
    this.#next = (at + 1) % this.#members.length
    return this.#members[at]!
  }
}

/** A message from before the start, whose payload the Store has: only who keeps messages can wait for it, and keep it there. */
function canWait({ subscriber, qos }: Membership, message: ApplicationMessage): boolean {
  return message.isLoaded || (qos > 0 && subscriber.ledger !== undefined)
}
