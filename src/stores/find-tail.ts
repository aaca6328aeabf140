/**
 * Finds the segments that a start replays, from the last one backwards: each header names the segment before it.
 *
 *   journal-3 <─ journal-4 <─ journal-6        journal-5 failed, and nothing names it: not needed
 *
 * If a header is lost, the next lower segment is taken as the one before. How much of that one counts is known once its
 * records are read: every record before the first of this segment.
 *
 * @module
 */
import { lostHeader } from './damage.ts'
import type { DamageReport } from './damage.ts'
import type { FileHeader } from './frame.ts'
import type { Headers, Look } from './headers.ts'
import { numbersOfNames, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'

export interface TailSegment {
  readonly number: number
  /** `undefined` if it cannot be read. */
  readonly header: FileHeader | undefined
  /** For a segment without a readable header: the sequence of its first record; `undefined` if it has none. */
  readonly firstSequence: number | undefined
  readonly fileSize: number
}

export interface Tail {
  /** Oldest first. */
  readonly tail: TailSegment[]
  /** Segments that are not needed. */
  readonly leftovers: string[]
  /** New segments that contain something, but no data of this store. */
  readonly garbage: string[]
}

export class TailFinder {
  #files: SegmentFiles
  #damage: DamageReport
  #headers: Headers
  #from: number
  #leftovers: string[] = []
  #garbage: string[] = []

  /** @param from the first segment that is not folded; `files` contains the folded ones that are needed */
  constructor(files: SegmentFiles, damage: DamageReport, headers: Headers, from: number) {
    this.#files = files
    this.#damage = damage
    this.#headers = headers
    this.#from = from
  }

  async find(names: readonly string[]): Promise<Tail> {
    const numbers = numbersOfNames('journal', names)
    const folded = new Set(this.#files.numbers)
    for (const number of folded) {
      if (!numbers.includes(number)) this.#files.forget(number)
    }
    const candidates: { readonly number: number; readonly look: Look }[] = []
    for (const number of numbers) {
      if (number >= this.#from) {
        candidates.push({ number, look: await this.#headers.look('journal', segmentName(number)) })
      } else if (!folded.has(number)) this.#leftovers.push(segmentName(number))
    }
    return { tail: this.#chain(candidates), leftovers: this.#leftovers, garbage: this.#garbage }
  }

  #chain(candidates: readonly { readonly number: number; readonly look: Look }[]): TailSegment[] {
    const chain: TailSegment[] = []
    let expected: number | undefined
    for (const { number, look } of candidates.toReversed()) {
      const { state, header, firstSequence, fileSize } = look
      // The newest segment may be the remainder of a power cut; whether a damaged one is, only its records can show.
      const isNewest = chain.length === 0
      const isNotNamed = expected !== undefined && number > expected
      if (state === 'empty' || isNotNamed || (isNewest && header === undefined && state !== 'damaged')) {
        const unneeded = state === 'garbage' ? this.#garbage : this.#leftovers
        unneeded.push(segmentName(number))
        continue
      }
      if (expected !== undefined && number < expected) this.#missing(expected, chain[0]!)
      if (header === undefined && !isNewest) this.#damage.add(segmentName(number), 0, lostHeader)
      chain.unshift({ number, header, firstSequence, fileSize })
      expected = header?.previous
    }
    if (expected !== undefined && expected !== 0 && expected >= this.#from) this.#missing(expected, chain[0]!)
    return chain
  }

  /**
   * Segments are removed only after a checkpoint covers them, so without a checkpoint it is the checkpoint that is
   * missing.
   */
  #missing(expected: number, { number }: TailSegment): void {
    const missing = segmentName(expected)
    const checkpoint = `the checkpoint before ${segmentName(number)}, or ${missing},`
    this.#damage.addMissing(this.#from === 0 ? checkpoint : missing)
  }
}
