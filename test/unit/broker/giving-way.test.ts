/** Publishers and Wills give way to a subscriber that reads, for a while; to one that does not, nobody. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { clientId: 'reader', cleanStart: false, properties: { sessionExpiryInterval: 1000, receiveMaximum: 1 } }

/** A broker and a Client that takes one message at a time. */
async function start(config: ConfigInput = {}): Promise<{ broker: VirtualBroker; reader: TestClient }> {
  const broker = await VirtualBroker.start({ 'max-queued-messages': 5, ...config })
  const reader = broker.connect(KEPT)
  reader.subscribe('#', 1)
  return { broker, reader }
}

function publishMany(client: TestClient, count: number, from = 0): void {
  for (let at = from; at < from + count; at++) client.publish('a', String(at), 1)
}

const textsOf = (client: TestClient): string[] =>
  client.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
const numbers = (count: number): string[] => Array.from({ length: count }, (_, at) => String(at))

test('while its Client is connected, a queue is limited by its bytes; what was accepted is kept when it leaves', async () => {
  for (const queueFull of ['drop-newest', 'drop-oldest'] as const) {
    const { broker, reader } = await start({ 'queue-full': queueFull })
    const sensor = broker.connect({ clientId: 'sensor' })
    publishMany(sensor, 50)
    assert.equal(broker.broker.metrics.dropped['queue full'], 0)
    reader.drop()
    publishMany(sensor, 2, 50)
    assert.equal(broker.broker.metrics.dropped['queue full'], 2, 'one goes for each that comes')
    const texts = textsOf(broker.connect(KEPT))
    assert.equal(texts.length, 50)
    assert.equal(texts.at(-1), queueFull === 'drop-newest' ? '49' : '51')
    await broker.close()
  }
})

test('a publisher that is faster than a subscriber is read as fast as that one takes messages: nothing is dropped', async () => {
  const { broker, reader } = await start({ 'max-queued-messages-connected': 40 })
  const sensor = broker.connect({ clientId: 'sensor' })
  publishMany(sensor, 500)
  assert.ok(sensor.isPaused)
  assert.ok(broker.broker.metrics.publishersGaveWay > 0)
  assert.ok(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'reader')!.queuedMessages <= 21)
  assert.deepEqual(textsOf(reader), numbers(500))
  assert.ok(!sensor.isPaused)
  assert.equal(broker.broker.metrics.dropped['queue full'], 0)
  await broker.close()
})

test('nobody else waits, and nobody waits longer than 100 ms for one message', async () => {
  const { broker } = await start({ 'max-queued-messages-connected': 40 })
  const sensor = broker.connect({ clientId: 'sensor' })
  publishMany(sensor, 100)
  assert.ok(sensor.isPaused)
  const other = broker.connect({ clientId: 'other' })
  other.publish('$other', 'x', 1)
  assert.ok(!other.isPaused, 'nobody is behind that topic')
  const before = broker.broker.metrics.publishReceived
  broker.advance(99)
  assert.equal(broker.broker.metrics.publishReceived, before)
  broker.advance(1)
  assert.equal(broker.broker.metrics.publishReceived, before + 1)
  await broker.close()
})

test('a reader that keeps its own queue half full holds up only who adds more than a share of what it takes', async () => {
  const broker = await VirtualBroker.start({ 'max-queued-messages': 4000, 'max-queued-messages-connected': 4000 })
  const mallory = broker.connect({ clientId: 'mallory', properties: { receiveMaximum: 10 } })
  mallory.subscribe('#', 1)
  const filler = broker.connect({ clientId: 'filler' })
  publishMany(filler, 3000)
  assert.ok(filler.isPaused, 'who fills the queue waits')
  const [honest, reader] = ['honest', 'reader'].map((clientId) => {
    const client = broker.open(5, { address: '192.0.2.7' })
    client.connect({ clientId })
    client.take()
    return client
  }) as [TestClient, TestClient]
  reader.subscribe('honest/#', 1)
  const { publishersGaveWay } = broker.broker.metrics
  for (let at = 0; at < 20; at++) honest.publish(`honest/${at}`, 'x', 1)
  assert.equal(broker.broker.metrics.publishersGaveWay, publishersGaveWay)
  assert.equal(reader.receiveAll().length, 20)
  publishMany(honest, 200)
  assert.ok(broker.broker.metrics.publishersGaveWay > publishersGaveWay, 'beyond its share it waits, too')
  await broker.close()
})

