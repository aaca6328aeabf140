import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, inShort, received, RESUMED, scene, takeHex, type Scene } from './scene.ts'

function back(stage: Scene, clientId = 'meter'): TestClient {
  return stage.broker.connect({ version: 4, clientId, cleanStart: false })
}

/** PUBLISH and PUBREL packets in short, with their identifiers. */
function steps(client: TestClient): string[] {
  return client.take().map((packet) => {
    if (packet.type === PacketType.PUBLISH) return `${inShort([packet])[0]} #${packet.packetIdentifier}`
    return `${packet.type === PacketType.PUBREL ? 'PUBREL' : packet.type} #${'packetIdentifier' in packet ? packet.packetIdentifier : 0}`
  })
}

scene('QoS 0 is sent with QoS 0 and DUP 0, once, and never again [3.1.1 MQTT-4.3.1-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 0)
  takeHex(meter)
  stage.client('sensor').publish('a', 'x', 2)
  assert.equal(takeHex(meter), '300400016178')
  meter.drop()
  assert.equal(back(stage).bytes.toString('hex'), RESUMED)
})

scene('QoS 1 is sent first with QoS 1 and DUP 0, under a fresh identifier [3.1.1 MQTT-4.3.2-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 1)
  takeHex(meter)
  const sensor = stage.client('sensor')
  sensor.publish('a', 'x', 1)
  sensor.publish('a', 'y', 1)
  assert.equal(takeHex(meter), '32060001610001783206000161000279')
})

scene(
  'A QoS 1 message stays unacknowledged until its PUBACK, and no longer [3.1.1 MQTT-4.3.2-1, MQTT-4.4.0-1]',
  (stage) => {
    let meter = stage.durable('meter')
    meter.subscribe('a', 1)
    const sensor = stage.client('sensor')
    sensor.publish('a', 'x', 1)
    sensor.publish('a', 'y', 1)
    assert.deepEqual(steps(meter), ['a x q1 #1', 'a y q1 #2'])
    meter.drop()
    meter = back(stage)
    assert.deepEqual(steps(meter), ['a x q1 dup #1', 'a y q1 dup #2'])
    meter.acknowledge(PacketType.PUBACK, 1)
    meter.drop()
    meter = back(stage)
    assert.deepEqual(steps(meter), ['a y q1 dup #2'])
    meter.acknowledge(PacketType.PUBACK, 2)
    meter.drop()
    assert.deepEqual(steps(back(stage)), [])
  },
)

scene(
  'QoS 1 received: the message is taken over, then acknowledged under its identifier [3.1.1 MQTT-4.3.2-2]',
  (stage) => {
    const meter = stage.subscriber('meter', '#', 1)
    const sensor = stage.client('sensor')
    assert.equal(answer(sensor, '32 * "a" 0007 78'), '40020007')
    assert.deepEqual(received(meter), ['a x q1'])
    assert.equal(answer(sensor, '3a * "a" 0007 78'), '40020007')
    assert.deepEqual(received(meter), ['a x q1'], 'the same identifier is a new message, whatever DUP says')
  },
)

scene(
  'QoS 2 sent: PUBLISH until PUBREC, then PUBREL until PUBCOMP, all under one identifier [3.1.1 MQTT-4.3.3-1]',
  (stage) => {
    let meter = stage.durable('meter')
    meter.subscribe('a', 2)
    stage.client('sensor').publish('a', 'x', 2)
    assert.deepEqual(steps(meter), ['a x q2 #1'])
    meter.drop()
    meter = back(stage)
    assert.deepEqual(steps(meter), ['a x q2 dup #1'])
    meter.acknowledge(PacketType.PUBCOMP, 1)
    meter.acknowledge(PacketType.PUBACK, 1)
    assert.deepEqual(steps(meter), [], 'a PUBCOMP before its time, or a PUBACK, ends nothing')
    meter.acknowledge(PacketType.PUBREC, 1)
    assert.deepEqual(steps(meter), ['PUBREL #1'])
    meter.drop()
    meter = back(stage)
    assert.deepEqual(steps(meter), ['PUBREL #1'], 'after PUBREL the PUBLISH is not sent again')
    meter.acknowledge(PacketType.PUBREC, 1)
    assert.deepEqual(steps(meter), ['PUBREL #1'])
    meter.acknowledge(PacketType.PUBCOMP, 1)
    meter.drop()
    assert.deepEqual(steps(back(stage)), [])
  },
)

