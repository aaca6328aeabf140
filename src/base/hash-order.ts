/**
 * An order of strings that depends only on the strings: by hash, and by the string itself if hashes are equal. It is
 * the same after a restart and in any Map, so a walk in this order can be resumed after any of them.
 *
 *   hash    ……cccccc bbbbbb aaaaaa        a WideMap divides by a, then by b, then by c
 *   rank    aaaaaa bbbbbb cccccc ……       so each of its leaves contains one range of ranks
 *
 * @module
 */
import { fnv1a } from './fnv.ts'
import type { Sliced } from './slices.ts'

/** FNV-1a, with its bits mixed at the end, because the lowest are used first. */
export function hashText(text: string): number {
  let hash = fnv1a(text, 0, text.length)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  return hash ^ (hash >>> 13)
}

/** Groups of six bits, the lowest first. */
export function rankOf(text: string): number {
  const hash = hashText(text)
  const high = ((hash & 63) << 26) | (((hash >>> 6) & 63) << 20) | (((hash >>> 12) & 63) << 14)
  return (high | (((hash >>> 18) & 63) << 8) | (((hash >>> 24) & 63) << 2) | (hash >>> 30)) >>> 0
}

/**
 * Returns those of `texts` that follow `after`, in order: the first `count`, or all if there are fewer.
 *
 * @param after `undefined` for the beginning
 */
export function firstAfter(texts: Iterable<string>, after: string | undefined, count: number): string[] {
  const least = after === undefined ? -1 : rankOf(after)
  const found: string[] = []
  const ranks: number[] = []
  for (const text of texts) {
    const rank = rankOf(text)
    if (rank < least || (rank === least && text <= after!)) continue
    found.push(text)
    ranks.push(rank)
  }
  // Sorting numbers is many times faster than sorting strings.
  const most = found.length > count ? Uint32Array.from(ranks).sort()[count - 1]! : Infinity
  const first = found.flatMap((text, at) => (ranks[at]! <= most ? [{ text, rank: ranks[at]! }] : []))
  first.sort((one, other) => one.rank - other.rank || (one.text < other.text ? -1 : 1))
  return first.slice(0, count).map(({ text }) => text)
}

/** Texts that are looked at in a step. */
const STEP_LENGTH = 64

/** The same in steps, for very many texts: no step takes longer with more of them. */
export function* firstAfterInSteps(
  texts: Iterable<string>,
  after: string | undefined,
  count: number,
): Sliced<string[]> {
  let first: string[] = []
  let some: string[] = []
  for (const text of texts) {
    some.push(text)
    if (some.length < STEP_LENGTH + count) {
      if (some.length % STEP_LENGTH === 0) yield
      continue
    }
    first = firstAfter([...first, ...some], after, count)
    some = []
    yield
  }
  return firstAfter([...first, ...some], after, count)
}
