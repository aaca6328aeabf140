/**
 * A set of Packet Identifiers: a table of a power of two, identifier i in slot i mod size, so that looking costs an index and
 * no hash. It doubles when two identifiers meet in a slot; Clients draw them in order, so that they seldom do.
 *
 * @module
 */
const FIRST_SIZE = 16

export class IdentifierSet implements Iterable<number> {
  #slots = new Uint16Array(FIRST_SIZE)
  size = 0

  has(identifier: number): boolean {
    return this.#slots[identifier & (this.#slots.length - 1)] === identifier
  }

  /** Adds 1 to 65535. */
  add(identifier: number): void {
    for (;;) {
      const slot = identifier & (this.#slots.length - 1)
      const held = this.#slots[slot]!
      if (held === identifier) return
      if (held === 0) {
        this.#slots[slot] = identifier
        this.size++
        return
      }
      this.#grow()
    }
  }

  /** @returns whether it was there */
  delete(identifier: number): boolean {
    const slot = identifier & (this.#slots.length - 1)
    if (this.#slots[slot] !== identifier) return false
    this.#slots[slot] = 0
    this.size--
    return true
  }

  *[Symbol.iterator](): IterableIterator<number> {
    for (const identifier of this.#slots) if (identifier !== 0) yield identifier
  }

  /** What did not meet in half the table does not meet in the whole: identifiers only part, so that one pass is enough. */
  #grow(): void {
    const old = this.#slots
    this.#slots = new Uint16Array(old.length * 2)
    for (const identifier of old) if (identifier !== 0) this.#slots[identifier & (this.#slots.length - 1)] = identifier
  }
}
