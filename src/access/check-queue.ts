/**
 * A queue for login checks of which a plugin can run only a few at a time. Holders take turns, so that an address with
 * very many checks delays another by one check instead of by all.
 *
 *   a: 1 2 3 4    b: 1    c: 1 2        runs a1 b1 c1 a2 c2 a3 a4
 *
 * @module
 */
import type { MaybePromise } from '../base/maybe-promise.ts'

interface Waiting {
  readonly isNeeded: () => boolean
  readonly begin: () => void
  readonly drop: () => void
}

export class CheckQueue {
  readonly #limit: number
  #running = 0
  /** Waiting checks by holder; the holder whose turn is next comes first. */
  readonly #turns = new Map<string, Waiting[]>()

  /** @param limit how many may run at a time */
  constructor(limit: number) {
    this.#limit = limit
  }

  /**
   * Runs a check when its turn comes.
   *
   * @param isNeeded called at its turn: if the answer is no longer needed, the check does not run
   * @param otherwise the answer in that case
   */
  run<Answer>(
    holder: string,
    isNeeded: () => boolean,
    check: () => MaybePromise<Answer>,
    otherwise: Answer,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const begin = (): void => {
        this.#running++
        // An async function, so that a check which throws synchronously is completed like any other.
        const done = (async () => check())()
        void done.then(resolve, reject).finally(() => {
          this.#running--
          this.#next()
        })
      }
      const turns = this.#turns.get(holder) ?? []
      turns.push({ isNeeded, begin, drop: () => resolve(otherwise) })
      this.#turns.set(holder, turns)
      this.#next()
    })
  }

  #next(): void {
    while (this.#running < this.#limit) {
      const turn = this.#turns.entries().next().value
      if (turn === undefined) return
      const [holder, waiting] = turn
      const { isNeeded, begin, drop } = waiting.shift()!
      this.#turns.delete(holder)
      if (waiting.length > 0) this.#turns.set(holder, waiting)
      if (isNeeded()) begin()
      else drop()
    }
  }
}
