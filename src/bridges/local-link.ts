/**
 * A byte stream in memory between this broker and a client of its own: what one side writes is passed to the other in
 * the same call, unless the other has paused.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'

/** One end, as its owner writes to it. */
class LinkEnd implements Transport {
  /** Receives what the other end writes. */
  incoming: Incoming | undefined = undefined
  /** What was written to this end while the other had paused; it keeps the memory. */
  readonly #held: Uint8Array[] = []
  #heldBytes = 0
  #isHeld = false
  #endsWhenEmpty = false
  readonly #link: LocalLink

  constructor(link: LocalLink) {
    this.#link = link
  }

  get #other(): LinkEnd {
    return this.#link.otherThan(this)
  }

  get unsentBytes(): number {
    return this.#heldBytes
  }

  write(bytes: Uint8Array): boolean {
    if (this.#link.isClosed) return true
    if (!this.#isHeld && this.#held.length === 0) {
      this.#other.incoming?.receive(bytes)
      return true
    }
    this.#held.push(bytes)
    this.#heldBytes += bytes.length
    return false
  }

  pauseReading(): void {
    this.#other.#isHeld = true
  }

  resumeReading(): void {
    this.#other.#release()
  }

  /** Passes on what was held, in a turn of its own: the owner may be in the middle of something. */
  #release(): void {
    if (!this.#isHeld) return
    this.#isHeld = false
    this.#link.later(() => this.#passOn())
  }

  #passOn(): void {
    if (this.#link.isClosed) return
    const hadAny = this.#held.length > 0
    while (!this.#isHeld && !this.#link.isClosed && this.#held.length > 0) {
      const bytes = this.#held.shift()!
      this.#heldBytes -= bytes.length
      this.#other.incoming?.receive(bytes)
    }
    if (this.#held.length > 0 || this.#link.isClosed) return
    if (this.#endsWhenEmpty) this.#link.close()
    else if (hadAny) this.incoming?.drained()
  }

  end(): void {
    if (this.#held.length === 0) this.#link.close()
    else this.#endsWhenEmpty = true
  }

  destroy(): void {
    this.#held.length = 0
    this.#heldBytes = 0
    this.#link.close()
  }
}

export class LocalLink {
  /** The broker writes to this end. */
  readonly broker: LinkEnd = new LinkEnd(this)
  /** The client writes to this one. */
  readonly client: LinkEnd = new LinkEnd(this)
  isClosed = false
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @internal */
  otherThan(end: LinkEnd): LinkEnd {
    return end === this.client ? this.broker : this.client
  }

  /** @internal */
  later(run: () => void): void {
    this.#clock.atEndOfTurn(run)
  }

  /** Both ends are notified at the end of the turn. */
  close(): void {
    if (this.isClosed) return
    this.isClosed = true
    this.later(() => {
      this.broker.incoming?.lost()
      this.client.incoming?.lost()
    })
  }
}
