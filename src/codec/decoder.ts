/**
 * Divides the byte stream of a Network Connection into Control Packets. It only interprets the fixed header (§2.1).
 *
 *   chunk  |..A..|....B....|..C        A and B are used in place; the beginning of C moves to `own`
 *   own                     |..C
 *   chunk  C.|..D..|                   the rest of C is added, C is used in `own`; D is in the chunk again
 *
 * A byte is therefore copied only if its packet extends over two chunks, and `own` exists only during such a packet. It
 * grows with the received bytes, to at most twice their size: a header that announces 256 MiB costs nothing by itself,
 * and many small chunks cost no more than a few copies of the packet.
 * @module
 */
import { Buffer } from 'node:buffer'
import { malformed, PacketTooLargeError } from './protocol-error.ts'
import { maxVariableByteInteger, MALFORMED, NEED_MORE, readVariableByteInteger } from './variable-byte-integer.ts'

/** Size of the largest packet of the protocol: the largest Remaining Length after five bytes of fixed header. */
export const maxControlPacketBytes = maxVariableByteInteger + 5

/** Up to this size, `own` is not worth shrinking. */
const smallOwnBytes = 1024

const nothing = Buffer.alloc(0)

/**
 * Delimits the packets of one Network Connection. After an exception it must not be used again: the Connection ends.
 *
 * @example
 * const decoder = new Decoder()
 * decoder.push(Uint8Array.of(0xc0, 0x00, 0xd0))
 * decoder.next() // true
 * decoder.firstByte // 0xc0
 * decoder.next() // false
 * decoder.bufferedBytes // 1
 */
export class Decoder {
  /** The array that contains the current packet, until the next call of `push`, `next`, `detach` or `release`. */
  bytes: Uint8Array = nothing
  /** Whether that array is the chunk itself, which its owner reuses, and not memory of the decoder. */
  isInChunk = false
  /** Packet type and flags. */
  firstByte = 0
  /** Where the packet begins. */
  start = 0
  /** Where its variable header begins. */
  bodyStart = 0
  /** Where it ends, and the next one may begin. */
  end = 0

  /**
   * Bytes; a larger packet is refused with 0x95 as soon as its fixed header is complete. Applies to the whole packet.
   */
  maxPacketSize: number
  /** True for 5.0: a Remaining Length with a needless last byte is malformed [5.0 MQTT-1.5.5-1]. */
  shortestLengths = false

  #chunk: Uint8Array = nothing
  #chunkAt = 0
  /** Bytes of earlier chunks, from `#ownStart` to `#ownEnd`; they precede those of the chunk. */
  #own: Buffer = nothing
  #ownStart = 0
  #ownEnd = 0

  constructor(maxPacketSize: number = maxControlPacketBytes) {
    this.maxPacketSize = maxPacketSize
  }

  /** Bytes that do not belong to a complete packet yet. */
  get bufferedBytes(): number {
    return this.#ownEnd - this.#ownStart + this.#chunk.length - this.#chunkAt
  }

  /** Memory that it holds for a packet that extends over chunks, or for bytes that wait after one. */
  get heldBytes(): number {
    return this.#own.length
  }

  /** Accepts the next chunk, which must not change until `detach`. Bytes of an earlier one come first. */
  push(chunk: Uint8Array): void {
    this.detach()
    this.#chunk = chunk
    this.#chunkAt = 0
  }

