/**
 * Connections whose packet adds to a Store that is behind (`max-uncommitted-bytes`): each waits with that one packet, and is
 * not read. Everyone else is served, as are acknowledgements, QoS 0 and PINGREQ.
 *
 * @module
 */
import type { MemoryAccount, Shared } from '../../base/memory-account.ts'
import { PENDING, type Pending } from '../../protocol/server-side.ts'
import type { Turn } from '../../turn/turn.ts'

/** Who waits: a Connection, or a call of the host program. */
export interface StoreWaiter {
  /** Does what had to wait: what it throws concerns that one alone. */
  guard(run: () => void): void
}

/** What somebody waits with. */
interface Waiting {
  readonly resume: () => void
  /** A message, and who is charged with it meanwhile. */
  readonly message: Shared | undefined
  readonly payer: MemoryAccount | undefined
}

export class StoreWaiters {
  readonly #turn: Turn
  /** What goes on with each, the longest waiting first. */
  readonly #waiting = new Map<StoreWaiter, Waiting>()
  #isResuming = false
  /** How many are judged again though the Store is behind. */
  #judgedAgain = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /**
   * @param resume handles the packet at hand from its beginning, and answers it unless it has to wait once more
   * @param message that is in the packet, for which `payer` has room
   */
  wait(waiter: StoreWaiter, resume: () => void, message?: Shared, payer?: MemoryAccount): Pending {
    if (message !== undefined) payer?.hold(message, 0)
    this.#waiting.set(waiter, { resume, message, payer })
    return PENDING
  }

  /** That one is over: its packet was not accepted, and what it holds goes. */
  forget(waiter: StoreWaiter): void {
    const waiting = this.#waiting.get(waiter)
    if (waiting !== undefined) this.#end(waiter, waiting)
  }

  #end(waiter: StoreWaiter, { message, payer }: Waiting): void {
    this.#waiting.delete(waiter)
    if (message !== undefined) payer?.release(message, 0)
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
    for (const [waiter, waiting] of this.#waiting) {
      if (this.#judgedAgain === 0 && this.#turn.isStoreBehind) break
      if (this.#turn.work.isSpent) return false
      if (this.#judgedAgain > 0) this.#judgedAgain--
      this.#end(waiter, waiting)
      waiter.guard(waiting.resume)
    }
    this.#judgedAgain = 0
    this.#isResuming = false
    return true
  }
}
