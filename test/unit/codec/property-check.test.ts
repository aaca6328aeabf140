/** Properties are checked where they lie: with the same verdict as reading them all, and without making anything. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Sender } from '../../../src/codec/packet-types.ts'
import { checkProperties, FoundProperties } from '../../../src/codec/property-check.ts'
import { decodeProperties } from '../../../src/codec/property-reader.ts'
import { type PropertyHolder, type PropertyRow, propertyTable } from '../../../src/codec/property-table.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { LimitExceededError, ProtocolError } from '../../../src/codec/protocol-error.ts'
import { assertBelow, madeBytes } from '../../support/measurement.ts'
import { assertRefused, bytesOf, decode } from './packet-bytes.ts'
import { judge, type Verdict } from './reference-properties.ts'
import fc from '../../support/property.ts'

const HOLDERS: readonly PropertyHolder[] = [
  ...(['CONNECT', 'CONNACK', 'PUBLISH', 'WILL', 'PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const),
  ...(['SUBSCRIBE', 'SUBACK', 'UNSUBSCRIBE', 'UNSUBACK', 'DISCONNECT', 'AUTH'] as const),
]

function verdictOf(bytes: Uint8Array, holder: PropertyHolder, sender: Sender): Verdict {
  const found = new FoundProperties()
  try {
    checkProperties(bytes, 0, bytes.length, holder, sender, found)
  } catch (error) {
    if (error instanceof ProtocolError) return { code: error.reasonCode }
    throw error
  }
  const properties = decodeProperties(bytes, 0, bytes.length)
  assert.deepEqual(keysOf(found), Object.keys(properties).toSorted())
  assert.equal(found.userProperties, properties.userProperties?.length ?? 0)
  return { values: valuesOf(properties) }
}

function keysOf(found: FoundProperties): string[] {
  return propertyTable.flatMap(({ key }) => (found.has(key) ? [key] : [])).toSorted()
}

function valuesOf(properties: Properties): (readonly [number, unknown])[] {
  return propertyTable.flatMap(({ id, key, repeatableIn }) => {
    const value = properties[key]
    if (value === undefined) return []
    const all = repeatableIn.length > 0 ? (value as readonly unknown[]) : [value]
    return all.map((each) => [id, each instanceof Uint8Array ? Buffer.from(each) : each] as const)
  })
}

function sorted(verdict: Verdict): Verdict {
  if ('code' in verdict) return verdict
  return { values: verdict.values.toSorted(([one], [other]) => one - other) }
}

const block = fc
  .oneof(
    fc.string({ unit: 'binary', maxLength: 8 }).map((text) => Buffer.from(text)),
    fc.uint8Array({ maxLength: 8 }),
  )
  .map((bytes) => Buffer.from([0, bytes.length, ...bytes]))
const integer = (bytes: number): fc.Arbitrary<Buffer> =>
  fc.oneof(fc.constantFrom(0, 1, 2), fc.nat(255)).map((value) => {
    const buffer = Buffer.alloc(bytes)
    buffer.writeUIntBE(value, 0, bytes)
    return buffer
  })
const values: Readonly<Record<PropertyRow['type'], fc.Arbitrary<Buffer>>> = {
  Byte: fc.oneof(fc.constantFrom(Buffer.from([0]), Buffer.from([1])), integer(1)),
  'Two Byte Integer': integer(2),
  'Four Byte Integer': integer(4),
  'Variable Byte Integer': fc.constantFrom(
    ...['00', '01', '7f', '8001', '8000', 'ffffff7f', 'ffffffff01', '80'].map(hex),
  ),
  'UTF-8 Encoded String': block,
  'Binary Data': block,
  'UTF-8 String Pair': fc.tuple(block, block).map((pair) => Buffer.concat(pair)),
}
function hex(digits: string): Buffer {
  return Buffer.from(digits, 'hex')
}

/** Mostly what that holder may have, now and then what it may not, or noise. */
const lists = fc.constantFrom(...HOLDERS).chain((holder) => {
  const inPlace = propertyTable.filter(({ holders }) => holders.includes(holder))
  const property = (rows: readonly PropertyRow[]): fc.Arbitrary<Buffer> =>
    fc
      .constantFrom(...rows)
      .chain(({ id, type }) => values[type].map((value) => Buffer.concat([Buffer.from([id]), value])))
  const one = fc.oneof(
    { weight: 30, arbitrary: property(inPlace) },
    { weight: 2, arbitrary: property(propertyTable) },
    { weight: 1, arbitrary: fc.uint8Array({ maxLength: 3 }).map((bytes) => Buffer.from(bytes)) },
  )
  const cut = fc.oneof({ weight: 8, arbitrary: fc.constant(0) }, { weight: 1, arbitrary: fc.nat(5) })
  return fc.record({ holder: fc.constant(holder), parts: fc.array(one, { maxLength: 6 }), cut })
})

