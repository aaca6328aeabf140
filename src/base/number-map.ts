/**
 * A Map whose keys are numbers that are given out one after the other, and that may hold millions of entries without a pause.
 *
 * A plain Map moves all its entries whenever it has to double: at a million that takes a quarter of a second. Here 256 Maps share the
 * keys by their lowest bits, so that each of them holds 4,000 at a million, and moves in less than a millisecond.
 *
 * @module
 */

const PARTS = 256

/**
 * @example
 * const map = new NumberMap<string>()
 * map.set(7, 'seven')
 * map.get(7) // 'seven'
 * Array.from(map.values()) // ['seven']
 */
export class NumberMap<Value> {
  readonly #parts: Map<number, Value>[] = Array.from({ length: PARTS }, () => new Map<number, Value>())
  #size = 0

  get size(): number {
    return this.#size
  }

  /** Hot: runs for each Change that is stored. */
  get(key: number): Value | undefined {
    return this.#part(key).get(key)
  }

  set(key: number, value: Value): void {
    const part = this.#part(key)
    const before = part.size
    part.set(key, value)
    this.#size += part.size - before
  }

  /** @returns whether there was such an entry */
  delete(key: number): boolean {
    if (!this.#part(key).delete(key)) return false
    this.#size--
    return true
  }

  #part(key: number): Map<number, Value> {
    return this.#parts[key & (PARTS - 1)]!
  }

  /**
   * Every value, found as the caller asks for them. The map may change meanwhile: what is there all the time comes exactly
   * once, and what comes or goes may come or not.
   */
  *values(): Generator<Value, void, undefined> {
    for (const part of this.#parts) yield* part.values()
  }
}
