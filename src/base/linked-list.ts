/**
 * Entries in order of insertion, each of which can be removed from any position. Entries hold their neighbours
 * themselves, so insertion and removal take constant time, and nothing is ever moved.
 *
 *   first ─> entry ⇄ entry ⇄ entry <─ last
 *
 * @module
 */

/** An entry, which can be in one list at a time. Only the list writes these fields. */
export interface Linked<Entry> {
  previous: Entry | undefined
  next: Entry | undefined
}

/**
 * @example
 * interface Entry extends Linked<Entry> {}
 * const list = new LinkedList<Entry>()
 * const entry: Entry = { previous: undefined, next: undefined }
 * list.push(entry)
 * list.first === entry // true
 * list.remove(entry)
 * list.first // undefined
 */
export class LinkedList<Entry extends Linked<Entry>> {
  #first: Entry | undefined = undefined
  #last: Entry | undefined = undefined

  /** The oldest entry. */
  get first(): Entry | undefined {
    return this.#first
  }

  /** @param entry must not be in a list */
  push(entry: Entry): void {
    entry.previous = this.#last
    entry.next = undefined
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  /** @param entry must be in this list */
  remove(entry: Entry): void {
    const { previous, next } = entry
    if (previous === undefined) this.#first = next
    else previous.next = next
    if (next === undefined) this.#last = previous
    else next.previous = previous
    entry.previous = undefined
    entry.next = undefined
  }
}
