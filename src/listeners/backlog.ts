/**
 * Output that waits because the stream has enough: a pump passes it on in pieces.
 *
 *   write(8 MB) ──> [ backlog ] ── a piece ──> stream ──> system        the next piece once this one is accepted
 *
 * A stream reports a write only when all of it was accepted. With one large write nobody could tell a slow reader from
 * a dead one; with pieces the pump can (`Transport.unsentBytes`). The first piece is small, and each piece that is
 * accepted at once doubles the next, so that a fast stream costs few system calls and a slow one never buffers much
 * more than the system has just accepted.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'

/** The piece for a slow stream; at the slowest, this is what must be accepted within `drain-timeout`. */
export const LEAST_PIECE_BYTES = 65_536
const MOST_PIECE_BYTES = 1_048_576

export class Backlog {
  /** Number of bytes that wait here. */
  bytes = 0
  #pieceBytes = LEAST_PIECE_BYTES
  /** The rest of the write that was passed on in part. */
  #begun: Uint8Array | undefined = undefined
  readonly #writes = new Ring<Uint8Array>()

  /** Adds bytes without copying them. */
  push(bytes: Uint8Array): void {
    this.bytes += bytes.length
    this.#writes.push(bytes)
  }

  /**
   * Passes on one piece, which may consist of parts of several writes.
   *
   * @param hand receives each part
   */
  handPiece(hand: (part: Uint8Array) => void): void {
    for (let left = this.#pieceBytes; left > 0 && this.bytes > 0;) {
      const part = this.#take(left)
      left -= part.length
      hand(part)
    }
  }

  #take(maxBytes: number): Uint8Array {
    const bytes = this.#begun ?? this.#writes.shift()!
    const part = bytes.length > maxBytes ? bytes.subarray(0, maxBytes) : bytes
    this.#begun = part === bytes ? undefined : bytes.subarray(maxBytes)
    this.bytes -= part.length
    return part
  }

  /** Sets the size of the next piece, depending on whether the last one was accepted at once. */
  taken(atOnce: boolean): void {
    this.#pieceBytes = atOnce ? Math.min(this.#pieceBytes * 2, MOST_PIECE_BYTES) : LEAST_PIECE_BYTES
  }

  clear(): void {
    this.bytes = 0
    this.#begun = undefined
    this.#writes.clear()
  }
}
