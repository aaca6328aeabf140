/**
 * Packets that wait for a commit: what they acknowledge is not stored yet (the design's first lane).
 *
 * Each packet waits for the Change that it depends on, or for an earlier packet of the lane; `release` lets go, in order,
 * everything that waits for Changes up to the committed one. A Connection whose Server keeps nothing never makes one.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'
import { HELD_BYTES } from './memory-sizes.ts'

interface Held {
  readonly bytes: Uint8Array
  /** Leaves once this many Changes are committed. */
  readonly afterChange: number
  /** The Packet Identifier of the exchange that it ends; 0 where it ends none. */
  readonly ends: number
}

export class HeldLane {
  /** What the packets take in memory. */
  size = 0
  readonly #held = new Ring<Held>()

  get length(): number {
    return this.#held.length
  }

  /** What the oldest waits for; 0 where none waits. */
  get nextChange(): number {
    return this.#held.peek()?.afterChange ?? 0
  }

  /**
   * Keeps `bytes` (no copy is made) until the Change with that number is committed.
   *
   * @param ends the Packet Identifier that the Client may use again once they have left; 0 for none
   */
  hold(bytes: Uint8Array, afterChange: number, ends = 0): void {
    this.size += HELD_BYTES + bytes.length
    this.#held.push({ bytes, afterChange, ends })
  }

  /** Passes on, oldest first, what waits for no Change beyond `committedChange`. */
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
