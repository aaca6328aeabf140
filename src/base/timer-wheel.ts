/**
 * Many deadlines, one real timer: whoever owns the wheel sets a timer for `nextDeadline()` and calls `advance`.
 *
 *   heap by deadline      [ 5 | 9  7 | 30  12  8 ]       parent of i: (i - 1) >> 1
 *
 * Inside it is a binary heap and not a ring of slots, because re-arming is rare here (a Keep Alive is re-armed when it
 * fires, not when a packet comes) while exactness counts: the next deadline is known to the millisecond without a search,
 * thirty days cost the same as thirty milliseconds, and nothing has to be moved from coarse slots to fine ones.
 * Entries know their own place, so that `cancel` needs no search: both `set` and `cancel` take O(log n).
 *
 * @module
 */

/** What can be put into a wheel: usually the object that waits, itself. The wheel alone writes these fields. */
export interface Timed {
  /** Milliseconds of the owner's clock; has no meaning while `wheelIndex` is -1. */
  deadlineMs: number
  /** -1 while the entry is in no wheel, and to begin with. */
  wheelIndex: number
}

/** Something with a deadline. */
export interface Expiring extends Timed {
  expire(nowMs: number): void
}

/**
 * A set of deadlines. An entry is in at most one wheel, once.
 *
 * @example
 * const wheel = new TimerWheel()
 * wheel.set({ deadlineMs: 0, wheelIndex: -1 }, 1500)
 * wheel.nextDeadline() // 1500
 * wheel.advance(1499, () => {}) // 0
 * wheel.advance(1500, () => {}) // 1
 */
export class TimerWheel<Entry extends Timed = Timed> {
  readonly #heap: Entry[] = []

  /** How many deadlines wait. */
  get size(): number {
    return this.#heap.length
  }

  /** When `advance` is due: exact; Infinity if nothing waits. */
  nextDeadline(): number {
    return this.#heap[0]?.deadlineMs ?? Infinity
  }

  /** Arms `entry`, or moves it if it waits already. `Infinity` is the same as `cancel`. */
  set(entry: Entry, deadlineMs: number): void {
    if (deadlineMs === Infinity) {
      this.cancel(entry)
      return
    }
    entry.deadlineMs = deadlineMs
    if (entry.wheelIndex === -1) {
      entry.wheelIndex = this.#heap.length
      this.#heap.push(entry)
    }
    this.#settle(entry)
  }

  /** Disarms `entry`; nothing happens if it does not wait. */
  cancel(entry: Entry): void {
    const index = entry.wheelIndex
    if (index === -1) return
    entry.wheelIndex = -1
    const last = this.#heap.pop()!
    if (last === entry) return
    this.#place(last, index)
    this.#settle(last)
  }

  /**
   * Disarms every entry whose deadline is `nowMs` or earlier and calls `fire` with it, earliest first.
   *
   * `fire` may set and cancel any entry. One that it sets to a time that has come already fires in the same call, so an
   * owner that re-arms must do so for a later time.
   *
   * @param limit most entries to fire in this call; the others stay due, and `nextDeadline()` says so
   * @returns how many fired
   */
  advance(nowMs: number, fire: (entry: Entry) => void, limit = Infinity): number {
    let fired = 0
    while (fired < limit) {
      const entry = this.#heap[0]
      if (entry === undefined || entry.deadlineMs > nowMs) break
      this.cancel(entry)
      fired++
      fire(entry)
    }
    return fired
  }

  /** Moves `entry` up or down until the heap is in order again. */
  #settle(entry: Entry): void {
    this.#rise(entry)
    this.#sink(entry)
  }

  #rise(entry: Entry): void {
    let index = entry.wheelIndex
    while (index > 0) {
      const parent = this.#heap[(index - 1) >> 1]!
      if (parent.deadlineMs <= entry.deadlineMs) break
      const above = parent.wheelIndex
      this.#place(parent, index)
      index = above
    }
    this.#place(entry, index)
  }

  #sink(entry: Entry): void {
    let index = entry.wheelIndex
    for (;;) {
      const left = this.#heap[2 * index + 1]
      if (left === undefined) break
      const right = this.#heap[2 * index + 2]
      const earlier = right !== undefined && right.deadlineMs < left.deadlineMs ? right : left
      if (entry.deadlineMs <= earlier.deadlineMs) break
      const below = earlier.wheelIndex
      this.#place(earlier, index)
      index = below
    }
    this.#place(entry, index)
  }

  #place(entry: Entry, index: number): void {
    this.#heap[index] = entry
    entry.wheelIndex = index
  }
}
