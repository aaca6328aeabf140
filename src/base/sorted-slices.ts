/**
 * Sorts names in steps: a hundred thousand at once take a tenth of a second.
 *
 *   runs of 512, each sorted ──merged in pairs──> 1,024 ──> 2,048 ──> … ──> one
 *
 * @module
 */
import type { Sliced } from './slices.ts'

const RUN_LENGTH = 512
/** Names that are read or merged in a step. */
const STEP_LENGTH = 64

/** In the order of their UTF-16 units, as `<` has it. */
export function* sortedNames(names: Iterable<string>): Sliced<string[]> {
  let runs: string[][] = []
  let run: string[] = []
  for (const name of names) {
    run.push(name)
    if (run.length % STEP_LENGTH === 0) yield
    if (run.length < RUN_LENGTH) continue
    runs.push(run.toSorted(byUnits))
    run = []
  }
  runs.push(run.toSorted(byUnits))
  while (runs.length > 1) {
    const merged: string[][] = []
    for (let at = 0; at < runs.length; at += 2) merged.push(yield* mergedOf(runs[at]!, runs[at + 1] ?? []))
    runs = merged
  }
  return runs[0]!
}

function* mergedOf(one: readonly string[], other: readonly string[]): Sliced<string[]> {
  const merged: string[] = []
  let [at, otherAt] = [0, 0]
  while (at < one.length || otherAt < other.length) {
    const isFirst = otherAt >= other.length || (at < one.length && one[at]! <= other[otherAt]!)
    merged.push(isFirst ? one[at++]! : other[otherAt++]!)
    if (merged.length % STEP_LENGTH === 0) yield
  }
  return merged
}

function byUnits(one: string, other: string): number {
  return one < other ? -1 : Number(one > other)
}
