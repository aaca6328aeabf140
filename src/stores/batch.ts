/** Turns that arrive while a commit is in progress, and are then committed together. @module */
import type { TurnBuffer } from './turn-buffer.ts'

export interface Deferred {
  readonly promise: Promise<void>
  readonly resolve: () => void
}

export function deferred(): Deferred {
  let resolve: () => void = () => undefined
  const promise = new Promise<void>((done) => (resolve = done))
  return { promise, resolve }
}

/** Turns that are committed together, and the promises of those who wait for them. */
export class Batch {
  readonly buffer: TurnBuffer
  wantsSync = false
  appended = false
  readonly written = deferred()
  readonly synced = deferred()

  constructor(buffer: TurnBuffer) {
    this.buffer = buffer
  }
}
