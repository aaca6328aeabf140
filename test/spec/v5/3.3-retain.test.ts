/** RETAIN, Retain Handling and Retain As Published (§3.3.1.3). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { justBefore, onlyPublish, publishes, resume, watch } from './support.ts'

/** Payloads of what is retained for that filter, as a new Subscription gets them. */
function retained(broker: VirtualBroker, filter: string): string[] {
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe(filter, 2)
  const payloads = reader.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  reader.disconnect()
  return payloads
}

async function withPublisher(): Promise<{ broker: VirtualBroker; publisher: TestClient }> {
  const broker = await VirtualBroker.start()
  return { broker, publisher: broker.connect({ clientId: 'publisher' }) }
}

test('RETAIN 1: the message takes the place of its topic’s retained message, and of no other’s [5.0 MQTT-3.3.1-5]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('u', 'other', 0, { retain: true })
  for (const qos of [0, 1, 2] as const) {
    publisher.publish('t', `at ${qos}`, qos, { retain: true })
    assert.deepEqual(retained(broker, 't'), [`at ${qos}`])
  }
  assert.deepEqual(retained(broker, 'u'), ['other'])
})

test('RETAIN 1 at QoS 0 replaces a retained message of QoS 2 [5.0 U-3.3.1.3-3]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'old', 2, { retain: true })
  publisher.publish('t', 'new', 0, { retain: true })
  assert.deepEqual(retained(broker, 't'), ['new'])
})

test('RETAIN 1 with an empty payload is delivered as usual and erases the retained message [5.0 MQTT-3.3.1-6]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'x', 1, { retain: true })
  publisher.publish('u', 'y', 1, { retain: true })
  const reader = broker.connect({ clientId: 'live' })
  reader.subscribe('t', 1, { retainHandling: 2 })
  publisher.publish('t', '', 1, { retain: true })
  const { payload, qos, retain } = onlyPublish(reader)
  assert.deepEqual([payload.length, qos, retain], [0, 1, false])
  assert.deepEqual(retained(broker, '#'), ['y'])
})

test('An empty payload is never kept as a retained message [5.0 MQTT-3.3.1-7]', async () => {
  const { broker, publisher } = await withPublisher()
  for (const qos of [0, 1, 2] as const) {
    publisher.publish(`t/${qos}`, '', qos, { retain: true, properties: { contentType: 'x' } })
  }
  assert.deepEqual(retained(broker, '#'), [])
})

test('RETAIN 0 neither stores a message nor touches the one that is stored, not even with an empty payload [5.0 MQTT-3.3.1-8]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'live', 1)
  assert.deepEqual(retained(broker, 't'), [])
  publisher.publish('t', 'kept', 1, { retain: true })
  publisher.publish('t', 'live', 2)
  publisher.publish('t', '', 0)
  assert.deepEqual(retained(broker, 't'), ['kept'])
})

for (const [retainHandling, id, first, again] of [
  [0, 'MQTT-3.3.1-9', ['x'], ['x']],
  [1, 'MQTT-3.3.1-10', ['x'], []],
  [2, 'MQTT-3.3.1-11', [], []],
] as const) {
  test(`Retain Handling ${retainHandling}: a new Subscription gets ${first.length}, an existing one ${again.length} retained messages [5.0 ${id}]`, async () => {
    const { broker, publisher } = await withPublisher()
    publisher.publish('t', 'x', 1, { retain: true })
    const client = broker.connect({ clientId: 'c' })
    const subscribe = (): string[] => {
      client.subscribe('t', 1, { retainHandling })
      return client.takePayloads()
    }
    assert.deepEqual(subscribe(), first)
    assert.deepEqual(subscribe(), again)
    client.unsubscribe('t')
    assert.deepEqual(subscribe(), first, 'new again')
  })
}

test('Retain Handling 1: a Subscription that a resumed Session holds is not new; one more filter is [5.0 MQTT-3.3.1-10]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'x', 1, { retain: true })
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 1, { retainHandling: 1 })
  assert.deepEqual(client.takePayloads(), ['x'])
  client.drop()
  const again = resume(broker, 'c', 60)
  again.take()
  again.subscribe(['t', '+'], 1, { retainHandling: 1 })
  assert.deepEqual(again.takePayloads(), ['x'])
})

