import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { received, scene, taken } from './stage.ts'

scene(
  'Retained messages for a new Subscription have RETAIN 1, whatever Retain As Published says [U-3.3.1.3-2]',
  (stage) => {
    stage.client('sensor').publish('a', 'kept', 2, { retain: true })
    for (const retainAsPublished of [false, true]) {
      const meter = stage.client('meter')
      meter.subscribe('a', 1, { retainAsPublished })
      assert.deepEqual(received(meter), ['a kept q1 retain'])
    }
  },
)

scene('RETAIN 1 at QoS 0 replaces what is retained, at any QoS [U-3.3.1.3-3]', (stage) => {
  const sensor = stage.client('sensor')
  for (const qos of [0, 1, 2] as const) {
    sensor.publish('a', `at ${qos}`, qos, { retain: true })
    sensor.publish('a', 'new', 0, { retain: true })
    const meter = stage.client('meter')
    meter.subscribe('a', 2)
    assert.deepEqual(received(meter), ['a new retain'])
  }
})

scene('A new filter with Retain Handling 0 or 1 gets all that matches, with 2 nothing [U-3.8.4-7]', (stage) => {
  const sensor = stage.client('sensor')
  const names = ['a', 'a/b', 'a/c/d', 'b', '$app']
  for (const name of names) sensor.publish(name, 'kept', 1, { retain: true })
  for (const [retainHandling, wanted] of [
    [0, ['a', 'a/b', 'a/c/d']],
    [1, ['a', 'a/b', 'a/c/d']],
    [2, []],
  ] as const) {
    const meter = stage.client('meter')
    meter.subscribe('a/#', 2, { retainHandling })
    const topics = taken(meter, PacketType.PUBLISH).map(({ topicName }) => topicName)
    assert.deepEqual(new Set(topics), new Set(wanted))
    assert.equal(topics.length, wanted.length)
  }
})

scene(
  'Without retained messages all Retain Handling is alike, and RETAIN is always 0 [U-3.8.3.1-2]',
  async (stage) => {
    await stage.broker.broker.publish('a', 'host', { retain: true })
    for (const retainHandling of [0, 1, 2] as const) {
      const meter = stage.client('meter')
      assert.equal(meter.connack?.properties.retainAvailable, 0)
      meter.subscribe('a', 0, { retainHandling })
      meter.subscribe('a', 0, { retainHandling })
      stage.client('sensor').publish('a', 'x')
      assert.deepEqual(received(meter), ['a x'])
    }
  },
  { retain: false },
)
