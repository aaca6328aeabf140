/**
 * A logger with a second reader, which comes and goes while the first stays: the export of log lines.
 *
 *   broker ──> safeLog: escaped, summarised ──> LogTap ──┬──> logger of the program, at its own level
 *                                                        └──> reader, at its level
 *
 * @module
 */
import { silentLogger, type LogMethod, type Logger } from './log.ts'

export type LogLevel = 'debug' | 'info' | 'warn' | 'error'

/** The levels, the least first. */
export const logLevels: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** One who reads lines as well; it must not throw. */
export interface LogReader {
  readonly level: LogLevel
  read(level: LogLevel, fields: object | undefined, message: string): void
}

export class LogTap implements Logger {
  readonly debug: LogMethod = this.#method('debug')
  readonly info: LogMethod = this.#method('info')
  readonly warn: LogMethod = this.#method('warn')
  readonly error: LogMethod = this.#method('error')
  /** `undefined`: the program alone. */
  reader: LogReader | undefined = undefined
  readonly #program: Logger

  constructor(program: Logger) {
    this.#program = program
  }

  isLevelEnabled(level: string): boolean {
    return this.#isRead(level) || this.#isWritten(level)
  }

  #isRead(level: string): boolean {
    const { reader } = this
    return reader !== undefined && logLevels.indexOf(level as LogLevel) >= logLevels.indexOf(reader.level)
  }

  #isWritten(level: string): boolean {
    return this.#program !== silentLogger && (this.#program.isLevelEnabled?.(level) ?? true)
  }

  #method(level: LogLevel): LogMethod {
    return (...line: [object, string] | [string]): unknown => {
      const isRead = this.#isRead(level)
      if (isRead) {
        const [first, message] = line
        if (typeof first === 'string') this.reader!.read(level, undefined, first)
        else this.reader!.read(level, first, message!)
      }
      // Without a reader, the level has been checked.
      if (isRead && !this.#isWritten(level)) return undefined
      return (this.#program[level] as (...line: unknown[]) => unknown)(...line)
    }
  }
}
