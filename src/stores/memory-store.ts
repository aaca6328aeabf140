/** Keeps nothing: the Store of an embedded broker without `persistence`. Everything ends with the process. @module */
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { Loaded, Store } from './store.ts'

export class MemoryStore implements Store {
  readonly keeps = false

  /** A memory store is always well. */
  onHealth(): void {}

  load(): Promise<Loaded> {
    return Promise.resolve({ lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 })
  }

  write(): MaybePromise<void> {
    return undefined
  }

  read(): readonly Uint8Array[] {
    return []
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}
