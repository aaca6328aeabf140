/** The hostile suite itself: a seed decides what is drawn, and a verdict says what is wrong. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SeededRandom } from '../../../src/testing/random.ts'
import type { HonestReport } from '../../hostile/honest.ts'
import type { RoundResult } from '../../hostile/round.ts'
import { shapes } from '../../hostile/shapes/index.ts'
import { problemsOf, type Allowances } from '../../hostile/verdict.ts'

test('shapes have names of their own, and say what they try', () => {
  const names = shapes.map(({ name }) => name)
  assert.deepEqual(names, [...new Set(names)])
  for (const { name, tries } of shapes) {
    assert.match(name, /^[a-z]+(-[a-z]+)*$/)
    assert.ok(tries.length > 20, name)
  }
})

test('the same seed draws the same parameters, and others draw others', () => {
  for (const shape of shapes) {
    const drawn = Array.from({ length: 9 }, (_, seed) => shape.plan(new SeededRandom(seed)).parameters)
    const again = Array.from({ length: 9 }, (_, seed) => shape.plan(new SeededRandom(seed)).parameters)
    assert.deepEqual(again, drawn)
    assert.ok(new Set(drawn).size > 1, `${shape.name} always does the same`)
  }
})

const allowed: Allowances = {
  ...{ waitMs: 100, busyness: 1, turnUnits: 500, growthBytes: 1000 },
  ...{ recorderBytes: 100, residentBytes: 10_000 },
}

const served: HonestReport = {
  worstWaitMs: 20,
  worstWorkMs: 10,
  messages: 100,
  worstLoginMs: 50,
  worstLoginWorkMs: 10,
  logins: 10,
  faults: [],
}

function resultOf(more: Partial<RoundResult> = {}, honest: Partial<HonestReport> = {}): RoundResult {
  return {
    shape: 'shape',
    seed: 1,
    parameters: '',
    notes: [],
    connections: 0,
    honest: { ...served, ...honest },
    memoryBefore: 5000,
    memoryAfter: 5900,
    peakResident: 9000,
    mostTurnUnits: 700,
    stepUnits: 200,
    recordBefore: ['a'],
    recordAfter: ['a', 'b'],
    faults: [],
    ...more,
  }
}

test('a verdict names each thing that is wrong, and nothing else', () => {
  assert.deepEqual(problemsOf(resultOf(), allowed), [])
  const wrong: readonly [RoundResult, RegExp][] = [
    [resultOf({ faults: ['the broker died: SIGKILL'] }), /the broker died/],
    [resultOf({ memoryAfter: 6100 }), /not given back/],
    [resultOf({ peakResident: 10_001 }), /the process took/],
    [resultOf({ mostTurnUnits: 701 }), /one turn counted 701 units/],
    [resultOf({ mostRecorderBytes: 5_000_000 }), /the recorder took 5 MB/],
    [resultOf({ recordBefore: ['a', 'b'], recordAfter: ['b', 'c'] }), /lost entries of a Client that kept silent/],
    [resultOf({ recordBefore: [] }), /nothing of an honest Client/],
    [resultOf({}, { worstWorkMs: 101 }), /while a message waited/],
    [resultOf({}, { worstLoginWorkMs: 401 }), /while a log-in waited/],
    [resultOf({}, { worstWaitMs: 401 }), /an honest message waited 401 ms/],
    [resultOf({}, { worstLoginMs: 401 }), /an honest log-in waited/],
  ]
  for (const [result, expected] of wrong) {
    const problems = problemsOf(result, allowed)
    assert.equal(problems.length, 1, problems.join())
    assert.match(problems[0]!, expected)
  }
})

test('on a busy machine a long wait is not the broker’s, but long work is', () => {
  const busy = { ...allowed, busyness: 10 }
  assert.deepEqual(problemsOf(resultOf({}, { worstWaitMs: 3900, worstLoginMs: 3900 }), busy), [])
  assert.equal(problemsOf(resultOf({}, { worstWorkMs: 101 }), busy).length, 1)
})

test('a full disk says whether the attacker has more to store than fits', () => {
  const fullDisk = shapes.find(({ name }) => name === 'full-disk')!
  const plans = Array.from({ length: 40 }, (_, seed) => fullDisk.plan(new SeededRandom(seed)))
  const fills = plans.map(({ parameters }) => parameters.includes('of 1000000 bytes for retained topics'))
  assert.deepEqual(
    plans.map(({ fillsStore }) => fillsStore),
    fills,
  )
  assert.ok(fills.includes(true) && fills.includes(false))
})
