/**
 * UTF-8 Encoded Strings (§1.5.4): checked and read where they lie, and written.
 *
 * Nearly all of them are ASCII, so a plain loop looks first and only what it cannot vouch for goes to the runtime's
 * validator. Control characters and non-characters are taken (a receiver MAY refuse them; we pass on what Clients send).
 *
 * @module
 */
import { Buffer, isUtf8 } from 'node:buffer'
import { UsageError } from '../base/errors.ts'

/** The most bytes a string or Binary Data can have: its length travels in two bytes. */
export const maxStringBytes = 0xffff

const encoder = new TextEncoder()

/**
 * Where the first byte stands that is not a character U+0001 to U+007F; `end` if there is none.
 *
 * Hot: runs for every Topic Name that no cache knows.
 */
function endOfAscii(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && (bytes[at]! - 1) >>> 0 < 0x7f) at++
  return at
}

/** Up to this many bytes a loop costs less than the native validator with its view. */
const maxLoopedBytes = 512

/**
 * Says whether the bytes are well-formed UTF-8 without surrogates [5.0 MQTT-1.5.4-1] and without U+0000
 * [5.0 MQTT-1.5.4-2]. Of short ones it makes no view, so that many short strings cost no memory.
 *
 * @example
 * isMqttString(Uint8Array.of(0xed, 0xa0, 0x80), 0, 3) // false: U+D800 is half a surrogate pair
 */
export function isMqttString(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= maxLoopedBytes) return isShortMqttString(bytes, endOfAscii(bytes, start, end), end)
  const text = bytes.subarray(start, end)
  return isUtf8(text) && !text.includes(0)
}

/** By the table of well-formed sequences (Unicode 15, table 3-7): only the second byte has limits of its own. */
function isShortMqttString(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start
  while (at < end) {
    const first = bytes[at]!
    if (first < 0x80) {
      if (first === 0) return false
      at++
      continue
    }
    const length = first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0
    if (length === 0 || at + length > end) return false
    const second = bytes[at + 1]!
    if (second < (first === 0xe0 ? 0xa0 : first === 0xf0 ? 0x90 : 0x80)) return false
    if (second > (first === 0xed ? 0x9f : first === 0xf4 ? 0x8f : 0xbf)) return false
    for (let index = at + 2; index < at + length; index++) if ((bytes[index]! & 0xc0) !== 0x80) return false
    at += length
  }
  return true
}

/**
 * Reads a string where it lies; U+FEFF stays wherever it stands [5.0 MQTT-1.5.4-3].
 *
 * @returns the text, or `undefined` if the bytes are none (see `isMqttString`)
 *
 * @example
 * readUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 0, 4)?.length // 2
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  const ascii = endOfAscii(bytes, start, end)
  if (ascii === end) return buffer.toString('latin1', start, end)
  return isMqttString(bytes, ascii, end) ? buffer.toString('utf8', start, end) : undefined
}

/**
 * How many bytes a string takes with its two bytes of length.
 *
 * @throws {UsageError} when the text has more than 65,535 bytes, or holds U+0000
 *
 * @example
 * sizeOfString('a/ü') // 6
 */
export function sizeOfString(text: string): number {
  const length = Buffer.byteLength(text)
  if (length > maxStringBytes) throw new UsageError(`An MQTT string has at most ${maxStringBytes} bytes, got ${length}`)
  if (text.includes('\0')) throw new UsageError('An MQTT string cannot hold U+0000')
  return 2 + length
}

/**
 * Writes a string with its two bytes of length. The caller has made room by `sizeOfString`.
 *
 * @returns where the next byte goes
 *
 * @example
 * writeString(new Uint8Array(8), 0, 'a/b') // 5
 */
export function writeString(target: Uint8Array, at: number, text: string): number {
  const { written } = encoder.encodeInto(text, target.subarray(at + 2))
  target[at] = written >>> 8
  target[at + 1] = written & 0xff
  return at + 2 + written
}
