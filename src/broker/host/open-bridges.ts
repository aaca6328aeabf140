/**
 * The bridges to other brokers, as the broker sees them: opened with it, changed by a reload, closed with it.
 * `src/bridges` implements them, and is loaded only if `bridges` is configured.
 *
 *   reload ──> prepare: files are read ──> everything else of the reload ──> apply: bridges begin, change and end
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { ActiveConfig } from '../../config/active-config.ts'
import type { Options } from '../../config/options.ts'
import type { Events } from '../../reporting/events.ts'
import type { BridgeView } from './bridge-view.ts'

/** The parts that bridges use besides the broker itself. */
export interface BridgesHost {
  readonly clock: Clock
  readonly log: Logger
  readonly events: Events
}

/** The bridges of a broker. */
export interface Bridges {
  /** In the order of the configuration. */
  readonly views: readonly BridgeView[]
  /**
   * Reads the files that new options name.
   *
   * @returns what applies them
   * @throws {ConfigError} if one cannot be used; nothing has changed then
   */
  prepare(options: Options): Promise<() => void>
  /**
   * Keeps a bridge disconnected, or lets it connect again, until the next reload.
   *
   * @returns whether there is such a bridge
   */
  setPaused(name: string, isPaused: boolean): boolean
  /** See `ActiveConfig.returns`. */
  readonly returns: ActiveConfig['returns']
  /** Ends all connections to other brokers. Sessions are kept. */
  close(): void
}

export type LoadBridges = (host: BridgesHost) => Promise<Bridges>

/** Those of one broker, which may have none. */
export class OpenBridges {
  static readonly #byServer = new WeakMap<object, OpenBridges>()
  #bridges: Bridges | undefined = undefined
  /** Tests replace it. */
  load: LoadBridges
  readonly #host: BridgesHost

  constructor(load: LoadBridges, host: BridgesHost) {
    this.load = load
    this.#host = host
  }

  /** Those of a running server, for the views of operators. */
  static of(server: object): OpenBridges | undefined {
    return OpenBridges.#byServer.get(server)
  }

  /** They belong to that server from now on. */
  serve(server: object): void {
    OpenBridges.#byServer.set(server, this)
  }

  get views(): readonly BridgeView[] {
    return this.#bridges?.views ?? []
  }

  get returns(): ActiveConfig['returns'] {
    return this.#bridges?.returns
  }

  setPaused(name: string, isPaused: boolean): boolean {
    return this.#bridges?.setPaused(name, isPaused) ?? false
  }

  /** @throws {ConfigError} as `Bridges.prepare` */
  async prepare(options: Options): Promise<() => void> {
    if (options.bridges.length === 0 && this.#bridges === undefined) return () => undefined
    const bridges = this.#bridges ?? (await this.load(this.#host))
    const apply = await bridges.prepare(options)
    return () => {
      this.#bridges = bridges
      apply()
    }
  }

  close(): void {
    this.#bridges?.close()
    this.#bridges = undefined
  }
}
