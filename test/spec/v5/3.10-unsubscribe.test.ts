import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertEnds, inShort, received, scene, takeHex } from './stage.ts'

scene('UNSUBSCRIBE with flags other than 0010 is malformed [5.0 MQTT-3.10.1-1]', (stage) => {
  for (let flags = 0; flags < 16; flags++) {
    const client = stage.subscriber('a', 'a')
    const packet = `a${flags.toString(16)} * 0001 {} "a"`
    if (flags === 2) assert.equal(answer(client, packet), 'b00400010000')
    else assertEnds(client, packet, 0x81)
  }
})

scene('A Topic Filter in UNSUBSCRIBE that is no UTF-8 is malformed [5.0 MQTT-3.10.3-1]', (stage) => {
  for (const text of ['0001 ff', '0003 eda080', '0002 c0af', '0001 00', '0002 c3', '0005 61']) {
    assertEnds(stage.client('a'), `a2 * 0001 {} ${text}`, 0x81)
    assertEnds(stage.client('a'), `a2 * 0001 {} "good" ${text}`, 0x81)
  }
})

scene('UNSUBSCRIBE without a Topic Filter is a Protocol Error [5.0 MQTT-3.10.3-2]', (stage) => {
  assertEnds(stage.client('a'), 'a2 * 0001 {}', 0x82)
  assertEnds(stage.client('a'), 'a2 * 0001 {26 "key" "value"}', 0x82)
})

scene('A faulty UNSUBSCRIBE takes nothing away, though it begins with a right filter [5.0 MQTT-3.10.3-1]', (stage) => {
  for (const second of ['"a+"', '"a/#/b"', '"$share/group"', '"$share//a"', '"$share/+/a"', '0000']) {
    const meter = stage.durable('meter')
    meter.subscribe('a')
    assertEnds(meter, `a2 * 0001 {} "a" ${second}`, 0x82)
    const again = stage.durable('meter')
    stage.client('sensor').publish('a', 'x')
    assert.deepEqual(received(again), ['a x'], second)
  }
})

scene('Filters are compared letter by letter: what merely matches stays [5.0 MQTT-3.10.4-1]', (stage) => {
  const meter = stage.subscriber('meter', 'a/+')
  assert.deepEqual(meter.unsubscribe('a/b', 'a/#', '+/+', '#', 'A/+', 'a/+/').reasonCodes, Array(6).fill(0x11))
  stage.client('sensor').publish('a/b', '1')
  assert.deepEqual(received(meter), ['a/b 1'])
  assert.deepEqual(meter.unsubscribe('a/+').reasonCodes, [0x00])
  stage.client('sensor').publish('a/b', '2')
  assert.deepEqual(received(meter), [])
})

scene('UNSUBSCRIBE takes a Client its own Subscription and nobody else’s [5.0 MQTT-3.10.4-1]', (stage) => {
  const one = stage.subscriber('one', 'a')
  const other = stage.subscriber('other', 'a')
  one.unsubscribe('a')
  stage.client('sensor').publish('a', 'x')
  assert.deepEqual([received(one), received(other)], [[], ['a x']])
})

scene('After UNSUBSCRIBE no new message is queued, at any QoS [5.0 MQTT-3.10.4-2]', (stage) => {
  for (const qos of [0, 1, 2] as const) {
    const meter = stage.subscriber('meter', 'a', qos)
    // In one chunk: the message behind the UNSUBSCRIBE must not come back.
    const chunk = `30 05 0001 61 00 31  a2 06 0009 00 0001 61  30 05 0001 61 00 32`
    assert.equal(answer(meter, chunk), '30050001610031' + 'b00400090000')
    stage.client('sensor').publish('a', 'x', qos)
    assert.equal(takeHex(meter), '')
  }
})

scene('A delivery that has begun is finished after UNSUBSCRIBE [5.0 MQTT-3.10.4-3]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 2)
  const sensor = stage.client('sensor')
  sensor.publish('a', 'one', 1)
  sensor.publish('a', 'two', 2)
  assert.deepEqual(received(meter), ['a one q1', 'a two q2'])
  meter.unsubscribe('a')
  meter.drop()
  const again = stage.durable('meter')
  assert.deepEqual(received(again), ['a one q1 dup', 'a two q2 dup'])
  assert.equal(answer(again, '40 02 0001  50 02 0002'), '62020002')
  assert.equal(answer(again, '70 02 0002'), '')
  again.drop()
  assert.equal(takeHex(stage.durable('meter')), '')
})

scene('What was queued before the UNSUBSCRIBE may still come, once [U-3.10.4-1]', (stage) => {
  const meter = stage.client('meter', { properties: { receiveMaximum: 1 } })
  meter.subscribe('a', 1)
  const sensor = stage.client('sensor')
  for (const payload of ['1', '2', '3']) sensor.publish('a', payload, 1)
  meter.unsubscribe('a')
  sensor.publish('a', '4', 1)
  assert.deepEqual(inShort(meter.receiveAll()), ['a 1 q1', 'a 2 q1', 'a 3 q1'])
})

scene(
  'UNSUBSCRIBE is answered by UNSUBACK with its identifier, also when nothing went [5.0 MQTT-3.10.4-4, MQTT-3.10.4-5]',
  (stage) => {
    const client = stage.subscriber('a', 'a')
    assert.equal(answer(client, 'a2 * 1234 {} "a"'), 'b00412340000')
    assert.equal(answer(client, 'a2 * ffff {} "a"'), 'b004ffff0011')
    assert.equal(answer(client, 'a2 * 0001 {26 "key" "value"} "a"'), 'b00400010011')
  },
)

scene('Several filters in one UNSUBSCRIBE work like one each, with a single UNSUBACK [5.0 MQTT-3.10.4-6]', (stage) => {
  const client = stage.client('client')
  client.subscribe(['a', 'b', 'c', 'd'])
  assert.equal(answer(client, 'a2 * 0001 {} "a" "c" "a"'), 'b006000100000011')
  const sensor = stage.client('sensor')
  for (const name of ['a', 'b', 'c', 'd']) sensor.publish(name, '')
  assert.deepEqual(received(client), ['b ', 'd '])
})

scene(
  'A small Maximum Packet Size: UNSUBACK is sent without Reason String and User Property [5.0 MQTT-3.11.2-1, MQTT-3.11.2-2]',
  (stage) => {
    const client = stage.client('a', { properties: { maximumPacketSize: 22 } })
    const filters = Array.from({ length: 17 }, () => '"nothing"').join(' ')
    assert.equal(answer(client, `a2 * 0001 {26 "key" "value"} ${filters}`), `b014000100${'11'.repeat(17)}`)
  },
)

scene('The Reason Codes of UNSUBACK stand in the order of the filters [5.0 MQTT-3.11.3-1]', (stage) => {
  const client = stage.client('a')
  client.subscribe(['b', 'd'])
  assert.equal(answer(client, 'a2 * 0001 {} "b" "a" "d" "c" "b"'), 'b0080001000011001111')
})

scene('UNSUBACK has one code for each filter, 0x00 or 0x11 [5.0 MQTT-3.11.3-2]', (stage) => {
  const client = stage.client('a')
  client.subscribe(['a', '$share/group/a', '#'])
  const { type, reasonCodes, properties } = client.unsubscribe('a', '$share/group/a', '#', 'b', '$share/group/b')
  assert.deepEqual([type, reasonCodes, properties], [PacketType.UNSUBACK, [0x00, 0x00, 0x00, 0x11, 0x11], {}])
  assertEnds(client, 'b0 * 0001 {} 00', 0x82)
})
