/**
 * Hashes a string, or a part of it, by its UTF-16 code units (FNV-1a) to a 32-bit integer, signed as bit operations
 * return it. For indexes that are searched and orders that a restart must not change; not for secrets, and its lowest
 * bits are weak.
 *
 * @example
 * fnv1a('foobar', 0, 6) >>> 0 // 0xbf9cf968
 */
export function fnv1a(text: string, start: number, end: number): number {
  let hash = 0x811c9dc5 | 0
  for (let at = start; at < end; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  return hash
}
