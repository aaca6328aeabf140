/** Finds less that still fails: leaves faults out, first many, then one at a time. @module */
import type { Fault } from './faults.ts'
import type { Outcome } from './world.ts'

/** Runs at most; each takes about as long as the one that failed. */
const MOST_RUNS = 60

/**
 * @param run what a schedule comes to
 * @returns the outcome of the smallest schedule found under which an oracle still speaks up
 */
export async function shrink(failed: Outcome, run: (schedule: readonly Fault[]) => Promise<Outcome>): Promise<Outcome> {
  let best = failed
  let runs = 0
  const attempt = async (schedule: readonly Fault[]): Promise<boolean> => {
    runs++
    const outcome = await run(schedule)
    if (outcome.violation === undefined) return false
    best = outcome
    return true
  }
  for (let size = Math.ceil(best.schedule.length / 2); size >= 1 && runs < MOST_RUNS; size = Math.floor(size / 2)) {
    for (let at = 0; at < best.schedule.length && runs < MOST_RUNS;) {
      const less = [...best.schedule.slice(0, at), ...best.schedule.slice(at + size)]
      if (!(await attempt(less))) at += size
    }
  }
  return best
}
