/**
 * Where log lines go: standard output, or a file that can be opened again. Written at once (sync): that is cheaper than a
 * buffer on every sink measured, and the last line before an exit is not lost.
 *
 * A log must not stop the broker. A line that cannot be written, because the disk is full, the terminal has gone or the
 * reader of a pipe has stopped, waits in RAM until the next one, up to `MAX_WAITING_BYTES`; further lines are
 * lost, and their number is logged as soon as lines can be written again.
 *
 * @module
 */
import { destination } from 'pino'
import { ConfigError } from '../base/errors.ts'

const MAX_WAITING_BYTES = 1_048_576
/** Readable by its owner and group: it names clients and addresses. */
const FILE_MODE = 0o640

/** The journal's priorities (`sd-daemon(3)`), by pino's levels. */
const PRIORITIES: Readonly<Record<number, number>> = { 20: 7, 30: 6, 40: 4, 50: 3 }

type Destination = ReturnType<typeof destination>

export class LogSink {
  hasPriorities = false
  /** Turns a line of JSON, which ends in a line feed, into the line that is written. */
  format: (json: string) => string = (json) => json
  readonly #descriptor: number
  #file: string | undefined
  #destination: Destination | undefined
  /** Lines, since the last report. */
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
    const msg = `${this.#lost} lines of the log were lost, because they could not be written`
    this.#lost = 0
    this.write(`${JSON.stringify({ level: 40, time: new Date().toISOString(), msg })}\n`)
  }

  /**
   * From now on lines go there; nothing happens where they go there already.
   *
   * @throws {ConfigError} `ERR_LOG_FILE`; lines go where they went
   */
  open(file: string | undefined): void {
    if (this.#destination !== undefined && file === this.#file) return
    const before = this.#destination
    this.#destination = this.#openDestination(file)
    const hadFile = this.#file !== undefined
    this.#file = file
    if (before !== undefined) leave(before, hadFile)
  }

  /** @throws {ConfigError} `ERR_LOG_FILE`; lines go where they went */
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
      opened.on('error', () => {}) // an error without a listener is thrown, out of whichever line of the broker has just logged
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
      const wayOut = code === 'ENOENT' ? 'its folder does not exist' : 'check who may write there'
      throw new ConfigError('ERR_LOG_FILE', `the log file ${file} cannot be opened (${code}); ${wayOut}`, { cause })
    }
  }
}

/** As pino begins each line. */
function levelOf(json: string): number {
  return Number(/^\{"level":(\d+)/.exec(json)?.[1])
}

/** The journal makes an entry of each line. */
function withPriority(text: string, level: number): string {
  return text.replace(/^(?!$)/gm, `<${PRIORITIES[level] ?? 6}>`)
}

/** Tries once more to write what waits (`flushSync` would try for ever), and closes what was a file. */
function leave(before: Destination, isFile: boolean): void {
  before.write('')
  if (isFile) before.destroy()
}
