/** Message Expiry Interval, to the second (§3.3.2.3.3). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { justBefore, onlyPublish, publishes, resume, SECOND, watch } from './support.ts'
import { sessionsOf } from '../../support/sessions.ts'

/** A sleeping Session, subscribed to `t`, and a publisher. */
async function withSleeper(): Promise<{ broker: VirtualBroker; publisher: TestClient; wake: () => TestClient }> {
  const broker = await VirtualBroker.start()
  const sleeper = resume(broker, 'sleeper', 100_000)
  sleeper.subscribe('t', 2)
  sleeper.drop()
  return {
    broker,
    publisher: broker.connect({ clientId: 'publisher' }),
    wake: () => resume(broker, 'sleeper', 100_000),
  }
}

const expiring = (messageExpiryInterval: number) => ({ properties: { messageExpiryInterval } })

for (const qos of [1, 2] as const) {
  test(`A QoS ${qos} message that waited for its whole Message Expiry Interval is deleted, one that waited a ms less is sent [5.0 MQTT-3.3.2-5]`, async () => {
    for (const [waits, expected] of [
      [justBefore(10), ['x']],
      [10 * SECOND, []],
      [3600 * SECOND, []],
    ] as const) {
      const { broker, publisher, wake } = await withSleeper()
      publisher.publish('t', 'x', qos, expiring(10))
      broker.advance(waits)
      const woken = wake()
      assert.deepEqual(woken.takePayloads(), expected)
      assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'sleeper')?.queuedMessages, 0)
    }
  })
}

test('Only the copy that waited is deleted: others had theirs, and what does not expire stays [5.0 MQTT-3.3.2-5]', async () => {
  const { broker, publisher, wake } = await withSleeper()
  const watcher = watch(broker, 't')
  publisher.publish('t', 'one', 1, expiring(10))
  publisher.publish('t', 'two', 1)
  publisher.publish('t', 'three', 1, expiring(20))
  assert.deepEqual(watcher.takePayloads(), ['one', 'two', 'three'])
  broker.advance(15 * SECOND)
  assert.deepEqual(wake().takePayloads(), ['two', 'three'])
})

test('A message that waits behind Receive Maximum expires there too [5.0 MQTT-3.3.2-5]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'c', properties: { receiveMaximum: 1 } })
  client.subscribe('t', 1)
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const payload of ['one', 'two', 'three']) {
    publisher.publish('t', payload, 1, payload === 'two' ? expiring(10) : {})
  }
  const first = onlyPublish(client)
  broker.advance(10 * SECOND)
  client.acknowledge(PacketType.PUBACK, first.packetIdentifier)
  assert.deepEqual(client.takePayloads(), ['three'])
})

test('What was sent once is sent again although it expired meanwhile: its delivery had begun [5.0 MQTT-3.3.2-5]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 600)
  client.subscribe('t', 1)
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1, expiring(10))
  const { packetIdentifier } = onlyPublish(client)
  client.drop()
  broker.advance(60 * SECOND)
  const again = onlyPublish(resume(broker, 'c', 600))
  assert.deepEqual([again.packetIdentifier, again.dup], [packetIdentifier, true])
})

test('Message Expiry Interval 0 is over at once for who has to wait, and not for who is there [5.0 MQTT-3.3.2-5]', async () => {
  const { broker, publisher, wake } = await withSleeper()
  const watcher = watch(broker, 't')
  publisher.publish('t', 'x', 1, expiring(0))
  assert.equal(onlyPublish(watcher).properties.messageExpiryInterval, 0)
  assert.deepEqual(wake().take(), [])
})

test('What is sent on has the interval less the seconds that it waited [5.0 MQTT-3.3.2-6]', async () => {
  for (const [waitsMs, expected] of [
    [0, 100],
    [999, 100],
    [1000, 99],
    [1999, 99],
    [60_000, 40],
    [99_000, 1],
    [99_999, 1],
  ] as const) {
    const { broker, publisher, wake } = await withSleeper()
    publisher.publish('t', 'x', 2, expiring(100))
    broker.advance(waitsMs)
    assert.equal(onlyPublish(wake()).properties.messageExpiryInterval, expected)
  }
})

