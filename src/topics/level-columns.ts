/**
 * Hashes of the first Topic Levels of many Topic Names, a column for each level: a walk along a few columns finds the names
 * that a Topic Filter with wildcards may match, without touching the names.
 *
 *   slot   name          column 0   column 1   column 2        filter  fleet/+/cmd
 *     0    fleet/7/cmd    fleet       7          cmd.    ─>    column 2 is cmd, the last level; column 1 is any, not the last;
 *     1    fleet/7        fleet       7.          –            column 0 is fleet, not the last
 *     2    (new)            –
 *
 * Every column is an array of numbers that fits in the processor's nearest cache, so that a walk past 8,192 names takes about
 * ten microseconds. What it finds may be too much and is never too little: levels beyond the eighth are not compared, nor is
 * it looked at whether a name begins with `$`.
 *
 * @module
 */
import { fnv1a } from '../base/fnv.ts'
import { endOfLevel } from './topic-node.ts'

const COLUMNS = 8

/** Bits of a number in a column, which is 0 where the name has no such level; the others are the level's hash. */
const LAST = 1
const PRESENT = 2

/** What one column has to hold in the bits of `mask`. */
interface Wanted {
  readonly column: Int32Array
  readonly mask: number
  readonly bits: number
}

/**
 * @example
 * const columns = new LevelColumns(4)
 * columns.set(2, 'fleet/7/cmd')
 * columns.find('fleet/+/cmd') // [2]
 * columns.find('fleet/+') // []
 */
export class LevelColumns {
  readonly #columns: readonly Int32Array[]

  constructor(slots: number) {
    this.#columns = Array.from({ length: COLUMNS }, () => new Int32Array(slots))
  }

  /** Whether the name in that slot was given to `set`. */
  has(slot: number): boolean {
    return this.#columns[0]![slot] !== 0
  }

  set(slot: number, topicName: string): void {
    let at = 0
    for (const column of this.#columns) {
      if (at > topicName.length) column[slot] = 0
      else {
        const end = endOfLevel(topicName, at)
        column[slot] = hashLevel(topicName, at, end) | (end === topicName.length ? LAST : 0)
        at = end + 1
      }
    }
  }

  /** Another name is in that slot, for which `set` is yet to be called. */
  clear(slot: number): void {
    this.#columns[0]![slot] = 0
  }

  /** The slots of all names that `topicFilter` may match. */
  find(topicFilter: string): number[] {
    const found: number[] = []
    const wanted = this.#wanted(topicFilter)
    const first = this.#columns[0]!
    for (let slot = 0; slot < first.length; slot++) {
      if (first[slot] !== 0 && agrees(wanted, slot)) found.push(slot)
    }
    return found
  }

  /** The deepest level comes first: it is the most likely to differ. */
  #wanted(topicFilter: string): Wanted[] {
    const wanted: Wanted[] = []
    let at = 0
    for (const column of this.#columns) {
      if (at > topicFilter.length) break
      const end = endOfLevel(topicFilter, at)
      const level = topicFilter.slice(at, end)
      if (level === '#') break
      const hash = level === '+' ? PRESENT : hashLevel(level, 0, level.length)
      const hashMask = level === '+' ? PRESENT : ~LAST
      // `#` also stands for its parent level.
      const lastMask = end + 2 === topicFilter.length && topicFilter.endsWith('#') ? 0 : LAST
      const last = end === topicFilter.length ? LAST : 0
      wanted.unshift({ column, mask: hashMask | lastMask, bits: hash | last })
      at = end + 1
    }
    return wanted
  }
}

function agrees(wanted: readonly Wanted[], slot: number): boolean {
  for (let index = 0; index < wanted.length; index++) {
    const { column, mask, bits } = wanted[index]!
    if ((column[slot]! & mask) !== bits) return false
  }
  return true
}

function hashLevel(topic: string, start: number, end: number): number {
  return (fnv1a(topic, start, end) << 2) | PRESENT
}
