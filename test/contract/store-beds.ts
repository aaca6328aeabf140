/** Clocks and disks that the store tests share. @module */
import type { Clock, Timer } from '../../src/base/clock.ts'
import { StoreError } from '../../src/base/errors.ts'
import { JournalStore } from '../../src/stores/journal-store.ts'
import type { JournalStoreOptions } from '../../src/stores/journal-store.ts'
import type { MemoryDisk } from '../../src/stores/memory-disk.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import type { StoreModel } from '../../src/testing/store-model.ts'

/** Time that passes only when somebody waits for it: a timer is due as soon as nothing else is to be done. */
export class JumpingClock implements Clock {
  #nowMs = 0
  #random: SeededRandom

  constructor(seed: number) {
    this.#random = new SeededRandom(seed)
  }

  now(): number {
    this.#nowMs += 0.01
    return this.#nowMs
  }

  wallNow(): number {
    return 1_700_000_000_000 + Math.floor(this.#nowMs)
  }

  setTimer(delayMs: number, fire: () => void): Timer {
    const dueMs = this.#nowMs + delayMs
    const immediate = setImmediate(() => {
      this.#nowMs = Math.max(this.#nowMs, dueMs)
      fire()
    })
    return { cancel: () => clearImmediate(immediate) }
  }

  atEndOfTurn(run: () => void): void {
    setImmediate(run)
  }

  randomBytes(length: number): Uint8Array {
    return Uint8Array.from({ length }, () => this.#random.integer(256))
  }

  random(): number {
    return this.#random.next()
  }
}

/** Segments and checkpoints so small that a few turns fill several. */
export const tiny = { segmentBytes: 3000, checkpointBytes: 8000 }

export function memoryStore(disk: MemoryDisk, options: Partial<JournalStoreOptions> = {}): JournalStore {
  return new JournalStore({ disk, clock: new JumpingClock(1), ...tiny, ...options })
}

/** What a start finds, which a store that is closed at once then leaves as it is. */
export async function reopened(disk: MemoryDisk): Promise<StoreModel> {
  const store = memoryStore(disk)
  try {
    const model = await loadModel(store)
    await store.close()
    return model
  } catch (error) {
    if (!isTornAtBirth(error)) throw error
    const repaired = memoryStore(disk, { repair: true })
    const model = await loadModel(repaired)
    await repaired.close()
    return model
  }
}

/**
 * Where the first bytes of a new store are garbage, a start cannot know whose file it is, and leaves it alone: it names
 * `--repair` as the way out, and that must lose nothing.
 */
function isTornAtBirth(error: unknown): boolean {
  return (
    error instanceof StoreError && error.code === 'ERR_STORE_FOREIGN' && /if a power cut left it/.test(error.message)
  )
}
