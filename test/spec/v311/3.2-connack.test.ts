import assert from 'node:assert/strict'
import type { Plugin } from '../../../src/access/plugin.ts'
import { ACCEPTED, bytesOf, RESUMED, scene, takeHex } from './scene.ts'

const GOOD = '10 * "MQTT" 04 02 0000 "id"'

scene(
  'A valid CONNECT is answered with CONNACK 0x00, and that is the first packet [3.1.1 MQTT-3.1.4-4, MQTT-3.2.0-1]',
  (stage) => {
    const client = stage.raw(GOOD)
    assert.deepEqual([takeHex(client), client.isClosed], [ACCEPTED, false])
  },
)

scene(
  'Nothing comes before CONNACK, although messages wait and more arrive meanwhile [3.1.1 MQTT-3.2.0-1]',
  (stage) => {
    const before = stage.durable('id')
    before.subscribe('a', 1)
    before.drop()
    const sensor = stage.client('sensor')
    sensor.publish('a', '1', 1)
    const client = stage.raw('10 * "MQTT" 04 00 0000 "id"')
    assert.ok(client.bytes.toString('hex').startsWith(`${RESUMED}32`))
  },
)

/** Answers when it is told to. */
class Slow implements Plugin {
  readonly name = 'slow'
  answer: () => void = () => {}

  async authenticate() {
    await new Promise<void>((resolve) => (this.answer = resolve))
    return { decision: 'allow' } as const
  }
}

const slow = new Slow()
scene(
  'While a log-in is thought about nothing is said, not even to PINGREQ [3.1.1 MQTT-3.2.0-1]',
  async (stage) => {
    const client = stage.raw(GOOD)
    client.sendBytes(bytesOf('c0 00'))
    client.sendBytes(bytesOf('32 * "a" 0007'))
    assert.equal(takeHex(client), '')
    slow.answer()
    await stage.broker.settle()
    assert.ok(client.bytes.toString('hex').startsWith(ACCEPTED))
    assert.equal(takeHex(client).length, `${ACCEPTED}d00040020007`.length)
  },
  { auth: { plugins: [slow] } },
)

scene('Bits 7 to 1 of the acknowledge flags are 0, in every answer [U311-3.2.2.1-1] [3.1.1 MQTT-3.2.2-4]', (stage) => {
  const connects: [packet: string, said: string][] = [
    [GOOD, '20020000'],
    ['10 * "MQTT" 04 00 0000 "kept"', '20020000'],
    ['10 * "MQTT" 04 00 0000 "kept"', '20020100'],
    ['10 * "MQTT" 04 00 0000 ""', '20020002'],
    ['10 * "MQTT" 02 00 0000 "kept"', '20020001'],
  ]
  for (const [packet, said] of connects) assert.equal(takeHex(stage.raw(packet)), said, packet)
})

/** A User Name that no plugin knows is refused. */
const STRICT = { auth: { 'allow-anonymous': true, 'unknown-user-names': 'refuse' } } as const

scene(
  'A refusal says Session Present 0 although a Session is stored [3.1.1 MQTT-3.2.2-4]',
  (stage) => {
    stage.durable('id').drop()
    const refused = stage.raw('10 * "MQTT" 04 c0 0000 "id" "user" "word"')
    assert.deepEqual([takeHex(refused), refused.isClosed], ['20020004', true], 'nobody knows that user')
    assert.equal(takeHex(stage.raw('10 * "MQTT" 04 00 0000 "id"')), RESUMED, 'the Session was not touched')
  },
  STRICT,
)

scene(
  'After a refusal the Connection is closed, and nothing on it is read [3.1.1 MQTT-3.2.2-5]',
  (stage) => {
    for (const packet of [
      '10 * "MQTT" 04 00 0000 ""',
      '10 * "MQTT" 03 02 0000 "id"',
      '10 * "MQTT" 04 82 0000 "id" "u"',
    ]) {
      const client = stage.raw(packet)
      assert.match(takeHex(client), /^200200(01|02|04)$/, packet)
      assert.equal(client.isClosed, true, packet)
      client.sendBytes(bytesOf(GOOD))
      assert.equal(takeHex(client), '')
    }
  },
  STRICT,
)

scene(
  'A CONNECT that no code fits is closed silently [3.1.1 MQTT-3.2.2-6]',
  (stage) => {
    const large = stage.raw(`10 * "MQTT" 04 02 0000 "${'x'.repeat(200)}"`)
    assert.deepEqual([takeHex(large), large.isClosed], ['', true])
  },
  { 'max-connect-packet-size': 100 },
)
