/**
 * The Store as the broker uses it: a write that never rejects, and the answers to "may this be added?" and "can
 * anything be stored at all?", which are needed before anything is accepted.
 *
 *   condition   new messages, Sessions, Subscriptions   acknowledged, ended, resumed
 *   well        accepted                                stored
 *   full        refused                                 stored
 *   failing     refused                                 waits, and is stored once the Store works again
 *
 * The Store reports its condition and does not reject. If one does (a host program's own), it has stored nothing of
 * that batch: it counts as failing, and is given the batch again until it succeeds.
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

/** A Session that resumes needs a record as well, which must have room. */
const LEAST_ROOM_BYTES = 4096

const WELL: StoreHealth = { condition: 'well', cause: undefined }

/** The parts of a Store that a Turn uses. */
export interface TurnStore {
  /** Bytes that can be written now; Infinity if there is no limit. */
  readonly roomBytes: number
  write(changes: readonly Change[], level: Durability): MaybePromise<void>
}

export class StoreGate implements TurnStore {
  readonly #store: Store
  readonly #clock: Clock
  readonly #log: Logger
  readonly #changed: (health: StoreHealth) => void
  /** The health that the Store reports, and that of its writes. */
  #said: StoreHealth = WELL
  #fault: Error | undefined
  #health: StoreHealth = WELL
  #isClosed = false

  /** Set by the broker; called as well when `health` has changed. */
  onChanged: () => void = () => {}

  /** @param changed called whenever `health` has changed */
  constructor(store: Store, clock: Clock, log: Logger, changed: (health: StoreHealth) => void) {
    this.#store = store
    this.#clock = clock
    this.#log = log
    this.#changed = changed
    store.onHealth((health) => {
      // A Store of the host program may be loaded again by the next start, which has a gate of its own.
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

  /** Whether something new of so many bytes may be accepted. Hot: runs for every PUBLISH of QoS 1 and 2. */
  canAdd(bytes: number): boolean {
    return this.#health === WELL && bytes <= this.roomBytes
  }

  /** Whether a Change that takes away, or adds no more than so many bytes, can be stored. */
  canTakeAway(bytes = 0): boolean {
    return this.#health.condition !== 'failing' && Math.max(bytes, LEAST_ROOM_BYTES) <= this.roomBytes
  }

  /** Like `Store.write`, but a write that fails is reported and repeated until it succeeds. */
  write(changes: readonly Change[], level: Durability): MaybePromise<void> {
    const done = this.#tryWrite(changes, level)
    return done?.catch((error: unknown) => this.#writeAgain(changes, level, errorOf(error)))
  }

  /** Gives up what waits; nothing more is written. */
  close(): void {
    this.#isClosed = true
  }

  #tryWrite(changes: readonly Change[], level: Durability): Promise<void> | undefined {
    try {
      const done = this.#store.write(changes, level) as Promise<void> | undefined
      // A Store of the host program may return a thenable that is no Promise.
      return done === undefined || done instanceof Promise ? done : Promise.resolve(done)
    } catch (error) {
      // A mistake of the broker must be loud.
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
      // Changes that were given up are never stored.
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

/** A Store may reject with anything; without a cause, it would count as well. */
function errorOf(thrown: unknown): Error {
  if (thrown instanceof Error) return thrown
  return new StoreError('ERR_STORE_DISK', `the store rejected a write with ${show(thrown)}`, { cause: thrown })
}
