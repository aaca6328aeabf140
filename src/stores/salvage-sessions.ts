/**
 * Finds sessions whose record in the checkpoint is damaged: folded segments, which are kept for their payloads, may
 * still contain the turns in which they began. Without its session, everything queued for it would be lost as well.
 *
 * If the end of a session was in a segment that is gone, the session comes back until its expiry interval is over.
 * In-flight state and wills are not restored this way, because outdated ones would do harm.
 *
 * @module
 */
import { FrameReader } from './frame-reader.ts'
import type { Recovering } from './recovering.ts'
import { segmentName } from './segment-files.ts'
import type { Change } from './store.ts'

type Found = Map<number, Map<string, Change>>

/** @returns how many were found and restored */
export async function salvageSessions(recovering: Recovering, salt: number, names: readonly string[]): Promise<number> {
  const { files, state } = recovering
  const found: Found = new Map()
  for (const number of files.numbers.toSorted((a, b) => a - b)) {
    if (names.includes(segmentName(number))) await search(recovering, salt, number, found)
  }
  for (const changes of found.values()) for (const change of changes.values()) state.apply(change)
  return found.size
}

async function search(recovering: Recovering, salt: number, segment: number, found: Found): Promise<void> {
  const { files } = recovering
  await files.use(segment, async (file) => {
    const reader = new FrameReader(file, 'journal', files.sizeOf(segment), salt, false)
    while (!reader.atEnd) {
      const record = (await reader.next()) ?? (await reader.seek())
      if (record === undefined) return
      for (const change of recovering.changesOf(segmentName(segment), record)) note(recovering, change, found)
    }
  })
}

function note({ state }: Recovering, change: Change, found: Found): void {
  if (change.kind === 'session') {
    const { sessionNumber } = change.session
    if (state.hasSession(sessionNumber)) return
    // The session must come before its other facts, whatever their order in the files.
    const changes = found.get(sessionNumber) ?? new Map<string, Change>()
    found.set(sessionNumber, changes.set('', change))
  } else if (change.kind === 'session-ended') found.delete(change.sessionNumber)
  else if (change.kind === 'subscribed') found.get(change.sessionNumber)?.set(change.subscription.topicFilter, change)
  else if (change.kind === 'unsubscribed') found.get(change.sessionNumber)?.delete(change.topicFilter)
}
