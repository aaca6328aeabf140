/**
 * Memory for frames that wait for an acknowledgement: cut from one block after the other, without an object each.
 *
 *   block (16 KiB)  | frame | frame | frame |   free   |
 *
 * A block lives as long as anything in it, so that this is for what lives shortly: a message that has to wait longer (its
 * Client is away, its queue is long, it is retained) moves into memory of its own.
 *
 * @module
 */
const BLOCK_BYTES = 16_384

export class Arena {
  /** The block that the last `take` cut from. */
  block: Buffer = Buffer.alloc(0)
  #used = 0

  /** Hot: runs for every message of QoS 1 and 2. @returns where in `block` the `size` bytes begin */
  take(size: number): number {
    if (this.#used + size > this.block.length) {
      this.block = Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, size))
      this.#used = 0
    }
    const at = this.#used
    this.#used += size
    return at
  }
}
