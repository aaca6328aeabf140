/**
 * Where log lines go: standard output, as JSON, or on a terminal as a person reads them. Written at once (sync): that is
 * cheaper than a buffer on every sink measured, and the last line before an exit is not lost.
 *
 * A log must not stop what it tells about. Where a line cannot be written, because the disk is full, the terminal has gone
 * or whoever reads a pipe has stopped, it waits in RAM for the next one, `MAX_WAITING_BYTES` at most; what comes on top of
 * them is lost.
 *
 * @module
 */
import { Writable } from 'node:stream'
import { destination, pino, stdSerializers, type LoggerOptions } from 'pino'
import { PinoPretty } from 'pino-pretty'
import { InvariantError, SluiceError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import { printableLines } from '../base/printable.ts'
import type { Terminal } from './terminal.ts'

const MAX_WAITING_BYTES = 1_048_576

/** What a log has to know of a terminal. */
type LogTerminal = Pick<Terminal, 'isInteractive' | 'hasColours'>

/** Makes the program's logger. */
export function createLogger(level: string, { isInteractive, hasColours }: LogTerminal, descriptor = 1): Logger {
  // A try that is repeated at once holds up the broker for as long as a pipe is full.
  const sink = destination({ fd: descriptor, sync: true, maxLength: MAX_WAITING_BYTES, retryEAGAIN: () => false })
  sink.on('error', () => {}) // an error that nobody hears is thrown, out of whichever line of the broker has just logged
  const options: LoggerOptions = {
    level,
    base: null,
    serializers: { err: describeError },
    // Sentences of the program itself, which may quote a configuration; the broker escapes its own before.
    hooks: {
      logMethod(args, method) {
        const shown = args.map((each: unknown) => (typeof each === 'string' ? printableLines(each) : each))
        method.apply(this, shown as typeof args)
      },
    },
  }
  if (!isInteractive) return pino(options, sink)
  const pretty = PinoPretty({
    // Not the sink itself: a pipe that leads to one which has failed once carries nothing any more.
    destination: new Writable({
      decodeStrings: false,
      write: (line: string, _encoding, done) => {
        sink.write(String(line))
        done()
      },
    }),
    singleLine: true,
    colorize: hasColours,
    ignore: 'pid,hostname',
    translateTime: 'SYS:HH:MM:ss.l',
  })
  return pino(options, pretty)
}

/** What the world or the operator did needs a sentence; only what we did, or a host program, needs a stack. */
function describeError(error: unknown): unknown {
  if (!(error instanceof InvariantError) && error instanceof SluiceError) {
    return { code: error.code, message: printableLines(error.message) }
  }
  const written = stdSerializers.err(error as Error) as unknown as Record<string, unknown>
  const { message, stack } = written
  const text = (value: unknown): unknown => (typeof value === 'string' ? printableLines(value) : value)
  return { ...written, message: text(message), stack: text(stack) }
}
