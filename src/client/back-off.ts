/**
 * How long a client waits before it connects again. Waits double up to a limit, and half of each is random, so that
 * clients that lost the same server do not all return at once.
 *
 *   attempt    1        2            3                    n
 *   wait       ½–1 s    1–2 s        2–4 s          …     15–30 s       with the defaults
 *
 * A connection that lasted shorter than the longest wait does not reset it: otherwise two clients with the same Client
 * Identifier would take over each other's Session without a pause.
 *
 * @module
 */
import type { BackOffOptions } from './client-options.ts'

export class BackOff {
  readonly #options: BackOffOptions
  readonly #random: () => number
  #failures = 0

  /** @param random returns a number in [0, 1) */
  constructor(options: BackOffOptions, random: () => number) {
    this.#options = options
    this.#random = random
  }

  /** Milliseconds to wait now; the next wait is longer. */
  next(): number {
    const { firstMs, longestMs } = this.#options
    const whole = Math.min(longestMs, firstMs * 2 ** Math.min(this.#failures, 30))
    this.#failures++
    return whole / 2 + (whole / 2) * this.#random()
  }

  /** A connection has ended that lasted this long. */
  lasted(milliseconds: number): void {
    if (milliseconds >= this.#options.longestMs) this.#failures = 0
  }
}
