/**
 * Reads a store from disk without changing anything: the newest checkpoint, then the journal since.
 *
 *   journal-1  journal-2 | journal-3  journal-4  journal-5        checkpoint-3
 *   folded: only payloads|  tail: replayed, every record          names the folded segments that are still needed
 *
 * The last segment determines the tail: each header names the segment before it and how much of that one counts, so
 * bytes that were never trusted (a failed segment, bytes after a failed sync) are skipped.
 *
 * @module
 */
import type { DamageReport } from './damage.ts'
import { TailFinder } from './find-tail.ts'
import type { TailSegment } from './find-tail.ts'
import { headerBytes } from './frame.ts'
import { Headers } from './headers.ts'
import type { LiveState } from './live-state.ts'
import { readCheckpoint } from './read-checkpoint.ts'
import { Recovering } from './recovering.ts'
import { replay } from './replay.ts'
import { checkpointName, numberOfName, numbersOfNames, segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { LoadProgress } from './store.ts'

export interface Recovered {
  /** The first segment that is not folded; 0 if there is no checkpoint. */
  readonly tailFrom: number
  /** The store's salt; `undefined` for an empty store. */
  readonly salt: number | undefined
  /** The replayed segments, oldest first. */
  readonly tail: readonly number[]
  /** The last segment and how much of it counts; 0 if there is none. */
  readonly lastSegment: number
  readonly lastSegmentSize: number
  /** The next number that no file uses. */
  readonly nextNumber: number
  readonly lastSequence: number
  readonly newestRecordMs: number
  /** Size of the checkpoint; 0 for none. */
  readonly checkpointBytes: number
  /** Bytes of the tail: what the next checkpoint folds. */
  readonly tailBytes: number
  /** Files that are not needed, such as parts of unfinished ones. */
  readonly leftovers: readonly string[]
  /**
   * New files in which nothing can be read, and which may be more than leftovers of a power cut: set aside, not
   * removed.
   */
  readonly garbage: readonly string[]
}

/**
 * Builds `state` from the disk, and registers the segments with `files`.
 *
 * @throws {StoreError} `ERR_STORE_DAMAGED`, `ERR_STORE_FOREIGN`, `ERR_STORE_VERSION`, or an error of the Disk
 */
export async function recover(
  files: SegmentFiles,
  state: LiveState,
  damage: DamageReport,
  progress: (progress: LoadProgress) => void = () => undefined,
): Promise<Recovered> {
  const names = await files.disk.list()
  const recovering = new Recovering(files, state, damage)
  const headers = new Headers(files, damage, names)
  state.messages.forgets = false
  const checkpoints = numbersOfNames('checkpoint', names)
  const tailFrom = checkpoints.pop() ?? 0
  const checkpointBytes = tailFrom > 0 ? await readCheckpoint(recovering, headers, tailFrom, names, progress) : 0
  const { tail, leftovers, garbage } = await new TailFinder(files, damage, headers, tailFrom).find(names)
  recovering.salt = headers.salt
  await replayAll(recovering, tail, progress)
  leftovers.push(...names.filter(isPart), ...checkpoints.map(checkpointName), ...removeTorn(tail, files))
  if (!hasReached(recovering, tail.at(-1)?.number ?? tailFrom)) garbage.push(...takeSegments(leftovers, tailFrom))
  while (state.sweep());
  state.messages.forgets = true
  state.messages.dropUnreferenced()
  const last = tail.at(-1)
  return {
    tailFrom,
    salt: recovering.salt,
    tail: tail.map(({ number }) => number),
    lastSegment: last?.number ?? 0,
    lastSegmentSize: last === undefined ? 0 : files.sizeOf(last.number),
    nextNumber: highestNumber(names) + 1,
    lastSequence: recovering.sequence,
    newestRecordMs: recovering.newestRecordMs,
    checkpointBytes,
    tailBytes: tail.reduce((sum, { number }) => sum + files.sizeOf(number), 0),
    leftovers,
    garbage,
  }
}

async function replayAll(
  recovering: Recovering,
  tail: readonly TailSegment[],
  progress: (progress: LoadProgress) => void,
): Promise<void> {
  const total = tail.reduce((sum, { fileSize }) => sum + fileSize, 0)
  let done = 0
  for (const [index, segment] of tail.entries()) {
    const before = done
    await replay(recovering, segment, tail[index + 1], (offset) => {
      progress({ done: before + offset, total, unit: 'bytes' })
    })
    done += segment.fileSize
    progress({ done, total, unit: 'bytes' })
  }
}

/**
 * Removes the newest segment if its header is unreadable and nothing in it was ever durable. @returns its name in that
 * case
 */
function removeTorn(tail: TailSegment[], files: SegmentFiles): string[] {
  const last = tail.at(-1)
  if (last === undefined || last.header !== undefined || files.sizeOf(last.number) > headerBytes) return []
  tail.pop()
  files.forget(last.number)
  return [segmentName(last.number)]
}

/** The part of the journal that the checkpoint includes must exist; in any case no number is used twice. */
function hasReached(recovering: Recovering, segment: number): boolean {
  const { sequence, mustReach } = recovering
  if (sequence < mustReach) recovering.missingTurns(segment, mustReach)
  recovering.sequence = Math.max(sequence, mustReach)
  return sequence >= mustReach
}

/** Removes from `leftovers`, and returns, the segments that may have contained missing turns. */
function takeSegments(leftovers: string[], tailFrom: number): string[] {
  const segments = leftovers.filter((name) => (numberOfName('journal', name) ?? -1) >= tailFrom)
  for (const name of segments) leftovers.splice(leftovers.indexOf(name), 1)
  return segments
}

function isPart(name: string): boolean {
  return /^(journal|checkpoint)-\d{8,}\.log\.part$/.test(name)
}

/** Counts the names of unfinished and set-aside files too, so that a number is never used twice. */
function highestNumber(names: readonly string[]): number {
  const numbers = names.map((name) => Number(/^(?:journal|checkpoint)-(\d{8,})\./.exec(name)?.[1] ?? 0))
  return Math.max(0, ...numbers)
}
