import assert from 'node:assert/strict'
import { test } from 'node:test'
import { InvariantError } from '../../../src/base/errors.ts'
import { BufferPool, LARGE_FRAME_BYTES, Output } from '../../../src/protocol/output.ts'
import { isPoisoned } from '../../../src/testing/poison.ts'
import { FakeTransport } from '../../support/fake-server.ts'
import fc from '../../support/property.ts'

const GATHER_LIMIT_BYTES = 65_536

function make(pool = new BufferPool()): { output: Output; transport: FakeTransport; pool: BufferPool } {
  const transport = new FakeTransport()
  return { output: new Output(pool, transport), transport, pool }
}

/** As writers do: reserve, write, say so. */
function write(output: Output, count: number, value: number): void {
  const at = output.reserve(count)
  output.bytes.fill(value, at, at + count)
  output.wrote(at + count)
}

test('what was reserved and not written never leaves', () => {
  const { output, transport } = make()
  write(output, 3, 1)
  output.reserve(500)
  output.flush()
  output.reserve(1)
  output.flush()
  assert.deepEqual(transport.takeBytes(), Buffer.from([1, 1, 1]))
})

test('a writer that throws leaves the output as it was, and the next one goes on from there', () => {
  const { output, transport } = make()
  write(output, 2, 1)
  assert.throws(() => {
    const at = output.reserve(GATHER_LIMIT_BYTES - 2)
    output.bytes.set(new Uint8Array(GATHER_LIMIT_BYTES), at) // one buffer cannot hold both
  }, RangeError)
  assert.equal(output.length, 2)
  write(output, 2, 2)
  output.flush()
  assert.deepEqual(transport.takeBytes(), Buffer.from([1, 1, 2, 2]))
})

test('more than a buffer holds is refused before anything has changed', () => {
  const { output, transport, pool } = make()
  write(output, 2, 1)
  const before = output.bytes
  assert.throws(() => output.reserve(GATHER_LIMIT_BYTES + 1), InvariantError)
  assert.deepEqual([output.length, output.bytes], [2, before])
  assert.throws(() => pool.take(GATHER_LIMIT_BYTES + 1), InvariantError)
  assert.equal(transport.chunks.length, 0)
})

test('nobody can say that more was written than was reserved', () => {
  const { output } = make()
  assert.throws(() => output.wrote(1), InvariantError)
  const at = output.reserve(10)
  output.bytes.fill(1, at, at + 4)
  assert.throws(() => output.wrote(at + 11), InvariantError)
  output.wrote(at + 4)
  assert.throws(() => output.wrote(at + 3), InvariantError)
  output.flush()
  assert.throws(() => output.wrote(4), InvariantError)
})

test('an output that was flushed by a Transport that throws does not send the same bytes again', () => {
  const { output, transport } = make()
  const works = transport.write.bind(transport)
  transport.write = () => {
    throw new Error('broken stream')
  }
  write(output, 1, 1)
  assert.throws(() => output.flush(), /broken stream/)
  transport.write = works
  output.flush()
  assert.equal(transport.takeBytes().length, 0)
})

const sizes = fc
  .tuple(fc.constantFrom(1, 1024, 8192, LARGE_FRAME_BYTES, GATHER_LIMIT_BYTES), fc.integer({ min: -3, max: 3 }))
  .map(([edge, off]) => Math.max(0, edge + off))
const step = fc.oneof(
  fc.record({ do: fc.constant('append' as const), bytes: sizes }),
  fc.record({ do: fc.constant('write' as const), bytes: sizes.map((size) => Math.min(size, GATHER_LIMIT_BYTES)) }),
  fc.record({ do: fc.constant('give up' as const), bytes: sizes }),
  fc.record({ do: fc.constant('flush' as const), bytes: fc.constant(0) }),
  fc.record({ do: fc.constant('discard' as const), bytes: fc.constant(0) }),
)

test('whatever is gathered in whichever order, what leaves is what was written', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.boolean(), step), { maxLength: 40 }), (steps) => {
      const pool = new BufferPool(2)
      const sides = [make(pool), make(pool)].map((side) => ({ ...side, gathered: [] as Buffer[] }))
      for (const [at, [second, { do: what, bytes }]] of steps.entries()) {
        const side = sides[second ? 1 : 0]!
        const { output } = side
        const before = output.writtenBytes
        const content = Buffer.alloc(bytes, at + 1)
        if (what === 'append') output.append(content, 0, bytes)
        else if (what === 'write') write(output, bytes, at + 1)
        else if (what === 'give up') giveUp(output, bytes)
        else if (what === 'flush') output.flush()
        if (what === 'append' || what === 'write') side.gathered.push(content)
        if (what === 'discard') {
          side.gathered = keepFirst(side.gathered, output.writtenBytes)
          output.discard()
        }
        assert.ok(output.writtenBytes >= before)
      }
      for (const { output, transport, gathered } of sides) {
        output.flush()
        const left = transport.takeBytes()
        assert.ok(!isPoisoned(left))
        assert.ok(left.equals(Buffer.concat(gathered)))
      }
    }),
  )
})

function giveUp(output: Output, bytes: number): void {
  try {
    output.reserve(bytes)
  } catch (error) {
    assert.ok(error instanceof InvariantError)
  }
}

/** The first so many bytes. */
function keepFirst(parts: readonly Buffer[], bytes: number): Buffer[] {
  return [Buffer.concat(parts).subarray(0, bytes)]
}