test('a subscriber that has stopped reading is waited for no more: its own messages are dropped', async () => {
  const { broker } = await start({ 'max-queued-messages-connected': 40 })
  const sensor = broker.connect({ clientId: 'sensor' })
  publishMany(sensor, 100)
  broker.advance(2000)
  assert.ok(!sensor.isPaused)
  assert.equal(broker.broker.metrics.publishReceived, 100, 'everything was read')
  assert.ok(broker.broker.metrics.dropped['queue full'] > 0)
  publishMany(sensor, 10)
  assert.ok(!sensor.isPaused)
  await broker.close()
})

test('a subscriber that has not read for long when its queue gets full holds up nobody at all', async () => {
  const { broker } = await start({ 'max-queued-messages-connected': 40 })
  const sensor = broker.connect({ clientId: 'sensor' })
  publishMany(sensor, 10)
  broker.advance(5000)
  publishMany(sensor, 50)
  assert.equal(broker.broker.metrics.publishersGaveWay, 0)
  await broker.close()
})

test('a publisher whose own queue is half full is read, since its acknowledgements make room', async () => {
  const { broker, reader } = await start({ 'max-queued-messages-connected': 40 })
  publishMany(reader, 60)
  assert.ok(!reader.isPaused)
  assert.equal(broker.broker.metrics.publishersGaveWay, 0)
  await broker.close()
})

test('a publisher whose subscriber leaves is read on', async () => {
  const { broker, reader } = await start({ 'max-queued-messages-connected': 40 })
  const sensor = broker.connect({ clientId: 'sensor' })
  publishMany(sensor, 25)
  assert.ok(sensor.isPaused)
  reader.drop()
  assert.ok(!sensor.isPaused)
  await broker.close()
})

test('Wills that come due at once wait for a subscriber that reads: none is dropped, their order is kept', async () => {
  const { broker, reader } = await start({ 'max-queued-messages-connected': 40 })
  const leavers = numbers(300).map((clientId) =>
    broker.connect({ clientId, will: { topicName: 'will', payload: Buffer.from(clientId), qos: 1 } }),
  )
  for (const leaver of leavers) leaver.drop()
  assert.ok(broker.broker.metrics.willsPublished < 300)
  assert.deepEqual(textsOf(reader), numbers(300))
  assert.equal(broker.broker.metrics.willsPublished, 300)
  assert.equal(broker.broker.metrics.dropped['queue full'], 0)
  await broker.close()
})

test('a Will that waits goes out when its Client is back, since its time had come [5.0 MQTT-3.1.3-9]', async () => {
  const { broker } = await start({ 'max-queued-messages-connected': 40 })
  publishMany(broker.connect({ clientId: 'sensor' }), 19)
  const will = { topicName: 'will', payload: Buffer.from('gone'), qos: 1 } as const
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
  for (const clientId of ['a', 'b', 'c', 'd']) broker.connect({ clientId, will, ...kept }).drop()
  const { willsPublished } = broker.broker.metrics
  assert.ok(willsPublished < 4)
  broker.connect({ clientId: 'd', ...kept })
  assert.equal(broker.broker.metrics.willsPublished, willsPublished + 1)
  broker.advance(1000)
  assert.equal(broker.broker.metrics.willsPublished, 4, 'each once')
  await broker.close()
})

test('Wills that wait survive a power cut, whether their Sessions have ended or not, and go out once', async () => {
  const disk = new MemoryDisk()
  const persistence = { durability: 'disk' } as const
  const config = { listeners: {}, persistence, 'max-queued-messages-connected': 20, 'max-queued-messages': 5 }
  const broker = await VirtualBroker.start(config, { disk })
  const reader = broker.connect({ clientId: 'slow', properties: { receiveMaximum: 1 } })
  await broker.settle()
  reader.subscribe('#', 1)
  await broker.settle()
  const leavers = numbers(30).map((clientId) => {
    const will = { topicName: 'will', payload: Buffer.from(clientId), qos: 1, retain: false } as const
    const properties = Number(clientId) % 2 === 0 ? {} : { sessionExpiryInterval: 1000 }
    return broker.connect({ clientId, cleanStart: false, will, properties })
  })
  await broker.settle()
  for (const leaver of leavers) leaver.drop()
  const sent = broker.broker.metrics.willsPublished
  assert.ok(sent < 30)
  await broker.settle()

  const next = await VirtualBroker.start(config, { disk: disk.crash() })
  await next.settle()
  next.advance(1000)
  await next.settle()
  assert.equal(next.broker.metrics.willsPublished, 30 - sent)
  await next.settle()
  const last = await VirtualBroker.start(config, { disk: disk.crash() })
  assert.ok(last.broker.metrics.willsPublished <= 30 - sent)
  await last.close()
})
