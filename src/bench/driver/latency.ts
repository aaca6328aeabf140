/**
 * A histogram of latencies with buckets about 3 % wide: 32 for each doubling of a microsecond. Recording a value is one
 * addition.
 *
 * @module
 */

const STEPS = 32
const DOUBLINGS = 32

/** The percentiles in a row, in microseconds. */
export interface Percentiles {
  readonly p50: number
  readonly p99: number
  readonly p999: number
}

function bucketOf(microseconds: number): number {
  if (microseconds < STEPS) return Math.max(0, Math.trunc(microseconds))
  const doubling = 31 - Math.clz32(microseconds)
  return (doubling - 4) * STEPS + ((microseconds >>> (doubling - 5)) & (STEPS - 1))
}

function middleOf(bucket: number): number {
  if (bucket < STEPS) return bucket
  const doubling = Math.floor(bucket / STEPS) + 4
  return 2 ** (doubling - 5) * (STEPS + (bucket % STEPS) + 0.5)
}

export class Latencies {
  #counts = new Float64Array(STEPS * DOUBLINGS)
  #total = 0

  /** @param weight how many messages this measurement represents */
  record(milliseconds: number, weight: number): void {
    const bucket = bucketOf(Math.min(milliseconds * 1000, 0x7fffffff))
    this.#counts[bucket]! += weight
    this.#total += weight
  }

  reset(): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  /** @returns the microseconds below which `share` (0 to 1) of all values are; NaN if nothing was recorded */
  percentile(share: number): number {
    let left = share * this.#total
    for (let bucket = 0; bucket < this.#counts.length; bucket++) {
      left -= this.#counts[bucket]!
      if (left <= 0 && this.#total > 0) return middleOf(bucket)
    }
    return NaN
  }

  percentiles(): Percentiles {
    return { p50: this.percentile(0.5), p99: this.percentile(0.99), p999: this.percentile(0.999) }
  }
}
