import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, inShort, received, scene, taken, takeHex } from './stage.ts'

const { PUBACK, PUBREC, PUBREL, PUBLISH } = PacketType

scene(
  'Back with Clean Start 0: PUBLISH and PUBREL go out again, in order, under their old identifiers [5.0 MQTT-4.4.0-1]',
  (stage) => {
    const meter = stage.durable('meter')
    meter.subscribe('a', 2)
    const sensor = stage.client('sensor')
    for (const [payload, qos] of [
      ['1', 1],
      ['2', 2],
      ['3', 2],
      ['4', 1],
      ['5', 2],
    ] as const)
      sensor.publish('a', payload, qos)
    const before = taken(meter, PUBLISH)
    meter.acknowledge(PUBACK, before[3]!.packetIdentifier)
    meter.acknowledge(PUBREC, before[1]!.packetIdentifier)
    meter.drop()
    const again = stage.durable('meter')
    const packets = again.take()
    assert.deepEqual(
      packets.map((packet) => [packet.type, 'packetIdentifier' in packet && packet.packetIdentifier]),
      [before[0], before[1], before[2], before[4]].map((message) => [
        message === before[1] ? PUBREL : PUBLISH,
        message!.packetIdentifier,
      ]),
    )
    assert.deepEqual(inShort(packets.filter((packet) => packet.type === PUBLISH)), [
      'a 1 q1 dup',
      'a 3 q2 dup',
      'a 5 q2 dup',
    ])
  },
)

scene('Nothing is sent again at any other time, however long the acknowledgement takes [5.0 MQTT-4.4.0-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  for (const qos of [1, 2, 2] as const) sensor.publish('a', 'x', qos)
  assert.equal(received(meter).length, 3)
  assert.equal(answer(meter, '50 02 0003'), '62020003')
  stage.broker.advance(7 * 86_400_000)
  assert.equal(answer(meter, 'c0 00'), 'd000')
})

scene('Back with Clean Start 1: nothing is sent again [5.0 MQTT-4.4.0-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  stage.client('sensor').publish('a', 'x', 2)
  meter.drop()
  const fresh = stage.client('meter', { cleanStart: true })
  assert.equal(fresh.connack?.sessionPresent, false)
  assert.deepEqual(fresh.take(), [])
})

scene('A Connection that is taken over leaves its unfinished messages to the new one [5.0 MQTT-4.4.0-1]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  stage.client('sensor').publish('a', 'x', 2)
  const next = stage.durable('meter')
  assert.deepEqual(received(next), ['a x q2 dup'])
})

for (const [qos, type, name] of [
  [1, PUBACK, 'PUBACK'],
  [2, PUBREC, 'PUBREC'],
] as const) {
  scene(`A ${name} of 0x80 or more ends the PUBLISH: it is not sent again [5.0 MQTT-4.4.0-2]`, (stage) => {
    for (const code of [0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]) {
      const meter = stage.durable('meter')
      meter.subscribe('a', qos)
      stage.client('sensor').publish('a', 'x', qos)
      const [message] = taken(meter, PUBLISH)
      meter.acknowledge(type, message!.packetIdentifier, code)
      assert.equal(takeHex(meter).endsWith('78'), true, 'nothing follows the PUBLISH')
      meter.drop()
      const again = stage.durable('meter')
      assert.deepEqual(again.take(), [], `0x${code.toString(16)}`)
      again.drop()
    }
  })
}
