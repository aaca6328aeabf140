/**
 * Reads data that `ByteWriter` wrote: records of a store, and anything else in that format. If a value cannot be read,
 * for instance because it exceeds the end, the reader throws an error supplied by the caller of the constructor,
 * because only the caller knows what is to blame: a store's file, or the other end of a connection.
 *
 * Strings repeat (a million queued messages, a thousand Topic Names), so a small table returns the same string again,
 * which saves memory and time at start.
 *
 * @module
 */

const tableSize = 4096
const longestShared = 128

export class ByteReader {
  at = 0
  #bytes: Buffer
  #end: number
  #shared: (string | undefined)[] = []
  /** Creates the error for bytes that cannot be read. */
  readonly unreadable: (what: string) => Error

  constructor(unreadable: (what: string) => Error) {
    this.unreadable = unreadable
    this.#bytes = Buffer.alloc(0)
    this.#end = 0
  }

  /** Continues with other bytes; the table of strings is kept. */
  reset(bytes: Uint8Array): this {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    this.at = 0
    this.#end = bytes.length
    return this
  }

  get atEnd(): boolean {
    return this.at >= this.#end
  }

  byte(): number {
    this.#need(1)
    return this.#bytes[this.at++]!
  }

  integer(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.byte()
      if (byte < 0x80) return value + byte * scale
      value += (byte & 0x7f) * scale
      scale *= 128
      if (scale > Number.MAX_SAFE_INTEGER) throw this.unreadable('an integer over 53 bits')
    }
  }

  uint32(): number {
    this.#need(4)
    this.at += 4
    return this.#bytes.readUInt32LE(this.at - 4)
  }

  string(): string {
    const length = this.integer()
    this.#need(length)
    const from = this.at
    this.at += length
    if (length > longestShared) return this.#bytes.toString('utf8', from, this.at)
    return this.#sharedString(from, length)
  }

  /** Returns a view, valid as long as the bytes passed to `reset`. */
  raw(length: number): Uint8Array {
    this.#need(length)
    this.at += length
    return this.#bytes.subarray(this.at - length, this.at)
  }

  /** Returns a copy of bytes that are preceded by their length. */
  block(): Uint8Array {
    return new Uint8Array(this.raw(this.integer()))
  }

  #sharedString(from: number, length: number): string {
    const bytes = this.#bytes
    let hash = length
    for (let at = from; at < from + length; at++) hash = (Math.imul(hash, 31) + bytes[at]!) | 0
    const slot = (hash ^ (hash >>> 15)) & (tableSize - 1)
    const known = this.#shared[slot]
    if (known !== undefined && this.#same(known, from, length)) return known
    const value = bytes.toString('utf8', from, from + length)
    this.#shared[slot] = value
    return value
  }

  /** Whether these bytes are that string. Only ASCII is compared; any other string is created anew. */
  #same(known: string, from: number, length: number): boolean {
    if (known.length !== length) return false
    for (let index = 0; index < length; index++) {
      const unit = known.charCodeAt(index)
      if (unit >= 0x80 || unit !== this.#bytes[from + index]) return false
    }
    return true
  }

  #need(length: number): void {
    if (this.at + length > this.#end) throw this.unreadable('a value that runs over its record')
  }
}
