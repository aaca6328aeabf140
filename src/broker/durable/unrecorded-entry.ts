/** An entry whose Change is made at the end of its turn. @module */
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Delivery } from '../../protocol/delivery.ts'
import type { Change } from '../../stores/store.ts'
import type { Deferred } from '../../turn/turn.ts'

/** Records messages. */
interface Recorder {
  appendMessage(message: ApplicationMessage, changes: Change[]): void
}

/** An entry that the Store will be told of; if it is over by then, nothing. */
export class UnrecordedEntry implements Deferred {
  readonly #ledger: Recorder
  readonly #sessionNumber: number
  readonly delivery: Delivery
  /** It was sent before anything else happened: told together. */
  isSent = false

  constructor(ledger: Recorder, sessionNumber: number, delivery: Delivery) {
    this.#ledger = ledger
    this.#sessionNumber = sessionNumber
    this.delivery = delivery
  }

  appendTo(changes: Change[]): void {
    const { delivery } = this
    if (!delivery.isUnrecorded) return
    delivery.isUnrecorded = false
    const { message, qos, retain, subscriptionIdentifiers, shared, entryNumber, packetIdentifier } = delivery
    const sessionNumber = this.#sessionNumber
    this.#ledger.appendMessage(message, changes)
    const { messageNumber } = message
    const sharedFilter = shared?.topicFilter
    const entry = { sessionNumber, entryNumber, messageNumber, qos, retain, subscriptionIdentifiers, sharedFilter }
    changes.push({ kind: 'queued', entry })
    if (this.isSent) changes.push({ kind: 'sent', sessionNumber, entryNumber, packetIdentifier })
  }
}
