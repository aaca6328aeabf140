/**
 * Where each stored message's payload lies, and how many things refer to it: messageNumber -> segment, offset, length,
 * references. A million messages cost some 45 MB here and no object each.
 *
 * 256 open-addressed tables of plain numbers, so that the one that grows is always small (4,000 messages each at a
 * million) and growing never shows as a pause.
 *
 *   keys      Float64   messageNumber, 0 for a free slot
 *   fields    Uint32    segment | offset | length | references        segment 0: not found on disk (yet)
 *
 * Hot: every QoS 1 message comes and goes here.
 *
 * @module
 */
import type { SegmentUsage } from './segment-usage.ts'

/** Where a payload lies. `offset` is that of its checksum, four bytes before it. */
export interface PayloadLocation {
  readonly segment: number
  readonly offset: number
  readonly length: number
}

const tables = 256
const smallest = 16
const stride = 4

class Table {
  keys = new Float64Array(smallest)
  fields = new Uint32Array(smallest * stride)
  count = 0
}

export class MessageIndex {
  #tables = Array.from({ length: tables }, () => new Table())
  #usage: SegmentUsage
  /** Messages that the turn at hand has left without a reference. */
  readonly #released: number[] = []
  /** Whether the last reference takes a message away. Not so during a start: what refers to it may come again. */
  forgets = true

  constructor(usage: SegmentUsage) {
    this.#usage = usage
  }

  get size(): number {
    return this.#tables.reduce((sum, table) => sum + table.count, 0)
  }

  has(messageNumber: number): boolean {
    return find(this.#table(messageNumber), messageNumber) >= 0
  }

  /** Says where a message lies now; it is made known if it is not, with no reference yet. */
  place(messageNumber: number, segment: number, offset: number, length: number): void {
    const table = this.#table(messageNumber)
    const slot = findOrAdd(table, messageNumber) * stride
    if (table.fields[slot]! !== 0) this.#usage.subtract(table.fields[slot]!, table.fields[slot + 2]!)
    table.fields[slot] = segment
    table.fields[slot + 1] = offset
    table.fields[slot + 2] = length
    this.#usage.add(segment, length)
  }

  /** One more thing refers to it. At start this may come before it is known where the message lies. */
  refer(messageNumber: number): void {
    const table = this.#table(messageNumber)
    const slot = findOrAdd(table, messageNumber) * stride
    table.fields[slot + 3]!++
  }

  /** One thing less refers to it. After the last one it is kept until the turn ends, which may refer to it again. */
  release(messageNumber: number): void {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber)
    if (slot < 0) return
    const at = slot * stride
    if (table.fields[at + 3]! > 0) table.fields[at + 3]!--
    if (table.fields[at + 3]! === 0 && this.forgets) this.#released.push(messageNumber)
  }

  /** The turn is over: takes away what it left without a reference. */
  forgetReleased(): void {
    for (const messageNumber of this.#released) this.#forget(messageNumber)
    this.#released.length = 0
  }

  #forget(messageNumber: number): void {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber)
    const at = slot * stride
    if (slot < 0 || table.fields[at + 3]! > 0) return
    if (table.fields[at]! !== 0) this.#usage.subtract(table.fields[at]!, table.fields[at + 2]!)
    remove(table, slot)
  }

  /** Whether anything refers to it. */
  lives(messageNumber: number): boolean {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber)
    return slot >= 0 && table.fields[slot * stride + 3]! > 0
  }

  /** `undefined` for a message that is unknown, or was not found on disk. */
  locate(messageNumber: number): PayloadLocation | undefined {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber) * stride
    if (slot < 0 || table.fields[slot]! === 0) return undefined
    return { segment: table.fields[slot]!, offset: table.fields[slot + 1]!, length: table.fields[slot + 2]! }
  }

  /** Whether this very place is where the message lies. */
  liesAt(messageNumber: number, segment: number, offset: number): boolean {
    const table = this.#table(messageNumber)
    const at = find(table, messageNumber) * stride
    return at >= 0 && table.fields[at]! === segment && table.fields[at + 1]! === offset
  }

  /** Messages that something refers to but that no segment has. */
  *lost(): Generator<number> {
    for (const table of this.#tables) {
      for (let slot = 0; slot < table.keys.length; slot++) {
        if (table.keys[slot]! !== 0 && table.fields[slot * stride]! === 0) yield table.keys[slot]!
      }
    }
  }

  /** Forgets messages that nothing refers to. */
  dropUnreferenced(): void {
    for (const table of this.#tables) {
      const dead = [...table.keys].filter((key, slot) => key !== 0 && table.fields[slot * stride + 3]! === 0)
      for (const messageNumber of dead) this.#forget(messageNumber)
    }
  }

  #table(messageNumber: number): Table {
    return this.#tables[messageNumber % tables]!
  }
}

function home(table: Table, key: number): number {
  const mixed = Math.imul((key / tables) >>> 0, 0x9e3779b1)
  return (mixed ^ (mixed >>> 15)) & (table.keys.length - 1)
}

function find(table: Table, key: number): number {
  const { keys } = table
  const mask = keys.length - 1
  for (let slot = home(table, key); ; slot = (slot + 1) & mask) {
    const there = keys[slot]!
    if (there === key) return slot
    if (there === 0) return -1
  }
}

function findOrAdd(table: Table, key: number): number {
  const mask = table.keys.length - 1
  let slot = home(table, key)
  while (table.keys[slot]! !== 0) {
    if (table.keys[slot]! === key) return slot
    slot = (slot + 1) & mask
  }
  if ((table.count + 1) * 4 > table.keys.length * 3) {
    resize(table, table.keys.length * 2)
    return findOrAdd(table, key)
  }
  table.keys[slot] = key
  table.count++
  return slot
}

/** Closes the gap: what had to step over this slot moves back, so that a search may stop at the first free one. */
function remove(table: Table, slot: number): void {
  const { keys, fields } = table
  const mask = keys.length - 1
  let free = slot
  for (let next = (free + 1) & mask; keys[next]! !== 0; next = (next + 1) & mask) {
    const wanted = home(table, keys[next]!)
    if (((next - wanted) & mask) < ((next - free) & mask)) continue
    keys[free] = keys[next]!
    fields.copyWithin(free * stride, next * stride, (next + 1) * stride)
    free = next
  }
  keys[free] = 0
  fields.fill(0, free * stride, (free + 1) * stride)
  table.count--
  if (keys.length > smallest && table.count * 8 < keys.length) resize(table, keys.length / 2)
}

function resize(table: Table, capacity: number): void {
  const { keys, fields } = table
  table.keys = new Float64Array(capacity)
  table.fields = new Uint32Array(capacity * stride)
  table.count = 0
  for (let slot = 0; slot < keys.length; slot++) {
    if (keys[slot]! === 0) continue
    const to = findOrAdd(table, keys[slot]!)
    table.fields.set(fields.subarray(slot * stride, (slot + 1) * stride), to * stride)
  }
}
