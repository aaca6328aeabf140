/**
 * Every property in every place where properties stand: taken or refused, once and twice, within and beyond its limits.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Packet } from '../../../src/codec/packets.ts'
import type { Sender } from '../../../src/codec/packet-types.ts'
import { type PropertyHolder, type PropertyRow, propertyTable } from '../../../src/codec/property-table.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { assertRefused, decode, refusalOf } from './packet-bytes.ts'
import { ByteReader } from '../../../src/base/byte-reader.ts'
import { ByteWriter } from '../../../src/base/byte-writer.ts'
import { readProperties, writeProperties } from '../../../src/codec/stored-properties.ts'

/** A packet whose properties are left open, and who sends it. */
const carriers: Readonly<Record<PropertyHolder, readonly [sender: Sender, notation: string]>> = {
  CONNECT: ['client', '10 * "MQTT" 05 02 0000 {P} "id"'],
  WILL: ['client', '10 * "MQTT" 05 06 0000 00 "id" {P} "w" 0000'],
  CONNACK: ['server', '20 * 00 00 {P}'],
  PUBLISH: ['server', '30 * "a" {P}'],
  PUBACK: ['server', '40 * 0001 00 {P}'],
  PUBREC: ['client', '50 * 0001 00 {P}'],
  PUBREL: ['server', '62 * 0001 00 {P}'],
  PUBCOMP: ['client', '70 * 0001 00 {P}'],
  SUBSCRIBE: ['client', '82 * 0001 {P} "a" 00'],
  SUBACK: ['server', '90 * 0001 {P} 00'],
  UNSUBSCRIBE: ['client', 'a2 * 0001 {P} "a"'],
  UNSUBACK: ['server', 'b0 * 0001 {P} 00'],
  DISCONNECT: ['client', 'e0 * 00 {P}'],
  AUTH: ['client', 'f0 * 18 {P}'],
}
const holders = Object.keys(carriers) as PropertyHolder[]

/** A valid value of each property, as bytes and as decoded. */
const values: Record<PropertyRow['type'], readonly [notation: string, value: unknown]> = {
  Byte: ['01', 1],
  'Two Byte Integer': ['0102', 0x0102],
  'Four Byte Integer': ['fffefdfc', 0xfffefdfc],
  'Variable Byte Integer': ['ac02', 300],
  'UTF-8 Encoded String': ['"x"', 'x'],
  'Binary Data': ['0002 0001', Uint8Array.of(0, 1)],
  'UTF-8 String Pair': ['"n" "v"', ['n', 'v']],
}

function propertyNotation(row: PropertyRow, value = values[row.type][0]): string {
  return `${row.id.toString(16).padStart(2, '0')} ${value}`
}

/** The packet of this holder with these properties, and with those that must be there beside them. */
function packetWith(holder: PropertyHolder, properties: string): string {
  const [, notation] = carriers[holder]
  const isMethod = properties.startsWith('15')
  const needsMethod = holder === 'AUTH' || (holder === 'CONNECT' && properties.startsWith('16'))
  return notation.replace('P', needsMethod && !isMethod ? `15 "m" ${properties}` : properties)
}

function propertiesOf(packet: Packet, holder: PropertyHolder): Properties {
  if (holder === 'WILL') return (packet.type === 1 && packet.will?.properties) as Properties
  return 'properties' in packet ? packet.properties : {}
}

for (const row of propertyTable) {
  test(`${row.name}: read where it may stand, malformed elsewhere, a Protocol Error if it stands twice [5.0 U-2.2.2.2-1]`, () => {
    for (const holder of holders) {
      const [sender] = carriers[holder]
      const once = packetWith(holder, propertyNotation(row))
      const twice = packetWith(holder, `${propertyNotation(row)} ${propertyNotation(row)}`)
      if (!row.holders.includes(holder)) {
        assertRefused(once, 5, sender, 0x81)
        continue
      }
      const value = values[row.type][1]
      const isRepeatable = row.repeatableIn.length > 0
      assert.deepEqual(propertiesOf(decode(once, 5, sender), holder)[row.key], isRepeatable ? [value] : value)
      if (row.repeatableIn.includes(holder)) {
        assert.deepEqual(propertiesOf(decode(twice, 5, sender), holder)[row.key], [value, value])
      } else assertRefused(twice, 5, sender, 0x82)
    }
  })
}

test('an identifier that the standard does not list is malformed everywhere, also one of two bytes', () => {
  const known = new Set(propertyTable.map(({ id }) => id))
  for (const holder of holders) {
    const [sender] = carriers[holder]
    for (let id = 0; id <= 0x7f; id++) {
      if (known.has(id)) continue
      assertRefused(packetWith(holder, `${id.toString(16).padStart(2, '0')} 00`), 5, sender, 0x81)
    }
    assertRefused(packetWith(holder, '8001 00'), 5, sender, 0x81)
    assertRefused(packetWith(holder, 'a600 "n" "v"'), 5, sender, 0x81) // 0x26 in two bytes
  }
})

