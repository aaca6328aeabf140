/** Checks that no error stays unhandled: an unhandled rejection ends the process of a program. @module */
import assert from 'node:assert/strict'

/** Runs it, and fails if a rejection is not handled by its end, or an exception is not caught. */
export async function handlingAll(run: () => Promise<void>): Promise<void> {
  const unhandled: unknown[] = []
  const note = (error: unknown): void => void unhandled.push(error)
  process.on('unhandledRejection', note)
  process.on('uncaughtException', note)
  try {
    await run()
    for (let round = 0; round < 5; round++) await new Promise((resolve) => setImmediate(resolve))
  } finally {
    process.off('unhandledRejection', note)
    process.off('uncaughtException', note)
  }
  assert.deepEqual(unhandled, [])
}
