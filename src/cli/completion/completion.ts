/**
 * `sluice completion SHELL`: prints the script with which a shell completes the commands and options of `sluice`.
 * @module
 */
import { UsageError } from '../../base/errors.ts'
import type { Call, Command } from '../command.ts'
import { bashScript } from './bash.ts'
import { type CompletedCommand, completionTable } from './completion-table.ts'
import { fishScript } from './fish.ts'
import { zshScript } from './zsh.ts'

const SCRIPTS: Readonly<Record<string, (table: readonly CompletedCommand[]) => string>> = {
  bash: bashScript,
  zsh: zshScript,
  fish: fishScript,
}

/**
 * @returns the exit code
 * @throws {UsageError} for another shell
 */
export function completion({ positionals: [shell = ''], terminal }: Call, commands: readonly Command[]): number {
  const script = Object.hasOwn(SCRIPTS, shell) ? SCRIPTS[shell] : undefined
  if (script === undefined) {
    throw new UsageError(`\`sluice completion\` supports ${Object.keys(SCRIPTS).join(', ')}; got ${shell}.`)
  }
  terminal.out(script(completionTable(commands)))
  return 0
}
