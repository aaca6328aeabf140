/**
 * Where log lines go: standard output, as JSON, or on a terminal as a person reads them. Written at once (sync): that is
 * cheaper than a buffer on every sink measured, and the last line before an exit is never lost.
 *
 * @module
 */
import { destination, pino } from 'pino'
import { PinoPretty } from 'pino-pretty'
import type { Logger } from '../base/log.ts'
import type { Terminal } from './terminal.ts'

/** Makes the program's logger. */
export function createLogger(level: string, { isInteractive, hasColours }: Terminal): Logger {
  const sink = isInteractive
    ? PinoPretty({
        sync: true,
        singleLine: true,
        colorize: hasColours,
        ignore: 'pid,hostname',
        translateTime: 'SYS:HH:MM:ss.l',
      })
    : destination({ fd: 1, sync: true })
  return pino({ level, base: null }, sink)
}
