/** Runs many rows against one broker or several, one after another. @module */
import type { Measurement } from './driver/measurement.ts'
import type { Target } from './driver/raw-connection.ts'
import type { BrokerKind } from './own-broker.ts'
import { Progress, type Step } from './progress.ts'
import { resultTables, type Result } from './results.ts'
import { generate, runOnce } from './run.ts'
import { textTable } from './table.ts'
import { jobOf, type Workload } from './workloads.ts'

/** The plan: how often each row runs, and how long. */
export interface Campaign {
  readonly rows: readonly Workload[]
  readonly runs: number
  readonly seconds: number
}

/** A contender: our broker, a peer, or a broker elsewhere. */
export interface Contender {
  readonly name: string
  readonly enters: (workload: Workload) => boolean
  readonly run: (workload: Workload, seconds: number) => Promise<Measurement>
}

interface PlannedStep extends Step {
  readonly workload: Workload
  readonly contender: Contender
}

/** The time for starting, connecting and stopping, in addition to that of the row itself. */
const OVERHEAD_SECONDS = 1
/** Rows that fill the broker with many items need extra time. */
const FILLING_SECONDS = {
  ...{ traffic: 0, replay: 2, subscriptions: 5, idle: 8, kept: 15, durable: 10 },
  ...{ visits: 6, pings: 0, storm: 10, start: 0 },
} as const

/** A broker elsewhere, of which only the generator's observations are known. */
export function remote(target: Target): Contender {
  return {
    name: `${target.host}:${target.port}`,
    enters: () => true,
    run: (workload, seconds) => generate({ target, job: jobOf(workload, seconds) }),
  }
}

/** A broker that is started for each run. One that stores takes part only in rows that measure storing. */
export function started(kind: BrokerKind, enters: Contender['enters'] = () => true): Contender {
  return {
    name: kind.name,
    enters: (workload) => {
      if (workload.shape.kind !== 'durable') return kind.stores !== true && enters(workload)
      return kind.stores === true || (workload.shape.restarts !== true && enters(workload))
    },
    run: (workload, seconds) => runOnce(kind, workload, seconds),
  }
}

/** Plans row by row; within a row, the brokers take turns. */
function plan({ rows, runs, seconds: measured }: Campaign, contenders: readonly Contender[]): PlannedStep[] {
  return rows.flatMap((workload) => {
    const { warmUpSeconds, seconds: asked } = jobOf(workload, measured)
    const seconds = asked + warmUpSeconds + OVERHEAD_SECONDS + FILLING_SECONDS[workload.shape.kind]
    const entering = contenders.filter((contender) => contender.enters(workload))
    return Array.from({ length: Math.min(runs, workload.mostRuns ?? runs) }, (_, run) => run + 1).flatMap((run) =>
      entering.map((contender) => ({ workload, contender, row: workload.title, broker: contender.name, run, seconds })),
    )
  })
}

/** Runs the plan and reports progress on standard error. A broker that fails in a row is not run again in that row. */
export async function runCampaign(campaign: Campaign, contenders: readonly Contender[]): Promise<Result[]> {
  const steps = plan(campaign, contenders)
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
    const outcome = await attempt(contender, workload, campaign.seconds)
    progress.ends(step, outcome)
    const after =
      outcome instanceof Error ? { ...before, error: outcome.message } : { ...before, runs: [...before.runs, outcome] }
    if (at < 0) results.push(after)
    else results[at] = after
  }
  return results
}

async function attempt(contender: Contender, workload: Workload, seconds: number): Promise<Measurement | Error> {
  try {
    return await contender.run(workload, seconds)
  } catch (error) {
    return error as Error
  }
}

/** The tables, for a terminal. */
export function describeResults(results: readonly Result[]): string {
  return resultTables(results)
    .map(({ title, columns, rows }) => `${title}\n${textTable(columns, rows)}`)
    .join('\n')
}
