/**
 * Reads the fields of one packet, in order. A field that extends beyond the packet's end is malformed (0x81).
 *
 * @module
 */
import { noPacketLimits, type PacketLimits } from './packet-limits.ts'
import { forbidden, malformed } from './protocol-error.ts'
import { readUtf8 } from './utf8.ts'
import { readVariableByteInteger, sizeOfVariableByteInteger } from './variable-byte-integer.ts'

export class Reader {
  readonly bytes: Uint8Array
  readonly end: number
  at: number
  readonly limits: PacketLimits
  /** Whether User Properties are needed. */
  readonly readsUserProperties: boolean

  constructor(
    bytes: Uint8Array,
    start: number,
    end: number,
    limits: PacketLimits = noPacketLimits,
    readsUserProperties = true,
  ) {
    this.bytes = bytes
    this.at = start
    this.end = end
    this.limits = limits
    this.readsUserProperties = readsUserProperties
  }

  get isAtEnd(): boolean {
    return this.at === this.end
  }

  /** Skips `count` bytes, which must exist. */
  #take(count: number, what: string): number {
    const start = this.at
    if (count > this.end - start) throw malformed(`${what} runs past the end of the packet`)
    this.at = start + count
    return start
  }

  byte(what: string): number {
    return this.bytes[this.#take(1, what)]!
  }

  twoByteInteger(what: string): number {
    const at = this.#take(2, what)
    return (this.bytes[at]! << 8) | this.bytes[at + 1]!
  }

  fourByteInteger(what: string): number {
    return this.twoByteInteger(what) * 0x10000 + this.twoByteInteger(what)
  }

  variableByteInteger(what: string): number {
    const value = readVariableByteInteger(this.bytes, this.at, this.end, true)
    if (value < 0) throw malformed(`${what} is not a valid Variable Byte Integer`)
    this.at += sizeOfVariableByteInteger(value)
    return value
  }

  string(what: string): string {
    const length = this.twoByteInteger(what)
    const start = this.#take(length, what)
    const text = readUtf8(this.bytes, start, start + length)
    if (text === undefined) throw malformed(`${what} is not well-formed UTF-8 without U+0000`)
    return text
  }

  /** Returns a copy, so that keeping it does not keep the whole chunk. */
  binary(what: string): Uint8Array {
    const length = this.twoByteInteger(what)
    const start = this.#take(length, what)
    const copy = new Uint8Array(length)
    copy.set(this.bytes.subarray(start, start + length))
    return copy
  }

  /** Skips a string or Binary Data. */
  skipBlock(what: string): void {
    this.#take(this.twoByteInteger(what), what)
  }

  /** Returns a reader for the next `length` bytes, and skips them. */
  part(length: number, what: string): Reader {
    const start = this.#take(length, what)
    return new Reader(this.bytes, start, start + length)
  }

  /** Has to be called where the packet must end. */
  expectEnd(): void {
    if (!this.isAtEnd) throw malformed(`${this.end - this.at} bytes remain after the last field of the packet`)
  }
}

/**
 * A Topic Name must not contain wildcards [5.0 MQTT-4.7.0-1] [3.1.1 MQTT-4.7.1-1].
 *
 * @throws {ProtocolError} 0x82
 */
export function refuseWildcard(topicName: string, what: string): void {
  if (topicName.includes('+') || topicName.includes('#')) throw forbidden(`${what} contains a wildcard`)
}
