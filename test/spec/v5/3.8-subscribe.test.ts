import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertEnds, KEPT, received, scene, taken, takeHex } from './stage.ts'
import { sessionsOf } from '../../support/sessions.ts'

scene('SUBSCRIBE with flags other than 0010 is malformed [5.0 MQTT-3.8.1-1]', (stage) => {
  for (let flags = 0; flags < 16; flags++) {
    const client = stage.client('a')
    const packet = `8${flags.toString(16)} * 0001 {} "a" 00`
    if (flags === 2) assert.equal(answer(client, packet), '900400010000')
    else assertEnds(client, packet, 0x81)
  }
})

scene('A Topic Filter in SUBSCRIBE that is no UTF-8 is malformed [5.0 MQTT-3.8.3-1]', (stage) => {
  for (const text of ['0001 ff', '0003 eda080', '0002 c0af', '0001 00', '0002 c3', '0005 61']) {
    assertEnds(stage.client('a'), `82 * 0001 {} ${text} 00`, 0x81)
    assertEnds(stage.client('a'), `82 * 0001 {} "good" 00 ${text} 00`, 0x81)
  }
})

scene('SUBSCRIBE without a Topic Filter is a Protocol Error [5.0 MQTT-3.8.3-2]', (stage) => {
  assertEnds(stage.client('a'), '82 * 0001 {}', 0x82)
  assertEnds(stage.client('a'), '82 * 0001 {26 "key" "value"}', 0x82)
})

scene('A Topic Filter without its options byte is malformed [5.0 MQTT-3.8.3-2]', (stage) => {
  assertEnds(stage.client('a'), '82 * 0001 {} "a"', 0x81)
  assertEnds(stage.client('a'), '82 * 0001 {} "a" 00 "b"', 0x81)
})

scene('No Local: a message does not go back to the Client Identifier that published it [5.0 MQTT-3.8.3-3]', (stage) => {
  const bridge = stage.client('bridge')
  const other = stage.subscriber('other', 'a')
  assert.equal(answer(bridge, '82 * 0001 {} "a" 04 "b" 00'), '90050001000000')
  bridge.publish('a', '1')
  bridge.publish('b', '2')
  other.publish('a', '3')
  assert.deepEqual(received(bridge), ['b 2', 'a 3'])
  assert.deepEqual(received(other), ['a 1', 'a 3'])
})

scene(
  'No Local holds for the Client Identifier, also on another Connection and for what is retained [5.0 MQTT-3.8.3-3]',
  (stage) => {
    const bridge = stage.client('bridge', { properties: KEPT })
    bridge.subscribe('a', 1, { noLocal: true })
    bridge.publish('a', '1', 1, { retain: true })
    bridge.disconnect()
    const again = stage.durable('bridge')
    assert.deepEqual(received(again), [])
    again.subscribe('a', 1, { noLocal: true })
    assert.deepEqual(received(again), [])
    again.subscribe('a', 1)
    assert.deepEqual(received(again), ['a 1 q1 retain'])
  },
)

scene('No Local on a Shared Subscription is a Protocol Error [5.0 MQTT-3.8.3-4]', (stage) => {
  for (const options of ['04', '05', '2c']) {
    assertEnds(stage.client('a'), `82 * 0001 {} "$share/group/a" ${options}`, 0x82)
    assertEnds(stage.client('a'), `82 * 0001 {} "a" 04 "$share/group/a" ${options}`, 0x82)
  }
})

scene('Subscription Options with bit 7 or 6 are malformed [5.0 MQTT-3.8.3-5]', (stage) => {
  for (const options of ['40', '80', 'c0', '41', '82', 'ff']) {
    assertEnds(stage.client('a'), `82 * 0001 {} "a" ${options}`, 0x81)
  }
})

scene('Subscription Options with QoS 3 or Retain Handling 3 are a Protocol Error [U-3.8.3.1-1]', (stage) => {
  for (const options of ['03', '07', '13', '30', '32', '3c']) {
    assertEnds(stage.client('a'), `82 * 0001 {} "a" ${options}`, 0x82)
  }
})

