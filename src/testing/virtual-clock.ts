/**
 * A Clock that moves only on command: whole brokers run in virtual time, without a sleep.
 *
 *   timers   heap by time ──advance──> all that are due at the same instant fire, in the order in which they were set
 *   turns    ended after them: the input of one instant is processed in one turn
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { TimerWheel, type Timed } from '../base/timer-wheel.ts'
import { SeededRandom } from './random.ts'

/** More turns than this at one instant are a bug in code that requests a turn in every turn. */
const MAX_TURNS = 100_000

/** How a virtual clock begins. */
export interface VirtualClockOptions {
  /** Determines every random choice; default 1. */
  readonly seed?: number
  /** Wall-clock milliseconds at the beginning; default: the first instant of 2026, UTC. */
  readonly wallMs?: number
}

class VirtualTimer implements Timer, Timed {
  deadlineMs = 0
  wheelIndex = -1
  readonly order: number
  readonly fire: () => void
  isCancelled = false
  readonly #wheel: TimerWheel<VirtualTimer>

  constructor(wheel: TimerWheel<VirtualTimer>, order: number, fire: () => void) {
    this.#wheel = wheel
    this.order = order
    this.fire = fire
  }

  cancel(): void {
    this.isCancelled = true
    this.#wheel.cancel(this)
  }
}

/**
 * Virtual time and seeded randomness.
 *
 * @example
 * const clock = new VirtualClock()
 * let isOver = false
 * clock.setTimer(90_000, () => (isOver = true))
 * clock.advance(89_999)
 * isOver // false
 * clock.advance(1)
 * isOver // true
 */
export class VirtualClock implements Clock {
  readonly #wheel = new TimerWheel<VirtualTimer>()
  readonly #random: SeededRandom
  #wallOffsetMs: number
  readonly #due: VirtualTimer[] = []
  #nowMs = 1000
  #order = 0
  #turns: (() => void)[] = []

  constructor({ seed = 1, wallMs = Date.UTC(2026, 0, 1) }: VirtualClockOptions = {}) {
    this.#random = new SeededRandom(seed)
    this.#wallOffsetMs = wallMs - this.#nowMs
  }

  /** The monotonic time in milliseconds. It begins at 1000. */
  now(): number {
    return this.#nowMs
  }

  /** Milliseconds since 1970, by the virtual wall clock. */
  wallNow(): number {
    return this.#nowMs + this.#wallOffsetMs
  }

  /** Sets the wall clock, as an operator or NTP does: timers are not affected. */
  setWall(wallMs: number): void {
    this.#wallOffsetMs = wallMs - this.#nowMs
  }

  /** Calls `fire` once time has moved on by `delayMs`. */
  setTimer(delayMs: number, fire: () => void): Timer {
    const timer = new VirtualTimer(this.#wheel, this.#order++, fire)
    this.#wheel.set(timer, this.#nowMs + Math.max(0, delayMs))
    return timer
  }

  /** Calls `run` at the end of the turn. */
  atEndOfTurn(run: () => void): void {
    this.#turns.push(run)
  }

  /** Bytes that the seed decides. */
  randomBytes(length: number): Uint8Array {
    return this.#random.bytes(length)
  }

  /** A number from 0 up to and without 1 that the seed decides. */
  random(): number {
    return this.#random.next()
  }

  /** When the next timer is due, in milliseconds of `now()`; Infinity if none is set. */
  get nextTimerAtMs(): number {
    return this.#wheel.nextDeadline()
  }

  /** How many timers wait. */
  get waitingTimers(): number {
    return this.#wheel.size
  }

  /** Whether a turn is open, so that `runTurns` would do something. */
  get isTurnOpen(): boolean {
    return this.#turns.length > 0
  }

  /** Ends the turn that is open, if there is one; others may open meanwhile. */
  runTurn(): void {
    const open = this.#turns
    this.#turns = []
    for (const run of open) run()
  }

  /** Ends turns until none is open. */
  runTurns(): void {
    for (let turns = 0; this.#turns.length > 0; turns++) {
      if (turns > MAX_TURNS) throw new Error('turns without end')
      this.runTurn()
    }
  }

  /**
   * Advances to the next timer and fires everything that is due at that instant; the caller has to end the turns.
   *
   * @param untilMs where to stop if nothing is due before, in milliseconds of `now()`
   * @returns false if nothing was due, and the time is now `untilMs`
   */
  step(untilMs: number): boolean {
    const next = this.#wheel.nextDeadline()
    if (next > untilMs) {
      this.#nowMs = Math.max(this.#nowMs, untilMs)
      return false
    }
    this.#nowMs = Math.max(this.#nowMs, next)
    const due = this.#due
    this.#wheel.advance(next, (timer) => due.push(timer))
    due.sort((one, other) => one.order - other.order)
    for (const timer of due) if (!timer.isCancelled) timer.fire()
    due.length = 0
    return true
  }

  /** Advances time, fires timers in order and ends turns. */
  advance(milliseconds: number): void {
    const until = this.#nowMs + milliseconds
    this.runTurns()
    while (this.step(until)) this.runTurns()
  }
}
