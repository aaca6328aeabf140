/**
 * Checks, reads and writes UTF-8 Encoded Strings (§1.5.4) in place.
 *
 * Nearly all of them are ASCII, so a plain loop checks first, and only the rest goes to the runtime's validator.
 * Control characters and non-characters are accepted (a receiver MAY refuse them; we forward what clients send).
 *
 * @module
 */
import { Buffer, isAscii, isUtf8 } from 'node:buffer'
import { UsageError } from '../base/errors.ts'
import { copied, scanned } from '../base/work.ts'

/** The largest size of a string or Binary Data, whose length has two bytes. */
export const maxStringBytes = 0xffff

const encoder = new TextEncoder()

/**
 * The position of the first byte that is not a character U+0001 to U+007F; `end` if there is none.
 *
 * Hot: runs for every Topic Name that is not in a cache.
 */
function endOfAscii(bytes: Uint8Array, start: number, end: number): number {
  let at = start
  while (at < end && (bytes[at]! - 1) >>> 0 < 0x7f) at++
  return at
}

/** Up to this many bytes a loop costs less than the native validator with its view. */
const maxLoopedBytes = 512

/**
 * Whether the bytes are well-formed UTF-8 without surrogates [5.0 MQTT-1.5.4-1] and without U+0000 [5.0 MQTT-1.5.4-2].
 * No view is created for short ones, so that many short strings cost no memory.
 *
 * @example
 * isMqttString(Uint8Array.of(0xed, 0xa0, 0x80), 0, 3) // false: U+D800 is half a surrogate pair
 */
export function isMqttString(bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start <= maxLoopedBytes) return isShortMqttString(bytes, endOfAscii(bytes, start, end), end)
  return isLongMqttString(bytes.subarray(start, end))
}

function isLongMqttString(text: Uint8Array): boolean {
  return isUtf8(text) && !text.includes(0)
}

/** According to the table of well-formed sequences (Unicode 15, table 3-7): only the second byte has special limits. */
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
 * The cost of checking or reading strings, in units of work: short ones are read byte by byte; long ones are left to
 * the runtime, which is as fast as a copy.
 *
 * @param bytes of all of them, and of what lies between
 * @param strings how many there are at most
 *
 * @example
 * workOfStrings(16_000_000, 250) // 64500: a fourth of what as many bytes of short strings cost
 */
export function workOfStrings(bytes: number, strings: number): number {
  return copied(bytes) + scanned(Math.min(bytes, strings * maxLoopedBytes))
}

/**
 * Reads a string in place; U+FEFF is kept wherever it occurs [5.0 MQTT-1.5.4-3].
 *
 * @returns the text, or `undefined` if the bytes are not a valid string (see `isMqttString`)
 *
 * @example
 * readUtf8(Uint8Array.of(0xef, 0xbb, 0xbf, 0x61), 0, 4)?.length // 2
 */
export function readUtf8(bytes: Uint8Array, start: number, end: number): string | undefined {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (end - start > maxLoopedBytes) return readLongUtf8(buffer.subarray(start, end))
  const ascii = endOfAscii(bytes, start, end)
  if (ascii === end) return buffer.toString('latin1', start, end)
  return isMqttString(bytes, ascii, end) ? buffer.toString('utf8', start, end) : undefined
}

function readLongUtf8(text: Buffer): string | undefined {
  return isLongMqttString(text) ? text.toString(isAscii(text) ? 'latin1' : 'utf8') : undefined
}

/**
 * The size of a string including its two length bytes.
 *
 * @throws {UsageError} if the text has more than 65,535 bytes, or contains U+0000
 *
 * @example
 * sizeOfString('a/ü') // 6
 */
export function sizeOfString(text: string): number {
  const length = Buffer.byteLength(text)
  if (length > maxStringBytes)
    throw new UsageError(`An MQTT string must not exceed ${maxStringBytes} bytes, got ${length}`)
  if (text.includes('\0')) throw new UsageError('An MQTT string must not contain U+0000')
  return 2 + length
}

/**
 * Writes a string with its two length bytes. The caller has reserved the space given by `sizeOfString`.
 *
 * @returns the position of the next byte
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
