/** The real Clock: the one place where time and chance are read. @module */
import { randomBytes } from 'node:crypto'
import { performance } from 'node:perf_hooks'
import * as timers from 'node:timers'
import type { Clock, Timer } from '../base/clock.ts'

// As they are when this module is loaded. A test of the host program that fakes them later fakes its own time, not the
// broker's: with a turn that never ends nothing is answered, and nothing closes.
const { setImmediate, setTimeout, clearTimeout, setInterval, clearInterval } = timers
const now = performance.now.bind(performance)
const wallNow = Date.now

/** Node's timers take at most this many milliseconds; a longer wait fires early and is armed again by its owner. */
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

/** Keeps the process alive until it is cancelled: for an end that has to be waited for, as timers of a Clock do not. */
export function stayAlive(): Timer {
  const handle = setInterval(() => {}, LONGEST_TIMER_MS)
  return { cancel: () => clearInterval(handle) }
}

/** Never written: waiting for it is waiting for the time to be over. */
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
