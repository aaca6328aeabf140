/** The command line of the benchmark. @module */
import { parseArgs } from 'node:util'
import { UsageError } from '../src/base/errors.ts'
import { positive, selectRows, targetOf } from '../src/bench/choice.ts'
import type { Target } from '../src/bench/driver/raw-connection.ts'
import { remoteWorkloads, workloads, type Workload } from '../src/bench/workloads.ts'

export interface Options {
  readonly rows: readonly Workload[]
  /** Names of peers to run, or `undefined` for all that are present. */
  readonly peers: readonly string[] | undefined
  readonly seconds: number
  readonly runs: number
  readonly json: string | undefined
  readonly write: boolean
  readonly target: Target | undefined
  readonly help: boolean
}

export const help = `Measures brokers: messages a second, processor time per message, latency, memory.

Usage: npm run bench -- [options]

  --rows NAME,..    only these rows (default: all)
  --peers NAME,..   only these peers, or none (default: all that are present; they run in rows with a goal only)
  --seconds N       measured time of each run (default: 2)
  --runs N          runs of each row and broker, brokers taking turns (default: 3)
  --json FILE       writes every run to FILE, for comparison between commits
  --write           writes bench/RESULTS.md and bench/results.svg
  --url URL         drives a broker that runs already: mqtt://, mqtts://, ws:// or wss://, user:password@ if it asks;
                    its processor time and memory stay unknown
  --help            this text

Examples:
  npm run bench                                        the whole table
  npm run bench -- --rows 1-1,50-50 --runs 1           two rows, quickly
  npm run bench -- --peers mosquitto --json now.json
  npm run bench -- --url mqtt://127.0.0.1:1883 --rows 1-1,1-450

Rows:
${workloads.map(({ name, title }) => `  ${name.padEnd(18)}${title}`).join('\n')}
`

/** @throws {UsageError} for what is no option, or a value that cannot be */
export function readOptions(argumentList: readonly string[]): Options {
  const values = parse(argumentList)
  const target = values.url === undefined ? undefined : targetOf(values.url)
  return {
    rows: selectRows(values.rows, target ? remoteWorkloads : workloads),
    peers: values.peers?.split(',').filter((name) => name !== 'none'),
    seconds: positive('seconds', values.seconds),
    runs: Math.ceil(positive('runs', values.runs)),
    json: values.json,
    write: values.write,
    target,
    help: values.help,
  }
}

function parse(argumentList: readonly string[]) {
  try {
    return parseArgs({
      args: [...argumentList],
      options: {
        rows: { type: 'string' },
        peers: { type: 'string' },
        seconds: { type: 'string', default: '2' },
        runs: { type: 'string', default: '3' },
        json: { type: 'string' },
        write: { type: 'boolean', default: false },
        url: { type: 'string' },
        help: { type: 'boolean', default: false },
      },
    }).values
  } catch (error) {
    throw new UsageError((error as Error).message, { cause: error })
  }
}
