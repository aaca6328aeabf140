/** A message that a Client chokes on does not come again for ever. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

async function setUp(config: object = {}) {
  const broker = await VirtualBroker.start(config)
  const gone: string[] = []
  broker.broker.on('dropped', ({ clientId, message, cause }) => gone.push(`${clientId} ${message.topicName}: ${cause}`))
  const connect = (): TestClient => broker.connect({ clientId: 'c', ...KEPT })
  const first = connect()
  first.subscribe('#', 2)
  return { broker, gone, connect, first, sensor: broker.connect({ clientId: 'sensor' }) }
}

const idOf = (packet: PublishPacket): string => packet.packetIdentifier.toString(16).padStart(4, '0')

test('PUBACK with Reason Code 0x10, which only a Server sends, does no harm: it acknowledges [5.0 MQTT-3.4.2-1]', async () => {
  for (const qos of [1, 2] as const) {
    const { broker, first, sensor, connect } = await setUp()
    sensor.publish('a', 'x', qos)
    const [message] = first.take() as PublishPacket[]
    first.sendHex(`${qos === 1 ? '40' : '50'}03${idOf(message!)}10`)
    assert.equal(first.isClosed, false)
    if (qos === 2) first.acknowledge(PacketType.PUBCOMP, message!.packetIdentifier)
    first.drop()
    assert.deepEqual(
      connect()
        .take()
        .filter(({ type }) => type === PacketType.PUBLISH),
      [],
    )
    await broker.close()
  }
})

for (const qos of [1, 2] as const) {
  test(`QoS ${qos}: a message whose acknowledgement breaks the protocol each time is dropped after max-delivery-attempts; others stay`, async () => {
    const { broker, gone, first, sensor, connect } = await setUp({ 'max-delivery-attempts': 3 })
    for (const topic of ['good', 'bad', 'late']) sensor.publish(topic, 'x', qos)
    let client = first
    for (let attempt = 1; attempt <= 3; attempt++) {
      const packets = client.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
      const bad = packets.find(({ topicName }) => topicName === 'bad')
      assert.ok(bad !== undefined, `attempt ${attempt}`)
      assert.equal(packets.length, 3)
      client.sendHex(`${qos === 1 ? '40' : '50'}03${idOf(bad)}ff`)
      assert.equal(client.isClosed, true)
      assert.deepEqual(gone, attempt < 3 ? [] : ['c bad: too many attempts'])
      client = connect()
    }
    const rest = client.receiveAll().map(({ topicName }) => topicName)
    assert.deepEqual([rest, client.isClosed], [['good', 'late'], false])
    assert.equal(broker.broker.metrics.dropped['too many attempts'], 1)
    await broker.close()
  })
}

test('where the Client does not say what it chokes on, the oldest message is suspected: the loop ends all the same', async () => {
  const { broker, gone, sensor, connect } = await setUp({ 'max-delivery-attempts': 2 })
  for (const topic of ['a', 'b']) sensor.publish(topic, 'x', 1)
  for (let attempt = 0; attempt < 4; attempt++) {
    const client = connect()
    client.sendHex('f2 00')
    assert.equal(client.isClosed, true)
  }
  assert.deepEqual(gone, ['c a: too many attempts', 'c b: too many attempts'])
  assert.deepEqual(connect().take(), [])
  await broker.close()
})

test('connections that are only lost, time out or are taken over count for nothing', async () => {
  const { broker, gone, sensor, connect } = await setUp({ 'max-delivery-attempts': 1 })
  sensor.publish('a', 'x', 1)
  for (const end of ['drop', 'takeover'] as const) {
    const client = connect()
    if (end === 'drop') client.drop(new Error('reset'))
  }
  const last = connect()
  assert.deepEqual(
    last.receiveAll().map(({ topicName }) => topicName),
    ['a'],
  )
  assert.deepEqual(gone, [])
  await broker.close()
})

test('a 3.1.1 Client that is closed because its own message does not fit into the Store loses nothing that it was sent', async () => {
  const config = { listeners: {}, 'max-delivery-attempts': 2, persistence: { 'max-bytes': 100_000 } }
  const broker = await VirtualBroker.start(config, { disk: new MemoryDisk() })
  const connect = async (): Promise<TestClient> => {
    const client = broker.connect({ clientId: 'c', version: 4, cleanStart: false })
    await broker.settle()
    return client
  }
  const first = await connect()
  first.subscribe('a', 1)
  await broker.settle()
  broker.connect({ clientId: 'sensor' }).publish('a', 'x', 1)
  await broker.settle()
  for (let attempt = 0; attempt < 4; attempt++) {
    const client = await connect()
    client.publish('large', Buffer.alloc(200_000), 1)
    await broker.settle()
    assert.equal(client.isClosed, true)
  }
  assert.equal(broker.broker.metrics.dropped['too many attempts'], 0)
  const received = (await connect()).receiveAll().map(({ topicName }) => topicName)
  assert.deepEqual(received, ['a'])
  await broker.close()
})

test('max-delivery-attempts 0 drops nothing', async () => {
  const { broker, gone, sensor, connect } = await setUp({ 'max-delivery-attempts': 0 })
  sensor.publish('a', 'x', 1)
  for (let attempt = 0; attempt < 20; attempt++) connect().sendHex('f2 00')
  assert.deepEqual(gone, [])
  assert.deepEqual(connect().receiveAll().length, 1)
  await broker.close()
})
