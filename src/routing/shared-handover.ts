/**
 * What a leaving member of a Shared Subscription held goes to the others (U-4.8.2-8), and so does what a member turns out not
 * to be able to have: it is too large for the Client that is there now, or it may not receive it any longer.
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import { unloadedCopyOf } from '../protocol/unloaded-copy.ts'
import type { Delivery, SharedOrigin } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { Sweep } from '../protocol/waiting-queue.ts'
import type { Task } from '../turn/turn.ts'
import { ReturnedOrigin, type MayHave, type SharedGroup } from './shared-group.ts'

/**
 * Where there are thousands of other members, the best of all is chosen for each message until this much work is done, and the
 * best of the next few from then on.
 */
const EXACT_UNITS = 50_000
const FEW_LOOKS = 4
/** Entries of a queue that are looked at before the budget is asked. */
const LOOKS = 64

/** What a handover works with. */
export interface HandoverSide {
  readonly work: WorkBudget
  now(): number
  /** The group as its members wrote it, `$share/Name/filter`, if it has any left. */
  group(topicFilter: string): SharedGroup | undefined
  readonly mayHave: MayHave
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
}

/** All that one member gives back, which may be very much. */
export class Handover {
  readonly #side: HandoverSide
  #exactUnits = EXACT_UNITS

  constructor(side: HandoverSide) {
    this.#side = side
  }

  /** @returns why nobody has taken it */
  give(held: ApplicationMessage, shared: SharedOrigin): DropCause | undefined {
    const { work } = this.#side
    work.spend(Work.delivery)
    if (held.isLost) return 'damaged'
    const message = renewed(held)
    if (message.isExpired(this.#side.now())) return 'expired' // [5.0 MQTT-3.3.2-5]
    const group = this.#side.group(shared.topicFilter)
    if (group === undefined) return 'no member'
    const before = work.units
    const looks = this.#exactUnits > 0 ? Infinity : FEW_LOOKS
    const cause = group.deliver(message, this.#side.mayHave, work, undefined, looks)
    this.#exactUnits -= work.units - before
    return cause
  }

  /** Whether somebody would take a message that nobody has taken, if its payload were in RAM. */
  wouldGoLoaded(message: ApplicationMessage, { topicFilter }: SharedOrigin): boolean {
    if (message.isLoaded || message.isLost) return false
    const { work, mayHave } = this.#side
    return this.#side.group(topicFilter)?.wouldTakeLoaded(message, mayHave, work) === true
  }
}

/**
 * Hands over what waits in `session` for Shared Subscriptions that it has left. Until that is done its Client may still be sent
 * some of it, as of any Subscription that it ends (§3.10.4).
 */
export class LeftShared implements Task, Sweep {
  lookedUpTo = 0
  readonly #session: Session
  readonly #topicFilters: ReadonlySet<string>
  /** What comes later is for a Subscription that was made anew. */
  readonly #lastEntryNumber: number
  readonly #side: HandoverSide
  readonly #handover: Handover

  constructor(session: Session, topicFilters: ReadonlySet<string>, side: HandoverSide) {
    this.#session = session
    this.#topicFilters = topicFilters
    this.#lastEntryNumber = session.lastEntryNumber
    this.#side = side
    this.#handover = new Handover(side)
  }

  isWanted({ shared, entryNumber }: Delivery): boolean {
    return shared !== undefined && entryNumber <= this.#lastEntryNumber && this.#topicFilters.has(shared.topicFilter)
  }

  resume(): boolean {
    const { work } = this.#side
    while (!work.isSpent) {
      work.spend(LOOKS * Work.entry)
      const { taken, isDone } = this.#session.takeShared(this, LOOKS)
      for (const delivery of taken) {
        const cause = this.#handover.give(delivery.message, delivery.shared!)
        if (cause !== undefined) this.#side.dropped(this.#session, delivery.message, cause)
      }
      if (isDone || this.lookedUpTo >= this.#lastEntryNumber) return true
    }
    return false
  }
}

/**
 * Hands one delivery on, to a member that it has not been with.
 *
 * @returns whether there was one
 */
export function handOn(session: Session, { message, shared }: Delivery, side: HandoverSide): boolean {
  const before = shared instanceof ReturnedOrigin ? shared.sessions : []
  const origin = new ReturnedOrigin(shared!.topicFilter, [...before, session])
  const group = side.group(origin.topicFilter)
  return group !== undefined && group.deliver(renewed(message), side.mayHave, side.work, origin) === undefined
}

/**
 * A message that changes hands: the one who had it may have been the last for whom the Store kept it, so that it is stored
 * anew. Whose payload is only in the store stays what it is: it goes to nobody who would let the Store forget it.
 */
function renewed(message: ApplicationMessage): ApplicationMessage {
  // Its payload may be on its way to the one who had it, who is charged for that.
  if (!message.isLoaded) return message.isLost ? message : unloadedCopyOf(message)
  if (message.messageNumber === 0) return message
  message.own()
  return ApplicationMessage.of(message)
}
