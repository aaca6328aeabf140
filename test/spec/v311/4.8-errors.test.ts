import assert from 'node:assert/strict'
import { answer, assertCloses, bytesOf, received, scene } from './scene.ts'

/** One violation of each kind. */
const VIOLATIONS = [
  ['type 0', '00 00'],
  ['type 15', 'f0 00'],
  ['CONNACK from a Client', '20 * 0000'],
  ['SUBACK from a Client', '90 * 000100'],
  ['UNSUBACK from a Client', 'b0 * 0001'],
  ['PINGRESP from a Client', 'd0 00'],
  ['PUBACK too short', '40 * 00'],
  ['PUBACK too long', '40 * 000100'],
  ['PUBREC too short', '50 00'],
  ['PUBREC too long', '50 * 000100'],
  ['PUBREL too short', '62 00'],
  ['PUBREL too long', '62 * 000100'],
  ['PUBCOMP too long', '70 * 000100'],
  ['PUBACK for identifier 0', '40 * 0000'],
  ['PUBREL for identifier 0', '62 * 0000'],
] as const

for (const [what, packet] of VIOLATIONS) {
  scene(`A violation closes its Connection, and no other: ${what} [3.1.1 MQTT-4.8.0-1] [U311-4.8-1]`, (stage) => {
    const others = ['x', 'y'].map((clientId) => stage.subscriber(clientId, 'a', 1))
    assertCloses(stage.client('culprit'), packet)
    assert.deepEqual(stage.ends, ['culprit: protocol error'])
    stage.client('sensor').publish('a', 'x', 1)
    for (const other of others) {
      assert.deepEqual(received(other), ['a x q1'])
      assert.equal(answer(other, 'c0 00'), 'd000')
    }
  })
}

scene(
  'What came before a violation in the same chunk counts, what comes behind it does not [3.1.1 MQTT-4.8.0-1]',
  (stage) => {
    const meter = stage.subscriber('meter', '#', 1)
    const culprit = stage.client('culprit')
    culprit.sendBytes(Buffer.concat(['30 * "a" 31', 'd0 00', '30 * "a" 32'].map(bytesOf)))
    assert.equal(culprit.isClosed, true)
    assert.deepEqual(received(meter), ['a 1'])
  },
)

scene(
  'A packet larger than the Server takes closes its Connection, and no other [3.1.1 MQTT-4.8.0-2] [U311-4.8-1]',
  (stage) => {
    const meter = stage.subscriber('meter', '#')
    const greedy = stage.client('greedy')
    assertCloses(greedy, '30 81 08 0001 61')
    stage.client('sensor').publish('a', 'x')
    assert.deepEqual([received(meter), meter.isClosed], [['a x'], false])
  },
  { 'max-packet-size': 1024 },
)

scene(
  'A receiver that takes nothing costs itself: its Connection is closed, others have their messages at once [3.1.1 MQTT-4.8.0-2] [U311-4.8-1]',
  (stage) => {
    const frozen = stage.subscriber('frozen', '#', 0)
    const meter = stage.subscriber('meter', '#', 0)
    frozen.isFrozen = true
    const sensor = stage.client('sensor')
    for (let at = 0; at < 50; at++) {
      sensor.publish('a', `${at}`)
      assert.deepEqual(received(meter), [`a ${at}`])
    }
    stage.broker.advance(5000)
    assert.deepEqual([frozen.isClosed, meter.isClosed, sensor.isClosed], [true, false, false])
    assert.deepEqual(stage.ends, ['frozen: slow receiver'])
  },
  { 'drain-timeout': 5 },
)

const BROKEN = {
  name: 'broken',
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: ({ clientId }: { readonly clientId: string }) => {
    if (clientId === 'unlucky') throw new Error('out of memory')
    return true
  },
}

scene(
  'An error while a message is handled for one receiver leaves the publisher and the others alone [U311-4.8-1]',
  (stage) => {
    const unlucky = stage.subscriber('unlucky', '#')
    const meter = stage.subscriber('meter', '#')
    const sensor = stage.client('sensor')
    assert.equal(answer(sensor, '32 * "a" 0001'), '40020001')
    assert.deepEqual([received(unlucky), received(meter), sensor.isClosed], [[], ['a '], false])
  },
  { 'topic-check': { plugins: [BROKEN] } },
)
