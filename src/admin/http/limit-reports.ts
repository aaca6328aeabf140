/**
 * Reports limits of the HTTP API that are reached: each counts, and there is an event for it once a second, because a
 * caller that is refused may come again at once.
 *
 * @module
 */
import { serverOf, type Broker } from '../../broker/broker.ts'
import { RecentMap } from '../../base/recent-map.ts'

const PAUSE_MS = 1000
/** Limits that are remembered: there are fewer. */
const MAX_LIMITS = 100

export class LimitReports {
  readonly #broker: Broker
  /** When there was an event last, by option. */
  readonly #reportedAt = new RecentMap<number>(MAX_LIMITS)

  constructor(broker: Broker) {
    this.#broker = broker
  }

  /**
   * @param option the key of the limit
   * @param owner the address that has reached it; empty for the socket, and for a limit of all together
   */
  reached(option: string, owner: string): void {
    if (this.#broker.state !== 'started') return
    const { clock, metrics, packets } = serverOf(this.#broker)
    metrics.adminOverLimit++
    if (clock.now() < (this.#reportedAt.get(option) ?? -Infinity) + PAUSE_MS) return
    this.#reportedAt.set(option, clock.now())
    packets.events.emit('limitReached', { option, owner })
  }
}
