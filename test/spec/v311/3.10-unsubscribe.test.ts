import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertCloses, publishes, received, scene, takeHex } from './scene.ts'

scene('UNSUBSCRIBE is answered by UNSUBACK with its identifier [3.1.1 MQTT-3.10.4-4]', (stage) => {
  const client = stage.client('client')
  client.subscribe('a')
  assert.equal(answer(client, 'a2 * 1234 "a"'), 'b0021234')
})

scene('UNSUBACK comes also when nothing was removed [3.1.1 MQTT-3.10.4-5]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, 'a2 * 0001 "a"'), 'b0020001')
  assert.equal(answer(client, 'a2 * 0001 "a" "b/#"'), 'b0020001')
})

scene(
  'An UNSUBSCRIBE without a filter, or cut within one, ends the Connection [3.1.1 MQTT-3.10.3-2, MQTT-3.10.3-1]',
  (stage) => {
    for (const packet of ['a2 * 0001', 'a2 * 0001 00', 'a2 * 0001 0002 61', 'a2 * 0001 "a" 00']) {
      assertCloses(stage.client('a'), packet)
    }
  },
)

scene('Filters are compared literally: only an identical one loses its subscription [3.1.1 MQTT-3.10.4-1]', (stage) => {
  const meter = stage.client('meter')
  meter.subscribe(['a/b', 'a/+'])
  for (const other of ['a/#', '#', '+/b', 'A/b', 'a/b/', '/a/b', 'a', 'a/b ', '+/+']) meter.unsubscribe(other)
  const sensor = stage.client('sensor')
  sensor.publish('a/b', '1')
  assert.deepEqual(received(meter), ['a/b 1'])
  meter.unsubscribe('a/+')
  sensor.publish('a/c', '2')
  sensor.publish('a/b', '3')
  assert.deepEqual(received(meter), ['a/b 3'], 'a/+ is gone, a/b is not')
  meter.unsubscribe('a/b')
  sensor.publish('a/b', '4')
  assert.deepEqual(received(meter), [])
})

scene(
  'After UNSUBACK no further message is taken for that subscription, here or away [3.1.1 MQTT-3.10.4-2]',
  (stage) => {
    const sensor = stage.client('sensor')
    const meter = stage.durable('meter')
    meter.subscribe(['a', 'b'], 2)
    meter.unsubscribe('a')
    for (const qos of [0, 1, 2] as const) sensor.publish('a', 'x', qos)
    assert.deepEqual(received(meter), [])
    meter.drop()
    sensor.publish('a', 'x', 1)
    sensor.publish('b', 'y', 1)
    assert.deepEqual(received(stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })), ['b y q1'])
  },
)

scene('A delivery that began is finished after UNSUBSCRIBE, at QoS 1 and at QoS 2 [3.1.1 MQTT-3.10.4-3]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  sensor.publish('a', '1', 1)
  sensor.publish('a', '2', 2)
  sensor.publish('a', '3', 2)
  const [one, two, three] = publishes(meter).map(({ packetIdentifier }) => packetIdentifier)
  meter.acknowledge(PacketType.PUBREC, two!)
  meter.unsubscribe('a')
  takeHex(meter)
  meter.acknowledge(PacketType.PUBREC, three!)
  assert.equal(takeHex(meter), `6202${three!.toString(16).padStart(4, '0')}`)
  meter.drop()
  const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
  const resent = again.take().map((packet) => [packet.type, 'packetIdentifier' in packet ? packet.packetIdentifier : 0])
  assert.deepEqual(resent, [
    [PacketType.PUBLISH, one],
    [PacketType.PUBREL, two],
    [PacketType.PUBREL, three],
  ])
})

scene(
  'What was queued before UNSUBSCRIBE is still delivered [U311-3.10.4-1]',
  (stage) => {
    const meter = stage.client('meter')
    meter.subscribe('a', 1)
    const sensor = stage.client('sensor')
    sensor.publish('a', '1', 1)
    sensor.publish('a', '2', 1)
    const [first] = publishes(meter)
    meter.unsubscribe('a')
    meter.acknowledge(PacketType.PUBACK, first!.packetIdentifier)
    assert.deepEqual(received(meter), ['a 2 q1'])
  },
  { 'max-inflight-messages': 1 },
)

scene(
  'Several filters in one UNSUBSCRIBE work like one each, with a single UNSUBACK [3.1.1 MQTT-3.10.4-6]',
  (stage) => {
    const meter = stage.client('meter')
    meter.subscribe(['a', 'b', 'c', 'd'])
    assert.equal(answer(meter, 'a2 * 0042 "a" "c" "never" "a" "d"'), 'b0020042')
    const sensor = stage.client('sensor')
    for (const topic of ['a', 'b', 'c', 'd']) sensor.publish(topic, 'x')
    assert.deepEqual(received(meter), ['b x'])
  },
)
