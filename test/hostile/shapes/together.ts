/** What single attacks do not find: two at a time, and an operator who is busy as well. @module */
import type { SeededRandom } from '../../../src/testing/random.ts'
import type { Plan, Shape } from '../shape.ts'

/** @param alone the shapes to draw from; those that need a configuration of their own stay alone */
export function togetherShapes(alone: readonly Shape[]): readonly Shape[] {
  const plan = (random: SeededRandom): Plan => {
    const [one, other] = [draw(random, alone), draw(random, alone)]
    return {
      parameters: `${one.name} (${one.plan.parameters}) with ${other.name} (${other.plan.parameters})`,
      stepUnits: (one.plan.stepUnits ?? 0) + (other.plan.stepUnits ?? 0),
      attack: (attack) => Promise.all([one.plan.attack(attack), other.plan.attack(attack)]),
      async cleanUp(attack) {
        await one.plan.cleanUp?.(attack)
        await other.plan.cleanUp?.(attack)
      },
    }
  }
  return [
    { name: 'two-at-a-time', tries: 'two of the others, drawn by chance, at the same time', plan },
    {
      name: 'reloads',
      tries: 'one of the others while the configuration is reloaded again and again',
      reloads: true,
      plan: (random) => {
        const { name, plan: drawn } = draw(random, alone)
        return { ...drawn, parameters: `${name}: ${drawn.parameters}` }
      },
    },
  ]
}

function draw(random: SeededRandom, alone: readonly Shape[]): { readonly name: string; readonly plan: Plan } {
  for (;;) {
    const shape = random.pick(alone)
    const plan = shape.plan(random)
    if (plan.prepare === undefined && shape.guarded !== true && shape.stallsLog !== true)
      return { name: shape.name, plan }
  }
}
