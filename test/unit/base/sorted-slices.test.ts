import assert from 'node:assert/strict'
import { test } from 'node:test'
import { finish } from '../../../src/base/slices.ts'
import { sortedNames } from '../../../src/base/sorted-slices.ts'
import fc from '../../support/property.ts'

test('names are sorted as at once', () => {
  fc.assert(
    fc.property(fc.array(fc.string({ maxLength: 4 }), { maxLength: 3000, size: 'max' }), (names) => {
      assert.deepEqual(
        finish(sortedNames(names)),
        names.toSorted((a, b) => (a < b ? -1 : Number(a > b))),
      )
    }),
    { numRuns: 20 },
  )
})

test('many names take many steps, none of which grows with their number', () => {
  const steps = (count: number): number => {
    const work = sortedNames(Array.from({ length: count }, (_, at) => `user-${(at * 7919) % count}`))
    let taken = 0
    while (work.next().done !== true) taken++
    return taken
  }
  // Each level of merging visits every name once more.
  assert.ok(steps(100_000) > 100 * steps(1_000), `${steps(1_000)} and ${steps(100_000)}`)
})
