/**
 * How things look on the wire, seen through a whole Broker (§1.5). The tables in `test/spec/bytes` have the bytes.
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DisconnectPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { onlyPublish, resume } from './support.ts'

test('A string of 65,535 bytes with characters of one to four bytes arrives as it was sent [5.0 MQTT-1.5.4-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('#')
  const topicName = `${'é中🎈x'.repeat(6_553)}.....`
  assert.equal(Buffer.byteLength(topicName), 65_535)
  client.publish(topicName, 'x')
  assert.equal(onlyPublish(client).topicName, topicName)
})

/** A PUBLISH at QoS 0 whose Topic Name is long, begins with U+00E4 and ends with these bytes. */
function publishEndingWith(bytes: readonly number[]): Uint8Array {
  const topicName = [0xc3, 0xa4, ...Array.from({ length: 1000 }, () => 0x61), ...bytes]
  const length = topicName.length + 3
  const head = [0x30, 0x80 | (length & 0x7f), length >> 7, topicName.length >> 8, topicName.length & 0xff]
  return Uint8Array.from([...head, ...topicName, 0])
}

for (const [what, bytes] of [
  ['half a surrogate pair [5.0 MQTT-1.5.4-1]', [0xed, 0xa0, 0x80]],
  ['a cut character [5.0 MQTT-1.5.4-1]', [0xe2, 0x82]],
  ['U+0000 [5.0 MQTT-1.5.4-2]', [0x00]],
] as const) {
  test(`A long string that ends with ${what} is malformed`, async () => {
    const broker = await VirtualBroker.start()
    const client = broker.connect()
    client.sendBytes(publishEndingWith(bytes))
    const [disconnect] = client.take()
    assert.deepEqual([disconnect?.type, (disconnect as DisconnectPacket).reasonCode], [PacketType.DISCONNECT, 0x81])
    assert.equal(client.isClosed, true)
  })
}

test('U+FEFF is kept wherever it stands: in topics, properties, and as a filter of its own [5.0 MQTT-1.5.4-3]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe(['\uFEFFt', 'plain'])
  const properties = {
    contentType: '\uFEFFtext',
    responseTopic: 'r\uFEFF',
    userProperties: [['\uFEFF', 'v\uFEFFv']] as const,
  }
  client.publish('t', 'not this')
  client.publish('\uFEFFt', 'x', 0, { properties })
  const received = onlyPublish(client)
  assert.equal(received.topicName, '\uFEFFt')
  assert.deepEqual(received.properties, properties)
})

test('Control characters and non-characters are taken and passed on: refusing them is a MAY [5.0 U-1.5.4-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'a\u0001\uFFFE' })
  assert.equal(client.connack?.reasonCode, 0)
  client.subscribe('#')
  client.publish('t\u007F\u0085\uFFFF\u{1FFFE}', 'x')
  assert.equal(onlyPublish(client).topicName, 't\u007F\u0085\uFFFF\u{1FFFE}')
})

/** The edges of the table in §1.5.5. */
const lengths: readonly [remainingLength: number, bytes: string][] = [
  [127, '7f'],
  [128, '8001'],
  [16_383, 'ff7f'],
  [16_384, '808001'],
  [2_097_151, 'ffff7f'],
  [2_097_152, '80808001'],
]
test('Remaining Length is sent in as few bytes as it needs, at every edge of the table [5.0 MQTT-1.5.5-1]', async () => {
  const broker = await VirtualBroker.start()
  const publisher = broker.connect({ clientId: 'publisher' })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('t', 1)
  const old = broker.connect({ clientId: 'old', version: 4 })
  old.subscribe('t', 0)
  for (const [remainingLength, bytes] of lengths) {
    reader.bytes = Buffer.alloc(0)
    old.bytes = Buffer.alloc(0)
    // Behind Remaining Length: topic (3 bytes), for the reader also Packet Identifier (2) and Property Length (1).
    publisher.publish('t', Buffer.alloc(remainingLength - 6), 1)
    assert.equal(reader.bytes.toString('hex', 0, 1 + bytes.length / 2), `32${bytes}`)
    assert.equal(reader.bytes.length, 1 + bytes.length / 2 + remainingLength)
    publisher.publish('t', Buffer.alloc(remainingLength - 3), 0)
    assert.ok(old.bytes.includes(Buffer.from(`30${bytes}000174`, 'hex')))
    reader.receiveAll()
    old.take()
  }
})

test('A Subscription Identifier of every length comes back as it was given, in as few bytes [5.0 MQTT-1.5.5-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  for (const identifier of [1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152, 268_435_455]) {
    client.subscribe('t', 0, {}, { subscriptionIdentifiers: [identifier] })
    client.bytes = Buffer.alloc(0)
    client.publish('t', '')
    assert.deepEqual(onlyPublish(client).properties.subscriptionIdentifiers, [identifier])
    const size = [0x80, 0x4000, 0x200000].filter((edge) => identifier >= edge).length + 1
    assert.equal(client.bytes.length, 2 + 3 + 1 + 1 + size)
  }
})

test('A string pair with empty name and value is one, and is kept with the others [5.0 MQTT-1.5.7-1]', async () => {
  const broker = await VirtualBroker.start()
  const sleeper = resume(broker, 'sleeper', 60)
  sleeper.subscribe('t', 1)
  sleeper.drop()
  const userProperties = [
    ['', ''],
    ['name', ''],
    ['', 'value'],
  ] as const
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1, { properties: { userProperties } })
  assert.deepEqual(onlyPublish(resume(broker, 'sleeper', 60)).properties, { userProperties })
})
