/**
 * Time, chance and the end of a turn, as the floors above see them. `broker/turn/clock.ts` has the real one; a test or a
 * simulation hands in a virtual one, so that whole Servers run in virtual time from a printed seed.
 *
 * @module
 */

/** A timer that was asked for; `cancel` may be called twice. */
export interface Timer {
  cancel(): void
}

/** Time, chance and the end of a turn. */
export interface Clock {
  /** Monotonic milliseconds (may have a fraction); what running timers and deadlines are measured in. */
  now(): number
  /** Milliseconds since 1970: what stored deadlines and messages for people are measured in. */
  wallNow(): number
  /** Calls `fire` once, `delayMs` milliseconds from now at the earliest. Never keeps a process alive by itself. */
  setTimer(delayMs: number, fire: () => void): Timer
  /** Calls `run` once, when the input that is at hand has been worked off: the end of this turn of the event loop. */
  atEndOfTurn(run: () => void): void
  /** Does nothing for so long, and lets nobody else in this thread do anything. Where time is not real there is none. */
  pause?(milliseconds: number): void
  /** Unpredictable bytes, for identifiers and nonces. */
  randomBytes(length: number): Uint8Array
  /** A number from 0 up to and without 1, for choices that need to be fair but not secret. */
  random(): number
}
