/**
 * The program's log: filters, formats and writes lines as the section `log` of the configuration sets. A reload applies
 * another section without affecting the code that logs.
 *
 * Lines are written by pino as JSON, or as text. A disabled level costs only a comparison.
 *
 * @module
 */
import { pino, stdSerializers, type LoggerOptions } from 'pino'
import { InvariantError, SluiceError } from '../base/errors.ts'
import type { LogMethod, Logger } from '../base/log.ts'
import { printableLines } from '../base/printable.ts'
import type { LogOptions } from '../config/options.ts'
import { leadsToJournal } from './journal.ts'
import { LogSink } from './log-sink.ts'
import { textFormatter } from './log-text.ts'
import type { Terminal } from './terminal.ts'

/** The properties of a terminal that a log uses. */
type LogTerminal = Pick<Terminal, 'isInteractive' | 'hasColours'>

export type LogSettings = Pick<LogOptions, 'level' | 'format' | 'time' | 'priorities' | 'file'>

/** Standard output, or its substitute in a test. */
export interface LogOutput {
  readonly descriptor: number
  /** `JOURNAL_STREAM` of the environment. */
  readonly journalStream: string | undefined
}

const STANDARD_OUTPUT: LogOutput = { descriptor: 1, journalStream: process.env['JOURNAL_STREAM'] }

type Level = 'debug' | 'info' | 'warn' | 'error'

export class ProgramLog implements Logger {
  readonly debug: LogMethod = this.#method('debug')
  readonly info: LogMethod = this.#method('info')
  readonly warn: LogMethod = this.#method('warn')
  readonly error: LogMethod = this.#method('error')
  readonly #sink: LogSink
  readonly #terminal: LogTerminal
  readonly #isJournal: boolean
  #pino: pino.Logger

  /** @throws {ConfigError} `ERR_LOG_FILE` if `file` cannot be opened */
  constructor(settings: LogSettings, terminal: LogTerminal, output: LogOutput = STANDARD_OUTPUT) {
    this.#terminal = terminal
    this.#isJournal = leadsToJournal(output.descriptor, output.journalStream)
    this.#sink = new LogSink(output.descriptor)
    this.#sink.open(settings.file)
    this.#pino = this.#make(settings)
  }

  isLevelEnabled(level: string): boolean {
    return this.#pino.isLevelEnabled(level)
  }

  /** Applies other settings. If a file cannot be opened, an error is logged and the destination stays the same. */
  configure(settings: LogSettings): void {
    this.#pino = this.#make(settings)
    try {
      this.#sink.open(settings.file)
    } catch (error) {
      this.error(`the log destination is unchanged: ${(error as Error).message}`)
    }
  }

  /** Reopens the file, which may have been renamed. */
  reopen(): void {
    try {
      this.#sink.reopen()
    } catch (error) {
      this.error(`the log continues in the file that was open: ${(error as Error).message}`)
    }
  }

  #method(level: Level): LogMethod {
    return (...args: [object, string] | [string]): void => {
      const [first, sentence] = args
      // Messages of the program itself may quote a configuration; the broker escapes its own.
      if (typeof first === 'string') this.#pino[level](printableLines(first))
      else this.#pino[level](first, printableLines(sentence!))
    }
  }

  #make(settings: LogSettings): pino.Logger {
    const isTerminal = this.#terminal.isInteractive && settings.file === undefined
    const isJournal = this.#isJournal && settings.file === undefined
    const { format = isTerminal || isJournal ? 'text' : 'json', priorities = isJournal } = settings
    const time = settings.time ?? (format === 'text' && isTerminal ? 'of day' : isJournal ? 'none' : 'iso')
    const options: LoggerOptions = {
      level: settings.level,
      base: null,
      serializers: { err: describeError },
      timestamp: time === 'none' ? false : time === 'iso' ? isoTime() : true,
    }
    this.#sink.hasPriorities = priorities
    this.#sink.format =
      format === 'json'
        ? (line) => line
        : textFormatter({ hasColours: isTerminal && this.#terminal.hasColours, hasTimeOfDay: time === 'of day' })
    return pino(options, this.#sink)
  }
}

/**
 * The time of a line, as JSON; the text is made once a millisecond, in which a storm of connections logs several lines.
 */
function isoTime(): () => string {
  let atMs = -1
  let text = ''
  return () => {
    const now = Date.now()
    if (now !== atMs) text = `,"time":"${new Date(now).toISOString()}"`
    atMs = now
    return text
  }
}

/**
 * An error caused by the environment or the operator needs only a message; an error in our code, or in a host program,
 * needs a stack.
 */
function describeError(error: unknown): unknown {
  if (!(error instanceof InvariantError) && error instanceof SluiceError) {
    return { code: error.code, message: printableLines(error.message) }
  }
  const written = stdSerializers.err(error as Error) as unknown as Record<string, unknown>
  const { message, stack } = written
  const text = (value: unknown): unknown => (typeof value === 'string' ? printableLines(value) : value)
  return { ...written, message: text(message), stack: text(stack) }
}
