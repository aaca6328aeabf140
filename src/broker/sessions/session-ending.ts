/**
 * Removes the Subscriptions of a Session that has ended from the tree. There may be very many, and very many Sessions
 * may end at once, so they are removed a share at a time. The Session receives nothing from the moment it has ended.
 *
 * @module
 */
import { scanned, Work, type WorkBudget } from '../../base/work.ts'
import type { Session } from '../../protocol/session.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import { countTopicLevels } from '../../topics/topic-name.ts'
import type { Task } from '../../turn/turn.ts'

export class SessionEnding implements Task {
  readonly #session: Session
  readonly #work: WorkBudget
  readonly #remove: (subscription: Subscription) => void

  /** @param remove removes a Subscription from the tree */
  constructor(session: Session, work: WorkBudget, remove: (subscription: Subscription) => void) {
    this.#session = session
    this.#work = work
    this.#remove = remove
  }

  resume(): boolean {
    for (const subscription of this.#session.subscriptions.values()) {
      if (this.#work.isSpent) return false
      const { topicFilter } = subscription
      this.#work.spend(Work.subscription + countTopicLevels(topicFilter) * Work.node + scanned(topicFilter.length))
      this.#session.unsubscribe(topicFilter)
      this.#remove(subscription)
    }
    return true
  }
}
