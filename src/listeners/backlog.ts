/**
 * Output that a stream has not been given yet, because it has enough: a pump hands it on in pieces.
 *
 *   write(8 MB) ──> [ backlog ] ── a piece ──> stream ──> system        the next piece when this one was taken
 *
 * A stream reports a write when all of it was taken, and nothing before that. Of one large write nobody could say whether its
 * reader is slow or gone; of pieces they can (`Transport.unsentBytes`). A piece is small at first, and twice as large after each
 * that was taken at once, so that what goes fast costs few system calls, and what waits in the stream is never much more than what the system
 * has just had room for.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'

/** A piece for a stream that is slow; at the slowest, this is what has to be taken within `drain-timeout`. */
export const LEAST_PIECE_BYTES = 65_536
const MOST_PIECE_BYTES = 1_048_576

export class Backlog {
  /** Bytes that wait here. */
  bytes = 0
  #pieceBytes = LEAST_PIECE_BYTES
  /** What is left of the write that was handed on in part. */
  #begun: Uint8Array | undefined = undefined
  readonly #writes = new Ring<Uint8Array>()

  /** The bytes are not copied. */
  push(bytes: Uint8Array): void {
    this.bytes += bytes.length
    this.#writes.push(bytes)
  }

  /**
   * Hands on one piece, which may be parts of several writes.
   *
   * @param hand is given each part
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

  /** The piece before was taken at once, or was not: says how large the next one is. */
  taken(atOnce: boolean): void {
    this.#pieceBytes = atOnce ? Math.min(this.#pieceBytes * 2, MOST_PIECE_BYTES) : LEAST_PIECE_BYTES
  }

  clear(): void {
    this.bytes = 0
    this.#begun = undefined
    this.#writes.clear()
  }
}
