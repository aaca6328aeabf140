/**
 * The reasons why a bridge takes nothing from its Session at the moment: as long as there is one, the stream from this
 * broker is paused, and messages wait where they are counted and limited.
 *
 * @module
 */

/** `subscribing`: to the other broker. `output`: it does not read. `rate`: `max-message-rate`. */
export type HoldReason = 'subscribing' | 'output' | 'rate'

interface Paused {
  pauseReading(): void
  resumeReading(): void
}

export class Holds {
  readonly #stream: Paused
  readonly #reasons = new Set<HoldReason>()
  #isConnected = false

  constructor(stream: Paused) {
    this.#stream = stream
  }

  /** The stream can be paused from now on. */
  connected(): void {
    this.#isConnected = true
    if (this.#reasons.size > 0) this.#stream.pauseReading()
  }

  /** @returns false if it was held for that reason already */
  hold(reason: HoldReason): boolean {
    if (this.#reasons.has(reason)) return false
    this.#reasons.add(reason)
    if (this.#isConnected) this.#stream.pauseReading()
    return true
  }

  release(reason: HoldReason): void {
    if (this.#reasons.delete(reason) && this.#reasons.size === 0 && this.#isConnected) this.#stream.resumeReading()
  }
}
