/**
 * Messages that wait in a Session for Shared Subscriptions that it has left. Until they are handed over, its Client may
 * still be sent some of them, as with any Subscription that it ends (§3.10.4).
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import type { Sweep } from '../protocol/waiting-queue.ts'
import type { EstateSource } from './estate.ts'

/** Entries of a queue that are examined between two checks of the budget. */
const LOOKS = 64

export class LeftShared implements EstateSource, Sweep {
  lookedUpTo = 0
  readonly #session: Session
  readonly #topicFilters: ReadonlySet<string>
  /** Later entries belong to a Subscription that was made anew. */
  readonly #lastEntryNumber: number
  readonly #work: WorkBudget
  /** Deliveries that were found and not handed on yet, in reverse order. */
  #found: Delivery[] = []
  #isSearched = false

  constructor(session: Session, topicFilters: ReadonlySet<string>, work: WorkBudget) {
    this.#session = session
    this.#topicFilters = topicFilters
    this.#lastEntryNumber = session.lastEntryNumber
    this.#work = work
  }

  get isOver(): boolean {
    return this.#isSearched && this.#found.length === 0
  }

  isWanted({ shared, entryNumber }: Delivery): boolean {
    return shared !== undefined && entryNumber <= this.#lastEntryNumber && this.#topicFilters.has(shared.topicFilter)
  }

  take(): Delivery | undefined {
    if (this.#found.length === 0 && !this.#isSearched) this.#search()
    return this.#found.pop()
  }

  #search(): void {
    this.#work.spend(LOOKS * Work.entry)
    const { taken, isDone } = this.#session.takeShared(this, LOOKS)
    this.#found = taken.toReversed()
    this.#isSearched = isDone || this.lookedUpTo >= this.#lastEntryNumber
  }

  originOf(): undefined {
    return undefined
  }

  causeOf(cause: DropCause): DropCause {
    return cause
  }
}
