/**
 * What a command is, and how its arguments are read. A command is a row of the table in `commands.ts`: adding one needs a
 * row and a function, and help, usage errors and suggestions come by themselves.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Terminal } from './terminal.ts'

export interface CommandOption {
  readonly short?: string
  /** What stands behind it, such as `FILE`; absent for a switch. */
  readonly value?: string
  readonly isRequired?: true
  /** All values that it may have; absent for any. */
  readonly values?: readonly string[]
  readonly description: string
}

/** What a command is called with. */
export interface Call {
  /** Values by long name. */
  readonly options: Readonly<Partial<Record<string, string>>>
  /** One for each name in `positionals`, and perhaps the optional one. */
  readonly positionals: readonly string[]
  readonly terminal: Terminal
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** A paragraph for its own help. */
  readonly details: string
  /** Names of the arguments behind it, all required. */
  readonly positionals: readonly string[]
  /** Name of one more that may follow. */
  readonly optionalPositional?: string
  /** What is given behind them may be a password, and is not repeated. */
  readonly hidesExtra?: true
  readonly options: Readonly<Record<string, CommandOption>>
  /** Lines to copy, each with what it does. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  /** @returns the exit code */
  run(call: Call): Promise<number>
}

/** How a command is written, such as `sluice check --config FILE`. */
export function usageOf(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => {
    const written = option.value === undefined ? `--${name}` : `--${name} ${option.value}`
    return option.isRequired ? written : `[${written}]`
  })
  const last = command.optionalPositional === undefined ? [] : [`[${command.optionalPositional}]`]
  return ['sluice', command.name, ...options, ...command.positionals, ...last].join(' ')
}

/**
 * Reads what stands behind a command.
 *
 * @throws {UsageError} naming the argument and what would do
 */
export function parseCall(command: Command, args: readonly string[]): Omit<Call, 'terminal'> {
  const entries = Object.entries(command.options)
  const { tokens } = parseArgs({
    args: [...args],
    strict: false,
    tokens: true,
    options: Object.fromEntries(
      entries.map(([name, { short, value }]) => [
        name,
        {
          type: value === undefined ? ('boolean' as const) : ('string' as const),
          ...(short !== undefined && { short }),
        },
      ]),
    ),
  })
  const options: Record<string, string> = {}
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') positionals.push(token.value)
    if (token.kind === 'option') options[token.name] = valueOf(command, token)
  }
  for (const [name, option] of entries) {
    if (option.isRequired && options[name] === undefined) {
      throw new UsageError(`\`sluice ${command.name}\` needs --${name} ${option.value}.`)
    }
  }
  checkPositionals(command, positionals)
  return { options, positionals }
}

interface OptionToken {
  readonly name: string
  readonly rawName: string
  readonly value?: string | undefined
  readonly inlineValue?: boolean | undefined
}

function valueOf(command: Command, { name, rawName, value, inlineValue }: OptionToken): string {
  const option = command.options[name]
  if (option === undefined) {
    const meant = nearest(name, Object.keys(command.options))
    const hint = meant === undefined ? '' : ` Did you mean --${meant}?`
    throw new UsageError(`\`sluice ${command.name}\` has no option ${rawName}.${hint}`)
  }
  if (option.value === undefined) {
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got ${value}.`)
    return 'true'
  }
  if (value === undefined || value === '' || (value.startsWith('-') && inlineValue !== true)) {
    throw new UsageError(`${rawName} needs a value: --${name} ${option.value}.`)
  }
  if (option.values?.includes(value) === false) {
    throw new UsageError(`${rawName} is one of ${option.values.join(', ')}; got ${value}.`)
  }
  return value
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const { name, positionals: wanted, optionalPositional, options, hidesExtra } = command
  const missing = wanted[given.length]
  if (missing !== undefined)
    throw new UsageError(`\`sluice ${name}\` needs ${wanted.join(' ')}; ${missing} is missing.`)
  const extra = given[wanted.length + (optionalPositional === undefined ? 0 : 1)]
  if (extra === undefined) return
  if (hidesExtra === true) {
    throw new UsageError(`\`sluice ${name}\` takes no password here, where others could read it: it asks for it.`)
  }
  const hint = options['config'] === undefined ? '' : ` A configuration file is given as --config ${extra}.`
  throw new UsageError(`\`sluice ${name}\` does not know what to do with ${extra}.${hint}`)
}
