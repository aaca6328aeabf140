/**
 * A bucket of tokens: so many a second, with one second's worth in stock. Whoever overdraws it waits until it is level
 * again, so that one large packet passes and is paid for afterwards.
 *
 * @module
 */
export class RateLimit {
  readonly #perSecond: number
  #tokens: number
  #filledAtMs: number

  constructor(perSecond: number, nowMs: number) {
    this.#perSecond = perSecond
    this.#tokens = perSecond
    this.#filledAtMs = nowMs
  }

  /** Takes `count` tokens. @returns milliseconds to wait before the next taking; 0 for none */
  take(count: number, nowMs: number): number {
    const filled = this.#tokens + ((nowMs - this.#filledAtMs) / 1000) * this.#perSecond
    this.#filledAtMs = nowMs
    this.#tokens = Math.min(this.#perSecond, filled) - count
    return this.#tokens >= 0 ? 0 : Math.ceil((-this.#tokens / this.#perSecond) * 1000)
  }
}
