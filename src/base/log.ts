/**
 * What the broker writes its log lines to: anything with pino's methods. The library never chooses a destination; the
 * program hands in pino, a test hands in an array.
 *
 * @module
 */

/**
 * One level's method, as pino has it: fields first, then the sentence; or only the sentence. An error is the field `err`, which
 * is the one that pino and its like write out with message and stack; under any other name it would be `{}`.
 */
export interface LogMethod {
  (fields: object, message: string): void
  (message: string): void
}

/** A pino-like logger. A level that is switched off must cost next to nothing. */
export interface Logger {
  readonly debug: LogMethod
  readonly info: LogMethod
  readonly warn: LogMethod
  readonly error: LogMethod
  /** As pino has it. Absent: all levels count as enabled. */
  readonly isLevelEnabled?: (level: string) => boolean
  /** As `info`, for refusals that a client can repeat at will: those of one kind are summed up. Absent: `info` is used. */
  readonly refusal?: (fields: object, message: string, kind?: string) => void
  /** Counts a refusal of that kind if they are summed up now; if not, its sentence is to be given to `refusal`. */
  readonly isSummedUp?: (kind: string) => boolean
}

/** Whether lines of that level are written at all: what it takes to make one may then be left out. */
export function isEnabled(log: Logger, level: 'debug' | 'info' | 'warn' | 'error'): boolean {
  return log !== silentLogger && (log.isLevelEnabled?.(level) ?? true)
}

/**
 * Logs that a client was refused.
 *
 * @param kind what is summed up: it names the address, and nothing that the peer can vary at will. Default: the sentence
 */
export function logRefusal(log: Logger, fields: object, message: string, kind?: string): void {
  if (log.refusal === undefined) log.info(fields, message)
  else log.refusal(fields, message, kind)
}

function nothing(): void {}

/** Logs nothing: the default of an embedded broker. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
