/**
 * What plugins make of a message for one receiver (`transformDelivery`), when it is sent.
 *
 * A message waits as it was published, once for all its receivers. What is made for one receiver lives until it is
 * encoded, and is charged to the output of that Connection. Receivers for which nothing is changed share one frame.
 *
 * @module
 */
import { copied, Work, type WorkBudget } from '../base/work.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { ServedConnection } from '../protocol/served-connection.ts'
import type { DeliveryTransforms } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Metrics } from '../reporting/metrics.ts'

export class Transforming implements DeliveryTransforms {
  isAsked = false
  readonly #current: ActiveConfig
  readonly #metrics: Metrics
  readonly #work: WorkBudget

  constructor(current: ActiveConfig, metrics: Metrics, work: WorkBudget) {
    this.#current = current
    this.#metrics = metrics
    this.#work = work
    this.reconfigure()
  }

  /** Called after a reload, which may have changed the plugins. */
  reconfigure(): void {
    this.isAsked = this.#current.access.transforms
  }

  transform({ client }: ServedConnection, message: ApplicationMessage): ApplicationMessage | DropCause {
    const { interceptors } = this.#current.access
    message.own() // it may lie in a chunk, and plugins may keep it
    this.#work.spend(interceptors.transforming * Work.question + copied(message.size))
    const made = interceptors.transform(client, message)
    if (made !== message && made instanceof ApplicationMessage) this.#metrics.deliveriesReplaced++
    return made
  }
}
