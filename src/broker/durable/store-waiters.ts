/**
 * Connections whose packet adds to a Store that is behind (`max-uncommitted-bytes`). Each waits with that one packet,
 * and is not read. All others are served, as are acknowledgements, QoS 0 and PINGREQ.
 *
 * @module
 */
import type { MemoryAccount, Shared } from '../../base/memory-account.ts'
import { PENDING, type Pending } from '../../protocol/server-side.ts'
import type { Turn } from '../../turn/turn.ts'

/** Something that waits: a Connection, or a call of the host program. */
export interface StoreWaiter {
  /** Runs the work that had to wait; an error concerns this waiter alone. */
  guard(run: () => void): void
}

/** The work that waits. */
interface Waiting {
  readonly resume: () => void
  /** A message, and the account that is charged with it meanwhile. */
  readonly message: Shared | undefined
  readonly payer: MemoryAccount | undefined
}

export class StoreWaiters {
  readonly #turn: Turn
  /** The work of each waiter, the longest waiting first. */
  readonly #waiting = new Map<StoreWaiter, Waiting>()
  #isResuming = false
  /** How many are processed again although the Store is behind. */
  #judgedAgain = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /**
   * @param resume processes the current packet from its beginning, and answers it unless it has to wait once more
   * @param message the message in the packet, for which `payer` has room
   */
  wait(waiter: StoreWaiter, resume: () => void, message?: Shared, payer?: MemoryAccount): Pending {
    if (message !== undefined) payer?.hold(message, 0)
    this.#waiting.set(waiter, { resume, message, payer })
    return PENDING
  }

  /** Forgets a waiter that has ended: its packet was not accepted, and what it holds is released. */
  forget(waiter: StoreWaiter): void {
    const waiting = this.#waiting.get(waiter)
    if (waiting !== undefined) this.#end(waiter, waiting)
  }

  #end(waiter: StoreWaiter, { message, payer }: Waiting): void {
    this.#waiting.delete(waiter)
    if (message !== undefined) payer?.release(message, 0)
  }

  /** The condition of the Store has changed: packets that it refuses now do not wait any longer. */
  conditionChanged(): void {
    this.#judgedAgain = this.#waiting.size
    this.caughtUp()
  }

  /** The Store has caught up: waiters continue, as far as there is room. */
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
