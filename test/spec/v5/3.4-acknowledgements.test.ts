import assert from 'node:assert/strict'
import { answer, assertEnds, GUARDED, scene, takeHex } from './stage.ts'

/** Codes that tables 3-4 to 3-7 have for such a packet; 0x10 is the Server's alone, and does no harm. */
const OF_RECEIVER = [0x00, 0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99]
const OF_RELEASE = [0x00, 0x92]

const CLIENT_CODES = [
  ['PUBACK', '40', 'MQTT-3.4.2-1', OF_RECEIVER, () => ''],
  ['PUBREC', '50', 'MQTT-3.5.2-1', OF_RECEIVER, (code: number) => (code < 0x80 ? '6203000192' : '')],
  ['PUBREL', '62', 'MQTT-3.6.2-1', OF_RELEASE, () => '7003000192'],
  ['PUBCOMP', '70', 'MQTT-3.7.2-1', OF_RELEASE, () => ''],
] as const

for (const [name, firstByte, id, codes, answerTo] of CLIENT_CODES) {
  scene(`${name} of a Client has a Reason Code of its table, any other is a Protocol Error [5.0 ${id}]`, (stage) => {
    const allowed = stage.client('allowed')
    for (let code = 0; code < 256; code++) {
      const packet = `${firstByte} 03 0001 ${code.toString(16).padStart(2, '0')}`
      if (codes.includes(code)) assert.equal(answer(allowed, packet), answerTo(code), packet)
      else assertEnds(stage.client('other'), packet, 0x82)
    }
    assert.equal(allowed.isClosed, false)
  })
}

for (const [name, id, publish, acknowledgement] of [
  ['PUBACK', 'MQTT-3.4.2-1', '32', '40'],
  ['PUBREC', 'MQTT-3.5.2-1', '34', '50'],
] as const) {
  scene(
    `${name} says how the message fared: taken, nobody there, not authorized, name refused [5.0 ${id}]`,
    (stage) => {
      const meter = stage.subscriber('meter', 'a')
      const sensor = stage.client('sensor')
      assert.equal(answer(sensor, `${publish} * "a" 0001 {}`), `${acknowledgement}020001`)
      assert.equal(answer(sensor, `${publish} * "nobody" 0002 {}`), `${acknowledgement}03000210`)
      assert.equal(answer(sensor, `${publish} * "denied/a" 0003 {}`), `${acknowledgement}03000387`)
      assert.equal(answer(sensor, `${publish} * "$SYS/a" 0004 {}`), `${acknowledgement}03000487`)
      assert.equal(answer(sensor, `${publish} * "1/2/3/4" 0005 {}`), `${acknowledgement}03000590`)
      assert.equal(takeHex(meter), '300400016100')
    },
    { ...GUARDED, 'max-topic-levels': 3 },
  )
}

const TINY = { maximumPacketSize: 22 }

scene(
  'A small Maximum Packet Size: PUBACK and PUBREC are sent, without Reason String and User Property [5.0 MQTT-3.4.2-2, MQTT-3.4.2-3]',
  (stage) => {
    const sensor = stage.client('sensor', { properties: TINY })
    assert.equal(answer(sensor, '32 * "denied/topic" 0001 {26 "key" "value"}'), '4003000187')
    assert.equal(answer(sensor, '34 * "denied/topic" 0002 {26 "key" "value"}'), '5003000287')
  },
  GUARDED,
)

scene(
  'A small Maximum Packet Size: PUBREC is sent without Reason String and User Property [5.0 MQTT-3.5.2-2, MQTT-3.5.2-3]',
  (stage) => {
    const sensor = stage.client('sensor', { properties: TINY })
    assert.equal(answer(sensor, '34 * "denied/topic" 0001 {26 "key" "value"}'), '5003000187')
    assert.equal(answer(sensor, '34 * "nobody" 0002 {26 "key" "value"}'), '5003000210')
  },
  GUARDED,
)

scene(
  'A small Maximum Packet Size: PUBREL is sent without Reason String and User Property [5.0 MQTT-3.6.2-2, MQTT-3.6.2-3]',
  (stage) => {
    const meter = stage.client('meter', { properties: TINY })
    assert.equal(answer(meter, '50 * 0009 00 {26 "key" "value"}'), '6203000992')
    meter.subscribe('a', 2)
    stage.client('sensor').publish('a', 'x', 2)
    assert.equal(answer(meter, '50 * 0001 00 {26 "key" "value"}'), '62020001')
  },
)

scene(
  'A small Maximum Packet Size: PUBCOMP is sent without Reason String and User Property [5.0 MQTT-3.7.2-2, MQTT-3.7.2-3]',
  (stage) => {
    const sensor = stage.client('sensor', { properties: TINY })
    assert.equal(answer(sensor, '62 * 0009 00 {26 "key" "value"}'), '7003000992')
    answer(sensor, '34 * "a" 0001 {}')
    assert.equal(answer(sensor, '62 * 0001 00 {1f "done"}'), '70020001')
  },
)

scene('PUBREL with flags other than 0010 is malformed [5.0 MQTT-3.6.1-1]', (stage) => {
  for (let flags = 0; flags < 16; flags++) {
    const client = stage.client('a')
    assert.equal(answer(client, '34 * "a" 0001 {}'), '5003000110')
    const packet = `6${flags.toString(16)} 02 0001`
    if (flags === 2) assert.equal(answer(client, packet), '70020001')
    else assertEnds(client, packet, 0x81)
  }
})

scene(
  'PUBREL and PUBCOMP of the Server say 0x00, and 0x92 for an unknown id [5.0 MQTT-3.6.2-1, MQTT-3.7.2-1]',
  (stage) => {
    const client = stage.subscriber('client', 'a', 2)
    assert.equal(answer(client, '34 * "b" 0005 {}'), '5003000510')
    assert.equal(answer(client, '62 02 0005'), '70020005')
    assert.equal(answer(client, '62 02 0005'), '7003000592')
    stage.client('sensor').publish('a', '', 2)
    assert.equal(takeHex(client), '3406000161000100')
    assert.equal(answer(client, '50 02 0001'), '62020001')
    assert.equal(answer(client, '70 02 0001'), '')
    assert.equal(answer(client, '50 02 0001'), '6203000192')
  },
)

scene('Reason String is for people: the Server takes any, and acts by the code alone [U-3.4.2.2.2-1]', (stage) => {
  const client = stage.subscriber('client', 'a', 1)
  stage.client('sensor').publish('a', '', 1)
  takeHex(client)
  assert.equal(answer(client, '40 * 0001 00 {1f "Reason Code 0x87: not authorized, disconnect"}'), '')
  assert.equal(client.isClosed, false)
  assert.equal(stage.broker.broker.metrics.dropped['refused by client'], 0)
})
