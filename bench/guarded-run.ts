/** One run of a guarded row, and the choice of rows. @module */
import { UsageError } from '../src/base/errors.ts'
import type { BrokerKind } from '../src/bench/own-broker.ts'
import { costOf } from '../src/bench/results.ts'
import { runOnce } from '../src/bench/run.ts'
import { workloads, type Workload } from '../src/bench/workloads.ts'
import { guarded, type Guarded } from './guarded.ts'

const SECONDS = 1.5
/** Rows that measure for longer have this much, so that the guard stays short. */
const MOST_SECONDS = 3

export function workloadNamed(name: string): Workload {
  const workload = workloads.find((candidate) => candidate.name === name)!
  const { seconds = SECONDS, warmUpSeconds = 1 } = workload
  return { ...workload, seconds: Math.min(seconds, MOST_SECONDS), warmUpSeconds: Math.min(warmUpSeconds, MOST_SECONDS) }
}

/**
 * What one thing of a row costs, as `costOf` defines it: of a message, microseconds of processor time.
 *
 * @throws if messages were lost, or if this system keeps no accounts
 */
export async function cost(kind: BrokerKind, workload: Workload): Promise<number> {
  const measurement = await runOnce(kind, workload, SECONDS)
  const spent = costOf(workload.shape, measurement)
  if (spent === undefined) throw new Error(`${kind.name} delivered nothing, or this system keeps no accounts`)
  const { lost } = measurement
  if (lost > 0) throw new Error(`${kind.name} lost ${lost} messages in ${workload.name}`)
  return spent
}

/** @throws {UsageError} for a row that is not guarded */
export function chosen(names: string | undefined): readonly Guarded[] {
  if (names === undefined) return guarded
  return names.split(',').map((name) => {
    const found = guarded.find(({ row }) => row === name)
    if (found) return found
    throw new UsageError(`unknown row ${name}; the rows are ${guarded.map(({ row }) => row).join(', ')}`)
  })
}
