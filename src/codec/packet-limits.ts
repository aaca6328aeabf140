/** How much one packet may hold besides its bytes. @module */
import { LimitExceededError } from './protocol-error.ts'

/** Limits that are kept before anything is made of what they count. */
export interface PacketLimits {
  readonly maxUserProperties: number
  readonly maxFiltersPerPacket: number
}

/** For packets of a Server that we trust, and for tools. */
export const noPacketLimits: PacketLimits = { maxUserProperties: Infinity, maxFiltersPerPacket: Infinity }

/** The peer sent more of something in one packet than the option of that name allows. */
export function tooMany(what: string, holder: string, option: string, limit: number): LimitExceededError {
  return new LimitExceededError(`${holder} has more than ${limit} ${what} (${option})`)
}
