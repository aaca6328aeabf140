/**
 * One UNSUBSCRIBE on its way to its UNSUBACK, in slices: first every filter is checked, then one after the other is
 * unsubscribed (§3.10.4). If the Connection ends meanwhile, the remaining Subscriptions stay.
 *
 * @module
 */
import { scanned, Work, type WorkBudget } from '../base/work.ts'
import type { UnsubscribePacket } from '../codec/packets.ts'
import { countTopicLevels } from '../topics/topic-name.ts'
import { checkFilter } from './checked-filter.ts'
import type { SubscribeOrigin } from './subscribe-origin.ts'
import type { Task } from '../turn/turn.ts'

/** The steps for each filter. */
export interface UnsubscribeSide {
  readonly work: WorkBudget
  /** @returns its code in UNSUBACK */
  unsubscribeOne(origin: SubscribeOrigin, topicFilter: string): number
  /** Called once all are unsubscribed: messages for shared ones go to other members. */
  unsubscribed(origin: SubscribeOrigin, sharedFilters: ReadonlySet<string>): void
}

export class UnsubscribeWork implements Task {
  readonly reasonCodes: number[] = []
  readonly #side: UnsubscribeSide
  readonly #origin: SubscribeOrigin
  readonly #packet: Pick<UnsubscribePacket, 'topicFilters'>
  readonly #sharedFilters = new Set<string>()
  #checkedCount = 0

  constructor(side: UnsubscribeSide, origin: SubscribeOrigin, packet: Pick<UnsubscribePacket, 'topicFilters'>) {
    this.#side = side
    this.#origin = origin
    this.#packet = packet
  }

  resume(): boolean {
    const origin = this.#origin
    if (origin.isOver) {
      origin.abandoned()
      return true
    }
    let isDone = true
    origin.guard(() => {
      isDone = this.step()
      if (isDone) origin.answered(this.reasonCodes)
    })
    return isDone
  }

  /** Processes filters as far as the share allows. @returns whether all are done */
  step(): boolean {
    const { topicFilters } = this.#packet
    const { work } = this.#side
    for (; this.#checkedCount < topicFilters.length; this.#checkedCount++) {
      if (work.isSpent) return false
      this.#check(topicFilters[this.#checkedCount]!)
    }
    while (this.reasonCodes.length < topicFilters.length) {
      if (work.isSpent) return false
      this.#unsubscribe(topicFilters[this.reasonCodes.length]!)
    }
    if (this.#sharedFilters.size > 0) this.#side.unsubscribed(this.#origin, this.#sharedFilters)
    return true
  }

  #check(topicFilter: string): void {
    this.#side.work.spend(Work.entry + 4 * scanned(topicFilter.length))
    if (checkFilter(topicFilter).isShared) this.#sharedFilters.add(topicFilter)
  }

  #unsubscribe(topicFilter: string): void {
    this.#side.work.spend(Work.subscription + Work.node * countTopicLevels(topicFilter))
    this.reasonCodes.push(this.#side.unsubscribeOne(this.#origin, topicFilter))
  }
}
