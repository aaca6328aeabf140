/**
 * Bytes that stay for very long, as a string of one character for each byte (Latin-1), which the engine keeps in one
 * byte.
 *
 *   Buffer of 85 bytes   Buffer 96 + ArrayBuffer 88 + its record 136 + allocator  ~ 450 bytes
 *   string of 85 bytes   16 + 85                                                  ~ 104 bytes
 *
 * @module
 */
import { LARGEST_GUEST_BYTES } from './arena.ts'

/** More bytes are not worth it. */
export const MOST_PACKED_BYTES: number = LARGEST_GUEST_BYTES

/** Where bytes are unpacked to be copied at once, and those that are there. */
const shared = Buffer.allocUnsafeSlow(MOST_PACKED_BYTES)
let last: string | undefined

/** @param end at most `MOST_PACKED_BYTES` after `start` */
export function packBytes({ buffer, byteOffset }: Uint8Array, start: number, end: number): string {
  return Buffer.from(buffer, byteOffset).toString('latin1', start, end)
}

/** Copies the bytes from `start` on to memory of their own. */
export function unpackBytes(packed: string, start: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(packed.length - start)
  bytes.write(packed.slice(start), 'latin1')
  return bytes
}

/** Unpacks bytes to memory that the next call overwrites. Hot: runs for every delivery of a packed message. */
export function unpackShared(packed: string): Buffer {
  if (packed !== last) {
    shared.write(packed, 'latin1')
    last = packed
  }
  return shared
}
