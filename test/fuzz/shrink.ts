/**
 * Makes a list of steps that fails as short as time allows: takes parts away, large ones first, as long as it still
 * fails.
 *
 * @module
 */
import { isLate, type Step } from './step.ts'
import { World } from './world.ts'

/** How a world ends after these steps: with a problem, or without. */
export async function replaySteps(world: number, steps: readonly Step[]): Promise<string | undefined> {
  const replayed = new World(world)
  try {
    for (const step of steps) {
      if (isLate(step)) await replayed.playLate(step)
      else replayed.play(step)
    }
  } catch {
    return replayed.problem
  }
  return undefined
}

/** What a problem is about, whoever it hit. */
export function kindOf(problem: string): string {
  return problem
    .replace(/^client .*?: /, '')
    .replace(/\d+/g, '')
    .slice(0, 30)
}

/**
 * @param fails whether these steps show it still
 * @returns the shortest list that was found in `limitMs`; the whole one if it does not fail again
 */
export async function shrink(
  steps: readonly Step[],
  fails: (steps: readonly Step[]) => Promise<boolean>,
  limitMs: number,
): Promise<readonly Step[]> {
  const until = performance.now() + limitMs
  const lastEpisode = steps.slice(steps.findLastIndex((step, at) => step.do === 'end' && at < steps.length - 1) + 1)
  let kept = (await fails(lastEpisode)) ? lastEpisode : steps
  for (let size = Math.ceil(kept.length / 2); size >= 1;) {
    let shorter = false
    for (let at = 0; at < kept.length && performance.now() < until;) {
      const without = [...kept.slice(0, at), ...kept.slice(at + size)]
      if (await fails(without)) {
        kept = without
        shorter = true
      } else at += size
    }
    if (performance.now() >= until || (size === 1 && !shorter)) break
    size = size === 1 ? 1 : Math.ceil(size / 2)
  }
  return kept
}