scene('Every SUBSCRIBE gets one SUBACK with its Packet Identifier [5.0 MQTT-3.8.4-1, MQTT-3.8.4-2]', (stage) => {
  const client = stage.client('a')
  for (const id of ['0001', '0002', 'ffff', '0001']) {
    assert.equal(answer(client, `82 * ${id} {} "a" 01`), `9004${id}0001`)
  }
  const pair = '82 07 0007 00 0001 61 00  82 07 0009 00 0001 62 02'
  assert.equal(answer(client, pair), '900400070000' + '900400090002')
})

scene('The same filter again replaces the Subscription: one copy, with the new options [5.0 MQTT-3.8.4-3]', (stage) => {
  const meter = stage.client('meter')
  meter.subscribe('a/+', 2, { retainAsPublished: true }, { subscriptionIdentifiers: [7] })
  meter.subscribe('a/+', 1, {}, { subscriptionIdentifiers: [8] })
  stage.client('sensor').publish('a/b', 'x', 2, { retain: true })
  const [message, ...others] = taken(meter, PacketType.PUBLISH)
  assert.deepEqual([message?.qos, message?.retain, message?.properties.subscriptionIdentifiers], [1, false, [8]])
  assert.deepEqual(others, [])
  assert.deepEqual(meter.unsubscribe('a/+', 'a/+').reasonCodes, [0x00, 0x11])
})

scene(
  'A filter that differs in its text is another Subscription, though it matches the same [5.0 MQTT-3.8.4-3]',
  (stage) => {
    const meter = stage.client('meter')
    meter.subscribe('a/+', 0, {}, { subscriptionIdentifiers: [1] })
    meter.subscribe('+/b', 0, {}, { subscriptionIdentifiers: [2] })
    stage.client('sensor').publish('a/b', 'x')
    const [message] = taken(meter, PacketType.PUBLISH)
    assert.deepEqual(new Set(message?.properties.subscriptionIdentifiers), new Set([1, 2]))
  },
)

scene('A replacement with Retain Handling 0 sends what is retained anew [5.0 MQTT-3.8.4-4]', (stage) => {
  const sensor = stage.client('sensor')
  for (const name of ['a', 'b']) sensor.publish(name, 'kept', 1, { retain: true })
  const meter = stage.client('meter')
  for (let round = 0; round < 3; round++) {
    meter.subscribe('+', 1)
    assert.deepEqual(received(meter).sort(), ['a kept q1 retain', 'b kept q1 retain'])
  }
})

scene('A replacement loses no message: what waits and what is in flight stays [5.0 MQTT-3.8.4-4]', (stage) => {
  const meter = stage.client('meter', { properties: { receiveMaximum: 1 } })
  const sensor = stage.client('sensor')
  meter.subscribe('a', 1)
  sensor.publish('a', '1', 1)
  sensor.publish('a', '2', 1)
  meter.subscribe('a', 2)
  sensor.publish('a', '3', 1)
  assert.deepEqual(
    meter.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['1', '2', '3'],
  )
})

scene(
  'A SUBSCRIBE and messages in the same chunk: each message meets the old or the new Subscription [5.0 MQTT-3.8.4-4]',
  (stage) => {
    const both = stage.subscriber('both', 'a')
    const chunk = '30 05 0001 61 00 31  82 07 0002 00 0001 61 01  30 05 0001 61 00 32'
    assert.equal(answer(both, chunk), '30050001610031' + '900400020001' + '30050001610032')
  },
)

scene('Several filters in one SUBSCRIBE work like one SUBSCRIBE each, with one SUBACK [5.0 MQTT-3.8.4-5]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('b', 'kept', 0, { retain: true })
  const joint = stage.client('joint')
  assert.equal(answer(joint, '82 * 0001 {} "a" 02 "b" 00 "a" 01'), '9006000100020001' + '310800016200' + '6b657074')
  sensor.publish('a', 'x', 2)
  sensor.publish('b', 'y', 2)
  assert.deepEqual(received(joint), ['a x q1', 'b y'])
})

