/**
 * Keeps a store small while it runs: checkpoints, removal of segments in which nothing lives, and copying forward what
 * little lives in others.
 *
 *   journal grown ─> checkpoint ─> remove dead segments ─> rewrite sparse ones (their live messages go to the newest)
 *
 * One thing at a time, in the background, in slices; commits go on. A segment is removed only once the turns that left it
 * dead are durable.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { writeCheckpoint } from './checkpoint.ts'
import { DamageReport } from './damage.ts'
import type { Damage } from './store.ts'
import { eachMessage } from './give-back.ts'
import type { Journal } from './journal.ts'
import type { LiveState } from './live-state.ts'
import type { PayloadReader } from './payload-reader.ts'
import { numberOfName, partName, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Space } from './space.ts'
import type { Change, MessageRecord } from './store.ts'
import type { StoreMetrics } from './store-metrics.ts'

/** How often a running store is looked at. */
const lookIntervalMs = 1000
/** A folded segment is rewritten when less than this share of it lives; or than that one, where room is scarce. */
const sparseShare = 0.25
const tightShare = 0.75
/** Messages are copied forward so many at a time, or so many bytes of them. */
const moveAtOnce = 64
const moveBytes = 256 << 10
/** How often a full store looks whether there is room again. */
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
  /** The first segment that no checkpoint covers, and how much lies in the tail from there on. */
  readonly tailFrom: number
  readonly tailBytes: number
}

