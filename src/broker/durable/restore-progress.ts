/** Logs how far a start has come that takes over a second, and how long it will take. @module */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { LoadProgress } from '../../stores/store.ts'

const EVERY_MS = 1000

export class RestoreProgress {
  readonly #clock: Clock
  readonly #log: Logger
  readonly #startedMs: number
  #loggedMs: number

  constructor(clock: Clock, log: Logger) {
    this.#clock = clock
    this.#log = log
    this.#startedMs = clock.now()
    this.#loggedMs = this.#startedMs
  }

  update({ done, total, unit }: LoadProgress): void {
    const now = this.#clock.now()
    if (now - this.#loggedMs < EVERY_MS) return
    this.#loggedMs = now
    const perSecond = Math.round((done / (now - this.#startedMs)) * 1000)
    const secondsLeft = perSecond === 0 ? '?' : Math.ceil((total - done) / perSecond)
    const text = `restoring: ${done} of ${total} ${unit}, ${perSecond}/s, ${secondsLeft} s left`
    this.#log.info({ done, total, unit }, text)
  }
}
