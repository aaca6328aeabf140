/**
 * Finds the segments that a start replays: from the last one back, each as its successor names it.
 *
 *   journal-3 <─ journal-4 <─ journal-6        journal-5 failed, and nothing names it: not needed
 *
 * Where a header is lost, the segment before is the next lower one, and how much of that counts is known once its records are
 * read: all that come before this segment's first.
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
  /** Then: the sequence of the first record in it; `undefined` if there is none. */
  readonly firstSequence: number | undefined
  readonly fileSize: number
}

export interface Tail {
  /** Oldest first. */
  readonly tail: TailSegment[]
  /** Segments that are not needed. */
  readonly leftovers: string[]
  /** New segments that hold something, and nothing of this store. */
  readonly garbage: string[]
}

export class TailFinder {
  #files: SegmentFiles
  #damage: DamageReport
  #headers: Headers
  #from: number
  #leftovers: string[] = []
  #garbage: string[] = []

  /** @param from the first segment that is not folded; `files` has the folded ones that are needed */
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
      // The newest may be what a power cut left of it; whether a damaged one is, only its records can tell.
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

  /** Segments are removed only once a checkpoint covers them: if there is none, it is what is missing. */
  #missing(expected: number, { number }: TailSegment): void {
    const missing = segmentName(expected)
    const checkpoint = `the checkpoint before ${segmentName(number)}, or ${missing},`
    this.#damage.addMissing(this.#from === 0 ? checkpoint : missing)
  }
}
