/**
 * Entries in the order in which they came, each of which can leave from wherever it stands. Entries hold their neighbours
 * themselves, so that coming and going costs the same however many there are, and nothing is ever moved.
 *
 *   first ─> entry ⇄ entry ⇄ entry <─ last
 *
 * @module
 */

/** What can be put into one list at a time. The list alone writes these fields. */
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

  /** The one that has been here the longest. */
  get first(): Entry | undefined {
    return this.#first
  }

  /** @param entry is in no list */
  push(entry: Entry): void {
    entry.previous = this.#last
    entry.next = undefined
    if (this.#last === undefined) this.#first = entry
    else this.#last.next = entry
    this.#last = entry
  }

  /** @param entry is in this list */
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
