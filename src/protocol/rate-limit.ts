/**
 * A bucket of tokens: so many a second, with at most one second's worth, and at least one, in stock. A caller that
 * overdraws it waits until it is level again, so a large packet passes at once and is paid for afterwards.
 *
 * @module
 */
export class RateLimit {
  readonly #perSecond: number
  readonly #stock: number
  #tokens: number
  #filledAtMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#stock = Math.max(1, perSecond)
    this.#tokens = this.#stock
    this.#filledAtMs = nowMs
  }

  /**
   * Takes one token if there is one; for input that is refused, not delayed, beyond the rate. @returns whether there
   * was one
   */
  tryTake(nowMs: number): boolean {
    this.#fill(nowMs)
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }

  /** Takes `count` tokens. @returns milliseconds to wait before the next taking; 0 for none */
  take(count: number, nowMs: number): number {
    this.#fill(nowMs)
    this.#tokens -= count
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000)
  }

  #fill(nowMs: number): void {
    const filled = this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond
    this.#filledAtMs = nowMs
    this.#tokens = Math.min(this.#stock, filled)
  }
}
