import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CheckQueue } from '../../../src/access/check-queue.ts'

/** A queue whose checks are over when the test says so. */
function open(limit: number) {
  const queue = new CheckQueue(limit)
  const running: { name: string; finish: () => void }[] = []
  const begun: string[] = []
  const run = (holder: string, name: string, isNeeded = () => true): Promise<string> =>
    queue.run(
      holder,
      isNeeded,
      () =>
        new Promise<string>((resolve) => {
          begun.push(name)
          running.push({ name, finish: () => resolve(name) })
        }),
      'dropped',
    )
  const finish = async (): Promise<void> => {
    running.shift()!.finish()
    await new Promise(setImmediate)
  }
  return { run, finish, begun, running }
}

test('turns go round by holder: one with very many delays another by one check', async () => {
  const { run, finish, begun } = open(1)
  for (let n = 1; n <= 300; n++) void run('guesser', `g${n}`)
  void run('ann', 'ann')
  void run('bob', 'bob')
  for (let n = 0; n < 4; n++) await finish()
  assert.deepEqual(begun, ['g1', 'g2', 'ann', 'bob', 'g3'])
})

test('as many run at one time as may, in the order in which one holder asked', async () => {
  const { run, finish, begun, running } = open(2)
  const answers = ['1', '2', '3', '4'].map((name) => run('ann', name))
  assert.deepEqual(begun, ['1', '2'])
  for (let n = 0; n < 4; n++) {
    assert.ok(running.length <= 2)
    await finish()
  }
  assert.deepEqual(await Promise.all(answers), ['1', '2', '3', '4'])
})

test('what nobody waits for any more does not run', async () => {
  const { run, finish, begun } = open(1)
  void run('ann', 'first')
  const answers = [run('ann', 'gone', () => false), run('ann', 'last')]
  await finish()
  assert.deepEqual(begun, ['first', 'last'])
  assert.equal(await answers[0], 'dropped')
})

test('a check that throws or rejects is over, too', async () => {
  const queue = new CheckQueue(1)
  const fail = (): never => {
    throw new Error('typo')
  }
  await assert.rejects(
    queue.run('ann', () => true, fail, undefined),
    /typo/,
  )
  await assert.rejects(
    queue.run<undefined>(
      'ann',
      () => true,
      () => Promise.reject(new Error('down')),
      undefined,
    ),
    /down/,
  )
  assert.equal(
    await queue.run(
      'ann',
      () => true,
      () => 'fine',
      'dropped',
    ),
    'fine',
  )
})
