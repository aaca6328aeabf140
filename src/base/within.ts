/** Waits with a time limit. @module */
import type { Clock } from './clock.ts'

/**
 * Waits for a promise for a limited time.
 *
 * @returns whether it was fulfilled in time
 * @throws its error if it was rejected in time; a later rejection is ignored
 */
export function within(promise: Promise<unknown>, timeoutMs: number, clock: Clock): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const timer = clock.setTimer(timeoutMs, () => resolve(false))
    promise.then(
      () => {
        timer.cancel()
        resolve(true)
      },
      (error: unknown) => {
        timer.cancel()
        reject(error as Error)
      },
    )
  })
}
