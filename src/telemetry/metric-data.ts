/**
 * The figures of a broker as metrics of OpenTelemetry. A meter of its SDK would count for itself; these are counted
 * already.
 *
 * @module
 */
import type { Attributes, HrTime } from '@opentelemetry/api'
import type { DataPoint, Histogram, MetricData, ResourceMetrics } from '@opentelemetry/sdk-metrics'
import type { HistogramView } from '../base/histogram.ts'
import { openTelemetryName, type Figure } from '../reporting/figure.ts'
import { familyTable } from '../reporting/metric-table.ts'
import { hrTimeOf, type Origin } from './origin.ts'

/** Numbers of the protocol: the packages export enumerations, which would have to be loaded. */
const CUMULATIVE = 1
const DATA_POINT = { histogram: 0, gauge: 2, counter: 3 } as const
const DOUBLE = 1

/**
 * Makes one metric for each name, with a data point for each set of labels.
 *
 * @param startedAtMs when the counters began, in milliseconds since 1970
 */
export function resourceMetricsOf(
  figures: readonly Figure[],
  origin: Origin,
  startedAtMs: number,
  nowMs: number,
): ResourceMetrics {
  const times: Times = { startTime: hrTimeOf(startedAtMs), endTime: hrTimeOf(nowMs) }
  const metrics = new Map<string, MetricData>()
  for (const figure of figures) {
    if (figure.prometheus === undefined) continue
    const metric = metrics.get(figure.prometheus) ?? emptyMetric(figure, figure.prometheus)
    metrics.set(figure.prometheus, metric)
    metric.dataPoints.push(pointOf(figure, times) as never)
  }
  return { resource: origin.resource, scopeMetrics: [{ scope: origin.scope, metrics: [...metrics.values()] }] }
}

interface Times {
  readonly startTime: HrTime
  readonly endTime: HrTime
}

function emptyMetric({ kind, unit, description }: Figure, prometheus: string): MetricData {
  const name = openTelemetryName(prometheus)
  return {
    descriptor: { name, description: familyTable[prometheus] ?? description, unit: unitOf(unit), valueType: DOUBLE },
    aggregationTemporality: CUMULATIVE,
    dataPointType: DATA_POINT[kind],
    dataPoints: [],
    ...(kind === 'counter' && { isMonotonic: true }),
  } as unknown as MetricData
}

function pointOf(figure: Figure, times: Times): DataPoint<number> | DataPoint<Histogram> {
  const attributes: Attributes = figure.labels
  if (figure.kind !== 'histogram') return { ...times, attributes, value: inBaseUnit(figure.value, figure.unit) }
  return { ...times, attributes, value: histogramOf(figure.value, figure.unit) }
}

function histogramOf({ count, sum, buckets }: HistogramView, unit: string): Histogram {
  const boundaries = buckets.slice(0, -1).map(({ upTo }) => inBaseUnit(upTo, unit))
  return { buckets: { boundaries, counts: buckets.map((bucket) => bucket.count) }, sum: inBaseUnit(sum, unit), count }
}

function inBaseUnit(value: number, unit: string): number {
  return unit === 'milliseconds' ? value / 1000 : value
}

/** In the notation of UCUM, as OpenTelemetry asks. */
function unitOf(unit: string): string {
  if (unit === 'bytes') return 'By'
  return unit === 'milliseconds' || unit === 'seconds' ? 's' : `{${unit}}`
}
