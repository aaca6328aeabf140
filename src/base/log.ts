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
   * Like `info`, for lines that somebody can cause again and again: those of one kind are summarised. Absent: `info` is
   * used.
   *
   * @param level another level, at which the summary is written too
   */
  readonly refusal?: (fields: object, message: string, kind?: string, level?: RepeatedLevel) => void
  /**
   * Counts a refusal of this kind if such refusals are being summarised; if not, the caller has to pass its message to
   * `refusal`.
   */
  readonly isSummedUp?: (kind: string) => boolean
}

/** The levels of lines that are summarised. */
export type RepeatedLevel = 'info' | 'warn' | 'error'

/** Whether lines of that level are written, so that the work for a line can be skipped. */
export function isEnabled(log: Logger, level: 'debug' | 'info' | 'warn' | 'error'): boolean {
  return log !== silentLogger && (log.isLevelEnabled?.(level) ?? true)
}

/**
 * Logs that a client was refused, or something else that somebody can cause again and again.
 *
 * @param kind lines of equal kind are summarised: it names the address, and nothing that the peer can change at
 * will. Default: the message
 */
export function logRefusal(
  log: Logger,
  fields: object,
  message: string,
  kind?: string,
  level: RepeatedLevel = 'info',
): void {
  if (log.refusal === undefined) log[level](fields, message)
  else log.refusal(fields, message, kind, level)
}

/** Logs an error that can come with every message or event: equal ones are summarised. @param kind of the errors */
export function logRepeatedError(log: Logger, fields: object, message: string, kind = message): void {
  if (log.isSummedUp?.(kind) !== true) logRefusal(log, fields, message, kind, 'error')
}

function nothing(): void {}

/** Logs nothing: the default of an embedded broker. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
