/**
 * Maps each stored message to the place of its payload and its reference count: messageNumber -> segment, offset,
 * length, references. A million messages take about 45 MB, and no object each.
 *
 * There are 256 open-addressed tables of plain numbers, so that the one that grows is always small (4,000 messages at a
 * million in total) and growing causes no noticeable pause.
 *
 *   keys      Float64   messageNumber, 0 for a free slot
 *   fields    Uint32    segment | offset | length | references        segment 0: not found on disk (yet)
 *
 * Hot: every QoS 1 message is added and removed here.
 *
 * @module
 */
import type { SegmentUsage } from './segment-usage.ts'

/** The place of a payload. `offset` is that of its checksum, four bytes before it. */
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
  /** Messages that the current turn has left without a reference. */
  readonly #released: number[] = []
  /**
   * Whether a message is removed with its last reference. False during a start, because another reference may follow.
   */
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

  /** Sets the place of a message, adding it without references if it is unknown. */
  place(messageNumber: number, segment: number, offset: number, length: number): void {
    const table = this.#table(messageNumber)
    const slot = findOrAdd(table, messageNumber) * stride
    if (table.fields[slot]! !== 0) this.#usage.subtract(table.fields[slot]!, table.fields[slot + 2]!)
    table.fields[slot] = segment
    table.fields[slot + 1] = offset
    table.fields[slot + 2] = length
    this.#usage.add(segment, length)
  }

  /** Adds a reference. At start this may happen before the message's place is known. */
  refer(messageNumber: number): void {
    const table = this.#table(messageNumber)
    const slot = findOrAdd(table, messageNumber) * stride
    table.fields[slot + 3]!++
  }

  /**
   * Removes a reference. After the last one the message is kept until the end of the turn, which may refer to it again.
   */
  release(messageNumber: number): void {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber)
    if (slot < 0) return
    const at = slot * stride
    if (table.fields[at + 3]! > 0) table.fields[at + 3]!--
    if (table.fields[at + 3]! === 0 && this.forgets) this.#released.push(messageNumber)
  }

  /** At the end of a turn: removes the messages that it left without references. */
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

  /** Whether the message has any reference. */
  lives(messageNumber: number): boolean {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber)
    return slot >= 0 && table.fields[slot * stride + 3]! > 0
  }

  /** Returns `undefined` for a message that is unknown or was not found on disk. */
  locate(messageNumber: number): PayloadLocation | undefined {
    const table = this.#table(messageNumber)
    const slot = find(table, messageNumber) * stride
    if (slot < 0 || table.fields[slot]! === 0) return undefined
    return { segment: table.fields[slot]!, offset: table.fields[slot + 1]!, length: table.fields[slot + 2]! }
  }

  /** Whether the message is stored at exactly this place. */
  liesAt(messageNumber: number, segment: number, offset: number): boolean {
    const table = this.#table(messageNumber)
    const at = find(table, messageNumber) * stride
    return at >= 0 && table.fields[at]! === segment && table.fields[at + 1]! === offset
  }

  /** Messages that are referred to but that no segment contains. */
  *lost(): Generator<number> {
    for (const table of this.#tables) {
      for (let slot = 0; slot < table.keys.length; slot++) {
        if (table.keys[slot]! !== 0 && table.fields[slot * stride]! === 0) yield table.keys[slot]!
      }
    }
  }

  /** Removes messages without references. */
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

/**
 * Closes the gap: entries that were displaced past this slot move back, so that a search may stop at the first free
 * one.
 */
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
