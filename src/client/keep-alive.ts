/**
 * The deadlines of a client's connection: the login, the next PINGREQ, and the PINGRESP that must follow it.
 *
 * PINGREQ is due when either direction has been silent for a Keep Alive: the server closes if it receives nothing for
 * one and a half [5.0 MQTT-3.1.2-22], and a client that only publishes at QoS 0 would otherwise never notice that its
 * server is gone. Traffic only moves deadlines on, so a timer that fires early is armed again and costs nothing else.
 *
 * @module
 */

/** What is due. */
export type Due = 'login' | 'ping' | 'dead' | undefined

export class KeepAlive {
  readonly #pingTimeoutMs: number
  /** Until the login: when it is late. */
  #loginDeadlineMs: number
  #intervalMs = Infinity
  #receivedMs = 0
  #sentMs = 0
  /** When the PINGRESP is late; Infinity if none is expected. */
  #answerDeadlineMs = Infinity

  constructor(loginDeadlineMs: number, pingTimeoutMs: number) {
    this.#loginDeadlineMs = loginDeadlineMs
    this.#pingTimeoutMs = pingTimeoutMs
  }

  /** The login succeeded. @param seconds the Keep Alive that applies; 0 for none */
  begin(seconds: number, nowMs: number): void {
    this.#loginDeadlineMs = Infinity
    this.#intervalMs = seconds === 0 ? Infinity : seconds * 1000
    this.#receivedMs = this.#sentMs = nowMs
  }

  received(nowMs: number): void {
    this.#receivedMs = nowMs
  }

  sent(nowMs: number): void {
    this.#sentMs = nowMs
  }

  pinged(nowMs: number): void {
    this.#sentMs = nowMs
    if (this.#answerDeadlineMs === Infinity) this.#answerDeadlineMs = nowMs + this.#pingTimeoutMs
  }

  answered(): void {
    this.#answerDeadlineMs = Infinity
  }

  get deadlineMs(): number {
    return Math.min(this.#loginDeadlineMs, this.#answerDeadlineMs, this.#pingAtMs)
  }

  get #pingAtMs(): number {
    if (this.#answerDeadlineMs !== Infinity) return this.#sentMs + this.#intervalMs
    return Math.min(this.#receivedMs, this.#sentMs) + this.#intervalMs
  }

  due(nowMs: number): Due {
    if (nowMs >= this.#loginDeadlineMs) return 'login'
    if (nowMs >= this.#answerDeadlineMs) return 'dead'
    return nowMs >= this.#pingAtMs ? 'ping' : undefined
  }
}
