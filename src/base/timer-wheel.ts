/**
 * Manages many deadlines with one real timer: the owner of the wheel sets a timer for `nextDeadline()` and calls
 * `advance`.
 *
 *   heap by deadline      [ 5 | 9  7 | 30  12  8 ]       parent of i: (i - 1) >> 1
 *
 * It is a binary heap and not a ring of slots, because re-arming is rare here (a Keep Alive is re-armed when it fires,
 * not for every packet) while exactness matters: the next deadline is known to the millisecond without a search, thirty
 * days cost the same as thirty milliseconds, and nothing has to be moved from coarse slots to fine ones. Entries hold
 * their own index, so `cancel` needs no search: both `set` and `cancel` take O(log n).
 *
 * @module
 */

/** An entry of a wheel: usually the waiting object itself. Only the wheel writes these fields. */
export interface Timed {
  /** Milliseconds of the owner's clock; meaningless while `wheelIndex` is -1. */
  deadlineMs: number
  /** -1 initially, and while the entry is in no wheel. */
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

  /** The number of waiting deadlines. */
  get size(): number {
    return this.#heap.length
  }

  /** The exact time at which `advance` is due; Infinity if nothing waits. */
  nextDeadline(): number {
    return this.#heap[0]?.deadlineMs ?? Infinity
  }

  /** Arms `entry`, or moves it if it is armed. `Infinity` is the same as `cancel`. */
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

  /** Disarms `entry`; does nothing if it is not armed. */
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
   * `fire` may set and cancel any entry. An entry that it sets to a time that has already come fires in the same call,
   * so an owner that re-arms has to choose a later time.
   *
   * @param limit the most entries to fire in this call; the others stay due, as `nextDeadline()` shows
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
