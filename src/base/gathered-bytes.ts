/**
 * Bytes that arrive in pieces, such as the body of a request, put together up to a limit. The pieces are copied into
 * one array that doubles when it is full: a peer decides how small they are, and an object for each byte would take
 * hundreds of times as much.
 *
 * @module
 */

const FIRST_BYTES = 4096

export class GatheredBytes {
  readonly #limit: number
  #room = new Uint8Array(0)
  #length = 0

  /** @param limit in bytes */
  constructor(limit: number) {
    this.#limit = limit
  }

  /** Bytes that are held for it; at most twice what has arrived, beyond the first few thousand. */
  get heldBytes(): number {
    return this.#room.length
  }

  /** @returns whether there was room for it */
  add(piece: Uint8Array): boolean {
    const length = this.#length + piece.length
    if (length > this.#limit) return false
    if (length > this.#room.length) this.#growTo(Math.max(length, 2 * this.#room.length, FIRST_BYTES))
    this.#room.set(piece, this.#length)
    this.#length = length
    return true
  }

  #growTo(size: number): void {
    const room = new Uint8Array(Math.min(size, this.#limit))
    room.set(this.#room)
    this.#room = room
  }

  /** What has arrived. */
  get bytes(): Uint8Array {
    return this.#room.subarray(0, this.#length)
  }
}