export class Maintenance {
  #options: MaintenanceOptions
  /** Segments before this one are folded. */
  #foldedBelow: number
  /** What the journal had written when the last checkpoint began; less than zero by what a start found. */
  #foldedJournalBytes: number
  #lookedAt = 0
  /** Segments with damage, whose rest was moved already. */
  #unmovable = new Set<number>()
  /** The end of what was started last, and how many things are not done. */
  #last = Promise.resolve()
  #waiting = 0
  #closed = false
  /** Bytes of what is dead when it was last looked whether they can be freed. */
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
    this.#stopped.catch(() => options.log.debug('maintenance of the store stops'))
  }

  /** Hot: after every turn. Begins what is due. */
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
    if (now - this.#lookedAt < lookIntervalMs) return
    this.#lookedAt = now
    if (this.#tailSegments() > tailSegmentsAtMost) void this.#start(() => this.#checkpointAndClean())
    else if (this.#removable().length > 0) void this.#start(() => this.#removeDead())
  }

  /** Makes a checkpoint now, and cleans up behind it; done when that is done. */
  async compact(): Promise<void> {
    await this.#start(() => this.#checkpointAndClean(), true)
  }

  /** Sets aside what is to be held in reserve, in the background. */
  refill(): void {
    void this.#start(() => this.#options.space.refill())
  }

  /**
   * Makes what room it can, at once, and then once a second as long as the store is full, or is written while little room is
   * left: what died last must not wait for a write that nobody may make.
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

  /** Whether a checkpoint, and what can be cleaned up behind it, would free enough. Looked at when as much has died since. */
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

  /** Does something while nothing is folded, moved or removed. */
  async hold<Value>(work: () => Promise<Value>): Promise<Value> {
    let value: Value | undefined
    await this.#start(async () => void (value = await work()), true)
    return value as Value
  }

  /** Sets damaged files aside, once all that could be read from them is elsewhere. */
  async setAside(names: readonly string[]): Promise<void> {
    const { files, log } = this.#options
    await this.#start(async () => {
      await this.#options.space.withReserve(() => this.#checkpoint(names))
      const damaged = files.numbers.filter((segment) => names.includes(segmentName(segment)))
      // What is wrong with them was said when they were loaded.
      for (const number of damaged) await this.#moveForward(number, ignore)
      await this.#unlessClosed(this.#options.journal.flush())
      for (const number of damaged) {
        this.#options.state.usage.forget(number)
        await files.drop(number)
      }
      const there = await files.disk.list()
      for (const name of names.filter((damaged) => there.includes(damaged))) {
        await files.disk.rename(name, `${name}.damaged`)
        log.warn(`${name} was damaged and is now ${name}.damaged: what could be read of it is in the store`)
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

  /** Runs one thing after another. What fails is logged and tried again later; unless somebody asked for it. */
  #start(work: () => Promise<void>, loud = false): Promise<void> {
    this.#waiting++
    const done = this.#last.then(() => this.#guarded(work, loud))
    // The next one waits for the end of this one, however it ends.
    this.#last = done.catch(ignore).finally(() => this.#waiting--)
    return done
  }

  async #guarded(work: () => Promise<void>, loud: boolean): Promise<void> {
    try {
      await work()
      this.#hasFailed = false
    } catch (error) {
      if (loud) throw error
      if (!this.#closed) this.#tellFailure(error)
      // A full store tries it again with each look, as somebody may have made room meanwhile.
      this.#deadBytesSeen = 0
      this.#foldedJournalBytes = this.#options.metrics.journalBytes - Math.floor(this.#options.space.foldBytes / 2)
    }
  }

  /** Once, however often it fails in a row. */
  #tellFailure(error: unknown): void {
    const { log } = this.#options
    const sentence = 'maintenance of the store failed; it is tried again later'
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
      // What is damaged cannot move, and keeps its segment until its message is gone.
      if (this.#options.files.sizeOf(number) > 0) this.#unmovable.add(number)
      else this.#options.metrics.segmentsRewritten++
    }
    await space.refill()
  }

  /** @param kept files that are not to be removed, as they are damaged and are renamed later */
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
      // What goes wrong with the cleaning as well must not hide why.
      await this.#removeOldCheckpoints(kept).catch((again: unknown) => {
        this.#options.log.debug({ err: again }, 'an unfinished checkpoint could not be removed; the next one does it')
      })
      throw error
    }
    await this.#removeOldCheckpoints(kept)
  }

  /** Also what is left of one that failed. */
  async #removeOldCheckpoints(kept: readonly string[]): Promise<void> {
    const { disk } = this.#options.files
    for (const name of await disk.list()) {
      const isPart = name.startsWith('checkpoint-') && name.endsWith(partName(''))
      const isOld = (numberOfName('checkpoint', name) ?? Infinity) < this.#foldedBelow && !kept.includes(name)
      if (isPart || isOld) await disk.remove(name)
    }
    await disk.syncNames()
  }

  /** Folded segments in which nothing lives. */
  #removable(): number[] {
    const { files, state } = this.#options
    return files.numbers.filter((number) => number < this.#foldedBelow && state.usage.of(number).liveMessages === 0)
  }

  async #removeDead(): Promise<void> {
    const { files, state, journal, metrics } = this.#options
    const dead = this.#removable()
    if (dead.length === 0) return
    // They are dead because of turns that may still be on their way to the disk.
    await this.#unlessClosed(journal.flush())
    // A turn without Changes says that those before it are durable: damage in the last of them is not taken for a torn end.
    void journal.write([], 'memory', ignore)
    for (const number of dead) {
      await files.drop(number)
      state.usage.forget(number)
      this.#unmovable.delete(number)
      await files.disk.remove(segmentName(number))
      metrics.segmentsRemoved++
    }
    await files.disk.syncNames()
  }

  /** Folded segments, the emptiest first. */
  #emptiest(): number[] {
    return this.#options.files.numbers
      .filter((number) => number < this.#foldedBelow && !this.#unmovable.has(number))
      .toSorted((a, b) => this.#liveShare(a) - this.#liveShare(b))
  }

  /** How much of a segment lives; of one that is small by itself, little does. */
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
  async #moveForward(segment: number, tell = this.#tellDamage): Promise<void> {
    const { files, state, salt, clock } = this.#options
    const found: { message: MessageRecord; offset: number }[] = []
    // The payloads are checked when they are read.
    const damage = new DamageReport(files.disk.path, true, false)
    await eachMessage(files, segment, salt, damage, (message, offset) => {
      if (state.messages.liesAt(message.messageNumber, segment, offset)) found.push({ message, offset })
    })
    for (const each of damage.found) tell(each)
    while (found.length > 0) {
      const some = takeSome(found)
      await this.#move(segment, some)
      await this.#unlessClosed(new Promise<void>((resolve) => void clock.setTimer(1, resolve)))
    }
  }

  #tellDamage = ({ name, path, offset, what }: Damage): void => {
    this.#options.log.error({ name, offset }, `${path} is damaged at byte ${offset}: ${what}`)
  }

  async #move(segment: number, some: readonly { message: MessageRecord; offset: number }[]): Promise<void> {
    const { state, journal, payloads } = this.#options
    const live = some.filter(({ message, offset }) => state.messages.liesAt(message.messageNumber, segment, offset))
    const read = await payloads.read(live.map(({ message }) => message.messageNumber))
    const changes: Change[] = []
    for (const [index, { message, offset }] of live.entries()) {
      // It may have gone while it was read, or be damaged: its reader is told when its turn comes.
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
