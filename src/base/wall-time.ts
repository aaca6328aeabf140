/**
 * Wall-clock time that never goes back: what deadlines are stored by.
 *
 *   clock       10:00 10:01 | 03:20 03:21 | 10:31        set back by a start without a battery, put right by NTP later
 *   wall time   10:00 10:01 | 10:02 10:03 | 10:31
 *
 * A clock that is behind counts as the last known time and what has passed since, so that nothing ends early and nothing
 * lives longer than it was given; once the clock has caught up, it counts again.
 *
 * @module
 */
import type { Clock } from './clock.ts'

export class WallTime {
  readonly #clock: Clock
  #knownMs: number
  #knownAtMs: number

  /** @param knownMs wall-clock milliseconds that it is at least */
  constructor(clock: Clock, knownMs = 0) {
    this.#clock = clock
    this.#knownMs = knownMs
    this.#knownAtMs = clock.now()
  }

  /** Wall-clock milliseconds, not always whole. */
  now(): number {
    const atMs = this.#clock.now()
    this.#knownMs = Math.max(this.#clock.wallNow(), this.#knownMs + (atMs - this.#knownAtMs))
    this.#knownAtMs = atMs
    return this.#knownMs
  }

  /** How far the clock itself is behind, in milliseconds. */
  get behindMs(): number {
    return this.now() - this.#clock.wallNow()
  }
}
