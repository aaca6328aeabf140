/**
 * The queue of a Session: deliveries that wait for room in the window, first in, first out.
 *
 *   front  [ Delivery … ]   rows  [ 48 bytes each, payload in the Store alone ]   back  [ Delivery … ]
 *
 * A delivery costs about 270 bytes besides its payload. A delivery that will wait for long, and that is stored,
 * therefore becomes a row of plain numbers and shared strings (`park`), and a Delivery again at its turn. A million
 * messages for absent Clients then take as much memory as a few thousand in RAM.
 *
 * The Session's account is charged with each delivery from `push` on. What `shift` and `takeOut` return is still
 * charged; the caller has to release that.
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

/** A search through a queue, a few entries at a time. */
export interface Sweep {
  /** Everything up to that entry was examined. */
  lookedUpTo: number
  /**
   * Called once for each entry that may expire or belongs to a Shared Subscription; only those can be searched for. If
   * the entry has left RAM, the delivery is made for this call.
   */
  isWanted(delivery: Delivery): boolean
}

export class WaitingQueue {
  length = 0
  /** Nothing in it expires before that time, in monotonic milliseconds; Infinity if nothing ever does. */
  earliestExpiryMs = Infinity
  /** Set while `takeExpired` is in progress. */
  #expiring: ExpirySweep | undefined = undefined
  readonly #account: MemoryAccount
  #front = new Ring<Delivery>()
  /** Oldest chunk first; none is empty. */
  #rows: Ring<ParkedRows> | undefined = undefined
  #back: Ring<Delivery> | undefined = undefined

  constructor(account: MemoryAccount) {
    this.#account = account
  }

  /** @param parks whether it is to leave RAM: `park` will be called once it is stored */
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

  /** The first `count` deliveries, or all if there are fewer. */
  upcoming(count: number): Delivery[] {
    this.#bringUp(count)
    return Array.from({ length: Math.min(count, this.#front.length) }, (_, at) => this.#front.at(at)!)
  }

  /** Turns rows into deliveries, until the first `count` are there. */
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

  /** Everything up to that entry is stored, so deliveries that were to leave RAM do. */
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

  /** Whether `takeExpired` has examined some entries and not the others. */
  get isSweeping(): boolean {
    return this.#expiring !== undefined
  }

  /**
   * Takes out what has expired by then. It examines so many entries at most, and the next call continues after them.
   * Once all were examined (`isSweeping` is false again), `earliestExpiryMs` is exact.
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

  /**
   * Takes out what is wanted, wherever it is. It examines so many entries at most, and the next call continues after
   * them.
   */
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

  /** @returns how many rows were examined */
  #sweepChunk(chunk: ParkedRows, sweep: Sweep, taken: Delivery[]): number {
    const { end } = chunk
    let kept = chunk.start
    let looks = 0
    for (let row = chunk.start; row < end; row++) {
      const entryNumber = chunk.entryNumber(row)
      if (entryNumber > sweep.lookedUpTo) {
        looks++
        sweep.lookedUpTo = entryNumber
        // A row without extras has no properties, so it does not expire, and belongs to no Shared Subscription.
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
   * A part from the middle, for lists.
   *
   * @returns the first `count` deliveries after that entry (rows become new ones), and how many are before them
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

  /** First to last. For a row, each iteration makes a new Delivery. */
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
  /** When the first entry that stays expires. */
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

/** The index of the first entry after that number in a queue. */
function indexBehind(ring: Ring<Delivery>, entryNumber: number): number {
  let [low, high] = [0, ring.length]
  while (low < high) {
    const middle = (low + high) >>> 1
    if (ring.at(middle)!.entryNumber > entryNumber) high = middle
    else low = middle + 1
  }
  return low
}

/** Adds what comes after that entry to `deliveries`, up to `count`. @returns how many do not come after it */
function copyBehind(ring: Ring<Delivery>, entryNumber: number, count: number, deliveries: Delivery[]): number {
  const from = indexBehind(ring, entryNumber)
  const end = Math.min(ring.length, from + count - deliveries.length)
  for (let at = from; at < end; at++) deliveries.push(ring.at(at)!)
  return from
}
