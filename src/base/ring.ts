/**
 * A queue that grows and shrinks: first in, first out, with insertion at the front as well.
 *
 *   items  [ d e . . . a b c ]     head = 5, length = 5, capacity 8 (a power of two, so that wrapping is one `&`)
 *              ^tail   ^head
 *
 * Every operation takes constant time on average. An empty ring owns no array, because most queues of most clients are
 * empty most of the time. A slot that becomes free is cleared, so that a value is not kept alive by having been queued.
 *
 * @module
 */

const MIN_CAPACITY = 8

/**
 * A double-ended queue.
 *
 * @example
 * const ring = new Ring([1, 2, 3])
 * ring.shift() // 1
 * Array.from(ring) // [2, 3]
 */
export class Ring<Value> {
  #items: (Value | undefined)[] = []
  #head = 0
  #length = 0

  /** @param values added in order */
  constructor(values?: Iterable<Value>) {
    if (values !== undefined) for (const value of values) this.push(value)
  }

  get length(): number {
    return this.#length
  }

  /** Adds at the end. */
  push(value: Value): void {
    if (this.#length === this.#items.length) this.#resize(Math.max(MIN_CAPACITY, this.#length * 2))
    this.#items[this.#slot(this.#length)] = value
    this.#length++
  }

  /** Adds at the front, so that `shift` returns it next. */
  unshift(value: Value): void {
    if (this.#length === this.#items.length) this.#resize(Math.max(MIN_CAPACITY, this.#length * 2))
    this.#head = this.#slot(-1)
    this.#items[this.#head] = value
    this.#length++
  }

  /**
   * Visits `count` values from that place on, first to last, and removes those for which `isWanted` returns true. Moves
   * each value after the first one that is removed.
   *
   * @example
   * const ring = new Ring([1, 2, 3, 4])
   * ring.takeOut(1, 2, (value) => value !== 3) // [2]
   * Array.from(ring) // [1, 3, 4]
   */
  takeOut(from: number, count: number, isTaken: (value: Value) => boolean): Value[] {
    const end = Math.min(this.#length, from + count)
    const taken: Value[] = []
    let kept = from
    for (let at = from; at < end; at++) {
      const value = this.#items[this.#slot(at)]!
      if (isTaken(value)) taken.push(value)
      else this.#items[this.#slot(kept++)] = value
    }
    if (taken.length === 0) return taken
    for (let at = end; at < this.#length; at++) this.#items[this.#slot(kept++)] = this.#items[this.#slot(at)]
    for (let at = kept; at < this.#length; at++) this.#items[this.#slot(at)] = undefined
    this.#length = kept
    let capacity = this.#items.length
    while (kept * 4 <= capacity && capacity > MIN_CAPACITY) capacity /= 2
    if (capacity < this.#items.length) this.#resize(capacity)
    return taken
  }

  /** Removes and returns the first value; `undefined` if the ring is empty. */
  shift(): Value | undefined {
    if (this.#length === 0) return undefined
    const value = this.#items[this.#head]
    this.#items[this.#head] = undefined
    this.#head = this.#slot(1)
    this.#length--
    if (this.#length * 4 <= this.#items.length && this.#items.length > MIN_CAPACITY)
      this.#resize(this.#items.length / 2)
    return value
  }

  /** Returns the first value without removing it; `undefined` if the ring is empty. */
  peek(): Value | undefined {
    return this.at(0)
  }

  /** The value at `index`; `undefined` outside 0..length-1. */
  at(index: number): Value | undefined {
    return index >= 0 && index < this.#length ? this.#items[this.#slot(index)] : undefined
  }

  clear(): void {
    this.#items = []
    this.#head = 0
    this.#length = 0
  }

  /** First to last. Values that are added meanwhile are visited too. */
  *[Symbol.iterator](): Generator<Value, void, undefined> {
    for (let index = 0; index < this.#length; index++) yield this.#items[this.#slot(index)]!
  }

  #slot(index: number): number {
    return (this.#head + index) & (this.#items.length - 1)
  }

  #resize(capacity: number): void {
    const items = new Array<Value | undefined>(capacity).fill(undefined)
    for (let index = 0; index < this.#length; index++) items[index] = this.#items[this.#slot(index)]
    this.#items = items
    this.#head = 0
  }
}
