import assert from 'node:assert/strict'
import { test } from 'node:test'
import { LoadAverages, loadTable, type LoadWindow } from '../../../src/reporting/load-averages.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { figureTable } from '../../../src/reporting/figure-table.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

/** What a program reads that makes one name of each topic, as exporters for Prometheus do. */
function exportedName(topic: string): string {
  return topic.replaceAll(/[/ ]/g, '_')
}

async function read(broker: VirtualBroker, ...topics: string[]): Promise<string[]> {
  const reader = broker.connect({ clientId: `reader-${topics[0]}` })
  const values = topics.map((topic) => {
    reader.subscribe(`$SYS/broker/${topic}`)
    return reader.takePayloads().join()
  })
  reader.drop()
  return values
}

test('topics below $SYS: each has a name of its own, also for an exporter that writes / and space as _', () => {
  const names = figureTable.flatMap(({ topics }) => topics.map(({ topic }) => exportedName(topic)))
  assert.equal(new Set(names).size, names.length)
})

test('load averages: a steady rate is approached as e^(-t / window), as Mosquitto computes it', () => {
  const metrics = new Metrics()
  const load = new LoadAverages()
  const row = loadTable.find(({ topic }) => topic === 'publish/received')!
  load.update(metrics, 0)
  const at = (window: LoadWindow): string => load.average(row, window).toFixed(2)
  assert.deepEqual([at(1), at(5), at(15)], ['0.00', '0.00', '0.00'])
  for (let round = 1; round <= 6; round++) {
    metrics.publishReceived += 20
    load.update(metrics, round * 10_000)
  }
  // 120 a minute, for one minute: 120 × (1 - e^(-1 / window))
  assert.deepEqual([at(1), at(5), at(15)], ['75.85', '21.75', '7.74'])
  load.update(metrics, 120_000)
  assert.deepEqual([at(1), at(5), at(15)], ['27.91', '17.81', '7.24'])
  load.update(metrics, 120_000)
  assert.equal(at(1), '27.91', 'two rounds at one moment are one')
})

test('topics below $SYS count what Mosquitto counts under the same names, with its units', async () => {
  const broker = await VirtualBroker.start({ 'sys-interval': 60 })
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 9 } }
  const away = broker.connect({ clientId: 'away', ...kept })
  away.subscribe('a', 1)
  away.drop()
  broker.connect({ clientId: 'member' }).subscribe(['$share/g/b', 'c'])
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '12345', 1)
  sensor.publish('c', '123', 0)
  sensor.publish('kept', '1', 0, { retain: true })
  broker.advance(60_000)
  const [own] = await read(broker, 'messages/retained/count')
  const readings = {
    'publish/bytes/received': '9',
    'publish/bytes/sent': '3',
    'publish/messages/received': '3',
    'publish/messages/sent': '1',
    'clients/expired': '1',
    'clients/connected': '2',
    'clients/active': '2',
    'clients/inactive': '0',
    'subscriptions/count': '1',
    'shared_subscriptions/count': '1',
    'retained messages/count': own!,
    'store/messages/count': own!,
    'messages/stored': own!,
    'load/publish/received/1min': (3 * (1 - Math.exp(-1))).toFixed(2),
    'load/connections/5min': (3 * (1 - Math.exp(-1 / 5))).toFixed(2),
    uptime: '60 seconds',
  }
  assert.deepEqual(await read(broker, ...Object.keys(readings)), Object.values(readings))
  await broker.close()
})
