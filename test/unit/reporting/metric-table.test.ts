import assert from 'node:assert/strict'
import { test } from 'node:test'
import { figureTable } from '../../../src/reporting/figure-table.ts'
import { dropTable, metricTable } from '../../../src/reporting/metric-table.ts'
import { storeTable } from '../../../src/reporting/store-table.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

test('the table of counters names the fields of Metrics and no other', () => {
  const { dropped, ...counters } = new Metrics()
  assert.deepEqual(Object.keys(metricTable).toSorted(), Object.keys(counters).toSorted())
  assert.deepEqual(Object.keys(dropTable).toSorted(), Object.keys(dropped).toSorted())
})

test('each figure has a unit, and one sentence that says what it counts', () => {
  for (const { name, unit, description } of figureTable) {
    assert.match(unit, /^[a-z-]+$/, name)
    assert.match(description, /^[A-Z].+\.$/, name)
  }
})

test('the table of the Store names its figures and no other; they are counted, and published below $SYS', async () => {
  const disk = new MemoryDisk()
  const config = { listeners: {}, 'sys-interval': 1, persistence: { durability: 'disk' } } as const
  const broker = await VirtualBroker.start(config, { disk })
  const sensor = broker.connect({ clientId: 'sensor' })
  const before = broker.broker.storeFigures!
  assert.deepEqual(Object.keys(storeTable).toSorted(), Object.keys(before).toSorted())
  for (const { unit, topic, description } of Object.values(storeTable)) {
    assert.match(unit, /^[a-z]+$/)
    assert.match(topic, /^store\/[a-z0-9/]+$/)
    assert.match(description, /^[A-Z].+\.$/)
  }
  sensor.publish('state/door', 'open', 1, { retain: true })
  await broker.settle()
  const after = broker.broker.storeFigures!
  assert.deepEqual([after.turns - before.turns, after.changes - before.changes], [1, 2])
  assert.ok(after.commits > before.commits && after.syncs > before.syncs && after.journalBytes > before.journalBytes)
  assert.ok(after.maxCommitMs >= after.commitP99Ms && after.commitP99Ms >= after.commitP50Ms)
  assert.deepEqual([after.uncommittedBytes, after.failures], [0, 0])

  disk.options.before = (operation) => {
    if (operation === 'append') throw new Error('the disk is full')
  }
  sensor.publish('state/door', 'closed', 1, { retain: true })
  await broker.settle()
  assert.ok(broker.broker.storeFigures!.failures > 0)
  assert.ok(broker.broker.storeFigures!.uncommittedBytes > 0)
  delete disk.options.before

  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('$SYS/broker/store/#')
  broker.advance(2000)
  await broker.settle()
  const topics = new Set(reader.receiveAll().map(({ topicName }) => topicName))
  for (const { topic } of Object.values(storeTable)) assert.ok(topics.has(`$SYS/broker/${topic}`), topic)
  await broker.close()
})

test('a broker that stores nothing has no figures of a Store', async () => {
  const broker = await VirtualBroker.start()
  assert.equal(broker.broker.storeFigures, undefined)
  await broker.close()
})
