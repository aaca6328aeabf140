/**
 * The journal: turns as records, appended to segments. One append and one sync serve all turns that gathered meanwhile.
 *
 *   write ─> gather ─┐ (while a commit runs, the next gathers)
 *                    └─> append ─> sync ─> done          a `process` write is done after the append
 *
 * A failing disk is never fatal and never changes the order: the records already hold in memory, so they stay first in
 * line. The segment is no longer trusted, because after a failed sync nobody can tell which of its pages arrived (a
 * second sync may well report success). Everything that was not synced is written again, whole, to a new segment, whose
 * header states how much of the failed one counts. Nothing is acknowledged until that succeeds.
 *
 * @module
 */
import type { Timer } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import { within } from '../base/within.ts'
import type { WallTime } from '../base/wall-time.ts'
import { Batch, deferred } from './batch.ts'
import { headerBytes, RecordKind } from './frame.ts'
import { isFull } from './reserve.ts'
import { isCutDue, isTooLong } from './segment-cut.ts'
import { BackOff, SegmentLine } from './segment-line.ts'
import type { LineOptions, LineStart } from './segment-line.ts'
import type { Change, Durability } from './store.ts'
import type { StoreMetrics } from './store-metrics.ts'
import type { TurnBuffer } from './turn-buffer.ts'
import { UnsyncedBatches } from './unsynced-batches.ts'

/** Bytes that may be appended before a sync is due; fewer on a small volume. */
const unsyncedBytesAtMost = 8 << 20
/** A `process` write is synced at the latest after this time. */
const syncIntervalMs = 1000
/** How long a store that is closed waits for the mark at its end. */
const longestMarkMs = 250

export interface JournalStart extends LineStart {
  readonly lastSequence: number
  readonly newestRecordMs: number
}

type PlacedIn = (messageNumber: number, segment: number, offset: number, length: number) => void

export interface JournalOptions extends Omit<LineOptions, 'counters'> {
  readonly metrics: StoreMetrics
  /** The time with which records are stamped. */
  readonly wallTime: WallTime
  /** Highest numbers used so far. */
  readonly counters: () => { readonly lastSessionNumber: number; readonly lastMessageNumber: number }
  /** Called with the place where a message's payload will be, and again with its new place when a segment failed. */
  readonly placed: PlacedIn
  readonly moved: PlacedIn
  /** Called when the disk fails (with the cause), and when it recovers (without). */
  readonly health: (cause: Error | undefined) => void
}

/**
 * The point of a rotation: everything written before it is in earlier segments, or has a sequence that is no higher.
 */
export interface Rotation {
  readonly segment: number
  readonly sequence: number
}

export class Journal {
  lastSequence: number
  newestRecordMs: number
  #options: JournalOptions
  #line: SegmentLine
  #syncedSequence: number
  #gather: Batch
  #taken: Batch | undefined
  /** Appended since the last sync. */
  readonly #unsynced: UnsyncedBatches
  #running = false
  #closing = false
  #gaveUp = deferred()
  /** The error about changes that were lost on close. */
  #unstored: StoreError | undefined
  #backOff: BackOff | undefined
  #syncTimer: Timer | undefined
  #rotations: ((rotation: Rotation) => void)[] = []

  /** Starts a new segment and creates its file; older ones are never appended to again. */
  static async open(start: JournalStart, options: JournalOptions): Promise<Journal> {
    const journal = new Journal(start, options)
    const first = await journal.#line.open()
    journal.#gather.buffer.reset(first.number, headerBytes)
    return journal
  }

  private constructor(start: JournalStart, options: JournalOptions) {
    this.#options = options
    this.lastSequence = start.lastSequence
    this.#unsynced = new UnsyncedBatches(start.salt)
    this.#gather = new Batch(this.#unsynced.takeFree())
    this.#syncedSequence = start.lastSequence
    this.newestRecordMs = start.newestRecordMs
    const counters = (): ReturnType<LineOptions['counters']> => ({
      ...options.counters(),
      newestRecordMs: this.newestRecordMs,
    })
    this.#line = new SegmentLine(start, { ...options, counters })
  }

  /** Bytes of turns whose commit is not complete. */
  get uncommittedBytes(): number {
    return this.#gather.buffer.length + (this.#taken?.buffer.length ?? 0)
  }

