/**
 * Messages that the Store could not accept: they are counted, and the reason is returned and logged.
 *
 * A Store that is full or failing has logged that. A Store that is well may still have too little room for a large
 * message, which is a warning of its own, at most one in ten seconds, with the number of refusals since the last one.
 *
 *   a message of 200000 bytes was refused: the store has room for 90112 bytes; …
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import { describeHealth } from '../../stores/store-health.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { StoreGate } from '../../turn/store-gate.ts'

const WARNING_INTERVAL_MS = 10_000

export class StoreRefusals {
  readonly #gate: StoreGate
  readonly #clock: Clock
  readonly #log: Logger
  readonly #metrics: Metrics
  #warnedAtMs = -Infinity
  /** Refusals since the last warning. */
  #held = 0

  constructor(gate: StoreGate, clock: Clock, log: Logger, metrics: Metrics) {
    this.#gate = gate
    this.#clock = clock
    this.#log = log
    this.#metrics = metrics
  }

  /** @returns why a message of so many bytes was refused */
  refused(bytes: number): string {
    this.#metrics.publishesNotStored++
    const { health } = this.#gate
    if (health.condition !== 'well') return describeHealth(health)
    const roomBytes = Math.floor(this.#gate.roomBytes)
    this.#warn(bytes, roomBytes)
    return `a message of ${bytes} bytes does not fit: the store has room for ${roomBytes} bytes`
  }

  #warn(bytes: number, roomBytes: number): void {
    const now = this.#clock.now()
    if (now - this.#warnedAtMs < WARNING_INTERVAL_MS) {
      this.#held++
      return
    }
    const more = this.#held === 0 ? '' : `; ${this.#held} more since the last warning`
    this.#warnedAtMs = now
    this.#held = 0
    const remedy = 'raise persistence.max-bytes, give the disk more room, or lower max-packet-size'
    this.#log.warn(
      { bytes, roomBytes },
      `a message of ${bytes} bytes was refused: the store has room for ${roomBytes} bytes; ${remedy}${more}`,
    )
  }
}
