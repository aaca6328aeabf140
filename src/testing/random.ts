/** Chance from a seed: the same numbers on every machine, so that what it decides can be had again. @module */

/**
 * A generator of numbers that a seed decides (Mulberry32: small, and good enough for everything but secrets).
 *
 * @example
 * new SeededRandom(7).integer(100) === new SeededRandom(7).integer(100) // true
 */
export class SeededRandom {
  #state: number

  /** @param seed an integer; the lower 32 bits count */
  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A number from 0 up to and without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** An integer from 0 up to and without `limit`. */
  integer(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  /** An integer from `least` to `most`, both included. */
  between(least: number, most: number): number {
    return least + this.integer(most - least + 1)
  }

  /** True with that probability. */
  chance(probability: number): boolean {
    return this.next() < probability
  }

  /** One of `values`, which must not be empty. */
  pick<Value>(values: readonly Value[]): Value {
    return values[this.integer(values.length)]!
  }

  /** Bytes from the generator. */
  bytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.integer(256))
  }
}
