/**
 * `npm run bench:guard`: fails when a message costs our broker noticeably more than at the recorded commit. What is
 * compared is a ratio to the relay (`brokers/relay.ts`) in the same minute, since machines differ and change their
 * pace:
 *
 *   relay, ours, relay, ours, …   five pairs; ratio of each pair; their median against the one in guard.json
 *
 * A row that fails is measured once more before it counts. `--record` measures the rows that have no record yet, so
 * that a loss can never be hidden by recording it; what was recorded on another kind of machine says little.
 *
 * @module
 */
import { readFile, writeFile } from 'node:fs/promises'
import { relay, sluice } from './brokers/broker.ts'
import { endChildrenOnSignals } from '../src/bench/process.ts'
import { compare, verdict, type Comparison } from './comparison.ts'
import type { Guarded } from './guarded.ts'
import { chosen, cost, workloadNamed } from './guarded-run.ts'
import { significant } from '../src/bench/results.ts'
import { readCommandLine } from '../tools/command-line.ts'

const PAIRS = 5

/** The ratios of an earlier commit, by row. */
interface Record {
  readonly date: string
  readonly node: string
  readonly ratios: { readonly [row: string]: number }
}

const recordFile = new URL('../../bench/guard.json', import.meta.url)

const help = `Fails when a message costs more processor time than recorded, as a ratio to a small relay in the same run.

Usage: npm run bench:guard -- [--rows NAME,..] [--record]

  --record        measures only the rows that bench/guard.json does not have, and adds them
  --rows NAME,..  only these rows
`

async function measure({ row, reference, pairs = PAIRS }: Guarded): Promise<Comparison> {
  const ratios: number[] = []
  for (let pair = 1; pair <= pairs; pair++) {
    const theirs = await cost(relay, workloadNamed(reference))
    ratios.push((await cost(sluice, workloadNamed(row))) / theirs)
  }
  return compare(ratios)
}

async function readRecord(): Promise<Record> {
  return JSON.parse(await readFile(recordFile, 'utf8')) as Record
}

async function record(rows: readonly Guarded[], before: Record): Promise<void> {
  const ratios: { [row: string]: number } = { ...before.ratios }
  for (const one of rows.filter(({ row }) => ratios[row] === undefined)) {
    const { row } = one
    const comparison = await measure(one)
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
async function guard(one: Guarded, recorded: number | undefined): Promise<boolean> {
  const { row } = one
  if (recorded === undefined) {
    process.stdout.write(`${row}: not recorded; --record does it\n`)
    return false
  }
  for (const again of [false, true]) {
    const comparison = await measure(one)
    const found = verdict(comparison.ratio, recorded)
    const share = `${(((comparison.ratio - recorded) / recorded) * 100).toFixed(0)} %`
    process.stdout.write(`${row}: ${describe(comparison)}, recorded ${significant(recorded)}, ${share}: ${found}\n`)
    if (found !== 'worse') return true
    if (!again) process.stdout.write(`${row}: once more\n`)
  }
  return false
}

async function main(): Promise<void> {
  const { values } = readCommandLine(help, { record: { type: 'boolean' }, rows: { type: 'string' } })
  endChildrenOnSignals()
  const rows = chosen(values.rows)
  const before = await readRecord()
  if (values.record === true) {
    await record(rows, before)
    return
  }
  const { ratios } = before
  const failed: string[] = []
  for (const one of rows) if (!(await guard(one, ratios[one.row]))) failed.push(one.row)
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
