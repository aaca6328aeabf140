/**
 * The queue of a Session: deliveries that wait for room in the window, first in, first out.
 *
 *   front  [ Delivery … ]   rows  [ 48 bytes each, payload in the Store alone ]   back  [ Delivery … ]
 *
 * A delivery costs some 270 bytes besides its payload. One that will wait for long, and that the Store has, therefore
 * becomes a row of plain numbers and shared strings (`park`), and a Delivery again when its turn comes. So a million
 * messages for absent Clients take what a few thousand in RAM take.
 *
 * The Session's account is charged with each delivery from `push` on. What `shift` and `takeOut` give away stays charged: whoever
 * took it gives that back.
 *
 * @module
 */
import type { MemoryAccount } from '../base/memory-account.ts'
import { Ring } from '../base/ring.ts'
import type { Delivery } from './delivery.ts'
import {
  addRow,
  CHUNK_ROWS,
  deliveryOf,
  ParkedRows,
  rowBehind,
  sizeParked,
  SMALLEST_CHUNK_ROWS,
  staysWhole,
} from './parked-rows.ts'

/** What is sought in a queue, a few entries at a time. */
export interface Sweep {
  /** Everything up to that entry was looked at. */
  lookedUpTo: number
  /**
   * Called once for each entry that may expire or is of a Shared Subscription: which is sought has to be one of these. Where
   * the entry has left RAM, the delivery is made for this call.
   */
  isWanted(delivery: Delivery): boolean
}

export class WaitingQueue {
  length = 0
  /** Nothing in here expires before that time, in monotonic milliseconds; Infinity if nothing ever does. */
  earliestExpiryMs = Infinity
  /** `takeExpired` is under way. */
  #expiring: ExpirySweep | undefined = undefined
  readonly #account: MemoryAccount
  #front = new Ring<Delivery>()
  /** Oldest chunk first; none is empty. */
  #rows: Ring<ParkedRows> | undefined = undefined
  #back: Ring<Delivery> | undefined = undefined

  constructor(account: MemoryAccount) {
    this.#account = account
  }

  /** @param parks it is to leave RAM: `park` will be called once it is stored */
  push(delivery: Delivery, parks: boolean): void {
    const { expiresAtMs } = delivery.message
    if (expiresAtMs < this.earliestExpiryMs) this.earliestExpiryMs = expiresAtMs
    this.#account.hold(delivery.message, delivery.size)
    this.#place(delivery, parks)
  }

