import assert from 'node:assert/strict'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { answer, assertEnds, GUARDED, received, scene, takeHex } from './stage.ts'

/** A fault of each kind in a packet of a connected Client, with its code. */
const FAULTS = [
  ['a reserved packet type', '00 00', 0x81],
  ['a Remaining Length of five bytes', 'c0 8080808000', 0x81],
  ['flags out of place', 'c8 00', 0x81],
  ['a field that runs past the end', '82 05 0001 00 0005', 0x81],
  ['bytes left over', 'c0 01 00', 0x81],
  ['no UTF-8', '30 * 0001 ff {}', 0x81],
  ['QoS 3', '36 * "a" 0001 {}', 0x81],
  ['a second CONNECT', '10 * "MQTT" 05 02 0000 {} "a"', 0x82],
  ['a packet of a Server', 'd0 00', 0x82],
  ['Packet Identifier 0', '32 * "a" 0000 {}', 0x82],
  ['a property twice', '30 * "a" {03 "x" 03 "y"}', 0x82],
  ['DUP at QoS 0', '38 * "a" {}', 0x82],
] as const

for (const [title, packet, code] of FAULTS) {
  scene(
    `${title}: DISCONNECT 0x${code.toString(16)}, the close, the Will, and nobody else notices [5.0 MQTT-4.13.1-1] [U-4.13.1-2, U-4.13.1-3]`,
    (stage) => {
      const witness = stage.subscriber('witness', '#')
      const client = stage.client('faulty', { will: { topicName: 'will' } })
      client.subscribe('#')
      assertEnds(client, packet, code)
      assert.equal(takeHex(witness), '300b' + '000477696c6c00' + '676f6e65', 'the Will and nothing else')
      assert.equal(answer(witness, 'c0 00'), 'd000')
      assert.equal(stage.hasSession('faulty'), false)
    },
  )
}

scene('An error in CONNECT: CONNACK with the code, and the close [5.0 MQTT-4.13.1-1] [U-4.13.1-1]', (stage) => {
  for (const [packet, code] of [
    ['11 * "MQTT" 05 02 0000 {17 00} "a"', 0x81],
    ['10 * "MQTT" 05 03 0000 {17 00} "a"', 0x81],
    ['10 * "MQTT" 05 02 0000 {17 00} "a" 00', 0x81],
    ['10 * "MQTT" 05 02 0000 {17 00 17 00} "a"', 0x82],
    ['10 * "MQTT" 05 02 0000 {17 02} "a"', 0x82],
  ] as const) {
    const client = stage.open()
    assert.match(answer(client, packet), new RegExp(`^20..00${code.toString(16)}`), packet)
    assert.equal(client.isClosed, true)
  }
})

scene('A CONNACK or DISCONNECT of 0x80 or more means close, sent or received [5.0 MQTT-4.13.2-1]', async (stage) => {
  for (const code of [0x80, 0x81, 0x82, 0x83, 0x90, 0x93, 0x97, 0x98]) {
    const client = stage.client('a')
    assert.equal(answer(client, `e0 01 ${code.toString(16)}`), '')
    assert.equal(client.isClosed, true)
  }
  const refused = stage.open()
  refused.connect({ properties: { authenticationMethod: 'unknown' } })
  assert.deepEqual([refused.connack?.reasonCode, refused.isClosed], [0x8c, true])
  const ended = stage.client('a')
  assert.equal(await stage.broker.broker.disconnect('a', { reasonCode: 0x98 }), true)
  assert.equal(ended.isClosed, true)
})

scene(
  'An acknowledgement of 0x80 or more leaves the Connection and other packets alone [U-4.13.2-1]',
  (stage) => {
    const client = stage.subscriber('client', 'a', 2)
    assert.equal(answer(client, '32 * "denied/x" 0001 {}'), '4003000187')
    assert.equal(answer(client, '34 * "denied/x" 0002 {}'), '5003000287')
    assert.equal(answer(client, '62 02 0009'), '7003000992')
    assert.equal(answer(client, '50 02 0009'), '6203000992')
    assert.equal(answer(client, '82 * 0003 {} "denied/x" 00'), '900400030087')
    stage.client('sensor').publish('a', '1', 1)
    assert.deepEqual(received(client), ['a 1 q1'])
    assert.equal(answer(client, '40 03 0001 80'), '')
    stage.client('sensor').publish('a', '2', 1)
    assert.deepEqual(received(client), ['a 2 q1'])
  },
  GUARDED,
)

scene('Several faults in one packet: any of them may be answered, and one is [U-4.13.2-2]', (stage) => {
  for (const packet of ['36 * "a+" 0000 {23 0000 23 0000}', '83 * 0000 {0b 00 0b 00}', '3e * 0001 ff 0000']) {
    const client = stage.client('a')
    client.take()
    assert.match(answer(client, packet), /^e0..8[12]/)
    assert.equal(client.isClosed, true)
  }
})

scene(
  'A property that is unknown, or in the wrong packet, or of the wrong type, is malformed [U-2.2.2.2-1]',
  (stage) => {
    for (const packet of [
      '30 * "a" {00 00}',
      '30 * "a" {04 00}',
      '30 * "a" {7f 00}',
      '30 * "a" {8101 00}',
      '30 * "a" {11 00000001}',
      '82 * 0001 {01 01} "a" 00',
      'a2 * 0001 {0b 01} "a"',
      '40 * 0001 00 {15 "x"}',
      'e0 * 00 {21 0001}',
      // Of the wrong type: a value that is cut short, or that is no string.
      '30 * "a" {02 0001}',
      '30 * "a" {03 01}',
      '30 * "a" {26 "key"}',
      '30 * "a" {03 0001 ff}',
    ]) {
      assertEnds(stage.client('a'), packet, 0x81)
    }
  },
)

scene('What one Client does wrong costs nobody else a Connection, a Session or a message [U-4.13.1-3]', (stage) => {
  const meter = stage.durable('meter')
  meter.subscribe('a', 1)
  const sensor = stage.client('sensor')
  for (const [title, packet, code] of FAULTS) {
    assertEnds(stage.client('faulty'), packet, code)
    sensor.publish('a', title, 1)
  }
  assert.equal(stage.ends.length, FAULTS.length)
  assert.deepEqual(
    meter.take().filter(({ type }) => type !== PacketType.PUBLISH),
    [],
  )
})
