/** Does steps and writes them down. @module */
import type { LateStep, PromptStep, Step } from './step.ts'
import type { World } from './world.ts'

export class Recording {
  readonly world: World
  readonly steps: Step[] = []

  constructor(world: World) {
    this.world = world
  }

  /** @throws {FuzzFailure} */
  play(step: PromptStep): void {
    this.steps.push(step)
    this.world.play(step)
  }

  /** @throws {FuzzFailure} */
  async playLate(step: LateStep): Promise<void> {
    this.steps.push(step)
    await this.world.playLate(step)
  }
}
