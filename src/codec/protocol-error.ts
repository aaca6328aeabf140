/** The peer's errors: they end one Network Connection and nothing else (§4.13). @module */
import { SluiceError } from '../base/errors.ts'
import type { ReasonCode } from './reason-code.ts'

/** The peer broke the protocol: ends its Network Connection and nothing else (§4.13). */
export class ProtocolError extends SluiceError {
  /** Sent in DISCONNECT or CONNACK; a 3.1.1 peer only sees the close. */
  readonly reasonCode: ReasonCode

  constructor(reasonCode: ReasonCode, message: string, options?: ErrorOptions) {
    super('ERR_PROTOCOL', message, options)
    this.reasonCode = reasonCode
  }
}