test('what is said of a value beyond its limits names the largest of its type', () => {
  const faults = [
    ['CONNECT', '21 0000', 'Receive Maximum must be 1 to 65535, got 0'],
    ['PUBLISH', '23 0000', 'Topic Alias must be 1 to 65535, got 0'],
    ['SUBSCRIBE', '0b 00', 'Subscription Identifier must be 1 to 268435455, got 0'],
    ['CONNECT', '27 00000000', 'Maximum Packet Size must be 1 to 4294967295, got 0'],
  ] as const
  for (const [holder, notation, said] of faults) {
    const message = new RegExp(`${said}$`)
    assert.throws(() => decode(packetWith(holder, notation), 5, 'client'), { message })
  }
})

/** Values beyond their limits, and those at them. */
const limits: readonly (readonly [id: number, holder: PropertyHolder, value: string, code: number | undefined])[] = [
  ...[0x17, 0x19].flatMap((id) => flagLimits(id, 'CONNECT')),
  ...[0x24, 0x25, 0x28, 0x29, 0x2a].flatMap((id) => flagLimits(id, 'CONNACK')),
  ...flagLimits(0x01, 'PUBLISH'),
  ...flagLimits(0x01, 'WILL'),
  [0x21, 'CONNECT', '0000', 0x82],
  [0x21, 'CONNECT', 'ffff', undefined],
  [0x21, 'CONNACK', '0000', 0x82],
  [0x27, 'CONNECT', '00000000', 0x82],
  [0x27, 'CONNECT', 'ffffffff', undefined],
  [0x22, 'CONNECT', '0000', undefined],
  [0x23, 'PUBLISH', '0000', 0x94],
  [0x23, 'PUBLISH', 'ffff', undefined],
  [0x0b, 'SUBSCRIBE', '00', 0x82],
  [0x0b, 'SUBSCRIBE', 'ffffff7f', undefined],
  [0x0b, 'SUBSCRIBE', 'ffffffff01', 0x81],
  [0x0b, 'SUBSCRIBE', '8100', 0x81],
  [0x0b, 'PUBLISH', '00', 0x82],
  [0x08, 'PUBLISH', '"a/+"', 0x82],
  [0x08, 'PUBLISH', '"#"', 0x82],
  [0x08, 'WILL', '"#"', 0x82],
]

function flagLimits(
  id: number,
  holder: PropertyHolder,
): (readonly [number, PropertyHolder, string, number | undefined])[] {
  return [
    [id, holder, '00', undefined],
    [id, holder, '01', undefined],
    [id, holder, '02', 0x82],
    [id, holder, 'ff', 0x82],
  ]
}

test('values beyond their limits are refused with the code of their rule [5.0 MQTT-3.3.2-8] [5.0 MQTT-3.3.2-14]', () => {
  for (const [id, holder, value, code] of limits) {
    const row = propertyTable.find((each) => each.id === id)!
    const notation = packetWith(holder, propertyNotation(row, value))
    assert.equal(
      refusalOf(() => decode(notation, 5, carriers[holder][0])),
      code,
      notation,
    )
  }
})

test('a Client’s PUBLISH carries no Subscription Identifier [5.0 MQTT-3.3.4-6]', () => {
  assertRefused('30 * "a" {0b 01}', 5, 'client', 0x82)
})

test('a Server’s DISCONNECT carries no Session Expiry Interval [5.0 MQTT-3.14.2-2]', () => {
  assertRefused('e0 * 00 {11 00000001}', 5, 'server', 0x82)
})

test('Property Length: beyond the packet, short of a property, missing or in a needless form is malformed [5.0 MQTT-2.2.2-1]', () => {
  const bad = [
    '30 * "a" 02 01',
    '30 * "a" 01 01',
    '30 * "a" 03 03 0001 61',
    '30 * "a"',
    '30 * "a" 8000',
    '30 * "a" ffffffff',
  ]
  for (const notation of bad) assertRefused(notation, 5, 'client', 0x81)
})

test('User Properties keep their order and their repeated names [5.0 MQTT-3.3.2-18]', () => {
  const packet = decode('30 * "a" {26 "b" "1" 03 "t" 26 "a" "2" 26 "b" "1"}', 5, 'client')
  assert.deepEqual(propertiesOf(packet, 'PUBLISH').userProperties, [
    ['b', '1'],
    ['a', '2'],
    ['b', '1'],
  ])
})

test('stored properties: a property that this version does not know is named to whoever reads', () => {
  const reader = new ByteReader((what) => new RangeError(what))
  const properties = { contentType: 'text/plain', userProperties: [['a', 'ü']], messageExpiryInterval: 0 } as const
  const writer = new ByteWriter(1)
  writeProperties(writer, properties)
  assert.deepEqual(readProperties(reader.reset(writer.written)), properties)
  assert.throws(() => readProperties(reader.reset(Uint8Array.of(0x7f, 0))), /RangeError: the unknown property 127/)
})
