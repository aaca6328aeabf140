/**
 * `npm run bench:guard`: fails when a message costs our broker noticeably more than at the recorded commit. What is compared
 * is a ratio to the relay (`brokers/relay.ts`) in the same minute, since machines differ and change their pace:
 *
 *   relay, ours, relay, ours, …   five pairs; ratio of each pair; their median against the one in guard.json
 *
 * A row that fails is measured once more before it counts. `--record` writes the ratios instead of judging them; what was
 * recorded on another kind of machine says little.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { relay } from './brokers/broker.ts'
import { sluice } from '../src/bench/own-broker.ts'
import { endChildrenOnSignals } from '../src/bench/process.ts'
import { compare, verdict, type Comparison } from './comparison.ts'
import { significant } from '../src/bench/results.ts'
import { runOnce } from '../src/bench/run.ts'
import { workloads, type Workload } from '../src/bench/workloads.ts'
import { readCommandLine } from '../tools/command-line.ts'

/** Our row, and the relay's that it is compared with; the relay only knows QoS 0. */
const guarded = [
  { row: '1-1', reference: '1-1' },
  { row: '50-50', reference: '50-50' },
  { row: '1-50', reference: '1-50' },
  { row: '50-1', reference: '50-1' },
  { row: '50-50-q1', reference: '50-50' },
  { row: '50-50-q2', reference: '50-50' },
  { row: '400-400', reference: '400-400' },
] as const

const PAIRS = 5
const SECONDS = 1.5

/** The ratios of an earlier commit, by row. */
interface Record {
  readonly date: string
  readonly node: string
  readonly ratios: { readonly [row: string]: number }
}

const recordFile = new URL('../../bench/guard.json', import.meta.url)

const help = `Fails when a message costs more processor time than recorded, as a ratio to a small relay in the same run.

Usage: npm run bench:guard -- [--record]

  --record   writes bench/guard.json instead of comparing with it
`

function workloadNamed(name: string): Workload {
  return workloads.find((workload) => workload.name === name)!
}

async function cost(kind: typeof sluice, workload: Workload): Promise<number> {
  const { brokerMicroseconds, lost } = await runOnce(kind, workload, SECONDS)
  if (brokerMicroseconds === undefined)
    throw new Error(`${kind.name} delivered nothing, or this system keeps no accounts`)
  if (lost > 0) throw new Error(`${kind.name} lost ${lost} messages in ${workload.name}`)
  return brokerMicroseconds
}

async function measure(row: string, reference: string): Promise<Comparison> {
  const ratios: number[] = []
  for (let pair = 1; pair <= PAIRS; pair++) {
    const theirs = await cost(relay, workloadNamed(reference))
    ratios.push((await cost(sluice, workloadNamed(row))) / theirs)
  }
  return compare(ratios)
}

async function readRecord(): Promise<Record> {
  try {
    return JSON.parse(await readFile(recordFile, 'utf8')) as Record
  } catch (error) {
    throw new Error('there is no record to compare with; --record makes one', { cause: error })
  }
}

async function record(): Promise<void> {
  const ratios: { [row: string]: number } = {}
  for (const { row, reference } of guarded) {
    const comparison = await measure(row, reference)
    ratios[row] = Number(comparison.ratio.toPrecision(4))
    process.stdout.write(`${row}: ${describe(comparison)}\n`)
  }
  const made: Record = { date: new Date().toISOString().slice(0, 10), node: process.version, ratios }
  await writeFile(recordFile, `${JSON.stringify(made, null, 2)}\n`)
}

function describe({ ratio, least, most }: Comparison): string {
  return `${significant(ratio)} of the relay (${significant(least)} to ${significant(most)})`
}

/** @returns whether the row is as it should be */
async function guard(row: string, reference: string, recorded: number | undefined): Promise<boolean> {
  if (recorded === undefined) {
    process.stdout.write(`${row}: not recorded; --record does it\n`)
    return false
  }
  for (const again of [false, true]) {
    const comparison = await measure(row, reference)
    const found = verdict(comparison.ratio, recorded)
    const share = `${(((comparison.ratio - recorded) / recorded) * 100).toFixed(0)} %`
    process.stdout.write(`${row}: ${describe(comparison)}, recorded ${significant(recorded)}, ${share}: ${found}\n`)
    if (found !== 'worse') return true
    if (!again) process.stdout.write(`${row}: once more\n`)
  }
  return false
}

async function main(): Promise<void> {
  const { values } = readCommandLine(help, { record: { type: 'boolean' } })
  endChildrenOnSignals()
  if (values.record === true) {
    await record()
    return
  }
  const { ratios } = await readRecord()
  const failed: string[] = []
  for (const { row, reference } of guarded) if (!(await guard(row, reference, ratios[row]))) failed.push(row)
  if (failed.length === 0) return
  process.stdout.write(`slower than recorded: ${failed.join(', ')}\n`)
  process.exitCode = 1
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
