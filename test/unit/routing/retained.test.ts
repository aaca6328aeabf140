import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

/** What a new subscriber gets, by topic. */
function retainedFor(
  broker: VirtualBroker,
  topicFilter: string,
  qos: 0 | 1 | 2 = 0,
): [topic: string, payload: string][] {
  const client = broker.connect({ clientId: `late-${topicFilter}` })
  client.subscribe(topicFilter, qos)
  const received = client.receiveAll().map(({ topicName, payload, retain }): [string, string] => {
    assert.equal(retain, true)
    return [topicName, Buffer.from(payload).toString()]
  })
  return received.sort(([one], [other]) => (one < other ? -1 : 1))
}

function retain(client: TestClient, topicName: string, payload: string, properties = {}): void {
  client.publish(topicName, payload, 0, { retain: true, properties })
}

test('the last retained message of each topic is kept; an empty one erases it [5.0 MQTT-3.3.1-5] [5.0 MQTT-3.3.1-6] [3.1.1 MQTT-3.3.1-10]', async () => {
  const broker = await VirtualBroker.start()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const [topic, payload] of [
    ['a', '1'],
    ['a', '2'],
    ['b/c', '3'],
    ['b/d', '4'],
  ] as const) {
    retain(sensor, topic, payload)
  }
  sensor.publish('a', 'not retained')
  retain(sensor, 'b/d', '')
  assert.deepEqual(retainedFor(broker, '#'), [
    ['a', '2'],
    ['b/c', '3'],
  ])
  assert.deepEqual(retainedFor(broker, 'b/+'), [['b/c', '3']])
  assert.deepEqual(retainedFor(broker, 'x/#'), [])
  await broker.close()
})

test('an established subscription gets RETAIN 0, whatever the publisher said [5.0 MQTT-3.3.1-12] [3.1.1 MQTT-3.3.1-9]', async () => {
  const broker = await VirtualBroker.start()
  for (const version of [4, 5] as const) {
    const watcher = broker.connect({ clientId: `watcher${version}`, version })
    watcher.subscribe('a')
    retain(broker.connect({ clientId: 'sensor' }), 'a', '1')
    const live = watcher.take().at(-1) as PublishPacket
    assert.equal(live.retain, false)
  }
  await broker.close()
})

test('Retain Handling: 0 always, 1 only for a new subscription, 2 never [5.0 MQTT-3.3.1-9] [5.0 MQTT-3.3.1-10] [5.0 MQTT-3.3.1-11]', async () => {
  const broker = await VirtualBroker.start()
  retain(broker.connect({ clientId: 'sensor' }), 'a', '1')
  for (const [retainHandling, first, second] of [
    [0, 1, 1],
    [1, 1, 0],
    [2, 0, 0],
  ] as const) {
    const client = broker.connect({ clientId: `handling${retainHandling}` })
    for (const expected of [first, second]) {
      client.subscribe('a', 0, { retainHandling })
      assert.equal(client.takePayloads().length, expected)
    }
  }
  await broker.close()
})

test('a retained message goes out at the lower of both QoS [5.0 MQTT-3.8.4-8]', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'sensor' }).publish('a', 'x', 1, { retain: true })
  for (const [granted, expected] of [
    [0, 0],
    [1, 1],
    [2, 1],
  ] as const) {
    const client = broker.connect()
    client.subscribe('a', granted)
    assert.equal(client.receiveAll()[0]!.qos, expected)
  }
  await broker.close()
})

test('a Shared Subscription gets no retained messages', async () => {
  const broker = await VirtualBroker.start()
  retain(broker.connect({ clientId: 'sensor' }), 'a', '1')
  const client = broker.connect()
  client.subscribe('$share/g/a')
  assert.deepEqual(client.takePayloads(), [])
  await broker.close()
})

