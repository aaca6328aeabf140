/** A Clock that stands still until it is told to move: whole brokers run in virtual time, without a sleep. @module */
import type { Clock, Timer } from '../../src/base/clock.ts'

interface Waiting {
  readonly atMs: number
  readonly order: number
  readonly fire: () => void
}

export class VirtualClock implements Clock {
  #nowMs = 1000
  readonly #wallOffsetMs: number
  #order = 0
  #timers: Waiting[] = []
  #turns: (() => void)[] = []
  #randomState: number

  constructor({ seed = 1, wallMs = Date.UTC(2026, 0, 1) }: { seed?: number; wallMs?: number } = {}) {
    this.#randomState = seed >>> 0
    this.#wallOffsetMs = wallMs - this.#nowMs
  }

  now(): number {
    return this.#nowMs
  }

  wallNow(): number {
    return this.#nowMs + this.#wallOffsetMs
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const waiting = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire }
    this.#timers.push(waiting)
    return { cancel: () => (this.#timers = this.#timers.filter((timer) => timer !== waiting)) }
  }

  atEndOfTurn(run: () => void): void {
    this.#turns.push(run)
  }

  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => Math.floor(this.random() * 256))
  }

  /** Mulberry32: small, and the same everywhere. */
  random(): number {
    this.#randomState = (this.#randomState + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#randomState ^ (this.#randomState >>> 15), this.#randomState | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  /** Ends turns until none is open. */
  runTurns(): void {
    for (let turns = 0; this.#turns.length > 0; turns++) {
      if (turns > 100_000) throw new Error('turns without end')
      const open = this.#turns
      this.#turns = []
      for (const run of open) run()
    }
  }

  /** Moves time on, firing timers in order and ending turns. */
  advance(milliseconds: number): void {
    const until = this.#nowMs + milliseconds
    this.runTurns()
    for (let next = this.#next(until); next !== undefined; next = this.#next(until)) {
      const due = next
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      this.#timers = this.#timers.filter((timer) => timer !== due)
      due.fire()
      this.runTurns()
    }
    this.#nowMs = until
  }

  #next(until: number): Waiting | undefined {
    let first: Waiting | undefined
    for (const timer of this.#timers) {
      if (timer.atMs > until) continue
      if (first === undefined || timer.atMs < first.atMs || (timer.atMs === first.atMs && timer.order < first.order)) {
        first = timer
      }
    }
    return first
  }
}
