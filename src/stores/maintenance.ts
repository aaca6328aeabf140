/**
 * Keeps a running store small: makes checkpoints, removes dead segments, and copies the few live messages of sparse
 * ones forward.
 *
 *   journal grown ─> checkpoint ─> remove dead segments ─> rewrite sparse ones (their live messages go to the newest)
 *
 * One task runs at a time, in the background and in slices, while commits continue. A segment is removed only once the
 * turns that made it dead are durable.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { DamageReport } from './damage.ts'
import type { Damage } from './store.ts'
import { eachMessage } from './emit-state.ts'
import type { Journal } from './journal.ts'
import type { LiveState } from './live-state.ts'
import type { PayloadReader } from './payload-reader.ts'
import { numberOfName, partName, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Space } from './space.ts'
import type { Change, MessageRecord } from './store.ts'
import type { StoreMetrics } from './store-metrics.ts'

/** The interval between two checks of a running store. */
const checkIntervalMs = 1000
/**
 * A folded segment is rewritten when less than this share of it is live; where space is scarce, the second share
 * applies.
 */
const sparseShare = 0.25
const tightShare = 0.75
/** Messages are copied forward in groups of at most this many messages, or bytes. */
const moveAtOnce = 64
const moveBytes = 256 << 10
/** How often a full store checks for free space. */
const reliefIntervalMs = 1000
/** Many small segments, as after many restarts, are folded whatever their size. */
const tailSegmentsAtMost = 64

export interface MaintenanceOptions {
  readonly files: SegmentFiles
  readonly state: LiveState
  readonly journal: Journal
  readonly payloads: PayloadReader
  readonly clock: Clock
  readonly log: Logger
  readonly metrics: StoreMetrics
  readonly salt: number
  readonly space: Space
  /** The first segment that no checkpoint covers, and the size of the tail from there on. */
  readonly tailFrom: number
  readonly tailBytes: number
}

export class Maintenance {
  #options: MaintenanceOptions
  /** Segments before this one are folded. */
  #foldedBelow: number
  /** The journal's byte count when the last checkpoint began, minus the tail that the start found. */
  #foldedJournalBytes: number
  #checkedAt = 0
  /** Damaged segments whose readable messages were moved already. */
  #unmovable = new Set<number>()
  /** The end of the task that was started last, and the number of unfinished tasks. */
  #last = Promise.resolve()
  #waiting = 0
  #closed = false
  /** Dead bytes at the last check whether they can be freed. */
  #deadBytesSeen = 0
  #hasFailed = false
  #isRelieving = false
  #reliefTimer: Timer | undefined
  #stop: (error: Error) => void = () => undefined
  #stopped: Promise<never>

  constructor(options: MaintenanceOptions) {
    this.#options = options
    this.#foldedBelow = options.tailFrom
    this.#foldedJournalBytes = options.metrics.journalBytes - options.tailBytes
    this.#stopped = new Promise((_, reject) => (this.#stop = reject))
    this.#stopped.catch(() => options.log.debug('maintenance of the store stopped'))
  }

