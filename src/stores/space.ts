/**
 * Measures the space of a store and derives how large a segment may be, when a checkpoint is due, how much is held in
 * reserve, and whether the store is full.
 *
 *   volume   | segments that live | what died since the checkpoint | checkpoint | reserve |  room  |
 *              small when little is free, so that it is freed soon ^           ^ one checkpoint, and Changes that free space
 *
 * The disk is queried once a second at most; in between, written bytes are subtracted.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { isFull, Reserve } from './reserve.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { StoreMetrics } from './store-metrics.ts'

const defaultSegmentBytes = 64 << 20
const defaultCheckpointBytes = 128 << 20
const smallestSegmentBytes = 64 << 10
/** The smallest amount for which a checkpoint is made, however little space is left. */
const smallestFoldBytes = 64 << 10
/** The reserve beyond a checkpoint: a share of the volume, within these bounds. */
const reserveShare = 32
const smallestSlackBytes = 64 << 10
const largestSlackBytes = 4 << 20
/** A checkpoint may have grown by this factor since the last one. */
const checkpointGrowth = 1.25
/** How often the disk is queried. */
const pollMs = 1000
/** A store that was full accepts new data once it is below its limit by this share. */
const relief = 1 / 16

export interface SpaceOptions {
  readonly disk: Disk
  readonly files: SegmentFiles
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: StoreMetrics
  readonly maxBytes: number
  readonly segmentBytes: number | undefined
  readonly checkpointBytes: number | undefined
  /** Called when the store may have become full, or may have space again. */
  readonly changed: () => void
}

export class Space {
  readonly reserve: Reserve
  /** Size of the newest checkpoint. */
  checkpointBytes = 0
  readonly #options: SpaceOptions
  /** Free bytes of the volume at the last query; Infinity if the disk does not report them. */
  #freeBytes = Infinity
  #volumeBytes = Infinity
  #writtenAtPoll = 0
  #polledAtMs = 0
  #polling: Promise<void> | undefined
  /** The disk's error when the reserve had to be released; cleared once the reserve is restored. */
  #fullError: StoreError | undefined
  /** The error to report while little space is left and the reserve is whole. */
  #low: StoreError | undefined
  #isFull = false

  constructor(options: SpaceOptions) {
    this.#options = options
    this.reserve = new Reserve(options.disk)
  }

