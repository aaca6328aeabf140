/**
 * The latest samples, as many as there is room for: rows of numbers in one array that is allocated once.
 *
 *   [ time, figure, figure, …, time, figure, figure, … ]     the oldest row makes room for the newest
 *
 * @module
 */

export class SampleRing {
  readonly #rows: Float64Array
  readonly #capacity: number
  readonly #columns: number
  /** Rows that were ever added. */
  #count = 0

  /** @param figures of a sample, besides its time */
  constructor(capacity: number, figures: number) {
    this.#capacity = capacity
    this.#columns = figures + 1
    this.#rows = new Float64Array(capacity * this.#columns)
  }

  get bytes(): number {
    return this.#rows.byteLength
  }

  get length(): number {
    return Math.min(this.#count, this.#capacity)
  }

  /** @param atMs in milliseconds since 1970 */
  add(atMs: number, sample: readonly number[]): void {
    const start = (this.#count++ % this.#capacity) * this.#columns
    this.#rows[start] = atMs
    this.#rows.set(sample, start + 1)
  }

  /** The row that is `at` after the oldest: its time, then its figures. */
  row(at: number): Float64Array {
    const start = ((this.#count - this.length + at) % this.#capacity) * this.#columns
    return this.#rows.subarray(start, start + this.#columns)
  }

  /** The average of rows from `from` on; its time is that of the last of them. */
  average(from: number, to: number): number[] {
    const sums = new Array<number>(this.#columns).fill(0)
    for (let at = from; at < to; at++) {
      const row = this.row(at)
      for (let column = 1; column < this.#columns; column++) sums[column]! += row[column]!
    }
    const [, ...figures] = sums
    return [this.row(to - 1)[0]!, ...figures.map((sum) => sum / (to - from))]
  }
}