test('Each filter of a SUBSCRIBE has its own Retain Handling [5.0 MQTT-3.3.1-9, MQTT-3.3.1-11]', async () => {
  const { broker, publisher } = await withPublisher()
  for (const topic of ['a', 'b', 'c']) publisher.publish(topic, topic, 0, { retain: true })
  const client = broker.connect({ clientId: 'c' })
  client.subscribe([
    { topicFilter: 'a', retainHandling: 0 },
    { topicFilter: 'b', retainHandling: 2 },
    { topicFilter: 'c', retainHandling: 1 },
  ])
  assert.deepEqual(client.takePayloads(), ['a', 'c'])
})

test('Retain As Published 0: live messages have RETAIN 0 [5.0 MQTT-3.3.1-12]', async () => {
  const { broker, publisher } = await withPublisher()
  const client = broker.connect({ clientId: 'c' })
  client.subscribe('t', 2, { retainAsPublished: false })
  for (const qos of [0, 1, 2] as const) {
    for (const retain of [false, true]) {
      publisher.publish('t', 'x', qos, { retain })
      assert.equal(onlyPublish(client).retain, false)
    }
  }
})

test('Retain As Published 1: live messages have the publisher’s RETAIN [5.0 MQTT-3.3.1-13]', async () => {
  const { broker, publisher } = await withPublisher()
  const client = broker.connect({ clientId: 'c' })
  client.subscribe('t', 2, { retainAsPublished: true })
  for (const qos of [0, 1, 2] as const) {
    for (const retain of [false, true]) {
      publisher.publish('t', 'x', qos, { retain })
      assert.equal(onlyPublish(client).retain, retain)
    }
  }
})

test('Retain As Published counts for what waited in a Session too [5.0 MQTT-3.3.1-12, MQTT-3.3.1-13]', async () => {
  for (const retainAsPublished of [false, true]) {
    const { broker, publisher } = await withPublisher()
    const client = resume(broker, 'c', 60)
    client.subscribe('t', 1, { retainAsPublished })
    client.drop()
    publisher.publish('t', 'x', 1, { retain: true })
    assert.equal(onlyPublish(resume(broker, 'c', 60)).retain, retainAsPublished)
  }
})

test('Retained messages for a new Subscription have RETAIN 1, whatever Retain As Published says [5.0 U-3.3.1.3-2]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'x', 2, { retain: true })
  for (const retainAsPublished of [false, true]) {
    for (const qos of [0, 1, 2] as const) {
      const client = broker.connect({ clientId: 'c' })
      client.subscribe('t', qos, { retainAsPublished })
      const packet = onlyPublish(client)
      assert.deepEqual([packet.retain, packet.qos, packet.dup], [true, qos, false])
    }
  }
})

test('An expired retained message is gone: nothing is retained for its topic [5.0 U-3.3.1.3-1]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'x', 1, { retain: true, properties: { messageExpiryInterval: 60 } })
  broker.advance(justBefore(60))
  assert.deepEqual(retained(broker, '#'), ['x'])
  broker.advance(1)
  assert.deepEqual(retained(broker, '#'), [])
})

test('A retained message that replaces an expiring one does not expire with it [5.0 U-3.3.1.3-1, MQTT-3.3.1-5]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('t', 'old', 1, { retain: true, properties: { messageExpiryInterval: 60 } })
  publisher.publish('t', 'new', 1, { retain: true })
  broker.advance(600_000)
  assert.deepEqual(retained(broker, 't'), ['new'])
})

test('A refused PUBLISH with RETAIN 1 retains nothing [5.0 MQTT-3.3.1-5]', async () => {
  const { broker, publisher } = await withPublisher()
  publisher.publish('$SYS/x', 'x', 1, { retain: true })
  const [puback] = publisher.take()
  assert.equal(puback?.type === PacketType.PUBACK && puback.reasonCode, 0x87)
  const watcher = watch(broker, '$SYS/#')
  assert.deepEqual(publishes(watcher), [])
})
