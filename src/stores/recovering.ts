/**
 * The progress of reading a store: the state so far, the sequence that was reached, and the highest numbers seen.
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

/** Highest numbers in a header or a record of a checkpoint. */
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
  /** The store's salt; `undefined` until a file has been read that contains it. */
  salt: number | undefined
  sequence = 0
  newestRecordMs = 0
  /** The sequence that the checkpoint includes: the journal must reach at least this far. */
  mustReach = 0
  /** Where the checkpoint ends or the journal begins; `undefined` until it is known. */
  #beginning: number | undefined

  constructor(files: SegmentFiles, state: LiveState, damage: DamageReport) {
    this.files = files
    this.state = state
    this.damage = damage
  }

  noteCounters({ lastSessionNumber, lastMessageNumber, newestRecordMs }: Counters): void {
    const { state } = this
    state.lastSessionNumber = Math.max(state.lastSessionNumber, lastSessionNumber)
    state.lastMessageNumber = Math.max(state.lastMessageNumber, lastMessageNumber)
    this.newestRecordMs = Math.max(this.newestRecordMs, newestRecordMs)
  }

  /** The first file that states where the journal begins is trusted; later ones are checked against it. */
  begin(sequence: number): void {
    if (this.#beginning !== undefined) return
    this.#beginning = sequence
    this.sequence = sequence
  }

  /**
   * Whether this turn repeats one that others have already followed, which means that blocks of an older file are in
   * its place. The first segments after a checkpoint may begin with turns that it includes; applying those is harmless,
   * because all that followed is applied too.
   */
  isStale(sequence: number): boolean {
    return sequence <= this.sequence && this.sequence > (this.#beginning ?? 0)
  }

  /** After damage, reading continues with the next valid record. */
  async stepOver(name: string, reader: FrameReader, offset: number): Promise<void> {
    this.damage.add(name, offset, 'a record is corrupt')
    reader.offset = offset
    const next = await reader.seek()
    if (next !== undefined) reader.offset = next.offset
  }

  missingTurns(segment: number, last: number, offset = 0): void {
    const count = last - this.sequence
    this.damage.add(segmentName(segment), offset, `${count === 1 ? 'a commit is' : `${count} commits are`} missing`)
  }

  /** A valid record whose Changes are invalid is also damage, never a torn end. */
  *changesOf(name: string, record: ReadRecord): Generator<Change> {
    const reader = this.reader.reset(record.meta)
    try {
      while (!reader.atEnd) yield readChange(reader)
    } catch (error) {
      this.damage.add(name, record.offset, (error as Error).message)
    }
  }
}
