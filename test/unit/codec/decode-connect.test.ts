import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { ConnectError, UnsupportedVersionError } from '../../../src/codec/protocol-error.ts'
import { assertRefused, decode, frame, stringBytes } from './packet-bytes.ts'

/** The error that a CONNECT ends in. */
function errorOf(notation: string | Uint8Array): ConnectError {
  try {
    decode(notation, 4, 'client')
  } catch (error) {
    assert.ok(error instanceof ConnectError)
    return error
  }
  return assert.fail('the CONNECT was accepted')
}

const unserved: readonly (readonly [name: string, version: number, answeredIn: ProtocolVersion | undefined])[] = [
  ['MQTT', 3, 4],
  ['MQTT', 6, 5],
  ['MQTT', 0, 4],
  ['MQTT', 0x80, 5],
  ['MQTT', 0x83, 5],
  ['MQTT', 0x85, 5],
  ['MQTT', 0xff, 5],
  ['MQIsdp', 0x84, 4],
  ['MQIsdp', 4, 4],
  ['MQIsdp', 5, 4],
  ['MQIsdp', 6, 4],
  ['mqtt', 4, undefined],
  ['MQTT ', 5, undefined],
  ['', 4, undefined],
]

test('a name or version that is not served is 0x84, and the error says how to answer [5.0 MQTT-3.1.2-1] [5.0 MQTT-3.1.2-2] [3.1.1 MQTT-3.1.2-2]', () => {
  for (const [name, version, answeredIn] of unserved) {
    const error = errorOf(frame(0x10, [...stringBytes(name), version, 2, 0, 0, 0]))
    assert.ok(error instanceof UnsupportedVersionError)
    assert.equal(error.reasonCode, 0x84)
    assert.deepEqual([error.protocolName, error.requestedVersion], [name, version])
    assert.equal(error.protocolVersion, answeredIn, `${name} ${version}`)
  }
})

test('a bridge is a client of 3.1 or 3.1.1 that sets bit 7 of its version', () => {
  for (const [name, level, version] of [
    ['MQIsdp', 0x83, 3],
    ['MQTT', 0x84, 4],
  ] as const) {
    const bytes = frame(0x10, [...stringBytes(name), level, 2, 0, 0, ...stringBytes('b')])
    const packet = decode(bytes, version, 'client')
    assert.equal(packet.type, PacketType.CONNECT)
    assert.deepEqual([packet.protocolVersion, packet.bridge, packet.clientId], [version, true, 'b'])
    assert.deepEqual(Buffer.from(encodePacket(packet, version)), Buffer.from(bytes))
    const plain = decode(frame(0x10, [...stringBytes(name), version, 2, 0, 0, ...stringBytes('b')]), version, 'client')
    assert.equal('bridge' in plain, false)
  }
  assert.equal(errorOf('10 * "MQTT" 84 01 0000 ""').protocolVersion, 4, 'later faults are answered in its version')
})

test('the version that was read goes with every later error', () => {
  assert.equal(errorOf('10 * "MQTT" 05 01 0000 00 ""').protocolVersion, 5)
  assert.equal(errorOf('10 * "MQTT" 04 01 0000 ""').protocolVersion, 4)
  assert.equal(errorOf('10 * "MQIsdp" 03 01 0000 ""').protocolVersion, 3)
  assert.equal(errorOf('10 * "MQTT"').protocolVersion, undefined)
  assert.equal(errorOf('10 *').protocolVersion, undefined)
  assert.equal(errorOf('11 * "MQTT" 05 02 0000 00 ""').protocolVersion, 5)
})

/** Connect Flags, and what follows Keep Alive and properties, with the fields in full. */
function connect(version: ProtocolVersion, flags: number, payload: string): string {
  const name = version === 3 ? '"MQIsdp"' : '"MQTT"'
  const digits = flags.toString(16).padStart(2, '0')
  return `10 * ${name} 0${version} ${digits} 0000 ${version === 5 ? '00' : ''} ${payload}`
}

