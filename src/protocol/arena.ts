/**
 * Memory for frames that wait for an acknowledgement: cut from one block after the other, without an object each.
 *
 *   oldest block                     newest block (16 KiB)
 *   | . . G . . . |  …  | G . G |    | frame | frame |   free   |       64 blocks: 1 MiB, whatever Clients do
 *         └── moves out when the block's turn is over
 *
 * A block lives as long as anything in it, so that one small message that is never acknowledged would keep all of it. Each block
 * therefore knows its guests, and a guest that is still held when the newest block takes the place of the oldest moves into
 * memory of its own. What waits for long from the start does so at once.
 *
 * @module
 */
const BLOCK_BYTES = 16_384
/** More than that would waste what is left of a block: it gets memory of its own. */
export const LARGEST_GUEST_BYTES: number = BLOCK_BYTES / 4
const BLOCKS = 64
/** A place is the number of the block and which guest of it: at most one for each byte. */
const PLACE_BITS = 14

/** What lies in an arena. */
export interface Guest {
  /** How many still hold it. */
  readonly holders: number
  /** Moves into memory of its own. */
  own(): void
}

export class Arena {
  /** The block that the last `take` cut from. */
  block: Buffer = Buffer.alloc(0)
  /** Which guest of which block the last one is. */
  place = 0
  #used = 0
  #number = 0
  /** By block; of a block that was used before, those behind `#counts` are left from then. */
  readonly #guests: (Guest | undefined)[][] = Array.from({ length: BLOCKS }, () => [])
  readonly #counts: number[] = Array.from({ length: BLOCKS }, () => 0)

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
    const number = this.#number
    const count = this.#counts[number]!
    this.#guests[number]![count] = guest
    this.#counts[number] = count + 1
    this.place = (number << PLACE_BITS) | count
    return at
  }

  /** That guest has gone. A place that others have by now stays theirs. */
  leave(place: number, guest: Guest): void {
    const guests = this.#guests[place >> PLACE_BITS]!
    const at = place & ((1 << PLACE_BITS) - 1)
    if (guests[at] === guest) guests[at] = undefined
  }

  #nextBlock(): void {
    this.block = Buffer.allocUnsafeSlow(BLOCK_BYTES)
    this.#used = 0
    this.#number = (this.#number + 1) & (BLOCKS - 1)
    const guests = this.#guests[this.#number]!
    const count = this.#counts[this.#number]!
    this.#counts[this.#number] = 0
    for (let at = 0; at < count; at++) {
      const guest = guests[at]
      guests[at] = undefined
      if (guest !== undefined && guest.holders > 0) guest.own()
    }
  }
}
