/**
 * The logger for all parts of a broker. It wraps the host program's logger: text is escaped and truncated before it is
 * passed on, and equal refusals of one address are summarised. A logger that fails loses its lines, and affects nothing
 * else.
 *
 *   refused a connection from 192.0.2.7: auth.file: wrong password
 *   41 more in the last 10 s: refused a connection from 192.0.2.7: auth.file: wrong password
 *
 * If messages of one kind differ, for instance by topic, the first one represents all of them: "41 more like this".
 *
 * @module
 */
import type { Clock } from './clock.ts'
import { silentLogger, type LogMethod, type Logger, type RepeatedLevel } from './log.ts'
import { printable, safeExcerpt } from './printable.ts'
import { messageOf, watchPromise } from './thrown.ts'

/** Characters of one field, or of a message. */
const MAX_TEXT_LENGTH = 2_000
/** The time over which equal refusals are summarised. */
const SUM_INTERVAL_MS = 10_000
/** Different refusals that are summarised at a time; for a new one, the oldest is written out. */
const MAX_SUMS = 1_000

/** @param program `silentLogger` is returned as it is, so that nothing is done for it */
export function safeLog(program: Logger, clock: Clock): Logger {
  if (program === silentLogger) return program
  const log = new GuardedLog(program)
  const sums = new RefusalSums(log, clock)
  return {
    debug: safeMethod(log, 'debug'),
    info: safeMethod(log, 'info'),
    warn: safeMethod(log, 'warn'),
    error: safeMethod(log, 'error'),
    isLevelEnabled: (level) => log.isLevelEnabled(level),
    refusal: (fields, message, kind, level = 'info') => {
      if (log.isLevelEnabled(level)) sums.refused(safeFields(fields), safeText(message), kind, level)
    },
    isSummedUp: (kind) => sums.isSummedUp(kind),
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error'

/** Plugins log through this as well, and may be plain JavaScript. */
function safeMethod(log: GuardedLog, level: Level): LogMethod {
  return (first: object | string, message?: string): void => {
    if (!log.isLevelEnabled(level)) return
    if (typeof first !== 'object' || first === null) log[level](safeText(String(first)))
    else if (first instanceof Error) log[level]({ err: first }, safeText(String(message ?? messageOf(first))))
    else log[level](safeFields(first), safeText(String(message ?? '')))
  }
}

/**
 * The program's logger. If it throws, or returns a promise that rejects, its lines are lost; once it works again, a
 * line reports how many.
 */
class GuardedLog implements Logger {
  readonly #log: Logger
  #failures = 0
  #lastFailure = ''

  constructor(log: Logger) {
    this.#log = log
  }

  isLevelEnabled(level: string): boolean {
    try {
      const isEnabled: unknown = this.#log.isLevelEnabled?.(level)
      if (typeof isEnabled === 'boolean') return isEnabled
      watchPromise(isEnabled, this.#failed)
      return true
    } catch {
      // One line too many is better than none.
      return true
    }
  }

  debug(...line: Line): void {
    this.#write('debug', line)
  }

  info(...line: Line): void {
    this.#write('info', line)
  }

  warn(...line: Line): void {
    this.#write('warn', line)
  }

  error(...line: Line): void {
    this.#write('error', line)
  }

  #write(level: Level, line: Line): void {
    const failures = this.#failures
    if (failures > 0) {
      this.#call('warn', [
        { failures },
        `the logger failed ${failures} times, the last time with: ${this.#lastFailure}`,
      ])
      // It still fails: this line is lost together with the present one.
      if (this.#failures > failures) return
      this.#failures -= failures
    }
    this.#call(level, line)
  }

  #call(level: Level, line: Line): void {
    try {
      watchPromise((this.#log[level] as (...line: Line) => unknown)(...line), this.#failed)
    } catch (error) {
      this.#failed(error)
    }
  }

  readonly #failed = (error: unknown): void => {
    this.#failures++
    this.#lastFailure = printable(messageOf(error))
  }
}

type Line = [fields: object | string, message?: string]

function safeText(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? safeExcerpt(text, MAX_TEXT_LENGTH) : printable(text)
}

/** Escapes text in fields, and in lists in them. Other values, such as errors, are left to the logger. */
function safeFields(fields: object): object {
  if (isSafe(fields)) return fields
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, safeValue(value)]))
}

/** Whether nothing in it has to be escaped, as in most lines: then it is its own copy. */
function isSafe(fields: object): boolean {
  if (Object.getPrototypeOf(fields) !== Object.prototype) return false
  for (const name of Object.keys(fields)) {
    const value = (fields as Record<string, unknown>)[name]
    if (typeof value === 'string' ? safeText(value) !== value : Array.isArray(value)) return false
  }
  return true
}

function safeValue(value: unknown): unknown {
  if (typeof value === 'string') return safeText(value)
  return Array.isArray(value) ? value.map(safeValue) : value
}

interface Sum {
  /** The first of its kind; `undefined` until it is logged. */
  line: { readonly fields: object; readonly message: string; readonly level: RepeatedLevel } | undefined
  /** The number held back since the last line. */
  held: number
}

class RefusalSums {
  readonly #log: GuardedLog
  readonly #clock: Clock
  /** By kind. */
  readonly #sums = new Map<string, Sum>()
  #isTimed = false

  constructor(log: GuardedLog, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  isSummedUp(kind: string): boolean {
    const sum = this.#sums.get(kind)
    if (sum === undefined) this.#begin(kind)
    else sum.held++
    return sum !== undefined
  }

  refused(fields: object, message: string, kind = message, level: RepeatedLevel = 'info'): void {
    const sum = this.#sums.get(kind) ?? this.#begin(kind)
    if (sum.line !== undefined) {
      sum.held++
      return
    }
    sum.line = { fields, message, level }
    this.#log[level](fields, message)
  }

  #begin(kind: string): Sum {
    const sum: Sum = { line: undefined, held: 0 }
    this.#sums.set(kind, sum)
    if (this.#sums.size > MAX_SUMS) this.#writeOut(this.#sums.keys().next().value!)
    this.#setTimer()
    return sum
  }

  #setTimer(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    this.#clock.setTimer(SUM_INTERVAL_MS, () => {
      this.#isTimed = false
      const isBusy = [...this.#sums.keys()].map((kind) => this.#writeOut(kind)).includes(true)
      if (isBusy) this.#setTimer()
    })
  }

  /**
   * Writes the number of refusals held back as one line. A kind that is still being refused stays in the table; a quiet
   * one is removed.
   */
  #writeOut(kind: string): boolean {
    const { line, held } = this.#sums.get(kind)!
    this.#sums.delete(kind)
    if (held === 0) return false
    const { fields, message, level } = line ?? { fields: {}, message: kind, level: 'info' }
    const like = message === kind ? '' : ' like this'
    this.#log[level](
      { ...fields, more: held },
      `${held} more${like} in the last ${SUM_INTERVAL_MS / 1000} s: ${message}`,
    )
    if (this.#sums.size < MAX_SUMS) this.#sums.set(kind, { line, held: 0 })
    return true
  }
}
