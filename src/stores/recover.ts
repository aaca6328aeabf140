/**
 * Reads a store from disk, changing nothing: the newest checkpoint, then the journal since.
 *
 *   journal-1  journal-2 | journal-3  journal-4  journal-5        checkpoint-3
 *   folded: only payloads|  tail: replayed, every record          names the folded segments that still live
 *
 * Where the tail ends is told by the last segment: each header names the segment before it and how much of that one
 * counts, so what was never trusted (a failed segment, what lies behind a failed sync) is stepped over. A record at the very
 * end that is torn, and that no later record calls durable, was never acknowledged: it is cut off. Damage anywhere else is
 * an error.
 *
 * @module
 */
import type { Disk } from '../base/disk.ts'
import { ByteReader } from './byte-reader.ts'
import { readChange } from './change-codec.ts'
import { refuse } from './damage.ts'
import type { DamageReport } from './damage.ts'
import { decodeHeader, headerBytes, payloadIsSound, payloadSpan, RecordKind } from './frame.ts'
import type { FileHeader } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { ReadRecord } from './frame-reader.ts'
import { TailFinder } from './find-tail.ts'
import type { TailSegment } from './find-tail.ts'
import type { LiveState } from './live-state.ts'
import { checkpointName, numbersOfNames, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Change, LoadProgress } from './store.ts'

/** Bytes of a segment after which it is said how far the replay is. */
const progressBytes = 1 << 20
/** Changes of one record after which it is said again. */
const progressChanges = 1024

export interface Recovered {
  /** The first segment that is not folded; 0 if there is no checkpoint. */
  readonly tailFrom: number
  /** What frames are marked with; `undefined` for an empty store. */
  readonly salt: number | undefined
  /** Where the replayed segments are, oldest first. */
  readonly tail: readonly number[]
  /** The last segment and how much of it counts; 0 if there is none. */
  readonly lastSegment: number
  readonly lastSegmentSize: number
  /** The next number that no file has. */
  readonly nextNumber: number
  readonly lastSequence: number
  readonly newestRecordMs: number
  /** Bytes of the tail: what the next checkpoint folds. */
  readonly tailBytes: number
  /** Files that are not needed, such as parts of what was never finished. */
  readonly leftovers: readonly string[]
}

export class Recovery {
  #disk: Disk
  #files: SegmentFiles
  #state: LiveState
  #damage: DamageReport
  #progress: (progress: LoadProgress) => void
  #reader = new ByteReader()
  #salt: number | undefined
  #sequence = 0
  /** What the checkpoint has seen of the journal: that much must be there. */
  #mustReach = 0
  #newestRecordMs = 0
  #leftovers: string[] = []
  #doneBytes = 0
  #totalBytes = 0

  constructor(
    files: SegmentFiles,
    state: LiveState,
    damage: DamageReport,
    progress: (progress: LoadProgress) => void = () => undefined,
  ) {
    this.#disk = files.disk
    this.#files = files
    this.#state = state
    this.#damage = damage
    this.#progress = progress
  }

