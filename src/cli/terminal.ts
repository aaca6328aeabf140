/**
 * Where the program's words go. Colours only for a person who has not asked for none (`NO_COLOR`).
 *
 * @module
 */
import { constants } from 'node:os'
import { styleText } from 'node:util'
import { printableLines } from '../base/printable.ts'

export interface Terminal {
  /** Results: what was asked for. */
  readonly out: (text: string) => void
  /** What went wrong. */
  readonly err: (text: string) => void
  readonly bold: (text: string) => string
  /** Whether log lines are read by a person. */
  readonly isInteractive: boolean
  readonly hasColours: boolean
}

/** This process's own terminal. */
export function processTerminal(): Terminal {
  const { stdout, stderr, env } = process
  stdout.on('error', endWithReader)
  const hasColours = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    out: (text) => stdout.write(`${shown(text)}\n`),
    err: (text) => stderr.write(`${shown(text)}\n`),
    bold: (text) => (hasColours ? styleText('bold', text) : text),
    isInteractive: stdout.isTTY,
    hasColours,
  }
}

/** Who reads a pipe may have seen enough (`sluice store dump | head`): then the rest is for nobody. */
function endWithReader(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EPIPE') throw error
  process.exit(128 + constants.signals.SIGPIPE)
}

/** What the program shows may quote files, topics and clients: of all controls only line feeds, tabs and our own bold are left. */
function shown(text: string): string {
  return printableLines(text).replaceAll(/\\u001b(?=\[(?:1|22)m)/g, '\u001b')
}