  /** @param checkpointBytes size of the checkpoint that was loaded */
  async begin(checkpointBytes: number): Promise<void> {
    this.checkpointBytes = checkpointBytes
    await this.reserve.find()
    await this.poll()
    if (!this.#hasReserve && !this.#hasRoomForReserve) this.#fullError = this.#noRoom()
  }

  // ---- how large things may be ----

  /** Bytes that the store may take in total. */
  get #limitBytes(): number {
    return Math.min(this.#volumeBytes, this.#options.maxBytes)
  }

  get segmentBytes(): number {
    const { segmentBytes = defaultSegmentBytes, maxBytes } = this.#options
    return Math.min(segmentBytes, maxBytes / 16, Math.max(this.#volumeBytes / 16, smallestSegmentBytes))
  }

  /** Bytes of the journal that may be appended without a sync: if one fails, they are written twice. */
  get unsyncedBytes(): number {
    return this.#volumeBytes / 64
  }

  /** Bytes of journal after which a checkpoint is due. */
  get foldBytes(): number {
    const { checkpointBytes = defaultCheckpointBytes } = this.#options
    const base = Math.min(checkpointBytes, this.#limitBytes / 8)
    const roomy = Math.max(base, this.checkpointBytes * 4)
    const room = Math.min(this.#roomBytes, this.#roomBelowLimit)
    return Math.min(roomy, Math.max(Math.min(base, smallestFoldBytes), this.checkpointBytes / 4, room / 4))
  }

  /** The number of dead bytes that makes a checkpoint of a full store worthwhile. */
  get worthFoldingBytes(): number {
    return Math.max(Math.min(this.foldBytes, smallestFoldBytes) / 2, this.checkpointBytes / 8)
  }

  get #slackBytes(): number {
    return Math.min(Math.max(this.#limitBytes / reserveShare, smallestSlackBytes), largestSlackBytes)
  }

  get #targetReserve(): number {
    // A disk without an end, such as one in memory, needs no reserve.
    if (this.#freeBytes === Infinity) return 0
    return Math.ceil(this.#slackBytes + this.checkpointBytes * checkpointGrowth)
  }

  // ---- how much room there is ----

  /** Bytes that the disk can take, as far as is known. */
  get #roomBytes(): number {
    return Math.max(0, this.#freeBytes - (this.#options.metrics.journalBytes - this.#writtenAtPoll))
  }

  get #roomBelowLimit(): number {
    const { files, maxBytes } = this.#options
    return Math.max(0, maxBytes - files.totalBytes - this.checkpointBytes)
  }

  /**
   * Bytes that can be written now: new data while the store is not full, afterwards only Changes that free space.
   * `maxBytes` takes effect once it is exceeded, so slightly more than the remainder is accepted.
   */
  get roomBytes(): number {
    const { maxBytes } = this.#options
    if (this.#isFull) return this.#roomBytes + this.reserve.size
    if (maxBytes === Infinity) return this.#roomBytes
    return Math.min(this.#roomBytes, this.#roomBelowLimit + Math.max(maxBytes * relief, smallestSlackBytes))
  }

  /** Whether space is so low that segments are rewritten which are not sparse. */
  get isTight(): boolean {
    return Math.min(this.#roomBytes, this.#roomBelowLimit) < this.#limitBytes / 8
  }

  /** Whether a segment with this many live bytes can be rewritten. */
  hasRoomFor(bytes: number): boolean {
    return bytes + this.#lowBytes <= this.#roomBytes
  }

  /** Below this the disk counts as full. */
  get #lowBytes(): number {
    return this.#freeBytes === Infinity ? 0 : this.#slackBytes / 4
  }

  /** Queries the disk, unless a query is in progress. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => (this.#polling = undefined))
    return this.#polling
  }

  /** Hot: after every turn. Queries the disk at intervals. */
  look(): void {
    const { clock, metrics } = this.#options
    const written = metrics.journalBytes - this.#writtenAtPoll
    if (written === 0 || this.#freeBytes === Infinity) return
    if (written > this.#freeBytes / 8 || clock.now() - this.#polledAtMs >= pollMs) void this.poll()
  }

  async #poll(): Promise<void> {
    const { disk, metrics, files, clock, log } = this.#options
    this.#polledAtMs = clock.now()
    try {
      const written = metrics.journalBytes
      const freeBytes = (await disk.freeBytes?.()) ?? Infinity
      this.#freeBytes = freeBytes
      this.#writtenAtPoll = written
      this.#volumeBytes = freeBytes + files.totalBytes + this.checkpointBytes + this.reserve.size
    } catch (error) {
      log.debug({ err: error }, 'the free space of the disk cannot be determined')
    }
    this.#options.changed()
  }

  // ---- full ----

  /**
   * The disk reported that it is full: releases the reserve.
   *
   * @returns whether there was a reserve, so that a retry may succeed
   */
  async reportFull(error: StoreError): Promise<boolean> {
    if (!(await this.#release())) return false
    this.#fullError = error
    this.#options.metrics.timesFull++
    await this.poll()
    return true
  }

  /** A full disk may fail in other ways as well: then there is no reserve, and the caller retries later. */
  async #release(): Promise<boolean> {
    try {
      return await this.reserve.release()
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the reserved space could not be released')
      return false
    }
  }

  /** Runs `work`, which may run out of space, and retries it once with the reserve released. */
  async withReserve(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isFull(error) || !(await this.reportFull(error))) throw error
      await work()
    }
  }

  /** Restores the reserve if there is room, after which a full store is no longer full. */
  async refill(): Promise<void> {
    await this.poll()
    const target = this.#targetReserve
    const isTooLarge = this.reserve.size > target * 2
    if (isTooLarge || (!this.#hasReserve && this.#hasRoomForReserve)) await this.reserve.fill(target)
    this.#fullError = this.#hasReserve ? undefined : (this.#fullError ?? this.#noRoom())
    await this.poll()
  }

  /** Slightly less is enough: a checkpoint is seldom larger than the last. */
  get #hasReserve(): boolean {
    return this.reserve.size * checkpointGrowth >= this.#targetReserve
  }

  get #hasRoomForReserve(): boolean {
    return this.#roomBytes >= this.#targetReserve - this.reserve.size + this.#lowBytes * 2
  }

  #noRoom(): StoreError {
    const [room, target] = [Math.floor(this.#roomBytes), this.#targetReserve]
    return new StoreError(
      'ERR_STORE_FULL',
      `the disk has ${room} bytes left, fewer than the ${target} bytes to hold in reserve`,
    )
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Why no new data is accepted; `undefined` if it is. @param uncommittedBytes bytes that wait to be written */
  fullBecause(uncommittedBytes: number): StoreError | 'max-bytes' | undefined {
    const cause = this.#fullBecause(uncommittedBytes)
    this.#isFull = cause !== undefined
    return cause
  }

  #fullBecause(uncommittedBytes: number): StoreError | 'max-bytes' | undefined {
    const { files, maxBytes } = this.#options
    const used = files.totalBytes + this.checkpointBytes + uncommittedBytes
    if (used > maxBytes * (this.#isFull ? 1 - relief : 1)) return 'max-bytes'
    if (this.#fullError !== undefined) return this.#fullError
    const isLow = this.#roomBytes < this.#lowBytes * (this.#isFull ? 2 : 1)
    if (!isLow) this.#low = undefined
    else this.#low ??= new StoreError('ERR_STORE_FULL', `the disk has only ${Math.floor(this.#roomBytes)} bytes left`)
    return this.#low
  }
}
