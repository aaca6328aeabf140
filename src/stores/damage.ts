/**
 * Decides what happens when damage is found: a start fails, and a repair reports it and continues with what is
 * readable.
 *
 * @module
 */
import { join } from 'node:path'
import { StoreError } from '../base/errors.ts'
import { kindOfName } from './segment-files.ts'
import type { Damage } from './store.ts'

const choices =
  'Choices: put the file back from a backup; or start with --repair, which keeps everything that is readable and reports what is not'

export class DamageReport {
  readonly found: Damage[] = []
  /** Damage that was corrected without loss. */
  readonly notes: Damage[] = []
  /** Whether reading continues after damage. */
  readonly repairs: boolean
  /** Whether payloads are verified that a start would not read; a repair does this. */
  readonly checksPayloads: boolean
  readonly #known = new Set<string>()
  readonly #folder: string | undefined

  /** @param folder the store's folder; `undefined` for a Disk without one */
  constructor(folder: string | undefined, repairs: boolean, checksPayloads = repairs) {
    this.#folder = folder
    this.repairs = repairs
    this.checksPayloads = checksPayloads
  }

  /** Records damage that was corrected; a repair rewrites the file. */
  note(name: string, what: string): void {
    if (this.repairs) this.add(name, 0, what)
    else if (this.notes.every((note) => note.name !== name))
      this.notes.push({ name, path: this.pathOf(name), offset: 0, what })
  }

  pathOf(name: string): string {
    if (this.#folder === undefined) return name
    return kindOfName(name) === undefined ? `${this.#folder}: ${name}` : join(this.#folder, name)
  }

  /** @throws {StoreError} `ERR_STORE_DAMAGED`, unless this is a repair */
  addMissing(name: string): void {
    if (!this.repairs) throw new StoreError('ERR_STORE_DAMAGED', `${this.pathOf(name)} is missing. ${choices}`)
    this.add(name, 0, 'the file is missing')
  }

  /**
   * Records damage, once for each place, because a start reads a file several times.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED`, unless this is a repair
   */
  add(name: string, offset: number, what: string): void {
    if (!this.repairs)
      throw new StoreError(
        'ERR_STORE_DAMAGED',
        `${this.pathOf(name)} is damaged at byte ${offset}: ${what}. ${choices}`,
      )
    const key = `${name} ${offset} ${what}`
    if (this.#known.has(key)) return
    this.#known.add(key)
    this.found.push({ name, path: this.pathOf(name), offset, what })
  }
}

/**
 * A file that has one of our names but was written by another program or by a later version. A start never touches it.
 * A repair renames it if it may be the remainder of a new store after a power cut.
 */
export function refuse(name: string, why: 'foreign' | 'foreign or torn' | 'newer'): never {
  if (why !== 'newer') {
    const repair =
      why === 'foreign' ? '' : `; or, if a power cut left it, start with --repair, which renames it to ${name}.damaged`
    throw new StoreError(
      'ERR_STORE_FOREIGN',
      `${name} was not written by this program, or nothing of it can be read. Choices: move it away, or give the store a path of its own${repair}`,
    )
  }
  throw new StoreError(
    'ERR_STORE_VERSION',
    `${name} was written by a later version of this program. Choices: start that version, or restore a backup made before it`,
  )
}

export const lostHeader = 'its header cannot be read'

export function unsoundPayload(messageNumber: number): string {
  return `the payload of message ${messageNumber} is corrupt`
}
