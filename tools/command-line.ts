/** The command line of a tool: `--help`, and an error message with exit code 2 for invalid arguments. @module */
import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<Some extends Options> = ReturnType<typeof parseArgs<{ options: Some; allowPositionals: boolean }>>

/**
 * Parses `process.argv`. Ends the process after `--help` and for an unknown option.
 *
 * @param help the text that `--help` prints
 */
export function readCommandLine<const Some extends Options>(
  help: string,
  options: Some,
  allowPositionals = false,
): Parsed<Some> {
  if (process.argv.slice(2).includes('--help')) {
    console.log(help)
    process.exit(0)
  }
  try {
    return parseArgs({ options, allowPositionals })
  } catch (error) {
    // Node's text after the first sentence is about file names that begin with a hyphen.
    return refuse((error as Error).message.split('. ')[0]!)
  }
}

/** @returns the value of an option, a whole number of at least 0, or `fallback` if it is absent */
export function countOf<Fallback>(name: string, value: string | undefined, fallback: Fallback): number | Fallback {
  if (value === undefined) return fallback
  return /^\d+$/.test(value) ? Number(value) : refuse(`--${name} must be a whole number, got ${value}`)
}

/** Prints the error in the command line, and ends the process. */
export function refuse(problem: string): never {
  console.error(`${problem}\n--help lists the options`)
  process.exit(2)
}
