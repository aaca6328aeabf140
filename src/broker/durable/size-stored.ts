/** What a message takes in the Store. @module */
import type { ApplicationMessage } from '../../protocol/application-message.ts'

/** What a message and what refers to it take in the Store, besides its texts and its payload; an estimate. */
const STORED_BYTES = 64

/** What a message counts for in the share of the Store of the user for whom it is kept. */
export function sizeStored(message: ApplicationMessage): number {
  return STORED_BYTES + message.namesSize + message.payloadLength
}
