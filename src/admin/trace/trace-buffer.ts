/**
 * The records of a trace that readers have not got yet, as text.
 *
 *   3 4 5 6 7      a limit in bytes: the oldest are dropped, and whoever had not read them sees the gap in the numbers
 *   ^ first
 *
 * @module
 */
import { Ring } from '../../base/ring.ts'

/** One record as JSON. */
interface Line {
  readonly seq: number
  readonly text: string
  readonly bytes: number
  /** Its place among all that were added, from 1 on: unlike `seq`, without those that were lost before. */
  readonly place: number
}

export class TraceBuffer {
  readonly #maxBytes: number
  readonly #lines = new Ring<Line>()
  #bytes = 0
  #added = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Bytes that it holds. */
  get bytes(): number {
    return this.#bytes
  }

  /** Adds a record, newer than all others. */
  push(seq: number, text: string, bytes: number): void {
    this.#lines.push({ seq, text, bytes, place: ++this.#added })
    this.#bytes += bytes
    while (this.#bytes > this.#maxBytes) this.#bytes -= this.#lines.shift()!.bytes
  }

  /** The first record after that number; `undefined` if there is none yet. */
  next(after: number): Line | undefined {
    let [low, high] = [0, this.#lines.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (this.#lines.at(middle)!.seq <= after) low = middle + 1
      else high = middle
    }
    return this.#lines.at(low)
  }
}
