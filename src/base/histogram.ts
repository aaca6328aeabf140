/**
 * Counts values, such as durations, in buckets that are fixed at construction.
 *
 *   bounds   1   2   5   10          observe(4) counts in the bucket "at most 5"
 *   counts   0   0   1    0   0      the last one has no bound
 *
 * Its size never changes, and observing allocates nothing: it costs one comparison for each bound below the value.
 * Intended for events once per turn, commit or login, not per message.
 *
 * @module
 */

/** The state of a histogram at one moment. */
export interface HistogramView {
  /** The number of observed values. */
  readonly count: number
  /** Their sum. */
  readonly sum: number
  /** The largest of them; 0 if there are none. */
  readonly largest: number
  /** The number of values of at most `upTo` and more than the previous bound; the last bound is Infinity. */
  readonly buckets: readonly { readonly upTo: number; readonly count: number }[]
}

/** Counts values in buckets with fixed bounds. */
export class Histogram {
  count = 0
  sum = 0
  largest = 0
  readonly #bounds: readonly number[]
  readonly #counts: Float64Array

  /** @param bounds upper bounds of the buckets, ascending */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  /** Counts a value. */
  observe(value: number): void {
    this.count++
    this.sum += value
    if (value > this.largest) this.largest = value
    const bounds = this.#bounds
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.#counts[bucket]!++
  }

  /**
   * The value that this share of all values did not exceed: the upper bound of a bucket, or the largest value if that
   * is less.
   *
   * @example
   * const histogram = new Histogram([1, 2, 5])
   * for (const value of [0.5, 1.5, 1.6, 9]) histogram.observe(value)
   * histogram.quantile(0.5) // 2
   * histogram.quantile(1) // 9
   */
  quantile(share: number): number {
    let left = share * this.count
    for (const [bucket, bound] of this.#bounds.entries()) {
      left -= this.#counts[bucket]!
      if (left <= 0) return Math.min(bound, this.largest)
    }
    return this.largest
  }

  /** Returns a copy of the counts. */
  view(): HistogramView {
    const { count, sum, largest } = this
    const buckets = Array.from(this.#counts, (of, bucket) => ({ upTo: this.#bounds[bucket] ?? Infinity, count: of }))
    return { count, sum, largest, buckets }
  }
}
