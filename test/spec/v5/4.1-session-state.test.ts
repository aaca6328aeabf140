import assert from 'node:assert/strict'
import { answer, KEPT, received, scene } from './stage.ts'

const NEVER = { sessionExpiryInterval: 0xffff_ffff }

scene(
  'While its Connection is open a Session stays, whatever its Session Expiry Interval [5.0 MQTT-4.1.0-1]',
  (stage) => {
    for (const sessionExpiryInterval of [0, 1]) {
      const meter = stage.client(`meter ${sessionExpiryInterval}`, { properties: { sessionExpiryInterval } })
      meter.subscribe('a', 2)
      stage.broker.advance(3_600_000)
      stage.client('sensor').publish('a', 'x', 2)
      assert.deepEqual(received(meter), ['a x q2'])
      assert.equal(meter.isClosed, false)
    }
  },
)

scene(
  'Room for absent Sessions is made among the absent: one with a Connection stays [5.0 MQTT-4.1.0-1]',
  (stage) => {
    const first = stage.durable('first')
    first.subscribe('a')
    for (const name of ['second', 'third', 'fourth']) stage.durable(name).drop()
    assert.deepEqual(
      ['first', 'second', 'third', 'fourth'].filter((name) => stage.hasSession(name)),
      ['first', 'fourth'],
    )
    stage.client('sensor').publish('a', 'x')
    assert.deepEqual(received(first), ['a x'])
  },
  { 'max-sessions': 2 },
)

scene(
  'Connection closed and Session Expiry Interval over: nothing is left of the Session [5.0 MQTT-4.1.0-2]',
  (stage) => {
    const properties = { sessionExpiryInterval: 10 }
    for (const [waitMs, isPresent] of [
      [9_999, true],
      [10_000, false],
    ] as const) {
      const meter = stage.client('meter', { properties })
      meter.subscribe('a', 1)
      const sensor = stage.client('sensor')
      sensor.publish('a', 'in flight', 1)
      assert.equal(meter.publish('b', 'half', 2, { packetIdentifier: 77 }), 77)
      meter.drop()
      sensor.publish('a', 'waits', 1)
      stage.broker.advance(waitMs)
      assert.equal(stage.hasSession('meter'), isPresent)
      const again = stage.client('meter', { cleanStart: false, properties })
      assert.equal(again.connack?.sessionPresent, isPresent)
      assert.deepEqual(received(again), isPresent ? ['a in flight q1 dup', 'a waits q1'] : [])
      assert.equal(answer(again, '62 02 004d'), isPresent ? '7002004d' : '7003004d92')
      sensor.publish('a', 'new', 0)
      assert.deepEqual(received(again), isPresent ? ['a new'] : [])
      again.disconnect()
      stage.broker.advance(20_000)
    }
  },
)

scene('Session Expiry Interval 0 or none: the Session ends with its Connection [5.0 MQTT-4.1.0-2]', (stage) => {
  for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
    stage.client('meter', { properties }).drop()
    assert.equal(stage.hasSession('meter'), false)
  }
  stage.client('meter', { properties: KEPT }).disconnect(0, { sessionExpiryInterval: 0 })
  assert.equal(stage.hasSession('meter'), false)
})

scene(
  'The time of each absence counts from the close, and 0xFFFFFFFF never ends [5.0 MQTT-4.1.0-2]',
  (stage) => {
    const properties = { sessionExpiryInterval: 10 }
    stage.client('meter', { properties }).drop()
    stage.client('always', { properties: NEVER }).drop()
    for (let round = 0; round < 5; round++) {
      stage.broker.advance(9_000)
      const meter = stage.client('meter', { cleanStart: false, properties })
      assert.equal(meter.connack?.sessionPresent, true)
      stage.broker.advance(60_000)
      meter.drop()
    }
    stage.broker.advance(400 * 86_400_000)
    assert.deepEqual([stage.hasSession('meter'), stage.hasSession('always')], [false, true])
  },
  { 'max-session-expiry': 0xffff_ffff },
)
