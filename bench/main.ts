/** `npm run bench`: runs the rows, prints the table. See `options.ts` for what it takes. @module */
import { writeFile } from 'node:fs/promises'
import { UsageError } from '../src/base/errors.ts'
import { presentPeers, sluice, type BrokerKind } from './brokers/broker.ts'
import { endChildrenOnSignals } from './brokers/process.ts'
import type { Measurement } from './driver/measurement.ts'
import { help, readOptions, type Options } from './options.ts'
import { Progress, type Step } from './progress.ts'
import { circumstances, writeReport } from './report.ts'
import { resultTables, type Result } from './results.ts'
import { generate, runOnce } from './run.ts'
import { textTable } from './table.ts'
import { jobOf, type Workload } from './workloads.ts'

/** A contender: ours, a peer, or a broker elsewhere. */
interface Contender {
  readonly name: string
  readonly enters: (workload: Workload) => boolean
  readonly run: (workload: Workload) => Promise<Measurement>
}

interface PlannedStep extends Step {
  readonly workload: Workload
  readonly contender: Contender
}

/** What starting, connecting and stopping take, beside what the row itself says. */
const OVERHEAD_SECONDS = 1
/** Rows that keep many things take long to fill. */
const FILLING_SECONDS = { traffic: 0, replay: 2, subscriptions: 5, idle: 8 } as const

function contenders(options: Options, kinds: readonly BrokerKind[]): Contender[] {
  const { target, seconds } = options
  if (target) {
    const run = (workload: Workload) => generate({ target, job: jobOf(workload, seconds) })
    return [{ name: `${target.host}:${target.port}`, enters: () => true, run }]
  }
  return kinds.map((kind) => ({
    name: kind.name,
    enters: (workload) => kind === sluice || workload.goal !== undefined,
    run: (workload) => runOnce(kind, workload, seconds),
  }))
}

/** Row by row; in each, the brokers take turns. */
function plan(options: Options, entrants: readonly Contender[]): PlannedStep[] {
  return options.rows.flatMap((workload) => {
    const { warmUpSeconds } = jobOf(workload, options.seconds)
    const seconds = options.seconds + warmUpSeconds + OVERHEAD_SECONDS + FILLING_SECONDS[workload.shape.kind]
    const entering = entrants.filter((contender) => contender.enters(workload))
    return Array.from({ length: options.runs }, (_, run) => run + 1).flatMap((run) =>
      entering.map((contender) => ({ workload, contender, row: workload.title, broker: contender.name, run, seconds })),
    )
  })
}

/** A broker that fails in a row is not asked again in that row. */
async function runAll(steps: readonly PlannedStep[]): Promise<Result[]> {
  const progress = new Progress(steps)
  const results: Result[] = []
  for (const step of steps) {
    const { workload, contender } = step
    const at = results.findIndex((result) => result.workload === workload && result.broker === contender.name)
    const before: Result = results[at] ?? { workload, broker: contender.name, runs: [] }
    if (before.error !== undefined) {
      progress.skips(step)
      continue
    }
    progress.begins(step)
    const outcome = await attempt(contender, workload)
    progress.ends(step, outcome)
    const after =
      outcome instanceof Error ? { ...before, error: outcome.message } : { ...before, runs: [...before.runs, outcome] }
    if (at < 0) results.push(after)
    else results[at] = after
  }
  return results
}

async function attempt(contender: Contender, workload: Workload): Promise<Measurement | Error> {
  try {
    return await contender.run(workload)
  } catch (error) {
    return error as Error
  }
}

function choosePeers(names: readonly string[] | undefined): BrokerKind[] {
  const present = presentPeers()
  if (names === undefined) return present
  return names.map((name) => {
    const found = present.find((kind) => kind.name === name)
    if (found) return found
    throw new UsageError(`no peer ${name} is here; there are: ${present.map((kind) => kind.name).join(', ') || 'none'}`)
  })
}

async function main(options: Options): Promise<void> {
  if (options.help) {
    process.stdout.write(help)
    return
  }
  endChildrenOnSignals()
  const kinds = [sluice, ...choosePeers(options.peers)]
  const results = await runAll(plan(options, contenders(options, kinds)))
  for (const { title, columns, rows } of resultTables(results)) {
    process.stdout.write(`\n${title}\n${textTable(columns, rows)}`)
  }
  const about = circumstances(options.target ? [] : kinds, options.seconds, options.runs)
  if (options.json !== undefined) await writeFile(options.json, JSON.stringify({ about, results }, null, 2))
  if (options.write) await writeReport(results, about)
  if (results.some((result) => result.error !== undefined)) process.exitCode = 1
}

try {
  await main(readOptions(process.argv.slice(2)))
} catch (error) {
  if (!(error instanceof UsageError)) throw error
  process.stderr.write(`${error.message}\nnpm run bench -- --help says more\n`)
  process.exitCode = 2
}
