import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TimerWheel } from '../../../src/base/timer-wheel.ts'
import type { Timed } from '../../../src/base/timer-wheel.ts'
import fc from '../../support/property.ts'

interface Named extends Timed {
  readonly name: number
}

function entries(count: number): Named[] {
  return Array.from({ length: count }, (_, name) => ({ name, deadlineMs: 0, wheelIndex: -1 }))
}

const DAY_MS = 24 * 60 * 60 * 1000

test('entries fire at their deadlines, never before, whatever was set, moved and cancelled', () => {
  const delay = fc.oneof(fc.nat(50), fc.nat(30 * DAY_MS), fc.double({ min: 0, max: 9, noNaN: true }))
  const step = fc.oneof(
    fc.record({ kind: fc.constant('set' as const), name: fc.nat(19), delay }),
    fc.record({ kind: fc.constant('cancel' as const), name: fc.nat(19), delay }),
    fc.record({ kind: fc.constant('advance' as const), name: fc.constant(0), delay }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
      const wheel = new TimerWheel<Named>()
      const all = entries(20)
      const model = new Map<number, number>()
      let now = 0
      for (const { kind, name, delay: delayMs } of steps) {
        if (kind === 'set') {
          wheel.set(all[name]!, now + delayMs)
          model.set(name, now + delayMs)
        } else if (kind === 'cancel') {
          wheel.cancel(all[name]!)
          model.delete(name)
        } else {
          now += delayMs
          let last = -1
          wheel.advance(now, (entry) => {
            assert.equal(entry.deadlineMs, model.get(entry.name))
            assert.ok(entry.deadlineMs <= now && entry.deadlineMs >= last)
            assert.equal(entry.wheelIndex, -1)
            last = entry.deadlineMs
            model.delete(entry.name)
          })
        }
        assert.equal(wheel.size, model.size)
        assert.equal(wheel.nextDeadline(), Math.min(Infinity, ...model.values()))
        assert.ok(kind !== 'advance' || wheel.nextDeadline() > now)
      }
    }),
    { numRuns: 300 },
  )
})

test('driven by nextDeadline, an entry fires at its very millisecond, thirty days away too', () => {
  const wheel = new TimerWheel<Named>()
  const deadlines = [30 * DAY_MS, 1, 1500, 30 * DAY_MS + 1, 1500]
  for (const [index, entry] of entries(deadlines.length).entries()) wheel.set(entry, deadlines[index]!)
  const fired: [name: number, atMs: number][] = []
  for (let now = wheel.nextDeadline(); now < Infinity; now = wheel.nextDeadline()) {
    wheel.advance(now, (entry) => fired.push([entry.name, now]))
  }
  assert.deepEqual(
    fired.map(([, atMs]) => atMs),
    deadlines.toSorted((a, b) => a - b),
  )
  for (const [name, atMs] of fired) assert.equal(atMs, deadlines[name])
})

test('a firing entry may re-arm itself and cancel others', () => {
  const wheel = new TimerWheel<Named>()
  const [keepAlive, victim] = entries(2) as [Named, Named]
  wheel.set(keepAlive, 10)
  wheel.set(victim, 10)
  let fired = 0
  const fire = (entry: Named): void => {
    assert.equal(entry, keepAlive)
    fired++
    wheel.cancel(victim)
    wheel.set(keepAlive, entry.deadlineMs + 10)
  }
  assert.equal(wheel.advance(10, fire), 1)
  assert.equal(wheel.advance(19, fire), 0)
  // Late: the re-armed time has come already, so it fires until it is in the future.
  assert.equal(wheel.advance(45, fire), 3)
  assert.equal(fired, 4)
  assert.equal(wheel.nextDeadline(), 50)
})

test('a limit leaves the rest due', () => {
  const wheel = new TimerWheel<Named>()
  for (const entry of entries(10)) wheel.set(entry, 5)
  assert.equal(
    wheel.advance(5, () => {}, 7),
    7,
  )
  assert.equal(wheel.nextDeadline(), 5)
  assert.equal(
    wheel.advance(5, () => {}, 7),
    3,
  )
  assert.equal(wheel.nextDeadline(), Infinity)
})

test('a deadline of Infinity is none', () => {
  const wheel = new TimerWheel<Named>()
  const [entry] = entries(1) as [Named]
  wheel.set(entry, Infinity)
  assert.equal(wheel.size, 0)
  wheel.set(entry, 5)
  wheel.set(entry, Infinity)
  assert.equal(wheel.size, 0)
  assert.equal(entry.wheelIndex, -1)
})

test('what fire throws leaves the wheel in order', () => {
  const wheel = new TimerWheel<Named>()
  for (const entry of entries(3)) wheel.set(entry, entry.name)
  assert.throws(() => wheel.advance(9, () => assert.fail('ours')), /ours/)
  assert.equal(
    wheel.advance(9, () => {}),
    2,
  )
})
