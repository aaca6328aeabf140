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
