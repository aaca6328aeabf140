import assert from 'node:assert/strict'
import { answer, assertCloses, received, scene, takeHex } from './scene.ts'
import { sessionsOf } from '../../support/sessions.ts'

scene('Each SUBSCRIBE gets one SUBACK with its identifier [3.1.1 MQTT-3.8.4-1, MQTT-3.8.4-2]', (stage) => {
  const client = stage.client('client')
  assert.equal(answer(client, '82 * 0001 "a" 00'), '9003000100')
  assert.equal(answer(client, '82 * 0001 "a" 00'), '9003000100', 'the same once more')
  assert.equal(answer(client, '82 * ffff "b" 02'), '9003ffff02')
  assert.equal(answer(client, '82 * 8000 "c" 01 "d" 00'), '900480000100')
})

scene('A SUBSCRIBE without a filter ends the Connection [3.1.1 MQTT-3.8.3-3]', (stage) => {
  assertCloses(stage.client('a'), '82 * 0001')
})

scene('A SUBSCRIBE with a filter without its QoS ends the Connection [3.1.1 MQTT-3.8.3-3, MQTT-4.8.0-1]', (stage) => {
  for (const packet of ['82 * 0001 "a"', '82 * 0001 "a" 00 "b"', '82 * 0001 0002 61', '82 * 0001 00']) {
    assertCloses(stage.client('a'), packet)
  }
  assert.equal(sessionsOf(stage.broker.broker).length, 0)
})

scene('A Requested QoS with a reserved bit, or 3, ends the Connection [3.1.1 MQTT-3.8.3-4]', (stage) => {
  const sensor = stage.client('sensor')
  for (const options of ['03', '04', '07', '08', '10', '20', '40', '80', 'ff', '81']) {
    assertCloses(stage.client('a'), `82 * 0001 "a" 00 "b" ${options}`)
  }
  sensor.publish('a', 'x')
})

scene('Wildcard filters are served [U311-3.8.3-1] [3.1.1 MQTT-3.8.3-2]', (stage) => {
  const meter = stage.client('meter')
  assert.equal(answer(meter, '82 * 0001 "a/+" 00 "b/#" 01 "#" 02'), '90050001000102')
  stage.client('sensor').publish('b/c', 'x', 1)
  assert.deepEqual(received(meter), ['b/c x q1'])
})

scene(
  'A Server that is told to serve no wildcards refuses each filter that has one, and only those [3.1.1 MQTT-3.8.3-2]',
  (stage) => {
    const meter = stage.client('meter')
    const said = answer(meter, '82 * 0001 "a/+" 02 "#" 00 "a" 01 "+" 00 "a/#" 01')
    assert.deepEqual([said, meter.isClosed], ['900700018080018080', false])
    stage.client('sensor').publish('a', 'x', 1)
    assert.deepEqual(received(meter), ['a x q1'])
  },
  { 'wildcard-subscriptions': false },
)

scene('The same filter again replaces the subscription whole, with its QoS [3.1.1 MQTT-3.8.4-3]', (stage) => {
  const meter = stage.client('meter')
  const sensor = stage.client('sensor')
  for (const qos of [2, 0, 1] as const) {
    meter.subscribe('a/+', qos)
    sensor.publish('a/b', 'x', 2)
    assert.deepEqual(received(meter), [`a/b x${qos > 0 ? ` q${qos}` : ''}`], 'one copy, at the new QoS')
  }
  meter.unsubscribe('a/+')
  sensor.publish('a/b', 'x', 2)
  assert.deepEqual(received(meter), [], 'nothing of the older ones is left')
})

scene('The same filter again sends the retained messages anew [3.1.1 MQTT-3.8.4-3]', (stage) => {
  stage.client('sensor').publish('a', 'kept', 1, { retain: true })
  const meter = stage.client('meter')
  for (const qos of [1, 1, 0] as const) {
    meter.subscribe('a', qos)
    assert.deepEqual(received(meter), [`a kept${qos > 0 ? ' q1' : ''} retain`])
  }
})

