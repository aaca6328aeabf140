import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { UsageError } from '../../../src/base/errors.ts'
import { Histogram } from '../../../src/base/histogram.ts'
import { figureTable } from '../../../src/reporting/figure-table.ts'
import { familyTable } from '../../../src/reporting/metric-table.ts'
import { LoadAverages } from '../../../src/reporting/load-averages.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import type { FigureRow, Readings } from '../../../src/reporting/figure.ts'
import type { Broker } from '../../../src/index.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

test('no figure, topic or name for Prometheus is used twice', () => {
  const topics = figureTable.flatMap((row) => row.topics.map(({ topic }) => topic))
  const series = figureTable.flatMap(({ prometheus, labels }) =>
    prometheus ? [prometheus + JSON.stringify(labels)] : [],
  )
  const names = figureTable.map(({ name }) => name)
  for (const used of [topics, series, names]) assert.deepEqual(used.length, new Set(used).size, doubles(used))
})

function doubles(used: readonly string[]): string {
  return used.filter((one, at) => used.indexOf(one) !== at).join()
}

test('names for Prometheus: counters end in _total, others do not; a unit in the name is a base unit, and the only one', () => {
  for (const { name, prometheus, kind, unit } of figureTable) {
    if (prometheus === undefined) continue
    assert.match(prometheus, /^sluice(_[a-z0-9]+)+$/, name)
    assert.equal(prometheus.endsWith('_total'), kind === 'counter', name)
    assert.doesNotMatch(
      prometheus,
      /_(count|sum|bucket|info|counter|gauge|histogram|ms|milliseconds|megabytes)(_|$)/,
      name,
    )
    const bare = prometheus.replace(/_total$/, '')
    assert.equal(bare.endsWith('_seconds'), unit === 'milliseconds' || unit === 'seconds', name)
    assert.equal(bare.endsWith('_bytes'), unit === 'bytes', name)
  }
})

test('figures that share a name for Prometheus are of one kind, unit and set of labels, and have one description there', () => {
  const families = new Map<string, FigureRow[]>()
  for (const row of figureTable) {
    if (row.prometheus !== undefined) families.set(row.prometheus, [...(families.get(row.prometheus) ?? []), row])
  }
  const shared = [...families].filter(([, rows]) => rows.length > 1)
  for (const [name, rows] of shared) {
    const shapes = new Set(rows.map(({ kind, unit, labels }) => [kind, unit, ...Object.keys(labels)].join()))
    assert.equal(shapes.size, 1, name)
  }
  assert.deepEqual(shared.map(([name]) => name).toSorted(), Object.keys(familyTable).toSorted())
  for (const [name, rows] of families) if (rows.length === 1) assert.deepEqual(rows[0]!.labels, {}, name)
})

test('reading any figure takes numbers that are kept, and walks no list', () => {
  const readings: Readings = {
    metrics: new Metrics(),
    gauges: { queuedMessages: 1, queuedBytes: 2, inflightOut: 3, inflightIn: 4 },
    retainedMessages: { count: 5, bytes: 6 },
    router: { subscriptions: 9, sharedSubscriptions: 2 },
    admission: { connected: 7, maxConnected: 8 },
    sessions: { count: 9, awayCount: 2 },
    connections: { size: 10 },
    memory: { whole: { bytes: 11, limit: 12 }, processBytes: 13 },
    turn: { uncommittedBytes: 14 },
    recorder: { pages: { bytes: 18 } },
    ...{ store: undefined, load: new LoadAverages(), upSeconds: 15, maxHeapBytes: 16 },
    ...{ wallMs: 0, certificates: [{ door: 'admin', listener: '', endsAtMs: 17_000 }] },
  }
  for (const { name, kind, read } of figureTable) {
    const value = read(readings)
    if (kind === 'histogram') assert.ok(value instanceof Histogram, name)
    else assert.equal(typeof value, name.startsWith('store.') ? 'undefined' : 'number', name)
  }
})

