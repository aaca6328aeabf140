/**
 * Provides a substitute for a user that does not exist, so that neither the answer to a login nor its duration reveals
 * whether it does: the entry of another user, always the same one.
 *
 * @module
 */
import { createHmac } from 'node:crypto'

export class Decoys<Entry> {
  readonly #secret: Uint8Array
  /** The entries of a file as a list, created at its first use. */
  readonly #lists = new WeakMap<ReadonlyMap<string, Entry>, readonly Entry[]>()

  /** @param secret makes it unpredictable which entry a name is given */
  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** @returns `undefined` if there are no users at all, and so nothing to reveal */
  of(name: string, users: ReadonlyMap<string, Entry>): Entry | undefined {
    const list = this.#lists.get(users) ?? [...users.values()]
    this.#lists.set(users, list)
    return list[createHmac('sha256', this.#secret).update(name).digest().readUInt32BE() % list.length]
  }
}