test('Connect Flags: every byte is taken or refused as its bits say [5.0 MQTT-3.1.2-3] [5.0 MQTT-3.1.2-11] [5.0 MQTT-3.1.2-12]', () => {
  for (const version of [3, 4, 5] as const) {
    for (let flags = 0; flags <= 0xff; flags++) {
      const hasWill = (flags & 4) !== 0
      const willQoS = (flags >> 3) & 3
      const badWill = willQoS === 3 || (!hasWill && (willQoS !== 0 || (flags & 0x20) !== 0))
      const badPassword = version < 5 && (flags & 0xc0) === 0x40
      const willFields = `${version === 5 ? '00' : ''} "w" 0000`
      const payload = `"id" ${hasWill ? willFields : ''} ${flags & 0x80 ? '"user"' : ''} ${flags & 0x40 ? '0001 00' : ''}`
      const notation = connect(version, flags, payload)
      if ((flags & 1) !== 0 || badWill || badPassword) assertRefused(notation, version, 'client', 0x81)
      else assert.equal(decode(notation, version, 'client').type, 1, notation)
    }
  }
})

test('a password without a user name: refused before 5.0, taken since [3.1.1 MQTT-3.1.2-22] [5.0 MQTT-3.1.2-19]', () => {
  assertRefused(connect(4, 0x42, '"id" 0001 00'), 4, 'client', 0x81)
  const packet = decode(connect(5, 0x42, '"id" 0001 00'), 5, 'client')
  assert.ok(packet.type === 1 && packet.userName === undefined && packet.password?.length === 1)
})

test('a field that its flag does not announce is left over [5.0 MQTT-3.1.2-16] [5.0 MQTT-3.1.2-18] [3.1.1 MQTT-3.1.2-18]', () => {
  for (const version of [3, 4, 5] as const) assertRefused(connect(version, 2, '"id" "user"'), version, 'client', 0x81)
})

test('a field that its flag announces must be there [5.0 MQTT-3.1.2-17] [3.1.1 MQTT-3.1.2-19] [3.1.1 MQTT-3.1.2-21]', () => {
  for (const version of [4, 5] as const) {
    assertRefused(connect(version, 0x82, '"id"'), version, 'client', 0x81)
    assertRefused(connect(version, 0xc2, '"id" "user"'), version, 'client', 0x81)
    assertRefused(connect(version, 0x06, '"id"'), version, 'client', 0x81)
    assertRefused(connect(version, 0x02, ''), version, 'client', 0x81)
  }
})

test('in 3.1 user name and password may be missing although announced (3.1 §3.1)', () => {
  const packet = decode(connect(3, 0xc2, '"id"'), 3, 'client')
  assert.ok(packet.type === 1 && packet.userName === undefined && packet.password === undefined)
})

test('a Will Topic is a Topic Name: not empty, no wildcard [5.0 MQTT-4.7.0-1] [5.0 MQTT-4.7.3-1]', () => {
  for (const topic of ['', '#', 'a/+']) {
    assertRefused(connect(4, 0x06, `"id" "${topic}" 0000`), 4, 'client', 0x82)
    assertRefused(connect(5, 0x06, `"id" 00 "${topic}" 0000`), 5, 'client', 0x82)
  }
})

test('Authentication Data needs a method (§3.1.2.11.10)', () => {
  assertRefused('10 * "MQTT" 05 02 0000 {16 0001 00} "id"', 5, 'client', 0x82)
})

test('a needless byte in the Remaining Length of a CONNECT is malformed in 5.0 only [5.0 MQTT-1.5.5-1]', () => {
  const needless = (packet: string): string => packet.replace('*', '')
  const body5 = '0004 4d515454 05 02 0000 00 0001 61'
  const body4 = '0004 4d515454 04 02 0000 0001 61'
  assert.equal(errorOf(Buffer.from(needless(`10 8e00 ${body5}`).replaceAll(' ', ''), 'hex')).reasonCode, 0x81)
  const packet = decode(Buffer.from(needless(`10 8d00 ${body4}`).replaceAll(' ', ''), 'hex'), 4, 'client')
  assert.equal(packet.type, 1)
})
