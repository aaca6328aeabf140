/**
 * The HTTP API for operators, as the broker sees it: opened with the broker, changed by a reload, closed with it. `src/admin/http`
 * implements it, and is loaded only if `admin` is configured.
 *
 *   reload ──> prepare: what is new opens ──> everything else of the reload ──> commit: what is no longer wanted closes
 *                                                     └── fails ──> abandon: what has just opened closes
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { Options } from '../../config/options.ts'
import type { Events } from '../../reporting/events.ts'
import type { ListenerCertificate } from './open-listeners.ts'

/** The parts that the API uses besides the broker itself. */
export interface AdminHost {
  readonly clock: Clock
  readonly log: Logger
  readonly events: Events
}

/** A change that is prepared; one of its methods has to be called. */
export interface AdminChange {
  /** Applies the new options. */
  commit(): void
  /** Leaves everything as it was. */
  abandon(): Promise<void>
}

/** The open API. */
export interface AdminDoor {
  /** Where it is served, such as `unix:/run/sluice/admin.sock` and `http://127.0.0.1:8083`. */
  readonly urls: readonly string[]
  /** Empty without TLS. */
  readonly certificates: readonly ListenerCertificate[]
  /**
   * Opens everything that new options add.
   *
   * @throws {ConfigError} if something cannot be opened or used; nothing has changed then
   */
  prepare(options: Options): Promise<AdminChange>
  /** Closes everything at once, including requests in progress. */
  close(): Promise<void>
}

/** @throws {ConfigError} as `AdminDoor.prepare` */
export type OpenAdmin = (options: Options, host: AdminHost) => Promise<AdminDoor>

/** The API of one broker, which may have none. */
export class AdminDoors {
  #door: AdminDoor | undefined = undefined
  #change: AdminChange | undefined = undefined
  readonly #open: OpenAdmin
  readonly #host: AdminHost

  constructor(open: OpenAdmin, host: AdminHost) {
    this.#open = open
    this.#host = host
  }

  get door(): AdminDoor | undefined {
    return this.#door
  }

  /** @throws {ConfigError} as `AdminDoor.prepare` */
  async open(options: Options): Promise<void> {
    if (options.admin !== undefined) this.#door = await this.#open(options, this.#host)
  }

  /** @throws {ConfigError} as `AdminDoor.prepare` */
  async prepare(options: Options): Promise<void> {
    const door = this.#door
    if (options.admin === undefined) {
      this.#change = { commit: () => void this.close(), abandon: () => Promise.resolve() }
    } else if (door === undefined) {
      const opened = await this.#open(options, this.#host)
      this.#change = { commit: () => (this.#door = opened), abandon: () => opened.close() }
    } else {
      this.#change = await door.prepare(options)
    }
  }

  commit(): void {
    const change = this.#change
    this.#change = undefined
    change?.commit()
  }

  async abandon(): Promise<void> {
    const change = this.#change
    this.#change = undefined
    await change?.abandon()
  }

  async close(): Promise<void> {
    const door = this.#door
    this.#door = undefined
    await door?.close()
  }
}
