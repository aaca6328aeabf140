/** Waiting, but not for ever. @module */
import type { Clock } from './clock.ts'

/**
 * Waits for a promise, but no longer than that.
 *
 * @returns whether it was fulfilled in time
 * @throws what it was rejected with in time; a later rejection is ignored
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
