/**
 * The cache in front of the trie: maps a Topic Name to its subscribers and is searched with the bytes in the packet, so
 * that a recent topic costs neither decoding nor validation nor a search of the trie.
 *
 *   hash of the bytes ─> set 0 [ . . . . ]
 *                        set 1 [ a d . . ]     four entries a set, compared byte by byte
 *                        …
 *
 * Its size is fixed, whatever clients publish: a full set drops an entry that was not used since the set was last full,
 * and very long topics are not cached at all. The worst that crafted topics can achieve is therefore what many topics
 * do anyway: messages go through the trie.
 *
 * An entry survives changes of subscriptions: `version` states for which version of the subscriptions its `result` was
 * computed, and for another version only the result is computed again. The entries that a Topic Filter matches can be
 * found, so that a changed subscription invalidates only their results; the index for this is built at its first use
 * (`level-columns.ts`), so that a topic in passing costs nothing extra.
 *
 * @module
 */
import { copyBytes, equalBytes, hashBytes } from '../base/bytes.ts'
import { LevelColumns } from './level-columns.ts'

const WAYS = 4

/** Longer topics are not cached: they are rare, and a cache full of them would be large. */
export const MAX_KEPT_BYTES = 512

/** A cached Topic Name and its result. */
export class CachedTopic<Result> {
  readonly topicName: string
  /** The Topic Name as it is transmitted, without its length. */
  readonly topicBytes: Uint8Array
  readonly hash: number
  /**
   * The version of the subscriptions for which `result` was computed; -1 while there is none. The broker writes both.
   */
  version = -1
  result: Result | undefined = undefined
  /** Whether it was found since its set was last full. */
  used = false
  /** Whether it is in the cache. An entry that is not may still be in use, for example by a Topic Alias. */
  isKept = false

  constructor(topicName: string, topicBytes: Uint8Array, hash: number) {
    this.topicName = topicName
    this.topicBytes = topicBytes
    this.hash = hash
  }
}

export interface MatchCacheOptions {
  /** The most entries; rounded up to a power of two. Default 4096. */
  readonly capacity?: number
  /** Any integer, preferably random, so that the topics that share a set differ between processes. Default 0. */
  readonly seed?: number
}

/**
 * A bounded map from the bytes of a Topic Name to a `CachedTopic`. The creator of the results decides how large they
 * may be.
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
  /** Created when it is first needed. */
  #columns: LevelColumns | undefined = undefined
  /** Whether the columns lack some entries. */
  #hasNew = true
  /** The entry that the last `put` replaced. */
  evicted: CachedTopic<Result> | undefined = undefined
  /** Units of work of the last `findMatching`: see `walkUnits`. */
  units = 0

  constructor({ capacity = 4096, seed = 0 }: MatchCacheOptions = {}) {
    const slots = Math.max(WAYS, 2 ** Math.ceil(Math.log2(capacity)))
    this.#slots = new Array<CachedTopic<Result> | undefined>(slots).fill(undefined)
    this.#seed = seed
  }

  /** Returns the entry for the Topic Name in `bytes[start..end)`. Hot: runs for every PUBLISH received. */
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
   * Creates the entry for a topic that `find` did not know, with a copy of its bytes.
   *
   * @param topicName the same bytes, decoded and validated
   * @returns an entry without a result; it can be used even if it is too long to be cached
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

  /** Returns the entry for a Topic Name; unlike `find`, this does not count as a use. */
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

  /**
   * The minimum cost of `findMatching` in units of work (`Work`): it passes over all slots, at about a nanosecond each.
   */
  get walkUnits(): number {
    return this.#slots.length >>> 6
  }

  /** Returns all entries whose names a Topic Filter with wildcards matches, and a few others: see `LevelColumns`. */
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

  /**
   * Returns a free slot of the set, or one whose entry was not used lately; each entry that is passed over loses its
   * mark.
   */
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
