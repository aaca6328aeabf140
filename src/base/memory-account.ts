/**
 * Who pays for memory: an account for everything that is kept on behalf of somebody.
 *
 *   session ─────> user ──> broker        what is added to one is added to all above it
 *   connection ──> ^ retained messages
 *
 * Accounts count in plain integers, so that charging costs a few additions and no object. Sizes are estimates: constants for
 * objects, lengths for strings and bytes, chosen so that the sum stays within a factor of two of what the heap and its buffers
 * take (`test/unit/broker/memory-truth.test.ts` measures it).
 *
 * One message may be held by many sessions at once. It counts in full for each session and each user, because each of them
 * alone can keep it alive, and once for the broker, because it exists once.
 *
 * @module
 */

/** Something that several accounts may hold at the same time. */
export interface Shared {
  /** Bytes; the same from the first `hold` to the last `release`. */
  readonly size: number
  /** How many hold it. */
  holders: number
  /** The last one has let go of it. */
  released(): void
}

/** What an account is kept for: one connection, one session, one user, or all of the broker. */
export type AccountKind = 'connection' | 'session' | 'user' | 'broker'

/** What leaves at once, or without which nothing could be freed, may use so much more than the limit. */
const RESERVE = 1 / 4

export class MemoryAccount {
  readonly kind: AccountKind
  /** Whose it is: a client identifier, a user name or an address; empty for the broker's. */
  owner: string
  /** Bytes charged now. */
  bytes = 0
  #limit = 0
  /** The same as a number to compare with, and with the reserve: so that the hot path multiplies nothing. */
  #ceiling = Infinity
  #urgentCeiling = Infinity
  /** Set from outside where the process itself runs short, whatever was charged. */
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

  /** Bytes that it may be charged; 0 sets no limit. */
  get limit(): number {
    return this.#limit
  }

  set limit(limit: number) {
    this.#limit = limit
    this.#ceiling = limit > 0 ? limit : Infinity
    this.#urgentCeiling = this.#ceiling * (1 + RESERVE)
  }

  /** Charges so many bytes, or gives them back where they are negative. */
  add(bytes: number): void {
    this.#charge(bytes, bytes)
  }

  /** As `add`, for what others may share: all accounts but the broker's, which counts it where it is made. */
  addShare(bytes: number): void {
    this.#charge(bytes, 0)
  }

  /** Charges something shared, and `extra` bytes that are this account's alone. Hot: runs for every delivery at QoS 1 and 2. */
  hold(shared: Shared, extra: number): void {
    const bytes = shared.size + extra
    this.#charge(bytes, shared.holders++ === 0 ? bytes : extra)
  }

  /** Gives back what `hold` charged. Hot: as `hold`. */
  release(shared: Shared, extra: number): void {
    const bytes = shared.size + extra
    const isLast = --shared.holders === 0
    this.#charge(-bytes, isLast ? -bytes : -extra)
    if (isLast) shared.released()
  }

  /** @param ofBroker what the broker's account is charged with instead */
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
   * Which account has no room for so many bytes more. Hot: runs for every delivery at QoS 1 and 2.
   *
   * @param isUrgent for what leaves at once, or without which nothing could be freed: it may use the reserve of a quarter
   * @returns `undefined` where all have room
   */
  refuses(bytes: number, isUrgent = false): MemoryAccount | undefined {
    if (!this.#hasRoomFor(bytes, isUrgent)) return this
    let above = this.#parent
    while (above !== undefined && above.#hasRoomFor(bytes, isUrgent)) above = above.#parent
    return above
  }

  #hasRoomFor(bytes: number, isUrgent: boolean): boolean {
    if (isUrgent) return this.bytes + bytes <= this.#urgentCeiling
    return !this.isShort && this.bytes + bytes <= this.#ceiling
  }

  /** Takes this account, with all that it was charged, to another parent: its session changed hands. */
  moveTo(parent: MemoryAccount): void {
    if (parent === this.#parent) return
    // `addShare` leaves out the broker, to which this makes no difference.
    this.#parent?.addShare(-this.bytes)
    parent.addShare(this.bytes)
    this.#parent = parent
  }
}

/** What a text takes: V8 needs two bytes for a character as soon as one of them is beyond Latin-1. */
export function sizeOfText(text: string): number {
  return text.length * 2
}
