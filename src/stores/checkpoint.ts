/**
 * Writes a checkpoint: the whole live state except payloads, in one file, so that a start need not replay older journal
 * segments.
 *
 * The state changes while it is written: each slice takes about a millisecond and is followed by a pause three times as
 * long, so that turns are hardly delayed. A change made meanwhile may or may not be in the checkpoint, but it is always
 * in the journal, which a start replays from the point where the checkpoint began. A checkpoint therefore counts only
 * once the journal is durable up to the last Change that it can contain. It receives its final name when it is
 * complete.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { DiskFile } from '../base/disk.ts'
import { ByteWriter } from '../base/byte-writer.ts'
import { FactCounts } from './fact-counts.ts'
import { checksum, encodeFrame, encodeHeader, formatVersion, frameBytes, RecordKind } from './frame.ts'
import type { Journal, Rotation } from './journal.ts'
import type { LiveState } from './live-state.ts'
import { checkpointName, partName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Change } from './store.ts'
import { TurnBuffer } from './turn-buffer.ts'

const sliceMs = 1
/** The pause after a slice, as a multiple of the slice. */
const pauseTimes = 3
/**
 * A damaged record is lost as a whole, so a record holds few facts. On the other hand each record adds 44 bytes, and a
 * queued message takes only 9 to 24. A record holds 8 facts about messages, or 1/128 of those before it, up to 64:
 * compared with 64 in every record this costs at most 12 kB, and in a large checkpoint the records add 8 %. It always
 * holds 8 facts about sessions, because a session's queue is useless without the session; these are also written twice.
 */
const factsPerRecord = 8
export const factsPerRecordAtMost = 64
const shareOfRecord = 128
/** A slice ends after this many bytes, whatever the clock shows. */
const sliceBytes = 256 << 10

export interface CheckpointOptions {
  readonly files: SegmentFiles
  readonly state: LiveState
  readonly journal: Journal
  readonly clock: Clock
  readonly salt: number
  /** Awaits the promise, but throws if the store is closed first. */
  readonly unlessClosed: <Value>(promise: Promise<Value>) => Promise<Value>
}

/** @returns the first segment that the checkpoint does not cover, and the checkpoint's size in bytes */
export async function writeCheckpoint(
  options: CheckpointOptions,
): Promise<{ readonly from: number; readonly bytes: number }> {
  const { files, journal, unlessClosed } = options
  const { disk } = files
  const rotation = await unlessClosed(journal.rotate())
  const name = checkpointName(rotation.segment)
  const file = await disk.open(partName(name))
  try {
    await file.cut(0)
    await file.append(header(options, rotation))
    const counts = await writeFacts(options, file)
    // A segment that is dead now became so through turns that are durable only after the flush, so it may be left out
    // only then. How much of the others counts is known after the flush as well: until then turns may still be written
    // to them, or a sync may fail.
    const living = options.state.usage.living.filter((number) => number < rotation.segment)
    const seen = journal.lastSequence
    await unlessClosed(journal.flush())
    await file.append(end(options, { rotation, living, seen, counts }))
    await file.sync()
    await disk.rename(partName(name), name)
    await disk.syncNames()
    return { from: rotation.segment, bytes: file.size }
  } finally {
    await file.close()
  }
}

function header({ salt, state, journal }: CheckpointOptions, { segment, sequence }: Rotation): Buffer {
  return encodeHeader('checkpoint', {
    version: formatVersion,
    salt,
    number: segment,
    previous: 0,
    previousSize: 0,
    sequence,
    lastSessionNumber: state.lastSessionNumber,
    lastMessageNumber: state.lastMessageNumber,
    newestRecordMs: journal.newestRecordMs,
  })
}

async function writeFacts(
  { state, clock, salt, unlessClosed, journal }: CheckpointOptions,
  file: DiskFile,
): Promise<FactCounts> {
  const buffer = new TurnBuffer(salt)
  const counts = new FactCounts()
  const count = (change: Change): void => counts.add(change)
  const records = recordsOf(state)
  // Repeats the header, so that a repair can use it if the header is lost.
  const stamp = {
    kind: RecordKind.part,
    sequence: state.lastSessionNumber,
    wallMs: journal.newestRecordMs,
    syncedSequence: state.lastMessageNumber,
  }
  for (let record = records.next(); record.done !== true;) {
    const begin = clock.now()
    buffer.reset(0, 0)
    while (record.done !== true && buffer.length < sliceBytes && clock.now() - begin < sliceMs) {
      buffer.add(record.value.facts, stamp, ignore, record.value.isCopy ? ignore : count)
      record = records.next()
    }
    const tookMs = clock.now() - begin
    await file.append(buffer.bytes)
    await unlessClosed(pause(clock, tookMs * pauseTimes))
  }
  return counts
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve))
}

interface PartRecord {
  readonly facts: readonly Change[]
  readonly isCopy: boolean
}

/**
 * Sessions, and what operators have set, are repeated at the end, far from their first copy; applying a fact twice
 * changes nothing.
 */
function* recordsOf(state: LiveState): Generator<PartRecord> {
  yield* grouped(state.sessionFacts(), 0)
  yield* grouped(state.messageFacts(), 1 / shareOfRecord)
  yield* grouped(copies(state), 0, true)
}

const REPEATED: ReadonlySet<Change['kind']> = new Set(['session', 'subscribed', 'access'])

function* copies(state: LiveState): Generator<Change> {
  for (const fact of state.sessionFacts()) if (REPEATED.has(fact.kind)) yield fact
}

/**
 * Yields at least one group, which may be empty, because its record repeats the header.
 *
 * @param share size of a group as a share of the facts before it, between the smallest and the largest size
 */
function* grouped(from: Iterator<Change>, share: number, isCopy = false): Generator<PartRecord> {
  for (let before = 0; ;) {
    const size = Math.min(Math.max(factsPerRecord, Math.floor(before * share)), factsPerRecordAtMost)
    const facts = take(from, size)
    yield { facts, isCopy }
    if (facts.length < size) return
    before += size
  }
}

function take(facts: Iterator<Change>, count: number): Change[] {
  const some: Change[] = []
  while (some.length < count) {
    const next = facts.next()
    if (next.done === true) break
    some.push(next.value)
  }
  return some
}

function ignore(): void {}

interface End {
  readonly rotation: Rotation
  /** Earlier segments that still contain live messages. */
  readonly living: readonly number[]
  /** The last turn that the checkpoint may include; it is durable. */
  readonly seen: number
  /** How many facts were written. */
  readonly counts: FactCounts
}

/**
 * Written once all turns that the checkpoint may include are durable, because only then is it certain how much of each
 * segment counts.
 */
function end({ files, salt, journal }: CheckpointOptions, { rotation, living, seen, counts }: End): Buffer {
  const meta = new ByteWriter(1024)
  // Records on their way to a segment that failed have moved to one that the checkpoint does not cover.
  for (const number of living.filter((each) => files.sizeOf(each) > 0)) {
    meta.integer(number)
    meta.integer(files.sizeOf(number))
  }
  counts.writeTo(meta)
  const bytes = Buffer.alloc(frameBytes + meta.length)
  const frame = {
    kind: RecordKind.end,
    metaBytes: meta.length,
    payloadBytes: 0,
    sequence: rotation.sequence,
    wallMs: journal.newestRecordMs,
    syncedSequence: seen,
    metaChecksum: checksum(meta.written),
  }
  encodeFrame(bytes, 0, frame, salt)
  bytes.set(meta.written, frameBytes)
  return bytes
}
