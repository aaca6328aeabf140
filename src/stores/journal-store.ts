/**
 * The durable Store: a journal of turns, checkpoints of the live state, and payloads in the segment where they were
 * first written.
 *
 *   write ──> journal-00000007.log      one record per turn, one sync for all that wait
 *               │ large enough
 *               v
 *             checkpoint-00000008.log   what lives, without payloads
 *             journal-00000003.log …    segments that still hold a live payload
 *
 * `docs/decisions/store.md` explains the design and the alternatives. A queued message takes about 100 bytes of memory
 * here, in addition to what the broker itself keeps.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { invariant } from '../base/errors.ts'
import { silentLogger } from '../base/log.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { WallTime } from '../base/wall-time.ts'
import { DamageReport } from './damage.ts'
import { emitState } from './emit-state.ts'
import { Journal } from './journal.ts'
import { LiveState } from './live-state.ts'
import { Maintenance } from './maintenance.ts'
import type { PayloadLocation } from './message-index.ts'
import { openNodeDisk } from './node-disk.ts'
import { PayloadReader } from './payload-reader.ts'
import { recover } from './recover.ts'
import type { Recovered } from './recover.ts'
import { isFull } from './reserve.ts'
import { SegmentFiles, segmentName } from './segment-files.ts'
import { Space } from './space.ts'
import type { Change, Damage, Durability, Loaded, LoadProgress, Store, StoreFigures, StoreHealth } from './store.ts'
import { StoreMetrics } from './store-metrics.ts'
import { copyStore } from './store-tools.ts'

export interface JournalStoreOptions {
  readonly disk: Disk
  readonly clock: Clock
  /** Default: silent. */
  readonly log?: Logger
  /** Bytes on disk above which the store reports itself full. Default: limited by the disk only. */
  readonly maxBytes?: number
  /** Size at which the journal moves on to the next segment. Default: 64 MiB. */
  readonly segmentBytes?: number
  /**
   * Bytes of journal after which a checkpoint is made, or four times the last checkpoint if that is more. A small or
   * nearly full volume gets one sooner. Default: 128 MiB.
   */
  readonly checkpointBytes?: number
  /**
   * Keeps what is readable of a damaged store, sets the damaged files aside, and reports them (`damage`). Default:
   * false.
   */
  readonly repair?: boolean
}

export interface StoreStats {
  readonly sessions: number
  readonly retained: number
  readonly messages: number
  /** Bytes of live messages in segments, and of all segments. */
  readonly liveBytes: number
  readonly diskBytes: number
  readonly segments: number
  readonly turns: number
  readonly uncommittedBytes: number
}

interface Running {
  readonly journal: Journal
  readonly maintenance: Maintenance
}

export class JournalStore implements Store {
  readonly keeps = true
  readonly metrics = new StoreMetrics()
  #options: JournalStoreOptions
  #log: Logger
  #state = new LiveState()
  #files: SegmentFiles
  #payloads: PayloadReader
  #space: Space
  #damage: DamageReport
  #running: Running | undefined
  #health: StoreHealth = { condition: 'well', cause: undefined }
  #diskFault: Error | undefined
  #listeners: ((health: StoreHealth) => void)[] = []
  #closeDisk: () => Promise<void>

