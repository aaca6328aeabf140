/**
 * How far the reading of a store has come: the state that it leads to, the sequence that was reached, and the highest numbers
 * seen on the way.
 *
 * @module
 */
import { recordReader } from './record-reader.ts'
import { readChange } from './change-codec.ts'
import type { DamageReport } from './damage.ts'
import type { FrameReader, ReadRecord } from './frame-reader.ts'
import type { LiveState } from './live-state.ts'
import { segmentName } from './segment-files.ts'
import type { SegmentFiles } from './segment-files.ts'
import type { Change } from './store.ts'

/** Highest numbers that a header, or a record of a checkpoint, says. */
export interface Counters {
  readonly lastSessionNumber: number
  readonly lastMessageNumber: number
  readonly newestRecordMs: number
}

export class Recovering {
  readonly files: SegmentFiles
  readonly state: LiveState
  readonly damage: DamageReport
  readonly reader = recordReader()
  /** What frames are marked with; `undefined` while no file has said it. */
  salt: number | undefined
  sequence = 0
  newestRecordMs = 0
  /** What the checkpoint has seen of the journal: that much must be there. */
  mustReach = 0
  /** Where the checkpoint ends, or the journal begins; `undefined` until something has said so. */
  #beginning: number | undefined

  constructor(files: SegmentFiles, state: LiveState, damage: DamageReport) {
    this.files = files
    this.state = state
    this.damage = damage
  }

  sawCounters({ lastSessionNumber, lastMessageNumber, newestRecordMs }: Counters): void {
    const { state } = this
    state.lastSessionNumber = Math.max(state.lastSessionNumber, lastSessionNumber)
    state.lastMessageNumber = Math.max(state.lastMessageNumber, lastMessageNumber)
    this.newestRecordMs = Math.max(this.newestRecordMs, newestRecordMs)
  }

  /** The first that says where the journal begins is right; those behind it are checked against it. */
  begin(sequence: number): void {
    if (this.#beginning !== undefined) return
    this.#beginning = sequence
    this.sequence = sequence
  }

  /**
   * Whether a turn comes again that others have followed already: then blocks of an older file lie where it does. The first
   * segments behind a checkpoint may begin with turns that it has; applying them is harmless, as all that followed comes too.
   */
  isStale(sequence: number): boolean {
    return sequence <= this.sequence && this.sequence > (this.#beginning ?? 0)
  }

  /** After damage, reading goes on with the next record that is sound. */
  async stepOver(name: string, reader: FrameReader, offset: number): Promise<void> {
    this.damage.add(name, offset, 'a record is not what was written')
    reader.offset = offset
    const next = await reader.seek()
    if (next !== undefined) reader.offset = next.offset
  }

  missingTurns(segment: number, last: number, offset = 0): void {
    this.damage.add(segmentName(segment), offset, `turns ${this.sequence + 1} to ${last} are missing`)
  }

  /** A sound record whose Changes make no sense is damage as well, never a torn one. */
  *changesOf(name: string, record: ReadRecord): Generator<Change> {
    const reader = this.reader.reset(record.meta)
    try {
      while (!reader.atEnd) yield readChange(reader)
    } catch (error) {
      this.damage.add(name, record.offset, (error as Error).message)
    }
  }
}
