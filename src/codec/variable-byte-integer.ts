/**
 * Variable Byte Integers (§1.5.5): seven bits per byte, lowest group first; bit 7 means that more follow.
 *
 *   321 = 2 * 128 + 65   ->   1100 0001  0000 0010
 *                             ^ more     ^ last
 *
 * Every packet's Remaining Length is one, so reading returns a plain number: an incomplete integer is an everyday case
 * that must cost neither an object nor an exception.
 *
 * @module
 */

/** The bytes end before the integer does. */
export const NEED_MORE = -1

/** No integer begins like this. */
export const MALFORMED = -2

/** 268,435,455: the largest value of four bytes. */
export const maxVariableByteInteger = 0x0fffffff

/**
 * Reads the Variable Byte Integer that starts at `at`.
 *
 * Hot: runs for every packet received.
 *
 * @param end the end of the readable bytes
 * @param shortestOnly true for 5.0, which forbids a needless last byte [5.0 MQTT-1.5.5-1]; 3.1.1 has no such rule
 * @returns the value, NEED_MORE, or MALFORMED for a fifth byte or a needless last one
 *
 * @example
 * readVariableByteInteger(Uint8Array.of(0xc1, 0x02), 0, 2, true) // 321
 */
export function readVariableByteInteger(bytes: Uint8Array, at: number, end: number, shortestOnly: boolean): number {
  let value = 0
  for (let shift = 0; shift <= 21; shift += 7) {
    if (at >= end) return NEED_MORE
    const byte = bytes[at++]!
    value |= (byte & 0x7f) << shift
    if (byte < 0x80) return shortestOnly && byte === 0 && shift > 0 ? MALFORMED : value
  }
  return MALFORMED
}

/**
 * The size of the shortest form of `value` in bytes.
 *
 * @param value 0 to 268,435,455
 *
 * @example
 * sizeOfVariableByteInteger(128) // 2
 */
export function sizeOfVariableByteInteger(value: number): number {
  if (value < 0x80) return 1
  if (value < 0x4000) return 2
  return value < 0x200000 ? 3 : 4
}

/**
 * Writes the shortest form of `value` (0 to 268,435,455) at `at`.
 *
 * @returns the position of the next byte
 *
 * @example
 * writeVariableByteInteger(new Uint8Array(4), 0, 321) // 2
 */
export function writeVariableByteInteger(target: Uint8Array, at: number, value: number): number {
  while (value >= 0x80) {
    target[at++] = (value & 0x7f) | 0x80
    value >>>= 7
  }
  target[at++] = value
  return at
}