test('The interval of a retained message counts down too, for every new Subscription anew [5.0 MQTT-3.3.2-6]', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1, { retain: true, ...expiring(100) })
  for (const expected of [90, 80, 70]) {
    broker.advance(10 * SECOND)
    for (const qos of [0, 1] as const) {
      const client = broker.connect({ clientId: `c${qos}` })
      client.subscribe('t', qos)
      assert.equal(onlyPublish(client).properties.messageExpiryInterval, expected)
    }
  }
})

test('Whoever shares a message sees its own waiting time, at every QoS, with an identifier or an alias [5.0 MQTT-3.3.2-6]', async () => {
  const { broker, publisher, wake } = await withSleeper()
  const identified = resume(broker, 'identified', 600)
  identified.subscribe('t', 1, {}, { subscriptionIdentifiers: [3] })
  identified.drop()
  const live = watch(broker, 't')
  publisher.publish('t', 'x', 2, { retain: true, ...expiring(1000) })
  assert.equal(onlyPublish(live).properties.messageExpiryInterval, 1000)
  broker.advance(100 * SECOND)
  assert.equal(onlyPublish(wake()).properties.messageExpiryInterval, 900)
  broker.advance(100 * SECOND)
  assert.equal(onlyPublish(resume(broker, 'identified', 600)).properties.messageExpiryInterval, 800)
  const aliasing = broker.connect({ clientId: 'aliasing', properties: { topicAliasMaximum: 1 } })
  aliasing.subscribe('t')
  assert.equal(onlyPublish(aliasing).properties.messageExpiryInterval, 800)
})

test('What is sent again has the interval of that moment [5.0 MQTT-3.3.2-6]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 600)
  client.subscribe('t', 1)
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1, expiring(100))
  assert.equal(onlyPublish(client).properties.messageExpiryInterval, 100)
  client.drop()
  broker.advance(30 * SECOND)
  const again = resume(broker, 'c', 600)
  assert.equal(onlyPublish(again).properties.messageExpiryInterval, 70)
  again.drop()
  broker.advance(300 * SECOND)
  assert.equal(onlyPublish(resume(broker, 'c', 600)).properties.messageExpiryInterval, 0)
})

test('The largest interval, 136 years, neither overflows nor is lost [5.0 MQTT-3.3.2-6]', async () => {
  const { broker, publisher, wake } = await withSleeper()
  publisher.publish('t', 'x', 1, expiring(0xffff_ffff))
  broker.advance(50_000 * SECOND)
  assert.equal(onlyPublish(wake()).properties.messageExpiryInterval, 0xffff_ffff - 50_000)
})

test('Without an interval a message does not expire, and none is sent on [5.0 U-3.3.2.3.3-1]', async () => {
  const { broker, publisher, wake } = await withSleeper()
  publisher.publish('t', 'x', 1, { retain: true })
  broker.advance(99_999 * SECOND)
  assert.deepEqual(onlyPublish(wake()).properties, {})
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('t')
  assert.deepEqual(onlyPublish(late).properties, {})
})

test('A 3.1.1 publisher’s message has no interval, a 3.1.1 receiver’s copy expires in the Server [5.0 U-3.3.2.3.3-1, MQTT-3.3.2-5]', async () => {
  const broker = await VirtualBroker.start()
  const old = broker.connect({ clientId: 'old', version: 4, cleanStart: false })
  old.subscribe('t', 1)
  old.drop()
  const watcher = watch(broker, 't')
  broker.connect({ clientId: 'p4', version: 4 }).publish('t', 'stays', 1)
  broker.connect({ clientId: 'p5' }).publish('t', 'expires', 1, expiring(10))
  assert.deepEqual(publishes(watcher)[0]!.properties, {})
  broker.advance(10 * SECOND)
  const again = broker.connect({ clientId: 'old', version: 4, cleanStart: false })
  assert.deepEqual(again.takePayloads(), ['stays'])
})
