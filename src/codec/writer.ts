/**
 * Writes the fields of one packet, in order, to growing memory. The fixed header is written last, when the length is
 * known; space for it is reserved in front.
 *
 * @module
 */
import { Buffer } from 'node:buffer'
import { copyBytes } from '../base/bytes.ts'
import { invariant, UsageError } from '../base/errors.ts'
import type { PropertyHolder } from './property-table.ts'
import type { Properties } from './properties.ts'
import { sizeOfBinary, sizeOfProperties, writeBinary, writeProperties, writeTwoByteInteger } from './property-writer.ts'
import { sizeOfString, writeString } from './utf8.ts'
import { maxVariableByteInteger, sizeOfVariableByteInteger, writeVariableByteInteger } from './variable-byte-integer.ts'

/** The largest fixed header: the first byte and a Remaining Length of four. */
const maxHeaderBytes = 5

export class Writer {
  readonly #maxBodyBytes: number
  #bytes = Buffer.allocUnsafe(64)
  #at = maxHeaderBytes

  constructor(maxBodyBytes: number = maxVariableByteInteger) {
    this.#maxBodyBytes = maxBodyBytes
  }

  byte(value: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = value
  }

  twoByteInteger(value: number): void {
    this.#reserve(2)
    this.#at = writeTwoByteInteger(this.#bytes, this.#at, value)
  }

  string(text: string): void {
    this.#reserve(sizeOfString(text))
    this.#at = writeString(this.#bytes, this.#at, text)
  }

  binary(bytes: Uint8Array): void {
    this.#reserve(sizeOfBinary(bytes))
    this.#at = writeBinary(this.#bytes, this.#at, bytes)
  }

  /** Writes bytes up to the end of the packet. */
  rest(bytes: Uint8Array): void {
    this.#reserve(bytes.length)
    this.#at = copyBytes(this.#bytes, this.#at, bytes, 0, bytes.length)
  }

  /** Writes the Property Length and the properties. */
  properties(properties: Properties, holder: PropertyHolder): void {
    const length = sizeOfProperties(properties, holder)
    this.#reserve(sizeOfVariableByteInteger(length) + length)
    this.#at = writeVariableByteInteger(this.#bytes, this.#at, length)
    this.#at = writeProperties(this.#bytes, this.#at, properties, holder)
  }

  /** Returns the packet with its fixed header. The writer must not be used afterwards. */
  finish(firstByte: number): Uint8Array {
    invariant(this.#at <= this.#bytes.length, 'a packet is longer than it was measured at')
    const remainingLength = this.#at - maxHeaderBytes
    const start = maxHeaderBytes - 1 - sizeOfVariableByteInteger(remainingLength)
    this.#bytes[start] = firstByte
    writeVariableByteInteger(this.#bytes, start + 1, remainingLength)
    return this.#bytes.subarray(start, this.#at)
  }

  #reserve(count: number): void {
    const bodyBytes = this.#at - maxHeaderBytes + count
    if (bodyBytes > this.#maxBodyBytes) {
      throw new UsageError(`A packet must not exceed ${this.#maxBodyBytes} bytes, got ${bodyBytes}`)
    }
    if (this.#at + count <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(2 * this.#bytes.length, this.#at + count))
    grown.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = grown
  }
}
