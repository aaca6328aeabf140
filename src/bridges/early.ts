/**
 * What the other broker sends before the Session at this one is connected: the rest of one chunk, since the connection
 * is not read meanwhile.
 *
 * @module
 */
export class Early {
  readonly #steps: (() => void)[] = []

  add(step: () => void): void {
    this.#steps.push(step)
  }

  /** Takes everything in its order. */
  run(): void {
    for (const step of this.#steps.splice(0)) step()
  }
}
