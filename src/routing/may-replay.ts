/** The question about a retained message before it is sent to somebody. @module */
import type { ApplicationMessage } from '../protocol/application-message.ts'

/** Whether the publisher of a retained message may still publish it. */
export type MayReplay = (message: ApplicationMessage) => boolean | Promise<LateReplay>

/** An answer that took time. */
export interface LateReplay {
  /** What it is now: a promise if it has to be waited for once more. */
  now(): ReturnType<MayReplay>
}
