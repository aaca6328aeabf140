import { test } from 'node:test'
import assert from 'node:assert/strict'
import { VirtualClock } from '../../../src/testing/virtual-clock.ts'

test('Timers of one instant fire in the order in which they were set, and share a turn', () => {
  const clock = new VirtualClock()
  const order: string[] = []
  for (const name of ['a', 'b', 'c']) clock.setTimer(10, () => order.push(name))
  clock.setTimer(5, () => clock.atEndOfTurn(() => order.push('turn')))
  clock.advance(10)
  assert.deepEqual(order, ['turn', 'a', 'b', 'c'])
})

test('A timer cancelled by another one of its instant does not fire', () => {
  const clock = new VirtualClock()
  let fired = false
  clock.setTimer(10, () => later.cancel())
  const later = clock.setTimer(10, () => (fired = true))
  clock.advance(100)
  assert.equal(fired, false)
  assert.equal(clock.nextTimerAtMs, Infinity)
})

test('Time moves to the end of what was asked for, also where nothing is due', () => {
  const clock = new VirtualClock({ wallMs: 5000 })
  const before = clock.now()
  clock.advance(1234)
  assert.equal(clock.now() - before, 1234)
  assert.equal(clock.wallNow(), 6234)
})

test('Chance comes from the seed', () => {
  const draw = (seed: number): number[] => {
    const clock = new VirtualClock({ seed })
    return [clock.random(), clock.random(), ...clock.randomBytes(8)]
  }
  assert.deepEqual(draw(3), draw(3))
  assert.notDeepEqual(draw(3), draw(4))
})

test('Ten thousand timers, most of them moved, cost no search', () => {
  const clock = new VirtualClock()
  let fired = 0
  for (let index = 0; index < 10_000; index++) {
    const timer = clock.setTimer(index, () => fired++)
    if (index % 2 === 0) timer.cancel()
  }
  clock.advance(10_000)
  assert.equal(fired, 5000)
})
