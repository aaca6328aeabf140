/**
 * Messages that the host program publishes. No permission is checked, and an error reports that the Store is full.
 *
 * @module
 */
import { isControlTopic } from '../access/control-topics.ts'
import { StoreError, UsageError } from '../base/errors.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { StoreGate } from '../turn/store-gate.ts'
import type { Ledger } from './durable/ledger.ts'
import type { StoreRefusals } from './durable/store-refusals.ts'
import type { Publishing } from './publishing.ts'

/** What a HostPublishing works with. */
export interface HostPublishingParts {
  readonly publishing: Publishing
  readonly gate: StoreGate
  readonly storeRefusals: StoreRefusals
  /** Present if something is stored. */
  readonly ledger: Ledger | undefined
}

export class HostPublishing {
  readonly #parts: HostPublishingParts

  constructor(parts: HostPublishingParts) {
    this.#parts = parts
  }

  /**
   * @throws {UsageError} for a topic below `$CONTROL/`: a command is sent by a client, and only the broker answers it
   * @throws {StoreError} `ERR_STORE_FULL` if the message would have to be stored and the Store is full
   */
  publish(message: ApplicationMessage): void {
    const { publishing, gate, storeRefusals, ledger } = this.#parts
    const { qos, retain, size, topicName } = message
    if (isControlTopic(topicName)) {
      throw new UsageError(`cannot publish to ${topicName}: below $CONTROL/ only administrators may, as clients`)
    }
    const adds = (qos > 0 || retain) && ledger?.isStored(message) === true
    if (adds && !gate.canAdd(size) && gate.health.condition !== 'failing') {
      throw new StoreError(
        'ERR_STORE_FULL',
        `cannot store a message for ${message.topicName}: ${storeRefusals.refused(size)}; publish it again once there is room`,
      )
    }
    publishing.publishFromHost(message)
  }
}
