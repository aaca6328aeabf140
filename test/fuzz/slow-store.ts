/**
 * A Store for fuzzed worlds: it keeps facts as plain Maps, insists that each refers to what is there, and takes as long
 * over a commit, or a payload, as the steps say.
 *
 * @module
 */
import type { MaybePromise } from '../../src/base/maybe-promise.ts'
import type { Change, Loaded, MessageRecord, Store } from '../../src/stores/store.ts'
import { StoreModel } from '../../src/testing/store-model.ts'
import type { Promises } from './login.ts'

/** Told what becomes of the Store. */
export interface StoreSide {
  fail(problem: string): void
  /** That message is committed. */
  stored(message: MessageRecord): void
}

export class SlowStore implements Store {
  readonly keeps = true
  readonly facts = new StoreModel()
  #promises: Promises | undefined
  readonly #side: StoreSide

  constructor(side: StoreSide) {
    this.#side = side
  }

  /** From now on answers wait in `promises`; before, each comes at once. */
  slowDown(promises: Promises): void {
    this.#promises = promises
  }

  /** It is slow, and always well. */
  onHealth(): void {}

  load(): Promise<Loaded> {
    return Promise.resolve({ lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 })
  }

  write(changes: readonly Change[]): MaybePromise<void> {
    const kept = changes.map((change) => keepable(change))
    for (const change of kept) this.facts.apply(change)
    this.#forget()
    const messages = kept.flatMap((change) => (change.kind === 'message' ? [change.message] : []))
    const stored = (): void => messages.forEach((message) => this.#side.stored(message))
    if (this.#promises !== undefined) return this.#promises.later(undefined).then(stored)
    stored()
    return undefined
  }

  /** A message lives as long as something refers to it, and no longer than the turn in which nothing does. */
  #forget(): void {
    const referred = this.facts.referred()
    for (const messageNumber of this.facts.messages.keys()) {
      if (!referred.has(messageNumber)) this.facts.messages.delete(messageNumber)
    }
  }

  read(messageNumbers: readonly number[]): MaybePromise<readonly Uint8Array[]> {
    const payloads = messageNumbers.map((messageNumber) => {
      const message = this.facts.messages.get(messageNumber)
      if (message === undefined)
        this.#side.fail(`message ${messageNumber} is read, which nothing in the Store refers to`)
      return message?.payload ?? new Uint8Array(0)
    })
    return this.#promises?.later(payloads) ?? payloads
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

/** A payload may lie in memory that is used again once `write` has returned. */
function keepable(change: Change): Change {
  if (change.kind !== 'message') return change
  return { kind: 'message', message: { ...change.message, payload: Uint8Array.from(change.message.payload) } }
}
