/**
 * How much room a store has, and what follows from it: how large a segment may be, when a checkpoint is due, how much is held in
 * reserve, and whether the store is full.
 *
 *   volume   | segments that live | what died since the checkpoint | checkpoint | reserve |  room  |
 *              small where little is free, so that it is freed soon ^           ^ for what takes away, and one checkpoint
 *
 * The disk is asked once a second at most; in between, what was written is subtracted.
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
/** No checkpoint is made for less, however little room there is. */
const smallestFoldBytes = 64 << 10
/** What the reserve has besides a checkpoint: a share of the volume, within these. */
const reserveShare = 32
const smallestSlackBytes = 64 << 10
const largestSlackBytes = 4 << 20
/** A checkpoint may have grown so much since the last one. */
const checkpointGrowth = 1.25
/** How often the disk is asked. */
const pollMs = 1000
/** A store that was full takes new things on once it is below its limit by this share. */
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
  /** Told when the store may have become full, or have room again. */
  readonly changed: () => void
}

export class Space {
  readonly reserve: Reserve
  /** Size of the newest checkpoint. */
  checkpointBytes = 0
  readonly #options: SpaceOptions
  /** Of the volume, when the disk was asked last; Infinity where it does not say. */
  #freeBytes = Infinity
  #volumeBytes = Infinity
  #writtenAtPoll = 0
  #polledAtMs = 0
  #polling: Promise<void> | undefined
  /** What the disk said when the reserve had to be released; it is not back since. */
  #ranOut: StoreError | undefined
  /** What is said while little room is left, if the reserve is whole. */
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
    if (!this.#hasReserve && !this.#hasRoomForReserve) this.#ranOut = this.#noRoom()
  }

  // ---- how large things may be ----

  /** Bytes that the store may take in all. */
  get #limitBytes(): number {
    return Math.min(this.#volumeBytes, this.#options.maxBytes)
  }

