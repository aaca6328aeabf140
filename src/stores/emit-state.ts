/**
 * Emits a recovered state as the fewest Changes: Sessions, then messages (read from the segments without their
 * payloads), then the facts that refer to messages.
 *
 * @module
 */
import type { ByteReader } from '../base/byte-reader.ts'
import { recordReader } from './record-reader.ts'
import { readChange } from './change-codec.ts'
import { unsoundPayload } from './damage.ts'
import type { DamageReport } from './damage.ts'
import { payloadIsSound, payloadSpan } from './frame.ts'
import { FrameReader } from './frame-reader.ts'
import type { ReadRecord } from './frame-reader.ts'
import type { LiveState } from './live-state.ts'
import type { Recovered } from './recover.ts'
import { segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Change, LoadProgress, MessageRecord } from './store.ts'

/** Facts between two progress reports. */
const progressFacts = 1024

export async function emitState(
  files: SegmentFiles,
  state: LiveState,
  recovered: Recovered,
  damage: DamageReport,
  apply: (change: Change) => void,
  progress: (progress: LoadProgress) => void,
): Promise<void> {
  for (const fact of state.sessionFacts()) apply(fact)
  const tail = new Set(recovered.tail)
  const folded = files.numbers.filter((number) => !tail.has(number)).toSorted((a, b) => a - b)
  const total = state.messages.size + state.referenceCount
  let done = 0
  const applied = (): void => {
    if (++done % progressFacts === 0) progress({ done, total, unit: 'records' })
  }
  for (const number of [...folded, ...recovered.tail]) {
    await eachMessage(files, number, recovered.salt ?? 0, damage, (message, offset) => {
      if (!isCurrentCopy(state, message, number, offset, tail)) return
      apply({ kind: 'message', message })
      applied()
    })
  }
  reportLost(state, damage)
  for (const fact of state.messageFacts()) {
    apply(fact)
    if (fact.kind === 'queued' || fact.kind === 'retained') applied()
  }
  progress({ done, total, unit: 'records' })
}

/**
 * Whether this copy of a message is the one to emit. A copy that was moved forward exists in two segments until the old
 * one is gone. The places of messages in the tail are known; of folded segments the last copy counts, and the first is
 * emitted.
 */
function isCurrentCopy(
  state: LiveState,
  message: MessageRecord,
  segment: number,
  offset: number,
  tail: ReadonlySet<number>,
): boolean {
  const { messageNumber } = message
  if (!state.messages.lives(messageNumber)) return false
  const known = state.messages.locate(messageNumber)
  if (known !== undefined && tail.has(known.segment)) return known.segment === segment && known.offset === offset
  state.messages.place(messageNumber, segment, offset, message.payloadOnDiskBytes ?? 0)
  return known === undefined
}

/**
 * Calls `visit` with each message in a segment and the place of its payload. Payloads are read only if they are to be
 * verified.
 */
export async function eachMessage(
  files: SegmentFiles,
  segment: number,
  salt: number,
  damage: DamageReport,
  visit: (message: MessageRecord, offset: number) => void,
): Promise<void> {
  const reader = recordReader()
  await files.use(segment, async (file) => {
    const frames = new FrameReader(file, 'journal', files.sizeOf(segment), salt, damage.checksPayloads)
    while (!frames.atEnd) {
      const record = await frames.next()
      if (record === undefined) {
        damage.add(segmentName(segment), frames.offset, 'a record is corrupt')
        const next = await frames.seek()
        if (next !== undefined) frames.offset = next.offset
        continue
      }
      const unknown = eachMessageIn(record, reader, (message, offset) => {
        const { messageNumber, payloadOnDiskBytes: length = 0 } = message
        const { payloads, payloadOffset } = record
        if (payloads === undefined || payloadIsSound(payloads, offset - payloadOffset, length)) visit(message, offset)
        else damage.add(segmentName(segment), offset, unsoundPayload(messageNumber))
      })
      if (unknown !== undefined) damage.add(segmentName(segment), record.offset, unknown)
    }
  })
}

/** @returns a description of the problem if the Changes are invalid */
function eachMessageIn(
  record: ReadRecord,
  reader: ByteReader,
  visit: (message: MessageRecord, offset: number) => void,
): string | undefined {
  let offset = record.payloadOffset
  reader.reset(record.meta)
  while (!reader.atEnd) {
    let change: Change
    try {
      change = readChange(reader)
    } catch (error) {
      return (error as Error).message
    }
    if (change.kind !== 'message') continue
    visit(change.message, offset)
    offset += payloadSpan(change.message.payloadOnDiskBytes ?? 0)
  }
  return undefined
}

/** Reports messages that something refers to but no segment contains. This is damage; a repair drops the references. */
function reportLost(state: LiveState, damage: DamageReport): void {
  for (const messageNumber of state.messages.lost()) {
    damage.add('the store', 0, `message ${messageNumber} is missing from all segments`)
  }
  if (damage.found.length === 0) return
  const lostOf = new Map<string, number>()
  for (const change of state.dropLost()) {
    if (change.kind === 'retained-cleared') {
      damage.add('the store', 0, `lost: the retained message of ${JSON.stringify(change.topicName)}`)
    } else {
      const clientId = state.clientIdOf(change.sessionNumber)
      lostOf.set(clientId, (lostOf.get(clientId) ?? 0) + 1)
    }
  }
  for (const [clientId, count] of lostOf) {
    const messages = count === 1 ? 'a message' : `${count} messages`
    damage.add('the store', 0, `lost: ${messages} that the session of ${JSON.stringify(clientId)} held`)
  }
}
