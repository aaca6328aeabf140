/**
 * The logger interface of the broker: anything with pino's methods. The library never chooses a destination; the
 * program passes pino, a test passes an array.
 *
 * @module
 */

/**
 * The method of one level, as in pino: fields first, then the message; or only the message. An error is passed in the
 * field `err`, which pino and similar loggers write with message and stack; under any other name it would be written as
 * `{}`.
 */
export interface LogMethod {
  (fields: object, message: string): void
  (message: string): void
}

/** A pino-like logger. A disabled level must cost next to nothing. */
export interface Logger {
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  /** As in pino. Absent: all levels count as enabled. */
  readonly isLevelEnabled?: (level: string) => boolean
  /**
   * Like `info`, for refusals that a client can repeat at will: those of one kind are summarised. Absent: `info` is
   * used.
   */
  readonly refusal?: (fields: object, message: string, kind?: string) => void
  /**
   * Counts a refusal of this kind if such refusals are being summarised; if not, the caller has to pass its message to
   * `refusal`.
   */
  readonly isSummedUp?: (kind: string) => boolean
}

/** Whether lines of that level are written, so that the work for a line can be skipped. */
export function isEnabled(log: Logger, level: 'debug' | 'info' | 'warn' | 'error'): boolean {
  return log !== silentLogger && (log.isLevelEnabled?.(level) ?? true)
}

/**
 * Logs that a client was refused.
 *
 * @param kind refusals of equal kind are summarised: it names the address, and nothing that the peer can change at
 * will. Default: the message
 */
export function logRefusal(log: Logger, fields: object, message: string, kind?: string): void {
  if (log.refusal === undefined) log.info(fields, message)
  else log.refusal(fields, message, kind)
}

function nothing(): void {}

/** Logs nothing: the default of an embedded broker. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
