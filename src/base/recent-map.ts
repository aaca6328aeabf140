/**
 * A map with a limit: beyond it, the entry that was set longest ago is removed.
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
  /** The largest number of entries; after it was lowered, each new entry removes one. */
  limit: number
  /** Entries that were removed for lack of space. */
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

  /** Sets an entry, which becomes the newest. */
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
