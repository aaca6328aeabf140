/** What a shell can complete, derived from the table of commands that `--help` prints. @module */
import type { Command } from '../command.ts'

/** One option of a command. */
export interface CompletedOption {
  /** With their dashes, such as `-c` and `--config`. */
  readonly names: readonly string[]
  readonly takesValue: boolean
  readonly takesFile: boolean
  /** All accepted values; empty for any. */
  readonly values: readonly string[]
  readonly description: string
}

/** One command. */
export interface CompletedCommand {
  readonly name: string
  readonly summary: string
  readonly options: readonly CompletedOption[]
  /** All accepted first arguments; empty for any. */
  readonly actions: readonly string[]
  /** Whether one of its arguments is a file. */
  readonly takesFile: boolean
}

/** The names of values and arguments that are files or folders. */
const FILES: ReadonlySet<string> = new Set(['FILE', 'FOLDER', 'PATH'])

/** A row for each command, and one for `help`, which takes the name of a command. */
export function completionTable(commands: readonly Command[]): readonly CompletedCommand[] {
  const names = commands.map(({ name }) => name)
  const help = { name: 'help', summary: 'shows how to use a command', options: [], actions: names, takesFile: false }
  return [...commands.map(completedCommand), help]
}

function completedCommand(command: Command): CompletedCommand {
  const { name, summary, positionals, optionalPositional = '', actions, flags = [] } = command
  const written = flags.map(([words]) => words.split(' ')[0]!)
  return {
    name,
    summary,
    options: optionsOf(command),
    actions: actions ?? written.filter((word) => /^[a-z]/.test(word)),
    takesFile: [...positionals, optionalPositional, ...written].some((word) => FILES.has(word)),
  }
}

function optionsOf({ options, flags = [], hasOwnFlags }: Command): readonly CompletedOption[] {
  const own = Object.entries(options).map(([name, { short, value, values = [], description }]) =>
    optionOf([short === undefined ? [] : `-${short}`, `--${name}`].flat(), value, values, description),
  )
  const written = flags.filter(([words]) => words.startsWith('-')).map(writtenOption)
  return [...own, ...written, optionOf(hasOwnFlags ? ['--help'] : ['-h', '--help'], undefined, [], 'shows its help')]
}

/** An option as the help shows it, such as `-D, --property PACKET NAME VALUE`. */
function writtenOption([words, description]: readonly [string, string]): CompletedOption {
  const parts = words.split(/,? /)
  const names = parts.filter((part) => part.startsWith('-'))
  return optionOf(names, parts[names.length], [], description)
}

function optionOf(
  names: readonly string[],
  value: string | undefined,
  values: readonly string[],
  description: string,
): CompletedOption {
  const takesFile = value !== undefined && FILES.has(value)
  return { names, takesValue: value !== undefined, takesFile, values, description: description.replaceAll(/\s+/g, ' ') }
}
