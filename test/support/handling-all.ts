/** Nothing is left unhandled: a rejection that nobody handles ends the process of a program. @module */
import assert from 'node:assert/strict'

/** Runs it, and fails for a rejection that nobody has handled by its end, or what was thrown where nobody catches it. */
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
