/**
 * The command line: finds the command, prints help, and turns errors into a message and an exit code:
 *
 *   0  done        1  the configuration, a file or a port cannot be used; for `explain` also: denied      2  wrong usage
 *   3  stopped, but not everything was stored in time
 *
 * The exit codes of `pub`, `sub` and `rr` are those of Mosquitto's tools.
 *
 * @module
 */
import { ConfigError, SluiceError, UsageError } from '../base/errors.ts'
import { nearest } from '../base/nearest.ts'
import { parseCall } from './command.ts'
import type { Command } from './command.ts'
import { commandHelp, programHelp } from './help.ts'
import { startCommand } from './start-command.ts'
import type { Terminal } from './terminal.ts'
import { version } from '../broker/version.ts'

/** Runs one command line. @returns the exit code */
export async function runProgram(args: readonly string[], terminal: Terminal): Promise<number> {
  try {
    return await dispatch(args, terminal)
  } catch (error) {
    return await report(error, args[0], terminal)
  }
}

async function dispatch([name, ...rest]: readonly string[], terminal: Terminal): Promise<number> {
  if (name === undefined) {
    terminal.err(programHelp(await allCommands(), terminal))
    return 2
  }
  if (name === '--version' || name === '-v') {
    terminal.out(version)
    return 0
  }
  const asksForHelp = (word: string) => word === '--help' || word === '-h'
  if (asksForHelp(name) || name === 'help') {
    const topic = rest.find((word) => !asksForHelp(word))
    terminal.out(
      topic === undefined
        ? programHelp(await allCommands(), terminal)
        : commandHelp(await findCommand(topic), terminal),
    )
    return 0
  }
  const command = await findCommand(name)
  if (command.hasOwnFlags ? rest.includes('--help') : rest.some(asksForHelp)) {
    terminal.out(commandHelp(command, terminal))
    return 0
  }
  if (command.hasOwnFlags) return command.run({ options: {}, positionals: [], args: rest, terminal })
  return command.run({ ...parseCall(command, rest), terminal })
}

/** The table of the other commands describes the operations of the HTTP API, too, which takes time to load. */
async function allCommands(): Promise<readonly Command[]> {
  return (await import('./commands.ts')).commands
}

async function findCommand(name: string): Promise<Command> {
  if (name === startCommand.name) return startCommand
  const commands = await allCommands()
  const command = commands.find((candidate) => candidate.name === name)
  if (command !== undefined) return command
  const names = commands.map((candidate) => candidate.name)
  const meant = nearest(name, names)
  const hint = meant === undefined ? `The commands are ${names.join(', ')}.` : `Did you mean \`sluice ${meant}\`?`
  throw new UsageError(`There is no command \`${name}\`. ${hint}`)
}

async function report(error: unknown, name: string | undefined, terminal: Terminal): Promise<number> {
  if (error instanceof UsageError) {
    const isCommand = (await allCommands()).some((command) => command.name === name)
    const help = isCommand ? `\`sluice help ${name}\` shows how to use it.` : '`sluice --help` shows every command.'
    terminal.err(`${error.message}\n${help}`)
    return 2
  }
  if (error instanceof ConfigError && error.problems.length > 1) {
    terminal.err(`${error.message}\n${error.problems.length} problems; nothing was started.`)
  } else {
    terminal.err(error instanceof SluiceError ? error.message : String((error as Error).stack ?? error))
  }
  return 1
}