  /** Whether the bytes at this place have been appended, so that they can be read. */
  isWritten(segment: number, offset: number): boolean {
    const waits = [this.#gather, this.#taken].filter((batch) => batch !== undefined && !batch.appended)
    return !waits.some((batch) => batch!.buffer.segment === segment && offset >= batch!.buffer.offset)
  }

  /**
   * Adds one turn, all or nothing. The order is kept whatever the levels.
   *
   * @param each called for each Change as it is packed, after the place of its message is known
   */
  write(changes: Iterable<Change>, level: Durability, each: (change: Change) => void): Promise<void> | undefined {
    const batch = this.#gather
    const { placed, wallTime } = this.#options
    const { segment } = batch.buffer
    this.newestRecordMs = Math.floor(wallTime.now())
    const stamp = {
      kind: RecordKind.turn,
      sequence: this.lastSequence + 1,
      wallMs: this.newestRecordMs,
      syncedSequence: this.#syncedSequence,
    }
    batch.buffer.add(changes, stamp, (message, offset, length) => placed(message, segment, offset, length), each)
    this.lastSequence++
    this.#kick()
    if (level === 'memory') return undefined
    if (level === 'process') return batch.written.promise
    batch.wantsSync = true
    return batch.synced.promise
  }

  /** Resolves when everything written so far is durable. */
  flush(): Promise<void> {
    this.#gather.wantsSync = true
    this.#kick()
    return this.#gather.synced.promise
  }

  /** Begins a new segment. */
  rotate(): Promise<Rotation> {
    return new Promise((resolve) => {
      this.#rotations.push(resolve)
      this.#kick()
    })
  }

  /**
   * Commits what waits. If the disk fails, it is tried once more and then given up.
   *
   * @throws {StoreError} `ERR_STORE_UNSTORED` for changes that were given up
   */
  async close(): Promise<void> {
    this.#closing = true
    this.#syncTimer?.cancel()
    this.#backOff?.end()
    await Promise.race([this.flush(), this.#gaveUp.promise])
    // A slow disk must not delay the end of a store in which everything is durable.
    const { clock, metrics } = this.#options
    const isSlow = metrics.lastCommitMs > longestMarkMs
    if (this.#unstored === undefined && !isSlow) await within(this.#mark(), longestMarkMs, clock)
    await this.#line.close()
    if (this.#unstored !== undefined) throw this.#unstored
  }

  /**
   * Records that everything is durable: a turn without Changes, as only a later record proves it of the last one.
   * Without that, damage in the last turn could not be told from a torn end, and would be cut off without a word.
   */
  async #mark(): Promise<void> {
    const { current } = this.#line
    if (current === undefined) return
    const { lastSequence, newestRecordMs } = this
    const stamp = {
      kind: RecordKind.turn,
      sequence: lastSequence + 1,
      wallMs: newestRecordMs,
      syncedSequence: lastSequence,
    }
    const buffer = this.#unsynced.takeFree()
    buffer.reset(current.number, current.file.size)
    buffer.add([], stamp, ignore, ignore)
    try {
      await current.file.append(buffer.bytes)
      await current.file.sync()
    } catch (error) {
      // Everything is stored all the same.
      this.#options.log.debug({ err: error }, 'the end of the journal could not be marked')
    }
  }

  #kick(): void {
    if (this.#running) return
    this.#running = true
    queueMicrotask(() => void this.#run())
  }

  async #run(): Promise<void> {
    while (this.#isDue()) {
      const { buffer } = this.#gather
      if (isTooLong(buffer.offset + buffer.length)) await this.#line.makeNext()
      // Given up: it stays "running", so that nothing starts it again.
      if (!(await this.#commit(this.#take()))) return
    }
    this.#running = false
  }

  #isDue(): boolean {
    const { buffer, wantsSync } = this.#gather
    if (buffer.records > 0 || wantsSync) return true
    if (this.#rotations.length === 0) return false
    if (this.#line.next === undefined) this.#prepareNext()
    return this.#line.next !== undefined
  }

  #prepareNext(): void {
    if (this.#closing) return
    void this.#line.makeNext().then(() => this.#kick())
  }

  /**
   * Takes the gathered turns for a commit; the next ones gather, in a new segment if this one is cut
   * (`segment-cut.ts`).
   */
  #take(): Batch {
    const batch = this.#gather
    const { segment, offset, length } = batch.buffer
    const { next } = this.#line
    const end = offset + length
    const buffer = this.#unsynced.takeFree()
    const isCut = isCutDue(end, this.#options.space.segmentBytes, this.#rotations.length > 0)
    if (isCut && next !== undefined && next.number !== segment) buffer.reset(next.number, headerBytes)
    else buffer.reset(segment, end)
    // A segment without records is as good as a new one.
    if (buffer.offset === headerBytes) this.#rotated(buffer.segment)
    else if (isCut && next === undefined) this.#prepareNext()
    this.#gather = new Batch(buffer)
    this.#taken = batch
    return batch
  }

  #rotated(segment: number): void {
    for (const resolve of this.#rotations.splice(0)) resolve({ segment, sequence: this.lastSequence })
  }

  /** @returns false if the commit was given up */
  async #commit(batch: Batch): Promise<boolean> {
    const { clock, metrics } = this.#options
    const begin = clock.now()
    const { records, length } = batch.buffer
    try {
      if (records > 0) await this.#append(batch)
      if (batch.wantsSync || this.#unsynced.bytes >= this.#unsyncedAtMost()) await this.#sync()
      else this.#syncLater()
    } catch (error) {
      if (records > 0 && !this.#unsynced.includes(batch)) this.#unsynced.push(batch)
      if (!(await this.#startOver(error as Error))) return false
    }
    this.#taken = undefined
    batch.written.resolve()
    if (batch.wantsSync) batch.synced.resolve()
    // Not before: what failed is written again as it is.
    this.#unsynced.joinLast()
    if (records > 0) metrics.committed(records, length, clock.now() - begin)
    return true
  }

  async #append(batch: Batch): Promise<void> {
    const line = this.#line
    if (batch.buffer.segment !== line.current?.number) {
      await this.#sync()
      await line.enterNext(batch.buffer.lastSequence - batch.buffer.records + 1)
    }
    const { file, number } = line.current!
    await file.append(batch.buffer.bytes)
    this.#unsynced.push(batch)
    batch.appended = true
    batch.written.resolve()
    this.#options.files.set(number, file.size)
  }

  #unsyncedAtMost(): number {
    return Math.min(unsyncedBytesAtMost, this.#options.space.unsyncedBytes)
  }

  async #sync(): Promise<void> {
    this.#syncTimer?.cancel()
    this.#syncTimer = undefined
    if (this.#unsynced.length === 0) return
    this.#options.metrics.syncs++
    await this.#line.current!.file.sync()
    this.#line.trust()
    this.#settle()
  }

  /** Everything appended is durable. */
  #settle(): void {
    for (const batch of this.#unsynced.settle()) {
      this.#syncedSequence = batch.buffer.lastSequence
      batch.written.resolve()
      batch.synced.resolve()
    }
  }

  #syncLater(): void {
    if (this.#syncTimer !== undefined || this.#unsynced.length === 0 || this.#closing) return
    this.#syncTimer = this.#options.clock.setTimer(syncIntervalMs, () => {
      this.#syncTimer = undefined
      void this.flush()
    })
  }

  /** A write or a sync failed: continues in a new segment as soon as one can be written. @returns false if given up */
  async #startOver(error: Error): Promise<boolean> {
    const { log, metrics, health, clock } = this.#options
    const backOff = new BackOff(clock)
    this.#backOff = backOff
    if (await this.#retriedFromReserve(error)) return true
    health(error)
    for (let cause: unknown = error; ;) {
      metrics.failures++
      log.error({ err: cause }, 'the journal cannot be written; nothing is acknowledged until it can be')
      try {
        await this.#writeAgain()
        break
      } catch (again) {
        cause = again
      }
      if (isFull(cause)) await this.#options.space.reportFull(cause)
      if (this.#closing) {
        const unstored = `the store was closed with ${this.uncommittedBytes} bytes of changes that could not be written`
        this.#unstored = new StoreError('ERR_STORE_UNSTORED', `${unstored}: ${(cause as Error).message}`, { cause })
        this.#gaveUp.resolve()
        return false
      }
      await backOff.wait()
    }
    health(undefined)
    log.info('the journal can be written again')
    return true
  }

  /** Releases the reserve on a full disk and retries at once, which succeeds if the space is enough. */
  async #retriedFromReserve(error: unknown): Promise<boolean> {
    const { space, metrics, log } = this.#options
    if (!isFull(error) || !(await space.reportFull(error))) return false
    metrics.failures++
    try {
      await this.#writeAgain()
      return true
    } catch (again) {
      log.debug({ err: again }, 'the disk is still full after the reserve was released')
      return false
    }
  }

  async #writeAgain(): Promise<void> {
    const { buffers } = this.#unsynced
    const first = buffers[0]!
    await this.#line.startOver(
      first.lastSequence - first.records + 1,
      buffers.map((buffer) => buffer.bytes),
      (segment) => this.#moveTo(segment, [...buffers, this.#gather.buffer]),
    )
    this.#settle()
  }

  #moveTo(segment: number, buffers: readonly TurnBuffer[]): void {
    let offset = headerBytes
    for (const buffer of buffers) {
      buffer.moveTo(segment, offset, (message, at, length) => this.#options.moved(message, segment, at, length))
      offset += buffer.length
    }
  }
}

function ignore(): void {}
