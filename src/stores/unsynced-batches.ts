/**
 * What was appended to the journal since its last sync. It is kept whole: if a sync fails, all of it is written again.
 *
 *   batch ─ batch ─ batch ─ …     each in a buffer of 80 KiB, most of them with one small turn
 *     └──<── join ──┘             the records move into the buffer before, and the next turn uses the buffer again
 *
 * A `process` write is synced after a second, by which time a thousand turns may have been appended.
 *
 * @module
 */
import type { Batch } from './batch.ts'
import { TurnBuffer } from './turn-buffer.ts'

/** Buffers that are kept for the next turns. */
const FREE_BUFFERS = 4

export class UnsyncedBatches {
  #batches: Batch[] = []
  #bytes = 0
  readonly #free: TurnBuffer[] = []
  readonly #salt: number

  constructor(salt: number) {
    this.#salt = salt
  }

  get length(): number {
    return this.#batches.length
  }

  /** Bytes of all records. */
  get bytes(): number {
    return this.#bytes
  }

  /** Those with all records, in the order in which they were appended. */
  get buffers(): readonly TurnBuffer[] {
    return this.#batches.map(({ buffer }) => buffer)
  }

  /** A buffer for the next turns; `reset` has to be called. */
  takeFree(): TurnBuffer {
    return this.#free.pop() ?? new TurnBuffer(this.#salt)
  }

  includes(batch: Batch): boolean {
    return this.#batches.includes(batch)
  }

  push(batch: Batch): void {
    this.#batches.push(batch)
    this.#bytes += batch.buffer.length
  }

  /** Joins the last batch with the one before, if nobody waits for its sync and there is room. */
  joinLast(): void {
    const last = this.#batches.at(-1)
    if (last === undefined || last.wantsSync || this.#batches.at(-2)?.buffer.join(last.buffer) !== true) return
    this.#batches.pop()
    this.#release(last.buffer)
  }

  /** Everything is durable. @returns the batches, oldest first */
  settle(): readonly Batch[] {
    const batches = this.#batches
    this.#batches = []
    this.#bytes = 0
    for (const { buffer } of batches) this.#release(buffer)
    return batches
  }

  #release(buffer: TurnBuffer): void {
    if (this.#free.length < FREE_BUFFERS) this.#free.push(buffer)
  }
}
