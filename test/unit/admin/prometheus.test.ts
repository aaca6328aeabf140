/** The figures as Prometheus reads them: the text format 0.0.4, and its rules for names. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Histogram } from '../../../src/base/histogram.ts'
import { prometheusText } from '../../../src/admin/prometheus.ts'
import type { Figure } from '../../../src/reporting/figure.ts'
import { figureTable } from '../../../src/reporting/figure-table.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

const FACTS = { name: 'x', unit: 'messages', description: 'Some.', labels: {}, topics: [] }

function linesOf(...figures: readonly Figure[]): string[] {
  const text = prometheusText(figures)
  assert.ok(text === '' || text.endsWith('\n'))
  return text.split('\n').slice(0, -1)
}

test('figures that share a name follow each other under one description and one type', () => {
  const dropped = { ...FACTS, kind: 'counter', prometheus: 'sluice_messages_dropped_total' } as const
  const between = { ...FACTS, kind: 'gauge', prometheus: 'sluice_sessions', value: 7 } as const
  const lines = linesOf({ ...dropped, labels: { cause: 'queue full' }, value: 1 }, between, {
    ...dropped,
    labels: { cause: 'expired' },
    value: 2,
  })
  assert.deepEqual(lines, [
    '# HELP sluice_messages_dropped_total Messages that did not reach a client, by cause.',
    '# TYPE sluice_messages_dropped_total counter',
    'sluice_messages_dropped_total{cause="queue full"} 1',
    'sluice_messages_dropped_total{cause="expired"} 2',
    '# HELP sluice_sessions Some.',
    '# TYPE sluice_sessions gauge',
    'sluice_sessions 7',
  ])
})

test('a histogram has cumulative buckets in seconds, the last of them without a bound', () => {
  const histogram = new Histogram([1, 5, 20])
  for (const value of [0.5, 3, 4, 100]) histogram.observe(value)
  const facts = { ...FACTS, unit: 'milliseconds', prometheus: 'sluice_turn_duration_seconds' }
  assert.deepEqual(linesOf({ ...facts, kind: 'histogram', value: histogram.view() }).slice(1), [
    '# TYPE sluice_turn_duration_seconds histogram',
    'sluice_turn_duration_seconds_bucket{le="0.001"} 1',
    'sluice_turn_duration_seconds_bucket{le="0.005"} 3',
    'sluice_turn_duration_seconds_bucket{le="0.02"} 3',
    'sluice_turn_duration_seconds_bucket{le="+Inf"} 4',
    'sluice_turn_duration_seconds_sum 0.1075',
    'sluice_turn_duration_seconds_count 4',
  ])
})

test('backslashes, quotes and line feeds are escaped, and values that are no finite number are spelled as the format asks', () => {
  const odd = { ...FACTS, kind: 'gauge', description: 'a\\b\n"c"', prometheus: 'sluice_odd' } as const
  const labels = { place: 'a\\b\n"c"' }
  assert.deepEqual(linesOf({ ...odd, labels, value: Infinity }, { ...odd, value: -Infinity }, { ...odd, value: NaN }), [
    '# HELP sluice_odd a\\\\b\\n"c"',
    '# TYPE sluice_odd gauge',
    'sluice_odd{place="a\\\\b\\n\\"c\\""} +Inf',
    'sluice_odd -Inf',
    'sluice_odd NaN',
  ])
})

test('what Prometheus computes from others is left out', () => {
  assert.deepEqual(linesOf({ ...FACTS, kind: 'gauge', prometheus: undefined, value: 1 }), [])
})

test('every figure with a Prometheus name is in the text of a running broker, in lines that the format allows', async () => {
  const broker = await VirtualBroker.start({ persistence: {} }, { disk: new MemoryDisk() })
  const text = prometheusText(broker.broker.figures())
  await broker.close()
  const names = new Set(figureTable.flatMap(({ prometheus }) => prometheus ?? []))
  names.delete('sluice_certificate_remaining_seconds') // nothing here has a certificate
  const described = [...text.matchAll(/^# HELP (\S+) \S.*$/gm)].map(([, name]) => name)
  assert.deepEqual(new Set(described), names)
  assert.equal(described.length, names.size)
  const typed = [...text.matchAll(/^# TYPE (\S+) (?:counter|gauge|histogram)$/gm)].map(([, name]) => name)
  assert.deepEqual(typed, described)
  for (const line of text.trimEnd().split('\n')) {
    assert.match(line, /^(?:# (?:HELP|TYPE) .*|[a-z_]+(?:\{[a-z]+="[^"\n]*"\})? [0-9.e+-]+)$/)
  }
})

test('names follow the rules: a prefix, base units, and `_total` at the end of counters only', () => {
  for (const { kind, unit, prometheus } of figureTable) {
    if (prometheus === undefined) continue
    assert.match(prometheus, /^sluice_[a-z][a-z0-9_]*$/)
    assert.equal(prometheus.endsWith('_total'), kind === 'counter', prometheus)
    if (unit === 'milliseconds' || unit === 'seconds') assert.match(prometheus, /_seconds(?:_total)?$/)
    if (unit === 'bytes') assert.match(prometheus, /_bytes(?:_total)?$/)
  }
})
