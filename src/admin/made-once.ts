/** Something that is made when it is first needed, such as a module that is loaded or files that are read. @module */

/**
 * Makes a value once. A failure is not kept: whoever asks next tries again, so that a moment without file descriptors
 * does not last until the next start.
 *
 * @example
 * let times = 0
 * const answer = new MadeOnce(() => Promise.resolve(++times))
 * await answer.get() // 1
 * await answer.get() // 1
 */
export class MadeOnce<T> {
  readonly #make: () => Promise<T>
  #made: Promise<T> | undefined

  constructor(make: () => Promise<T>) {
    this.#make = make
  }

  /** @throws whatever made it fail */
  get(): Promise<T> {
    if (this.#made !== undefined) return this.#made
    const made = this.#make()
    this.#made = made
    made.catch(() => {
      if (this.#made === made) this.#made = undefined
    })
    return made
  }

  /**
   * Uses it if it was ever asked for; a failure belongs to whoever did.
   *
   * @returns once that is done
   */
  async ifMade(use: (value: T) => void | Promise<void>): Promise<void> {
    const made = this.#made
    if (made === undefined) return
    const value = await made.then(
      (each) => [each],
      () => [],
    )
    for (const each of value) await use(each)
  }
}
