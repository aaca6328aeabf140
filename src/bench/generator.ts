/** The load generator as a process of its own: one job comes over the channel from its parent, one answer goes back. @module */
import { drive } from './driver/drive.ts'
import type { Target } from './driver/link.ts'
import type { Measurement } from './driver/measurement.ts'
import { readSysNumber } from './driver/sys.ts'
import type { Job } from './driver/shape.ts'
import { readUsage } from './usage.ts'

/** What the parent sends. */
export interface GeneratorRequest {
  readonly target: Target
  readonly job: Job
  /** The broker's process, if it runs on this machine and is ours to look at. */
  readonly pid?: number | undefined
  /** Where the broker tells its longest turn. */
  readonly turnTopic?: string | undefined
}

/** What the parent gets. */
export type GeneratorAnswer = { readonly measurement: Measurement } | { readonly error: string }

async function answer({ target, job, pid, turnTopic }: GeneratorRequest): Promise<GeneratorAnswer> {
  try {
    const measurement = await drive(target, job, () => (pid === undefined ? undefined : readUsage(pid)))
    const longestTurnMs = turnTopic === undefined ? undefined : await readSysNumber(target, turnTopic)
    return { measurement: { ...measurement, longestTurnMs } }
  } catch (error) {
    return { error: error instanceof Error ? `${error.name}: ${error.message}` : String(error) }
  }
}

process.once('disconnect', () => process.exit())
process.once('message', (request: GeneratorRequest) => {
  void answer(request).then((result) => process.send?.(result, () => process.exit()))
})
