/**
 * Deliveries of QoS 1 and 2 that were sent and are not finished, by Packet Identifier (§4.3, §4.9).
 *
 * Identifiers are used in order, and those in use are skipped [5.0 MQTT-2.2.1-4]. They lie in a table whose size is a
 * power of two: identifier i is in slot i mod size, so a look-up costs an index and no hash. The Session's account is
 * charged with the table, which keeps the size of its fullest moment until it is empty.
 *
 * @module
 */
import type { MemoryAccount } from '../base/memory-account.ts'
import type { Delivery } from './delivery.ts'
import { SLOT_BYTES } from './memory-sizes.ts'

const FIRST_SIZE = 16
/** An empty table up to this size is kept, so that a busy Session does not make a new one again and again. */
const IDLE_SIZE = 256
const LAST_IDENTIFIER = 0xffff
/** The table of every Session that has nothing in flight yet; it is never written to. */
const NO_SLOTS: (Delivery | undefined)[] = []

export class OutgoingWindow {
  #slots = NO_SLOTS
  #lastIdentifier = 0
  /** Deliveries in flight. */
  size = 0
  readonly #account: MemoryAccount

  constructor(account: MemoryAccount) {
    this.#account = account
  }

  /** Gives `delivery` a Packet Identifier that is not in use and remembers it. At most 65,535 fit. */
  add(delivery: Delivery): void {
    if (this.size * 2 >= this.#slots.length) this.#grow()
    const mask = this.#slots.length - 1
    let identifier = this.#lastIdentifier
    do identifier = identifier === LAST_IDENTIFIER ? 1 : identifier + 1
    while (this.#slots[identifier & mask] !== undefined)
    this.#lastIdentifier = identifier
    delivery.packetIdentifier = identifier
    this.#slots[identifier & mask] = delivery
    this.size++
  }

  /** Puts a delivery from a Store back under its identifier. */
  restore(delivery: Delivery): void {
    while (
      this.#slots.length === 0 ||
      this.#slots[delivery.packetIdentifier & (this.#slots.length - 1)] !== undefined
    ) {
      this.#grow()
    }
    this.#slots[delivery.packetIdentifier & (this.#slots.length - 1)] = delivery
    this.#lastIdentifier = delivery.packetIdentifier
    this.size++
  }

  get(packetIdentifier: number): Delivery | undefined {
    const delivery = this.#slots[packetIdentifier & (this.#slots.length - 1)]
    return delivery?.packetIdentifier === packetIdentifier ? delivery : undefined
  }

  remove(delivery: Delivery): void {
    this.#slots[delivery.packetIdentifier & (this.#slots.length - 1)] = undefined
    this.size--
    if (this.size === 0 && this.#slots.length > IDLE_SIZE) this.clear()
  }

  /** Releases the table once it is empty. */
  clear(): void {
    if (this.size > 0) return
    this.#account.add(-sizeOfTable(this.#slots.length))
    this.#slots = NO_SLOTS
  }

  /** The number of slots in the table. */
  get slots(): number {
    return this.#slots.length
  }

  /** The delivery in that slot, for a walk over the table that pauses on its way. */
  inSlot(slot: number): Delivery | undefined {
    return this.#slots[slot]
  }

  /** Everything in flight, in no particular order. Deliveries may be removed during the iteration. */
  *[Symbol.iterator](): IterableIterator<Delivery> {
    for (const delivery of this.#slots) if (delivery !== undefined) yield delivery
  }

  /** Everything in flight, in the order in which it was first sent [5.0 MQTT-4.6.0-5]. */
  inOrder(): Delivery[] {
    return sorted(this.#slots.filter((delivery) => delivery !== undefined))
  }

  /** The first deliveries after that entry, in the same order. */
  after(entryNumber: number, count: number): Delivery[] {
    const later = this.#slots.filter((delivery) => delivery !== undefined && delivery.entryNumber > entryNumber)
    if (later.length <= count) return sorted(later as Delivery[])
    // Sorted as numbers, since there may be 65,535 of which only a few are needed.
    const numbers = new Float64Array(later.length)
    for (let at = 0; at < later.length; at++) numbers[at] = later[at]!.entryNumber
    const last = numbers.sort()[count - 1]!
    return sorted(later.filter((delivery) => delivery!.entryNumber <= last) as Delivery[])
  }

  #grow(): void {
    const old = this.#slots
    // With 131,072 slots, every identifier has a slot of its own.
    const size = Math.max(FIRST_SIZE, old.length * 2)
    this.#account.add(sizeOfTable(size) - sizeOfTable(old.length))
    this.#slots = Array.from({ length: size }, () => undefined)
    for (const delivery of old) {
      if (delivery !== undefined) this.#slots[delivery.packetIdentifier & (size - 1)] = delivery
    }
  }
}

function sorted(deliveries: Delivery[]): Delivery[] {
  return deliveries.sort((one, other) => one.entryNumber - other.entryNumber)
}

/** The memory of a table beyond the first one, which is charged with the deliveries themselves. */
function sizeOfTable(slots: number): number {
  return slots <= FIRST_SIZE ? 0 : slots * SLOT_BYTES
}
