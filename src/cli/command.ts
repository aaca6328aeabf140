/**
 * Defines commands and parses their arguments. A command is a row of the table in `commands.ts`: a new one needs a row
 * and a function; help, usage errors and suggestions follow from the row.
 *
 * @module
 */
import { parseArgs } from 'node:util'
import { UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import type { Terminal } from './terminal.ts'

export interface CommandOption {
  readonly short?: string
  /** The name of its value, such as `FILE`; absent for a switch. */
  readonly value?: string
  readonly isRequired?: true
  /** All accepted values; absent for any. */
  readonly values?: readonly string[]
  /** Whether `--name ''` is a value. */
  readonly mayBeEmpty?: true
  readonly description: string
}

/** The arguments of a command. */
export interface Call {
  /** Values by long name. */
  readonly options: Readonly<Partial<Record<string, string>>>
  /** One for each name in `positionals`, and the optional one if it was given. */
  readonly positionals: readonly string[]
  readonly terminal: Terminal
  /** Everything as it was written, for a command that parses its arguments itself. */
  readonly args?: readonly string[]
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** A paragraph for the command's own help. */
  readonly details: string
  /** Names of the positional arguments, all required. */
  readonly positionals: readonly string[]
  /** Name of an additional optional one. */
  readonly optionalPositional?: string
  /** All accepted values of the first argument, for completion; absent for any. */
  readonly actions?: readonly string[]
  /** An additional argument may be a password, and is not repeated in the error. */
  readonly hidesExtra?: true
  readonly options: Readonly<Record<string, CommandOption>>
  /** It parses its arguments itself: `-h` may be something else than help. */
  readonly hasOwnFlags?: true
  /** Its flags for the help, if it parses them itself. */
  readonly flags?: readonly (readonly [written: string, description: string])[]
  /** Whether it needs a running broker, which it asks through its API. */
  readonly asksBroker?: true
  /** Example command lines, each with a description. */
  readonly examples: readonly (readonly [line: string, does: string])[]
  /** @returns the exit code */
  run(call: Call): Promise<number>
}

/** The usage of a command, such as `sluice check --config FILE`. */
export function usageOf(command: Command): string {
  const options = Object.entries(command.options).map(([name, option]) => {
    const written = option.value === undefined ? `--${name}` : `--${name} ${option.value}`
    return option.isRequired ? written : `[${written}]`
  })
  const last = command.optionalPositional === undefined ? [] : [`[${command.optionalPositional}]`]
  const own = command.hasOwnFlags ? ['[OPTION …]'] : []
  return ['sluice', command.name, ...own, ...options, ...command.positionals, ...last].join(' ')
}

/**
 * Parses the arguments of a command.
 *
 * @throws {UsageError} naming the argument and the remedy
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
      throw new UsageError(`\`sluice ${command.name}\` requires --${name} ${option.value}.`)
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
    if (value !== undefined && command.hidesExtra === true) throw new UsageError(`${rawName} takes no value.`)
    if (value !== undefined) throw new UsageError(`${rawName} takes no value, got ${value}.`)
    return 'true'
  }
  if (
    value === undefined ||
    (value === '' && option.mayBeEmpty !== true) ||
    (value.startsWith('-') && inlineValue !== true)
  ) {
    throw new UsageError(`${rawName} requires a value: --${name} ${option.value}.`)
  }
  if (option.values?.includes(value) === false) {
    throw new UsageError(`${rawName} must be one of ${option.values.join(', ')}, got ${value}.`)
  }
  return value
}

function checkPositionals(command: Command, given: readonly string[]): void {
  const { name, positionals: required, optionalPositional, options, hidesExtra } = command
  const missing = required[given.length]
  if (missing !== undefined)
    throw new UsageError(`\`sluice ${name}\` requires ${required.join(' ')}; ${missing} is missing.`)
  const extra = given[required.length + (optionalPositional === undefined ? 0 : 1)]
  if (extra === undefined) return
  if (hidesExtra === true) {
    throw new UsageError(
      `\`sluice ${name}\` does not take the password as an argument, where other users could read it: it prompts for it.`,
    )
  }
  const hint = options['config'] === undefined ? '' : ` Use --config ${extra} for a configuration file.`
  throw new UsageError(`\`sluice ${name}\` does not accept the argument ${extra}.${hint}`)
}
