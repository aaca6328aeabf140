/** The writers for everyday packets, against the general encoder. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../../src/base/errors.ts'
import { readPlainAcknowledgement, writeAcknowledgement } from '../../../src/codec/acknowledgement.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { dupFlag, makePublishFrame } from '../../../src/codec/publish-frame.ts'
import { allVersions, bytesOf, decode, plain } from './packet-bytes.ts'
import fc from '../../support/property.ts'

const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType

test('acknowledgements: the same bytes as the general encoder, wherever they are put', () => {
  for (const version of allVersions) {
    for (const type of [PUBACK, PUBREC, PUBREL, PUBCOMP]) {
      for (const reasonCode of [0x00, 0x92]) {
        const target = new Uint8Array(3 + 5)
        const end = writeAcknowledgement(target, 3, type, 0xfffe, reasonCode, version)
        const packet: Packet = { type, packetIdentifier: 0xfffe, reasonCode, properties: noProperties }
        assert.deepEqual(target.slice(3, end), plain(encodePacket(packet, version)))
      }
    }
  }
})

test('a plain acknowledgement is read as its Packet Identifier, any other form as 0', () => {
  const read = (notation: string): number => {
    const bytes = bytesOf(notation)
    return readPlainAcknowledgement(bytes, bytes[0]!, 2, bytes.length)
  }
  assert.deepEqual(['40 * 0102', '50 * 0001', '62 * ffff', '70 * 0001'].map(read), [0x0102, 1, 0xffff, 1])
  assert.deepEqual(
    ['40 * 0000', '41 * 0001', '60 * 0001', '72 * 0001', '40 * 01', '40 * 0001 00'].map(read),
    [0, 0, 0, 0, 0, 0],
  )
})

const fields = { topicName: 'a/ü', qos: 1, retain: false, properties: noProperties } as const
const payload = Uint8Array.of(1, 2, 3)

test('one frame serves every receiver: copied, and patched with DUP and Packet Identifier', () => {
  for (const version of allVersions) {
    const { bytes, packetIdentifierAt } = makePublishFrame(fields, payload, version)
    const copy = Uint8Array.from(bytes)
    copy[0]! |= dupFlag
    copy[packetIdentifierAt] = 0x12
    copy[packetIdentifierAt + 1] = 0x34
    assert.deepEqual(decode(copy, version, 'server'), {
      type: PacketType.PUBLISH,
      dup: true,
      qos: 1,
      retain: false,
      topicName: 'a/ü',
      packetIdentifier: 0x1234,
      properties: {},
      payload,
    })
  }
  assert.equal(makePublishFrame({ ...fields, qos: 0 }, payload, 5).packetIdentifierAt, 0)
})

test('the Topic Name may be given as the bytes that came', () => {
  const asBytes = { ...fields, topicName: Buffer.from('a/ü') }
  assert.deepEqual(makePublishFrame(asBytes, payload, 5), makePublishFrame(fields, payload, 5))
})

test('Topic Alias and Subscription Identifiers are those of this hop, never the message’s [5.0 U-3.3.2.3.4-1] [5.0 MQTT-3.3.4-3]', () => {
  const properties = { topicAlias: 9, subscriptionIdentifiers: [9], messageExpiryInterval: 60, contentType: 't' }
  const encoded = (hop: object): Uint8Array =>
    plain(makePublishFrame({ ...fields, properties, ...hop }, payload, 5).bytes)
  assert.deepEqual(encoded({}), bytesOf('32 * "a/ü" 0000 {02 0000003c 03 "t"} 010203'))
  assert.deepEqual(
    encoded({ topicName: '', topicAlias: 2, subscriptionIdentifiers: [5, 300], messageExpiryInterval: 7 }),
    bytesOf('32 * "" 0000 {02 00000007 03 "t" 0b 05 0b ac02 23 0002} 010203'),
  )
  assert.deepEqual(
    plain(makePublishFrame({ ...fields, topicAlias: 2 }, payload, 5).bytes),
    bytesOf('32 * "a/ü" 0000 {23 0002} 010203'),
  )
})

test('a PUBLISH beyond what the protocol can say is the caller’s error', () => {
  const tooLong = { length: 0x0fffffff } as Uint8Array // refused by its length alone
  assert.throws(() => makePublishFrame(fields, tooLong, 4), UsageError)
  assert.throws(() => makePublishFrame({ ...fields, topicName: new Uint8Array(65_536) }, payload, 4), UsageError)
})

test('a frame is the packet that the general encoder writes', () => {
  const anyPublish = fc.record({
    topicName: fc.string({ unit: fc.constantFrom('a', 'ü', '/', '😀'), maxLength: 200 }),
    qos: fc.constantFrom<QoS>(0, 1, 2),
    retain: fc.boolean(),
    identifier: fc.integer({ min: 1, max: 0xffff }),
    version: fc.constantFrom<ProtocolVersion>(3, 4, 5),
    payload: fc.uint8Array({ maxLength: 200 }),
  })
  fc.assert(
    fc.property(anyPublish, ({ version, identifier, ...publish }) => {
      const packetIdentifier = publish.qos > 0 ? identifier : 0
      const packet = { ...publish, type: PacketType.PUBLISH, dup: false, packetIdentifier, properties: noProperties }
      const frame = makePublishFrame(packet, publish.payload, version).bytes
      assert.deepEqual(plain(frame), plain(encodePacket(packet, version)))
    }),
  )
})
