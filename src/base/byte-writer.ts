/**
 * A growing buffer into which Changes and other records are packed; `ByteReader` reads them. Integers up to 2^53 take
 * one byte per 7 bits, lowest first.
 *
 * Hot: runs several times for every QoS 1 message. Short strings are nearly always ASCII, and for them a loop is faster
 * than a call into the runtime.
 *
 * @module
 */

const shortString = 40
const twoTo32 = 0x1_0000_0000

export class ByteWriter {
  bytes: Buffer
  length = 0

  constructor(capacity: number) {
    this.bytes = Buffer.allocUnsafeSlow(capacity)
  }

  /** The bytes written so far; valid until the next write. */
  get written(): Buffer {
    return this.bytes.subarray(0, this.length)
  }

  reserve(more: number): void {
    if (this.length + more <= this.bytes.length) return
    const grown = Buffer.allocUnsafeSlow(Math.max(this.length + more, this.bytes.length * 2))
    this.bytes.copy(grown, 0, 0, this.length)
    this.bytes = grown
  }

  byte(value: number): void {
    this.reserve(1)
    this.bytes[this.length++] = value
  }

  /** A whole number from 0 to 2^53 - 1. */
  integer(value: number): void {
    this.reserve(8)
    const bytes = this.bytes
    let at = this.length
    while (value >= twoTo32) {
      bytes[at++] = (value % 128) | 0x80
      value = Math.floor(value / 128)
    }
    while (value >= 0x80) {
      bytes[at++] = (value & 0x7f) | 0x80
      value >>>= 7
    }
    bytes[at++] = value
    this.length = at
  }

  uint32(value: number): void {
    this.reserve(4)
    this.length = this.bytes.writeUInt32LE(value, this.length)
  }

  string(value: string): void {
    if (value.length <= shortString && this.#ascii(value)) return
    const length = Buffer.byteLength(value)
    this.integer(length)
    this.reserve(length)
    this.length += this.bytes.write(value, this.length, 'utf8')
  }

  /** Writes a short string if it is ASCII; otherwise writes nothing and returns false. */
  #ascii(value: string): boolean {
    const length = value.length
    this.reserve(length + 1)
    const bytes = this.bytes
    let at = this.length
    bytes[at++] = length
    for (let index = 0; index < length; index++) {
      const unit = value.charCodeAt(index)
      if (unit >= 0x80) return false
      bytes[at++] = unit
    }
    this.length = at
    return true
  }

  /** Writes bytes preceded by their length. */
  block(value: Uint8Array): void {
    this.integer(value.length)
    this.raw(value)
  }

  raw(value: Uint8Array): void {
    this.reserve(value.length)
    this.bytes.set(value, this.length)
    this.length += value.length
  }
}
