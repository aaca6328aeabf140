/**
 * Reads the records of one file from front to back, in large pieces, stepping over payloads that nobody asked for.
 *
 * @module
 */
import type { DiskFile } from '../base/disk.ts'
import { checksum, decodeFrame, frameBytes } from './frame.ts'
import type { Frame } from './frame.ts'

const pieceBytes = 1 << 20

export interface ReadRecord {
  readonly frame: Frame
  /** Where the record begins, and the next one. */
  readonly offset: number
  readonly end: number
  /** Where its first payload begins. */
  readonly payloadOffset: number
  /** The packed Changes; valid until the next record is read. */
  readonly meta: Uint8Array
  /** The payloads with their checksums, if asked for. */
  readonly payloads: Uint8Array | undefined
}

export class FrameReader {
  offset: number
  #file: DiskFile
  /** How much of the file counts. */
  #size: number
  #salt: number
  #withPayloads: boolean
  #piece: Buffer = Buffer.alloc(0)
  #pieceAt = 0

  constructor(file: DiskFile, offset: number, size: number, salt: number, withPayloads: boolean) {
    this.#file = file
    this.offset = offset
    this.#size = size
    this.#salt = salt
    this.#withPayloads = withPayloads
  }

  get atEnd(): boolean {
    return this.offset >= this.#size
  }

  /** The next record, or `undefined` if what follows is not one, whole and sound. `offset` stays before it then. */
  async next(): Promise<ReadRecord | undefined> {
    const { offset } = this
    const head = await this.#bytes(offset, frameBytes)
    const frame = decodeFrame(head, 0, this.#salt)
    if (frame === undefined) return undefined
    const payloadOffset = offset + frameBytes
    const metaOffset = payloadOffset + frame.payloadBytes
    const end = metaOffset + frame.metaBytes
    if (end > this.#size) return undefined
    const [payloads, meta] = await this.#parts(payloadOffset, metaOffset, end)
    if (checksum(meta) !== frame.metaChecksum) return undefined
    this.offset = end
    return { frame, offset, end, payloadOffset, meta, payloads }
  }

  /** Goes on at the next whole and sound record after `offset`, as after damage; `undefined` if there is none. */
  async seek(): Promise<ReadRecord | undefined> {
    while (this.offset < this.#size) {
      this.offset++
      const piece = await this.#bytes(this.offset, pieceBytes)
      const found = candidate(piece, this.#salt)
      this.offset += found
      const record = await this.next()
      if (record !== undefined) return record
    }
    return undefined
  }

  async #parts(payloadAt: number, metaAt: number, end: number): Promise<[Uint8Array | undefined, Uint8Array]> {
    if (!this.#withPayloads) return [undefined, await this.#bytes(metaAt, end - metaAt)]
    const both = await this.#bytes(payloadAt, end - payloadAt)
    return [both.subarray(0, metaAt - payloadAt), both.subarray(metaAt - payloadAt)]
  }

  /** Up to `length` bytes from `at`: from the piece at hand, or from a new one that begins there. */
  async #bytes(at: number, length: number): Promise<Buffer> {
    const wanted = Math.min(length, Math.max(0, this.#size - at))
    const from = at - this.#pieceAt
    if (from < 0 || from + wanted > this.#piece.length) {
      const read = await this.#file.read(at, Math.min(Math.max(wanted, pieceBytes), this.#size - at))
      this.#piece = Buffer.from(read.buffer, read.byteOffset, read.length)
      this.#pieceAt = at
      return this.#piece.subarray(0, wanted)
    }
    return this.#piece.subarray(from, from + wanted)
  }
}

/** Where in these bytes the first sound frame begins; the last place looked at if there is none. */
function candidate(bytes: Buffer, salt: number): number {
  for (let at = 0; at + frameBytes <= bytes.length; at++) {
    if (decodeFrame(bytes, at, salt) !== undefined) return at
  }
  return Math.max(0, bytes.length - frameBytes)
}