  get segmentBytes(): number {
    const { segmentBytes = defaultSegmentBytes, maxBytes } = this.#options
    return Math.min(segmentBytes, maxBytes / 16, Math.max(this.#volumeBytes / 16, smallestSegmentBytes))
  }

  /** Bytes of the journal that may be appended without a sync: should one fail, they are written twice. */
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

  /** What dead bytes are worth a checkpoint of a full store. */
  get worthFoldingBytes(): number {
    return Math.max(Math.min(this.foldBytes, smallestFoldBytes) / 2, this.checkpointBytes / 8)
  }

  get #slackBytes(): number {
    return Math.min(Math.max(this.#limitBytes / reserveShare, smallestSlackBytes), largestSlackBytes)
  }

  get #wantedReserve(): number {
    // Where there is no end, as on a disk in memory, there is nothing to hold back.
    if (this.#freeBytes === Infinity) return 0
    return Math.ceil(this.#slackBytes + this.checkpointBytes * checkpointGrowth)
  }

  // ---- how much room there is ----

  /** Bytes that the disk takes, as far as is known. */
  get #roomBytes(): number {
    return Math.max(0, this.#freeBytes - (this.#options.metrics.journalBytes - this.#writtenAtPoll))
  }

  get #roomBelowLimit(): number {
    const { files, maxBytes } = this.#options
    return Math.max(0, maxBytes - files.totalBytes - this.checkpointBytes)
  }

  /**
   * Bytes that can be written now: of new things while it is not full, then of what takes away. `maxBytes` is a limit that
   * counts once it is passed, so a little more than it leaves is taken.
   */
  get roomBytes(): number {
    const { maxBytes } = this.#options
    if (this.#isFull) return this.#roomBytes + this.reserve.size
    if (maxBytes === Infinity) return this.#roomBytes
    return Math.min(this.#roomBytes, this.#roomBelowLimit + Math.max(maxBytes * relief, smallestSlackBytes))
  }

  /** Whether so little is left that segments are rewritten which are not sparse. */
  get isTight(): boolean {
    return Math.min(this.#roomBytes, this.#roomBelowLimit) < this.#limitBytes / 8
  }

  /** Whether a segment of which so much lives can be written again. */
  hasRoomFor(bytes: number): boolean {
    return bytes + this.#lowBytes <= this.#roomBytes
  }

  /** With less than that the disk counts as full. */
  get #lowBytes(): number {
    return this.#freeBytes === Infinity ? 0 : this.#slackBytes / 4
  }

  /** Asks the disk, unless that is under way. */
  poll(): Promise<void> {
    this.#polling ??= this.#poll().finally(() => (this.#polling = undefined))
    return this.#polling
  }

  /** Hot: after every turn. Asks the disk now and then. */
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
      log.debug({ err: error }, 'the disk does not say how much of it is free')
    }
    this.#options.changed()
  }

  // ---- full ----

  /**
   * The disk has said that it is full: what is held in reserve is given back to it.
   *
   * @returns whether there was a reserve, so that trying again may succeed
   */
  async ranOut(error: StoreError): Promise<boolean> {
    if (!(await this.#release())) return false
    this.#ranOut = error
    this.#options.metrics.timesFull++
    await this.poll()
    return true
  }

  /** A disk that is full may fail in other ways as well: then there is no reserve, and the caller tries again later. */
  async #release(): Promise<boolean> {
    try {
      return await this.reserve.release()
    } catch (error) {
      this.#options.log.warn({ err: error }, 'the space held in reserve could not be given back')
      return false
    }
  }

  /** Does something that may run out of space once more, with what is held in reserve. */
  async withReserve(work: () => Promise<void>): Promise<void> {
    try {
      await work()
    } catch (error) {
      if (!isFull(error) || !(await this.ranOut(error))) throw error
      await work()
    }
  }

  /** Sets aside again what should be, if there is room; a full store is not full any more then. */
  async refill(): Promise<void> {
    await this.poll()
    const wanted = this.#wantedReserve
    const isTooLarge = this.reserve.size > wanted * 2
    if (isTooLarge || (!this.#hasReserve && this.#hasRoomForReserve)) await this.reserve.fill(wanted)
    this.#ranOut = this.#hasReserve ? undefined : (this.#ranOut ?? this.#noRoom())
    await this.poll()
  }

  /** A little less will do: a checkpoint seldom is larger than the last. */
  get #hasReserve(): boolean {
    return this.reserve.size * checkpointGrowth >= this.#wantedReserve
  }

  get #hasRoomForReserve(): boolean {
    return this.#roomBytes >= this.#wantedReserve - this.reserve.size + this.#lowBytes * 2
  }

  #noRoom(): StoreError {
    const [room, wanted] = [Math.floor(this.#roomBytes), this.#wantedReserve]
    return new StoreError('ERR_STORE_FULL', `the disk has ${room} bytes left, too few to hold ${wanted} in reserve`)
  }

  get isFull(): boolean {
    return this.#isFull
  }

  /** Why nothing new can be taken on; `undefined` if it can. @param uncommittedBytes what waits to be written */
  fullBecause(uncommittedBytes: number): StoreError | 'max-bytes' | undefined {
    const cause = this.#fullBecause(uncommittedBytes)
    this.#isFull = cause !== undefined
    return cause
  }

  #fullBecause(uncommittedBytes: number): StoreError | 'max-bytes' | undefined {
    const { files, maxBytes } = this.#options
    const used = files.totalBytes + this.checkpointBytes + uncommittedBytes
    if (used > maxBytes * (this.#isFull ? 1 - relief : 1)) return 'max-bytes'
    if (this.#ranOut !== undefined) return this.#ranOut
    const isLow = this.#roomBytes < this.#lowBytes * (this.#isFull ? 2 : 1)
    if (!isLow) this.#low = undefined
    else this.#low ??= new StoreError('ERR_STORE_FULL', `the disk has only ${Math.floor(this.#roomBytes)} bytes left`)
    return this.#low
  }
}
