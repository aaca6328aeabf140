/**
 * What waits to be exported: a bounded queue that is sent in batches, one at a time.
 *
 *   add ──> queue, `max-queued` ──`max-batch` wait, or `batch-interval` has passed──> export ──> done, or lost after `timeout`
 *            └── full: lost, counted
 *
 * Owners share it (`hasRoomFor`). A batch is taken at the end of a turn, never while a message is on its way. An
 * exporter that hangs or refuses holds up nothing but its own queue. After a failure the next batch waits for the
 * interval, so that a collector that is down is not asked all the time.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { messageOf } from '../base/thrown.ts'
import type { Exporter, ExportOutcome } from './exporters.ts'

export interface ExportQueueParts<Item> {
  readonly exporter: Exporter<Item[]>
  readonly clock: Clock
  readonly maxQueued: number
  readonly maxBatch: number
  readonly intervalMs: number
  readonly timeoutMs: number
  /** So many were not exported. */
  lost(count: number): void
  /** @param problem why the last export failed; `undefined` if it did not */
  exported(problem: string | undefined): void
}

export class ExportQueue<Item> {
  #items: Item[] = []
  /** Whose each of them is, and how many each owner has. */
  #owners: string[] = []
  readonly #shares = new Map<string, number>()
  #isBusy = false
  #hasFailed = false
  #isDue = false
  #timer: Timer | undefined = undefined
  #idle: (() => void)[] = []
  readonly #parts: ExportQueueParts<Item>

  constructor(parts: ExportQueueParts<Item>) {
    this.#parts = parts
  }

  /** Whether the next item would be lost, so that it need not be made. */
  get isFull(): boolean {
    return this.#items.length >= this.#parts.maxQueued
  }

  /**
   * Whether an owner may add another item: as many as still have room, so that one who has many gets no more while a
   * quiet one always does. One alone gets half of the queue, two a third each.
   */
  hasRoomFor(owner: string): boolean {
    return (this.#shares.get(owner) ?? 0) < this.#parts.maxQueued - this.#items.length
  }

  /** @param owner who shares the queue with others; without one, the item may take the last place */
  add(item: Item, owner = ''): void {
    if (owner === '' ? this.isFull : !this.hasRoomFor(owner)) {
      this.#parts.lost(1)
      return
    }
    this.#items.push(item)
    this.#owners.push(owner)
    this.#shares.set(owner, (this.#shares.get(owner) ?? 0) + 1)
    if (this.#isBusy || this.#isDue) return
    if (this.#items.length >= this.#parts.maxBatch && !this.#hasFailed) this.#exportSoon()
    else this.#arm()
  }

  #exportSoon(): void {
    this.#isDue = true
    this.#parts.clock.atEndOfTurn(() => {
      this.#isDue = false
      if (!this.#isBusy) this.#export()
    })
  }

  #arm(): void {
    this.#timer ??= this.#parts.clock.setTimer(this.#parts.intervalMs, () => {
      this.#timer = undefined
      if (!this.#isBusy) this.#export()
    })
  }

  #export(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    const batch = this.#items.splice(0, this.#parts.maxBatch)
    if (batch.length === 0) return
    for (const owner of this.#owners.splice(0, batch.length)) this.#leave(owner)
    this.#isBusy = true
    exportOnce(this.#parts, batch, (problem) => {
      this.#isBusy = false
      this.#hasFailed = problem !== undefined
      if (problem !== undefined) this.#parts.lost(batch.length)
      this.#parts.exported(problem)
      this.#continue()
    })
  }

  #leave(owner: string): void {
    const left = this.#shares.get(owner)! - 1
    if (left === 0) this.#shares.delete(owner)
    else this.#shares.set(owner, left)
  }

  #continue(): void {
    const { length } = this.#items
    if (this.#idle.length > 0) {
      // It is ending: everything goes at once, and nothing is tried twice.
      if (length > 0 && !this.#hasFailed) this.#export()
      else this.#end()
    } else if (length >= this.#parts.maxBatch && !this.#hasFailed) this.#exportSoon()
    else if (length > 0) this.#arm()
  }

  #end(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    if (this.#items.length > 0) this.#parts.lost(this.#items.length)
    this.#items = []
    this.#owners = []
    this.#shares.clear()
    for (const resolve of this.#idle.splice(0)) resolve()
  }

  /** Exports everything that waits; what cannot be exported now is lost. */
  end(): Promise<void> {
    return new Promise((resolve) => {
      this.#idle.push(resolve)
      if (this.#isBusy) return
      this.#hasFailed = false
      this.#continue()
    })
  }
}

/** How much longer than its own time limit an exporter may take to report its outcome. */
const GRACE_MS = 1_000

/**
 * Calls an exporter, which may be late, throw, or report twice.
 *
 * @param done called once, with what went wrong
 */
export function exportOnce<Exported>(
  parts: { readonly exporter: Exporter<Exported>; readonly clock: Clock; readonly timeoutMs: number },
  exported: Exported,
  done: (problem: string | undefined) => void,
): void {
  let isDone = false
  const finish = (problem: string | undefined): void => {
    if (isDone) return
    isDone = true
    timer.cancel()
    done(problem)
  }
  const timer = parts.clock.setTimer(parts.timeoutMs + GRACE_MS, () => finish('no answer'))
  try {
    parts.exporter.export(exported, (outcome) => finish(problemOf(outcome)))
  } catch (error) {
    finish(messageOf(error))
  }
}

function problemOf({ code, error }: ExportOutcome): string | undefined {
  if (code === 0) return undefined
  return error === undefined ? 'refused' : messageOf(error)
}
