/**
 * Time, randomness and the end of a turn, as the floors above see them. `turn/clock.ts` implements the real
 * ones; a test or a simulation passes virtual ones, so that whole Servers run in virtual time from a printed seed.
 *
 * @module
 */

/** A timer; `cancel` may be called twice. */
export interface Timer {
  cancel(): void
}

/** Time, chance and the end of a turn. */
export interface Clock {
  /** Monotonic milliseconds (may have a fraction), used for timers and deadlines. */
  now(): number
  /** Milliseconds since 1970, used for stored deadlines and messages for people. */
  wallNow(): number
  /** Calls `fire` once, `delayMs` milliseconds from now at the earliest. Never keeps a process alive by itself. */
  setTimer(delayMs: number, fire: () => void): Timer
  /** Calls `run` once when the present input has been processed: at the end of this turn of the event loop. */
  atEndOfTurn(run: () => void): void
  /** Blocks the thread for this long. Absent if time is not real. */
  pause?(milliseconds: number): void
  /** Unpredictable bytes, for identifiers and nonces. */
  randomBytes(length: number): Uint8Array
  /** A number in [0, 1), for choices that need to be fair but not secret. */
  random(): number
}
