/** Runs long work of an operation in slices, a share of a turn each, so that clients are served meanwhile. @module */
import type { Sliced } from '../../base/slices.ts'
import { Work } from '../../base/work.ts'
import { serverOf, type Broker } from '../../broker/broker.ts'

export class Slices {
  readonly #broker: Broker

  constructor(broker: Broker) {
    this.#broker = broker
  }

  async run<Result>(work: Sliced<Result>): Promise<Result> {
    const { turn } = serverOf(this.#broker)
    for (;;) {
      const { done, value } = work.next()
      if (done === true) return value
      turn.work.spend(Work.question)
      if (turn.work.isSpent) await turn.share(this)
    }
  }
}
