/**
 * Memory for frames that wait for an acknowledgement: cut from one block after the other, without an object each.
 *
 *   oldest block                     newest block (16 KiB)
 *   | . . G . . . |  …  | G . G |    | frame | frame |   free   |       64 blocks: 1 MiB, whatever Clients do
 *         └── moves out when the block's turn is over
 *
 * A block lives as long as anything in it, so a single small message that is never acknowledged would keep all of it.
 * Each block therefore knows its guests. When the newest block takes the place of the oldest, the guests of the oldest
 * that are still held move into memory of their own. A message that has to wait for long from the start goes there at
 * once.
 *
 * @module
 */
const BLOCK_BYTES = 16_384
/** A larger guest would waste the rest of a block, so it gets memory of its own. */
export const LARGEST_GUEST_BYTES: number = BLOCK_BYTES / 4
const BLOCKS = 64
/**
 * A place is the number of the block and the number of the guest in it; a block has at most one guest for each byte.
 */
const PLACE_BITS = 14
/** Initial length of a block's list of guests: as many as there are frames of 64 bytes, since smaller ones are rare. */
const USUAL_GUESTS = BLOCK_BYTES / 64
/** Copied for each block, which is faster than growing a list. */
const FREE_PLACES: readonly (Guest | undefined)[] = Array.from({ length: USUAL_GUESTS }, () => undefined)

/** Something whose bytes lie in an arena. */
export interface Guest {
  /** How many holders it still has. */
  readonly holders: number
  /** Moves into memory of its own. */
  own(): void
}

export class Arena {
  /** The block that the last `take` cut from. */
  block: Buffer = Buffer.alloc(0)
  /** The place of the guest that was taken last. */
  place = 0
  #used = 0
  #number = 0
  /**
   * By block. Each block gets a new list, because the collector has to note every young guest that an old list takes.
   */
  readonly #guests: (Guest | undefined)[][] = Array.from({ length: BLOCKS }, () => [])
  /** The guests of the newest block, and their number. */
  #newest: (Guest | undefined)[] = []
  #count = 0

  /**
   * Hot: runs for every message of QoS 1 and 2.
   *
   * @param size 1 to `LARGEST_GUEST_BYTES`
   * @returns where in `block` the `size` bytes begin
   */
  take(size: number, guest: Guest): number {
    if (this.#used + size > this.block.length) this.#nextBlock()
    const at = this.#used
    this.#used += size
    const count = this.#count++
    this.#newest[count] = guest
    this.place = (this.#number << PLACE_BITS) | count
    return at
  }

  /** Frees the place of that guest, unless another guest has it by now. */
  leave(place: number, guest: Guest): void {
    const guests = this.#guests[place >> PLACE_BITS]!
    const at = place & ((1 << PLACE_BITS) - 1)
    if (guests[at] === guest) guests[at] = undefined
  }

  #nextBlock(): void {
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    this.#used = 0
    this.#number = (this.#number + 1) & (BLOCKS - 1)
    const leaving = this.#guests[this.#number]!
    this.#count = 0
    this.#newest = FREE_PLACES.slice()
    this.#guests[this.#number] = this.#newest
    for (const guest of leaving) if (guest !== undefined && guest.holders > 0) guest.own()
  }
}