  /**
   * Moves to the next complete packet.
   *
   * Hot: runs for every packet received.
   *
   * @returns false if more bytes are needed; the fields are meaningless then
   * @throws {ProtocolError} 0x81 for type 0 or an invalid Remaining Length, 0x95 for a packet above `maxPacketSize`
   */
  next(): boolean {
    if (this.#ownStart < this.#ownEnd) return this.#nextFromOwn()
    if (this.#own.length > 0) this.#dropOwn()
    const chunk = this.#chunk
    const start = this.#chunkAt
    const size = this.#measure(chunk, start, chunk.length)
    if (size === 0 || start + size > chunk.length) {
      this.#keep(chunk.length - start, size)
      this.#dropChunk()
      return false
    }
    this.#chunkAt = start + size
    return this.#handOut(chunk, start, size)
  }

  /** Copies the rest of the chunk, so that its memory may be reused. Has to be called at the end of a turn. */
  detach(): void {
    if (this.#ownStart === this.#ownEnd) this.#dropOwn()
    this.#keep(this.#chunk.length - this.#chunkAt, 0)
    this.#dropChunk()
    const live = this.#ownEnd - this.#ownStart
    if (this.#own.length > smallOwnBytes && this.#own.length > 4 * live) this.#moveOwn(0, 0)
  }

  /** Hands over a copy of everything that was received and not returned by `next`, and is empty then. */
  protected takeRest(): Buffer {
    const rest = Buffer.concat([this.#own.subarray(this.#ownStart, this.#ownEnd), this.#chunk.subarray(this.#chunkAt)])
    this.release()
    return rest
  }

  /** Releases everything, for a Connection that has ended. */
  release(): void {
    this.#dropOwn()
    this.#dropChunk()
  }

  #handOut(bytes: Uint8Array, start: number, size: number): true {
    // Storing the same array again would cost the collector's note each time.
    if (bytes !== this.bytes) {
      this.bytes = bytes
      this.isInChunk = bytes === this.#chunk
    }
    this.start = start
    this.end = start + size
    return true
  }

  #nextFromOwn(): boolean {
    let size = this.#measure(this.#own, this.#ownStart, this.#ownEnd)
    while (size === 0 && this.#chunkAt < this.#chunk.length) {
      this.#keep(1, 0)
      size = this.#measure(this.#own, this.#ownStart, this.#ownEnd)
    }
    const missing = size - (this.#ownEnd - this.#ownStart)
    if (missing > 0) {
      const headerSize = this.bodyStart - this.#ownStart
      this.#keep(Math.min(missing, this.#chunk.length - this.#chunkAt), size)
      this.bodyStart = this.#ownStart + headerSize // `own` may have moved
    }
    if (size === 0 || this.#ownEnd - this.#ownStart < size) {
      this.#dropChunk()
      return false
    }
    const start = this.#ownStart
    this.#ownStart += size
    return this.#handOut(this.#own, start, size)
  }

  /**
   * Reads the fixed header at `start`: sets `firstByte` and `bodyStart`.
   *
   * @returns the size of the whole packet; 0 while its fixed header is incomplete
   */
  #measure(bytes: Uint8Array, start: number, end: number): number {
    if (start >= end) return 0
    const firstByte = bytes[start]!
    if (firstByte < 0x10) throw malformed('Control Packet type 0 is reserved')
    const remainingLength = readVariableByteInteger(bytes, start + 1, end, this.shortestLengths)
    if (remainingLength === NEED_MORE) return 0
    if (remainingLength === MALFORMED) throw malformed('Remaining Length is malformed')
    let bodyStart = start + 2
    while (bytes[bodyStart - 1]! >= 0x80) bodyStart++
    const size = bodyStart - start + remainingLength
    if (size > this.maxPacketSize) throw new PacketTooLargeError(firstByte, size, this.maxPacketSize)
    this.firstByte = firstByte
    this.bodyStart = bodyStart
    return size
  }

  /** Moves `count` bytes from the chunk to the end of `own`; `packetSize` is the size of the packet there, if known. */
  #keep(count: number, packetSize: number): void {
    if (count === 0) return
    if (this.#ownEnd + count > this.#own.length) this.#moveOwn(count, packetSize)
    this.#own.set(this.#chunk.subarray(this.#chunkAt, this.#chunkAt + count), this.#ownEnd)
    this.#ownEnd += count
    this.#chunkAt += count
  }

  /** Moves `own` to memory that has room for `count` more bytes. */
  #moveOwn(count: number, packetSize: number): void {
    const live = this.#ownEnd - this.#ownStart
    const needed = live + count
    const capacity = packetSize > needed ? Math.min(packetSize, 2 * needed) : live > 0 ? 2 * needed : needed
    const grown = Buffer.allocUnsafeSlow(capacity)
    grown.set(this.#own.subarray(this.#ownStart, this.#ownEnd))
    this.#own = grown
    this.#ownStart = 0
    this.#ownEnd = live
  }

  #dropOwn(): void {
    this.#own = nothing
    this.#ownStart = 0
    this.#ownEnd = 0
  }

  /** Releases the chunk, and the current packet, which may be in it. */
  #dropChunk(): void {
    this.bytes = nothing
    this.#chunk = nothing
    this.#chunkAt = 0
  }
}
