/**
 * A Transport of the host program, as its Connection uses it: the guard around that foreign code. If it throws, it is
 * considered broken: its Connection is lost at the end of the turn, and the caller continues.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { messageOf, watchPromise } from '../../base/thrown.ts'
import type { Incoming, Transport } from '../../protocol/transport.ts'

export class HostTransport implements Transport {
  /** Set once the Connection is accepted. */
  incoming: Incoming | undefined = undefined
  readonly #own: Transport
  readonly #clock: Clock
  #isBroken = false

  constructor(own: Transport, clock: Clock) {
    this.#own = own
    this.#clock = clock
  }

  /** Hot: once for each Connection and turn. */
  write(bytes: Uint8Array): boolean {
    if (this.#isBroken) return true
    try {
      const hasLeft: unknown = this.#own.write(bytes)
      if (typeof hasLeft === 'boolean') return hasLeft
      this.#broke(new TypeError('write() must return true or false'))
      watchPromise(hasLeft, ignored)
    } catch (error) {
      this.#broke(error)
    }
    // It may have kept the bytes.
    return false
  }

  get unsentBytes(): number {
    if (this.#isBroken) return 0
    try {
      const unsentBytes: unknown = this.#own.unsentBytes
      if (typeof unsentBytes === 'number' && unsentBytes >= 0) return unsentBytes
      watchPromise(unsentBytes, ignored)
      return 0
    } catch (error) {
      this.#broke(error)
      return 0
    }
  }

  pauseReading(): void {
    this.#do((own) => own.pauseReading())
  }

  resumeReading(): void {
    this.#do((own) => own.resumeReading())
  }

  end(): void {
    this.#do((own) => own.end())
  }

  destroy(): void {
    this.#do((own) => own.destroy())
  }

  #do(act: (own: Transport) => unknown): void {
    if (this.#isBroken) return
    try {
      watchPromise(act(this.#own), (error) => this.#broke(error))
    } catch (error) {
      this.#broke(error)
    }
  }

  #broke(error: unknown): void {
    if (this.#isBroken) return
    this.#isBroken = true
    const cause = new Error(`the transport of this program failed: ${messageOf(error)}`, { cause: error })
    this.#clock.atEndOfTurn(() => {
      try {
        this.#own.destroy()
      } catch {
        // It is lost already, because of its first fault.
      }
      this.incoming?.lost(cause)
    })
  }
}

function ignored(): void {}