test('a list is judged in place as by reading all of it: the same code, or the same values [5.0 U-2.2.2.2-1]', () => {
  let taken = 0
  const codes = new Set<number>()
  fc.assert(
    fc.property(lists, fc.constantFrom<Sender>('client', 'server'), ({ holder, parts, cut }, sender) => {
      const whole = Buffer.concat(parts)
      const bytes = whole.subarray(0, Math.max(0, whole.length - cut))
      const expected = sorted(judge(bytes, holder, sender))
      assert.deepEqual(verdictOf(bytes, holder, sender), expected, `${holder} ${bytes.toString('hex')}`)
      if ('code' in expected) codes.add(expected.code)
      else taken++
    }),
    { numRuns: 5000 },
  )
  // The generator is of use only if it makes all of them.
  assert.ok(taken > 500, `only ${taken} lists were taken`)
  assert.deepEqual(codes, new Set([0x81, 0x82, 0x94]))
})

test('a Response Topic is a Topic Name: a character at least, and no wildcard [5.0 MQTT-4.7.3-1] [5.0 MQTT-3.3.2-14]', () => {
  const carriers = ['30 * "a" {P}', '10 * "MQTT" 05 06 0000 00 "id" {P} "w" 0000']
  for (const carrier of carriers) {
    for (const topic of ['""', '"+"', '"a/#"']) assertRefused(carrier.replace('P', `08 ${topic}`), 5, 'client', 0x82)
    for (const topic of ['"/"', '"a"', '" "']) decode(carrier.replace('P', `08 ${topic}`), 5, 'client')
  }
})

test('text that may be empty stays so: nothing says that these have a character', () => {
  const notations = [
    '30 * "a" {03 "" 26 "" ""}',
    '10 * "MQTT" 05 02 0000 {15 "" 26 "" ""} "id"',
    'e0 * 00 {1f "" 26 "" ""}',
    'f0 * 18 {15 "" 1f ""}',
  ]
  for (const notation of notations) decode(notation, 5, 'client')
})

/**
 * Bytes for each property that a check may leave behind: less than the smallest object that could stand for one. The
 * engine's own code leaves a number here and there, more while it counts for coverage.
 */
const MADE_PER_PROPERTY = 20

/** Shapes that cost the most for their bytes, as an object of strings. */
const EMPTY_PAIR = '2600000000'
const shapes: Readonly<Record<string, string>> = {
  '26,000 empty User Properties': EMPTY_PAIR.repeat(26_000),
  'names of one character, as ASCII': '260001610000'.repeat(20_000),
  'names of one character, of two bytes': '260002c3a40000'.repeat(20_000),
  'names of one character, of four bytes': '260004f09f92a10000'.repeat(20_000),
  'a faulty one at the end': `${EMPTY_PAIR.repeat(26_000)}26000100`,
}

for (const [name, digits] of Object.entries(shapes)) {
  test(`checking makes nothing: ${name}`, async () => {
    const bytes = hex(digits)
    const found = new FoundProperties()
    const check = (): void => {
      try {
        checkProperties(bytes, 0, bytes.length, 'CONNECT', 'client', found)
      } catch (error) {
        assert.ok(error instanceof ProtocolError)
      }
    }
    for (let count = 0; count < 3; count++) check()
    const properties = digits.startsWith(EMPTY_PAIR) ? 26_000 : 20_000
    await assertBelow(MADE_PER_PROPERTY, 'bytes of objects for each property', () => madeBytes(check) / properties)
  })
}

test('the measure above sees what an object of the list takes', () => {
  const bytes = hex(shapes['26,000 empty User Properties']!)
  assert.ok(madeBytes(() => decodeProperties(bytes, 0, bytes.length)) / 26_000 > 2 * MADE_PER_PROPERTY)
})

test('one User Property more than the limit is refused at that one, whatever follows it', () => {
  const found = new FoundProperties()
  const bytes = hex(`${EMPTY_PAIR.repeat(4)}ff`)
  const check = (end: number): void => checkProperties(bytes, 0, end, 'PUBLISH', 'client', found, 3)
  check(15)
  assert.equal(found.userProperties, 3)
  assert.throws(
    () => check(bytes.length),
    (error) => {
      assert.ok(error instanceof LimitExceededError)
      assert.equal(error.reasonCode, 0x97)
      assert.match(error.message, /^PUBLISH has more than 3 User Properties \(max-user-properties\)$/)
      return true
    },
  )
})

test('an empty list has no properties, and the object for it is shared', () => {
  assert.equal(decodeProperties(bytesOf('00'), 1, 1), noProperties)
})