test('an expired retained message is gone at that moment, and one that lives is counted down', async () => {
  const broker = await VirtualBroker.start()
  const actions: string[] = []
  broker.broker.on('retained', ({ topic, action }) => actions.push(`${topic} ${action}`))
  const sensor = broker.connect({ clientId: 'sensor' })
  retain(sensor, 'short', '1', { messageExpiryInterval: 5 })
  retain(sensor, 'long', '2', { messageExpiryInterval: 50 })
  broker.advance(5000)
  assert.deepEqual(actions, ['short set', 'long set', 'short expired'])
  assert.equal(broker.broker.metrics.retainedExpired, 1)
  const client = broker.connect()
  client.subscribe('#')
  const [message] = client.take() as PublishPacket[]
  assert.deepEqual([message!.topicName, message!.properties.messageExpiryInterval], ['long', 45])
  await broker.close()
})

test('a replaced message takes its expiry with it', async () => {
  const broker = await VirtualBroker.start()
  const sensor = broker.connect({ clientId: 'sensor' })
  retain(sensor, 'a', '1', { messageExpiryInterval: 5 })
  retain(sensor, 'a', '2')
  broker.advance(100_000)
  assert.deepEqual(retainedFor(broker, 'a'), [['a', '2']])
  await broker.close()
})

test('max-retained-messages: a new topic beyond it is not kept, and counted; known ones change and make room', async () => {
  const broker = await VirtualBroker.start({ 'max-retained-messages': 2 })
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const topic of ['a', 'b', 'c']) retain(sensor, topic, topic)
  assert.equal(broker.broker.metrics.retainedRefusedAtLimit, 1)
  retain(sensor, 'a', 'new')
  retain(sensor, 'b', '')
  retain(sensor, 'd', 'd')
  assert.deepEqual(retainedFor(broker, '#'), [
    ['a', 'new'],
    ['d', 'd'],
  ])
  await broker.close()
})

test('retained messages are checked again when they are delivered', async () => {
  const acl = { anonymous: { publish: ['#'], subscribe: ['open/#'] } }
  const broker = await VirtualBroker.start({ 'topic-check': { acl } })
  const sensor = broker.connect({ clientId: 'sensor' })
  retain(sensor, 'open/a', '1')
  retain(sensor, 'closed/a', '2')
  const client = broker.connect()
  assert.deepEqual(client.subscribe(['#', 'open/#']).reasonCodes, [ReasonCode.NotAuthorized, 0])
  assert.deepEqual(client.takePayloads(), ['1'])
  await broker.close()
})

test('a replay larger than a turn goes on in the next, and stops for a Client that leaves', async () => {
  const broker = await VirtualBroker.start()
  const messages = Array.from({ length: 25_000 }, (_, at) => broker.broker.publish(`t/${at}`, 'x', { retain: true }))
  broker.clock.runTurns()
  await Promise.all(messages)
  const client = broker.connect()
  const turns = broker.broker.metrics.turns
  client.subscribe('t/#')
  assert.equal(client.takePayloads().length, 25_000)
  assert.ok(broker.broker.metrics.turns - turns > 1)
  await broker.close()
})

test('No Local keeps own retained messages away', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  retain(client, 'a', '1')
  client.subscribe('a', 0, { noLocal: true })
  assert.deepEqual(client.takePayloads(), [])
  await broker.close()
})

test('what the broker says of itself below $SYS takes no room from users, and no limit keeps it away', async () => {
  const limits = {
    'max-retained-messages': 2,
    'max-retained-bytes': 2500,
    'max-memory': 8000,
    'max-memory-per-user': 0,
  }
  const broker = await VirtualBroker.start({ 'sys-interval': 10, ...limits })
  const sensor = broker.connect({ clientId: 'sensor' })
  retain(sensor, 'a', '1')
  retain(sensor, 'b', '2')
  retain(sensor, 'c', '3')
  assert.deepEqual(retainedFor(broker, '#'), [
    ['a', '1'],
    ['b', '2'],
  ])
  assert.equal(broker.broker.metrics.retainedRefusedAtLimit, 1)
  assert.ok(retainedFor(broker, '$SYS/broker/#').length > 10)
  broker.advance(10_000)
  retain(sensor, 'b', '')
  retain(sensor, 'd', '4')
  assert.deepEqual(
    retainedFor(broker, '#').map(([topic]) => topic),
    ['a', 'd'],
  )
  assert.equal(broker.broker.metrics.retainedRefusedAtLimit, 1)
  await broker.close()
})
