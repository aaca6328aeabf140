/**
 * Writes a checkpoint: all that lives, but for payloads, in one file, so that a start need not replay what came before.
 *
 * The state goes on while it is written: a slice of about a millisecond at a time, a pause three times as long between
 * slices, so that turns hardly notice. What changes meanwhile may or may not be in it; the journal since the beginning has
 * all of it, and is what makes the difference good. Therefore the checkpoint only counts once the journal is durable up to
 * the last Change that can be in it. It gets its name when it is whole.
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
/** How many times longer than a slice the pause after it is. */
const pauseTimes = 3
/**
 * A record is lost whole if it is damaged, so few facts share one; but each record has 44 bytes of its own, and a queued message 9
 * to 24. Of messages it holds 8, or 1/128 of those before it, up to 64: at most 12 kB more than 64 in each, and 8 % of a
 * large checkpoint. Of sessions always 8, as what is queued for one is of no use without it. They are also written twice.
 */
const factsPerRecord = 8
export const factsPerRecordAtMost = 64
const shareOfRecord = 128
/** Bytes that make a slice full whatever the clock says. */
const sliceBytes = 256 << 10

export interface CheckpointOptions {
  readonly files: SegmentFiles
  readonly state: LiveState
  readonly journal: Journal
  readonly clock: Clock
  readonly salt: number
  /** Waits, unless the store is closed meanwhile: then it throws. */
  readonly unlessClosed: <Value>(promise: Promise<Value>) => Promise<Value>
}

/** @returns the first segment that it does not cover, and its size in bytes */
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
    // What is dead now is so because of turns that are durable after the flush: only then may its segments be left out. How
    // much of the others counts is only known after it: until then turns may be on their way there, or a sync may fail.
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
  // What the header says as well: should it be lost, a repair has it from here.
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

/** Sessions come again at the end, far from their first copy: a fact that is applied again changes nothing. */
function* recordsOf(state: LiveState): Generator<PartRecord> {
  yield* grouped(state.sessionFacts(), 0)
  yield* grouped(state.messageFacts(), 1 / shareOfRecord)
  yield* grouped(copies(state), 0, true)
}

function* copies(state: LiveState): Generator<Change> {
  for (const fact of state.sessionFacts()) if (fact.kind === 'session' || fact.kind === 'subscribed') yield fact
}

/**
 * At least one group, if an empty one: its record repeats what the header says.
 *
 * @param share how much of what came before a group may hold, where that is more than the smallest and less than the largest
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
  /** The segments before it that something lives in. */
  readonly living: readonly number[]
  /** The last turn that it may have seen, which is durable. */
  readonly seen: number
  /** How many facts were written. */
  readonly counts: FactCounts
}

/** Written when all turns that it has seen are durable: how much of each segment counts is certain then. */
function end({ files, salt, journal }: CheckpointOptions, { rotation, living, seen, counts }: End): Buffer {
  const meta = new ByteWriter(1024)
  // What was on its way to a segment that failed has moved to one that the checkpoint does not cover.
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
