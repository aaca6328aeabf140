/**
 * Closes the Store when the broker closes. It has `persistence.close-timeout` to write what still waits and to close; a
 * disk that fails or does not answer must not keep a program from ending. What could not be stored is reported.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { StoreError } from '../../base/errors.ts'
import { messageOf } from '../../base/thrown.ts'
import { within } from '../../base/within.ts'
import type { Store, StoreHealth } from '../../stores/store.ts'
import { reasonOf } from '../../stores/store-health.ts'

/** The share of that time for writing what waits. The rest is for closing, which may have to be tried again. */
const WRITING_SHARE = 0.75

/** The Changes that were given up. */
export interface Unstored {
  readonly changes: number
  readonly bytes: number
  /** Why, as far as the Store has reported it. */
  readonly cause: StoreHealth['cause']
}

export class StoreEnd {
  /** The time for writing what waits. */
  readonly writingMs: number
  readonly #timeoutMs: number
  readonly #clock: Clock

  /** @param timeoutSeconds the time for everything */
  constructor(timeoutSeconds: number, clock: Clock) {
    this.#timeoutMs = timeoutSeconds * 1000
    this.writingMs = this.#timeoutMs * WRITING_SHARE
    this.#clock = clock
  }

  /** Closes the Store. @returns the error to report; `undefined` if everything is stored */
  async close(store: Store, unstored: Unstored | undefined): Promise<StoreError | undefined> {
    const problem = await this.#close(store)
    if (unstored === undefined) return problem
    const { changes, bytes, cause } = unstored
    const reason = reasonOf(cause, 'the store has not answered')
    return new StoreError(
      'ERR_STORE_UNSTORED',
      `${changes} changes (${bytes} bytes) could not be stored within ${this.#timeoutMs / 1000} s ` +
        `(persistence.close-timeout), and are discarded: ${reason}. At the levels disk and process none of them was ` +
        'acknowledged; clients send again what was not acknowledged, and receive again what was not completed',
      cause instanceof Error ? { cause } : {},
    )
  }

  async #close(store: Store): Promise<StoreError | undefined> {
    const timeoutMs = this.#timeoutMs - this.writingMs
    try {
      if (await within(store.close(), timeoutMs, this.#clock)) return undefined
      return new StoreError(
        'ERR_STORE_CLOSE',
        `the store has not closed within ${timeoutMs / 1000} s; the broker no longer waits for it`,
      )
    } catch (error) {
      if (error instanceof StoreError) return error
      return new StoreError('ERR_STORE_CLOSE', `the store cannot be closed: ${messageOf(error)}`, { cause: error })
    }
  }
}
