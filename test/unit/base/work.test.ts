import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARE_UNITS, TURN_UNITS, WorkBudget } from '../../../src/base/work.ts'

function budgetAt(now: { ms: number }): WorkBudget {
  const budget = new WorkBudget(() => now.ms)
  budget.beginTurn(now.ms)
  return budget
}

test('whoever used up its share has to stop; the next owner has a share of its own', () => {
  const budget = budgetAt({ ms: 0 })
  const [one, other] = [{}, {}]
  budget.enter(one)
  budget.spend(SHARE_UNITS - 1)
  assert.ok(!budget.isSpent)
  budget.spend(1)
  assert.ok(budget.isSpent)
  assert.ok(!budget.isTurnSpent)
  budget.enter(other)
  assert.ok(!budget.isSpent)
})

test('an owner that is at work already does not get a second share by entering again', () => {
  const budget = budgetAt({ ms: 0 })
  const owner = {}
  budget.enter(owner)
  budget.spend(SHARE_UNITS)
  budget.enter(owner)
  assert.ok(budget.isSpent)
  budget.begin(owner)
  assert.ok(!budget.isSpent, 'it does when it is its turn in the line')
})

test('a spent turn has no share for anybody', () => {
  const budget = budgetAt({ ms: 0 })
  budget.spend(TURN_UNITS)
  assert.ok(budget.isTurnSpent)
  budget.begin({})
  assert.ok(budget.isSpent)
  budget.endTurn()
  assert.ok(!budget.isSpent)
  assert.equal(budget.units, 0)
})

test('a turn that took long is spent, however little was counted', () => {
  const now = { ms: 100 }
  const budget = budgetAt(now)
  now.ms = 104
  budget.spend(2_000)
  assert.ok(budget.isHalfSpent)
  assert.ok(!budget.isSpent)
  now.ms = 108
  budget.spend(1_999)
  assert.ok(!budget.isSpent, 'the clock is not read for every unit')
  budget.spend(1)
  assert.ok(budget.isSpent)
})

test('behind a step of unknown cost the clock is read at once', () => {
  const now = { ms: 0 }
  const budget = budgetAt(now)
  now.ms = 8
  budget.look()
  assert.ok(budget.isTurnSpent)
})
