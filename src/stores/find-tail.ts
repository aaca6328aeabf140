/**
 * Finds the segments that a start replays: from the last one back, each as its successor names it.
 *
 *   journal-3 <─ journal-4 <─ journal-6        journal-5 failed, and nothing names it: not needed
 *
 * @module
 */
import type { DamageReport } from './damage.ts'
import { refuse } from './damage.ts'
import { decodeHeader, headerBytes } from './frame.ts'
import type { FileHeader } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import { numbersOfNames, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'

export interface TailSegment {
  readonly number: number
  /** `undefined` if it is damaged, and this is a repair. */
  readonly header: FileHeader | undefined
  readonly fileSize: number
}

export interface Tail {
  /** Oldest first. */
  readonly tail: TailSegment[]
  readonly salt: number | undefined
  /** Segments that are not needed. */
  readonly leftovers: string[]
}

export class TailFinder {
  #files: SegmentFiles
  #damage: DamageReport
  #from: number
  #salt: number | undefined
  #leftovers: string[] = []

  /** @param from the first segment that is not folded; `files` has the folded ones that are needed */
  constructor(files: SegmentFiles, damage: DamageReport, from: number, salt: number | undefined) {
    this.#files = files
    this.#damage = damage
    this.#from = from
    this.#salt = salt
  }

  async find(names: readonly string[]): Promise<Tail> {
    const numbers = numbersOfNames('journal', names)
    const folded = new Set(this.#files.numbers)
    for (const number of folded) {
      if (!numbers.includes(number)) this.#files.forget(number)
    }
    const candidates: TailSegment[] = []
    for (const number of numbers) {
      if (number >= this.#from) candidates.push(await this.#look(number))
      else if (!folded.has(number)) this.#leftovers.push(segmentName(number))
    }
    return { tail: this.#chain(candidates), salt: this.#salt, leftovers: this.#leftovers }
  }

  /** Reads a header. One that was torn is `undefined`; one that once was durable is damaged. */
  async #look(number: number): Promise<TailSegment> {
    const name = segmentName(number)
    const file = await this.#files.disk.open(name)
    try {
      const header = decodeHeader('journal', await file.read(0, headerBytes))
      if (file.size > 0 && (header === 'foreign' || header === 'newer')) refuse(name, header)
      if (typeof header === 'object') {
        this.#salt ??= header.salt
        return { number, header, fileSize: file.size }
      }
      if (await wasDurable(new FrameReader(file, 0, file.size, this.#salt ?? 0, false))) {
        this.#damage.add(name, 0, 'its header cannot be read')
      }
      return { number, header: undefined, fileSize: file.size }
    } finally {
      await file.close()
    }
  }

  #chain(candidates: readonly TailSegment[]): TailSegment[] {
    const chain: TailSegment[] = []
    let expected: number | undefined
    for (const segment of candidates.toReversed()) {
      const isTorn = chain.length === 0 && segment.header === undefined
      if (segment.fileSize === 0 || isTorn || (expected !== undefined && segment.number > expected)) {
        this.#leftovers.push(segmentName(segment.number))
        continue
      }
      if (expected !== undefined && segment.number < expected) this.#missing(expected)
      if (segment.header === undefined) {
        this.#damage.add(segmentName(segment.number), 0, 'its header cannot be read')
      }
      chain.unshift(segment)
      expected = segment.header?.previous
    }
    if (expected !== undefined && expected !== 0 && expected >= this.#from) this.#missing(expected)
    return chain
  }

  #missing(number: number): void {
    this.#damage.add(segmentName(number), 0, 'the file is missing')
  }
}

/** Whether a file without a sound header once was durable: one of its records says so of the first. */
async function wasDurable(reader: FrameReader): Promise<boolean> {
  const first = await reader.seek()
  let later = first
  while (later !== undefined && later.frame.syncedSequence < first!.frame.sequence) {
    later = (await reader.next()) ?? (await reader.seek())
  }
  return later !== undefined
}
