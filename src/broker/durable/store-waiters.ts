/**
 * Connections whose packet adds to a Store that is behind (`max-uncommitted-bytes`): each waits with that one packet, and is
 * not read. Everyone else is served, as are acknowledgements, QoS 0 and PINGREQ.
 *
 * @module
 */
import type { Connection } from '../../protocol/connection.ts'
import { PENDING, type Pending } from '../../protocol/server-side.ts'
import type { Turn } from '../turn/turn.ts'

export class StoreWaiters {
  readonly #turn: Turn
  /** What goes on with each, the longest waiting first. */
  readonly #waiting = new Map<Connection, () => void>()
  #isResuming = false
  /** How many are judged again though the Store is behind. */
  #judgedAgain = 0

  constructor(turn: Turn) {
    this.#turn = turn
  }

  /** @param resume handles the packet at hand from its beginning, and answers it unless it has to wait once more */
  wait(connection: Connection, resume: () => void): Pending {
    this.#waiting.set(connection, resume)
    return PENDING
  }

  /** That Connection is over: its packet was not accepted, and what it holds goes. */
  forget(connection: Connection): void {
    this.#waiting.delete(connection)
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
    for (const [connection, resume] of this.#waiting) {
      if (this.#judgedAgain === 0 && this.#turn.isStoreBehind) break
      if (this.#turn.work.isSpent) return false
      if (this.#judgedAgain > 0) this.#judgedAgain--
      this.#waiting.delete(connection)
      connection.guard(resume)
    }
    this.#judgedAgain = 0
    this.#isResuming = false
    return true
  }
}
