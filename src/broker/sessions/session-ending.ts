/**
 * The Subscriptions of a Session that ended, on their way out of the tree. There may be very many, and very many Sessions may
 * end at once, so that they go a share at a time. The Session takes nothing more from the moment it ended.
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

  /** @param remove takes it out of the tree */
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
