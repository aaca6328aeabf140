import assert from 'node:assert/strict'
import { test } from 'node:test'
import { RateLimit } from '../../../src/protocol/rate-limit.ts'
import fc from '../../support/property.ts'

test("one second's worth is in stock, and comes back with time", () => {
  const limit = new RateLimit(10, 0)
  for (let taken = 0; taken < 10; taken++) assert.equal(limit.take(1, 0), 0)
  assert.equal(limit.take(1, 0), 100)
  assert.equal(limit.take(1, 200), 0)
})

test('a large taking passes and is paid for afterwards', () => {
  const limit = new RateLimit(1000, 0)
  assert.equal(limit.take(5000, 0), 4000)
  assert.equal(limit.take(0, 4000), 0)
})

test('idleness saves up no more than a second', () => {
  const limit = new RateLimit(10, 0)
  assert.equal(limit.take(20, 3_600_000), 1000)
})

test('whoever waits as told never gets more than the rate and one second in stock', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 1000 }),
      fc.array(fc.record({ count: fc.integer({ min: 1, max: 2000 }), pauseMs: fc.nat(3000) }), { minLength: 1 }),
      (perSecond, takings) => {
        const limit = new RateLimit(perSecond, 0)
        let now = 0
        let taken = 0
        for (const { count, pauseMs } of takings) {
          now += pauseMs
          assert.ok(taken <= perSecond * (1 + now / 1000) + 1e-6)
          taken += count
          now += limit.take(count, now)
        }
      },
    ),
  )
})

test('what is refused costs nothing', () => {
  const limit = new RateLimit(2, 0)
  assert.deepEqual(
    Array.from({ length: 5 }, () => limit.tryTake(0)),
    [true, true, false, false, false],
  )
  assert.deepEqual([limit.tryTake(499), limit.tryTake(500), limit.tryTake(500)], [false, true, false])
})

test('less than one a second still lets one pass', () => {
  const limit = new RateLimit(0.5, 0)
  assert.deepEqual([limit.tryTake(0), limit.tryTake(1999), limit.tryTake(2000)], [true, false, true])
})
