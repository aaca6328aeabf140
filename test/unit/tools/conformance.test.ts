import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { root } from '../../../tools/main.ts'
import { keysIn, parseCsv, readLedger } from '../../spec/ledger.ts'
import { attempt, type Attempt } from '../../spec/mutants/attempt.ts'
import { gather, problemsOf, summary } from '../../spec/report.ts'
import type { Result } from '../../spec/run.ts'

const ledger = readLedger()

function result(name: string, passed = true): Result {
  return { name, file: 'test/spec/x.test.ts', keys: keysIn(name), passed, problem: '' }
}

test('the ledger has every statement, and knows which bind a Server', () => {
  const count = (version: string, isNumbered: boolean): number[] => {
    const some = ledger.statements.filter((one) => one.version === version && one.isNumbered === isNumbered)
    return [some.length, some.filter(({ bindsServer }) => bindsServer).length]
  }
  assert.deepEqual(
    [count('3.1.1', true), count('5.0', true), count('3.1.1', false), count('5.0', false)],
    [
      [141, 130],
      [251, 238],
      [27, 27],
      [117, 117],
    ],
  )
})

test('a version holds for all ids behind it in its brackets; our own labels say theirs', () => {
  assert.deepEqual(keysIn('a [b] c [5.0 MQTT-3.1.0-2, MQTT-3.1.1-1] [3.1.1 MQTT-3.1.0-2] [U311-4.8-1 U-4.9-1]'), [
    '5.0 MQTT-3.1.0-2',
    '5.0 MQTT-3.1.1-1',
    '3.1.1 MQTT-3.1.0-2',
    '3.1.1 U311-4.8-1',
    '5.0 U-4.9-1',
  ])
})

test('cells in quotes hold commas and quotes', () => {
  assert.deepEqual(parseCsv('a,"b, ""c""",,d\n\n1,2,3,4\n'), [
    ['a', 'b, "c"', '', 'd'],
    ['1', '2', '3', '4'],
  ])
})

test('a statement is proven by a test that passes, and by none as soon as one fails', () => {
  const key = '3.1.1 MQTT-3.12.4-1'
  const isProven = (...results: Result[]): boolean | undefined =>
    gather(ledger, results).find(({ statement }) => statement.key === key)?.isProven
  assert.equal(isProven(), false)
  assert.equal(isProven(result(`x [${key}]`)), true)
  assert.equal(isProven(result(`x [${key}]`), result(`y [${key}]`, false)), false)
  assert.match(summary(gather(ledger, [result(`x [${key}]`)])), /3\.1\.1: \d of 130 proven\n5\.0: \d of 238 proven$/)
})

test('unknown ids, more than three of them, and stand-ins without a test are named', () => {
  const many = 'x [3.1.1 MQTT-3.8.4-1, MQTT-3.8.4-2, MQTT-3.8.4-3, MQTT-3.8.4-4]'
  const problems = problemsOf(ledger, [result('x [5.0 MQTT-9.9.9-9]'), result(many)])
  assert.ok(problems.includes('no statement is called 5.0 MQTT-9.9.9-9: x [5.0 MQTT-9.9.9-9]'))
  assert.ok(problems.includes(`a test names at most 3 statements: ${many}`))
  assert.ok(problems.some((problem) => problem.startsWith('ledger: no test of test/unit/listeners/websocket.test.ts')))
})

/** Runs the tests of a file with this text as if the source were broken. */
async function attemptWith(t: TestContext, text: string, ...keys: string[]): Promise<Attempt> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-attempt-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'x.test.mjs')
  await writeFile(file, text)
  return attempt(root, [file], keys, () => {})
}

test('a mutant is killed by a statement if a test that names it fails, and by no other', async (t) => {
  const { killedBy, problem } = await attemptWith(
    t,
    `import { test } from 'node:test'
    const fail = () => { throw new Error('noticed') }
    test('fails [5.0 MQTT-3.8.4-1]', fail)
    test('passes [5.0 MQTT-3.8.4-2]', () => {})
    test('fails, too [5.0 MQTT-3.8.4-11]', fail)
    test('fails in the other version [3.1.1 MQTT-3.8.4-2]', fail)
    test('is skipped [5.0 MQTT-3.8.4-2]', { skip: true }, fail)
    test('names none', fail)`,
    '5.0 MQTT-3.8.4-1',
    '5.0 MQTT-3.8.4-2',
  )
  const report = { name: 'fails [5.0 MQTT-3.8.4-1]', passed: false, problem: 'Error: noticed' }
  assert.deepEqual([...killedBy], [['5.0 MQTT-3.8.4-1', report]])
  assert.equal(problem, undefined)
})

test('a mutant with which a test file cannot even be loaded is not killed', async (t) => {
  const { killedBy, problem } = await attemptWith(t, "throw new Error('not a test')", '5.0 MQTT-3.8.4-1')
  assert.equal(killedBy.size, 0)
  assert.match(problem ?? '', /^cannot be loaded: Error: not a test/)
})

test('a test that waits for what never comes counts as failed', async (t) => {
  const text = "import { test } from 'node:test'; test('waits [5.0 MQTT-3.8.4-1]', () => new Promise(() => {}))"
  const { killedBy } = await attemptWith(t, text, '5.0 MQTT-3.8.4-1')
  assert.deepEqual([...killedBy.keys()], ['5.0 MQTT-3.8.4-1'])
})
