/**
 * The program's output. Colours are used only on a terminal, unless `NO_COLOR` is set.
 *
 * @module
 */
import { constants } from 'node:os'
import { styleText } from 'node:util'
import { printableLines } from '../base/printable.ts'

export interface Terminal {
  /** Writes results. */
  readonly out: (text: string) => void
  /** Writes errors. */
  readonly err: (text: string) => void
  /** Writes bytes to standard output as they are. */
  readonly raw: (bytes: Uint8Array) => void
  readonly bold: (text: string) => string
  /** Characters of a line. */
  readonly columns: () => number
  /** Whether a person reads the log lines. */
  readonly isInteractive: boolean
  readonly hasColours: boolean
}

/** The terminal of this process. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process
  stdout.on('error', endWithReader)
  const hasColours = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    out: (text) => stdout.write(`${shown(text)}\n`),
    err: (text) => stderr.write(`${shown(text)}\n`),
    raw: (bytes) => stdout.write(bytes),
    bold: (text) => (hasColours ? styleText('bold', text) : text),
    columns: () => (stdout.isTTY ? stdout.columns : Infinity),
    isInteractive: stdout.isTTY,
    hasColours,
  }
}

/** The reader of a pipe may close it early (`sluice store dump | head`): the rest is not needed then. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(128 + constants.signals.SIGPIPE)
}

/**
 * Output may quote files, topics and clients: all control characters except line feeds, tabs and our own bold are
 * escaped.
 */
function shown(text: string): string {
  return printableLines(text).replaceAll(/\\u001b(?=\[(?:1|22)m)/g, '\u001b')
}
