/** Limits on the contents of one packet. @module */
import { LimitExceededError } from './protocol-error.ts'

/** Limits that are checked before the counted items are decoded. */
export interface PacketLimits {
  readonly maxUserProperties: number
  readonly maxFiltersPerPacket: number
}

/** For packets of a server that we trust, and for tools. */
export const noPacketLimits: PacketLimits = { maxUserProperties: Infinity, maxFiltersPerPacket: Infinity }

/** The error for a packet that contains more items than the option of that name allows. */
export function tooMany(what: string, holder: string, option: string, limit: number): LimitExceededError {
  return new LimitExceededError(`${holder} has more than ${limit} ${what} (${option})`)
}