  /** @param closeDisk called at the end of `close` */
  constructor(options: JournalStoreOptions, closeDisk: () => Promise<void> = () => Promise.resolve()) {
    this.#options = options
    this.#log = options.log ?? silentLogger
    this.#files = new SegmentFiles(options.disk)
    this.#payloads = new PayloadReader({
      files: this.#files,
      messages: this.#state.messages,
      clock: options.clock,
      log: this.#log,
      written: (location) => this.#written(location),
    })
    this.#space = new Space({
      disk: options.disk,
      files: this.#files,
      clock: options.clock,
      log: this.#log,
      metrics: this.metrics,
      maxBytes: options.maxBytes ?? Infinity,
      segmentBytes: options.segmentBytes,
      checkpointBytes: options.checkpointBytes,
      changed: () => this.#judge(),
    })
    this.#damage = new DamageReport(options.disk.path, options.repair ?? false)
    this.#closeDisk = closeDisk
  }

  /** What a repair found. */
  get damage(): readonly Damage[] {
    return this.#damage.found
  }

  get health(): StoreHealth {
    return this.#health
  }

  get roomBytes(): number {
    return this.#space.roomBytes
  }

  /** Bytes of turns whose commit is not complete: they stay in memory while the disk fails. */
  get uncommittedBytes(): number {
    return this.#running?.journal.uncommittedBytes ?? 0
  }

  /** Calls `listener` whenever `health` changes. */
  onHealth(listener: (health: StoreHealth) => void): void {
    this.#listeners.push(listener)
  }

  async load(
    apply: (change: Change) => void,
    progress: (progress: LoadProgress) => void = ignore,
    begins: (newestRecordMs: number) => void = ignore,
  ): Promise<Loaded> {
    invariant(this.#running === undefined, 'a store is loaded once')
    const recovered = await recover(this.#files, this.#state, this.#damage, progress)
    const wallTime = new WallTime(this.#options.clock, recovered.newestRecordMs)
    begins(recovered.newestRecordMs)
    await emitState(this.#files, this.#state, recovered, this.#damage, apply, progress)
    this.#state.strict = true
    await this.#space.begin(recovered.checkpointBytes)
    this.#running = await this.#begin(recovered, wallTime)
    await this.#tidy(recovered)
    this.#judge()
    if (this.#health.condition === 'full') this.#running.maintenance.relieve()
    else this.#running.maintenance.refill()
    const { lastSessionNumber, lastMessageNumber } = this.#state
    return { lastSessionNumber, lastMessageNumber, newestRecordMs: recovered.newestRecordMs }
  }

  /** Hot: once a turn. Disk faults never reject the promise: it waits until the disk works again (see `health`). */
  write(changes: readonly Change[], level: Durability): MaybePromise<void> {
    if (changes.length === 0) return undefined
    const { journal, maintenance } = this.#begun()
    this.metrics.turns++
    this.metrics.changes += changes.length
    const done = journal.write(changes, level, this.#apply)
    this.#state.sweep()
    this.#state.messages.forgetReleased()
    maintenance.look()
    this.#judge()
    return done
  }

  read(messageNumbers: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    this.#begun()
    this.metrics.payloadsRead += messageNumbers.length
    return this.#payloads.read(messageNumbers)
  }

  /**
   * @throws {StoreError} `ERR_STORE_UNSTORED` if the disk did not accept pending writes; everything is closed
   * nevertheless
   */
  async close(): Promise<void> {
    await this.#running?.maintenance.close()
    try {
      await this.#running?.journal.close()
    } finally {
      await this.#files.close()
      await this.#closeDisk()
    }
  }

  stats(): StoreStats {
    return {
      sessions: this.#state.sessionCount,
      retained: this.#state.retainedCount,
      messages: this.#state.messages.size,
      liveBytes: this.#state.usage.total.liveBytes,
      diskBytes: this.#files.totalBytes,
      segments: this.#files.count,
      turns: this.#running?.journal.lastSequence ?? 0,
      uncommittedBytes: this.uncommittedBytes,
    }
  }

  figures(): StoreFigures {
    const { turns, changes, commits, syncs, failures, journalBytes } = this.metrics
    const { lastBatchTurns, maxBatchTurns, lastCommitMs, maxCommitMs } = this.metrics
    const { checkpoints, lastCheckpointMs, lastCheckpointBytes } = this.metrics
    const { segmentsRemoved, segmentsRewritten, payloadsRead, timesFull } = this.metrics
    return {
      ...{ turns, changes, commits, syncs, failures, journalBytes },
      ...{ lastBatchTurns, maxBatchTurns, lastCommitMs, maxCommitMs },
      commitP50Ms: this.metrics.commitMs(0.5),
      commitP99Ms: this.metrics.commitMs(0.99),
      ...{ checkpoints, lastCheckpointMs, lastCheckpointBytes },
      ...{ segmentsRemoved, segmentsRewritten, payloadsRead, timesFull },
      segments: this.#files.count,
      diskBytes: this.#files.totalBytes,
      reserveBytes: this.#space.reserve.size,
      liveBytes: this.#state.usage.total.liveBytes,
      uncommittedBytes: this.uncommittedBytes,
    }
  }

  /** Folds the journal now, and frees what can be freed. */
  compact(): Promise<void> {
    return this.#begun().maintenance.compact()
  }

  /** Copies everything durable to another, empty Disk, while the store keeps running. */
  async backup(to: Disk): Promise<void> {
    const { journal, maintenance } = this.#begun()
    await journal.flush()
    await maintenance.hold(() => copyStore(this.#options.disk, to))
  }

  #apply = (change: Change): void => this.#state.apply(change)

  #begun(): Running {
    invariant(this.#running !== undefined, 'a store is loaded before it is used')
    return this.#running
  }

  async #begin(recovered: Recovered, wallTime: WallTime): Promise<Running> {
    const { clock } = this.#options
    const salt = recovered.salt ?? new DataView(clock.randomBytes(4).slice().buffer).getUint32(0)
    const common = {
      files: this.#files,
      state: this.#state,
      clock,
      log: this.#log,
      metrics: this.metrics,
      salt,
      space: this.#space,
    }
    const { messages } = this.#state
    const openJournal = (): Promise<Journal> =>
      Journal.open(
        {
          nextNumber: recovered.nextNumber,
          previous: recovered.lastSegment,
          previousSize: recovered.lastSegmentSize,
          salt,
          lastSequence: recovered.lastSequence,
          newestRecordMs: recovered.newestRecordMs,
        },
        {
          ...common,
          wallTime,
          counters: () => this.#state,
          placed: (messageNumber, segment, offset, length) => messages.place(messageNumber, segment, offset, length),
          moved: (messageNumber, segment, offset, length) => {
            // It may be gone already.
            if (messages.has(messageNumber)) messages.place(messageNumber, segment, offset, length)
          },
          health: (cause) => {
            this.#diskFault = cause
            this.#judge()
          },
        },
      )
    const journal = await this.#withRoom(recovered, openJournal)
    const { tailFrom, tailBytes } = recovered
    const maintenance = new Maintenance({
      ...common,
      journal,
      payloads: this.#payloads,
      tailFrom,
      tailBytes,
    })
    return { journal, maintenance }
  }

  /** A full disk may not even allow a new file: then leftover files are removed first, and the reserve is released. */
  async #withRoom(recovered: Recovered, open: () => Promise<Journal>): Promise<Journal> {
    try {
      return await open()
    } catch (error) {
      if (!isFull(error)) throw error
      const there = new Set(await this.#options.disk.list())
      for (const name of recovered.leftovers) if (there.has(name)) await this.#options.disk.remove(name)
      await this.#space.reportFull(error)
      return open()
    }
  }

  /** Once the new segment exists, torn and leftover files can be removed. */
  async #tidy(recovered: Recovered): Promise<void> {
    const { disk } = this.#options
    const damaged = new Set(this.#damage.found.map(({ name }) => name))
    const { lastSegment, lastSegmentSize } = recovered
    if (lastSegment > 0) {
      await this.#files.use(lastSegment, async (file) => {
        const isDamaged = damaged.has(segmentName(lastSegment))
        if (!isDamaged && file.size > lastSegmentSize) await file.cut(lastSegmentSize)
        // The file may still be in the operating system's memory only, and others depend on it from now on; a repair's
        // checkpoint above all.
        await file.sync()
      })
    }
    if (damaged.size > 0) await this.#begun().maintenance.setAside([...damaged])
    // A repair has made a checkpoint meanwhile, which removes older ones.
    const there = new Set(await disk.list())
    for (const name of recovered.leftovers) if (there.has(name)) await disk.remove(name)
    for (const name of recovered.garbage) {
      if (!there.has(name)) continue
      await disk.rename(name, `${name}.damaged`)
      this.#log.warn(`nothing in ${name} can be read, which a power cut can cause; it was renamed to ${name}.damaged`)
    }
    await disk.syncNames()
    for (const { path, what } of this.#damage.notes) this.#log.warn(`${path}: ${what}; no data was lost`)
  }

  /** Resolves when the bytes at this place can be read; `undefined` if they already can. */
  #written({ segment, offset }: PayloadLocation): Promise<void> | undefined {
    const { journal } = this.#begun()
    return journal.isWritten(segment, offset) ? undefined : journal.flush()
  }

  /** Hot: whenever bytes are added or removed. */
  #judge(): void {
    const fullBecause = this.#space.fullBecause(this.uncommittedBytes)
    const cause = this.#diskFault ?? fullBecause
    const condition = this.#diskFault !== undefined ? 'failing' : cause === undefined ? 'well' : 'full'
    const { condition: before, cause: causeBefore } = this.#health
    if (condition === before && (cause === 'max-bytes') === (causeBefore === 'max-bytes')) return
    this.#health = { condition, cause }
    for (const listener of this.#listeners) listener(this.#health)
    if (condition === 'full') this.#running?.maintenance.relieve()
  }
}

function ignore(): void {}

/**
 * Opens a folder as a Store, for this process alone. Call `load` next.
 *
 * @param options.path the folder; created if it is missing
 * @throws {StoreError} `ERR_STORE_LOCKED`, `ERR_STORE_ACCESS`, `ERR_STORE_FULL` or `ERR_STORE_DISK`; `load` then throws
 * `ERR_STORE_DAMAGED`, `ERR_STORE_FOREIGN` or `ERR_STORE_VERSION`, whose messages list the choices
 */
export async function openStore(
  options: Omit<JournalStoreOptions, 'disk'> & { readonly path: string },
): Promise<JournalStore> {
  const disk = await openNodeDisk(options.path)
  return new JournalStore({ ...options, disk }, () => disk.close())
}
