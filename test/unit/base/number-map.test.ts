import assert from 'node:assert/strict'
import { test } from 'node:test'
import { NumberMap } from '../../../src/base/number-map.ts'
import fc from '../../support/property.ts'

test('it behaves as a Map', () => {
  const key = fc.oneof(fc.integer({ min: 0, max: 600 }), fc.integer({ min: 2 ** 32, max: 2 ** 32 + 600 }))
  const step = fc.record({ remove: fc.boolean(), key, value: fc.integer() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 300 }), (steps) => {
      const [map, model] = [new NumberMap<number>(), new Map<number, number>()]
      for (const one of steps) {
        assert.equal(map.get(one.key), model.get(one.key))
        if (one.remove) assert.equal(map.delete(one.key), model.delete(one.key))
        else {
          map.set(one.key, one.value)
          model.set(one.key, one.value)
        }
        assert.equal(map.size, model.size)
      }
      assert.deepEqual([...map.values()].toSorted(order), [...model.values()].toSorted(order))
    }),
  )
})

function order(one: number, other: number): number {
  return one - other
}

test('a walk comes once to what is there all the time', () => {
  const map = new NumberMap<number>()
  for (let at = 0; at < 10_000; at++) map.set(at, at)
  const seen: number[] = []
  for (const value of map.values()) {
    seen.push(value)
    map.delete(9_999 - (value % 5_000))
    map.set(20_000 + value, -1)
    if (seen.length > 50_000) break
  }
  const all = new Set(seen.filter((value) => value >= 0))
  assert.equal(all.size, seen.filter((value) => value >= 0).length)
  for (let at = 0; at < 5_000; at++) assert.ok(all.has(at), String(at))
})
