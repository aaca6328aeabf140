/**
 * Two checks for balancers and supervisors, open to everybody and without details: *live* is a broker that gets to the
 * end of a turn, *ready* is one that also accepts what clients send.
 *
 * @module
 */
import { within } from '../../base/within.ts'
import type { Clock } from '../../base/clock.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'
import { valueAnswer, type Answer } from './request.ts'

/** Time for a turn to end. */
const LIVE_WITHIN_MS = 5000

export class Health {
  readonly #broker: Broker
  readonly #clock: Clock
  /** One for all requests that wait at the same time. */
  #pulse: Promise<boolean> | undefined

  constructor(broker: Broker, clock: Clock) {
    this.#broker = broker
    this.#clock = clock
  }

  async live(): Promise<Answer> {
    return healthAnswer(await this.#isLive())
  }

  async ready(): Promise<Answer> {
    return healthAnswer((await this.#isLive()) && this.#isReady())
  }

  async #isLive(): Promise<boolean> {
    this.#pulse ??= within(this.#broker.pulse(), LIVE_WITHIN_MS, this.#clock)
      .catch(() => false)
      .finally(() => (this.#pulse = undefined))
    return this.#pulse
  }

  #isReady(): boolean {
    if (this.#broker.state !== 'started') return false
    const condition = serverOf(this.#broker).storeHealth?.condition ?? 'well'
    return condition === 'well'
  }
}

function healthAnswer(isWell: boolean): Answer {
  return valueAnswer(isWell ? 200 : 503, { status: isWell ? 'ok' : 'unavailable' })
}
