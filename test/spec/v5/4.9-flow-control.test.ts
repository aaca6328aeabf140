import assert from 'node:assert/strict'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, received, scene, taken, type Stage } from './stage.ts'

/** A Client with that Receive Maximum, and ten messages sent to it at that QoS. */
function flooded(stage: Stage, receiveMaximum: number, qos: QoS): { meter: TestClient; sensor: TestClient } {
  const meter = stage.client('meter', { properties: { receiveMaximum } })
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  for (let at = 1; at <= 10; at++) sensor.publish('a', String(at), qos)
  return { meter, sensor }
}

scene('The send quota begins with the Client’s Receive Maximum, and with at least one [5.0 MQTT-4.9.0-1]', (stage) => {
  for (const qos of [1, 2] as const) {
    for (const receiveMaximum of [1, 2, 9, 10, 65_535]) {
      const { meter } = flooded(stage, receiveMaximum, qos)
      assert.equal(received(meter).length, Math.min(receiveMaximum, 10))
    }
  }
})

scene(
  'A Server may keep its quota below the Client’s Receive Maximum [5.0 MQTT-4.9.0-1]',
  (stage) => {
    const { meter } = flooded(stage, 5, 1)
    assert.equal(received(meter).length, 3)
  },
  { 'max-inflight-messages': 3 },
)

scene('Each QoS 1 or 2 PUBLISH takes one from the quota; at 0 no more are sent [5.0 MQTT-4.9.0-2]', (stage) => {
  const { meter, sensor } = flooded(stage, 2, 1)
  assert.deepEqual(received(meter), ['a 1 q1', 'a 2 q1'])
  stage.broker.advance(3_600_000)
  sensor.publish('a', 'free', 0)
  assert.deepEqual(received(meter), ['a free'])
  assert.equal(answer(meter, '40 02 0001'), '32070001610003' + '0033')
  assert.equal(answer(meter, '40 02 0001'), '', 'an identifier that is not in flight gives nothing back')
  assert.equal(answer(meter, '40 03 0002 87'), '32070001610004' + '0034')
})

scene('A QoS 2 message counts until its PUBCOMP, or a PUBREC of 0x80 or more [5.0 MQTT-4.9.0-2]', (stage) => {
  const { meter } = flooded(stage, 1, 2)
  assert.deepEqual(received(meter), ['a 1 q2'])
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  assert.equal(answer(meter, '70 02 0001'), '34070001610002' + '0032')
  assert.equal(answer(meter, '50 03 0002 97'), '34070001610003' + '0033')
})

scene('At quota 0 every other packet is processed and answered [5.0 MQTT-4.9.0-3]', (stage) => {
  const { meter, sensor } = flooded(stage, 1, 2)
  assert.deepEqual(received(meter), ['a 1 q2'])
  assert.equal(answer(meter, 'c0 00'), 'd000')
  assert.equal(answer(meter, '82 * 0009 {} "b" 01'), '900400090001')
  assert.equal(answer(meter, '32 * "c" 0001 {}'), '4003000110')
  assert.equal(answer(meter, '34 * "c" 0002 {}'), '5003000210')
  assert.equal(answer(meter, '62 02 0002'), '70020002')
  assert.equal(answer(meter, '62 02 0007'), '7003000792')
  assert.equal(answer(meter, 'a2 * 000a {} "b"'), 'b004000a0000')
  sensor.publish('a', 'free', 0)
  assert.equal(taken(meter, PacketType.PUBLISH).length, 1)
  assert.equal(answer(meter, '50 02 0001'), '62020001')
  assert.equal(answer(meter, 'e0 00'), '')
  assert.equal(meter.isClosed, true)
})
