/**
 * Writes log lines to standard output, or to a file that can be reopened. Lines are written at once (sync): that was
 * cheaper than a buffer on every sink measured, and the last line before an exit is not lost.
 *
 * The log must not stop the broker. If a line cannot be written, because the disk is full, the terminal is gone or the
 * reader of a pipe has stopped, it is kept in memory until the next one, up to `MAX_WAITING_BYTES`; further lines are
 * lost, and their number is logged as soon as lines can be written again.
 *
 * @module
 */
import { destination } from 'pino'
import { ConfigError } from '../base/errors.ts'

const MAX_WAITING_BYTES = 1_048_576
/** Readable by its owner and group, because it names clients and addresses. */
const FILE_MODE = 0o640

/** The journal's priorities (`sd-daemon(3)`), by pino's levels. */
const PRIORITIES: Readonly<Record<number, number>> = { 20: 7, 30: 6, 40: 4, 50: 3 }

type Destination = ReturnType<typeof destination>

export class LogSink {
  hasPriorities = false
  /** Converts a line of JSON, including its line feed, to the line that is written. */
  format: (json: string) => string = (json) => json
  readonly #descriptor: number
  #file: string | undefined
  #destination: Destination | undefined
  /** Lines lost since the last report. */
  #lost = 0
  #isStuck = false

  /** @param descriptor where lines go while there is no file */
  constructor(descriptor: number) {
    this.#descriptor = descriptor
  }

  write(json: string): void {
    const line = this.format(json)
    this.#destination!.write(this.hasPriorities ? withPriority(line, levelOf(json)) : line)
    if (this.#lost > 0 && !this.#isStuck) this.#reportLost()
  }

  #reportLost(): void {
    const msg = `${this.#lost} log lines were lost because they could not be written`
    this.#lost = 0
    this.write(`${JSON.stringify({ level: 40, time: new Date().toISOString(), msg })}\n`)
  }

  /**
   * Sends lines to this file from now on; does nothing if they go there already.
   *
   * @throws {ConfigError} `ERR_LOG_FILE`; the destination stays the same
   */
  open(file: string | undefined): void {
    if (this.#destination !== undefined && file === this.#file) return
    const before = this.#destination
    this.#destination = this.#openDestination(file)
    const hadFile = this.#file !== undefined
    this.#file = file
    if (before !== undefined) leave(before, hadFile)
  }

  /** @throws {ConfigError} `ERR_LOG_FILE`; the destination stays the same */
  reopen(): void {
    if (this.#file === undefined) return
    const before = this.#destination!
    this.#destination = this.#openDestination(this.#file)
    leave(before, true)
  }

  #openDestination(file: string | undefined): Destination {
    // Retrying at once would block the broker for as long as a pipe is full.
    const common = { sync: true, maxLength: MAX_WAITING_BYTES, retryEAGAIN: () => false } as const
    try {
      const opened = destination(
        file === undefined ? { ...common, fd: this.#descriptor } : { ...common, dest: file, mode: FILE_MODE },
      )
      opened.on('error', () => {}) // without a listener, an error would be thrown from the code that has just logged
      opened.on('drop', () => {
        this.#lost++
        this.#isStuck = true
      })
      opened.on('write', () => {
        this.#isStuck = false
      })
      return opened
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      const wayOut = code === 'ENOENT' ? 'its folder does not exist' : 'check the permissions'
      throw new ConfigError('ERR_LOG_FILE', `the log file ${file} cannot be opened (${code}); ${wayOut}`, { cause })
    }
  }
}

/** Reads the level at the start of pino's line. */
function levelOf(json: string): number {
  return Number(/^\{"level":(\d+)/.exec(json)?.[1])
}

/** The journal creates an entry for each line. */
function withPriority(text: string, level: number): string {
  return text.replace(/^(?!$)/gm, `<${PRIORITIES[level] ?? 6}>`)
}

/**
 * Tries once more to write pending lines (`flushSync` would retry for ever), and closes the destination if it is a
 * file.
 */
function leave(before: Destination, isFile: boolean): void {
  before.write('')
  if (isFile) before.destroy()
}