  #place(delivery: Delivery, parks: boolean): void {
    this.length++
    if (this.#back !== undefined) this.#back.push(delivery)
    else if (delivery.isStored && !delivery.message.isLoaded) this.#addRow(delivery)
    else if (parks || this.#rows !== undefined) (this.#back = new Ring()).push(delivery)
    else this.#front.push(delivery)
  }

  shift(): Delivery | undefined {
    const delivery = this.peek()
    if (delivery === undefined) return undefined
    this.length--
    return this.#front.shift()
  }

  peek(): Delivery | undefined {
    if (this.#front.length === 0) this.#bringUp(1)
    return this.#front.peek()
  }

  /** The first `count`, or all if there are fewer. */
  upcoming(count: number): Delivery[] {
    this.#bringUp(count)
    return Array.from({ length: Math.min(count, this.#front.length) }, (_, at) => this.#front.at(at)!)
  }

  /** Rows become deliveries, until the first `count` are at hand. */
  #bringUp(count: number): void {
    while (this.#front.length < count && this.#rows !== undefined) {
      const chunk = this.#rows.peek()!
      this.#front.push(this.#takeRow(chunk, chunk.start++))
      if (chunk.start === chunk.end) this.#rows.shift()
      if (this.#rows.length === 0) this.#rows = undefined
    }
    if (this.#rows !== undefined || this.#back === undefined) return
    if (this.#front.length === 0) {
      this.#front = this.#back
      this.#back = undefined
    } else while (this.#front.length < count && this.#back.length > 0) this.#front.push(this.#back.shift()!)
    if (this.#back?.length === 0) this.#back = undefined
  }

  /** Everything up to that entry is stored: what was to leave RAM does. */
  park(lastEntryNumber: number): void {
    const back = this.#back
    if (back === undefined) return
    for (let next = back.peek(); next !== undefined && next.entryNumber <= lastEntryNumber; next = back.peek()) {
      this.#addRow(back.shift()!)
    }
    if (back.length === 0) this.#back = undefined
  }

  #addRow(delivery: Delivery): void {
    this.#rows ??= new Ring()
    let chunk = this.#rows.at(this.#rows.length - 1)
    if (chunk === undefined || chunk.end === CHUNK_ROWS) {
      chunk = new ParkedRows(chunk === undefined ? SMALLEST_CHUNK_ROWS : CHUNK_ROWS)
      this.#rows.push(chunk)
    }
    addRow(chunk, delivery)
    if (staysWhole(delivery)) return
    this.#account.release(delivery.message, delivery.size)
    this.#account.add(sizeParked(delivery))
  }

  #takeRow(chunk: ParkedRows, row: number): Delivery {
    const delivery = deliveryOf(chunk, row)
    if (delivery === chunk.extras?.[row]) return delivery
    this.#account.add(-sizeParked(delivery))
    this.#account.hold(delivery.message, delivery.size)
    return delivery
  }

  /** Whether `takeExpired` has looked at some entries and not at the others. */
  get isSweeping(): boolean {
    return this.#expiring !== undefined
  }

  /**
   * Takes out what has expired by then. Looks at so many entries at most: the next call goes on behind them, and once all were
   * looked at (`isSweeping` is false again), `earliestExpiryMs` is exact.
   */
  takeExpired(nowMs: number, looks: number): Delivery[] {
    const sweep = (this.#expiring ??= new ExpirySweep())
    sweep.nowMs = nowMs
    const { taken, isDone } = this.takeOut(sweep, looks)
    if (isDone) {
      this.earliestExpiryMs = sweep.earliestLeftMs
      this.#expiring = undefined
    }
    return taken
  }

  /** Takes out what is wanted, wherever it stands. Looks at so many entries at most: the next call goes on behind them. */
  takeOut(sweep: Sweep, looks: number): { readonly taken: Delivery[]; readonly isDone: boolean } {
    const taken: Delivery[] = []
    let left = sweepRing(this.#front, looks, sweep, taken)
    if (left > 0 && this.#rows !== undefined) left = this.#sweepRows(this.#rows, left, sweep, taken)
    if (left > 0 && this.#back !== undefined) {
      left = sweepRing(this.#back, left, sweep, taken)
      if (this.#back.length === 0) this.#back = undefined
    }
    this.length -= taken.length
    return { taken, isDone: left > 0 }
  }

  #sweepRows(chunks: Ring<ParkedRows>, looks: number, sweep: Sweep, taken: Delivery[]): number {
    let left = looks
    let hasEmpty = false
    for (const chunk of chunks) {
      if (left <= 0) break
      if (chunk.entryNumber(chunk.end - 1) <= sweep.lookedUpTo) continue
      left -= this.#sweepChunk(chunk, sweep, taken)
      hasEmpty ||= chunk.start === chunk.end
    }
    if (hasEmpty) {
      const kept = new Ring<ParkedRows>()
      for (const chunk of chunks) if (chunk.start < chunk.end) kept.push(chunk)
      this.#rows = kept.length === 0 ? undefined : kept
    }
    return Math.max(0, left)
  }

  /** @returns how many rows were looked at */
  #sweepChunk(chunk: ParkedRows, sweep: Sweep, taken: Delivery[]): number {
    const { end } = chunk
    let kept = chunk.start
    let looks = 0
    for (let row = chunk.start; row < end; row++) {
      const entryNumber = chunk.entryNumber(row)
      if (entryNumber > sweep.lookedUpTo) {
        looks++
        sweep.lookedUpTo = entryNumber
        // A row without extras has no properties, so that it does not expire, and is of no Shared Subscription.
        if (chunk.extras?.[row] !== undefined && sweep.isWanted(deliveryOf(chunk, row))) {
          taken.push(this.#takeRow(chunk, row))
          continue
        }
      }
      if (kept !== row) chunk.move(row, kept)
      kept++
    }
    chunk.end = kept
    if (chunk.extras !== undefined && chunk.extras.length > kept) chunk.extras.length = kept
    chunk.shrink()
    return looks
  }

  /**
   * Some from the middle, for lists.
   *
   * @returns the first `count` above that entry, of which rows are made anew, and how many stand before them
   */
  after(entryNumber: number, count: number): { readonly deliveries: Delivery[]; readonly before: number } {
    const deliveries: Delivery[] = []
    let before = copyBehind(this.#front, entryNumber, count, deliveries)
    for (const chunk of this.#rows ?? []) {
      if (deliveries.length === count) break
      const from = rowBehind(chunk, entryNumber)
      before += from - chunk.start
      const end = Math.min(chunk.end, from + count - deliveries.length)
      for (let row = from; row < end; row++) deliveries.push(deliveryOf(chunk, row))
    }
    if (this.#back !== undefined) before += copyBehind(this.#back, entryNumber, count, deliveries)
    return { deliveries, before }
  }

  /** First to last; of what is a row, each look makes a Delivery anew. */
  *[Symbol.iterator](): Generator<Delivery, void, undefined> {
    yield* this.#front
    for (const chunk of this.#rows ?? []) {
      for (let row = chunk.start; row < chunk.end; row++) yield deliveryOf(chunk, row)
    }
    if (this.#back !== undefined) yield* this.#back
  }
}

class ExpirySweep implements Sweep {
  lookedUpTo = 0
  nowMs = 0
  /** When the first of what stays expires. */
  earliestLeftMs = Infinity

  isWanted({ message: { expiresAtMs } }: Delivery): boolean {
    if (expiresAtMs <= this.nowMs) return true
    if (expiresAtMs < this.earliestLeftMs) this.earliestLeftMs = expiresAtMs
    return false
  }
}

/** @returns how many looks are left */
function sweepRing(ring: Ring<Delivery>, looks: number, sweep: Sweep, taken: Delivery[]): number {
  const from = indexBehind(ring, sweep.lookedUpTo)
  const count = Math.min(looks, ring.length - from)
  const isWanted = (delivery: Delivery): boolean => {
    sweep.lookedUpTo = delivery.entryNumber
    return sweep.isWanted(delivery)
  }
  taken.push(...ring.takeOut(from, count, isWanted))
  return looks - count
}

/** Where in a queue the first entry above that number is. */
function indexBehind(ring: Ring<Delivery>, entryNumber: number): number {
  let [low, high] = [0, ring.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring.at(middle)!.entryNumber > entryNumber) high = middle
    else low = middle + 1
  }
  return low
}

/** Adds what is above that entry to `deliveries`, up to `count` of them. @returns how many are not above it */
function copyBehind(ring: Ring<Delivery>, entryNumber: number, count: number, deliveries: Delivery[]): number {
  const from = indexBehind(ring, entryNumber)
  const end = Math.min(ring.length, from + count - deliveries.length)
  for (let at = from; at < end; at++) deliveries.push(ring.at(at)!)
  return from
}
