import assert from 'node:assert/strict'
import type { ConnectRequest, Plugin } from '../../../src/access/plugin.ts'
import { ACCEPTED, assertCloses, bytesOf, everyone, received, scene, takeHex } from './scene.ts'

const ANYBODY = { auth: { plugins: [everyone] } }
const GOOD = '10 * "MQTT" 04 02 0000 "id"'

scene('A first packet that is not CONNECT is answered by a close alone [3.1.1 MQTT-3.1.0-1]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  const others = [
    '30 * "a" 00',
    '32 * "a" 0001',
    '40 * 0001',
    '62 * 0001',
    '82 * 0001 "a" 00',
    'c0 00',
    'e0 00',
    '20 * 0000',
  ]
  for (const packet of others) assertCloses(stage.broker.open(4), packet)
  assert.deepEqual(received(witness), [])
})

scene('What comes behind a first packet that is not CONNECT is not looked at [3.1.1 MQTT-3.1.0-1]', (stage) => {
  const client = stage.broker.open(4)
  assertCloses(client, Buffer.concat([bytesOf('c0 00'), bytesOf(GOOD)]))
  assert.equal(stage.hasSession('id'), false)
})

scene('A second CONNECT ends the Connection, and its Will goes out [3.1.1 MQTT-3.1.0-2]', (stage) => {
  const witness = stage.subscriber('witness', 'will')
  for (const second of [GOOD, '10 * "MQTT" 04 02 0000 "other"']) {
    assertCloses(stage.client('id', { will: { topicName: 'will' } }), second)
    assert.deepEqual(received(witness), ['will gone'])
  }
  assert.equal(stage.hasSession('other'), false)
})

scene('Another protocol name is not served as 3.1.1 [3.1.1 MQTT-3.1.2-1]', (stage) => {
  for (const name of ['mqtt', 'MQTT ', 'MQTTT', 'MQT', '', 'MQIsdp', '\ufeffMQTT', 'HTTP']) {
    const client = stage.raw(`10 * "${name}" 04 02 0000 "id"`)
    assert.equal(client.isClosed, true, name)
    assert.notEqual(takeHex(client), ACCEPTED, name)
    assert.equal(stage.hasSession('id'), false, name)
  }
})

scene(
  'A protocol level that is not served gets CONNACK 0x01 and the close [3.1.1 MQTT-3.1.2-2, U311-3.2.2.3-1]',
  (stage) => {
    for (const level of ['00', '01', '02', '03']) {
      const client = stage.raw(`10 * "MQTT" ${level} 02 0000 "id"`)
      assert.deepEqual([takeHex(client), client.isClosed, stage.hasSession('id')], ['20020001', true, false], level)
    }
  },
)

scene(
  'A listener that does not serve 3.1.1 says CONNACK 0x01 [3.1.1 MQTT-3.1.2-2, MQTT-3.2.2-5]',
  (stage) => {
    const client = stage.raw(GOOD)
    assert.deepEqual([takeHex(client), client.isClosed], ['20020001', true])
  },
  { 'protocol-versions': ['3.1', '5.0'] },
)

scene(
  'Connect Flags bit 0 is checked: 1 ends the Connection without a word [3.1.1 MQTT-3.1.2-3]',
  (stage) => {
    for (const flags of ['01', '03', 'c3']) {
      const credentials = flags === 'c3' ? '"u" "p"' : ''
      const client = stage.raw(`10 * "MQTT" 04 ${flags} 0000 "id" ${credentials}`)
      assert.deepEqual([takeHex(client), client.isClosed, stage.hasSession('id')], ['', true, false], flags)
    }
  },
  ANYBODY,
)

scene(
  'A CONNECT cut at any byte, or with a byte too many, gets no CONNACK, only a close [3.1.1 MQTT-3.1.4-1]',
  (stage) => {
    const whole = bytesOf('10 * "MQTT" 04 f6 000a "id" "will" 0003 010203 "user" 0002 7077')
    for (let length = 0; length < whole.length - 2; length++) {
      const cut = Uint8Array.from([0x10, length, ...whole.subarray(2, 2 + length)])
      assertCloses(stage.broker.open(4), cut)
    }
    assertCloses(stage.broker.open(4), Uint8Array.from([0x10, whole.length - 1, ...whole.subarray(2), 0]))
    const client = stage.broker.open(4)
    client.sendBytes(whole)
    assert.equal(takeHex(client), ACCEPTED)
  },
  ANYBODY,
)

scene('A CONNECT that waits for its last byte is not answered before it [3.1.1 MQTT-3.1.4-1]', (stage) => {
  const whole = bytesOf(GOOD)
  const client = stage.broker.open(4)
  for (const byte of whole.subarray(0, -1)) client.sendBytes(Uint8Array.of(byte))
  assert.deepEqual([takeHex(client), client.isClosed], ['', false])
  client.sendBytes(whole.subarray(-1))
  assert.equal(takeHex(client), ACCEPTED)
})

