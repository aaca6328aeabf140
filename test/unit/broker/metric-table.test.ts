import assert from 'node:assert/strict'
import { test } from 'node:test'
import { dropTable, metricTable } from '../../../src/broker/metric-table.ts'
import { Metrics } from '../../../src/broker/metrics.ts'

test('the table of counters names the fields of Metrics and no other', () => {
  const { dropped, ...counters } = new Metrics()
  assert.deepEqual(Object.keys(metricTable).toSorted(), Object.keys(counters).toSorted())
  assert.deepEqual(Object.keys(dropTable).toSorted(), Object.keys(dropped).toSorted())
})

test('each counter has a unit, and one sentence that says what it counts', () => {
  for (const [name, { unit, description }] of Object.entries(metricTable)) {
    assert.match(unit, /^[a-z-]+$/, name)
    assert.match(description, /^[A-Z].+\.$/, name)
  }
})
