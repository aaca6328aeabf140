/** Reads a checkpoint: what lived when it was made, and which segments before it are still needed. @module */
import { lostHeader } from './damage.ts'
import { headerBytes, RecordKind } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { ReadRecord } from './frame-reader.ts'
import type { Headers } from './headers.ts'
import type { Recovering } from './recovering.ts'
import type { LoadProgress } from './store.ts'

/** @returns its size in bytes */
export async function readCheckpoint(
  recovering: Recovering,
  headers: Headers,
  name: string,
  progress: (progress: LoadProgress) => void,
): Promise<number> {
  const { damage, files } = recovering
  const { header } = await headers.look('checkpoint', name)
  if (header === undefined) damage.add(name, 0, lostHeader)
  else {
    recovering.sawCounters(header)
    recovering.begin(header.sequence)
  }
  const file = await files.disk.open(name)
  try {
    const reader = new FrameReader(file, headerBytes, file.size, headers.salt ?? 0, false)
    let ended = false
    while (!reader.atEnd) {
      const record = await reader.next()
      if (record === undefined) await recovering.stepOver(name, reader, reader.offset)
      else if (record.frame.kind === RecordKind.end) ended = readEnd(recovering, record)
      else readPart(recovering, name, record)
      progress({ done: reader.offset, total: file.size, unit: 'bytes' })
    }
    if (!ended) damage.add(name, file.size, 'its end is missing')
    return file.size
  } finally {
    await file.close()
  }
}

/** Facts, and what the header says as well: see `writeCheckpoint`. */
function readPart(recovering: Recovering, name: string, record: ReadRecord): void {
  const { sequence, syncedSequence, wallMs } = record.frame
  recovering.sawCounters({ lastSessionNumber: sequence, lastMessageNumber: syncedSequence, newestRecordMs: wallMs })
  for (const change of recovering.changesOf(name, record)) recovering.state.apply(change)
}

/** The segments before it that something still lives in, and how much of each counts. */
function readEnd(recovering: Recovering, { frame, meta }: ReadRecord): boolean {
  recovering.mustReach = frame.syncedSequence
  // 0.1.0 did not say it here.
  if (frame.sequence > 0) recovering.begin(frame.sequence)
  const reader = recovering.reader.reset(meta)
  while (!reader.atEnd) {
    const number = reader.integer()
    recovering.files.set(number, reader.integer())
  }
  return true
}
