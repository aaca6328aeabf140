import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  MALFORMED,
  maxVariableByteInteger,
  NEED_MORE,
  readVariableByteInteger,
  sizeOfVariableByteInteger,
  writeVariableByteInteger,
} from '../../../src/codec/variable-byte-integer.ts'
import { bytesOf } from './packet-bytes.ts'
import fc from '../../support/property.ts'

const edges: readonly (readonly [number, string])[] = [
  [0, '00'],
  [127, '7f'],
  [128, '8001'],
  [16_383, 'ff7f'],
  [16_384, '808001'],
  [2_097_151, 'ffff7f'],
  [2_097_152, '80808001'],
  [268_435_455, 'ffffff7f'],
]

test('the edges of each length are read and written as the standard prints them (table 1-1)', () => {
  for (const [value, digits] of edges) {
    const bytes = bytesOf(digits)
    const written = new Uint8Array(4)
    assert.equal(readVariableByteInteger(bytes, 0, bytes.length, true), value)
    assert.equal(sizeOfVariableByteInteger(value), bytes.length)
    assert.equal(writeVariableByteInteger(written, 0, value), bytes.length)
    assert.deepEqual(written.subarray(0, bytes.length), bytes)
  }
})

test('every value survives writing and reading, in the middle of other bytes', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: maxVariableByteInteger }), (value) => {
      const bytes = new Uint8Array(12).fill(0xff)
      const end = writeVariableByteInteger(bytes, 3, value)
      assert.equal(readVariableByteInteger(bytes, 3, end, true), value)
      assert.equal(end - 3, sizeOfVariableByteInteger(value))
      for (let cut = 3; cut < end; cut++) assert.equal(readVariableByteInteger(bytes, 3, cut, true), NEED_MORE)
    }),
  )
})

test('a fifth byte is malformed, even before it is there [5.0 MQTT-1.5.5-1]', () => {
  for (const digits of ['80808080', 'ffffffff', '8080808001']) {
    const bytes = bytesOf(digits)
    assert.equal(readVariableByteInteger(bytes, 0, bytes.length, true), MALFORMED)
    assert.equal(readVariableByteInteger(bytes, 0, bytes.length, false), MALFORMED)
  }
})

test('a needless last byte is malformed in 5.0 and harmless before [5.0 MQTT-1.5.5-1]', () => {
  for (const [digits, value] of [
    ['8000', 0],
    ['ff00', 127],
    ['808000', 0],
    ['81808000', 1],
  ] as const) {
    const bytes = bytesOf(digits)
    assert.equal(readVariableByteInteger(bytes, 0, bytes.length, true), MALFORMED)
    assert.equal(readVariableByteInteger(bytes, 0, bytes.length, false), value)
  }
})
