/**
 * Where the program's words go. Colours only for a person who has not asked for none (`NO_COLOR`).
 *
 * @module
 */
import { styleText } from 'node:util'

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
  const hasColours = stdout.isTTY && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb'
  return {
    out: (text) => stdout.write(`${text}\n`),
    err: (text) => stderr.write(`${text}\n`),
    bold: (text) => (hasColours ? styleText('bold', text) : text),
    isInteractive: stdout.isTTY,
    hasColours,
  }
}
