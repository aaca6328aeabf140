/** One attempt of a client to get a byte stream. @module */
import type { Incoming, Transport } from '../protocol/transport.ts'
import type { Attempt } from './client-side.ts'

/** The client that makes the attempt; only its latest one counts. */
interface Dialler {
  opened(attempt: DialAttempt, transport: Transport): Incoming | undefined
  failed(attempt: DialAttempt, error: Error): void
}

export class DialAttempt implements Attempt {
  readonly address: number
  readonly #dialler: Dialler
  #stop: (() => void) | undefined
  #isCancelled = false

  constructor(dialler: Dialler, address: number) {
    this.#dialler = dialler
    this.address = address
  }

  opened(transport: Transport): Incoming | undefined {
    return this.#dialler.opened(this, transport)
  }

  failed(error: Error): void {
    this.#dialler.failed(this, error)
  }

  whenOver(stop: () => void): void {
    if (this.#isCancelled) stop()
    else this.#stop = stop
  }

  /** The byte stream belongs to its connection now. */
  opens(): void {
    this.#stop = undefined
  }

  /** Closes what was opened so far. */
  cancel(): void {
    this.#isCancelled = true
    const stop = this.#stop
    this.#stop = undefined
    stop?.()
  }
}
