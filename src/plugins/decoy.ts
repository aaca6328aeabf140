/**
 * What stands for a user who does not exist, so that neither the answer to a login nor its duration tells whether there is
 * one: the entry of another user, the same each time.
 *
 * @module
 */
import { createHmac } from 'node:crypto'

export class Decoys<Entry> {
  readonly #secret: Uint8Array
  /** The entries of a file as a list, made when a file is first asked. */
  readonly #lists = new WeakMap<ReadonlyMap<string, Entry>, readonly Entry[]>()

  /** @param secret keeps it from being foreseen whose entry a name is given */
  constructor(secret: Uint8Array) {
    this.#secret = secret
  }

  /** @returns `undefined` where there are no users at all, and so nothing to tell */
  of(name: string, users: ReadonlyMap<string, Entry>): Entry | undefined {
    const list = this.#lists.get(users) ?? [...users.values()]
    this.#lists.set(users, list)
    return list[createHmac('sha256', this.#secret).update(name).digest().readUInt32BE() % list.length]
  }
}
