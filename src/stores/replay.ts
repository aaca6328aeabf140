/**
 * Applies the journal since the checkpoint, segment by segment.
 *
 * A torn record at the very end that neither a later record nor the checkpoint calls durable was never acknowledged and
 * is cut off. Damage anywhere else is an error; a repair continues after it and keeps every valid record.
 *
 * @module
 */
import { StoreError } from '../base/errors.ts'
import type { ByteReader } from '../base/byte-reader.ts'
import { readChange } from './change-codec.ts'
import { lostHeader, unsoundPayload } from './damage.ts'
import type { TailSegment } from './find-tail.ts'
import { headerBytes, payloadIsSound, payloadSpan } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { ReadRecord } from './frame-reader.ts'
import type { Recovering } from './recovering.ts'
import { segmentName } from './segment-files.ts'
import type { MessageRecord } from './store.ts'

/** Bytes of a segment between two progress reports. */
const progressBytes = 1 << 20
/** Changes of one record between two progress reports. */
const progressChanges = 1024

/** Called at intervals with the offset in the segment that is being replayed. */
type Report = (offset: number) => void

/** @param successor the segment after it, which states how much of it counts; `undefined` for the last */
export async function replay(
  recovering: Recovering,
  segment: TailSegment,
  successor: TailSegment | undefined,
  report: Report,
): Promise<void> {
  const { damage, files, salt = 0 } = recovering
  const { number, header, firstSequence, fileSize } = segment
  const counts = successor?.header?.previousSize ?? fileSize
  if (fileSize < counts) damage.add(segmentName(number), fileSize, `it is ${counts - fileSize} bytes short`)
  if (header !== undefined) {
    recovering.noteCounters(header)
    recovering.begin(header.sequence - 1)
  } else if (firstSequence !== undefined) recovering.begin(firstSequence - 1)
  const size = Math.min(counts, fileSize)
  files.set(number, size)
  await files.use(number, (file) => {
    const reader = new FrameReader(file, 'journal', size, salt, true)
    return replayRecords(recovering, segment, successor, reader, report)
  })
}

async function replayRecords(
  recovering: Recovering,
  { number, header }: TailSegment,
  successor: TailSegment | undefined,
  reader: FrameReader,
  report: Report,
): Promise<void> {
  const { damage, files } = recovering
  const name = segmentName(number)
  const before = recovering.sequence
  let reported = 0
  while (!reader.atEnd) {
    const { offset } = reader
    const record = await reader.next()
    const unsound = record === undefined ? none : unsoundPayloads(record, recovering.reader)
    const isSound = record !== undefined && unsound.length === 0
    if (!isSound && (await isTheEnd(recovering, successor, reader, offset))) {
      files.set(number, offset)
      break
    }
    if (record === undefined) {
      await recovering.stepOver(name, reader, offset)
      continue
    }
    reader.offset = record.end
    if (recovering.isStale(record.frame.sequence)) continue
    if (header === undefined) damage.add(name, 0, lostHeader)
    applyTurn(recovering, number, record, unsound, report)
    if (reader.offset - reported < progressBytes) continue
    reported = reader.offset
    report(reported)
  }
  // Nothing in it belongs to the newest part of this store, so it counts as empty.
  if (header === undefined && recovering.sequence === before) files.set(number, headerBytes)
}

/** Whether the trusted part of a segment ends at `offset`, where there is no valid record. */
function isTheEnd(
  recovering: Recovering,
  successor: TailSegment | undefined,
  reader: FrameReader,
  offset: number,
): Promise<boolean> | boolean {
  if (successor === undefined) return isTorn(recovering, reader, offset)
  // If the successor's header is lost, its first record must continue where this segment ends.
  const { header, firstSequence } = successor
  return header === undefined && firstSequence !== undefined && firstSequence <= recovering.sequence + 1
}

/**
/**
 * Whether the bytes at `offset` were never durable: neither the checkpoint nor a later record states that they were. A
 * repair keeps every valid record.
 */
async function isTorn(
  { damage, sequence, mustReach }: Recovering,
  reader: FrameReader,
  offset: number,
): Promise<boolean> {
  if (sequence < mustReach) return false
  const isKept = ({ frame }: ReadRecord): boolean => (damage.repairs ? frame.sequence : frame.syncedSequence) > sequence
  reader.offset = offset
  let later = await reader.seek()
  while (later !== undefined && !isKept(later)) later = (await reader.next()) ?? (await reader.seek())
  return later === undefined
}

/** @param unsound messages with corrupt payloads: references to them are dropped at the end of the replay */
function applyTurn(
  recovering: Recovering,
  segment: number,
  record: ReadRecord,
  unsound: readonly number[],
  report: Report,
): void {
  const { state, damage } = recovering
  const { sequence, wallMs } = record.frame
  const name = segmentName(segment)
  if (sequence > recovering.sequence + 1) recovering.missingTurns(segment, sequence - 1, record.offset)
  recovering.sequence = Math.max(recovering.sequence, sequence)
  recovering.newestRecordMs = Math.max(recovering.newestRecordMs, wallMs)
  let offset = record.payloadOffset
  let applied = 0
  for (const change of recovering.changesOf(name, record)) {
    if (++applied % progressChanges === 0) report(record.offset)
    if (change.kind === 'message') {
      const { messageNumber, payloadOnDiskBytes: length = 0 } = change.message
      if (unsound.includes(messageNumber)) damage.add(name, offset, unsoundPayload(messageNumber))
      else state.messages.place(messageNumber, segment, offset, length)
      offset += payloadSpan(length)
    }
    state.apply(change)
  }
}

const none: readonly number[] = []

/** The messages of a turn whose payloads are corrupt. */
function unsoundPayloads(record: ReadRecord, reader: ByteReader): readonly number[] {
  const { payloads } = record
  if (payloads === undefined || payloads.length === 0) return none
  let unsound: number[] | undefined
  let at = 0
  for (const { messageNumber, payloadOnDiskBytes: length = 0 } of messagesOf(record, reader)) {
    if (!payloadIsSound(payloads, at, length)) (unsound ??= []).push(messageNumber)
    at += payloadSpan(length)
  }
  return unsound ?? none
}

/** Stops at the first invalid Change, which `applyTurn` reports. */
function* messagesOf(record: ReadRecord, reader: ByteReader): Generator<MessageRecord> {
  reader.reset(record.meta)
  try {
    while (!reader.atEnd) {
      const change = readChange(reader)
      if (change.kind === 'message') yield change.message
    }
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
  }
}
