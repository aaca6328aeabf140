/**
 * A figure of the broker: a row of the one table (`figure-table.ts`) that `broker.figures`, `$SYS` and the manual's
 * page read.
 *
 * A row is read from counters, which are updated with every change, and from sizes of indexes: `Readings` has no
 * session, connection or list that could be walked.
 *
 * @module
 */
import { Histogram, type HistogramView } from '../base/histogram.ts'
import type { SessionGauges } from '../protocol/session-side.ts'
import type { StoreFigures } from '../stores/store.ts'
import type { LoadAverages } from './load-averages.ts'
import type { Metrics } from './metrics.ts'

export const SYS_TOPIC_PREFIX = '$SYS/broker/'

/** A `counter` only grows while the broker runs, a `gauge` rises and falls, a `histogram` counts values in buckets. */
export type FigureKind = 'counter' | 'gauge' | 'histogram'

/** The parts of a broker that figures are read from. */
export interface FigureSources {
  readonly metrics: Readonly<Metrics>
  readonly gauges: Readonly<SessionGauges>
  readonly retainedMessages: { readonly count: number; readonly bytes: number }
  readonly router: { readonly subscriptions: number; readonly sharedSubscriptions: number }
  readonly admission: { readonly connected: number; readonly maxConnected: number }
  readonly sessions: { readonly count: number; readonly awayCount: number }
  readonly connections: { readonly size: number }
  readonly memory: { readonly whole: { readonly bytes: number; readonly limit: number }; readonly processBytes: number }
  readonly turn: { readonly uncommittedBytes: number }
  readonly recorder: { readonly pages: { readonly bytes: number } }
  /** The figures of a Store that has some. */
  readonly storeFigures: StoreFigures | undefined
}

/** The certificate of a listener, or of the HTTP API, that ends first. */
export interface CertificateEnd {
  readonly door: 'listener' | 'admin'
  /** Its name; empty for the HTTP API. */
  readonly listener: string
  /** In milliseconds since 1970. */
  readonly endsAtMs: number
}

/** A value with labels that only a running broker has. */
export interface LabelledValue {
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/** The values that rows read. */
export interface Readings extends Omit<FigureSources, 'storeFigures'> {
  readonly store: StoreFigures | undefined
  readonly load: LoadAverages
  readonly upSeconds: number
  /** Milliseconds since 1970. */
  readonly wallMs: number
  readonly certificates: readonly CertificateEnd[]
  /** The most that the process was seen to use. */
  readonly maxHeapBytes: number
}

/** A topic below `$SYS/broker/` that shows a figure. */
export interface SysTopic {
  readonly topic: string
  /** Whose name it is: Sluice's, or Mosquitto's. */
  readonly naming: 'sluice' | 'mosquitto'
  readonly text: (value: number | Histogram) => string
}

export interface FigureRow {
  /** A name in `broker.metrics`, or after `store.` in `broker.storeFigures`, where the figure is there, too. */
  readonly name: string
  readonly kind: FigureKind
  readonly unit: string
  readonly description: string
  /**
   * Its name for Prometheus, whose units are seconds and bytes; `undefined` for what Prometheus computes from others.
   * Rows that share one differ in their labels.
   */
  readonly prometheus: string | undefined
  readonly labels: Readonly<Record<string, string>>
  readonly topics: readonly SysTopic[]
  /** Returns `undefined` if the broker has no such figure, because it has no store that counts. */
  readonly read: (readings: Readings) => number | Histogram | undefined
  /** A value for each of several things of this broker, in place of the one that `read` returns. */
  readonly values?: (readings: Readings) => readonly LabelledValue[]
}

/** A figure with its current value, as `broker.figures()` returns it. */
export type Figure = NumberFigure | HistogramFigure

/** A counter or a gauge with its value. */
export interface NumberFigure extends FigureFacts {
  readonly kind: 'counter' | 'gauge'
  readonly value: number
}

/** A histogram with its value. */
export interface HistogramFigure extends FigureFacts {
  readonly kind: 'histogram'
  readonly value: HistogramView
}

/** A figure without its value. */
export interface FigureFacts {
  readonly name: string
  readonly unit: string
  readonly description: string
  /** Its name for Prometheus; `undefined` for what Prometheus computes from others. */
  readonly prometheus: string | undefined
  /** Distinguishes figures with one name for Prometheus. */
  readonly labels: Readonly<Record<string, string>>
  /** The topics under which it is published, unless `sys-interval` is 0. */
  readonly topics: readonly string[]
}

/** The optional parts of a row. */
export type RowExtras = Partial<Pick<FigureRow, 'labels' | 'prometheus' | 'topics' | 'values'>>

export const NO_LABELS: Readonly<Record<string, string>> = {}

/** A gauge. */
export function gauge(
  name: string,
  unit: string,
  description: string,
  read: FigureRow['read'],
  { prometheus, labels = NO_LABELS, topics = [], values }: RowExtras = {},
): FigureRow {
  const row = { name, kind: 'gauge', unit, description, prometheus, labels, topics, read } as const
  return values === undefined ? row : { ...row, values }
}

/** A topic in Sluice's own naming. */
export function ours(topic: string, text: SysTopic['text'] = plain): SysTopic {
  return { topic, naming: 'sluice', text }
}

/** One of Mosquitto's topics, with its units. */
export function mosquittos(topic: string, text: SysTopic['text'] = plain): SysTopic {
  return { topic, naming: 'mosquitto', text }
}

function plain(value: number | Histogram): string {
  return String(value as number)
}

/** With this number of digits after the point. */
export function digits(count: number): SysTopic['text'] {
  return (value) => (value as number).toFixed(count)
}

/** What so much of the values of a histogram did not exceed. */
export function quantile(share: number): SysTopic['text'] {
  return (value) => (value as Histogram).quantile(share).toFixed(1)
}

/**
 * The name for OpenTelemetry of a figure with that name for Prometheus: without the suffixes that exporters from one to
 * the other append again, so that both ways lead to the same series.
 *
 * @example
 * openTelemetryName('sluice_messages_received_total') // 'sluice.messages_received'
 * openTelemetryName('sluice_turn_duration_seconds') // 'sluice.turn_duration'
 */
export function openTelemetryName(prometheus: string): string {
  return prometheus
    .replace(/_total$/, '')
    .replace(/_seconds$/, '')
    .replace('_', '.')
}

/** `publishReceived` as `publish_received`. */
export function snakeCase(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
}
