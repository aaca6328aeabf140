import assert from 'node:assert/strict'
import { assertCloses, everyone, received, scene, takeHex } from './scene.ts'

const ANYBODY = { auth: { plugins: [everyone] } }

/** Bytes that are no UTF-8: half a surrogate pair, an overlong form, a cut character, a lone tail, above U+10FFFF. */
const SHORT = ['eda080', 'edbfbf', 'c0af', '61e282', '80', 'ff', 'f4908080']

/** Long strings are checked in another way than short ones. */
const LONG = `c3a4${'61'.repeat(600)}`
const BAD = [...SHORT, ...SHORT.map((hex) => LONG + hex)]
const NULLS = ['00', '610062', 'c3a400', `${LONG}00`]

function lengthOf(hex: string): string {
  return (hex.length / 2).toString(16).padStart(4, '0')
}

/** Where a string stands in a packet of a Client, with the rule that says so. */
const AFTER_CONNECT = [
  ['Topic Name of a PUBLISH', '3.3.2-1', (hex: string) => `30 * ${lengthOf(hex)} ${hex} 00`],
  ['Topic Filter of a SUBSCRIBE', '3.8.3-1', (hex: string) => `82 * 0001 "a" 00 ${lengthOf(hex)} ${hex} 00`],
  ['Topic Filter of an UNSUBSCRIBE', '3.10.3-1', (hex: string) => `a2 * 0001 "a" ${lengthOf(hex)} ${hex}`],
] as const

const IN_CONNECT = [
  ['Client Identifier', '3.1.3-4', (hex: string) => `10 * "MQTT" 04 02 0000 ${lengthOf(hex)} ${hex}`],
  ['Will Topic', '3.1.3-10', (hex: string) => `10 * "MQTT" 04 06 0000 "id" ${lengthOf(hex)} ${hex} 0000`],
  ['User Name', '3.1.3-11', (hex: string) => `10 * "MQTT" 04 82 0000 "id" ${lengthOf(hex)} ${hex}`],
] as const

for (const [place, rule, packet] of AFTER_CONNECT) {
  scene(`Bad UTF-8 in the ${place} ends the Connection [3.1.1 MQTT-1.5.3-1, MQTT-${rule}]`, (stage) => {
    for (const hex of BAD) assertCloses(stage.client('a'), packet(hex))
    assert.deepEqual(new Set(stage.ends), new Set(['a: protocol error']))
  })

  scene(`U+0000 in the ${place} ends the Connection [3.1.1 MQTT-1.5.3-2, MQTT-4.7.3-2]`, (stage) => {
    for (const hex of NULLS) assertCloses(stage.client('a'), packet(hex))
  })
}

for (const [place, rule, packet] of IN_CONNECT) {
  scene(
    `Bad UTF-8 in the ${place} is answered by a close alone [3.1.1 MQTT-1.5.3-1, MQTT-${rule}]`,
    (stage) => {
      for (const hex of BAD) {
        const client = stage.raw(packet(hex))
        assert.deepEqual([takeHex(client), client.isClosed, stage.hasSession('id')], ['', true, false], hex)
      }
      assert.equal(takeHex(stage.raw(packet('6964'))), '20020000')
    },
    ANYBODY,
  )

  scene(
    `U+0000 in the ${place} is answered by a close alone [3.1.1 MQTT-1.5.3-2]`,
    (stage) => {
      for (const hex of NULLS) {
        const client = stage.raw(packet(hex))
        assert.deepEqual([takeHex(client), client.isClosed], ['', true], hex)
      }
    },
    ANYBODY,
  )
}

scene('U+FEFF is kept wherever it stands: with it a topic is another topic [3.1.1 MQTT-1.5.3-3]', (stage) => {
  const withMark = stage.subscriber('marked', '\ufeffa/\ufeff')
  const without = ['a/', '\ufeffa/', 'a/\ufeff'].map((filter) => stage.subscriber(`at ${filter}`, filter))
  const sensor = stage.client('sensor')
  sensor.sendHex('30 0a 0008 efbbbf 61 2f efbbbf')
  assert.equal(takeHex(withMark), '300a0008efbbbf612fefbbbf')
  assert.deepEqual(without.map(takeHex), ['', '', ''])
})

scene('Control characters and non-characters pass on as they are [U311-1.5.3-1]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  const sensor = stage.client('sensor')
  for (const character of ['\u0001', '\u001f', '\u007f', '\u009f', '\uffff', '\u{1ffff}']) {
    sensor.publish(`a${character}b`, 'x')
    assert.deepEqual(received(meter), [`a${character}b x`])
  }
})
