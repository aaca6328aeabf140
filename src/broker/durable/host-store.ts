/**
 * A Store of the host program, as the broker uses it: the guard around that foreign code. Whatever its methods throw,
 * reject with or return is turned into what `stores/store.ts` promises: an Error of Sluice with the cause, a payload or
 * none, a number.
 *
 *   load    throws, or resolves with no `Loaded`   StoreError `ERR_STORE_LOAD`: the broker does not start
 *   write   throws, or rejects                     StoreError `ERR_STORE_DISK`: the Store counts as failing (`turn/store-gate.ts`)
 *   read    throws, or resolves with no list       StoreError `ERR_STORE_DISK`: tried again (`payloads.ts`)
 *   close   throws, rejects, or never ends         StoreError `ERR_STORE_CLOSE` (`store-end.ts`)
 *   others  throw, or return rubbish               as if the Store did not have them
 *
 * @module
 */
import { types } from 'node:util'
import type { Clock } from '../../base/clock.ts'
import { SluiceError, StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { MaybePromise } from '../../base/maybe-promise.ts'
import { isOurs, kindOf, messageOf, watchPromise } from '../../base/thrown.ts'
import type {
  Change,
  Damage,
  Durability,
  Loaded,
  LoadProgress,
  Store,
  StoreFigures,
  StoreHealth,
} from '../../stores/store.ts'

/** The least time between two log lines. */
const FAILURE_LOG_INTERVAL_MS = 1000
const CONDITIONS: readonly unknown[] = ['well', 'full', 'failing'] satisfies StoreHealth['condition'][]
const NUMBERS = ['lastSessionNumber', 'lastMessageNumber', 'newestRecordMs'] as const satisfies (keyof Loaded)[]

export class HostStore implements Store {
  readonly keeps: boolean
  readonly #own: Store
  readonly #log: Logger
  readonly #clock: Clock
  #loggedAtMs = -Infinity
  #failuresSinceLastLine = 0

  constructor(own: Store, log: Logger, clock: Clock) {
    this.keeps = own.keeps
    this.#own = own
    this.#log = log
    this.#clock = clock
  }

  get roomBytes(): number {
    const bytes: unknown = this.#ask('roomBytes', () => this.#own.roomBytes)
    return typeof bytes === 'number' && bytes >= 0 ? bytes : Infinity
  }

  get damage(): readonly Damage[] {
    const damage: unknown = this.#ask('damage', () => this.#own.damage)
    return Array.isArray(damage) ? (damage as Damage[]).filter((one) => typeof one === 'object' && one !== null) : []
  }

  figures(): StoreFigures | undefined {
    const figures: unknown = this.#ask('figures', () => this.#own.figures?.())
    return typeof figures === 'object' && figures !== null ? (figures as StoreFigures) : undefined
  }

  /** Asks for something that the broker can do without. */
  #ask<Value>(what: string, ask: () => Value): Value | undefined {
    const failed = (error: unknown): void => this.#failed(what, error)
    try {
      const value = ask()
      watchPromise(value, failed)
      return value
    } catch (error) {
      failed(error)
      return undefined
    }
  }

  /** Logs a failure, at most once a second: some of these questions follow every message. */
  #failed(what: string, error: unknown): void {
    const now = this.#clock.now()
    if (now - this.#loggedAtMs < FAILURE_LOG_INTERVAL_MS) {
      this.#failuresSinceLastLine++
      return
    }
    const fields = { err: error, failuresSinceLastLine: this.#failuresSinceLastLine }
    this.#loggedAtMs = now
    this.#failuresSinceLastLine = 0
    this.#log.error(fields, `the store of this program failed in ${what}: ${messageOf(error)}`)
  }

  onHealth(listener: (health: StoreHealth) => void): void {
    try {
      const listening: unknown = this.#own.onHealth((health) => {
        const read = this.#ask('onHealth', () => readHealth(health))
        if (read !== undefined) listener(read)
      })
      this.#ask('onHealth', () => listening)
    } catch (error) {
      throw failure('ERR_STORE_LOAD', 'cannot report its health', error)
    }
  }

  async load(
    apply: (change: Change) => void,
    progress?: (progress: LoadProgress) => void,
    begins?: (newestRecordMs: number) => void,
  ): Promise<Loaded> {
    const ours = new Calls()
    try {
      const loaded = await this.#own.load(ours.guard(apply), ours.guard(progress), ours.guard(begins))
      ours.end()
      return readLoaded(loaded)
    } catch (error) {
      throw failure('ERR_STORE_LOAD', 'cannot be loaded', error)
    }
  }

  write(changes: readonly Change[], level: Durability): MaybePromise<void> {
    const failed = (error: unknown): never => {
      throw failure('ERR_STORE_DISK', 'rejected a write', error)
    }
    try {
      const written: unknown = this.#own.write(changes, level)
      if (written === undefined) return undefined
      return Promise.resolve(written).then(() => undefined, failed)
    } catch (error) {
      return failed(error)
    }
  }

  async read(messageNumbers: readonly number[]): Promise<readonly (Uint8Array | undefined)[]> {
    try {
      const payloads: unknown = await this.#own.read(messageNumbers)
      if (!Array.isArray(payloads) || payloads.length !== messageNumbers.length) {
        throw new StoreError('ERR_STORE_DISK', `read() has to give ${messageNumbers.length} payloads in a list`)
      }
      return payloads.map((payload: unknown) => (types.isUint8Array(payload) ? payload : undefined))
    } catch (error) {
      throw failure('ERR_STORE_DISK', 'cannot read payloads', error)
    }
  }

  async close(): Promise<void> {
    try {
      await this.#own.close()
    } catch (error) {
      throw failure('ERR_STORE_CLOSE', 'cannot be closed', error)
    }
  }
}

/** Errors of Sluice already say what is needed, for example that the broker was closed while it started. */
function failure(code: string, what: string, error: unknown): SluiceError {
  if (isOurs(error)) return error
  return new StoreError(code, `the store of this program ${what}: ${messageOf(error)}`, { cause: error })
}

/** @throws {StoreError} if the report is not valid */
function readHealth({ condition, cause }: StoreHealth): StoreHealth {
  if (!CONDITIONS.includes(condition)) {
    throw new StoreError('ERR_STORE_DISK', `its condition must be well, full or failing, got ${kindOf(condition)}`)
  }
  if (condition === 'well' || cause === undefined || cause === 'max-bytes') return { condition, cause }
  return { condition, cause: new StoreError('ERR_STORE_DISK', messageOf(cause), { cause }) }
}

/** @throws {StoreError} if it is not a `Loaded` */
function readLoaded(loaded: Loaded): Loaded {
  for (const name of NUMBERS) {
    const value: unknown = loaded[name]
    if (typeof value === 'number' && value >= 0 && value < Infinity) continue
    throw new StoreError(
      'ERR_STORE_LOAD',
      `the store of this program cannot be loaded: ${name} must be a number from 0`,
    )
  }
  return loaded
}

/** The functions that a Store calls while it loads. A Store that swallows an error of one of them has not loaded. */
class Calls {
  #failure: { readonly error: unknown } | undefined
  #isOver = false

  guard<What>(call: ((what: What) => void) | undefined): (what: What) => void {
    return (what) => {
      if (this.#isOver) throw new StoreError('ERR_STORE_LOAD', 'load() has ended: nothing is applied any more')
      try {
        call?.(what)
      } catch (error) {
        this.#failure ??= { error }
        throw error
      }
    }
  }

  end(): void {
    this.#isOver = true
    if (this.#failure !== undefined) throw this.#failure.error
  }
}
