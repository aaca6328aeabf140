/** Commands that ask a running broker, run in this process. @module */
import { join } from 'node:path'
import { createBroker, type Broker } from '../../../../src/create-broker.ts'
import { runProgram } from '../../../../src/cli/program.ts'
import { silentLogger, type Logger } from '../../../../src/base/log.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

/** What a command has printed, and its exit code. */
export interface Ran {
  readonly code: number
  readonly out: string
  readonly err: string
  /** Lines of JSON. */
  readonly values: readonly Record<string, unknown>[]
}

/** A broker with a socket for commands. */
export interface Operated extends AsyncDisposable {
  readonly broker: Broker
  readonly socket: string
  /** Runs a command whose output is a pipe. */
  run(...args: string[]): Promise<Ran>
  /** Runs a command on a terminal of 120 columns. */
  show(...args: string[]): Promise<Ran>
}

export async function operated(config: ConfigInput = {}, logger: Logger = silentLogger): Promise<Operated> {
  const socket = join(scratchFolder(), 'admin.sock')
  const listeners = { default: { bind: '127.0.0.1:0' } }
  const broker = await createBroker({ listeners, 'sys-interval': 0, admin: { socket }, ...config }, { logger })
  const at = (args: readonly string[]): string[] => [...args, '--socket', socket]
  return {
    ...{ broker, socket },
    run: (...args) => run(at(args), false),
    show: (...args) => run(at(args), true),
    [Symbol.asyncDispose]: () => broker.close(),
  }
}

/** Runs a command line with a terminal, or without one. */
export async function run(args: readonly string[], isInteractive: boolean): Promise<Ran> {
  const [out, err]: [string[], string[]] = [[], []]
  const code = await runProgram(args, {
    out: (text) => void out.push(text),
    err: (text) => void err.push(text),
    bold: String,
    raw: (bytes) => void out.push(Buffer.from(bytes).toString()),
    columns: () => 120,
    isInteractive,
    hasColours: false,
  })
  const values = isInteractive
    ? []
    : out.flatMap((line) => (line.startsWith('{') ? [JSON.parse(line) as Ran['values'][0]] : []))
  return { code, out: out.join('\n'), err: err.join('\n'), values }
}