test('the table, the program, the manual and $SYS show the same figures', async () => {
  const config = { listeners: {}, 'sys-interval': 1, persistence: { durability: 'disk' } } as const
  const broker = await VirtualBroker.start(config, { disk: new MemoryDisk() })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('$SYS/broker/#')
  broker.advance(2000)
  await broker.settle()

  const figures = broker.broker.figures()
  const names = figureTable.map(({ name }) => name)
  assert.deepEqual(
    figures.map(({ name }) => name),
    names.filter((name) => name !== 'certificateRemaining'), // nothing here has a certificate
  )

  const page = readFileSync(join(root, 'docs/reference/metrics.md'), 'utf8')
  const documented = [...page.matchAll(/^\| `([^`]+)` \| [a-z-]+ \| /gm)].map(([, name]) => name!)
  assert.deepEqual(documented.toSorted(), names.toSorted())
  for (const { prometheus, topics } of figures) {
    if (prometheus !== undefined) assert.ok(page.includes(`\`${prometheus}`), prometheus)
    for (const topic of topics) assert.ok(page.includes(`\`${topic.slice('$SYS/broker/'.length)}\``), topic)
  }

  const published = new Set(reader.receiveAll().map(({ topicName }) => topicName))
  const promised = ['$SYS/broker/version', '$SYS/broker/time', ...figures.flatMap(({ topics }) => topics)]
  assert.deepEqual([...published].toSorted(), promised.toSorted())
  await broker.close()
})

test('a program reads a figure by its name; a name that there is not is an error that suggests one', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'sensor' }).publish('a', '12345')
  assert.equal(broker.broker.figure('clientsConnected')?.value, 1)
  assert.equal(broker.broker.figure('publishBytesReceived')?.value, broker.broker.metrics.publishBytesReceived)
  assert.equal(broker.broker.figure('store.commits'), undefined, 'this broker has no store')
  assert.throws(
    () => broker.broker.figure('clientConnected'),
    (error: Error) => error instanceof UsageError && error.message.includes('"clientsConnected"'),
  )
  await broker.close()
})

test('turns, commits and logins are measured in histograms, each once', async () => {
  const config = { listeners: {}, persistence: { durability: 'disk' } } as const
  const broker = await VirtualBroker.start(config, { disk: new MemoryDisk() })
  const count = (name: string): number => (broker.broker.figure(name)!.value as { count: number }).count
  const before = [count('turnMs'), broker.broker.metrics.turns, count('commitMs'), count('loginMs')]
  assert.equal(before[0], before[1])

  broker.connect({ clientId: 'sensor' }).publish('state', 'on', 1, { retain: true })
  broker.open().connect({ clientId: '', version: 5, properties: {}, will: { topicName: '$SYS/no' } })
  await broker.settle()
  assert.equal(count('turnMs'), broker.broker.metrics.turns)
  assert.equal(count('loginMs') - before[3]!, 2, 'accepted and refused')
  assert.equal(count('commitMs') - before[2]!, 1)
  await broker.close()
})

test('the time of a login is what its plugins take', async () => {
  let answer: (given: AuthenticationAnswer) => void = () => {}
  const slow: Plugin = { name: 'slow', authenticate: () => new Promise((resolve) => (answer = resolve)) }
  const broker = await VirtualBroker.start({ auth: { plugins: [slow] } })
  const client = broker.open()
  client.connect({ clientId: 'a' })
  broker.advance(40)
  answer({ decision: 'allow' })
  await broker.settle()
  const { count, sum } = broker.broker.metrics.loginMs
  assert.deepEqual([count, sum], [1, 40])
  await broker.close()
})

/**
 * What is never 0 again: what is most of all, what the process and the configuration decide, and what needs no client.
 */
const LASTING = new Set([
  ...['longestTurnMs', 'mostTurnWork', 'clientsMaximum', 'memoryLimit', 'processBytes', 'processMaximum', 'uptime'],
])