scene('QoS 2 received: a repetition before PUBREL gets PUBREC and no second delivery [3.1.1 MQTT-4.3.3-2]', (stage) => {
  const meter = stage.subscriber('meter', '#', 0)
  const sensor = stage.client('sensor')
  assert.equal(answer(sensor, '34 * "a" 0007 78'), '50020007')
  assert.deepEqual(received(meter), ['a x'])
  for (const firstByte of ['3c', '34']) {
    assert.equal(answer(sensor, `${firstByte} * "a" 0007 78`), '50020007')
    assert.deepEqual(received(meter), [])
  }
  assert.equal(answer(sensor, '34 * "a" 0008 79'), '50020008')
  assert.deepEqual(received(meter), ['a y'], 'another identifier is another message')
})

scene('QoS 2 received: PUBREL gets PUBCOMP, and then the identifier is new again [3.1.1 MQTT-4.3.3-2]', (stage) => {
  const meter = stage.subscriber('meter', '#', 0)
  const sensor = stage.client('sensor')
  for (let round = 0; round < 3; round++) {
    assert.equal(answer(sensor, `34 * "a" 0007 3${round}`), '50020007')
    assert.deepEqual(received(meter), [`a ${round}`])
    assert.equal(answer(sensor, '62 * 0007'), '70020007')
    assert.equal(answer(sensor, '62 * 0007'), '70020007', 'also for a PUBREL that comes again')
  }
})

scene(
  'QoS 2 received: the identifier is remembered past the Connection [3.1.1 MQTT-4.3.3-2, MQTT-4.1.0-1]',
  (stage) => {
    const meter = stage.subscriber('meter', '#', 0)
    stage.durable('sensor').publish('a', 'x', 2, { packetIdentifier: 7 })
    const sensor = back(stage, 'sensor')
    takeHex(sensor)
    assert.equal(answer(sensor, '3c * "a" 0007 78'), '50020007')
    assert.deepEqual(received(meter), ['a x'])
    assert.equal(answer(sensor, '62 * 0007'), '70020007')
  },
)

scene(
  'On reconnect all that is unfinished is sent again, in its order, under its identifiers [3.1.1 MQTT-4.4.0-1, MQTT-4.6.0-1]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('#', 2)
    const sensor = stage.client('sensor')
    for (const [at, qos] of ([1, 2, 2, 1, 2] as const).entries()) sensor.publish(`${at}`, '', qos)
    assert.deepEqual(steps(meter), ['0  q1 #1', '1  q2 #2', '2  q2 #3', '3  q1 #4', '4  q2 #5'])
    meter.acknowledge(PacketType.PUBREC, 2)
    meter.acknowledge(PacketType.PUBACK, 1)
    meter.drop()
    sensor.publish('5', '', 1)
    assert.deepEqual(steps(back(stage)), ['PUBREL #2', '2  q2 dup #3', '3  q1 dup #4', '4  q2 dup #5', '5  q1 #6'])
  },
)

scene('Nothing is sent again while the Connection lasts [U311-4.4-1]', (stage) => {
  const meter = stage.subscriber('meter', '#', 2)
  const sensor = stage.client('sensor')
  for (const [at, qos] of ([1, 2, 2] as const).entries()) sensor.publish('a', `${at}`, qos)
  assert.deepEqual(steps(meter), ['a 0 q1 #1', 'a 1 q2 #2', 'a 2 q2 #3'])
  meter.acknowledge(PacketType.PUBREC, 3)
  assert.deepEqual(steps(meter), ['PUBREL #3'])
  sensor.publish('a', '3', 0)
  assert.deepEqual(steps(meter), ['a 3 #0'])
  stage.broker.advance(86_400_000)
  assert.deepEqual([steps(meter), meter.isClosed], [[], false])
})

scene(
  'A message enters the Session of each Client with a matching subscription, here and away [3.1.1 MQTT-4.5.0-1]',
  (stage) => {
    const here = ['x', 'y'].map((clientId) => stage.subscriber(clientId, 'a/+', 2))
    const other = stage.subscriber('other', 'b/+', 2)
    for (const clientId of ['p', 'q']) {
      const away = stage.durable(clientId)
      away.subscribe('a/#', 1)
      away.drop()
    }
    const publisher = stage.client('publisher')
    publisher.subscribe('#', 0)
    publisher.publish('a/1', 'm', 2)
    assert.deepEqual([...here, publisher].map(received), [['a/1 m q2'], ['a/1 m q2'], ['a/1 m']])
    assert.deepEqual([back(stage, 'p'), back(stage, 'q'), other].map(received), [['a/1 m q1'], ['a/1 m q1'], []])
  },
)

scene('A Client is given no subscription that it did not ask for [U311-4.5-1]', (stage) => {
  const client = stage.client('client')
  const sensor = stage.client('sensor')
  for (const topic of ['a', 'client', '$SYS/x', '/']) sensor.publish(topic, 'x', 1)
  assert.deepEqual(received(client), [])
})
