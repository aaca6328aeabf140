/**
 * How many requests an address may make: so many a second, of which a second's worth may come at once. For each
 * address, one number is kept: the time at which all its requests so far are paid for.
 *
 * @module
 */
import { RecentMap } from '../../base/recent-map.ts'

/** Addresses that are remembered; one that is forgotten begins anew. */
const MAX_ADDRESSES = 10_000

export class RequestRate {
  /** Requests in a second; 0: no limit. */
  perSecond: number
  readonly #paidAtMs = new RecentMap<number>(MAX_ADDRESSES)

  constructor(perSecond: number) {
    this.perSecond = perSecond
  }

  /**
   * Counts a request.
   *
   * @param network of the address, as returned by `networkOf`
   * @returns milliseconds after which it may be tried again; 0 if it may be served now
   */
  waitMs(network: string, nowMs: number): number {
    if (this.perSecond === 0) return 0
    const costMs = 1000 / this.perSecond
    const paidAtMs = Math.max(this.#paidAtMs.get(network) ?? 0, nowMs) + costMs
    const tooEarlyMs = paidAtMs - nowMs - Math.max(1000, costMs)
    if (tooEarlyMs > 1e-6) return tooEarlyMs
    this.#paidAtMs.set(network, paidAtMs)
    return 0
  }
}