/** Nothing of those who left is remembered. */
const LIMITS = { 'max-queued-messages': 5, 'receive-maximum': 4, 'max-closed-connections': 0, 'max-recorder-bytes': 0 }

for (const seed of [1, 2, 3, 4, 5, 6]) {
  test(`a random life: counters never fall, and gauges return to what they were when all have left (seed ${seed})`, async () => {
    const chance = new SeededRandom(seed)
    const broker = await VirtualBroker.start(LIMITS)
    const gaugesBefore = gaugesOf(broker.broker)
    const clients = new Map<string, TestClient>()
    let counters = countersOf(broker.broker)
    for (let step = 0; step < 150; step++) {
      live(chance, broker, clients)
      const now = countersOf(broker.broker)
      for (const [name, value] of now) assert.ok(value >= counters.get(name)!, `step ${step}: ${name} fell to ${value}`)
      for (const [name, value] of gaugesOf(broker.broker)) assert.ok(value >= 0, `step ${step}: ${name} is ${value}`)
      counters = now
    }
    for (const client of clients.values()) client.drop()
    for (const topic of TOPICS) void broker.broker.publish(topic, '', { retain: true })
    broker.advance(100_000)
    await broker.settle()
    assert.deepEqual(gaugesOf(broker.broker), gaugesBefore)
    await broker.close()
  })
}

const TOPICS = ['a', 'a/b', 'c/d']

/** Somebody comes, goes, subscribes, publishes, reads or waits. */
function live(chance: SeededRandom, broker: VirtualBroker, clients: Map<string, TestClient>): void {
  const clientId = chance.pick(['one', 'two', 'three', 'four'])
  const client = clients.get(clientId)
  const does = chance.integer(8)
  if (client === undefined || client.isClosed || does === 0) {
    const will = chance.chance(0.5) ? { topicName: chance.pick(TOPICS), retain: chance.chance(0.5) } : undefined
    const properties = { sessionExpiryInterval: chance.pick([0, 5, 50]), receiveMaximum: 3 }
    const cleanStart = chance.chance(0.3)
    clients.set(clientId, broker.connect({ clientId, cleanStart, properties, ...(will && { will }) }))
  } else if (does === 1) client.drop()
  else if (does === 2) client.disconnect(chance.pick([0, 4]))
  else if (does === 3)
    client.subscribe(chance.pick(['a', 'a/#', '#', '$share/g/a', '$share/g/#']), chance.pick([0, 1, 2]))
  else if (does === 4) client.unsubscribe(chance.pick(['a', 'a/#', '#', '$share/g/a', '$share/g/#']))
  else if (does === 5) client.receiveAll()
  else if (does === 6) broker.advance(chance.pick([10, 3000, 20_000]))
  else {
    const properties = chance.chance(0.3) ? { messageExpiryInterval: 10 } : {}
    client.publish(chance.pick(TOPICS), 'x'.repeat(chance.integer(50)), chance.pick([0, 1, 2]), {
      retain: chance.chance(0.3),
      properties,
    })
  }
}

function countersOf(broker: Broker): Map<string, number> {
  const counters = broker.figures().filter(({ kind }) => kind !== 'gauge')
  return new Map(counters.map(({ name, value }) => [name, typeof value === 'number' ? value : value.count]))
}

function gaugesOf(broker: Broker): Map<string, number> {
  const gauges = broker.figures().filter(({ name, kind }) => kind === 'gauge' && !LASTING.has(name))
  return new Map(gauges.map(({ name, value }) => [name, value as number]))
}

test('while the broker closes it has its figures like its counters; afterwards both say that it is closed', async () => {
  const world = await VirtualBroker.start({})
  const { broker } = world
  const closing = world.close()
  assert.equal(broker.state, 'closing')
  assert.equal(broker.figure('takeovers')?.value, broker.metrics.takeovers)
  await closing
  for (const ask of [() => broker.figures(), () => broker.metrics]) {
    assert.throws(ask, { name: 'UsageError', message: /the broker is closed/ })
  }
})