scene(
  'One SUBSCRIBE may hold a thousand filters: a thousand Reason Codes answer it [5.0 MQTT-3.8.4-5, MQTT-3.8.4-6]',
  (stage) => {
    const client = stage.client('a')
    const filters = Array.from({ length: 1000 }, (_, at) => ({ topicFilter: `a/${at}`, qos: (at % 3) as 0 | 1 | 2 }))
    const { reasonCodes } = client.subscribe(filters)
    assert.deepEqual(
      reasonCodes,
      filters.map(({ qos }) => qos),
    )
    assert.deepEqual(client.take(), [])
  },
)

scene(
  'Each Reason Code is the QoS granted, or 0x80 and up where nothing is [5.0 MQTT-3.8.4-6, MQTT-3.8.4-7]',
  (stage) => {
    const client = stage.client('a')
    const { reasonCodes } = client.subscribe(['q0', { topicFilter: 'q1', qos: 1 }, { topicFilter: '1/2/3/4', qos: 2 }])
    assert.deepEqual(reasonCodes, [0x00, 0x01, 0x97])
    const sensor = stage.client('sensor')
    sensor.publish('q0', '', 1)
    sensor.publish('q1', '', 1)
    sensor.publish('1/2/3', '')
    assert.deepEqual(received(client), ['q0 ', 'q1  q1'])
  },
  { 'max-topic-levels': 3 },
)

scene(
  'The Server may grant less QoS than asked, and then delivers no more [U-3.8.4-5] [5.0 MQTT-3.8.4-7]',
  (stage) => {
    const client = stage.client('a')
    assert.deepEqual(client.subscribe(['x', { topicFilter: 'y', qos: 2 }]).reasonCodes, [0, 1])
    stage.client('sensor').publish('y', 'v', 1)
    assert.deepEqual(received(client), ['y v q1'])
  },
  { 'max-qos': 1 },
)

scene('A message arrives at the lower of its own and the granted QoS [5.0 MQTT-3.8.4-8]', (stage) => {
  const sensor = stage.client('sensor')
  for (const granted of [0, 1, 2] as const) {
    for (const published of [0, 1, 2] as const) {
      const meter = stage.subscriber(`meter ${granted} ${published}`, `a/${granted}/${published}`, granted)
      sensor.publish(`a/${granted}/${published}`, 'live', published, { retain: true })
      const messages = meter.receiveAll()
      meter.subscribe(`+/${granted}/${published}`, granted)
      messages.push(...meter.receiveAll())
      assert.deepEqual(
        new Set(messages.map(({ qos }) => qos)),
        new Set([Math.min(granted, published)]),
        `${published} to ${granted}`,
      )
    }
  }
})

scene('QoS 1 published and QoS 0 granted: duplicates are allowed, and this Server makes none [U-3.8.4-6]', (stage) => {
  const meter = stage.subscriber('meter', 'a', 0)
  stage.client('sensor').publish('a', 'x', 1)
  assert.equal(takeHex(meter), '30050001610078')
})

scene('A message that matches may leave before the SUBACK, and none leaves twice for it [U-3.8.4-4]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', 'kept', 0, { retain: true })
  const meter = stage.client('meter')
  // SUBSCRIBE and a PUBLISH of its own in one chunk: the SUBACK, what is retained, and the new message, each once.
  const packets = answer(meter, '82 07 0001 00 0001 61 00  30 05 0001 61 00 78')
  assert.equal(packets, '900400010000' + '310800016100' + '6b657074' + '30050001610078')
})

scene('One Subscription per filter and Session: the filter, letter by letter, is its key [U-4.8.1-1]', (stage) => {
  const meter = stage.client('meter')
  for (const topicFilter of ['a', 'A', 'a/', '/a', 'a', 'a']) meter.subscribe(topicFilter)
  const filters = sessionsOf(stage.broker.broker)[0]?.subscriptions.map(({ topicFilter }) => topicFilter)
  assert.deepEqual(filters, ['a', 'A', 'a/', '/a'])
})

scene('A Client gets no Subscription that it did not ask for [U-4.5-1]', (stage) => {
  const silent = stage.client('silent')
  const sensor = stage.client('sensor')
  for (const name of ['a', 'silent', '$share/a', 'a/silent']) sensor.publish(name, 'x', 1, { retain: true })
  assert.equal(takeHex(silent), '')
})
