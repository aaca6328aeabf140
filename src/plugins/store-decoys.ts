/**
 * Hashes of users of the store that stand in for those of names that do not exist. Most users may have no hash, so the
 * search for them may pass all of them: it is repeated only if one of the hashes is gone, or if there are few and users
 * have changed.
 *
 * @module
 */
import type { Directory } from '../access/directory/directory.ts'

/** Users whose hashes stand in. */
const DECOYS = 64

export class StoreDecoys {
  readonly #directory: Directory
  #found: readonly (readonly [userName: string, hash: string])[] = []
  /** Of the directory, when they were found. */
  #revision = -1

  constructor(directory: Directory) {
    this.#directory = directory
  }

  /** The hash with that number, counted round; `undefined` if no user has one. */
  at(number: number): string | undefined {
    if (!this.#areThere()) this.#find()
    return this.#found[number % this.#found.length]?.[1]
  }

  #areThere(): boolean {
    const { rulesRevision } = this.#directory
    if (this.#revision === rulesRevision) return true
    if (this.#found.length < DECOYS) return false
    return this.#found.every(([name, hash]) => this.#directory.get('user', name)?.entry.passwordHash === hash)
  }

  #find(): void {
    const found: (readonly [string, string])[] = []
    for (const [name, { entry }] of this.#directory.all('user')) {
      if (entry.passwordHash !== undefined && found.push([name, entry.passwordHash]) === DECOYS) break
    }
    this.#found = found
    this.#revision = this.#directory.rulesRevision
  }
}
