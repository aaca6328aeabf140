/**
 * The export of figures, log lines and traces, as the broker sees it: made before anything opens, begun with the
 * broker, replaced by a reload, ended with the broker. `src/telemetry` implements it, and is loaded only if `telemetry`
 * is configured.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import type { Logger } from '../../base/log.ts'
import type { LogTap } from '../../base/log-tap.ts'
import type { TelemetryOptions } from '../../config/options.ts'
import type { Events } from '../../reporting/events.ts'
import type { Figure } from '../../reporting/figure.ts'
import type { PacketWatch } from '../../reporting/packet-watch.ts'
import type { Metrics } from '../../reporting/metrics.ts'

/** What an export reads, and where it reports. */
export interface TelemetryHost {
  readonly clock: Clock
  readonly log: Logger
  readonly tap: LogTap
  readonly events: Events
  readonly metrics: Metrics
  /** Where spans of messages are made. */
  readonly packets: Pick<PacketWatch, 'spans'>
  /** Version of the broker. */
  readonly version: string
  /** When the counters began, in milliseconds since 1970. */
  readonly startedAtMs: number
  readonly figures: () => readonly Figure[]
  /** The Topic Filter for which that client gets messages of a topic; `undefined` if it has none, or several. */
  readonly topicFilterFor: (clientId: string, topicName: string) => string | undefined
}

/** An export that is ready. */
export interface TelemetryExport {
  begin(): void
  /** Stops reading, and exports what waits. */
  end(): Promise<void>
}

/** @throws {ConfigError} `ERR_TELEMETRY_PACKAGES` or `ERR_TELEMETRY_FILE` */
export type OpenTelemetry = (options: TelemetryOptions, host: TelemetryHost) => Promise<TelemetryExport>

/** How long a broker that closes waits for the last export. */
const END_WITHIN_MS = 2_000

/** The export of one broker, which may have none. */
export class TelemetryExports {
  #current: TelemetryExport | undefined = undefined
  #next: TelemetryExport | undefined = undefined
  readonly #open: OpenTelemetry
  readonly #clock: Clock

  constructor(open: OpenTelemetry, clock: Clock) {
    this.#open = open
    this.#clock = clock
  }

  /** @throws {ConfigError} as `OpenTelemetry`; nothing has changed then */
  async prepare(options: TelemetryOptions | undefined, host: TelemetryHost): Promise<void> {
    this.#next = options === undefined ? undefined : await this.#open(options, host)
  }

  /** Begins what was prepared. The one before exports what it has in the background. */
  commit(): void {
    const before = this.#current
    this.#current = this.#next
    this.#next = undefined
    void before?.end()
    this.#current?.begin()
  }

  abandon(): void {
    this.#next = undefined
  }

  async close(): Promise<void> {
    const current = this.#current
    this.#current = undefined
    this.#next = undefined
    const ended = current?.end()
    if (ended === undefined) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(END_WITHIN_MS, resolve)
      void ended.then(() => {
        timer.cancel()
        resolve()
      })
    })
  }
}
