import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MadeOnce } from '../../../src/admin/made-once.ts'

test('it is made once, when it is first asked for', async () => {
  let times = 0
  const made = new MadeOnce(() => Promise.resolve(++times))
  await made.ifMade(() => assert.fail('nobody has asked for it'))
  assert.equal(times, 0)
  assert.deepEqual([await made.get(), await made.get()], [1, 1])
  const seen: number[] = []
  await made.ifMade((value) => void seen.push(value))
  assert.deepEqual(seen, [1])
})

test('a failure goes to all who wait for it, and is not kept', async () => {
  let times = 0
  const made = new MadeOnce(() =>
    ++times === 1 ? Promise.reject(new Error('too many open files')) : Promise.resolve(times),
  )
  const both = [made.get(), made.get()]
  const unused = made.ifMade(() => assert.fail('it was not made'))
  for (const asked of both) await assert.rejects(asked, /too many open files/)
  await unused
  assert.equal(await made.get(), 2)
})
