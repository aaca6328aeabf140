/**
 * A Map for consecutive numbers as keys, which may hold millions of entries without a pause.
 *
 * A plain Map moves all its entries when it doubles: at a million that takes a quarter of a second. Here 256 Maps
 * divide the keys by their lowest bits, so that at a million each holds 4,000 and moves them in less than a
 * millisecond.
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

  /** Hot: runs for each stored Change. */
  get(key: number): Value | undefined {
    return this.#part(key).get(key)
  }

  set(key: number, value: Value): void {
    const part = this.#part(key)
    const before = part.size
    part.set(key, value)
    this.#size += part.size - before
  }

  /** @returns whether the entry existed */
  delete(key: number): boolean {
    if (!this.#part(key).delete(key)) return false
    this.#size--
    return true
  }

  #part(key: number): Map<number, Value> {
    return this.#parts[key & (PARTS - 1)]!
  }

  /**
   * Yields every value as the caller asks for it. The map may change meanwhile: an entry that exists all the time is
   * yielded exactly once, one that is added or removed may or may not be.
   */
  *values(): Generator<Value, void, undefined> {
    for (const part of this.#parts) yield* part.values()
  }
}
