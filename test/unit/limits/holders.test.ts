import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Holders } from '../../../src/limits/holders.ts'
import fc from '../../support/property.ts'

test('the oldest of the largest holder gives way; among equals the one that has had it longest', () => {
  const room = new Holders<number>()
  assert.equal(room.oldestOfLargest(), undefined)
  for (const [name, entry] of [
    ['a', 1],
    ['b', 2],
    ['b', 3],
    ['a', 4],
  ] as const) {
    room.add(name, entry)
  }
  assert.deepEqual([room.size, room.sizeOf('a'), room.sizeOf('b'), room.sizeOf('c')], [4, 2, 2, 0])
  assert.equal(room.oldestOfLargest(), 2)
  assert.equal(room.remove('b', 2), true)
  assert.equal(room.remove('b', 2), false)
  assert.equal(room.oldestOfLargest(), 1)
})

test('whatever comes and goes, it is the oldest of a holder that none exceeds', () => {
  const step = fc.record({ name: fc.constantFrom('a', 'b', 'c', 'd'), entry: fc.nat(30), leaves: fc.boolean() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const room = new Holders<number>()
      const model = new Map<string, number[]>()
      for (const { name, entry, leaves } of steps) {
        const entries = model.get(name) ?? []
        if (leaves) room.remove(name, entry)
        else room.add(name, entry)
        const others = entries.filter((each) => each !== entry)
        model.set(name, leaves ? others : entries.includes(entry) ? entries : [...entries, entry])
        const largest = Math.max(...[...model.values()].map(({ length }) => length))
        assert.equal(
          room.size,
          [...model.values()].reduce((sum, { length }) => sum + length, 0),
        )
        const oldest = room.oldestOfLargest()
        if (largest === 0) assert.equal(oldest, undefined)
        else assert.ok([...model.values()].some((each) => each.length === largest && each[0] === oldest))
      }
    }),
  )
})
