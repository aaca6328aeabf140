import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertCloses, publishes, received, scene, takeHex } from './scene.ts'

scene('A PUBLISH is answered by its QoS: 0 nothing, 1 PUBACK, 2 PUBREC [3.1.1 MQTT-3.3.4-1]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, '30 * "a" 78'), '')
  assert.equal(answer(client, '32 * "a" 0102 78'), '40020102')
  assert.equal(answer(client, '34 * "a" 0103 78'), '50020103')
  stage.broker.advance(60_000)
  assert.equal(takeHex(client), '')
})

scene('DUP 1 with QoS 0 ends the Connection [3.1.1 MQTT-3.3.1-2]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  for (const firstByte of ['38', '39']) assertCloses(stage.client('a'), `${firstByte} * "a" 78`)
  assert.deepEqual(received(meter), [])
})

scene('QoS 3 ends the Connection [3.1.1 MQTT-3.3.1-4]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  for (const firstByte of ['36', '37', '3e', '3f']) assertCloses(stage.client('a'), `${firstByte} * "a" 0001 78`)
  assert.deepEqual(received(meter), [])
})

scene(
  'Outbound DUP is 0 for whoever gets the message first, although its publisher repeated it [3.1.1 MQTT-3.3.1-3]',
  (stage) => {
    for (const qos of [0, 1, 2] as const) {
      const meter = stage.subscriber(`meter ${qos}`, `a/${qos}`, qos)
      const sensor = stage.client('sensor')
      sensor.publish(`a/${qos}`, 'x', 2, { dup: true })
      sensor.publish(`a/${qos}`, 'y', 1, { dup: true })
      const messages = publishes(meter)
      assert.equal(messages.length, 2)
      assert.ok(messages.every(({ dup }) => !dup))
    }
  },
)

scene(
  'Outbound DUP is 1 on a repetition, although its publisher did not repeat it [3.1.1 MQTT-3.3.1-3, MQTT-3.3.1-1]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('#', 2)
    const sensor = stage.client('sensor')
    sensor.publish('a', '1', 1)
    sensor.publish('a', '2', 2)
    assert.deepEqual(received(meter), ['a 1 q1', 'a 2 q2'])
    for (let round = 0; round < 3; round++) {
      meter.drop()
      const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
      assert.deepEqual(received(again), ['a 1 q1 dup', 'a 2 q2 dup'])
      again.drop()
    }
  },
)

scene(
  'The Topic Name comes first: a PUBLISH that is cut within it ends the Connection [3.1.1 MQTT-3.3.2-1]',
  (stage) => {
    for (const packet of ['30 00', '30 * 00', '30 * 0001', '30 * 0005 61626364', '32 * 0004 616263', '32 * ffff 61']) {
      assertCloses(stage.client('a'), packet)
    }
  },
)

scene('A wildcard in the Topic Name ends the Connection [3.1.1 MQTT-3.3.2-2, MQTT-4.7.1-1]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  for (const topic of ['+', '#', 'a/+', 'a/#', 'a/+/b', 'a+', '#a', 'a#b']) {
    for (const head of ['30', '31']) assertCloses(stage.client('a'), `${head} * "${topic}" 78`)
    assertCloses(stage.client('a'), `32 * "${topic}" 0001 78`)
    assertCloses(stage.broker.open(4), `10 * "MQTT" 04 06 0000 "id" "${topic}" 0000`)
  }
  assert.deepEqual([received(meter), stage.retained()], [[], []])
})

scene(
  'The Topic Name that the Server sends is the one published, under every matching filter [3.1.1 MQTT-3.3.2-3] [U311-3.3.2.1-1]',
  (stage) => {
    const filters = ['a/b/c', 'a/+/c', '+/+/+', 'a/#', '#']
    const meters = filters.map((filter, at) => stage.subscriber(`meter ${at}`, filter))
    const others = ['a/b', 'a/b/c/d', 'b/#', '+/b', '+'].map((filter, at) => stage.subscriber(`other ${at}`, filter))
    stage.client('sensor').publish('a/b/c', 'x')
    for (const meter of meters) assert.deepEqual(received(meter), ['a/b/c x'])
    for (const other of others) assert.deepEqual(received(other), [])
  },
)

scene('Overlapping subscriptions: the highest QoS among them holds [3.1.1 MQTT-3.3.5-1]', (stage) => {
  const orders = [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
  ] as const
  for (const [at, order] of orders.entries()) {
    const meter = stage.client(`meter ${at}`)
    const filters = ['a/b', 'a/+', 'a/#']
    for (const [index, qos] of order.entries()) meter.subscribe(filters[index]!, qos)
    meter.take()
    const sensor = stage.client('sensor')
    sensor.publish('a/b', 'x', 2)
    assert.deepEqual(received(meter), ['a/b x q2'])
    sensor.publish('a/b', 'y', 1)
    assert.deepEqual(received(meter), ['a/b y q1'])
  }
})

scene('Overlapping subscriptions are served with one copy: further ones are a MAY [U311-3.3.5-1]', (stage) => {
  const meter = stage.client('meter')
  meter.subscribe([
    { topicFilter: 'a', qos: 1 },
    { topicFilter: '#', qos: 0 },
    { topicFilter: '+', qos: 1 },
  ])
  stage.client('sensor').publish('a', 'x', 1)
  assert.deepEqual(received(meter), ['a x q1'])
})

const GUARD = {
  name: 'guard',
  mayPublish: (_: unknown, { topicName }: { readonly topicName: string }) => topicName !== 'secret',
  maySubscribe: () => true,
  mayReceive: () => true,
}

scene(
  'A PUBLISH without permission is acknowledged as ever and goes nowhere [3.1.1 MQTT-3.3.5-2]',
  (stage) => {
    const meter = stage.subscriber('meter', '#', 2)
    const client = stage.client('client')
    assert.equal(answer(client, '31 * "secret" 78'), '')
    assert.equal(answer(client, '33 * "secret" 0001 78'), '40020001')
    assert.equal(answer(client, '35 * "secret" 0002 78'), '50020002')
    assert.equal(answer(client, '62 * 0002'), '70020002')
    assert.equal(client.isClosed, false)
    assert.deepEqual([received(meter), stage.retained()], [[], []])
    client.publish('open', 'x', 1)
    assert.deepEqual(received(meter), ['open x q1'])
  },
  { 'topic-check': { plugins: [GUARD] } },
)

scene('A PUBLISH to a topic of the Server is acknowledged as ever and goes nowhere [3.1.1 MQTT-3.3.5-2]', (stage) => {
  const meter = stage.subscriber('meter', '$SYS/#', 2)
  const client = stage.client('client')
  assert.equal(answer(client, '32 * "$SYS/a" 0001 78'), '40020001')
  assert.deepEqual(received(meter), [])
})

scene('An acknowledgement that belongs to nothing is nobody’s loss [3.1.1 MQTT-3.3.4-1]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 2)
  stage.client('sensor').publish('a', 'x', 1)
  const [message] = publishes(meter)
  meter.acknowledge(PacketType.PUBACK, message!.packetIdentifier + 7)
  meter.acknowledge(PacketType.PUBCOMP, message!.packetIdentifier)
  meter.acknowledge(PacketType.PUBACK, message!.packetIdentifier)
  assert.deepEqual([takeHex(meter).endsWith('78'), meter.isClosed], [true, false])
})
