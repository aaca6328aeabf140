/** Seeded randomness: the same numbers on every machine, so that a run can be repeated. @module */

/**
 * A random number generator with a seed (Mulberry32: small, and good enough for everything except secrets).
 *
 * @example
 * new SeededRandom(7).integer(100) === new SeededRandom(7).integer(100) // true
 */
export class SeededRandom {
  #state: number

  /** @param seed an integer, of which the lower 32 bits are used */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number in [0, 1). */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** An integer from 0 to `limit` - 1. */
  integer(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** An integer from `least` to `most`, inclusive. */
  between(least: number, most: number): number {
    return least + this.integer(most - least + 1)
  }

  /** True with this probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of `values`, which must not be empty. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.integer(values.length)]!
  }

  /** Random bytes. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(256))
  }
}
