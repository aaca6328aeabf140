/** Waiting for what real files, keys, workers and services do, however slow they are. @module */
import assert from 'node:assert/strict'
import type { VirtualBroker } from './virtual-broker.ts'

const PATIENCE_MS = 60_000

/**
 * Lets the broker go on until something holds.
 *
 * @param what it waits for, for the error
 */
export async function settledUntil(broker: VirtualBroker, what: string, isSo: () => boolean): Promise<void> {
  const givesUpAtMs = performance.now() + PATIENCE_MS
  while (!isSo()) {
    assert.ok(performance.now() < givesUpAtMs, `still not: ${what}`)
    await broker.settle()
  }
}

/** Waits until something holds that a real broker, or a program, is about to do. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const givesUpAtMs = performance.now() + PATIENCE_MS
  while (!(await isSo())) {
    assert.ok(performance.now() < givesUpAtMs, `still not: ${what}`)
    await new Promise<void>((resolve) => setImmediate(resolve))
  }
}
