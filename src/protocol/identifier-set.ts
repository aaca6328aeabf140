/**
 * A set of Packet Identifiers: a table whose size is a power of two and which is never more than half full. Identifier
 * i lies in slot i mod size, or in the next free slot after it. Clients use identifiers in order, so a look-up usually
 * costs an index and no hash.
 *
 *   17, 1, 2   [ . 17  1  2 . . . . ]       size 16: 1 gave way to 17, and 2 to 1
 *
 * The table grows with the number of identifiers, not with their values, so a Client gains nothing by using distant
 * ones. It can choose identifiers that collide, but then a look-up only scans its own set.
 *
 * @module
 */
const FIRST_SIZE = 16
/**
 * A table up to this size (512 bytes) never shrinks, so that the table of a busy Client is not replaced again and
 * again.
 */
const KEPT_SIZE = 256

export class IdentifierSet implements Iterable<number> {
  #slots = new Uint16Array(FIRST_SIZE)
  /**
   * The number of identifiers that are not in their own slot. While it is 0, as with a Client that counts up, removing
   * one just frees its slot.
   */
  #displaced = 0
  size = 0

  has(identifier: number): boolean {
    return this.#slots[this.#slotOf(identifier)] === identifier
  }

  /** The slot of that identifier, or else the free slot where it would go. */
  #slotOf(identifier: number): number {
    const mask = this.#slots.length - 1
    let slot = identifier & mask
    for (let held = this.#slots[slot]!; held !== 0 && held !== identifier; held = this.#slots[slot]!) {
      slot = (slot + 1) & mask
    }
    return slot
  }

  /** Adds 1 to 65535. @returns false where it was there */
  add(identifier: number): boolean {
    const slot = this.#slotOf(identifier)
    if (this.#slots[slot] === identifier) return false
    this.#put(slot, identifier)
    this.size++
    if (this.size * 2 > this.#slots.length) this.#resize(this.#slots.length * 2)
    return true
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

  /** Moves identifiers that would not be found after the free slot `gap`. */
  #closeGap(gap: number): void {
    const slots = this.#slots
    const mask = slots.length - 1
    for (let slot = (gap + 1) & mask, held = slots[slot]!; held !== 0; slot = (slot + 1) & mask, held = slots[slot]!) {
      // It stays if its own slot lies after the gap.
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
