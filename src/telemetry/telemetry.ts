/**
 * The export of a broker's figures, log lines and traces to an OpenTelemetry collector, by OTLP over HTTP.
 *
 *   figures, read every `metrics-interval` ─────────────> exporter of metrics ──┐
 *   log ──> LogTap ──> record ──> queue ──────────────> exporter of logs ─────┼──> collector
 *   messages that are sampled ──> spans ──> queue ─────> exporter of traces ──┘
 *
 * The official exporters encode and send. What comes before them is ours: figures are counted already, and queues must
 * be bounded and counted. Nothing here is loaded without the section `telemetry`.
 *
 * @module
 */
import type { ReadableLogRecord } from '@opentelemetry/sdk-logs'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { Timer } from '../base/clock.ts'
import type { LogLevel } from '../base/log-tap.ts'
import type { TelemetryExport, TelemetryHost } from '../broker/host/telemetry-export.ts'
import type { TelemetryOptions } from '../config/options.ts'
import type { Metrics } from '../reporting/metrics.ts'
import { exportOnce, ExportQueue } from './export-queue.ts'
import { makeExporters, missing, type Exporter, type Exporters, type Signal } from './exporters.ts'
import { logRecordOf } from './log-record.ts'
import { MessageTraces } from './message-traces.ts'
import { resourceMetricsOf } from './metric-data.ts'
import type { Origin } from './origin.ts'

/**
 * Makes the export; `begin` starts it.
 *
 * @param make makes the exporters; a test passes its own
 * @throws {ConfigError} `ERR_TELEMETRY_PACKAGES` if a package is missing, `ERR_TELEMETRY_FILE` if a file cannot be used
 */
export async function openTelemetry(
  options: TelemetryOptions,
  host: TelemetryHost,
  make: (options: TelemetryOptions) => Promise<Exporters> = makeExporters,
): Promise<TelemetryExport> {
  const isMissing = missing(options.signals as readonly Signal[])
  const [{ createTraceState }, { resourceFromAttributes }] = await Promise.all([
    import('@opentelemetry/api'),
    import('@opentelemetry/resources'),
  ]).catch(isMissing)
  const resource = resourceFromAttributes({
    'service.name': 'sluice',
    'service.version': host.version,
    'service.instance.id': Buffer.from(host.clock.randomBytes(8)).toString('hex'),
    ...options.resourceAttributes,
  })
  const origin: Origin = { resource, scope: { name: 'sluice', version: host.version } }
  return new Telemetry(options, host, await make(options), origin, createTraceState)
}

type MakeState = ConstructorParameters<typeof MessageTraces>[0]['makeState']

class Telemetry implements TelemetryExport {
  readonly #options: TelemetryOptions
  readonly #host: TelemetryHost
  readonly #exporters: Exporters
  readonly #origin: Origin
  readonly #lines: ExportQueue<ReadableLogRecord> | undefined
  readonly #spans: ExportQueue<ReadableSpan> | undefined
  readonly #traces: MessageTraces | undefined
  readonly #failing = new Set<Signal>()
  readonly #reader: { readonly level: LogLevel; read(level: LogLevel, fields: object | undefined, text: string): void }
  #timer: Timer | undefined = undefined
  #isExporting = false

  constructor(
    options: TelemetryOptions,
    host: TelemetryHost,
    exporters: Exporters,
    origin: Origin,
    makeState: MakeState,
  ) {
    this.#options = options
    this.#host = host
    this.#exporters = exporters
    this.#origin = origin
    this.#lines = exporters.logs && this.#queue('logs', exporters.logs, 'telemetryLinesLost')
    this.#spans = exporters.traces && this.#queue('traces', exporters.traces, 'telemetrySpansLost')
    this.#traces =
      this.#spans &&
      new MessageTraces({
        ...{ origin, clock: host.clock, queue: this.#spans, samplingRatio: options.samplingRatio, makeState },
        lost: (count) => void (host.metrics.telemetrySpansLost += count),
        topicFilterFor: host.topicFilterFor,
      })
    this.#reader = { level: options.logLevel, read: (...line) => this.#read(...line) }
  }

  #queue<Item>(signal: Signal, exporter: Exporter<Item[]>, lostMetric: LostMetric): ExportQueue<Item> {
    const { maxQueued, maxBatch, batchInterval } = this.#options
    return new ExportQueue({
      ...{ exporter, clock: this.#host.clock, maxQueued, maxBatch },
      ...{ intervalMs: batchInterval * 1000, timeoutMs: this.#timeoutMs },
      lost: (count) => void (this.#host.metrics[lostMetric] += count),
      exported: (problem) => this.#exported(signal, problem),
    })
  }

  get #timeoutMs(): number {
    return this.#options.timeout * 1000
  }

  begin(): void {
    if (this.#lines !== undefined) this.#host.tap.reader = this.#reader
    if (this.#traces !== undefined) this.#host.packets.spans = this.#traces
    this.#exportLater()
  }

  #read(level: LogLevel, fields: object | undefined, message: string): void {
    if (this.#lines!.isFull) this.#host.metrics.telemetryLinesLost++
    else this.#lines!.add(logRecordOf(level, fields, message, this.#origin, this.#host.clock.wallNow()))
  }

  #exportLater(): void {
    if (this.#exporters.metrics === undefined) return
    this.#timer = this.#host.clock.setTimer(this.#options.metricsInterval * 1000, () => {
      this.#exportLater()
      // One that takes longer than the interval is not overtaken: the next one has the newer figures.
      if (!this.#isExporting) void this.#exportMetrics()
    })
  }

  #exportMetrics(): Promise<void> {
    const { clock, figures, startedAtMs } = this.#host
    const metrics = resourceMetricsOf(figures(), this.#origin, startedAtMs, clock.wallNow())
    this.#isExporting = true
    return new Promise((resolve) => {
      const parts = { exporter: this.#exporters.metrics!, clock, timeoutMs: this.#timeoutMs }
      exportOnce(parts, metrics, (problem) => {
        this.#isExporting = false
        this.#exported('metrics', problem)
        resolve()
      })
    })
  }

  /** Reports changes alone: the reports are log lines, which are exported as well. */
  #exported(signal: Signal, problem: string | undefined): void {
    const { metrics, events, log } = this.#host
    if (problem !== undefined) metrics.telemetryExportsFailed++
    if (this.#failing.has(signal) === (problem !== undefined)) return
    if (problem === undefined) {
      this.#failing.delete(signal)
      log.info(`${signal} are exported to ${this.#options.endpoint} again`)
    } else {
      this.#failing.add(signal)
      log.warn(`${signal} cannot be exported to ${this.#options.endpoint}: ${problem}`)
    }
    events.emit('telemetryHealth', { signal, healthy: problem === undefined, reason: problem ?? '' })
  }

  async end(): Promise<void> {
    this.#timer?.cancel()
    const { tap, packets } = this.#host
    if (tap.reader === this.#reader) tap.reader = undefined
    if (packets.spans === this.#traces) packets.spans = undefined
    const lastFigures = this.#exporters.metrics === undefined ? undefined : this.#exportMetrics()
    await Promise.all([this.#lines?.end(), this.#spans?.end(), lastFigures])
    // What fails now has been reported, or concerns nobody any more.
    await Promise.allSettled(Object.values(this.#exporters).map((exporter: Exporter<never>) => exporter.shutdown()))
  }
}

type LostMetric = keyof Pick<Metrics, 'telemetrySpansLost' | 'telemetryLinesLost'>
