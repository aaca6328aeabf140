/**
 * The Store as the broker uses it: a write that never rejects, and the answers to "may this be added?" and "can anything be
 * stored at all?", which are asked before anything is accepted.
 *
 *   condition   new messages, Sessions, Subscriptions   acknowledged, ended, resumed
 *   well        accepted                                stored
 *   full        refused                                 stored
 *   failing     refused                                 waits, and is stored once the Store works again
 *
 * The Store reports how it is; it does not reject. One that rejects all the same (a host program's own) has stored nothing of
 * that batch: it counts as failing, and is given the batch again until it takes it.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { InvariantError, StoreError } from '../base/errors.ts'
import type { Logger } from '../base/log.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'
import { show } from '../base/show.ts'
import type { Change, Durability, Store, StoreHealth } from '../stores/store.ts'

const FIRST_RETRY_MS = 50
const LONGEST_RETRY_MS = 5000

/** A Session that resumes is a record as well: with less room not even that would be answered. */
const LEAST_ROOM_BYTES = 4096

const WELL: StoreHealth = { condition: 'well', cause: undefined }

/** What a Turn needs of a Store. */
export interface TurnStore {
  /** Bytes that can be written now; Infinity where there is no limit. */
  readonly roomBytes: number
  write(changes: readonly Change[], level: Durability): MaybePromise<void>
}

export class StoreGate implements TurnStore {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #changed: (health: StoreHealth) => void
  /** What the Store says of itself, and what its writes say. */
  #said: StoreHealth = WELL
  #fault: Error | undefined
  #health: StoreHealth = WELL
  #isClosed = false

  /** Set by the broker, besides: `health` is another. */
  onChanged: () => void = () => {}

  /** @param changed called whenever `health` is another */
  constructor(store: Store, clock: Clock, log: Logger, changed: (health: StoreHealth) => void) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#changed = changed
    store.onHealth((health) => {
      // The host program's own may be loaded again by the next start, which has a gate of its own.
      if (this.#isClosed) return
      this.#said = health
      this.#judge()
    })
  }

  get health(): StoreHealth {
    return this.#health
  }

  get roomBytes(): number {
    return this.#store.roomBytes ?? Infinity
  }

  /** Whether something new of so many bytes may be accepted. Hot: asked for every PUBLISH of QoS 1 and 2. */
  canAdd(bytes: number): boolean {
    return this.#health === WELL && bytes <= this.roomBytes
  }

  /** Whether what takes away, or costs no more than so many bytes, can be stored. */
  canTakeAway(bytes = 0): boolean {
    return this.#health.condition !== 'failing' && Math.max(bytes, LEAST_ROOM_BYTES) <= this.roomBytes
  }

  /** As `Store.write`; a write that fails is reported, and done again until it succeeds. */
  write(changes: readonly Change[], level: Durability): MaybePromise<void> {
    const done = this.#tryWrite(changes, level)
    return done?.catch((error: unknown) => this.#writeAgain(changes, level, errorOf(error)))
  }

  /** Gives up what waits: the Store is not written any more. */
  close(): void {
    this.#isClosed = true
  }

  #tryWrite(changes: readonly Change[], level: Durability): Promise<void> | undefined {
    try {
      const done = this.#store.write(changes, level) as Promise<void> | undefined
      // The host program's own may return what can be awaited and is no Promise.
      return done === undefined || done instanceof Promise ? done : Promise.resolve(done)
    } catch (error) {
      // Our own mistake is loud.
      if (error instanceof InvariantError) throw error
      return Promise.reject(errorOf(error))
    }
  }

  async #writeAgain(changes: readonly Change[], level: Durability, error: Error): Promise<void> {
    let cause = error
    for (let delayMs = FIRST_RETRY_MS; ; delayMs = Math.min(delayMs * 2, LONGEST_RETRY_MS)) {
      this.#log.error(
        { err: cause },
        `the store could not write ${changes.length} changes; trying again in ${delayMs} ms`,
      )
      this.#fail(cause)
      await new Promise<void>((resolve) => void this.#clock.setTimer(delayMs, resolve))
      // What is given up is never stored.
      if (this.#isClosed) return new Promise<never>(() => {})
      try {
        await this.#tryWrite(changes, level)
        break
      } catch (again) {
        cause = errorOf(again)
      }
    }
    this.#fail(undefined)
  }

  #fail(cause: Error | undefined): void {
    this.#fault = cause
    this.#judge()
  }

  #judge(): void {
    const said = this.#said.condition === 'well' ? WELL : this.#said
    const health: StoreHealth = this.#fault === undefined ? said : { condition: 'failing', cause: this.#fault }
    if (health === this.#health) return
    this.#health = health
    this.#changed(health)
    this.onChanged()
  }
}

/** A Store may reject with anything; without a cause it would count as well. */
function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new StoreError('ERR_STORE_DISK', `the store rejected a write with ${show(thrown)}`, { cause: thrown })
}
