/** The real Clock: the only place where time and randomness are read. @module */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import type { Clock, Timer } from '../base/clock.ts'

// The functions as they are when this module is loaded. A test that fakes them later fakes the time of its program, not
// that of the broker: with a turn that never ends, nothing would be answered or closed.
const { setImmediate, setTimeout, clearTimeout, setInterval, clearInterval } = timers
const now = performance.now.bind(performance)
const wallNow = Date.now

/** The longest time of Node's timers. A longer wait ends early, and its owner arms the timer again. */
const LONGEST_TIMER_MS = 0x7fff_ffff

class RealTimer implements Timer {
  readonly #timeout: NodeJS.Timeout

  constructor(delayMs: number, fire: () => void) {
    this.#timeout = setTimeout(fire, Math.min(Math.max(0, Math.ceil(delayMs)), LONGEST_TIMER_MS)).unref()
  }

  cancel(): void {
    clearTimeout(this.#timeout)
  }
}

/**
 * Keeps the process alive until it is cancelled, for an end that has to be waited for. Timers of a Clock do not do
 * that.
 */
export function stayAlive(): Timer {
  const handle = setInterval(() => {}, LONGEST_TIMER_MS)
  return { cancel: () => clearInterval(handle) }
}

/** It is never written, so waiting for it means waiting for the timeout. */
const nothingComes = new Int32Array(new SharedArrayBuffer(4))

export const realClock: Clock = {
  now,
  wallNow,
  setTimer: (delayMs, fire) => new RealTimer(delayMs, fire),
  atEndOfTurn: (run) => void setImmediate(run),
  pause: (milliseconds) => void Atomics.wait(nothingComes, 0, 0, milliseconds),
  randomBytes: (length) => randomBytes(length),
  random: () => Math.random(),
}
