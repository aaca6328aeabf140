/** Tries mutants, as many at once as there are processors, each in a copy of the project. @module */
import type { ChildProcess } from 'node:child_process'
import { keysIn } from '../ledger.ts'
import type { Result } from '../run.ts'
import { attempt } from './attempt.ts'
import type { CompiledMutant } from './compile.ts'
import type { Mutant } from './mutant.ts'
import { Scratch } from './scratch.ts'

interface Outcome {
  /** What is wrong with it; absent if tests of all the statements that it names failed. */
  readonly problem?: string
  /** Tests that failed, one for each statement, with the first line of what was thrown. */
  readonly killers?: readonly string[]
}

export interface Verdict extends Outcome {
  readonly mutant: Mutant
  readonly seconds: number
}

export class Trial {
  readonly #baseline: readonly Result[]
  readonly #scratches = new Set<Scratch>()
  readonly #children = new Set<ChildProcess>()

  /** @param baseline what the tests say of the source as it is */
  constructor(baseline: readonly Result[]) {
    this.#baseline = baseline
  }

  /** Tries all of `mutants`; calls `onVerdict` as soon as one is decided. */
  async run(mutants: readonly CompiledMutant[], atOnce: number, onVerdict: (verdict: Verdict) => void): Promise<void> {
    const waiting = mutants.values()
    const work = async (): Promise<void> => {
      const scratch = await Scratch.make()
      this.#scratches.add(scratch)
      // The workers share one iterator: each takes the next mutant when it has decided its last.
      for (const mutant of waiting) onVerdict(await this.#decide(scratch, mutant))
    }
    try {
      await Promise.all(Array.from({ length: atOnce }, work))
    } finally {
      this.end()
    }
  }

  /** Ends all processes and removes the copies. */
  end(): void {
    for (const child of this.#children) child.kill('SIGKILL')
    for (const scratch of this.#scratches) scratch.remove()
  }

  async #decide(scratch: Scratch, compiled: CompiledMutant): Promise<Verdict> {
    const startedAt = performance.now()
    const { mutant } = compiled
    const outcome: Outcome =
      'problem' in compiled ? { problem: compiled.problem } : await this.#try(scratch, mutant, compiled.code)
    return { ...outcome, mutant, seconds: (performance.now() - startedAt) / 1000 }
  }

  /** Runs the tests of the statements that a mutant breaks. */
  async #try(scratch: Scratch, mutant: Mutant, code: string): Promise<Outcome> {
    const keys = keysIn(`[${mutant.breaks}]`)
    const named = this.#baseline.filter((result) => result.keys.some((key) => keys.includes(key)))
    const unproven = keys.filter((key) => !named.some((result) => result.passed && result.keys.includes(key)))
    if (unproven.length > 0) return { problem: `no passing test names ${unproven.join(', ')}` }
    const files = [...new Set(named.map(({ file }) => scratch.compiledPath(file)))]
    const { killedBy, problem } = await scratch.withBroken(mutant.file, code, () =>
      attempt(scratch.folder, files, keys, (child) => this.#watch(child)),
    )
    const survived = keys.filter((key) => !killedBy.has(key))
    const killers = [...new Set(killedBy.values())].map((report) => `${report.name}: ${report.problem}`)
    return survived.length === 0 ? { killers } : { problem: problem ?? survival(survived, named) }
  }

  #watch(child: ChildProcess): void {
    this.#children.add(child)
    child.once('close', () => this.#children.delete(child))
  }
}

/** The statements of which no test failed, with the tests that should have. */
function survival(survived: readonly string[], named: readonly Result[]): string {
  const expected = named.filter((result) => result.keys.some((key) => survived.includes(key)))
  return [
    `survived the tests of ${survived.join(', ')}; one of these should have failed:`,
    ...expected.map(({ file, name }) => `    ${file}: ${name}`),
  ].join('\n')
}
