/**
 * Wall-clock time that never goes back, for stored deadlines.
 *
 *   clock       10:00 10:01 | 03:20 03:21 | 10:31        set back at a start without a battery, corrected by NTP later
 *   wall time   10:00 10:01 | 10:02 10:03 | 10:31
 *
 * While the clock is behind, the time is the last known one plus the time that has passed since, so that nothing ends
 * early and nothing lives too long; once the clock has caught up, it is used again.
 *
 * @module
 */
import type { Clock } from './clock.ts'

export class WallTime {
  readonly #clock: Clock
  #knownMs: number
  #knownAtMs: number

  /** @param knownMs wall-clock milliseconds that have been reached */
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

  /** How far the clock is behind, in milliseconds. */
  get behindMs(): number {
    return this.now() - this.#clock.wallNow()
  }
}
