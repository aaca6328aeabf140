/**
 * One start of a broker. While it waits for code of the program (plugins that start, a Store that loads), it can be
 * given up, so that a broker can close even if that code never finishes.
 *
 * @module
 */
import { UsageError } from '../../base/errors.ts'

export class StartAttempt {
  /** Settles once the start has ended, with or without success. */
  over: Promise<void> = Promise.resolve()
  #isGivenUp = false
  #giveUp: () => void = () => {}

  /** Ends the present wait, if there is one, and every later one. */
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
   * @param late receives a result that comes after the start was given up
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
