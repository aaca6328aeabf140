/**
 * What is done about damage: refuse to start, or, for a repair, report it and go on with what is readable.
 *
 * @module
 */
import { StoreError } from '../base/errors.ts'

/** One thing that is wrong on disk. */
export interface Damage {
  readonly name: string
  /** Where in the file, in bytes. */
  readonly offset: number
  readonly what: string
}

const choices =
  'Choices: put the file back from a backup; or start with --repair, which keeps all that is readable and says what is not'

export class DamageReport {
  readonly found: Damage[] = []
  /** Whether damage is stepped over. */
  readonly repairs: boolean
  /** Whether payloads are checked as well that a start would not read: so does a repair. */
  readonly checksPayloads: boolean
  readonly #known = new Set<string>()

  constructor(repairs: boolean, checksPayloads = repairs) {
    this.repairs = repairs
    this.checksPayloads = checksPayloads
  }

  /**
   * Notes a damage, once: a start reads a file several times, for its facts and for what lives in it.
   *
   * @throws {StoreError} `ERR_STORE_DAMAGED`, unless this is a repair
   */
  add(name: string, offset: number, what: string): void {
    if (!this.repairs)
      throw new StoreError('ERR_STORE_DAMAGED', `${name} is damaged at byte ${offset}: ${what}. ${choices}`)
    const key = `${name} ${offset} ${what}`
    if (this.#known.has(key)) return
    this.#known.add(key)
    this.found.push({ name, offset, what })
  }
}

/** A file with one of our names that we did not write, or that a later version did: never touched, not even by a repair. */
export function refuse(name: string, why: 'foreign' | 'newer'): never {
  if (why === 'foreign') {
    throw new StoreError(
      'ERR_STORE_FOREIGN',
      `${name} was not written by this program. Choices: move it away, or give the store a path of its own`,
    )
  }
  throw new StoreError(
    'ERR_STORE_VERSION',
    `${name} was written by a later version of this program. Choices: start that version, or restore a backup made before it`,
  )
}