scene('The live flow has no gap and no double while a subscription is replaced [3.1.1 MQTT-3.8.4-3]', (stage) => {
  const client = stage.client('client')
  client.subscribe('a', 1)
  takeHex(client)
  const publish = '300400016131'
  client.sendHex(`${publish} 8206 0002 0001 61 00 ${publish} 8206 0003 0001 61 01 ${publish}`)
  const said = takeHex(client)
  assert.equal(said.split('300400016131').length - 1, 3)
})

scene(
  'Several filters in one SUBSCRIBE work like one SUBSCRIBE each, with one SUBACK [3.1.1 MQTT-3.8.4-4, MQTT-3.8.4-5]',
  (stage) => {
    const sensor = stage.client('sensor')
    for (const topic of ['a', 'b', 'c']) sensor.publish(topic, 'kept', 1, { retain: true })
    const meter = stage.client('meter')
    const said = answer(meter, '82 * 0009 "a" 00 "b" 01 "c" 02 "a" 01')
    assert.ok(said.startsWith('9006000900010201'), said)
    assert.equal(said.split('9006').length - 1, 1)
    sensor.publish('a', '1', 2)
    sensor.publish('b', '2', 2)
    sensor.publish('c', '3', 2)
    assert.deepEqual(received(meter), ['a 1 q1', 'b 2 q1', 'c 3 q2'], 'the later "a" replaced the earlier')
  },
)

const NOT_ALL = {
  name: 'not all',
  maySubscribe: (_: unknown, topicFilter: string) => topicFilter !== 'secret',
  mayPublish: () => true,
  mayReceive: () => true,
}

scene(
  'SUBACK has a code for every filter, in their order: the granted QoS or 0x80 [3.1.1 MQTT-3.8.4-5, MQTT-3.9.3-1, MQTT-3.9.3-2]',
  (stage) => {
    const meter = stage.client('meter')
    const said = answer(meter, '82 * 0001 "a" 02 "secret" 02 "b" 00 "secret" 00 "c" 01')
    assert.equal(said, '90070001028000'.concat('8001'))
    const sensor = stage.client('sensor')
    sensor.publish('secret', 'x', 1)
    assert.deepEqual(received(meter), [], 'a refused filter delivers nothing')
    sensor.publish('c', 'x', 1)
    assert.deepEqual(received(meter), ['c x q1'], 'the others do')
  },
  { 'topic-check': { plugins: [NOT_ALL] } },
)

scene(
  'SUBACK knows 0x80 alone for every reason to refuse: too many filters, too many levels [3.1.1 MQTT-3.9.3-2]',
  (stage) => {
    const meter = stage.client('meter')
    assert.equal(answer(meter, '82 * 0001 "a/b/c" 01 "a" 01 "b" 01 "c" 01'), '90060001'.concat('80010180'))
  },
  { 'max-subscriptions': 2, 'max-topic-levels': 2 },
)

scene(
  'A Server may grant less than was asked, and keeps to it [U311-3.8.4-1] [3.1.1 MQTT-3.8.4-6]',
  (stage) => {
    const meter = stage.client('meter')
    assert.equal(answer(meter, '82 * 0001 "a" 02 "b" 01 "c" 00'), '90050001010100')
    stage.client('sensor').publish('a', 'x', 1)
    assert.deepEqual(received(meter), ['a x q1'])
  },
  { 'max-qos': 1 },
)

scene('Delivery is at the lower of the published and the granted QoS [3.1.1 MQTT-3.8.4-6]', (stage) => {
  const meters = ([0, 1, 2] as const).map((qos) => stage.subscriber(`meter ${qos}`, '#', qos))
  const sensor = stage.client('sensor')
  for (const qos of [0, 1, 2] as const) sensor.publish(`${qos}`, 'x', qos)
  assert.deepEqual(meters.map(received), [
    ['0 x', '1 x', '2 x'],
    ['0 x', '1 x q1', '2 x q1'],
    ['0 x', '1 x q1', '2 x q2'],
  ])
})
