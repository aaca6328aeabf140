import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ACCEPTED, publishes, received, RESUMED, scene, takeHex } from './scene.ts'

const DURABLE = '10 * "MQTT" 04 00 0000 "id"'
const CLEAN = '10 * "MQTT" 04 02 0000 "id"'

scene(
  'CleanSession 0 goes on with the stored Session: its subscriptions are there [3.1.1 MQTT-3.1.2-4, MQTT-3.1.4-3]',
  (stage) => {
    const first = stage.durable('id')
    first.subscribe(['a', 'b/#'], 1)
    first.disconnect()
    const second = stage.durable('id')
    stage.client('sensor').publish('b/c', 'x', 1)
    assert.deepEqual(received(second), ['b/c x q1'])
  },
)

scene(
  'CleanSession 0 without a stored Session makes one and keeps it past the disconnect [3.1.1 MQTT-3.1.2-4, MQTT-3.2.2-3]',
  (stage) => {
    for (const leave of ['disconnect', 'drop'] as const) {
      const clientId = `by ${leave}`
      const client = stage.raw(`10 * "MQTT" 04 00 0000 "${clientId}"`)
      assert.equal(takeHex(client), ACCEPTED)
      client[leave]()
      stage.broker.advance(86_400_000)
      assert.equal(takeHex(stage.raw(`10 * "MQTT" 04 00 0000 "${clientId}"`)), RESUMED)
    }
  },
)

scene(
  'While a CleanSession 0 Client is away its QoS 1 and 2 messages wait for it [3.1.1 MQTT-3.1.2-5, MQTT-4.5.0-1] [U311-3.1.2.4-1]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('#', 2)
    meter.drop()
    const sensor = stage.client('sensor')
    sensor.publish('a', '1', 1)
    sensor.publish('b', '2', 2)
    sensor.publish('c', '3', 1)
    stage.broker.advance(3_600_000)
    const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
    assert.deepEqual(received(again), ['a 1 q1', 'b 2 q2', 'c 3 q1'])
  },
)

scene('QoS 0 messages for an absent Client are not kept [U311-3.1.2.4-2]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('#', 2)
  meter.drop()
  const sensor = stage.client('sensor')
  sensor.publish('a', '1', 0)
  sensor.publish('a', '2', 1)
  assert.deepEqual(received(stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })), ['a 2 q1'])
})

scene('The Session has all its parts when its Client is back [U311-3.1.2.4-1] [3.1.1 MQTT-4.1.0-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('#', 2)
  const sensor = stage.client('sensor')
  sensor.publish('a', 'sent, not acknowledged', 1)
  const [first] = publishes(meter)
  meter.publish('b', 'received, not finished', 2, { packetIdentifier: 77 })
  meter.take()
  meter.drop()
  sensor.publish('c', 'waiting', 1)
  sensor.take()

  const witness = stage.subscriber('witness', 'b', 0)
  const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
  const [resent, own, waiting, ...none] = publishes(again)
  assert.equal(resent?.packetIdentifier, first?.packetIdentifier)
  assert.deepEqual([resent?.dup, own?.topicName, waiting?.topicName, none], [true, 'b', 'c', []])
  again.publish('b', 'received, not finished', 2, { packetIdentifier: 77, dup: true })
  assert.deepEqual(received(witness), [], 'identifier 77 is known: no second delivery')
  assert.equal(again.take().at(-1)?.type, PacketType.PUBREC)
})

scene('CleanSession 1 throws the earlier Session away [3.1.1 MQTT-3.1.2-6, MQTT-3.2.2-1, MQTT-3.1.4-3]', (stage) => {
  const first = stage.durable('id')
  first.subscribe('#', 1)
  first.drop()
  const sensor = stage.client('sensor')
  sensor.publish('a', 'queued', 1)
  const second = stage.raw(CLEAN)
  assert.equal(takeHex(second), ACCEPTED, 'no Session Present, and nothing that was queued')
  sensor.publish('a', 'live', 1)
  assert.equal(takeHex(second), '', 'the subscription is gone')
})

scene('A CleanSession 1 Session ends with its Connection and leaves nothing behind [3.1.1 MQTT-3.1.2-6]', (stage) => {
  for (const leave of ['disconnect', 'drop'] as const) {
    const client = stage.client('id')
    client.subscribe('#', 2)
    stage.client('sensor').publish('a', 'unacknowledged', 1)
    client[leave]()
    assert.equal(stage.hasSession('id'), false)
    stage.client('sensor').publish('a', 'missed', 1)
    const again = stage.raw(DURABLE)
    assert.equal(takeHex(again), ACCEPTED)
    stage.broker.connect({ version: 4, clientId: 'id' })
  }
})

scene('The end of a Session leaves retained messages alone [3.1.1 MQTT-3.1.2-7]', (stage) => {
  for (const cleanStart of [true, false]) {
    const client = stage.client('id', { cleanStart })
    client.publish(`kept/${cleanStart}`, 'x', 1, { retain: true })
    client.disconnect()
  }
  stage.client('id', { cleanStart: true }).disconnect()
  assert.deepEqual(stage.retained('kept/#').sort(), ['kept/false=x', 'kept/true=x'])
})

scene('A Session lives as long as its Connection, however long that is [3.1.1 MQTT-4.1.0-2, MQTT-4.1.0-1]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 1)
  const durable = stage.durable('durable')
  durable.subscribe('a', 1)
  stage.broker.advance(400 * 86_400_000)
  stage.client('sensor').publish('a', 'x', 1)
  assert.deepEqual([received(meter), received(durable)], [['a x q1'], ['a x q1']])
})

scene(
  'Another Connection with the same Client Identifier cuts the older one, whose Will goes out [3.1.1 MQTT-3.1.4-2]',
  (stage) => {
    const witness = stage.subscriber('witness', 'will')
    for (const cleanStart of [true, false]) {
      const old = stage.client('id', { cleanStart, will: { topicName: 'will' } })
      const young = stage.client('id', { cleanStart })
      assert.deepEqual([old.isClosed, takeHex(old), young.isClosed], [true, '', false])
      assert.deepEqual(received(witness), ['will gone'])
      young.disconnect()
    }
    assert.deepEqual(received(witness), [])
  },
)

scene(
  'A takeover hands the Session on: what was not acknowledged is sent to the new Connection [3.1.1 MQTT-3.1.4-2, MQTT-4.4.0-1]',
  (stage) => {
    const old = stage.durable('id')
    old.subscribe('a', 1)
    const sensor = stage.client('sensor')
    sensor.publish('a', '1', 1)
    const young = stage.broker.connect({ version: 4, clientId: 'id', cleanStart: false })
    assert.equal(young.connack?.sessionPresent, true)
    assert.deepEqual(received(young), ['a 1 q1 dup'])
    sensor.publish('a', '2', 1)
    assert.deepEqual([received(old), received(young)], [['a 1 q1'], ['a 2 q1']])
  },
)

scene(
  'Session Present tells what was found: 0 for a new Session, 1 for a stored one, 0 for CleanSession 1 [3.1.1 MQTT-3.2.2-1, MQTT-3.2.2-2, MQTT-3.2.2-3]',
  (stage) => {
    const said = [DURABLE, DURABLE, CLEAN, DURABLE, DURABLE, CLEAN, CLEAN].map((packet) => {
      const client = stage.raw(packet)
      const hex = takeHex(client)
      client.disconnect()
      return hex
    })
    assert.deepEqual(said, [ACCEPTED, RESUMED, ACCEPTED, ACCEPTED, RESUMED, ACCEPTED, ACCEPTED])
  },
)