/** Writes down what CONNECT said. */
class Clerk implements Plugin {
  readonly name = 'clerk'
  readonly requests: ConnectRequest[] = []

  authenticate(request: ConnectRequest) {
    this.requests.push(request)
    return { decision: 'allow' } as const
  }
}

const clerk = new Clerk()
scene(
  'The payload is Client Identifier, Will Topic, Will Message, User Name, Password, in this order [3.1.1 MQTT-3.1.3-1]',
  (stage) => {
    const witness = stage.subscriber('witness', '#')
    const client = stage.raw('10 * "MQTT" 04 c6 0000 "1" "2" 0001 33 "4" 0001 35')
    assert.equal(takeHex(client), ACCEPTED)
    const { clientId, userName, password } = clerk.requests.at(-1)!
    assert.deepEqual([clientId, userName, Buffer.from(password!).toString()], ['1', '4', '5'])
    client.drop()
    assert.deepEqual(received(witness), ['2 3'])
  },
  { auth: { plugins: [clerk] } },
)

scene('A CONNECT without the Client Identifier field is answered by a close alone [3.1.1 MQTT-3.1.3-3]', (stage) => {
  for (const packet of ['10 * "MQTT" 04 02 0000', '10 * "MQTT" 04 02 0000 00', '10 * "MQTT" 04 02 0000 0002 61']) {
    assertCloses(stage.broker.open(4), packet)
  }
})

scene('The Client Identifier comes first: the field behind it is the Will Topic [3.1.1 MQTT-3.1.3-3]', (stage) => {
  const client = stage.raw('10 * "MQTT" 04 06 0000 "first" "second" 0000')
  assert.equal(takeHex(client), ACCEPTED)
  assert.deepEqual([stage.hasSession('first'), stage.hasSession('second')], [true, false])
})

scene(
  'A Connection on which no whole CONNECT arrives in time is closed [U311-3.1.4-1]',
  (stage) => {
    const silent = stage.broker.open(4)
    const slow = stage.broker.open(4)
    slow.sendBytes(bytesOf(GOOD).subarray(0, 10))
    stage.broker.advance(6_999)
    slow.sendBytes(bytesOf(GOOD).subarray(10, 12))
    assert.deepEqual([silent.isClosed, slow.isClosed], [false, false])
    stage.broker.advance(1)
    assert.deepEqual([silent.isClosed, slow.isClosed], [true, true])
    assert.deepEqual([takeHex(silent), takeHex(slow)], ['', ''])
  },
  { 'connect-timeout': 7 },
)

scene('Packets right behind CONNECT are served behind CONNACK [U311-3.1.4-3] [3.1.1 MQTT-3.2.0-1]', (stage) => {
  const client = stage.broker.open(4)
  const packets = [GOOD, '82 * 0001 "a" 00', '30 * "a" 31', 'c0 00']
  client.sendBytes(Buffer.concat(packets.map((packet) => bytesOf(packet))))
  const said = takeHex(client)
  assert.ok(said.startsWith(ACCEPTED))
  assert.deepEqual(sortedParts(said.slice(ACCEPTED.length), ['9003000100', '300400016131', 'd000']), [])
})

/** What is left of `hex` once each part was taken out; nothing if it is made of the parts. */
function sortedParts(hex: string, parts: readonly string[]): string[] {
  let rest = hex
  for (const one of parts) {
    assert.ok(rest.includes(one), `${one} in ${hex}`)
    rest = rest.replace(one, '')
  }
  return rest === '' ? [] : [rest]
}

scene('What a Client sends behind a refused CONNECT stays unprocessed [3.1.1 MQTT-3.1.4-5]', (stage) => {
  const witness = stage.subscriber('witness', '#')
  for (const connect of ['10 * "MQTT" 04 00 0000 ""', '10 * "MQTT" 03 02 0000 "id"', '10 * "MQTT" 04 03 0000 "id"']) {
    // Also a CONNECT that would be accepted.
    for (const behind of ['', '10 * "MQTT" 04 02 0000 "other"']) {
      const client = stage.broker.open(4)
      client.sendBytes(Buffer.concat([connect, behind, '31 * "a" 31', 'c0 00'].map((text) => bytesOf(text))))
      client.sendBytes(bytesOf('31 * "a" 32'))
      assert.equal(client.isClosed, true)
      assert.equal(takeHex(client).includes('d000'), false)
    }
  }
  assert.deepEqual(received(witness), [])
  assert.deepEqual(stage.retained(), [])
})
