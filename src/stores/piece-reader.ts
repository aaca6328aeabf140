/** Reads a file in large pieces, for callers that need many small parts of it in order. @module */
import type { DiskFile } from '../base/disk.ts'

export const pieceBytes = 1 << 20

export class PieceReader {
  /** How much of the file counts. */
  readonly size: number
  #file: DiskFile
  #piece: Buffer = Buffer.alloc(0)
  #pieceAt = 0

  constructor(file: DiskFile, size: number) {
    this.#file = file
    this.size = size
  }

  /** Returns up to `length` bytes from `at`, from the current piece or from a new one that begins there. */
  async bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, Math.max(0, this.size - at))
    const from = at - this.#pieceAt
    if (from < 0 || from + wanted > this.#piece.length) {
      const read = await this.#file.read(at, Math.min(Math.max(wanted, pieceBytes), this.size - at))
      this.#piece = Buffer.from(read.buffer, read.byteOffset, read.length)
      this.#pieceAt = at
      return this.#piece.subarray(0, wanted)
    }
    return this.#piece.subarray(from, from + wanted)
  }

  /** Returns the rest of the current piece from `at`, or the piece that begins there. */
  async rest(at: number): Promise<Buffer> {
    const from = at - this.#pieceAt
    if (from >= 0 && from < this.#piece.length) return this.#piece.subarray(from)
    return this.bytes(at, pieceBytes)
  }
}
