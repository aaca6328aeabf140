/** What has become of the messages of a bridge in one direction. @module */
import type { BridgeTraffic } from '../broker/host/bridge-view.ts'
import type { Metrics } from '../reporting/metrics.ts'

/**
 * Why a bridge does not pass a message on. `no rule`: it waited for a rule that was removed since. `loop`: it has
 * crossed a bridge of this broker. `expired`: it has waited longer than `queue.expiry`. `too many hops`: `max-hops`.
 * `too large`: the Maximum Packet Size of the other side. `not encodable`.
 */
export type BridgeDropCause = 'no rule' | 'loop' | 'expired' | 'too many hops' | 'too large' | 'not encodable'

/** The figures of the broker to which all its bridges add. */
export type BridgeMetrics = Pick<
  Metrics,
  'bridgeMessagesOut' | 'bridgeMessagesIn' | 'bridgeMessagesRefused' | 'bridgeMessagesDropped'
>

export class Traffic {
  #messages = 0
  #bytes = 0
  #refused = 0
  readonly #dropped: Record<BridgeDropCause, number> = {
    'no rule': 0,
    loop: 0,
    expired: 0,
    'too many hops': 0,
    'too large': 0,
    'not encodable': 0,
  }
  readonly #metrics: BridgeMetrics
  readonly #metric: 'bridgeMessagesOut' | 'bridgeMessagesIn'

  constructor(metrics: BridgeMetrics, metric: 'bridgeMessagesOut' | 'bridgeMessagesIn') {
    this.#metrics = metrics
    this.#metric = metric
  }

  /** A message was passed to the other side. Hot: called for every one. */
  passed(bytes: number): void {
    this.#messages++
    this.#bytes += bytes
    this.#metrics[this.#metric]++
  }

  refused(): void {
    this.#refused++
    this.#metrics.bridgeMessagesRefused++
  }

  drop(cause: BridgeDropCause, count = 1): void {
    this.#dropped[cause] += count
    this.#metrics.bridgeMessagesDropped += count
  }

  view(): BridgeTraffic {
    const dropped = Object.fromEntries(Object.entries(this.#dropped).filter(([, count]) => count > 0))
    return { messages: this.#messages, bytes: this.#bytes, refused: this.#refused, dropped }
  }
}
