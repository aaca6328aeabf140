import assert from 'node:assert/strict'
import { test } from 'node:test'
import { firstAfter, firstAfterInSteps, rankOf } from '../../../src/base/hash-order.ts'
import { WideMap } from '../../../src/base/wide-map.ts'
import fc from '../../support/property.ts'

const MANY = 50_000

function filled(count: number): WideMap<number> {
  const map = new WideMap<number>()
  for (let at = 0; at < count; at++) map.set(`key-${at}`, at)
  return map
}

test('it behaves as a Map, small and divided', () => {
  const base = filled(MANY)
  const key = fc.integer({ min: 0, max: MANY * 2 }).map((at) => `key-${at}`)
  const step = fc.record({ remove: fc.boolean(), key, value: fc.integer() })
  const model = new Map(Array.from({ length: MANY }, (_, at) => [`key-${at}`, at]))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      for (const one of steps) {
        assert.equal(base.get(one.key), model.get(one.key))
        assert.equal(base.has(one.key), model.has(one.key))
        if (one.remove) assert.equal(base.delete(one.key), model.delete(one.key))
        else {
          base.set(one.key, one.value)
          model.set(one.key, one.value)
        }
        assert.equal(base.size, model.size)
      }
    }),
  )
  assert.deepEqual([...base.values()].toSorted(order), [...model.values()].toSorted(order))
  const entries = [...base.entries()].toSorted(([one], [other]) => (one < other ? -1 : 1))
  assert.deepEqual(
    entries,
    [...model].toSorted(([one], [other]) => (one < other ? -1 : 1)),
  )
})

function order(one: number, other: number): number {
  return one - other
}

test('it goes on with the Map that it was given', () => {
  const map = new WideMap(new Map([['a', 1]]))
  assert.equal(map.size, 1)
  assert.equal(map.get('a'), 1)
})

test('a walk comes once to what is there all the time, though the map is divided on the way', () => {
  for (const begun of [100, 8_192, 20_000]) {
    const map = filled(begun)
    const seen: number[] = []
    const walk = map.values()
    for (let at = 0; at < begun / 2; at++) seen.push(walk.next().value as number)
    for (let at = 0; at < MANY; at++) map.set(`later-${at}`, -1)
    for (let at = 0; at < begun; at += 3) map.delete(`key-${at}`)
    for (const value of walk) if (value >= 0) seen.push(value)
    assert.equal(new Set(seen).size, seen.length, 'none comes twice')
    const all = new Set(seen)
    for (let at = 0; at < begun; at++) if (at % 3 !== 0) assert.ok(all.has(at), `${at} of ${begun} is missing`)
  }
})

test('a walk ends though something is added at each step', () => {
  for (const begun of [100, 20_000]) {
    const map = filled(begun)
    let steps = 0
    for (const _ of map.values()) map.set(`added-${steps++}`, 0)
    assert.ok(steps <= 64 * begun, `${steps} steps`)
  }
})

test('its keys come in the order of their ranks, from any of them on, divided or not', () => {
  for (const count of [10, 8_192, 8_193, MANY]) {
    const keys = Array.from({ length: count }, (_, at) => `key-${at}`)
    const expected = keys.toSorted((one, other) => rankOf(one) - rankOf(other) || (one < other ? -1 : 1))
    const map = filled(count)
    const found: string[] = []
    for (let after: string | undefined; ; after = found.at(-1)) {
      const some = map.keysAfter(after, () => 100)
      if (some.length === 0) break
      assert.ok(some.length <= 100)
      found.push(...some)
    }
    assert.deepEqual(found, expected)
    const gone = expected[5]!
    map.delete(gone)
    assert.equal(map.keysAfter(gone, () => 1)[0], expected[6], 'one that is gone has its place still')
  }
})

test('keys of one hash come in the order of their texts', () => {
  // FNV-1a goes on from the same state behind texts of the same length that collide.
  const [one, other] = collision()
  assert.equal(rankOf(one), rankOf(other))
  const texts = [one, other, `${one}${one}`, `${other}${other}`, `${one}${other}`, `${other}${one}`]
  const found: string[] = []
  for (let next = firstAfter(texts, undefined, 1); next.length > 0; next = firstAfter(texts, found.at(-1), 1)) {
    found.push(...next)
  }
  assert.deepEqual(found.toSorted(), texts.toSorted())
  assert.deepEqual(firstAfter(texts, undefined, 10), found)
})

function collision(): [string, string] {
  const seen = new Map<number, string>()
  for (let at = 10_000_000; ; at++) {
    const text = String(at)
    const before = seen.get(rankOf(text))
    if (before !== undefined) return [before, text]
    seen.set(rankOf(text), text)
  }
}

test('the first of very many texts are the same in steps as at once', () => {
  const texts = Array.from({ length: 5_000 }, (_, at) => `text-${at}`)
  for (const [after, count] of [
    [undefined, 10],
    [undefined, 6_000],
    ['text-7', 100],
    ['nothing', 1],
  ] as const) {
    const work = firstAfterInSteps(texts, after, count)
    let steps = 1
    let step = work.next()
    for (; step.done !== true; step = work.next()) steps++
    assert.deepEqual(step.value, firstAfter(texts, after, count))
    assert.ok(steps > 50, `${steps} steps`)
  }
})
