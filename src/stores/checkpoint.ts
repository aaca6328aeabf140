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
import { ByteWriter } from './byte-writer.ts'
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
/** Facts between two looks at the clock, and bytes that make a slice full whatever the clock says. */
const factsPerLook = 64
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
    await writeFacts(options, file)
    // What is dead now is so because of turns that are durable after the flush: only then may its segments be left out.
    const last = end(options, rotation)
    await unlessClosed(journal.flush())
    await file.append(last)
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
): Promise<void> {
  const buffer = new TurnBuffer(salt)
  const facts = allFacts(state)
  // What the header says as well: should it be lost, a repair has it from here.
  const stamp = {
    kind: RecordKind.part,
    sequence: state.lastSessionNumber,
    wallMs: journal.newestRecordMs,
    syncedSequence: state.lastMessageNumber,
  }
  for (let more = true; more;) {
    const begin = clock.now()
    buffer.reset(0, 0)
    while (more && buffer.length < sliceBytes && clock.now() - begin < sliceMs) {
      const some = take(facts, factsPerLook)
      more = some.length === factsPerLook
      buffer.add(some, stamp, ignore, ignore)
    }
    const tookMs = clock.now() - begin
    await file.append(buffer.bytes)
    await unlessClosed(pause(clock, tookMs * pauseTimes))
  }
}

function pause(clock: Clock, delayMs: number): Promise<void> {
  return new Promise((resolve) => void clock.setTimer(delayMs, resolve))
}

function* allFacts(state: LiveState): Generator<Change> {
  yield* state.sessionFacts()
  yield* state.messageFacts()
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

/** Which segments before it something lives in, how much of each counts, and up to which turn it has seen the journal. */
function end({ files, state, salt, journal }: CheckpointOptions, { segment, sequence }: Rotation): Buffer {
  const meta = new ByteWriter(1024)
  for (const number of files.numbers) {
    if (number >= segment || state.usage.of(number).liveMessages === 0) continue
    meta.integer(number)
    meta.integer(files.sizeOf(number))
  }
  const bytes = Buffer.alloc(frameBytes + meta.length)
  const frame = {
    kind: RecordKind.end,
    metaBytes: meta.length,
    payloadBytes: 0,
    sequence,
    wallMs: journal.newestRecordMs,
    syncedSequence: journal.lastSequence,
    metaChecksum: checksum(meta.written),
  }
  encodeFrame(bytes, 0, frame, salt)
  bytes.set(meta.written, frameBytes)
  return bytes
}
