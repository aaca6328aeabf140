/**
 * The logger that every part of a broker writes to. It wraps the host program's logger: text is escaped and shortened before it
 * is passed on, and equal refusals from one address are summed up.
 *
 *   refused a connection from 192.0.2.7: auth.file: wrong password
 *   41 more in the last 10 s: refused a connection from 192.0.2.7: auth.file: wrong password
 *
 * Where sentences of one kind differ, as by their topics, the first one stands for all of them: "41 more like this".
 *
 * @module
 */
import type { Clock } from './clock.ts'
import { isEnabled, silentLogger, type LogMethod, type Logger } from './log.ts'
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
    isLevelEnabled: (level) => log.isLevelEnabled?.(level) ?? true,
    refusal: (fields, message, kind) => {
      if (isEnabled(log, 'info')) sums.refused(safeFields(fields), safeText(message), kind)
    },
    isSummedUp: (kind) => sums.isSummedUp(kind),
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
  /** The first of its kind; `undefined` until it is logged. */
  line: { readonly fields: object; readonly message: string } | undefined
  /** Held back since the last line. */
  held: number
}

class RefusalSums {
  readonly #log: Logger
  readonly #clock: Clock
  /** By kind. */
  readonly #sums = new Map<string, Sum>()
  #isTimed = false

  constructor(log: Logger, clock: Clock) {
    this.#log = log
    this.#clock = clock
  }

  isSummedUp(kind: string): boolean {
    const sum = this.#sums.get(kind)
    if (sum === undefined) this.#begin(kind)
    else sum.held++
    return sum !== undefined
  }

  refused(fields: object, message: string, kind = message): void {
    const sum = this.#sums.get(kind) ?? this.#begin(kind)
    if (sum.line !== undefined) {
      sum.held++
      return
    }
    sum.line = { fields, message }
    this.#log.info(fields, message)
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

  /** Writes what was held back as one line. A kind that is still refused stays in the table; a quiet one is removed. */
  #writeOut(kind: string): boolean {
    const { line, held } = this.#sums.get(kind)!
    this.#sums.delete(kind)
    if (held === 0) return false
    const { fields, message } = line ?? { fields: {}, message: kind }
    const like = message === kind ? '' : ' like this'
    this.#log.info({ ...fields, more: held }, `${held} more${like} in the last ${SUM_INTERVAL_MS / 1000} s: ${message}`)
    if (this.#sums.size < MAX_SUMS) this.#sums.set(kind, { line, held: 0 })
    return true
  }
}
