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
  /** As `info`, for refusals that whoever is refused can repeat: equal ones are summed up. Absent: `info` is used. */
  readonly refusal?: (fields: object, message: string) => void
}

/** Logs that somebody was turned away. The sentence must name the address, and nothing that the peer can vary at will. */
export function logRefusal(log: Logger, fields: object, message: string): void {
  if (log.refusal === undefined) log.info(fields, message)
  else log.refusal(fields, message)
}

function nothing(): void {}

/** Says nothing: the default of an embedded broker. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
