/** The error for a parameter, apart from the table of operations: few who report it need that. @module */
import { UsageError } from '../base/errors.ts'

/** A parameter is unknown, missing or not valid. */
export class ParameterError extends UsageError {
  /** Its name. */
  readonly parameter: string
  /** What it must be; `undefined` for one that is unknown. */
  readonly expected: string | undefined

  constructor(message: string, parameter: string, expected?: string) {
    super(message)
    this.parameter = parameter
    this.expected = expected
  }
}
