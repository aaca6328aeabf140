/**
 * What happens when a Session ends, or leaves a Shared Subscription: its Subscriptions go, and what other members can have moves on.
 * There may be very much of either, so that both go on in later turns.
 *
 * @module
 */
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { Current } from '../config/current.ts'
import type { Events } from '../reporting/events.ts'
import type { SessionEndCause } from '../access/broker-events.ts'
import type { Ledger } from './durable/ledger.ts'
import type { QueueExpiries } from './sessions/queue-expiries.ts'
import type { Replays } from '../routing/replays.ts'
import type { Router } from '../routing/router.ts'
import { Estate, type EstatePayloads, type EstateSide } from '../routing/estate.ts'
import { handOn, LeftShared } from '../routing/shared-handover.ts'
import { SessionEnding } from './sessions/session-ending.ts'
import type { Registration, Sessions } from './sessions/sessions.ts'
import type { Turn } from '../turn/turn.ts'

/** What it works with. */
export interface SessionEndsParts {
  readonly current: Current
  readonly turn: Turn
  readonly events: Events
  readonly sessions: Sessions
  readonly router: Router
  readonly replays: Replays
  readonly queueExpiries: QueueExpiries
  /** Where the Store keeps something. */
  readonly ledger: Ledger | undefined
  readonly payloads: EstatePayloads | undefined
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
}

export class SessionEnds {
  readonly #parts: SessionEndsParts
  readonly #side: EstateSide

  constructor(parts: SessionEndsParts) {
    this.#parts = parts
    this.#side = {
      work: parts.turn.work,
      now: () => parts.turn.now(),
      group: (shared) => parts.router.group(shared),
      mayHave: (member, { topicName }) => {
        const client = parts.sessions.get(member.clientId)?.client
        return client !== undefined && parts.current.access.mayReceive(client, topicName)
      },
      dropped: (...what) => parts.dropped(...what),
      payloads: parts.payloads,
      addTask: (session, task) => parts.turn.addTask(session, task),
    }
  }

  /** A Session is over: its Subscriptions go, and what others can have moves on. */
  ended(registration: Registration, cause: SessionEndCause): void {
    const { session } = registration
    session.isEnded = true
    const ending = new SessionEnding(session, this.#parts.turn.work, (subscription) =>
      this.#parts.router.remove(subscription),
    )
    if (!ending.resume()) {
      this.#parts.router.subscriberEnded()
      this.#parts.turn.addTask(session, ending)
    }
    session.end()
    this.#parts.replays.end(session)
    this.#parts.queueExpiries.forget(session)
    this.#divideEstate(registration)
    this.#parts.events.tell('sessionEnded', { clientId: session.clientId, cause })
  }

  /** What is acknowledged stays stored: a Session is forgotten once other members of its Shared Subscriptions have their part. */
  #divideEstate(registration: Registration): void {
    const { session } = registration
    const { ledger } = this.#parts
    let isOwed = false
    const estate = new Estate(session, this.#side, () => {
      if (isOwed) ledger?.sessionForgotten(registration)
    })
    const isDivided = estate.begin()
    isOwed = !isDivided && (session.holdsShared || estate.holdsTaken) && session.ledger !== undefined
    if (isOwed) ledger?.sessionOver(registration)
    else ledger?.sessionEnded(session)
  }

  /** A Session that goes on has left these Shared Subscriptions. */
  left(session: Session, topicFilters: ReadonlySet<string>): void {
    const left = new LeftShared(session, topicFilters, this.#side)
    if (!left.resume()) this.#parts.turn.addTask(session, left)
  }

  /** What was taken for a Shared Subscription cannot go to that Session. @returns whether another member has taken it */
  handsOn(session: Session, delivery: Delivery): boolean {
    return handOn(session, delivery, this.#side)
  }
}