  /** Leads `state` to what the disk says, and makes the segments known to `files`. */
  async run(): Promise<Recovered> {
    const names = await this.#disk.list()
    this.#leftovers = names.filter((name) => /^(journal|checkpoint)-\d{8,}\.log\.part$/.test(name))
    this.#state.messages.forgets = false
    const tailFrom = await this.#readCheckpoints(numbersOfNames('checkpoint', names))
    const { tail, salt, leftovers } = await new TailFinder(this.#files, this.#damage, tailFrom, this.#salt).find(names)
    this.#salt = salt
    this.#leftovers.push(...leftovers)
    this.#totalBytes = tail.reduce((sum, { fileSize }) => sum + fileSize, 0)
    let tailBytes = 0
    for (const [index, segment] of tail.entries()) tailBytes += await this.#replay(segment, tail[index + 1])
    if (this.#sequence < this.#mustReach) this.#missingTurns(tail.at(-1)?.number ?? tailFrom, this.#mustReach)
    while (this.#state.sweep());
    this.#state.messages.forgets = true
    this.#state.messages.dropUnreferenced()
    const last = tail.at(-1)
    return {
      tailFrom,
      salt: this.#salt,
      tail: tail.map(({ number }) => number),
      lastSegment: last?.number ?? 0,
      lastSegmentSize: last === undefined ? 0 : this.#files.sizeOf(last.number),
      nextNumber: highestNumber(names) + 1,
      lastSequence: this.#sequence,
      newestRecordMs: this.#newestRecordMs,
      tailBytes,
      leftovers: this.#leftovers,
    }
  }

  /** The newest checkpoint that can be read. @returns the first segment that it does not cover; 0 for none */
  async #readCheckpoints(numbers: readonly number[]): Promise<number> {
    const newest = numbers.at(-1)
    this.#leftovers.push(...numbers.slice(0, -1).map(checkpointName))
    if (newest === undefined) return 0
    const name = checkpointName(newest)
    const file = await this.#disk.open(name)
    try {
      const header = decodeHeader('checkpoint', await file.read(0, headerBytes))
      if (header === 'foreign' || header === 'newer') refuse(name, header)
      if (header === 'damaged') this.#damage.add(name, 0, 'its header cannot be read')
      else this.#sawHeader(header, header.sequence)
      const reader = new FrameReader(file, headerBytes, file.size, this.#salt ?? 0, false)
      let ended = false
      while (!reader.atEnd) {
        const record = await reader.next()
        if (record === undefined) await this.#stepOver(name, reader, reader.offset)
        else if (record.frame.kind === RecordKind.end) ended = this.#readFolded(record)
        else this.#applyAll(name, record)
        this.#progress({ done: reader.offset, total: file.size, unit: 'bytes' })
      }
      if (!ended) this.#damage.add(name, file.size, 'its end is missing')
      return newest
    } finally {
      await file.close()
    }
  }

  #sawHeader(header: FileHeader, sequence: number): void {
    const state = this.#state
    this.#salt ??= header.salt
    state.lastSessionNumber = Math.max(state.lastSessionNumber, header.lastSessionNumber)
    state.lastMessageNumber = Math.max(state.lastMessageNumber, header.lastMessageNumber)
    this.#newestRecordMs = Math.max(this.#newestRecordMs, header.newestRecordMs)
    if (this.#sequence === 0) this.#sequence = sequence
  }

  /** After damage, reading goes on with the next record that is sound. */
  async #stepOver(name: string, reader: FrameReader, offset: number): Promise<void> {
    this.#damage.add(name, offset, 'a record is not what was written')
    reader.offset = offset
    const next = await reader.seek()
    if (next !== undefined) reader.offset = next.offset
  }

  /** A checkpoint's end: the segments before it that something still lives in, and how much of each counts. */
  #readFolded(record: ReadRecord): boolean {
    this.#mustReach = record.frame.syncedSequence
    const reader = this.#reader.reset(record.meta)
    while (!reader.atEnd) {
      const number = reader.integer()
      this.#files.set(number, reader.integer())
    }
    return true
  }

  /** Applies one segment's records. @returns how many of its bytes count */
  async #replay(segment: TailSegment, successor: TailSegment | undefined): Promise<number> {
    const name = segmentName(segment.number)
    const counts = successor?.header?.previousSize ?? segment.fileSize
    if (segment.fileSize < counts)
      this.#damage.add(name, segment.fileSize, `it is ${counts - segment.fileSize} bytes short`)
    if (segment.header !== undefined) this.#sawHeader(segment.header, segment.header.sequence - 1)
    const size = Math.min(counts, segment.fileSize)
    let told = 0
    this.#files.set(segment.number, size)
    await this.#files.use(segment.number, async (file) => {
      const reader = new FrameReader(file, headerBytes, size, this.#salt ?? 0, true)
      while (!reader.atEnd) {
        const { offset } = reader
        const record = await this.#nextSound(reader)
        if (record === undefined && successor === undefined && (await this.#isTorn(reader, offset))) {
          this.#files.set(segment.number, offset)
          return
        }
        if (record !== undefined) this.#applyTurn(name, segment.number, record)
        else await this.#stepOver(name, reader, offset)
        if (reader.offset - told < progressBytes) continue
        told = reader.offset
        this.#tellProgress(told)
      }
    })
    this.#doneBytes += size
    this.#progress({ done: this.#doneBytes, total: this.#totalBytes, unit: 'bytes' })
    return this.#files.sizeOf(segment.number)
  }

