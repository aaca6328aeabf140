import assert from 'node:assert/strict'
import { test } from 'node:test'
import { openTelemetryName } from '../../../src/reporting/figure.ts'
import { resourceMetricsOf } from '../../../src/telemetry/metric-data.ts'
import type { Origin } from '../../../src/telemetry/origin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const origin = { resource: {}, scope: { name: 'sluice', version: '1' } } as unknown as Origin

test('every figure that Prometheus gets is exported once, under a name of its own', async () => {
  const broker = await VirtualBroker.start()
  const figures = broker.broker.figures().filter(({ prometheus }) => prometheus !== undefined)
  const { metrics } = resourceMetricsOf(figures, origin, 1_000, 61_000).scopeMetrics[0]!
  const points = metrics.flatMap(({ descriptor, dataPoints }) =>
    dataPoints.map(({ attributes }) => descriptor.name + JSON.stringify(attributes)),
  )
  assert.equal(points.length, figures.length)
  assert.equal(new Set(points).size, points.length)
  assert.equal(new Set(metrics.map(({ descriptor }) => descriptor.name)).size, metrics.length)
  await broker.close()
})

test('the name, with the unit and the kind, leads back to the name for Prometheus', async () => {
  const broker = await VirtualBroker.start()
  for (const { prometheus, kind, unit } of broker.broker.figures()) {
    if (prometheus === undefined) continue
    const isTime = unit === 'seconds' || unit === 'milliseconds'
    const back = openTelemetryName(prometheus).replace('.', '_') + (isTime ? '_seconds' : '')
    assert.equal(back + (kind === 'counter' ? '_total' : ''), prometheus)
  }
  await broker.close()
})

test('counters are cumulative sums since the start, times are seconds, buckets have the counts of the figure', () => {
  const facts = { description: 'A.', labels: {}, topics: [] }
  const counter = { ...facts, name: 'a', kind: 'counter', unit: 'messages', prometheus: 'sluice_a_total', value: 7 }
  const gauge = {
    ...facts,
    name: 'b',
    kind: 'gauge',
    unit: 'milliseconds',
    prometheus: 'sluice_b_seconds',
    value: 1500,
  }
  const buckets = [
    { upTo: 500, count: 2 },
    { upTo: Infinity, count: 1 },
  ]
  const value = { count: 3, sum: 2_500, largest: 2_000, buckets }
  const times = { ...facts, name: 'c', kind: 'histogram', unit: 'milliseconds', prometheus: 'sluice_c_seconds', value }
  const figures = [counter, gauge, times] as unknown as Parameters<typeof resourceMetricsOf>[0]
  const { metrics } = resourceMetricsOf(figures, origin, 1_500, 61_250).scopeMetrics[0]!
  const point = { startTime: [1, 500_000_000], endTime: [61, 250_000_000], attributes: {} }
  const histogram = { buckets: { boundaries: [0.5], counts: [2, 1] }, sum: 2.5, count: 3 }
  assert.deepEqual(
    metrics.map(({ descriptor: { name, unit }, dataPoints }) => [name, unit, dataPoints]),
    [
      ['sluice.a', '{messages}', [{ ...point, value: 7 }]],
      ['sluice.b', 's', [{ ...point, value: 1.5 }]],
      ['sluice.c', 's', [{ ...point, value: histogram }]],
    ],
  )
  assert.deepEqual([metrics[0]!.aggregationTemporality, 'isMonotonic' in metrics[0]!], [1, true])
})
