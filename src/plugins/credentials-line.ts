/**
 * Passwords that wait to be hashed. Callers take turns, so that one who sets a thousand passwords delays another by one
 * hash instead of by all of them. The host program and callers on the machine are never refused: with them, whoever has
 * lost control gets it back.
 *
 * @module
 */
import { CheckQueue } from '../access/check-queue.ts'
import type { Credentials } from '../access/directory/directory.ts'
import { SluiceError } from '../base/errors.ts'

/** One that runs and one that follows, so that the thread does not have to wait. */
const AT_A_TIME = 2
/** Passwords of callers elsewhere that may wait. */
const MAX_WAITING = 1000

export class CredentialsLine {
  readonly #make: (password: string) => Promise<Credentials>
  readonly #queue = new CheckQueue(AT_A_TIME)
  #waiting = 0

  constructor(make: (password: string) => Promise<Credentials>) {
    this.#make = make
  }

  /**
   * Hashes a password when its turn comes.
   *
   * @param holder tells callers apart; `undefined` for the host program and callers on the machine
   * @throws {SluiceError} `ERR_LIMIT` if too many wait
   */
  async run(password: string, holder: string | undefined): Promise<Credentials> {
    if (holder !== undefined && this.#waiting >= MAX_WAITING) {
      throw new SluiceError('ERR_LIMIT', `${MAX_WAITING} passwords wait to be hashed; try again when they are done`)
    }
    this.#waiting++
    try {
      const made = this.#queue.run<Credentials | undefined>(
        holder === undefined ? '' : `caller ${holder}`,
        () => true,
        () => this.#make(password),
        undefined,
      )
      return (await made)!
    } finally {
      this.#waiting--
    }
  }
}
