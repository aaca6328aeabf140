/**
 * What happens when a Session ends or leaves a Shared Subscription, or when its Client cannot get a message of one: its
 * Subscriptions are removed, and messages that other members can get are handed on. There may be very many of either,
 * so both continue in later turns.
 *
 * @module
 */
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Events } from '../reporting/events.ts'
import type { SessionEndCause } from '../access/broker-events.ts'
import type { Ledger } from './durable/ledger.ts'
import type { QueueExpiries } from './sessions/queue-expiries.ts'
import type { Replays } from '../routing/replays.ts'
import type { Router } from '../routing/router.ts'
import { Estate, Remains, type EstatePayloads, type EstateSide, type EstateSource } from '../routing/estate.ts'
import { HandedOn } from '../routing/handed-on.ts'
import { LeftShared } from '../routing/left-shared.ts'
import { SessionEnding } from './sessions/session-ending.ts'
import type { Registration, Sessions } from './sessions/sessions.ts'
import type { Turn } from '../turn/turn.ts'

/** What SessionEnds work with. */
export interface SessionEndsParts {
  readonly current: ActiveConfig
  readonly turn: Turn
  readonly events: Events
  readonly sessions: Sessions
  readonly router: Router
  readonly replays: Replays
  readonly queueExpiries: QueueExpiries
  /** Present if something is stored. */
  readonly ledger: Ledger | undefined
  readonly payloads: EstatePayloads | undefined
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
}

/** A Session that is handing messages on. */
interface Giving {
  estates: number
  /** Set once it has ended: the Store forgets it when all messages are handed on. */
  ended: Registration | undefined
}

export class SessionEnds {
  readonly #parts: SessionEndsParts
  readonly #side: EstateSide
  readonly #giving = new Map<Session, Giving>()
  /** Messages that are on their way from Sessions to other members. */
  readonly #handedOn = new Map<Session, HandedOn>()

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

  /** Ends a Session: removes its Subscriptions, and hands on what others can get. */
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
    this.#parts.events.emit('sessionEnded', { clientId: session.clientId, cause })
  }

  /**
   * Acknowledged messages stay stored: a Session is forgotten only once other members of its Shared Subscriptions have
   * their part.
   */
  #divideEstate(registration: Registration): void {
    const { session } = registration
    const { ledger } = this.#parts
    const estate = this.#give(session, new Remains(session))
    const giving = this.#giving.get(session)
    const others = (giving?.estates ?? 0) - (estate.isDivided ? 0 : 1)
    const isOwed = others > 0 || (!estate.isDivided && (session.holdsShared || estate.holdsTaken))
    if (isOwed && session.ledger !== undefined) {
      giving!.ended = registration
      ledger?.sessionOver(registration)
    } else ledger?.sessionEnded(session)
  }

  #give(session: Session, source: EstateSource, over: () => void = () => {}): Estate {
    const giving = this.#giving.get(session) ?? { estates: 0, ended: undefined }
    this.#giving.set(session, giving)
    giving.estates++
    const estate = new Estate(session, source, this.#side, (isDivided) => {
      over()
      giving.estates--
      if (giving.estates === 0) this.#giving.delete(session)
      // After a mistake of the broker, the next start hands on the rest.
      if (!isDivided) giving.ended = undefined
      else if (giving.estates === 0 && giving.ended !== undefined) this.#parts.ledger?.sessionForgotten(giving.ended)
    })
    estate.begin()
    return estate
  }

  /** A Session that continues has left these Shared Subscriptions. */
  left(session: Session, topicFilters: ReadonlySet<string>): void {
    this.#give(session, new LeftShared(session, topicFilters, this.#side.work))
  }

  /** A delivery for a Shared Subscription cannot go to that Session: it goes to another member, or is dropped. */
  handsOn(session: Session, delivery: Delivery, cause: DropCause): void {
    const waiting = this.#handedOn.get(session)
    if (waiting?.cause === cause) {
      waiting.add(delivery)
      return
    }
    const source = new HandedOn(session, cause)
    source.add(delivery)
    this.#handedOn.set(session, source)
    this.#give(session, source, () => {
      if (this.#handedOn.get(session) === source) this.#handedOn.delete(session)
    })
  }
}
