/**
 * Runs `sluice pub`, `sub` or `rr`: their flags are parsed in the manner of Mosquitto's tools, and a wrong one ends
 * with exit code 1, as there.
 *
 * @module
 */
import { readFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { UsageError } from '../../base/errors.ts'
import { version } from '../../broker/version.ts'
import type { Call } from '../command.ts'
import { contextFlags } from './contexts.ts'
import type { Tool } from './flag-table.ts'
import { parseFlags, type Flags } from './flags.ts'
import type { Terminal } from '../terminal.ts'

type Run = (flags: Flags, terminal: Terminal) => Promise<number>

const RUNS: Readonly<Record<Tool, () => Promise<Run>>> = {
  pub: async () => (await import('./pub.ts')).pub,
  sub: async () => (await import('./sub.ts')).sub,
  rr: async () => (await import('./rr.ts')).rr,
}

/** @returns the exit code */
export async function runTool(tool: Tool, { args = [], terminal }: Call): Promise<number> {
  try {
    const written = [...argumentsOfFile(tool), ...args]
    const flags = parseFlags(tool, [...contextFlags(tool, written), ...written])
    if (flags.has('version')) {
      terminal.out(`sluice ${tool} ${version}`)
      return 1
    }
    return await (
      await RUNS[tool]()
    )(flags, terminal)
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    terminal.err(`Error: ${error.message}\n\n\`sluice ${tool} --help\` lists all options.`)
    return 1
  }
}

/** `~/.config/mosquitto_pub`, `_sub` or `_rr`: one option on each line, before those of the command line. */
function argumentsOfFile(tool: Tool): string[] {
  const folder = process.env['XDG_CONFIG_HOME'] ?? join(homedir(), '.config')
  let text: string
  try {
    text = readFileSync(join(folder, `mosquitto_${tool}`), 'utf8')
  } catch {
    // Most users have none, and what cannot be read is none.
    return []
  }
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'))
  return lines.flatMap((line) => {
    const [, name = '', value] = /^(\S+)(?:\s+(.*))?$/.exec(line.trim()) ?? []
    return value === undefined
      ? [name]
      : name === '-D' || name === '--property'
        ? [name, ...value.split(/\s+/)]
        : [name, value]
  })
}
