/**
 * One start of a broker. While it waits for code of the program (plugins that start, a Store that loads) it can be given up, so
 * that a broker closes though one of them never comes to its end.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'

export class StartAttempt {
  /** Settles once the start is over, whatever came of it. */
  over: Promise<void> = Promise.resolve()
  #isGivenUp = false
  #giveUp: () => void = () => {}

  /** Ends the wait that is under way, if there is one, and every later one. */
  giveUp(): void {
    this.#isGivenUp = true
    this.#giveUp()
  }

  /** @throws {UsageError} if the broker was closed meanwhile */
  throwIfGivenUp(): void {
    if (this.#isGivenUp) throw closedMeanwhile()
  }

  /**
   * Waits for code of the program.
   *
   * @param late gets what comes once nobody waits for it any more
   * @throws {UsageError} if the broker was closed meanwhile
   */
  waitFor<Value>(result: Promise<Value>, late: (value: Value) => void = () => {}): Promise<Value> {
    return new Promise((resolve, reject) => {
      this.#giveUp = () => reject(closedMeanwhile())
      result.then((value) => {
        if (this.#isGivenUp) late(value)
        else resolve(value)
      }, reject)
      if (this.#isGivenUp) this.#giveUp()
    })
  }
}

/** The error that `start` rejects with. */
export function closedMeanwhile(): UsageError {
  return new UsageError('the broker was closed while it started')
}
