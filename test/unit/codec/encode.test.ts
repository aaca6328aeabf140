import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../../src/base/errors.ts'
import { encodePacket, encodeWithinLimit } from '../../../src/codec/encode.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type Sender } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { Writer } from '../../../src/codec/writer.ts'
import { anyExchange } from './arbitraries.ts'
import { allVersions, bytesOf, decode, plain } from './packet-bytes.ts'
import { samples } from './samples.ts'
import fc from '../../support/property.ts'

for (const { name, version, bytes, packet } of samples) {
  test(`writes ${name}`, () => {
    assert.deepEqual(plain(encodePacket(packet, version)), bytesOf(bytes))
  })
}

test('any packet of any version, from either side, survives writing and reading', () => {
  fc.assert(
    fc.property(
      anyExchange,
      ({ packet, version, sender }: { packet: Packet; version: ProtocolVersion; sender: Sender }) => {
        assert.deepEqual(decode(encodePacket(packet, version), version, sender), plain(packet))
      },
    ),
    { numRuns: 3000 },
  )
})

test('no properties are written before 5.0, and in 5.0 none that the packet may not have', () => {
  const publish: Packet = {
    type: PacketType.PUBLISH,
    dup: false,
    qos: 0,
    retain: false,
    topicName: 'a',
    packetIdentifier: 0,
    properties: { contentType: 't', willDelayInterval: 5, reasonString: 'r' },
    payload: new Uint8Array(0),
  }
  assert.deepEqual(plain(encodePacket(publish, 4)), bytesOf('30 * "a"'))
  assert.deepEqual(plain(encodePacket(publish, 5)), bytesOf('30 * "a" {03 "t"}'))
})

test('what a version does not have is left out: codes of acknowledgements, UNSUBACK and DISCONNECT before 5.0', () => {
  const properties = { reasonString: 'r' }
  for (const version of [3, 4] as const) {
    const written = (packet: Packet): Uint8Array => plain(encodePacket(packet, version))
    const puback = { type: PacketType.PUBACK, packetIdentifier: 1, reasonCode: 0x87, properties }
    assert.deepEqual(written(puback), bytesOf('40 * 0001'))
    const unsuback = { type: PacketType.UNSUBACK, packetIdentifier: 1, reasonCodes: [0x11], properties }
    assert.deepEqual(written(unsuback), bytesOf('b0 * 0001'))
    assert.deepEqual(written({ type: PacketType.DISCONNECT, reasonCode: 4, properties }), bytesOf('e0 *'))
    assert.throws(() => written({ type: PacketType.AUTH, reasonCode: 0, properties }), UsageError)
  }
  const connack = { type: PacketType.CONNACK, sessionPresent: true, reasonCode: 0, properties }
  assert.deepEqual(plain(encodePacket(connack, 3)), bytesOf('20 * 00 00'))
})

test('the short forms are used wherever they say the same (§3.4.2.1, §3.14.2.1, §3.15.2.1)', () => {
  for (const properties of [noProperties, {}, { contentType: 'not of this packet' }]) {
    const written = (packet: Packet): Uint8Array => plain(encodePacket(packet, 5))
    const puback = { type: PacketType.PUBACK, packetIdentifier: 1, reasonCode: 0, properties }
    assert.deepEqual(written(puback), bytesOf('40 * 0001'))
    assert.deepEqual(written({ ...puback, reasonCode: 0x10 }), bytesOf('40 * 0001 10'))
    assert.deepEqual(written({ type: PacketType.DISCONNECT, reasonCode: 0, properties }), bytesOf('e0 *'))
    assert.deepEqual(written({ type: PacketType.AUTH, reasonCode: 0, properties }), bytesOf('f0 *'))
  }
})

const limited: Packet = {
  type: PacketType.CONNACK,
  sessionPresent: false,
  reasonCode: 0x87,
  properties: { reasonString: 'because', userProperties: [['name', 'value']], serverReference: 's' },
}

test('beyond the Maximum Packet Size first the Reason String goes, then the User Properties [5.0 MQTT-3.2.2-19] [5.0 MQTT-3.2.2-20]', () => {
  const whole = bytesOf('20 * 00 87 {1c "s" 1f "because" 26 "name" "value"}')
  const withoutReason = bytesOf('20 * 00 87 {1c "s" 26 "name" "value"}')
  const bare = bytesOf('20 * 00 87 {1c "s"}')
  for (let limit = 0; limit < 60; limit++) {
    const expected = [whole, withoutReason, bare].find((each) => each.length <= limit)
    assert.deepEqual(plain(encodeWithinLimit(limited, 5, limit)), expected)
  }
})

test('a PUBLISH that does not fit is not sent at all, and loses nothing [5.0 MQTT-3.1.2-24]', () => {
  const publish: Packet = {
    type: PacketType.PUBLISH,
    dup: false,
    qos: 0,
    retain: false,
    topicName: 'a',
    packetIdentifier: 0,
    properties: { userProperties: [['n', 'v']] },
    payload: new Uint8Array(10),
  }
  const size = encodePacket(publish, 5).length
  assert.equal(encodeWithinLimit(publish, 5, size)?.length, size)
  assert.equal(encodeWithinLimit(publish, 5, size - 1), undefined)
  assert.equal(encodeWithinLimit({ type: PacketType.PINGRESP }, 4, 1), undefined)
})

test('a Reason String or a User Property that no packet can hold is left out', () => {
  for (const tooMuch of ['r'.repeat(65_536), 'zero \0']) {
    const disconnect: Packet = {
      type: PacketType.DISCONNECT,
      reasonCode: 0x8b,
      properties: { reasonString: tooMuch, userProperties: [['n', tooMuch]] },
    }
    assert.deepEqual([...encodeWithinLimit(disconnect, 5, 1000)!], [0xe0, 1, 0x8b])
    const connack: Packet = {
      type: PacketType.CONNACK,
      sessionPresent: false,
      reasonCode: 0,
      properties: { assignedClientIdentifier: tooMuch },
    }
    assert.throws(() => encodeWithinLimit(connack, 5, 1000), UsageError)
  }
})

test('packets that grow far beyond the first memory come out whole', () => {
  const topicFilters = Array.from({ length: 5000 }, (_, index) => `level/${index}`)
  for (const version of allVersions) {
    const packet: Packet = { type: PacketType.UNSUBSCRIBE, packetIdentifier: 1, topicFilters, properties: {} }
    assert.deepEqual(decode(encodePacket(packet, version), version, 'client'), packet)
  }
})

test('fields that cannot be written are the caller’s error', () => {
  const connect = {
    type: PacketType.CONNECT,
    protocolVersion: 4,
    cleanStart: true,
    keepAlive: 0,
    properties: {},
  } as const
  assert.throws(() => encodePacket({ ...connect, clientId: 'x'.repeat(65_536) }, 4), UsageError)
  assert.throws(() => encodePacket({ ...connect, clientId: '', password: new Uint8Array(65_536) }, 4), UsageError)
  const writer = new Writer(10)
  writer.string('12345678')
  assert.throws(() => writer.byte(0), UsageError)
})
