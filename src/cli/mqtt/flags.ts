/** Parses the arguments of `sluice pub`, `sub` and `rr`, in the manner of Mosquitto's tools. @module */
import { UsageError } from '../../base/errors.ts'
import { nearest } from '../../base/nearest.ts'
import { type FlagRow, flagsOf, nameOf, type Tool } from './flag-table.ts'

/** The flags that were given. */
export class Flags {
  readonly tool: Tool
  readonly #given: readonly (readonly [row: FlagRow, values: readonly string[]])[]

  constructor(tool: Tool, given: readonly (readonly [row: FlagRow, values: readonly string[]])[]) {
    this.tool = tool
    this.#given = given
  }

  /** Every flag that was given, by its long name, or its short one if it has no other. */
  get names(): readonly string[] {
    return this.#given.map(([row]) => row.long ?? row.short ?? '')
  }

  /** Whether a flag was given, by its long name, or its short one if it has no other. */
  has(name: string): boolean {
    return this.all(name).length > 0
  }

  /** The last value of a flag. */
  value(name: string): string | undefined {
    return this.all(name).at(-1)?.[0]
  }

  /** The values of each time that it was given. */
  all(name: string): (readonly string[])[] {
    return this.#given.filter(([row]) => (row.long ?? row.short) === name).map(([, values]) => values)
  }
}

/**
 * Parses arguments. A value is whatever follows its flag, also if it begins with a dash.
 *
 * @param command names the command in errors, if it has the flags of another one
 * @throws {UsageError} for an unknown flag, or one without its values
 *
 * @example
 * parseFlags('pub', ['-t', 'a', '-m', '-1']).value('message') // '-1'
 */
export function parseFlags(tool: Tool, args: readonly string[], command: string = tool): Flags {
  const rows = flagsOf(tool)
  const given: (readonly [FlagRow, readonly string[]])[] = []
  for (let at = 0; at < args.length;) {
    const word = args[at++]!
    const [name, inline] = split(word)
    const row = rows.find(({ short, long }) => name === `-${short}` || name === `--${long}`)
    if (row === undefined) throw unknown(command, word, rows)
    // A User Property has a name of its own besides its value.
    const count = row.long === 'property' && args[at + 1] === 'user-property' ? 4 : row.values.length
    const values = inline === undefined ? args.slice(at, at + count) : [inline]
    if (inline === undefined) at += values.length
    if (values.length < count) {
      throw new UsageError(`${word} requires ${row.values.join(' ')}: ${nameOf(row)} ${row.values.join(' ')}.`)
    }
    if (inline !== undefined && row.values.length !== 1) throw new UsageError(`${name} does not take a value with =.`)
    given.push([row, values])
  }
  return new Flags(tool, given)
}

/** `--name=value` in one word, which Mosquitto's tools do not accept. */
function split(word: string): readonly [name: string, value: string | undefined] {
  const equals = word.startsWith('--') ? word.indexOf('=') : -1
  return equals < 0 ? [word, undefined] : [word.slice(0, equals), word.slice(equals + 1)]
}

function unknown(command: string, word: string, rows: readonly FlagRow[]): UsageError {
  const meant = nearest(
    word.replace(/^-+/, ''),
    rows.flatMap(({ long }) => long ?? []),
  )
  const hint = meant === undefined ? `\`sluice ${command} --help\` lists all.` : `Did you mean --${meant}?`
  return new UsageError(`\`sluice ${command}\` has no option ${word}. ${hint}`)
}
