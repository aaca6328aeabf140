import assert from 'node:assert/strict'
import { received, scene } from './scene.ts'

const RETAIN = { retain: true }

scene('RETAIN 1: the message with its QoS becomes the retained message of its topic [3.1.1 MQTT-3.3.1-5]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', 'first', 0, RETAIN)
  for (const qos of [0, 1, 2] as const) {
    sensor.publish('a', `at ${qos}`, qos, RETAIN)
    sensor.publish(`b/${qos}`, 'other', qos, RETAIN)
    const meter = stage.client(`meter ${qos}`)
    meter.subscribe('a', 2)
    assert.deepEqual(received(meter), [`a at ${qos}${qos > 0 ? ` q${qos}` : ''} retain`])
  }
})

scene('A retained message stays until a Client deletes it [U311-4.1-1]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', 'x', 0, RETAIN)
  sensor.publish('b', 'y', 1, RETAIN)
  sensor.disconnect()
  stage.broker.advance(1000 * 86_400_000)
  assert.deepEqual(stage.retained().sort(), ['a=x', 'b=y'])
})

scene(
  'A new subscription is sent the latest retained message of every matching topic [3.1.1 MQTT-3.3.1-6, MQTT-3.3.1-8]',
  (stage) => {
    const sensor = stage.client('sensor')
    for (const topic of ['a/1', 'a/2', 'a/2/x', 'b/1', 'a']) {
      sensor.publish(topic, 'old', 1, RETAIN)
      sensor.publish(topic, `new ${topic}`, 1, RETAIN)
    }
    const matching = (filter: string): string[] => {
      const meter = stage.client(`meter ${filter}`)
      meter.subscribe(filter, 0)
      return received(meter).sort()
    }
    assert.deepEqual(matching('a/1'), ['a/1 new a/1 retain'])
    assert.deepEqual(matching('a/+'), ['a/1 new a/1 retain', 'a/2 new a/2 retain'])
    assert.deepEqual(matching('a/#'), [
      'a new a retain',
      'a/1 new a/1 retain',
      'a/2 new a/2 retain',
      'a/2/x new a/2/x retain',
    ])
    assert.deepEqual(matching('c/#'), [])
  },
)

scene('Thousands of retained messages reach a new subscription, each once [3.1.1 MQTT-3.3.1-6]', (stage) => {
  const sensor = stage.client('sensor')
  for (let at = 0; at < 5000; at++) sensor.publish(`many/${at}`, `${at}`, 0, RETAIN)
  const meter = stage.client('meter')
  meter.subscribe('many/+', 0)
  const found = received(meter)
  assert.deepEqual([found.length, new Set(found).size], [5000, 5000])
})

scene('A retained message of QoS 0 evicts the one before, of whatever QoS [3.1.1 MQTT-3.3.1-7]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', 'at 2', 2, RETAIN)
  sensor.publish('a', 'at 0', 0, RETAIN)
  const meter = stage.client('meter')
  meter.subscribe('a', 2)
  assert.deepEqual(received(meter), ['a at 0 retain'])
})

scene('RETAIN is 0 for an existing subscription, whatever the publisher set [3.1.1 MQTT-3.3.1-9]', (stage) => {
  const meters = ([0, 1, 2] as const).map((qos) => stage.subscriber(`meter ${qos}`, 'a', qos))
  const sensor = stage.client('sensor')
  for (const qos of [0, 1, 2] as const) sensor.publish('a', `${qos}`, qos, RETAIN)
  assert.deepEqual(meters.map(received), [
    ['a 0', 'a 1', 'a 2'],
    ['a 0', 'a 1 q1', 'a 2 q1'],
    ['a 0', 'a 1 q1', 'a 2 q2'],
  ])
})

scene('RETAIN is 0 for messages that waited for an absent Client [3.1.1 MQTT-3.3.1-9]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 1)
  meter.drop()
  stage.client('sensor').publish('a', 'x', 1, RETAIN)
  assert.deepEqual(received(stage.broker.connect({ version: 4, clientId: 'meter', cleanStart: false })), ['a x q1'])
})

scene(
  'RETAIN 1 with an empty payload erases the retained message, and live subscribers get it with RETAIN 0 [3.1.1 MQTT-3.3.1-10] [U311-3.3.1.3-1]',
  (stage) => {
    const sensor = stage.client('sensor')
    for (const qos of [0, 1, 2] as const) {
      sensor.publish('a', 'kept', 1, RETAIN)
      sensor.publish('b', 'other', 1, RETAIN)
      const meter = stage.client('meter')
      meter.subscribe('a', 0)
      assert.deepEqual(received(meter), ['a kept retain'])
      sensor.publish('a', '', qos, RETAIN)
      assert.deepEqual(received(meter), ['a '])
      assert.deepEqual(stage.retained(), ['b=other'])
    }
  },
)

scene('An empty payload is never kept as a retained message [3.1.1 MQTT-3.3.1-11]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', '', 1, RETAIN)
  const meter = stage.client('meter')
  meter.subscribe('#', 1)
  assert.deepEqual(received(meter), [])
})

scene('RETAIN 0 neither stores a message nor touches the one that is there [3.1.1 MQTT-3.3.1-12]', (stage) => {
  const sensor = stage.client('sensor')
  sensor.publish('a', 'kept', 1, RETAIN)
  for (const qos of [0, 1, 2] as const) {
    sensor.publish('a', 'live', qos)
    sensor.publish('a', '', qos)
    sensor.publish('b', 'live', qos)
  }
  assert.deepEqual(stage.retained(), ['a=kept'])
})

scene('A retained message is sent at the lower of its QoS and the granted one [3.1.1 MQTT-3.8.4-6]', (stage) => {
  const sensor = stage.client('sensor')
  for (const qos of [0, 1, 2] as const) sensor.publish(`${qos}`, 'x', qos, RETAIN)
  const found = ([0, 1, 2] as const).map((qos) => {
    const meter = stage.client(`meter ${qos}`)
    meter.subscribe('+', qos)
    return received(meter).sort()
  })
  assert.deepEqual(found, [
    ['0 x retain', '1 x retain', '2 x retain'],
    ['0 x retain', '1 x q1 retain', '2 x q1 retain'],
    ['0 x retain', '1 x q1 retain', '2 x q2 retain'],
  ])
})
