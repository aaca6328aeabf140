/**
 * Deliveries for Shared Subscriptions that a Session's Client cannot get, because they are too large for it or may no
 * longer be received. They go to a member that has not had them.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'
import type { Delivery } from '../protocol/delivery.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import { AS_IT_IS, type EstateSource } from './estate.ts'
import { ReturnedOrigin } from './shared-group.ts'

export class HandedOn implements EstateSource {
  /** Why its Client cannot get it. */
  readonly cause: DropCause
  readonly #session: Session
  /** They are charged to the Session until they are taken. */
  readonly #waiting = new Ring<Delivery>()

  constructor(session: Session, cause: DropCause) {
    this.#session = session
    this.cause = cause
  }

  get isOver(): boolean {
    return this.#waiting.length === 0
  }

  /** Adds a delivery that the Session has given up. */
  add(delivery: Delivery): void {
    this.#waiting.push(delivery)
  }

  take(): Delivery | undefined {
    const delivery = this.#waiting.shift()
    if (delivery !== undefined) this.#session.memory.release(delivery.message, delivery.size)
    return delivery
  }

  originOf({ shared }: Delivery): ReturnedOrigin {
    const before = shared instanceof ReturnedOrigin ? shared.sessions : []
    return new ReturnedOrigin(shared!.topicFilter, [...before, this.#session])
  }

  causeOf(cause: DropCause): DropCause {
    return AS_IT_IS.has(cause) ? cause : this.cause
  }
}
