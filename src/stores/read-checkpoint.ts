/**
 * Reads a checkpoint: the live state when it was made, and which earlier segments are still needed.
 *
 * A repair reads every valid record, looks for lost sessions in older segments, and reports how much is missing.
 *
 * @module
 */
import type { DiskFile } from '../base/disk.ts'
import { factsPerRecordAtMost } from './checkpoint.ts'
import { lostHeader } from './damage.ts'
import { FactCounts } from './fact-counts.ts'
import { headerBytes, RecordKind } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { ReadRecord } from './frame-reader.ts'
import type { Headers } from './headers.ts'
import type { Recovering } from './recovering.ts'
import { salvageSessions } from './salvage-sessions.ts'
import { checkpointName, numbersOfNames, segmentName } from './segment-files.ts'
import type { LoadProgress } from './store.ts'

interface Source {
  readonly recovering: Recovering
  readonly salt: number
  readonly name: string
  readonly file: DiskFile
}

/** The contents of the end record. */
interface End {
  /** How many facts were written; `undefined` if a version without counts wrote it. */
  readonly written: FactCounts | undefined
}

/**
 * @param names all names in the folder
 * @returns its size in bytes
 */
export async function readCheckpoint(
  recovering: Recovering,
  headers: Headers,
  number: number,
  names: readonly string[],
  progress: (progress: LoadProgress) => void,
): Promise<number> {
  const { damage, files } = recovering
  const name = checkpointName(number)
  const { header } = await headers.look('checkpoint', name)
  if (header === undefined) damage.add(name, 0, lostHeader)
  else {
    recovering.noteCounters(header)
    recovering.begin(header.sequence)
  }
  const file = await files.disk.open(name)
  try {
    const source = { recovering, salt: headers.salt ?? 0, name, file }
    const end = await readRecords(source, progress)
    if (end === undefined) {
      damage.add(name, file.size, 'its end is missing')
      await useAllSegments(recovering, number, names)
    }
    await repair(source, end?.written, names)
    return file.size
  } finally {
    await file.close()
  }
}

/** @returns the contents of the end record; `undefined` if it is missing */
async function readRecords(
  { recovering, salt, name, file }: Source,
  progress: (progress: LoadProgress) => void,
): Promise<End | undefined> {
  const reader = new FrameReader(file, 'checkpoint', file.size, salt, false)
  let end: End | undefined
  while (!reader.atEnd) {
    const record = await reader.next()
    if (record === undefined) await recovering.stepOver(name, reader, reader.offset)
    else if (record.frame.kind === RecordKind.end) end = readEnd(recovering, record)
    else readPart(recovering, name, record)
    progress({ done: reader.offset, total: file.size, unit: 'bytes' })
  }
  return end
}

/** Applies the facts, and the repeated header: see `writeCheckpoint`. */
function readPart(recovering: Recovering, name: string, record: ReadRecord): void {
  const { sequence, syncedSequence, wallMs } = record.frame
  recovering.noteCounters({ lastSessionNumber: sequence, lastMessageNumber: syncedSequence, newestRecordMs: wallMs })
  for (const change of recovering.changesOf(name, record)) recovering.state.apply(change)
}

/** Reads which earlier segments are still needed, how much of each counts, and how many facts were written. */
function readEnd(recovering: Recovering, { frame, meta }: ReadRecord): End {
  recovering.mustReach = frame.syncedSequence
  // Version 0.1.0 did not write it here.
  if (frame.sequence > 0) recovering.begin(frame.sequence)
  const reader = recovering.reader.reset(meta)
  let written: FactCounts | undefined
  let counted = 0
  while (!reader.atEnd) {
    const number = reader.integer()
    if (number > 0) recovering.files.set(number, reader.integer())
    else (written ??= new FactCounts()).readAt(counted++, reader)
  }
  return { written }
}

/** Without the end record it is unknown which segments are needed: any of them may contain live messages. */
async function useAllSegments({ files }: Recovering, number: number, names: readonly string[]): Promise<void> {
  for (const segment of numbersOfNames('journal', names).filter((each) => each < number)) {
    const file = await files.disk.open(segmentName(segment))
    files.set(segment, file.size)
    await file.close()
  }
}

/** Only a repair gets here after damage behind the header. */
async function repair(source: Source, written: FactCounts | undefined, names: readonly string[]): Promise<void> {
  const { recovering, salt, name } = source
  const { damage, state } = recovering
  const first = damage.found.find((each) => each.name === name && each.offset >= headerBytes)
  if (first === undefined) return
  // Reads again, now that sessions whose first copy is damaged are known; applying a fact twice changes nothing.
  await readRecords(source, ignore)
  if (written === undefined || written.without(FactCounts.of(state)).sessions > 0) {
    const found = await salvageSessions(recovering, salt, names)
    await readRecords(source, ignore)
    if (found > 0) damage.add(name, first.offset, `${found} sessions were restored from older files, as they were then`)
  }
  damage.add(name, first.offset, lossOf(written?.without(FactCounts.of(state))))
}

function lossOf(lost: FactCounts | undefined): string {
  if (lost === undefined) {
    return `the checkpoint does not record how much is lost: up to ${factsPerRecordAtMost} sessions, subscriptions and messages for each damaged record`
  }
  const what = String(lost)
  return what === '' ? 'no data was lost' : `lost with the damaged records: ${what}`
}

function ignore(): void {}
