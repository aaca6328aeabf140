/** A process of a batch: is sent seeds, one at a time, and answers with what came of each. @module */
import { describeFault } from './faults.ts'
import { shrink } from './shrink.ts'
import { shortfallOf, type Totals } from './totals.ts'
import { World } from './world.ts'

/** Lines of the event log that are shown of a failure. */
const LAST_LINES = 60

export interface Task {
  readonly seed: number
  /** Whether a failure is made as small as it gets. */
  readonly shrinks: boolean
  /** Whether the broker stores anything. */
  readonly stored: boolean
}

export interface Report {
  readonly seed: number
  readonly totals: Totals
  /** Of the event log. */
  readonly digest: string
  /** What the oracle said. */
  readonly violation: string | undefined
  /** All of it, ready to print. */
  readonly failure: string | undefined
}

async function work({ seed, shrinks, stored }: Task): Promise<Report> {
  const { totals, violation, log } = await new World({ seed, stored, keepsLog: false }).run()
  const { digest } = log
  if (violation === undefined) {
    const shortfall = shortfallOf(totals)
    return { seed, totals, digest, violation: shortfall, failure: shortfall && `seed ${seed}: ${shortfall}` }
  }
  if (!shrinks) return { seed, totals, digest, violation, failure: violation }
  const outcome = await new World({ seed, stored }).run()
  const least = await shrink(outcome, (schedule) => new World({ seed, stored, schedule }).run())
  const failure = [
    `seed ${seed}: ${least.violation}`,
    `with these faults (${least.schedule.length} of ${outcome.schedule.length}):`,
    ...least.schedule.map((fault) => `  ${describeFault(fault)}`),
    `the last of the event log (all of it: npm run sim -- --seed ${seed}${stored ? ' --stored' : ''}):`,
    least.log.format(LAST_LINES),
  ]
  return { seed, totals, digest, violation, failure: failure.join('\n') }
}

process.on('message', (task: Task) => {
  work(task).then(
    (report) => process.send!(report),
    (error: unknown) => {
      const text = `seed ${task.seed}: ${error instanceof Error ? error.stack : String(error)}`
      process.send!({ seed: task.seed, totals: undefined, digest: '', violation: text, failure: text })
    },
  )
})
