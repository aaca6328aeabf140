/**
 * What has expired leaves limits, counters and the Store: at once where a limit bites, and within a second where none
 * does.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const expiring = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })

async function withSleeper(config: object = {}, settings: object = {}) {
  const broker = await VirtualBroker.start(config, settings)
  const client = broker.connect({ clientId: 'sleeper', ...KEPT })
  await broker.settle()
  client.subscribe('#', 1)
  await broker.settle()
  client.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  const view = () => sessionsOf(broker.broker).find(({ clientId }) => clientId === 'sleeper')!
  const wake = async () => {
    const back = broker.connect({ clientId: 'sleeper', ...KEPT })
    await broker.settle()
    return back.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  }
  return { broker, sensor, view, wake }
}

for (const queueFull of ['drop-newest', 'drop-oldest'] as const) {
  test(`what expired while it waited takes no place of what is fresh (${queueFull})`, async () => {
    const { broker, sensor, wake } = await withSleeper({ 'max-queued-messages': 100, 'queue-full': queueFull })
    for (let at = 0; at < 100; at++) sensor.publish('t', `old ${at}`, 1, expiring(at % 2 === 0 ? 1 : 3))
    broker.clock.advance(999)
    sensor.publish('t', 'too early', 1)
    const early = broker.broker.metrics.dropped['queue full']
    assert.equal(early, 1)
    broker.clock.advance(2001)
    for (let at = 0; at < 10; at++) sensor.publish('t', `new ${at}`, 1)
    const expected = Array.from({ length: 10 }, (_, at) => `new ${at}`)
    assert.deepEqual(await wake(), queueFull === 'drop-newest' ? expected : ['too early', ...expected])
    assert.equal(broker.broker.metrics.dropped['queue full'], early, 'nothing more is dropped for lack of room')
    await broker.close()
  })
}

test('room that only expired messages take is given at once, not a second later', async () => {
  const { broker, sensor, wake } = await withSleeper({ 'max-queued-messages': 3 })
  sensor.publish('t', 'lasting', 1)
  sensor.publish('t', 'short', 1, expiring(1))
  sensor.publish('t', 'lasting too', 1)
  broker.clock.advance(1000)
  sensor.publish('t', 'fresh', 1)
  assert.deepEqual(await wake(), ['lasting', 'lasting too', 'fresh'])
  await broker.close()
})

test('bytes that only expired messages take are free', async () => {
  const { broker, sensor, view, wake } = await withSleeper({ 'max-queued-bytes': 100_000 })
  const large = 'x'.repeat(40_000)
  sensor.publish('t', large, 1, expiring(5))
  sensor.publish('t', large, 1, expiring(10))
  const full = view().queuedBytes
  broker.clock.advance(6000)
  assert.ok(view().queuedBytes < full / 1.9, 'the first is gone')
  sensor.publish('t', large, 1)
  broker.clock.advance(5000)
  assert.deepEqual([view().queuedMessages, (await wake()).length], [1, 1])
  await broker.close()
})

test('counters and events tell of what expired in a queue within a second, whoever is away', async () => {
  const { broker, sensor, view } = await withSleeper()
  const gone: string[] = []
  broker.broker.on('dropped', ({ message, cause }) => gone.push(`${message.topicName}: ${cause}`))
  for (const seconds of [2, 5, 5, 9]) sensor.publish(`t/${seconds}`, 'x', 1, expiring(seconds))
  sensor.publish('t/never', 'x', 1)
  const counts: number[] = []
  for (let second = 0; second < 11; second++) {
    broker.clock.advance(1000)
    counts.push(view().queuedMessages)
  }
  assert.deepEqual(counts.at(-1), 1)
  assert.ok(counts[2]! <= 4 && counts[5]! <= 2, counts.join(' '))
  assert.deepEqual(gone, ['t/2: expired', 't/5: expired', 't/5: expired', 't/9: expired'])
  assert.equal(broker.broker.metrics.dropped.expired, 4)
  await broker.close()
})

test('a queue of very many messages that expire at as many times is swept in slices', async () => {
  const { broker, sensor, view } = await withSleeper({ 'max-queued-messages': 100_000, 'max-queued-bytes': 1e9 })
  for (let at = 0; at < 20_000; at++) sensor.publish('t', 'x', 1, expiring(1 + (at % 50)))
  for (let second = 0; second < 60; second++) broker.clock.advance(1000)
  assert.equal(view().queuedMessages, 0)
  assert.equal(broker.broker.metrics.dropped.expired, 20_000)
  await broker.close()
})

for (const [where, persistence] of [
  ['in RAM', { 'max-session-ram-bytes': 1_000_000_000, 'max-ram-bytes': 1_000_000_000 }],
  ['on disk alone', { 'max-session-ram-bytes': 0, 'max-ram-bytes': 0 }],
] as const) {
  test(`what expired while it waited ${where} is gone from the store`, async () => {
    const disk = new MemoryDisk()
    const config = { persistence: { durability: 'disk', ...persistence } } as const
    const { broker, sensor, view } = await withSleeper(config, { disk })
    for (let at = 0; at < 50; at++) sensor.publish('t', `old ${at}`, 1, expiring(at % 2 === 0 ? 1 : 1000))
    await broker.settle()
    broker.clock.advance(3000)
    await broker.settle()
    await broker.settle()
    assert.equal(view().queuedMessages, 25)
    await disk.syncNames()
    const next = await VirtualBroker.start(config, { disk: disk.crash() })
    const [restored] = sessionsOf(next.broker)
    assert.equal(restored?.queuedMessages, 25)
    await next.close()
  })
}

test('what expires while a broker starts, or was stopped, takes no room either', async () => {
  const disk = new MemoryDisk()
  const config = { persistence: { durability: 'disk' }, 'max-queued-messages': 10 } as const
  const { broker, sensor } = await withSleeper(config, { disk })
  for (let at = 0; at < 10; at++) sensor.publish('t', `old ${at}`, 1, expiring(60))
  await broker.settle()
  await disk.syncNames()
  const next = await VirtualBroker.start(config, { disk: disk.crash() })
  next.advance(61_000)
  next.connect({ clientId: 'sensor' }).publish('t', 'new', 1)
  await next.settle()
  const back = next.connect({ clientId: 'sleeper', ...KEPT })
  await next.settle()
  assert.deepEqual(
    back.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['new'],
  )
  await next.close()
})

test('retained messages that have expired take no room of fresh ones', async () => {
  const broker = await VirtualBroker.start({ 'max-retained-messages': 3 })
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 3; at++) sensor.publish(`old/${at}`, 'x', 0, { retain: true, ...expiring(1) })
  broker.clock.advance(1000)
  for (let at = 0; at < 3; at++) sensor.publish(`new/${at}`, 'x', 0, { retain: true })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  assert.equal(reader.takePayloads().length, 3)
  assert.equal(broker.broker.metrics.retainedRefusedAtLimit, 0)
  await broker.close()
})

test('what expired in the queue of a host program’s iterator takes no place of what is fresh', async () => {
  const broker = await VirtualBroker.start()
  const subscription = broker.broker.subscribe('#', { maxQueuedMessages: 10 })
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 10; at++) sensor.publish('t', 'old', 0, expiring(at % 2 === 0 ? 1 : 2))
  broker.clock.advance(2000)
  sensor.publish('t', 'new')
  assert.equal(subscription.queuedMessages, 1)
  const next = await subscription.next()
  assert.equal(Buffer.from(next.value!.payload).toString(), 'new')
  assert.equal(subscription.droppedMessages, 0)
  assert.equal(broker.broker.metrics.dropped.expired, 10)
  subscription.close()
  await broker.close()
})
