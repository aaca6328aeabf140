import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertCloses, publishes, received, scene, takeHex } from './scene.ts'

scene('Packet Identifier 0 ends the Connection, wherever one is needed [3.1.1 MQTT-2.3.1-1]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  for (const packet of ['82 * 0000 "a" 00', 'a2 * 0000 "a"', '32 * "a" 0000 01', '34 * "a" 0000 01']) {
    assertCloses(stage.client('a'), packet)
  }
  assert.deepEqual(received(meter), [])
  const client = stage.client('a')
  assert.equal(answer(client, '82 * ffff "b" 00'), '9003ffff00')
  assert.equal(answer(client, 'a2 * ffff "b"'), 'b002ffff')
  assert.equal(answer(client, '32 * "a" ffff'), '4002ffff')
})

scene('A packet cut before its Packet Identifier ends the Connection [3.1.1 MQTT-2.3.1-1]', (stage) => {
  for (const packet of ['82 00', '82 * 00', 'a2 00', 'a2 * 00', '32 * "a"', '34 * "a" 00']) {
    assertCloses(stage.client('a'), packet)
  }
})

scene('Messages in flight have different identifiers, none of them 0 [3.1.1 MQTT-2.3.1-4]', (stage) => {
  const meter = stage.subscriber('meter', '#', 2)
  const sensor = stage.client('sensor')
  for (let count = 0; count < 300; count++) {
    sensor.publish('a', '', count % 2 === 0 ? 1 : 2)
    if (count % 2 === 1) sensor.acknowledge(PacketType.PUBREL, count + 1)
  }
  const identifiers = publishes(meter).map(({ packetIdentifier }) => packetIdentifier)
  assert.equal(identifiers.length, 300)
  assert.equal(new Set(identifiers).size, 300)
  assert.ok(identifiers.every((identifier) => identifier >= 1 && identifier <= 65_535))
})

scene('An identifier in flight is passed over when the numbers begin again [3.1.1 MQTT-2.3.1-4]', (stage) => {
  const meter = stage.subscriber('meter', '#', 1)
  const sensor = stage.client('sensor')
  const send = (): number => {
    sensor.publish('a', '', 1)
    sensor.take()
    const [message] = publishes(meter)
    meter.bytes = Buffer.alloc(0)
    sensor.bytes = Buffer.alloc(0)
    return message!.packetIdentifier
  }
  const held = send()
  for (let count = 0; count < 65_600; count++) {
    const identifier = send()
    assert.notEqual(identifier, held)
    meter.acknowledge(PacketType.PUBACK, identifier)
  }
})

scene(
  'A QoS 1 identifier is free after PUBACK, a QoS 2 one after PUBCOMP and not before [3.1.1 MQTT-2.3.1-4]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('#', 2)
    const sensor = stage.client('sensor')
    sensor.publish('one', '', 1)
    sensor.publish('two', '', 2)
    const [one, two] = publishes(meter).map(({ packetIdentifier }) => packetIdentifier)
    meter.acknowledge(PacketType.PUBACK, one!)
    meter.acknowledge(PacketType.PUBREC, two!)
    meter.drop()
    const again = stage.durable('meter')
    assert.deepEqual(again.take(), [], 'what the Client helper took while connecting is all there was')
    assert.equal(again.bytes.subarray(4).toString('hex'), `6202${two!.toString(16).padStart(4, '0')}`)
  },
)

scene('A resent PUBLISH has its old identifier [3.1.1 MQTT-2.3.1-4]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('#', 2)
  const sensor = stage.client('sensor')
  sensor.publish('one', 'x', 1)
  sensor.publish('two', 'y', 2)
  const before = publishes(meter).map(({ packetIdentifier }) => packetIdentifier)
  meter.drop()
  const again = stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })
  const resent = publishes(again)
  assert.deepEqual(
    resent.map(({ packetIdentifier, dup }) => [packetIdentifier, dup]),
    before.map((identifier) => [identifier, true]),
  )
})

scene('A QoS 0 PUBLISH has no Packet Identifier, in and out [3.1.1 MQTT-2.3.1-5]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 2)
  const sensor = stage.client('sensor')
  assert.equal(answer(sensor, '30 * "a" 0001'), '')
  assert.equal(takeHex(meter), '30050001610001', 'what stands behind the topic is payload')
  assert.equal(answer(sensor, '30 * "a" 0000'), '')
  assert.equal(takeHex(meter), '30050001610000', 'whatever it is')
  sensor.publish('b', 'xyz', 0, { retain: true })
  assert.deepEqual(stage.retained(), ['b=xyz'])
})

scene('PUBACK, PUBREC, PUBREL and PUBCOMP repeat the identifier of their PUBLISH [3.1.1 MQTT-2.3.1-6]', (stage) => {
  const client = stage.subscriber('client', 'out', 2)
  assert.equal(answer(client, '32 * "x" 1234'), '40021234')
  assert.equal(answer(client, '34 * "x" abcd'), '5002abcd')
  assert.equal(answer(client, '62 * abcd'), '7002abcd')
  stage.client('sensor').publish('out', '', 2)
  const [message] = publishes(client)
  const identifier = message!.packetIdentifier.toString(16).padStart(4, '0')
  assert.equal(answer(client, `50 * ${identifier}`), `6202${identifier}`)
})

scene('SUBACK and UNSUBACK repeat the identifier of the request [3.1.1 MQTT-2.3.1-7]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, '82 * 1234 "a" 01'), '9003123401')
  assert.equal(answer(client, '82 * fffe "b" 00'), '9003fffe00')
  assert.equal(answer(client, 'a2 * 4321 "a"'), 'b0024321')
  assert.equal(answer(client, 'a2 * 0100 "c"'), 'b0020100')
})
