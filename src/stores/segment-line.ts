/**
 * The segments at the end of the journal: the one being written, the next one, which is prepared in advance (creating a
 * file and syncing its folder takes longer than a commit), and what happens when one fails.
 *
 *   previous <─ current       next: an empty file with a durable name
 *      each header names the segment before it and how much of that one counts
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import type { Disk, DiskFile } from '../base/disk.ts'
import type { Logger } from '../base/log.ts'
import { encodeHeader, formatVersion } from './frame.ts'
import { isFull } from './reserve.ts'
import { partName, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Space } from './space.ts'

const retryFirstMs = 50
const retryLastMs = 5000

export interface LineStart {
  /** The first segment to make. */
  readonly nextNumber: number
  /** The last segment that exists and how much of it counts; 0 for none. */
  readonly previous: number
  readonly previousSize: number
  readonly salt: number
}

export interface LineOptions {
  readonly files: SegmentFiles
  readonly clock: Clock
  readonly log: Logger
  readonly space: Space
  /**
   * Highest numbers used so far, for the header of a new segment: a start reads them there even if nothing else is
   * live.
   */
  readonly counters: () => {
    readonly lastSessionNumber: number
    readonly lastMessageNumber: number
    readonly newestRecordMs: number
  }
}

interface Segment {
  readonly number: number
  readonly file: DiskFile
}

/** Delays between tries: 50 ms, doubling up to 5 s. */
export class BackOff {
  #clock: Clock
  #delayMs = retryFirstMs
  #timer: Timer | undefined
  #resolve: () => void = () => {}

  constructor(clock: Clock) {
    this.#clock = clock
  }

  async wait(): Promise<void> {
    const delayMs = this.#delayMs
    this.#delayMs = Math.min(delayMs * 2, retryLastMs)
    await new Promise<void>((resolve) => {
      this.#resolve = resolve
      this.#timer = this.#clock.setTimer(delayMs, resolve)
    })
  }

  /** Ends the current delay, for a store that closes. */
  end(): void {
    this.#timer?.cancel()
    this.#resolve()
  }
}

export class SegmentLine {
  /** The segment being written; `undefined` before the first. */
  current: Segment | undefined
  next: Segment | undefined
  #options: LineOptions
  #disk: Disk
  #nextNumber: number
  #salt: number
  /** The newest segment with durable records, and how much of it is durable. */
  #trusted: { readonly number: number; readonly size: number }
  #making: Promise<void> | undefined
  #backOff: BackOff | undefined
  /** While starting over, and after closing, no next segment is created. */
  #paused = false

  constructor(start: LineStart, options: LineOptions) {
    this.#options = options
    this.#disk = options.files.disk
    this.#nextNumber = start.nextNumber
    this.#salt = start.salt
    this.#trusted = { number: start.previous, size: start.previousSize }
  }

  /** Creates the first segment; an error is thrown, because it fails the start. */
  async open(): Promise<Segment> {
    this.next = await this.#make()
    return this.next
  }

  /** Creates the next segment, however long that takes; returns at once if it exists. */
  makeNext(): Promise<void> {
    if (this.next !== undefined || this.#paused) return Promise.resolve()
    this.#making ??= this.#makeUntilDone().finally(() => (this.#making = undefined))
    return this.#making
  }

  /** The next segment becomes the current one. Its header becomes durable together with its first record. */
  async enterNext(firstSequence: number): Promise<void> {
    const next = this.next!
    await next.file.append(this.#header(next.number, firstSequence))
    this.current = next
    this.next = undefined
    this.#options.files.set(next.number, next.file.size, next.file)
  }

  /** Everything appended to the current segment is durable. */
  trust(): void {
    this.#trusted = { number: this.current!.number, size: this.current!.file.size }
  }

  /**
   * Gives up the current segment and writes `records` to a new one, which counts (by its name) only when it is durable.
   *
   * @param moved called with the new segment's number when the records are durable there, before the failed one is cut
   * back
   */
  async startOver(
    firstSequence: number,
    records: readonly Uint8Array[],
    moved: (segment: number) => void,
  ): Promise<void> {
    await this.#pause()
    const failed = this.#existing
    await this.#cut(failed, failed?.file.size ?? 0)
    const fresh = await this.#writeWhole(firstSequence, records)
    this.current = fresh
    this.#options.files.set(fresh.number, fresh.file.size, fresh.file)
    moved(fresh.number)
    await this.#retire(failed)
    this.trust()
    this.#paused = false
  }

  /** Creates no further segment, and removes the prepared one. */
  async close(): Promise<void> {
    await this.#pause()
  }

  async #pause(): Promise<void> {
    this.#paused = true
    this.#backOff?.end()
    await this.#making
    await this.dropNext()
  }

  async dropNext(): Promise<void> {
    const { next } = this
    this.next = undefined
    if (next === undefined) return
    try {
      await next.file.close()
      await this.#disk.remove(segmentName(next.number))
    } catch (error) {
      this.#options.log.warn({ err: error }, `${segmentName(next.number)} is no longer needed but could not be removed`)
    }
  }

  async #make(): Promise<Segment> {
    const number = this.#nextNumber++
    const file = await this.#disk.open(segmentName(number))
    await this.#disk.syncNames()
    return { number, file }
  }

  async #makeUntilDone(): Promise<void> {
    const backOff = new BackOff(this.#options.clock)
    this.#backOff = backOff
    while (!this.#paused) {
      try {
        this.next = await this.#make()
        return
      } catch (error) {
        if (isFull(error) && (await this.#options.space.reportFull(error))) continue
        this.#options.log.warn({ err: error }, 'the next segment of the journal cannot be created')
        await backOff.wait()
      }
    }
  }

  async #writeWhole(firstSequence: number, records: readonly Uint8Array[]): Promise<Segment> {
    const number = this.#nextNumber++
    const name = segmentName(number)
    const file = await this.#disk.open(partName(name))
    try {
      await file.append(Buffer.concat([this.#header(number, firstSequence), ...records]))
      await file.sync()
      await this.#disk.rename(partName(name), name)
      await this.#disk.syncNames()
      return { number, file }
    } catch (error) {
      await file.close()
      await this.#removeFailed(partName(name))
      throw error
    }
  }

  async #removeFailed(name: string): Promise<void> {
    try {
      await this.#disk.remove(name)
    } catch (error) {
      this.#options.log.debug({ err: error }, `${name} could not be removed; the next start removes it`)
    }
  }

  /** The current segment, unless it was removed because nothing in it is live and no turn followed. */
  get #existing(): Segment | undefined {
    const { current } = this
    return current !== undefined && this.#options.files.has(current.number) ? current : undefined
  }

  /** Only the durable part of a failed segment is kept; the new one's header states its size in case the cut fails. */
  async #retire(failed: Segment | undefined): Promise<void> {
    if (failed === undefined) return
    const size = failed.number === this.#trusted.number ? this.#trusted.size : 0
    this.#options.files.set(failed.number, size)
    await this.#cut(failed, size)
  }

  async #cut(segment: Segment | undefined, size: number): Promise<void> {
    if (segment === undefined) return
    try {
      await segment.file.cut(size)
    } catch (error) {
      this.#options.log.warn({ err: error }, `${segmentName(segment.number)} could not be cut back to ${size} bytes`)
    }
  }

  #header(number: number, firstSequence: number): Buffer {
    return encodeHeader('journal', {
      version: formatVersion,
      salt: this.#salt,
      number,
      previous: this.#trusted.number,
      previousSize: this.#trusted.size,
      sequence: firstSequence,
      ...this.#options.counters(),
    })
  }
}
