/**
 * Copies, compares and hashes ranges of bytes without creating a view of each.
 *
 * Topic Names, identifiers and most headers are a few dozen bytes. At that size a native call (and the view it needs)
 * costs more than the work, so short ranges are handled by a plain loop.
 *
 * @module
 */

/** Up to this many bytes a loop is faster than a native copy with its view. */
const MAX_LOOPED_BYTES = 56

/** What an array of bytes lies in. */
interface Origin {
  bytes: Uint8Array
  buffer: ArrayBufferLike
  offset: number
}

/** Memory up to this size may be kept alive by being the source of a recent copy. */
const MAX_REMEMBERED_BYTES = 65_536
const NOTHING = new Uint8Array(0)
/**
 * The sources of the last copies: reading `buffer` is a call of the engine's runtime, which takes longer than the copy.
 */
let recent: Origin = { bytes: NOTHING, buffer: NOTHING.buffer, offset: 0 }
let earlier: Origin = { bytes: NOTHING, buffer: NOTHING.buffer, offset: 0 }

function viewOf(source: Uint8Array, start: number, length: number): Uint8Array {
  if (source !== recent.bytes) {
    const other = earlier
    earlier = recent
    recent = other
    if (source !== other.bytes) {
      const { buffer } = source
      if (buffer.byteLength > MAX_REMEMBERED_BYTES) return new Uint8Array(buffer, source.byteOffset + start, length)
      other.bytes = source
      other.buffer = buffer
      other.offset = source.byteOffset
    }
  }
  return new Uint8Array(recent.buffer, recent.offset + start, length)
}

/**
 * Copies `source[start..end)` to `target`, beginning at `at`. Within one array the ranges must not overlap.
 *
 * Hot: runs for every packet written.
 *
 * @returns the position in `target` after the copy
 *
 * @example
 * copyBytes(new Uint8Array(8), 2, Uint8Array.of(1, 2, 3), 1, 3) // 4
 */
export function copyBytes(target: Uint8Array, at: number, source: Uint8Array, start: number, end: number): number {
  const length = end - start
  if (length > MAX_LOOPED_BYTES) {
    target.set(viewOf(source, start, length), at)
    return at + length
  }
  for (const lastFour = end - 4; start <= lastFour; start += 4, at += 4) {
    target[at] = source[start]!
    target[at + 1] = source[start + 1]!
    target[at + 2] = source[start + 2]!
    target[at + 3] = source[start + 3]!
  }
  while (start < end) target[at++] = source[start++]!
  return at
}

/**
 * Whether `bytes[start..end)` equals `expected`.
 *
 * Hot: runs for every PUBLISH whose Topic Name is in the cache. Not for secrets: it stops at the first difference.
 *
 * @example
 * equalBytes(Uint8Array.of(9, 1, 2, 9), 1, 3, Uint8Array.of(1, 2)) // true
 */
export function equalBytes(bytes: Uint8Array, start: number, end: number, expected: Uint8Array): boolean {
  const length = end - start
  if (length !== expected.length) return false
  for (let index = 0; index < length; index++) {
    if (bytes[start + index] !== expected[index]) return false
  }
  return true
}

/**
 * Hashes `bytes[start..end)` to a 32-bit integer (signed, as bit operations return it), all of whose bits may be used
 * as an index. Processes four bytes per step; not for secrets.
 *
 * Hot: runs for every PUBLISH received.
 *
 * @param seed makes the hashes of one process differ from another's, so that colliding inputs cannot be prepared
 *
 * @example
 * hashBytes(Uint8Array.of(0, 1, 2, 0), 1, 3) === hashBytes(Uint8Array.of(1, 2), 0, 2) // true
 */
export function hashBytes(bytes: Uint8Array, start: number, end: number, seed = 0): number {
  let hash = seed ^ (end - start)
  const lastWhole = end - 4
  let at = start
  for (; at <= lastWhole; at += 4) {
    const word = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24)
    hash = Math.imul(hash ^ word, 0x9e3779b1)
    hash ^= hash >>> 15
  }
  for (; at < end; at++) hash = Math.imul(hash ^ bytes[at]!, 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}
