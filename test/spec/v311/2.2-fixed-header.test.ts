import assert from 'node:assert/strict'
import { answer, assertCloses, bytesOf, scene, takeHex } from './scene.ts'

/**
 * Packets of a Client with their one right first byte, and the rule beside 2.2.2-1 that says so, where there is one.
 */
const PACKETS = [
  ['PUBACK', 0x40, '', '0001'],
  ['PUBREC', 0x50, '', '0001'],
  ['PUBREL', 0x62, 'MQTT-3.6.1-1', '0001'],
  ['PUBCOMP', 0x70, '', '0001'],
  ['SUBSCRIBE', 0x82, 'MQTT-3.8.1-1', '0001 "a" 00'],
  ['UNSUBSCRIBE', 0xa2, 'MQTT-3.10.1-1', '0001 "a"'],
  ['PINGREQ', 0xc0, '', ''],
  ['DISCONNECT', 0xe0, 'MQTT-3.14.1-1', ''],
] as const

function packet(firstByte: number, body: string): string {
  return `${firstByte.toString(16)} * ${body}`
}

for (const [name, right, rule, body] of PACKETS) {
  const ids = ['MQTT-2.2.2-1', 'MQTT-2.2.2-2', rule].filter((id) => id !== '').join(', ')
  scene(`${name} with any other flags than the reserved ones ends the Connection [3.1.1 ${ids}]`, (stage) => {
    const will = { topicName: 'will' }
    const witness = stage.subscriber('witness', 'will')
    for (let flags = 0; flags < 16; flags++) {
      const firstByte = (right & 0xf0) | flags
      if (firstByte === right) continue
      assertCloses(stage.client('a', { will }), packet(firstByte, body))
      assert.equal(witness.takePayloads().length, 1, 'a faulty packet has no effect but the close: the Will goes out')
    }
    const client = stage.client('a', { will })
    client.sendBytes(bytesOf(packet(right, body)))
    assert.equal(client.isClosed, name === 'DISCONNECT')
    assert.equal(witness.takePayloads().length, 0)
  })
}

scene('CONNECT with flags other than 0000 is answered by a close alone [3.1.1 MQTT-2.2.2-2]', (stage) => {
  for (let flags = 1; flags < 16; flags++) {
    const client = stage.raw(packet(0x10 | flags, '"MQTT" 04 02 0000 "id"'))
    assert.deepEqual([takeHex(client), client.isClosed], ['', true])
  }
})

scene('Every packet that the Server sends has the reserved flags [3.1.1 MQTT-2.2.2-1]', (stage) => {
  const client = stage.raw('10 * "MQTT" 04 02 0000 "id"')
  assert.equal(takeHex(client), '20020000', 'CONNACK')
  assert.equal(answer(client, '82 * 0001 "a" 02'), '9003000102', 'SUBACK')
  assert.equal(answer(client, '32 * "x" 0002'), '40020002', 'PUBACK')
  assert.equal(answer(client, '34 * "x" 0003'), '50020003', 'PUBREC')
  assert.equal(answer(client, '62 * 0003'), '70020003', 'PUBCOMP')
  stage.client('sensor').publish('a', '', 2)
  assert.equal(takeHex(client), '34050001610001', 'PUBLISH')
  assert.equal(answer(client, '50 * 0001'), '62020001', 'PUBREL')
  assert.equal(answer(client, 'c0 00'), 'd000', 'PINGRESP')
  assert.equal(answer(client, 'a2 * 0004 "a"'), 'b0020004', 'UNSUBACK')
})

scene(
  'Remaining Length has one to four bytes: each edge passes, both ways [U311-2.2.3-1]',
  (stage) => {
    const meter = stage.subscriber('meter', 'a')
    const sensor = stage.client('sensor')
    for (const length of [3, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152]) {
      sensor.publish('a', new Uint8Array(length - 3))
      assert.equal(meter.bytes.length > length, true)
      // Not deepEqual, which takes many seconds to say where two megabytes differ.
      const arrived = meter.bytes.subarray(-length - 1 - sizeOf(length))
      assert.ok(Buffer.from(sensorBytes(length)).equals(arrived), `${length} bytes arrive as they were sent`)
      takeHex(meter)
    }
    const patient = stage.client('patient')
    assert.equal(answer(patient, '30 ffffff7f'), '', 'the largest length is one to wait for')
    assert.equal(patient.isClosed, false)
    assertCloses(stage.client('greedy'), '30 ffffffff 01')
  },
  { 'max-packet-size': 268_435_460 },
)

function sizeOf(length: number): number {
  return length < 128 ? 1 : length < 16_384 ? 2 : length < 2_097_152 ? 3 : 4
}

function sensorBytes(length: number): Uint8Array {
  const zeros = '00'.repeat(length - 3)
  return bytesOf(`30 * "a" ${zeros}`)
}