  /** Hot: after every turn. Starts what is due. */
  look(): void {
    if (this.#waiting > 0 || this.#closed) return
    const { space } = this.#options
    space.look()
    if (space.isTight && this.#reliefTimer === undefined) this.#relieveLater()
    if (this.#tailBytes() >= space.foldBytes || (space.isFull && this.#isWorthFolding())) {
      void this.#start(() => this.#checkpointAndClean())
      return
    }
    const now = this.#options.clock.now()
    if (now - this.#checkedAt < checkIntervalMs) return
    this.#checkedAt = now
    if (this.#tailSegments() > tailSegmentsAtMost) void this.#start(() => this.#checkpointAndClean())
    else if (this.#removable().length > 0) void this.#start(() => this.#removeDead())
  }

  /** Makes a checkpoint now and cleans up after it; resolves when both are done. */
  async compact(): Promise<void> {
    await this.#start(() => this.#checkpointAndClean(), true)
  }

  /** Sets the reserve aside, in the background. */
  refill(): void {
    void this.#start(() => this.#options.space.refill())
  }

  /**
   * Frees what space it can at once, and again every second while the store is full or is written while space is low:
   * the last freed bytes must not wait for a write that may never be accepted.
   */
  relieve(): void {
    if (this.#isRelieving || this.#closed) return
    this.#reliefTimer?.cancel()
    this.#isRelieving = true
    const { metrics, space } = this.#options
    const { journalBytes } = metrics
    void this.#start(() => this.#relieve()).then(() => {
      this.#isRelieving = false
      this.#reliefTimer = undefined
      if (space.isFull || (space.isTight && metrics.journalBytes > journalBytes)) this.#relieveLater()
    })
  }

  #relieveLater(): void {
    if (this.#closed) return
    this.#reliefTimer = this.#options.clock.setTimer(reliefIntervalMs, () => this.relieve())
  }

  async #relieve(): Promise<void> {
    const { space } = this.#options
    if (space.isTight && this.#isWorthFolding()) await this.#checkpointAndClean()
    else {
      await this.#removeDead()
      await space.refill()
    }
  }

  /** Whether a checkpoint and the cleanup after it would free enough. Checked again when as much more has died. */
  #isWorthFolding(): boolean {
    const { files, state, space } = this.#options
    const deadBytes = files.totalBytes - state.usage.total.liveBytes
    this.#deadBytesSeen = Math.min(this.#deadBytesSeen, deadBytes)
    if (deadBytes - this.#deadBytesSeen < space.worthFoldingBytes) return false
    this.#deadBytesSeen = deadBytes
    return this.#freeableBytes() >= space.worthFoldingBytes
  }

  #freeableBytes(): number {
    const { files, state } = this.#options
    return files.numbers
      .filter((number) => this.#liveShare(number) < tightShare)
      .reduce((sum, number) => sum + files.sizeOf(number) - state.usage.of(number).liveBytes, 0)
  }

  /** Runs `work` while nothing is folded, moved or removed. */
  async hold<Value>(work: () => Promise<Value>): Promise<Value> {
    let value: Value | undefined
    await this.#start(async () => void (value = await work()), true)
    return value as Value
  }

  /** Sets damaged files aside, once everything readable in them is stored elsewhere. */
  async setAside(names: readonly string[]): Promise<void> {
    const { files, log } = this.#options
    await this.#start(async () => {
      await this.#options.space.withReserve(() => this.#checkpoint(names))
      const damaged = files.numbers.filter((segment) => names.includes(segmentName(segment)))
      // Their damage was reported when they were loaded.
      for (const number of damaged) await this.#moveForward(number, ignore)
      await this.#leave(damaged, ignore)
      const there = await files.disk.list()
      for (const name of names.filter((damaged) => there.includes(damaged))) {
        await files.disk.rename(name, `${name}.damaged`)
        log.warn(`${name} was damaged and was renamed to ${name}.damaged; its readable content is in the store`)
      }
      await files.disk.syncNames()
    }, true)
  }

  async close(): Promise<void> {
    this.#closed = true
    this.#reliefTimer?.cancel()
    this.#stop(new StoreError('ERR_STORE_CLOSED', 'the store was closed'))
    await this.#last
  }

  /** Runs one task after another. A failure is logged and retried later, unless the caller asked for the task. */
  #start(work: () => Promise<void>, loud = false): Promise<void> {
    this.#waiting++
    const done = this.#last.then(() => this.#guarded(work, loud))
    // The next task waits for the end of this one, whether it succeeds or fails.
    this.#last = done.catch(ignore).finally(() => this.#waiting--)
    return done
  }

  async #guarded(work: () => Promise<void>, loud: boolean): Promise<void> {
    try {
      await work()
      this.#hasFailed = false
    } catch (error) {
      if (loud) throw error
      if (!this.#closed) this.#reportFailure(error)
      // A full store tries again at every check, because space may have been freed meanwhile.
      this.#deadBytesSeen = 0
      this.#foldedJournalBytes = this.#options.metrics.journalBytes - Math.floor(this.#options.space.foldBytes / 2)
    }
  }

  /** Logs once, however often it fails in a row. */
  #reportFailure(error: unknown): void {
    const { log } = this.#options
    const sentence = 'maintenance of the store failed and will be retried'
    if (this.#hasFailed) log.debug({ err: error }, sentence)
    else log.warn({ err: error }, sentence)
    this.#hasFailed = true
  }

  #unlessClosed = <Value>(promise: Promise<Value>): Promise<Value> => Promise.race([promise, this.#stopped])

  #tailBytes(): number {
    return this.#options.metrics.journalBytes - this.#foldedJournalBytes
  }

