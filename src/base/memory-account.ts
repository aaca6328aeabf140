/**
 * Accounts for memory: everything that is kept on behalf of an owner is charged to an account.
 *
 *   session ─────> user ──> broker        an amount is added to an account and all above it
 *   connection ──> ^ retained messages
 *
 * Accounts are plain integers, so charging costs a few additions and no object. Sizes are estimates: constants for
 * objects, lengths for strings and bytes, chosen so that the sum stays within a factor of two of the actual heap and
 * buffer memory (`test/unit/broker/memory-truth.test.ts` measures it).
 *
 * A message may be held by many sessions at once. It counts in full for each session and each user, because each of
 * them alone can keep it alive, and once for the broker, because it exists once.
 *
 * @module
 */

/** An object that several accounts may hold at the same time. */
export interface Shared {
  /** Bytes; constant from the first `hold` to the last `release`. */
  readonly size: number
  /** The number of holders. */
  holders: number
  /** Called when the last holder has released it. */
  released(): void
}

/** What an account is kept for: one connection, one session, one user, or all of the broker. */
export type AccountKind = 'connection' | 'session' | 'user' | 'broker'

/**
 * The share of the limit that is reserved for output that leaves at once and for work without which nothing could be
 * freed.
 */
const RESERVE = 1 / 4

export class MemoryAccount {
  readonly kind: AccountKind
  /** The owner: a client identifier, a user name or an address; empty for the broker's account. */
  owner: string
  /** Bytes charged at present. */
  bytes = 0
  /** The same for what the store keeps, and the most of it; 0 means no limit. Only users have one. */
  storedBytes = 0
  storeLimit = 0
  /**
   * The limit as a number to compare with. It is the only one that is no small integer, since each of these takes
   * memory of its own in every account.
   */
  #ceiling = Infinity
  /** Set from outside when the process itself runs short of memory, whatever was charged. */
  isShort = false
  #parent: MemoryAccount | undefined

  constructor(kind: AccountKind, owner: string, limit: number, parent: MemoryAccount | undefined) {
    this.kind = kind
    this.owner = owner
    this.limit = limit
    this.#parent = parent
  }

  get parent(): MemoryAccount | undefined {
    return this.#parent
  }

  /** The most bytes that may be charged; 0 means no limit. */
  get limit(): number {
    return this.#ceiling === Infinity ? 0 : this.#ceiling
  }

  set limit(limit: number) {
    this.#ceiling = limit > 0 ? limit : Infinity
  }

  /** Charges bytes, or returns them if the number is negative. */
  add(bytes: number): void {
    if (bytes !== 0) this.#charge(bytes, bytes)
  }

  /**
   * As `add`, for shared objects: charges all accounts except the broker's, which counts them when they are created.
   */
  addShare(bytes: number): void {
    if (bytes !== 0) this.#charge(bytes, 0)
  }

  /** Charges a shared object, and `extra` bytes of this account alone. Hot: runs for every delivery at QoS 1 and 2. */
  hold(shared: Shared, extra: number): void {
    const bytes = shared.size + extra
    this.#charge(bytes, shared.holders++ === 0 ? bytes : extra)
  }

  /** Returns what `hold` charged. Hot: as `hold`. */
  release(shared: Shared, extra: number): void {
    const bytes = shared.size + extra
    const isLast = --shared.holders === 0
    this.#charge(0 - bytes, isLast ? 0 - bytes : 0 - extra)
    if (isLast) shared.released()
  }

  /** @param ofBroker the amount for the broker's account */
  #charge(bytes: number, ofBroker: number): void {
    let above = this.#parent
    if (above === undefined) {
      this.bytes += ofBroker
      return
    }
    this.bytes += bytes
    for (; above.#parent !== undefined; above = above.#parent) above.bytes += bytes
    above.bytes += ofBroker
  }

  /**
   * Finds the account that has no room for these bytes. Hot: runs for every delivery at QoS 1 and 2.
   *
   * @param isUrgent for output that leaves at once and for work without which nothing could be freed: it may use the
   * reserve of a quarter
   * @returns `undefined` if all accounts have room
   */
  refuses(bytes: number, isUrgent = false): MemoryAccount | undefined {
    if (!this.#hasRoomFor(bytes, isUrgent)) return this
    let above = this.#parent
    while (above !== undefined && above.#hasRoomFor(bytes, isUrgent)) above = above.#parent
    return above
  }

  #hasRoomFor(bytes: number, isUrgent: boolean): boolean {
    if (isUrgent) return this.bytes + bytes <= this.#ceiling * (1 + RESERVE)
    return !this.isShort && this.bytes + bytes <= this.#ceiling
  }

  /** Charges bytes in the store, or returns them if the number is negative. */
  addStored(bytes: number): void {
    if (bytes === 0) return
    this.storedBytes += bytes
    for (let above = this.#parent; above !== undefined; above = above.#parent) above.storedBytes += bytes
  }

  /**
   * Finds the account that has no room for these bytes in the store.
   *
   * @param isUrgent as in `refuses`
   * @returns `undefined` if all accounts have room
   */
  refusesStored(bytes: number, isUrgent = false): MemoryAccount | undefined {
    if (!this.#hasStoreFor(bytes, isUrgent)) return this
    let above = this.#parent
    while (above !== undefined && above.#hasStoreFor(bytes, isUrgent)) above = above.#parent
    return above
  }

  #hasStoreFor(bytes: number, isUrgent: boolean): boolean {
    if (this.storeLimit === 0) return true
    return this.storedBytes + bytes <= (isUrgent ? this.storeLimit * (1 + RESERVE) : this.storeLimit)
  }

  /** Moves this account with everything charged to it to another parent, because its session changed its owner. */
  moveTo(parent: MemoryAccount): void {
    if (parent === this.#parent) return
    // `addShare` leaves out the broker, for which nothing changes.
    this.#parent?.addShare(-this.bytes)
    parent.addShare(this.bytes)
    this.#parent?.addStored(-this.storedBytes)
    parent.addStored(this.storedBytes)
    this.#parent = parent
  }
}

/** The memory of a string: V8 uses two bytes per character as soon as one of them is not Latin-1. */
export function sizeOfText(text: string): number {
  return text.length * 2
}
