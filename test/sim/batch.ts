/** Many seeds, in a few processes. @module */
import { fork, type ChildProcess } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Digest } from './event-log.ts'
import { addTotals, MEASURES, Totals } from './totals.ts'
import type { Report, Task } from './worker.ts'

export interface BatchOptions {
  readonly firstSeed: number
  readonly seeds: number
  /** The folder of the compiled project whose broker is simulated. */
  readonly folder: string
  readonly shrinks: boolean
  /** Whether the brokers store anything; default false. */
  readonly stored?: boolean
  /** Called after each seed. */
  readonly onProgress?: (done: number) => void
  /** Default: as many as there are processors. */
  readonly workers?: number
}

export interface BatchResult {
  readonly totals: Totals
  /** What the seed with the least of it went through, by the names of `MEASURES`. */
  readonly least: ReadonlyMap<string, number>
  /** Of the event logs of all seeds, in their order. */
  readonly digest: string
  readonly runs: number
  /** The first that failed; the batch stops there. */
  readonly failed: Report | undefined
}

/** Runs `seeds` seeds from `firstSeed` up, until one fails. */
export async function runBatch(options: BatchOptions): Promise<BatchResult> {
  const { firstSeed, seeds, folder, shrinks, stored = false, onProgress, workers = availableParallelism() } = options
  const totals = new Totals()
  const least = new Map(MEASURES.map(({ name }) => [name, Infinity]))
  const digests: string[] = []
  let next = 0
  let runs = 0
  let failed: Report | undefined
  const children: ChildProcess[] = []
  const drive = (child: ChildProcess): Promise<void> =>
    new Promise((resolve) => {
      const give = (): void => {
        if (failed !== undefined || next >= seeds) resolve()
        else child.send({ seed: firstSeed + next++, shrinks, stored } satisfies Task)
      }
      child.on('message', (report: Report) => {
        runs++
        digests[report.seed - firstSeed] = report.digest
        if (report.totals !== undefined) {
          addTotals(totals, report.totals)
          for (const { name, of } of MEASURES) least.set(name, Math.min(least.get(name)!, of(report.totals)))
        }
        if (report.violation !== undefined) failed ??= report
        onProgress?.(runs)
        give()
      })
      child.on('exit', () => resolve())
      give()
    })
  try {
    await Promise.all(
      Array.from({ length: Math.min(workers, seeds) }, () => {
        const child = fork(join(folder, 'build/test/sim/worker.js'), {
          stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
          execArgv: ['--max-semi-space-size=32'],
        })
        children.push(child)
        return drive(child)
      }),
    )
  } finally {
    for (const child of children) child.kill()
  }
  const digest = new Digest()
  for (const one of digests) digest.text(one)
  return { totals, least, digest: digest.toString(), runs, failed }
}
