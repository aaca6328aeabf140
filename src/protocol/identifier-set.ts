/**
 * A set of Packet Identifiers: a table of a power of two that is never more than half full. Identifier i lives in slot i mod
 * size, or in the next free one behind it; Clients draw them in order, so that looking mostly costs an index and no hash.
 *
 *   17, 1, 2   [ . 17  1  2 . . . . ]       size 16: 1 gave way to 17, and 2 to 1
 *
 * The table grows by how many identifiers there are, not by which: a Client that draws them far apart gains nothing. Which
 * of many collide it can choose, and then looking takes a scan of its own set.
 *
 * @module
 */
const FIRST_SIZE = 16
/** A table up to this size never shrinks, so that a busy Client's does not become another one again and again: 512 bytes. */
const KEPT_SIZE = 256

export class IdentifierSet implements Iterable<number> {
  #slots = new Uint16Array(FIRST_SIZE)
  /** How many gave way to another: while there are none, as with a Client that counts up, a slot can be freed and that is all. */
  #displaced = 0
  size = 0

  has(identifier: number): boolean {
    return this.#slots[this.#slotOf(identifier)] === identifier
  }

  /** Where that identifier is, or else the free slot that it would take. */
  #slotOf(identifier: number): number {
    const mask = this.#slots.length - 1
    let slot = identifier & mask
    for (let held = this.#slots[slot]!; held !== 0 && held !== identifier; held = this.#slots[slot]!) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  /** Adds 1 to 65535. */
  add(identifier: number): void {
    const slot = this.#slotOf(identifier)
    if (this.#slots[slot] === identifier) return
    this.#put(slot, identifier)
    this.size++
    if (this.size * 2 > this.#slots.length) this.#resize(this.#slots.length * 2)
  }

  #put(slot: number, identifier: number): void {
    this.#slots[slot] = identifier
    if (slot !== this.#ownSlotOf(identifier)) this.#displaced++
  }

  #ownSlotOf(identifier: number): number {
    return identifier & (this.#slots.length - 1)
  }

  /** @returns whether it was there */
  delete(identifier: number): boolean {
    const slot = this.#slotOf(identifier)
    if (this.#slots[slot] !== identifier) return false
    this.#free(slot)
    this.size--
    if (this.#slots.length > KEPT_SIZE && this.size * 8 <= this.#slots.length) this.#resize(this.#slots.length / 2)
    else if (this.#displaced > 0) this.#closeGap(slot)
    return true
  }

  #free(slot: number): void {
    if (slot !== this.#ownSlotOf(this.#slots[slot]!)) this.#displaced--
    this.#slots[slot] = 0
  }

  /** Moves up what would not be found behind the free slot `gap`. */
  #closeGap(gap: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = (gap + 1) & mask, held = slots[slot]!; held !== 0; slot = (slot + 1) & mask, held = slots[slot]!) {
      // It stays where its own slot lies behind the gap.
      if (((slot - held) & mask) < ((slot - gap) & mask)) continue
      this.#free(slot)
      this.#put(gap, held)
      gap = slot
    }
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const identifier of this.#slots) if (identifier !== 0) yield identifier
  }

  #resize(size: number): void {
    const old = this.#slots
    this.#slots = new Uint16Array(size)
    this.#displaced = 0
    for (const identifier of old) if (identifier !== 0) this.#put(this.#slotOf(identifier), identifier)
  }
}
