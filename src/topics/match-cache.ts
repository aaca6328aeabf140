/**
 * What stands before the trie: Topic Name -> who wants it, found by the name's bytes in the packet, so that a topic that
 * was seen lately costs neither decoding nor validation nor a look into the trie.
 *
 *   hash of the bytes ─> set 0 [ . . . . ]
 *                        set 1 [ a d . . ]     four entries a set, compared byte by byte
 *                        …
 *
 * Its size is fixed, whatever Clients publish: a full set gives up an entry that was not used since the last time it was
 * full, and overlong topics are not kept at all. So the worst that crafted topics can do is what many topics do anyway:
 * send messages through the trie.
 *
 * An entry outlives changes of subscriptions: its `version` says which version of the subscriptions its `result` was made for,
 * and with another one only the result is made anew. The entries that a Topic Filter matches can be found, so that a change
 * of one subscription costs only these their results; the index for it is made when it is first asked for
 * (`level-columns.ts`), so that a topic that passes through costs nothing more.
 *
 * @module
 */
import { copyBytes, equalBytes, hashBytes } from '../base/bytes.ts'
import { LevelColumns } from './level-columns.ts'

const WAYS = 4

/** Longer topics are not kept: they are rare, and a cache full of them would be large. */
export const MAX_KEPT_BYTES = 512

/** A Topic Name that was seen, and what came of it. */
export class CachedTopic<Result> {
  readonly topicName: string
  /** The Topic Name as it travels, without its length. */
  readonly topicBytes: Uint8Array
  readonly hash: number
  /** Which version of the subscriptions `result` was made for; -1 while there is none. The broker writes both. */
  version = -1
  result: Result | undefined = undefined
  /** Found since its set was last full. */
  used = false
  /** In the cache. One that is not may still be in use, by a Topic Alias for example. */
  isKept = false

  constructor(topicName: string, topicBytes: Uint8Array, hash: number) {
    this.topicName = topicName
    this.topicBytes = topicBytes
    this.hash = hash
  }
}

export interface MatchCacheOptions {
  /** Most entries kept; rounded up to a power of two. Default 4096. */
  readonly capacity?: number
  /** Any integer, best a random one: which topics share a set then differs from process to process. Default 0. */
  readonly seed?: number
}

/**
 * A bounded map from the bytes of a Topic Name to a `CachedTopic`. How much its results may keep is for whoever makes them.
 *
 * @example
 * const cache = new MatchCache<string[]>()
 * const packet = Buffer.from('..sport/tennis..')
 * cache.find(packet, 2, 14) // undefined
 * cache.put(packet, 2, 14, 'sport/tennis').version // -1
 * cache.find(packet, 2, 14)?.topicName // 'sport/tennis'
 */
export class MatchCache<Result> {
  readonly #slots: (CachedTopic<Result> | undefined)[]
  readonly #seed: number
  #nextVictim = 0
  /** Made when it is first needed. */
  #columns: LevelColumns | undefined = undefined
  /** Entries were put that the columns lack. */
  #hasNew = true
  /** The entry that the last `put` took the place of. */
  evicted: CachedTopic<Result> | undefined = undefined
  /** Units of work of the last `findMatching`: see `walkUnits`. */
  units = 0

  constructor({ capacity = 4096, seed = 0 }: MatchCacheOptions = {}) {
    const slots = Math.max(WAYS, 2 ** Math.ceil(Math.log2(capacity)))
    this.#slots = new Array<CachedTopic<Result> | undefined>(slots).fill(undefined)
    this.#seed = seed
  }

  /** The entry for the Topic Name in `bytes[start..end)`. Hot: runs for every PUBLISH received. */
  find(bytes: Uint8Array, start: number, end: number): CachedTopic<Result> | undefined {
    if (end - start > MAX_KEPT_BYTES) return undefined
    const hash = hashBytes(bytes, start, end, this.#seed)
    const first = this.#firstSlot(hash)
    for (let slot = first; slot < first + WAYS; slot++) {
      const entry = this.#slots[slot]
      if (entry !== undefined && entry.hash === hash && equalBytes(bytes, start, end, entry.topicBytes)) {
        entry.used = true
        return entry
      }
    }
    return undefined
  }

  /**
   * Makes the entry for a topic that `find` did not know, with a copy of its bytes.
   *
   * @param topicName the same bytes, decoded and found valid
   * @returns an entry without a result; it serves also where it is too long to be kept
   */
  put(bytes: Uint8Array, start: number, end: number, topicName: string): CachedTopic<Result> {
    const topicBytes = new Uint8Array(end - start)
    copyBytes(topicBytes, 0, bytes, start, end)
    const hash = hashBytes(bytes, start, end, this.#seed)
    const entry = new CachedTopic<Result>(topicName, topicBytes, hash)
    this.evicted = undefined
    if (topicBytes.length <= MAX_KEPT_BYTES) this.#fill(this.#slotToFill(this.#firstSlot(hash)), entry)
    return entry
  }

  #fill(slot: number, entry: CachedTopic<Result>): void {
    const evicted = this.#slots[slot]
    if (evicted !== undefined) evicted.isKept = false
    this.evicted = evicted
    this.#slots[slot] = entry
    entry.isKept = true
    this.#columns?.clear(slot)
    this.#hasNew = true
  }

  /** The entry for a Topic Name; unlike `find` it does not count as use. */
  get(topicName: string): CachedTopic<Result> | undefined {
    if (topicName.length > MAX_KEPT_BYTES) return undefined
    const bytes = Buffer.from(topicName)
    const hash = hashBytes(bytes, 0, bytes.length, this.#seed)
    const first = this.#firstSlot(hash)
    for (let slot = first; slot < first + WAYS; slot++) {
      const entry = this.#slots[slot]
      if (entry !== undefined && entry.hash === hash && equalBytes(bytes, 0, bytes.length, entry.topicBytes))
        return entry
    }
    return undefined
  }

  /** What `findMatching` costs at least, in units of work (`Work`): it walks past all slots, about a nanosecond each. */
  get walkUnits(): number {
    return this.#slots.length >>> 6
  }

  /** All entries whose names a Topic Filter with wildcards matches, and a few others: see `LevelColumns`. */
  findMatching(topicFilter: string): CachedTopic<Result>[] {
    this.units = this.walkUnits
    this.#columns ??= new LevelColumns(this.#slots.length)
    if (this.#hasNew) this.#addNew(this.#columns)
    const found = this.#columns.find(topicFilter)
    this.units += found.length
    return found.map((slot) => this.#slots[slot]!)
  }

  #addNew(columns: LevelColumns): void {
    this.#hasNew = false
    for (const [slot, entry] of this.#slots.entries()) {
      if (entry === undefined || columns.has(slot)) continue
      columns.set(slot, entry.topicName)
      this.units++
    }
  }

  /** Every entry. */
  *[Symbol.iterator](): Generator<CachedTopic<Result>, void, undefined> {
    for (const entry of this.#slots) if (entry !== undefined) yield entry
  }

  #firstSlot(hash: number): number {
    return Math.imul(hash, WAYS) & (this.#slots.length - 1)
  }

  /** A free slot of the set, or one whose entry was not used lately; each entry passed over loses its mark. */
  #slotToFill(first: number): number {
    for (let slot = first; slot < first + WAYS; slot++) if (this.#slots[slot] === undefined) return slot
    for (let slot = first; slot < first + WAYS; slot++) {
      const entry = this.#slots[slot]!
      if (!entry.used) return slot
      entry.used = false
    }
    this.#nextVictim = (this.#nextVictim + 1) % WAYS
    return first + this.#nextVictim
  }
}
