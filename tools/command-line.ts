/** The command line of a tool: `--help`, and a sentence with exit code 2 where something in it is wrong. @module */
import { parseArgs, type ParseArgsConfig } from 'node:util'

type Options = NonNullable<ParseArgsConfig['options']>
type Parsed<Some extends Options> = ReturnType<typeof parseArgs<{ options: Some; allowPositionals: boolean }>>

/**
 * Reads `process.argv`. Ends the process where there is nothing more to do: after `--help`, or what is no option.
 *
 * @param help what `--help` prints
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
    // What Node says behind the first sentence is about file names that begin with a hyphen.
    return refuse((error as Error).message.split('. ')[0]!)
  }
}

/** @returns the whole number that an option was given, 0 or more, or `fallback` where it was not given */
export function countOf<Fallback>(name: string, value: string | undefined, fallback: Fallback): number | Fallback {
  if (value === undefined) return fallback
  return /^\d+$/.test(value) ? Number(value) : refuse(`--${name} takes a whole number, not ${value}`)
}

/** Says what is wrong with the command line, and ends the process. */
export function refuse(problem: string): never {
  console.error(`${problem}\n--help lists the options`)
  process.exit(2)
}
