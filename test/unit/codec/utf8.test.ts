import assert from 'node:assert/strict'
import { test } from 'node:test'
import { UsageError } from '../../../src/base/errors.ts'
import { isMqttString, readUtf8, sizeOfString, workOfStrings, writeString } from '../../../src/codec/utf8.ts'
import { bytesOf } from './packet-bytes.ts'
import fc from '../../support/property.ts'

/** Read from the middle of other bytes, as a plain array and as a Buffer. */
function read(bytes: Uint8Array): string | undefined {
  const around = Uint8Array.from([0x00, 0xff, ...bytes, 0xff, 0x00])
  const text = readUtf8(around, 2, 2 + bytes.length)
  assert.equal(readUtf8(Buffer.from(around), 2, 2 + bytes.length), text)
  assert.equal(isMqttString(around, 2, 2 + bytes.length), text !== undefined)
  return text
}

/** The runtime is asked about it. */
const LONG = Buffer.alloc(600, 'x')

test('well-formed UTF-8 is read: ASCII, two, three and four bytes, and nothing', () => {
  for (const text of [
    '',
    'a',
    'sport/tennis',
    'grüße',
    '温度',
    '🌡',
    'a🌡b',
    'x'.repeat(1000) + 'ü',
    'y'.repeat(65_535),
  ]) {
    assert.equal(read(Buffer.from(text)), text)
  }
})

test('ill-formed UTF-8 and surrogates are refused [5.0 MQTT-1.5.4-1] [3.1.1 MQTT-1.5.3-1]', () => {
  const bad = {
    'U+D800': 'eda080',
    'U+DFFF': 'edbfbf',
    'a surrogate pair as two characters': 'eda0bdedb8a0',
    'a lone continuation byte': '80',
    'a missing continuation byte': '61c3',
    'an overlong slash': 'c0af',
    'an overlong U+0000': 'c080',
    'an overlong three-byte form': 'e08080',
    'beyond U+10FFFF': 'f4908080',
    'a byte that UTF-8 does not have': 'ff',
  }
  for (const [what, digits] of Object.entries(bad)) {
    assert.equal(read(bytesOf(digits)), undefined, what)
    assert.equal(read(Buffer.concat([LONG, bytesOf(digits), LONG])), undefined, `${what}, in a long string`)
  }
})

test('U+0000 is refused wherever it stands [5.0 MQTT-1.5.4-2] [3.1.1 MQTT-1.5.3-2]', () => {
  for (const digits of ['00', '610062', '6100', 'c3bc00', '00c3bc']) {
    assert.equal(read(bytesOf(digits)), undefined)
    assert.equal(read(Buffer.concat([LONG, bytesOf(digits)])), undefined)
  }
})

test('U+FEFF is kept wherever it stands [5.0 MQTT-1.5.4-3] [3.1.1 MQTT-1.5.3-3]', () => {
  assert.equal(read(bytesOf('efbbbf')), '\ufeff')
  assert.equal(read(bytesOf('efbbbf61efbbbf')), '\ufeffa\ufeff')
})

test('control characters and non-characters pass [5.0 U-1.5.4-1]', () => {
  for (const text of ['\u0001', '\u001f', '\u007f', '\u009f', '\ufffe', '\uffff', '\u{1fffe}']) {
    assert.equal(read(Buffer.from(text)), text)
  }
})

test('any text without U+0000 survives writing and reading', () => {
  const texts = fc.string({ unit: 'binary' }).filter((text) => !text.includes('\0'))
  fc.assert(
    fc.property(texts, (text) => {
      const target = new Uint8Array(3 + sizeOfString(text))
      const end = writeString(target, 3, text)
      assert.equal(end, target.length)
      assert.equal((target[3]! << 8) | target[4]!, end - 5)
      assert.equal(readUtf8(target, 5, end), text)
    }),
  )
})

test('what a string cannot carry is the caller’s error', () => {
  assert.equal(sizeOfString('x'.repeat(65_535)), 65_537)
  assert.throws(() => sizeOfString('x'.repeat(65_536)), UsageError)
  assert.throws(() => sizeOfString('ü'.repeat(32_768)), UsageError)
  assert.throws(() => sizeOfString('a\0'), UsageError)
})

test('short and long bytes are judged as the platform judges them, whatever they are [5.0 MQTT-1.5.4-1]', () => {
  const edges = [
    0x00, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xed, 0xef, 0xf0, 0xf4, 0xf5,
  ]
  const noise = fc.array(fc.oneof(fc.constantFrom(...edges), fc.nat(255)), { maxLength: 6 })
  const pieces = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 4 }).map((text) => [...Buffer.from(text)]),
    { weight: 1, arbitrary: noise },
  )
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const isText = (bytes: Uint8Array): boolean => {
    try {
      return !decoder.decode(bytes).includes('\0')
    } catch {
      return false
    }
  }
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 4 }), fc.constantFrom(0, 600), (parts, filling) => {
      const bytes = Buffer.concat([Buffer.alloc(filling, 'x'), ...parts.map((part) => Buffer.from(part))])
      assert.equal(isMqttString(bytes, 0, bytes.length), isText(bytes), bytes.subarray(filling).toString('hex'))
    }),
    { numRuns: 5000 },
  )
})

test('many short strings cost as much as their bytes, and long ones little more than a copy', () => {
  assert.equal(workOfStrings(6400, 1000), 100 + 25)
  assert.equal(workOfStrings(16_000_000, 250), 62_500 + 2000)
})
