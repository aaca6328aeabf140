/**
 * The logger that everything in a broker writes to, around the one that the host program gave: text is escaped and cut before it
 * is handed on, and equal refusals from one address are summed up.
 *
 *   refused a connection from 192.0.2.7: auth.file: wrong password
 *   41 more in the last 10 s: refused a connection from 192.0.2.7: auth.file: wrong password
 *
 * @module
 */
import type { Clock } from './clock.ts'
import { silentLogger, type LogMethod, type Logger } from './log.ts'
import { printable, saidByPeer } from './printable.ts'

/** Characters of one field, or of a line's sentence. */
const MAX_TEXT_LENGTH = 2_000
/** Time over which equal refusals are summed up. */
const SUM_INTERVAL_MS = 10_000
/** Different refusals that are summed up at one time; the one that came first is written out for a new one. */
const MAX_SUMS = 1_000

/** @param log `silentLogger` stays what it is: nothing is done for it */
export function safeLog(log: Logger, clock: Clock): Logger {
  if (log === silentLogger) return log
  const sums = new RefusalSums(log, clock)
  return {
    debug: safeMethod(log, 'debug'),
    info: safeMethod(log, 'info'),
    warn: safeMethod(log, 'warn'),
    error: safeMethod(log, 'error'),
    refusal: (fields, message) => sums.refused(safeFields(fields), safeText(message)),
  }
}

type Level = 'debug' | 'info' | 'warn' | 'error'

function safeMethod(log: Logger, level: Level): LogMethod {
  return (first: object | string, message?: string): void => {
    if (!isEnabled(log, level)) return
    if (typeof first === 'string') log[level](safeText(first))
    else log[level](safeFields(first), safeText(message ?? ''))
  }
}

/** As pino and its like say; a logger that says nothing of levels takes all. */
function isEnabled(log: Logger & { isLevelEnabled?(level: string): boolean }, level: Level): boolean {
  return log.isLevelEnabled?.(level) ?? true
}

function safeText(text: string): string {
  return text.length > MAX_TEXT_LENGTH ? saidByPeer(text, MAX_TEXT_LENGTH) : printable(text)
}

/** Text in fields, and in lists in them. What else there is, such as errors, is the logger's to write out. */
function safeFields(fields: object): object {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, safeValue(value)]))
}

function safeValue(value: unknown): unknown {
  if (typeof value === 'string') return safeText(value)
  return Array.isArray(value) ? value.map(safeValue) : value
}

interface Sum {
  readonly fields: object
  readonly message: string
  /** Held back since the last line. */
  held: number
}

class RefusalSums {
  readonly #log: Logger
  readonly #clock: Clock
  readonly #sums = new Map<string, Sum>()
  #isTimed = false

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  refused(fields: object, message: string): void {
    const sum = this.#sums.get(message)
    if (sum !== undefined) {
      sum.held++
      return
    }
    this.#log.info(fields, message)
    this.#sums.set(message, { fields, message, held: 0 })
    if (this.#sums.size > MAX_SUMS) this.#writeOut(this.#sums.keys().next().value!)
    this.#setTimer()
  }

  #setTimer(): void {
    if (this.#isTimed) return
    this.#isTimed = true
    this.#clock.setTimer(SUM_INTERVAL_MS, () => {
      this.#isTimed = false
      const isBusy = [...this.#sums.keys()].map((key) => this.#writeOut(key)).includes(true)
      if (isBusy) this.#setTimer()
    })
  }

  /** What was held back, as one line. What goes on stays; what was quiet is forgotten. */
  #writeOut(key: string): boolean {
    const { fields, message, held } = this.#sums.get(key)!
    this.#sums.delete(key)
    if (held === 0) return false
    this.#log.info({ ...fields, more: held }, `${held} more in the last ${SUM_INTERVAL_MS / 1000} s: ${message}`)
    if (this.#sums.size < MAX_SUMS) this.#sums.set(key, { fields, message, held: 0 })
    return true
  }
}
