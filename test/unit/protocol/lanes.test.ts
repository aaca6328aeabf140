import assert from 'node:assert/strict'
import { test } from 'node:test'
import { HeldLane } from '../../../src/protocol/held-lane.ts'
import { BufferPool, LARGE_FRAME_BYTES, Output } from '../../../src/protocol/output.ts'
import { FakeTransport } from '../../support/fake-server.ts'
import fc from '../../support/property.ts'

test('a lane lets go in order, and nothing before the Change that it or an earlier packet waits for', () => {
  const step = fc.oneof(fc.record({ after: fc.nat(20) }), fc.record({ committed: fc.nat(25) }))
  fc.assert(
    fc.property(fc.array(step), (steps) => {
      const lane = new HeldLane()
      const waiting: { id: number; after: number }[] = []
      let id = 0
      for (const one of steps) {
        if ('after' in one) {
          waiting.push({ id: ++id, after: one.after })
          lane.hold(Uint8Array.of(id), one.after, id)
        } else {
          const passed: number[] = []
          lane.release(one.committed, (bytes, ends) => passed.push(bytes[0]! * 1000 + ends))
          const stuck = waiting.findIndex(({ after }) => after > one.committed)
          const expected = waiting.splice(0, stuck < 0 ? waiting.length : stuck)
          assert.deepEqual(
            passed,
            expected.map((each) => each.id * 1001),
          )
        }
        assert.equal(lane.length, waiting.length)
      }
      lane.clear()
      assert.equal(lane.length, 0)
    }),
  )
})

test('output leaves in order whatever its pieces are, whether the Transport takes it or holds it', () => {
  const sizes = fc.oneof(
    { weight: 4, arbitrary: fc.integer({ min: 1, max: 200 }) },
    fc.integer({ min: 200, max: 16_000 }),
    fc.integer({ min: LARGE_FRAME_BYTES - 2, max: 70_000 }),
  )
  const step = fc.oneof(
    { weight: 4, arbitrary: sizes.map((size) => ({ size })) },
    fc.constant('flush' as const),
    fc.boolean().map((frozen) => ({ frozen })),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const transport = new FakeTransport()
      const output = new Output(new BufferPool(2), transport)
      const expected: Buffer[] = []
      let mark = 0
      for (const one of steps) {
        if (one === 'flush') output.flush()
        else if ('frozen' in one) transport.isFrozen = one.frozen
        else {
          const piece = Buffer.alloc(one.size, ++mark & 0xff)
          expected.push(piece)
          output.append(piece, 0, piece.length)
        }
      }
      output.flush()
      const all = Buffer.concat(expected)
      assert.ok(transport.takeBytes().equals(all))
      assert.equal(output.writtenBytes, all.length)
      assert.equal(output.length, 0)
    }),
    { numRuns: 50 },
  )
})

test('a buffer that the Transport holds is never written into again', () => {
  const held: Uint8Array[] = []
  const copies: Buffer[] = []
  const transport = Object.assign(new FakeTransport(), {
    write: (bytes: Uint8Array) => {
      held.push(bytes)
      copies.push(Buffer.from(bytes))
      return false
    },
  })
  const output = new Output(new BufferPool(), transport)
  for (let round = 1; round <= 5; round++) {
    output.append(Buffer.alloc(100, round), 0, 100)
    output.flush()
  }
  held.forEach((bytes, at) => assert.ok(copies[at]!.equals(bytes)))
})

test('a buffer that left is used again, and an idle output holds none', () => {
  const pool = new BufferPool()
  const output = new Output(pool, new FakeTransport())
  output.append(Buffer.alloc(10), 0, 10)
  const { bytes } = output
  output.flush()
  assert.equal(output.bytes.length, 0)
  assert.equal(pool.take(1024), bytes)
})

test('a pool keeps at most so many spare buffers of each size', () => {
  const pool = new BufferPool(1)
  const [first, second] = [pool.take(1), pool.take(1)]
  pool.give(first)
  pool.give(second)
  assert.equal(pool.take(1), first)
  assert.notEqual(pool.take(1), second)
})

test('a large frame is handed on without a copy, behind what was gathered before it', () => {
  const written: Uint8Array[] = []
  const transport = Object.assign(new FakeTransport(), { write: (bytes: Uint8Array) => written.push(bytes) > 0 })
  const output = new Output(new BufferPool(), transport)
  const large = Buffer.alloc(LARGE_FRAME_BYTES, 7)
  output.append(Uint8Array.of(1), 0, 1)
  output.append(large, 0, large.length)
  assert.deepEqual(
    written.map(({ length }) => length),
    [1, LARGE_FRAME_BYTES],
  )
  assert.equal(written[1]!.buffer, large.buffer)
})

test('what was gathered dies with its Connection', () => {
  const transport = new FakeTransport()
  const output = new Output(new BufferPool(), transport)
  output.append(Uint8Array.of(1, 2), 0, 2)
  output.discard()
  output.flush()
  assert.equal(transport.takeBytes().length, 0)
})
