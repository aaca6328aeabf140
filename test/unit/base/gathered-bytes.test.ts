/** A body holds about as many bytes as have arrived, however they arrive. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { GatheredBytes } from '../../../src/base/gathered-bytes.ts'

test('pieces of one byte cost no more than one piece with all bytes', () => {
  const body = new GatheredBytes(1_000_000)
  for (let at = 0; at < 100_000; at++) assert.equal(body.add(Uint8Array.of(at)), true)
  assert.deepEqual(
    body.bytes,
    Uint8Array.from({ length: 100_000 }, (_, at) => at),
  )
  assert.ok(body.heldBytes <= 200_000, String(body.heldBytes))
})

test('a body may be as long as the limit, and no longer', () => {
  const body = new GatheredBytes(5000)
  assert.equal(body.bytes.length, 0)
  assert.equal(body.add(new Uint8Array(4000)), true)
  assert.equal(body.add(new Uint8Array(1001)), false)
  assert.equal(body.add(new Uint8Array(1000)), true)
  assert.deepEqual([body.bytes.length, body.heldBytes], [5000, 5000])
})
