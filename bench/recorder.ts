/**
 * `npm run build && node build/bench/recorder.js`: what the flight recorder costs in each guarded row, as the ratio of
 * the processor time of a message with it and without it.
 *
 *   with, without, without, with, …   twenty pairs, in turns; ratio of each pair; their median
 *
 * @module
 */
import { endChildrenOnSignals } from '../src/bench/process.ts'
import { significant } from '../src/bench/results.ts'
import { countOf, readCommandLine } from '../tools/command-line.ts'
import { sluice } from './brokers/broker.ts'
import { compare, type Comparison } from './comparison.ts'
import { chosen, cost, workloadNamed } from './guarded-run.ts'
import { withoutRecorder } from './without-recorder.ts'

const PAIRS = 20
const ROWS = '1-1,50-50,1-50,50-1,50-50-q1,50-50-q2,400-400-pause'
/** The most that the recorder may cost. */
const LIMIT = 1.05

const help = `Measures what the flight recorder costs: the processor time of a message with it, as a ratio to that without it.

Usage: node build/bench/recorder.js [--rows NAME,..] [--pairs NUMBER]

  --rows NAME,..   any rows of the guard; ${ROWS} by default
  --pairs NUMBER   pairs of runs for each row, ${PAIRS} by default; a run takes about four seconds

The exit code is 1 if the median of a row is above ${LIMIT}.
`

async function measure(row: string, pairs: number): Promise<Comparison> {
  const workload = workloadNamed(row)
  const bare = withoutRecorder(workload)
  const ratios: number[] = []
  for (let pair = 1; pair <= pairs; pair++) {
    const isFirst = pair % 2 === 1
    const before = isFirst ? await cost(sluice, workload) : undefined
    const without = await cost(sluice, bare)
    ratios.push((before ?? (await cost(sluice, workload))) / without)
  }
  return compare(ratios)
}

async function main(): Promise<void> {
  const { values } = readCommandLine(help, { rows: { type: 'string' }, pairs: { type: 'string' } })
  const rows = chosen(values.rows ?? ROWS)
  const pairs = Math.max(1, countOf('pairs', values.pairs, PAIRS))
  endChildrenOnSignals()
  for (const { row } of rows) {
    const { ratio, least, most } = await measure(row, pairs)
    const isOver = ratio > LIMIT
    if (isOver) process.exitCode = 1
    const text = `${significant(ratio)} (${significant(least)} to ${significant(most)})`
    process.stdout.write(`${row}: ${text}${isOver ? `, more than ${LIMIT}` : ''}\n`)
  }
}

try {
  await main()
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`)
  process.exitCode = 1
}
