/**
 * Packets that wait for a commit, because what they acknowledge is not stored yet (the held lane of
 * docs/ARCHITECTURE.md).
 *
 * Each packet waits for the Change that it depends on, or for an earlier packet of the lane. `release` passes on, in
 * order, everything that waits for Changes up to the committed one. A Connection whose Server stores nothing never has
 * a held lane.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'
import { HELD_BYTES } from './memory-sizes.ts'

interface Held {
  readonly bytes: Uint8Array
  /** It is sent once this many Changes are committed. */
  readonly afterChange: number
  /** The Packet Identifier of the exchange that it ends; 0 if it ends none. */
  readonly ends: number
}

export class HeldLane {
  /** The memory that the packets take. */
  size = 0
  readonly #held = new Ring<Held>()

  get length(): number {
    return this.#held.length
  }

  /** The Change that the oldest packet waits for; 0 if none waits. */
  get nextChange(): number {
    return this.#held.peek()?.afterChange ?? 0
  }

  /**
   * Keeps `bytes` (no copy is made) until the Change with that number is committed.
   *
   * @param ends the Packet Identifier that the Client may use again once the bytes have left; 0 for none
   */
  hold(bytes: Uint8Array, afterChange: number, ends = 0): void {
    this.size += HELD_BYTES + bytes.length
    this.#held.push({ bytes, afterChange, ends })
  }

  /** Passes on, oldest first, everything that waits for no Change after `committedChange`. */
  release(committedChange: number, pass: (bytes: Uint8Array, ends: number) => void): void {
    for (let first = this.#held.peek(); first !== undefined; first = this.#held.peek()) {
      if (first.afterChange > committedChange) return
      this.#held.shift()
      this.size -= HELD_BYTES + first.bytes.length
      pass(first.bytes, first.ends)
    }
  }

  clear(): void {
    this.size = 0
    this.#held.clear()
  }
}