  #tailSegments(): number {
    return this.#options.files.numbers.filter((number) => number >= this.#foldedBelow).length
  }

  async #checkpointAndClean(): Promise<void> {
    const { space } = this.#options
    await space.withReserve(() => this.#checkpoint())
    await this.#removeDead()
    for (const number of this.#emptiest()) {
      await space.poll()
      if (!this.#isWorthMoving(number)) break
      await this.#moveForward(number)
      await this.#removeDead()
      // Damaged messages cannot be moved and keep their segment until they are gone.
      if (this.#options.files.sizeOf(number) > 0) this.#unmovable.add(number)
      else this.#options.metrics.segmentsRewritten++
    }
    await space.refill()
  }

  /** @param kept files that must not be removed, because they are damaged and are renamed later */
  async #checkpoint(kept: readonly string[] = []): Promise<void> {
    const { metrics, clock, space } = this.#options
    const begin = clock.now()
    const journalBytes = metrics.journalBytes
    try {
      const { from, bytes } = await writeCheckpoint({ ...this.#options, unlessClosed: this.#unlessClosed })
      this.#foldedBelow = from
      this.#foldedJournalBytes = journalBytes
      space.checkpointBytes = bytes
      metrics.checkpoints++
      metrics.lastCheckpointMs = clock.now() - begin
      metrics.lastCheckpointBytes = bytes
    } catch (error) {
      // An error during cleanup must not hide the original one.
      await this.#removeOldCheckpoints(kept).catch((again: unknown) => {
        this.#options.log.debug(
          { err: again },
          'an unfinished checkpoint could not be removed; the next checkpoint removes it',
        )
      })
      throw error
    }
    await this.#removeOldCheckpoints(kept)
  }

  /** Also removes what is left of a failed one. */
  async #removeOldCheckpoints(kept: readonly string[]): Promise<void> {
    const { disk } = this.#options.files
    for (const name of await disk.list()) {
      const isPart = name.startsWith('checkpoint-') && name.endsWith(partName(''))
      const isOld = (numberOfName('checkpoint', name) ?? Infinity) < this.#foldedBelow && !kept.includes(name)
      if (isPart || isOld) await disk.remove(name)
    }
    await disk.syncNames()
  }

  /** Folded segments without live messages. */
  #removable(): number[] {
    const { files, state } = this.#options
    return files.numbers.filter((number) => number < this.#foldedBelow && state.usage.of(number).liveMessages === 0)
  }

  async #removeDead(): Promise<void> {
    const { files, metrics } = this.#options
    const dead = this.#removable()
    if (dead.length === 0) return
    await this.#leave(dead, async (number) => {
      await files.disk.remove(segmentName(number))
      metrics.segmentsRemoved++
    })
    await files.disk.syncNames()
  }

  /**
   * Forgets segments from which nothing is needed any more, and calls `then` for each. No segment that was in use may
   * go in any other way.
   */
  async #leave(segments: readonly number[], then: (segment: number) => Promise<void> | void): Promise<void> {
    const { files, state, journal } = this.#options
    if (segments.length === 0) return
    // They are not needed because of turns that may not have reached the disk yet.
    await this.#unlessClosed(journal.flush())
    // A turn without Changes marks those before it as durable: damage in the last of them is not mistaken for a torn
    // end.
    void journal.write([], 'memory', ignore)
    for (const number of segments) {
      await files.drop(number)
      state.usage.forget(number)
      this.#unmovable.delete(number)
      await then(number)
    }
  }

  /** Folded segments, the emptiest first. */
  #emptiest(): number[] {
    return this.#options.files.numbers
      .filter((number) => number < this.#foldedBelow && !this.#unmovable.has(number))
      .toSorted((a, b) => this.#liveShare(a) - this.#liveShare(b))
  }

  /** The live share of a segment; 0 if its live bytes are few compared with a full segment. */
  #liveShare(segment: number): number {
    const { files, state, space } = this.#options
    const { liveBytes } = state.usage.of(segment)
    return liveBytes < space.segmentBytes / 16 ? 0 : liveBytes / files.sizeOf(segment)
  }

  #isWorthMoving(segment: number): boolean {
    const { state, space } = this.#options
    const share = space.isTight ? tightShare : sparseShare
    return this.#liveShare(segment) < share && space.hasRoomFor(state.usage.of(segment).liveBytes)
  }

  /** Writes a segment's live messages again, at the end of the journal. */
  async #moveForward(segment: number, report = this.#logDamage): Promise<void> {
    const { files, state, salt, clock } = this.#options
    const found: { message: MessageRecord; offset: number }[] = []
    // Payloads are verified when they are read.
    const damage = new DamageReport(files.disk.path, true, false)
    await eachMessage(files, segment, salt, damage, (message, offset) => {
      if (state.messages.liesAt(message.messageNumber, segment, offset)) found.push({ message, offset })
    })
    for (const each of damage.found) report(each)
    while (found.length > 0) {
      const some = takeSome(found)
      await this.#move(segment, some)
      await this.#unlessClosed(new Promise<void>((resolve) => void clock.setTimer(1, resolve)))
    }
  }

  #logDamage = ({ name, path, offset, what }: Damage): void => {
    this.#options.log.error({ name, offset }, `${path} is damaged at byte ${offset}: ${what}`)
  }

  async #move(segment: number, some: readonly { message: MessageRecord; offset: number }[]): Promise<void> {
    const { state, journal, payloads } = this.#options
    const live = some.filter(({ message, offset }) => state.messages.liesAt(message.messageNumber, segment, offset))
    const read = await payloads.read(live.map(({ message }) => message.messageNumber))
    const changes: Change[] = []
    for (const [index, { message, offset }] of live.entries()) {
      // It may be gone since it was read, or damaged; its reader gets an error later.
      const payload = read[index]
      if (payload === undefined || !state.messages.liesAt(message.messageNumber, segment, offset)) continue
      changes.push({ kind: 'message', message: { ...message, payload } })
    }
    if (changes.length > 0) void journal.write(changes, 'memory', ignore)
  }
}

/** From the end, as many as are moved at a time. */
function takeSome(found: { message: MessageRecord; offset: number }[]): typeof found {
  let from = found.length
  let bytes = 0
  do bytes += found[--from]!.message.payloadOnDiskBytes ?? 0
  while (from > 0 && found.length - from < moveAtOnce && bytes < moveBytes)
  return found.splice(from)
}

function ignore(): void {}
