/**
 * A map that forgets: beyond its limit the entry that was set the longest ago goes.
 *
 * @module
 */

/**
 * @example
 * const map = new RecentMap(2)
 * for (const name of ['a', 'b', 'a', 'c']) map.set(name, true)
 * map.get('a') // true
 * map.get('b') // undefined
 * map.forgotten // 1
 */
export class RecentMap<Value> {
  /** Entries at most; one for each that comes goes where it was lowered. */
  limit: number
  /** Entries that went for lack of room. */
  forgotten = 0
  readonly #entries = new Map<string, Value>()

  constructor(limit: number) {
    this.limit = limit
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  /** Sets an entry, which is the newest then. */
  set(key: string, value: Value): void {
    this.#entries.delete(key)
    this.#entries.set(key, value)
    for (let count = 0; count < 2 && this.#entries.size > this.limit; count++) {
      this.#entries.delete(this.#entries.keys().next().value!)
      this.forgotten++
    }
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
