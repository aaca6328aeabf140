/** The load generator as a separate process: it receives one job from its parent and sends one answer. @module */
import { drive } from './driver/drive.ts'
import type { Target } from './driver/raw-connection.ts'
import type { Measurement } from './driver/measurement.ts'
import { readSysNumber } from './driver/sys.ts'
import type { Job } from './driver/shape.ts'
import { readUsage } from './usage.ts'

/** The message from the parent. */
export interface GeneratorRequest {
  readonly target: Target
  readonly job: Job
  /** The broker's process, if it runs on this machine and may be inspected. */
  readonly pid?: number | undefined
  /** The topic on which the broker publishes its longest turn. */
  readonly turnTopic?: string | undefined
}

/** The answer to the parent. */
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
