/**
 * Steps as text, and what a unit test makes of them: paste what the fuzzer printed.
 *
 *     test('a bug', () => replay(`
 *       world 7
 *       open 0 1
 *       send 0 100c00044d5154540402003c0000
 *       end
 *     `))
 *
 * @module
 */
import assert from 'node:assert/strict'
import { replaySteps } from './shrink.ts'
import { parseStep, printStep, type Step } from './step.ts'

export function printReplay(world: number, steps: readonly Step[]): string {
  return [`world ${world}`, ...steps.map((step) => printStep(step))].join('\n')
}

/** @throws {AssertionError} when the broker fails again */
export async function replay(text: string): Promise<void> {
  const [first = '', ...lines] = text.split('\n').filter((line) => line.trim() !== '')
  const world = Number(first.trim().replace(/^world /, ''))
  const problem = await replaySteps(
    world,
    lines.map((line) => parseStep(line)),
  )
  assert.equal(problem, undefined)
}
