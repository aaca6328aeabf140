/**
 * Reads the records of one file from start to end, in large pieces, skipping payloads that were not requested.
 *
 * @module
 */
import type { DiskFile } from '../base/disk.ts'
import { checksum, decodeFrame, frameBytes, headerBytes } from './frame.ts'
import type { FileKind, Frame } from './frame.ts'
import { pieceBytes, PieceReader } from './piece-reader.ts'

export interface ReadRecord {
  readonly frame: Frame
  /** Where the record begins, and where the next one does. */
  readonly offset: number
  readonly end: number
  /** Where its first payload begins. */
  readonly payloadOffset: number
  /** The packed Changes; valid until the next record is read. */
  readonly meta: Uint8Array
  /** The payloads with their checksums, if requested. */
  readonly payloads: Uint8Array | undefined
}

export class FrameReader {
  offset = headerBytes
  #pieces: PieceReader
  #kind: FileKind
  #salt: number
  #withPayloads: boolean

  /** @param kind of the file, which determines the records that it may hold */
  constructor(file: DiskFile, kind: FileKind, size: number, salt: number, withPayloads: boolean) {
    this.#pieces = new PieceReader(file, size)
    this.#kind = kind
    this.#salt = salt
    this.#withPayloads = withPayloads
  }

  get atEnd(): boolean {
    return this.offset >= this.#pieces.size
  }

  /**
   * Reads the next record; `undefined` if the following bytes are not a whole and valid one, in which case `offset`
   * stays.
   */
  async next(): Promise<ReadRecord | undefined> {
    const { offset } = this
    const head = await this.#pieces.bytes(offset, frameBytes)
    const frame = decodeFrame(head, 0, this.#salt, this.#kind)
    if (frame === undefined) return undefined
    const payloadOffset = offset + frameBytes
    const metaOffset = payloadOffset + frame.payloadBytes
    const end = metaOffset + frame.metaBytes
    if (end > this.#pieces.size) return undefined
    const [payloads, meta] = await this.#parts(payloadOffset, metaOffset, end)
    if (checksum(meta) !== frame.metaChecksum) return undefined
    this.offset = end
    return { frame, offset, end, payloadOffset, meta, payloads }
  }

  /** Finds the next whole and valid record after `offset`, for use after damage; `undefined` if there is none. */
  async seek(): Promise<ReadRecord | undefined> {
    while (this.offset < this.#pieces.size) {
      this.offset++
      const piece = await this.#pieces.bytes(this.offset, pieceBytes)
      const found = candidate(piece, this.#salt, this.#kind)
      this.offset += found
      const record = await this.next()
      if (record !== undefined) return record
    }
    return undefined
  }

  async #parts(payloadAt: number, metaAt: number, end: number): Promise<[Uint8Array | undefined, Uint8Array]> {
    if (!this.#withPayloads) return [undefined, await this.#pieces.bytes(metaAt, end - metaAt)]
    const both = await this.#pieces.bytes(payloadAt, end - payloadAt)
    return [both.subarray(0, metaAt - payloadAt), both.subarray(metaAt - payloadAt)]
  }
}

/** Where the first valid frame begins in these bytes; if there is none, the last place that was examined. */
function candidate(bytes: Buffer, salt: number, kind: FileKind): number {
  for (let at = 0; at + frameBytes <= bytes.length; at++) {
    if (decodeFrame(bytes, at, salt, kind) !== undefined) return at
  }
  return Math.max(0, bytes.length - frameBytes)
}
