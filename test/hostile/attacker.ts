/** The attacker's process: does what a shape says, and then takes back what is kept for good. @module */
import type { ConfigInput } from '../../src/config/options.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { Attack, type Target } from './attack.ts'
import { answerRequests } from './child.ts'
import type { Plan } from './shape.ts'
import { shapes } from './shapes/index.ts'

/** Which attack, with which parameters. */
export interface AttackOrder {
  readonly shape: string
  readonly seed: number
}

/** What came of an attack. */
export interface AttackReport {
  readonly notes: readonly string[]
  readonly connections: number
  /** Bytes that it was sent and that were not its own to read. */
  readonly leaked: string | undefined
}

let plan: Plan

/** What was drawn, and what the broker's configuration needs for it. */
export interface Drawn {
  readonly parameters: string
  readonly stepUnits: number
  readonly fillsStore: boolean
  readonly config: ConfigInput
}

async function draw({ shape, seed }: AttackOrder): Promise<Drawn> {
  plan = shapes.find(({ name }) => name === shape)!.plan(new SeededRandom(seed))
  const { parameters, stepUnits = 0, fillsStore = false } = plan
  return { parameters, stepUnits, fillsStore, config: (await plan.prepare?.()) ?? {} }
}

async function run(target: Target, part: 'attack' | 'cleanUp'): Promise<AttackReport> {
  const attack = new Attack(target)
  await attack.orOver(Promise.resolve(plan[part]?.(attack)))
  const { notes, opened, leaked } = attack
  attack.hangUp()
  return { notes, connections: opened, leaked }
}

answerRequests({
  draw,
  attack: (target: Target) => run(target, 'attack'),
  cleanUp: (target: Target) => run(target, 'cleanUp'),
})
