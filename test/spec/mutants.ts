/**
 * Do the tests notice? Breaks the source in one line, and looks whether the tests of the statements at hand turn red.
 *
 *   all broken files ──one tsc──> JavaScript
 *
 *   a copy of build/ ──one file replaced──> a process: only tests that name the ids ──> every id has a red test?
 *
 * One copy for each processor; the tree itself is never touched. A mutant has to compile: what the compiler finds needs
 * no test.
 *
 * @module
 */
import { availableParallelism } from 'node:os'
import { Progress } from '../../tools/progress.ts'
import { compileMutants } from './mutants/compile.ts'
import { mutants } from './mutants/index.ts'
import { Trial, type Verdict } from './mutants/trial.ts'
import type { Result } from './run.ts'

/** How many of the slowest mutants the summary names. */
const SLOWEST = 3
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Tries all mutants whose name or ids hold `only`.
 *
 * @param baseline what the tests say of the source as it is
 * @returns whether every one was killed by the ids that it names
 */
export async function runMutants(baseline: readonly Result[], only: string): Promise<boolean> {
  const chosen = mutants.filter(({ name, breaks }) => name.includes(only) || breaks.includes(only))
  const startedAt = performance.now()
  const compiled = await compileMutants(chosen)
  const progress = new Progress('mutants', { total: chosen.length })
  const verdicts: Verdict[] = []
  const trial = new Trial(baseline)
  await endedBySignals(trial, () =>
    trial.run(compiled, availableParallelism(), (verdict) => {
      verdicts.push(verdict)
      // A choice of them is short enough to show what killed each.
      if (verdict.problem !== undefined || only !== '') {
        progress.finish()
        console.log(describe(verdict))
      }
      progress.update(verdicts.length, `${survivorsOf(verdicts).length} alive`)
    }),
  )
  progress.finish()
  console.log(summary(verdicts, (performance.now() - startedAt) / 1000))
  return survivorsOf(verdicts).length === 0 && chosen.length > 0
}

/** Leaves neither processes nor copies behind if the user interrupts `task`. */
async function endedBySignals(trial: Trial, task: () => Promise<void>): Promise<void> {
  const interrupted = (): void => {
    trial.end()
    process.exit(130)
  }
  for (const signal of SIGNALS) process.once(signal, interrupted)
  try {
    await task()
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupted)
  }
}

function survivorsOf(verdicts: readonly Verdict[]): Verdict[] {
  return verdicts.filter(({ problem }) => problem !== undefined)
}

/** What was broken; then which tests failed, or should have failed. */
function describe({ mutant, problem, killers = [], seconds }: Verdict): string {
  const { name, breaks, file, from, to } = mutant
  const title = `${problem === undefined ? 'killed' : 'ALIVE'} ${name} [${breaks}] ${seconds.toFixed(2)} s`
  const outcome = problem ?? killers.map((killer) => `by ${killer}`).join('\n  ')
  return `${title}\n  in ${file}\n${marked('-', from)}\n${marked('+', to)}\n  ${outcome}\n`
}

function marked(sign: string, text: string): string {
  const lines = text.trimEnd().split('\n')
  return lines.map((line) => `  ${sign} ${line}`).join('\n')
}

function summary(verdicts: readonly Verdict[], seconds: number): string {
  const alive = survivorsOf(verdicts)
  const total = verdicts.reduce((sum, verdict) => sum + verdict.seconds, 0)
  const slowest = [...verdicts].sort((a, b) => b.seconds - a.seconds).slice(0, SLOWEST)
  return [
    ...alive.map(({ mutant }) => `alive: ${mutant.name} [${mutant.breaks}]`),
    `${verdicts.length - alive.length} of ${verdicts.length} mutants killed by the ids that they name`,
    `${seconds.toFixed(0)} s in all, ${(total / Math.max(1, verdicts.length)).toFixed(2)} s for each; the slowest:`,
    ...slowest.map((verdict) => `  ${verdict.seconds.toFixed(2)} s  ${verdict.mutant.name}`),
  ].join('\n')
}
