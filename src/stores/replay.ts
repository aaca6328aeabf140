/**
 * Applies the journal since the checkpoint, segment by segment.
 *
 * A record at the very end that is torn, and that no later record calls durable, was never acknowledged: it is cut off. Damage
 * anywhere else is an error; a repair goes on behind it and keeps every record that is sound.
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

/** Bytes of a segment after which it is said how far the replay is. */
const progressBytes = 1 << 20
/** Changes of one record after which it is said again. */
const progressChanges = 1024

/** Told now and then, with the place in the segment that is replayed. */
type Tell = (offset: number) => void

/** @param successor the segment behind it, which says how much of it counts; `undefined` for the last */
export async function replay(
  recovering: Recovering,
  segment: TailSegment,
  successor: TailSegment | undefined,
  tell: Tell,
): Promise<void> {
  const { damage, files, salt = 0 } = recovering
  const { number, header, firstSequence, fileSize } = segment
  const counts = successor?.header?.previousSize ?? fileSize
  if (fileSize < counts) damage.add(segmentName(number), fileSize, `it is ${counts - fileSize} bytes short`)
  if (header !== undefined) {
    recovering.sawCounters(header)
    recovering.begin(header.sequence - 1)
  } else if (firstSequence !== undefined) recovering.begin(firstSequence - 1)
  const size = Math.min(counts, fileSize)
  files.set(number, size)
  await files.use(number, (file) => {
    const reader = new FrameReader(file, 'journal', size, salt, true)
    return replayRecords(recovering, segment, successor, reader, tell)
  })
}

async function replayRecords(
  recovering: Recovering,
  { number, header }: TailSegment,
  successor: TailSegment | undefined,
  reader: FrameReader,
  tell: Tell,
): Promise<void> {
  const { damage, files } = recovering
  const name = segmentName(number)
  const before = recovering.sequence
  let told = 0
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
    applyTurn(recovering, number, record, unsound, tell)
    if (reader.offset - told < progressBytes) continue
    told = reader.offset
    tell(told)
  }
  // Nothing in it is this store's newest: as good as none.
  if (header === undefined && recovering.sequence === before) files.set(number, headerBytes)
}

/** Whether what was trusted of a segment ends at `offset`, where no sound record is. */
function isTheEnd(
  recovering: Recovering,
  successor: TailSegment | undefined,
  reader: FrameReader,
  offset: number,
): Promise<boolean> | boolean {
  if (successor === undefined) return isTorn(recovering, reader, offset)
  // Where the successor's header is lost, its first record goes on from what counts here.
  const { header, firstSequence } = successor
  return header === undefined && firstSequence !== undefined && firstSequence <= recovering.sequence + 1
}

/** Whether what lies at `offset` was never durable: no record behind it says that it was. A repair keeps whatever is sound. */
async function isTorn({ damage, sequence }: Recovering, reader: FrameReader, offset: number): Promise<boolean> {
  const isKept = ({ frame }: ReadRecord): boolean => (damage.repairs ? frame.sequence : frame.syncedSequence) > sequence
  reader.offset = offset
  let later = await reader.seek()
  while (later !== undefined && !isKept(later)) later = (await reader.next()) ?? (await reader.seek())
  return later === undefined
}

/** @param unsound messages whose payloads are not what was written: what refers to them is dropped when all is read */
function applyTurn(
  recovering: Recovering,
  segment: number,
  record: ReadRecord,
  unsound: readonly number[],
  tell: Tell,
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
    if (++applied % progressChanges === 0) tell(record.offset)
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

/** The messages of a turn whose payloads are not what was written. */
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

/** As far as its Changes make sense; where they do not, whoever applies them says so. */
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
