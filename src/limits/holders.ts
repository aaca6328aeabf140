/**
 * A bounded room, and how much of it each holder has. When it is full, the oldest entry of the largest holder gives
 * way, so a greedy holder only displaces itself.
 *
 *   holders by size   1: {b, c}   2: {d}   3: {a}      full, and e comes ──> the oldest of a
 *
 * Each step costs the same, however many holders there are: an entry moves its holder by one size, up or down.
 *
 * @module
 */

interface Holder<Entry> {
  readonly name: string
  /** Its entries, the oldest first. */
  readonly entries: Set<Entry>
}

export class Holders<Entry> {
  /** The number of all entries. */
  size = 0
  readonly #byName = new Map<string, Holder<Entry>>()
  /** Holders by the number of their entries; within one size, the one that has had it longest comes first. */
  readonly #bySize: Set<Holder<Entry>>[] = []
  #largest = 0

  /** The number of entries of the largest holder. */
  get largest(): number {
    return this.#largest
  }

  /** The number of entries of that holder. */
  sizeOf(name: string): number {
    return this.#byName.get(name)?.entries.size ?? 0
  }

  add(name: string, entry: Entry): void {
    const holder = this.#byName.get(name) ?? { name, entries: new Set() }
    const before = holder.entries.size
    holder.entries.add(entry)
    if (holder.entries.size === before) return
    this.size++
    if (before === 0) this.#byName.set(name, holder)
    this.#move(holder, before, before + 1)
  }

  /** @returns whether it was there */
  remove(name: string, entry: Entry): boolean {
    const holder = this.#byName.get(name)
    if (holder === undefined || !holder.entries.delete(entry)) return false
    this.size--
    const left = holder.entries.size
    if (left === 0) this.#byName.delete(name)
    this.#move(holder, left + 1, left)
    return true
  }

  /** The name of the largest holder; empty if there is none. */
  get largestName(): string {
    return this.#largestHolder()?.name ?? ''
  }

  /** The oldest entry of the largest holder; `undefined` if there is none. */
  oldestOfLargest(): Entry | undefined {
    return this.#largestHolder()?.entries.values().next().value
  }

  #largestHolder(): Holder<Entry> | undefined {
    return this.#bySize[this.#largest]?.values().next().value
  }

  #move(holder: Holder<Entry>, from: number, to: number): void {
    this.#bySize[from]?.delete(holder)
    if (to > 0) (this.#bySize[to] ??= new Set()).add(holder)
    if (to > this.#largest) this.#largest = to
    // One step down is always enough: the holder that has just left the largest size is now in the one below it.
    else if (from === this.#largest && this.#bySize[from]!.size === 0) this.#largest = to
  }
}
