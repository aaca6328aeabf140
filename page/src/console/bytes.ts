/** Writing and reading the data types of MQTT (§1.5) without anything of Node. @module */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true })
const LONGEST = 0xffff

export class ByteWriter {
  readonly #bytes: number[] = []

  get bytes(): Uint8Array<ArrayBuffer> {
    return Uint8Array.from(this.#bytes)
  }

  integer(value: number, size: 1 | 2 | 4): this {
    for (let shift = size - 1; shift >= 0; shift--) this.#bytes.push(Math.floor(value / 2 ** (8 * shift)) & 0xff)
    return this
  }

  variable(value: number): this {
    let left = value
    do {
      const group = left % 128
      left = Math.floor(left / 128)
      this.#bytes.push(left > 0 ? group | 0x80 : group)
    } while (left > 0)
    return this
  }

  /** @throws {RangeError} if it is longer than 65,535 bytes */
  binary(value: Uint8Array): this {
    if (value.length > LONGEST) throw new RangeError(`${value.length} bytes; at most ${LONGEST} are possible`)
    return this.integer(value.length, 2).raw(value)
  }

  text(value: string): this {
    return this.binary(encoder.encode(value))
  }

  raw(value: Uint8Array): this {
    for (const byte of value) this.#bytes.push(byte)
    return this
  }
}

/** Thrown for bytes that are no packet. */
export class MalformedPacket extends Error {
  constructor() {
    super('The broker sent bytes that are no MQTT packet.')
    this.name = 'MalformedPacket'
  }
}

export class ByteReader {
  readonly #bytes: Uint8Array
  #at = 0

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get isAtEnd(): boolean {
    return this.#at >= this.#bytes.length
  }

  integer(size: 1 | 2 | 4): number {
    return this.take(size).reduce((value, byte) => value * 256 + byte, 0)
  }

  variable(): number {
    let value = 0
    for (let factor = 1; factor <= 128 ** 3; factor *= 128) {
      const byte = this.integer(1)
      value += (byte & 0x7f) * factor
      if (byte < 0x80) return value
    }
    throw new MalformedPacket()
  }

  binary(): Uint8Array {
    return this.take(this.integer(2))
  }

  text(): string {
    try {
      return decoder.decode(this.binary())
    } catch {
      throw new MalformedPacket()
    }
  }

  take(length: number): Uint8Array {
    if (this.#at + length > this.#bytes.length) throw new MalformedPacket()
    this.#at += length
    return this.#bytes.subarray(this.#at - length, this.#at)
  }

  rest(): Uint8Array {
    return this.take(this.#bytes.length - this.#at)
  }
}
