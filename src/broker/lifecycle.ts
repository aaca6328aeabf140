/**
 * The states of a Broker, and what brings it from one to the next.
 *
 *   new ──start──> starting ──> started ──close──> closing ──> closed ──start──> starting
 *                      └────────close, or an error───^
 *
 * `RunningParts` knows what to start and to stop; this file decides when.
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import { SluiceError, UsageError } from '../base/errors.ts'
import { hasCode, messageOf } from '../base/thrown.ts'
import { within } from '../base/within.ts'
import type { ConfigSource } from '../config/config-problems.ts'
import type { ReloadChanges } from '../config/option-changes.ts'
import type { ConfigInput } from '../config/options.ts'
import { realClock, stayAlive } from '../turn/clock.ts'
import type { BrokerSettings, BrokerState, RunningFloorParts } from './broker-settings.ts'
import { readAgain, type ReloadView } from './host/read-again.ts'
import { closedMeanwhile, StartAttempt } from './host/start-attempt.ts'
import { RunningParts } from './running-parts.ts'
import type { Server } from './server.ts'

/** How long `close` may take unless the caller says otherwise. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 2000

export class Lifecycle {
  readonly parts: RunningParts
  readonly #signal: AbortSignal | undefined
  readonly #clock: Clock
  readonly #readConfig: BrokerSettings['readConfig']
  #state: BrokerState = 'new'
  /** The start in progress. When it ends, it sees that the broker is closing, and closes what it has opened. */
  #starting: StartAttempt | undefined
  #abort: () => void = () => {}
  #closing: Promise<void> | undefined
  #reloading: Promise<void> = Promise.resolve()

  constructor(config: ConfigInput, settings: BrokerSettings, floors: RunningFloorParts) {
    this.parts = new RunningParts(config, settings, floors, () => this.running())
    this.#signal = settings.signal
    this.#readConfig = settings.readConfig
    this.#clock = settings.clock ?? realClock
  }

  get state(): BrokerState {
    return this.#state
  }

  /** @throws {UsageError} if the broker is not running */
  running(): Server {
    if (this.parts.server !== undefined) return this.parts.server
    const wayOut = this.#state === 'starting' ? 'wait until start() has resolved' : 'call start() first'
    throw new UsageError(`the broker is ${this.#state}; ${wayOut}`)
  }

  /**
   * @param close called when the signal aborts: the `close` of the Broker, which a class of the program may override
   */
  async start(close: () => Promise<void>): Promise<void> {
    if (this.#state !== 'new' && this.#state !== 'closed') {
      throw new UsageError(`the broker is ${this.#state}; only a new or closed broker can be started`)
    }
    this.#state = 'starting'
    this.#closing = undefined
    const alive = stayAlive()
    const attempt = new StartAttempt()
    this.#starting = attempt
    const started = this.#startOrStop(attempt)
    attempt.over = started.catch(() => {}) // the caller of start() gets the error
    try {
      await started
    } finally {
      this.#starting = undefined
      alive.cancel()
    }
    this.parts.events.emit('started', { listeners: this.parts.listeners.all })
    // Nobody awaits this; what could not be stored is in the log.
    this.#abort = (): void => void close().catch(() => {})
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    if (this.#signal?.aborted === true) await close()
  }

  async #startOrStop(attempt: StartAttempt): Promise<void> {
    try {
      await this.parts.start(attempt, () => this.#mustStillStart())
      this.#mustStillStart()
      this.#state = 'started'
    } catch (error) {
      await this.parts.stop(DEFAULT_CLOSE_TIMEOUT_MS)
      if (this.#state === 'starting') this.#state = 'closed'
      // Plugins and stores of the program can throw anything.
      if (hasCode(error)) throw error
      throw new SluiceError('ERR_START', `the broker cannot start: ${messageOf(error)}`, { cause: error })
    }
  }

  /** A `close` does not wait until a large store is loaded. */
  #mustStillStart(): void {
    if (this.#state !== 'starting') throw closedMeanwhile()
  }

  close(timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS): Promise<void> {
    if (this.#state === 'new' || this.#state === 'closed') return Promise.resolve()
    return (this.#closing ??= this.#close(timeoutMs))
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#state = 'closing'
    this.parts.attempt('the signal', () => this.#signal?.removeEventListener('abort', this.#abort))
    this.parts.events.emit('closing', { connections: this.parts.server?.connections.size ?? 0 })
    const alive = stayAlive()
    if (this.#starting !== undefined) await this.#endStart(this.#starting, timeoutMs)
    const { unstoredChanges, error } = await this.parts.stop(timeoutMs).finally(() => alive.cancel())
    this.#state = 'closed'
    this.parts.events.emit('closed', { unstoredChanges })
    if (error !== undefined) throw error
  }

  /** Waits for the start to end, and gives it up if code of the program keeps it waiting. */
  async #endStart(attempt: StartAttempt, timeoutMs: number): Promise<void> {
    if (!(await within(attempt.over, timeoutMs, this.#clock))) attempt.giveUp()
    await attempt.over
  }

  /** @throws {UsageError} without a setting `readConfig` */
  async reread(): Promise<ReloadView> {
    this.running()
    const { input, source } = await readAgain(this.#readConfig)
    return { file: source?.file, ...(await this.reload(input, source)) }
  }

  /** Several calls are processed in their order. */
  reload(config: ConfigInput | undefined, source: ConfigSource | undefined): Promise<ReloadChanges> {
    const isStarted = (): boolean => this.#state === 'started'
    const done = this.#reloading.then(() => this.parts.reload(config ?? this.parts.config, source, isStarted))
    // The caller gets the error; calls that wait behind it only wait.
    this.#reloading = done.then(
      () => {},
      () => {},
    )
    return done
  }
}
