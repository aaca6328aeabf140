/**
 * Why a CONNECT is refused.
 *
 * @module
 */
import { ReasonCode } from '../../codec/reason-code.ts'

/** The Reason Code of the answer, and a sentence for the log. */
export class Refusal {
  readonly reasonCode: ReasonCode
  readonly detail: string

  constructor(reasonCode: ReasonCode, detail: string) {
    this.reasonCode = reasonCode
    this.detail = detail
  }
}
