/**
 * Connections whose packet adds to a Store that is behind (`max-uncommitted-bytes`): each waits with that one packet, and is
 * not read. Everyone else is served, as are acknowledgements, QoS 0 and PINGREQ.
 *
 * @module
 */
import { PENDING, type Pending } from '../../protocol/server-side.ts'
import type { Turn } from '../../turn/turn.ts'

/** Who waits: a Connection, or a call of the host program. */
export interface StoreWaiter {
  /** Does what had to wait: what it throws concerns that one alone. */
  guard(run: () => void): void
}

export class StoreWaiters {
  readonly #turn: Turn
  /** What goes on with each, the longest waiting first. */
  readonly #waiting = new Map<StoreWaiter, () => void>()
  #isResuming = false
  /** How many are judged again though the Store is behind. */
  #judgedAgain = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** @param resume handles the packet at hand from its beginning, and answers it unless it has to wait once more */
  wait(waiter: StoreWaiter, resume: () => void): Pending {
    this.#waiting.set(waiter, resume)
    return PENDING
  }

  /** That one is over: its packet was not accepted, and what it holds goes. */
  forget(waiter: StoreWaiter): void {
    this.#waiting.delete(waiter)
  }

  /** The Store's condition is another: what it refuses now does not wait for it any longer. */
  conditionChanged(): void {
    this.#judgedAgain = this.#waiting.size
    this.caughtUp()
  }

  /** The Store has caught up: those who wait go on, as far as that lasts. */
  caughtUp(): void {
    if (this.#isResuming || this.#waiting.size === 0) return
    this.#isResuming = true
    this.#turn.addTask(this, { resume: () => this.#resume() })
  }

  #resume(): boolean {
    for (const [waiter, resume] of this.#waiting) {
      if (this.#judgedAgain === 0 && this.#turn.isStoreBehind) break
      if (this.#turn.work.isSpent) return false
      if (this.#judgedAgain > 0) this.#judgedAgain--
      this.#waiting.delete(waiter)
      waiter.guard(resume)
    }
    this.#judgedAgain = 0
    this.#isResuming = false
    return true
  }
}
