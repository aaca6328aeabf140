import assert from 'node:assert/strict'
import { test } from 'node:test'
import { copyBytes, equalBytes, hashBytes } from '../../../src/base/bytes.ts'
import { ByteReader } from '../../../src/base/byte-reader.ts'
import { ByteWriter } from '../../../src/base/byte-writer.ts'
import { fnv1a } from '../../../src/base/fnv.ts'
import fc from '../../support/property.ts'

test('copyBytes copies short and long ranges alike, and nothing around them', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 120 }), fc.nat(120), fc.nat(120), fc.nat(5), (source, from, to, at) => {
      const start = Math.min(from, to, source.length)
      const end = Math.min(Math.max(from, to), source.length)
      // A source that begins inside its buffer, as the chunks of a socket do.
      const moved = Buffer.concat([Buffer.from([1, 2, 3]), source]).subarray(3)
      const target = new Uint8Array(130).fill(0xee)
      assert.equal(copyBytes(target, at, moved, start, end), at + end - start)
      const expected = new Uint8Array(130).fill(0xee)
      expected.set(source.subarray(start, end), at)
      assert.deepEqual(target, expected)
    }),
  )
})

test('equalBytes compares a range with a whole array', () => {
  const bytes = Uint8Array.of(9, 1, 2, 3, 9)
  assert.ok(equalBytes(bytes, 1, 4, Uint8Array.of(1, 2, 3)))
  assert.ok(!equalBytes(bytes, 1, 4, Uint8Array.of(1, 2)))
  assert.ok(!equalBytes(bytes, 1, 4, Uint8Array.of(1, 2, 4)))
  assert.ok(!equalBytes(bytes, 1, 3, Uint8Array.of(1, 2, 3)))
  assert.ok(equalBytes(bytes, 2, 2, new Uint8Array(0)))
})

test('hashBytes depends on the bytes alone, not on where they stand', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 40 }), fc.nat(9), fc.integer(), (bytes, before, seed) => {
      const moved = new Uint8Array(before + bytes.length + 3).fill(0xaa)
      moved.set(bytes, before)
      const hash = hashBytes(bytes, 0, bytes.length, seed)
      assert.equal(hashBytes(moved, before, before + bytes.length, seed), hash)
      assert.equal(hash, hash | 0)
    }),
  )
})

test('hashBytes spreads similar topics evenly, also over the lowest bits', () => {
  for (const seed of [0, 1, 0x7fffffff]) {
    const buckets = new Array<number>(256).fill(0)
    const hashes = new Set<number>()
    for (let index = 0; index < 25_600; index++) {
      const bytes = Buffer.from(`fleet/device-${index}/state`)
      const hash = hashBytes(bytes, 0, bytes.length, seed)
      hashes.add(hash)
      buckets[hash & 255]!++
    }
    assert.ok(hashes.size > 25_500, `${hashes.size} different hashes`)
    assert.ok(
      Math.max(...buckets) < 160 && Math.min(...buckets) > 50,
      `${Math.min(...buckets)}..${Math.max(...buckets)}`,
    )
  }
})

test('another seed gives other hashes', () => {
  const bytes = Buffer.from('a/b')
  assert.notEqual(hashBytes(bytes, 0, 3, 1), hashBytes(bytes, 0, 3, 2))
})

test('fnv1a gives the published hashes, of a part of a text as of the whole', () => {
  const known = { '': 0x811c9dc5, a: 0xe40c292c, b: 0xe70c2de5, foobar: 0xbf9cf968 }
  for (const [text, hash] of Object.entries(known)) {
    assert.equal(fnv1a(text, 0, text.length) >>> 0, hash)
    assert.equal(fnv1a(`/${text}/`, 1, 1 + text.length) >>> 0, hash)
  }
})

test('bytes that end too early throw the error of whoever reads them', () => {
  class Garbled extends Error {}
  const writer = new ByteWriter(1)
  writer.string('größe')
  writer.integer(300)
  writer.uint32(7)
  const reader = new ByteReader((what) => new Garbled(what))
  for (let length = 0; length < writer.length; length++) {
    reader.reset(writer.written.subarray(0, length))
    assert.throws(() => [reader.string(), reader.integer(), reader.uint32()], Garbled)
  }
  reader.reset(writer.written)
  assert.deepEqual([reader.string(), reader.integer(), reader.uint32(), reader.atEnd], ['größe', 300, 7, true])
})
