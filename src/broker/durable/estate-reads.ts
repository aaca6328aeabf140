/**
 * Payloads of messages that ended Sessions leave behind: one estate reads at a time, however many Sessions end at once.
 *
 * @module
 */
import { Ring } from '../../base/ring.ts'
import type { Expiring } from '../../base/timer-wheel.ts'
import type { Logger } from '../../base/log.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { EstatePayloads } from '../../routing/estate.ts'
import type { Turn } from '../../turn/turn.ts'
import type { Payloads } from './payloads.ts'

/** The time after which a failed read is tried again. Nothing is lost, because the ended Session stays in the Store. */
const RETRY_MS = 5000

export class EstateReads implements EstatePayloads {
  readonly #payloads: Payloads
  readonly #turn: Turn
  readonly #metrics: Metrics
  readonly #log: Logger
  readonly #waiting = new Ring<() => void>()
  #isTaken = false

  constructor(payloads: Payloads, turn: Turn, metrics: Metrics, log: Logger) {
    this.#payloads = payloads
    this.#turn = turn
    this.#metrics = metrics
    this.#log = log
  }

  enter(begin: () => void): void {
    if (this.#isTaken) {
      this.#waiting.push(begin)
      return
    }
    this.#isTaken = true
    begin()
  }

  leave(): void {
    const next = this.#waiting.shift()
    if (next === undefined) this.#isTaken = false
    else next()
  }

  read(messages: readonly ApplicationMessage[], done: () => void): void {
    this.#turn.afterFlush(() => void this.#read(messages, done))
  }

  async #read(messages: readonly ApplicationMessage[], done: () => void): Promise<void> {
    try {
      await this.#payloads.load(messages, () => {})
    } catch (error) {
      this.#failed(error, () => void this.#read(messages, done))
      return
    }
    done()
  }

  #failed(error: unknown, again: () => void): void {
    this.#metrics.payloadReadsFailed++
    const when = `tried again in ${RETRY_MS} ms`
    this.#log.error({ err: error }, `payloads that an ended session leaves cannot be read from the store; ${when}`)
    const retry: Expiring = { deadlineMs: Infinity, wheelIndex: -1, expire: again }
    this.#turn.arm(retry, this.#turn.now() + RETRY_MS)
  }
}
