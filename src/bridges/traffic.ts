/** What has become of the messages of a bridge in one direction. @module */
import type { BridgeTraffic } from '../broker/host/bridge-view.ts'

/**
 * Why a bridge does not pass a message on. `no rule`: it waited for a rule that was removed since. `loop`: it has crossed a
 * bridge of this broker. `too many hops`: `max-hops`. `too large`: the Maximum Packet Size of the other side. `not encodable`.
 */
export type BridgeDropCause = 'no rule' | 'loop' | 'too many hops' | 'too large' | 'not encodable'

export class Traffic {
  messages = 0
  bytes = 0
  refused = 0
  readonly #dropped: Record<BridgeDropCause, number> = {
    'no rule': 0,
    loop: 0,
    'too many hops': 0,
    'too large': 0,
    'not encodable': 0,
  }

  /** How many were not passed on. */
  get dropped(): number {
    return Object.values(this.#dropped).reduce((sum, count) => sum + count, 0)
  }

  drop(cause: BridgeDropCause): void {
    this.#dropped[cause]++
  }

  view(): BridgeTraffic {
    const { messages, bytes, refused } = this
    const dropped = Object.fromEntries(Object.entries(this.#dropped).filter(([, count]) => count > 0))
    return { messages, bytes, refused, dropped }
  }
}