  /** @param offset in the segment that is replayed */
  #tellProgress(offset: number): void {
    this.#progress({ done: this.#doneBytes + offset, total: this.#totalBytes, unit: 'bytes' })
  }

  /** The next record, if it and all of its payloads are what was written. */
  async #nextSound(reader: FrameReader): Promise<ReadRecord | undefined> {
    const record = await reader.next()
    return record !== undefined && payloadsAreSound(record, this.#reader) ? record : undefined
  }

  /** Whether what lies at `offset` was never durable: no record behind it says that it was. */
  async #isTorn(reader: FrameReader, offset: number): Promise<boolean> {
    reader.offset = offset
    let later = await reader.seek()
    while (later !== undefined && later.frame.syncedSequence <= this.#sequence) {
      later = (await reader.next()) ?? (await reader.seek())
    }
    return later === undefined
  }

  #applyTurn(name: string, segment: number, record: ReadRecord): void {
    const { sequence, wallMs } = record.frame
    // The first segments behind a checkpoint may begin with turns that it already has; applying them again is harmless.
    if (sequence > this.#sequence + 1) this.#missingTurns(segment, sequence - 1, record.offset)
    this.#sequence = Math.max(this.#sequence, sequence)
    this.#newestRecordMs = Math.max(this.#newestRecordMs, wallMs)
    let offset = record.payloadOffset
    let applied = 0
    for (const change of this.#changesOf(name, record)) {
      if (++applied % progressChanges === 0) this.#tellProgress(record.offset)
      if (change.kind === 'message') {
        const length = change.message.payloadOnDiskBytes ?? 0
        this.#state.messages.place(change.message.messageNumber, segment, offset, length)
        offset += payloadSpan(length)
      }
      this.#state.apply(change)
    }
  }

  #missingTurns(segment: number, last: number, offset = 0): void {
    this.#damage.add(segmentName(segment), offset, `turns ${this.#sequence + 1} to ${last} are missing`)
  }

  /** A sound record whose Changes make no sense is damage as well, never a torn one. */
  *#changesOf(name: string, record: ReadRecord): Generator<Change> {
    const reader = this.#reader.reset(record.meta)
    try {
      while (!reader.atEnd) yield readChange(reader)
    } catch (error) {
      this.#damage.add(name, record.offset, (error as Error).message)
    }
  }

  #applyAll(name: string, record: ReadRecord): void {
    for (const change of this.#changesOf(name, record)) this.#state.apply(change)
  }
}

/** Counts the names of unfinished and set-aside files too, so that a number is never used twice. */
function highestNumber(names: readonly string[]): number {
  const numbers = names.map((name) => Number(/^(?:journal|checkpoint)-(\d{8,})\./.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}

function payloadsAreSound(record: ReadRecord, reader: ByteReader): boolean {
  const { payloads } = record
  if (payloads === undefined || payloads.length === 0) return true
  reader.reset(record.meta)
  let at = 0
  while (!reader.atEnd) {
    const change = readChange(reader)
    if (change.kind !== 'message') continue
    const length = change.message.payloadOnDiskBytes ?? 0
    if (!payloadIsSound(payloads, at, length)) return false
    at += payloadSpan(length)
  }
  return at === payloads.length
}
