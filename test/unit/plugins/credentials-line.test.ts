import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Credentials } from '../../../src/access/directory/directory.ts'
import { CredentialsLine } from '../../../src/plugins/credentials-line.ts'

/** A line whose hashes are made when the test says so. */
function lineOf() {
  const making: { readonly password: string; readonly end: (error?: Error) => void }[] = []
  const make = (password: string): Promise<Credentials> =>
    new Promise((resolve, reject) => {
      const end = (error?: Error): void =>
        error === undefined ? resolve({ passwordHash: password, scram: password }) : reject(error)
      making.push({ password, end })
    })
  const line = new CredentialsLine(make)
  /** Ends the one that was begun first. @returns its password */
  const next = async (error?: Error): Promise<string> => {
    const { password, end } = making.shift()!
    end(error)
    await new Promise((resolve) => setImmediate(resolve))
    return password
  }
  return { line, making, next }
}

test('callers take turns: one who sets many passwords delays others by one hash, and two are made at a time', async () => {
  const { line, making, next } = lineOf()
  const all = ['a1', 'a2', 'a3', 'a4', 'a5'].map((password) => line.run(password, 'a'))
  all.push(line.run('b1', 'b'), line.run('m1', undefined), line.run('b2', 'b'))
  assert.deepEqual(
    making.map(({ password }) => password),
    ['a1', 'a2'],
  )
  const order: string[] = []
  while (making.length > 0) order.push(await next())
  assert.deepEqual(order, ['a1', 'a2', 'a3', 'b1', 'm1', 'a4', 'b2', 'a5'])
  assert.deepEqual((await Promise.all(all)).map(({ scram }) => scram).toSorted(), order.toSorted())
})

test('a hash that fails is the error of its caller, and the others go on', async () => {
  const { line, next } = lineOf()
  const [one, other] = [line.run('1', 'a'), line.run('2', 'a')]
  const failed = assert.rejects(one, { message: 'out of memory' })
  await next(new Error('out of memory'))
  await failed
  await next()
  assert.equal((await other).passwordHash, '2')
})

test('callers elsewhere are refused once 1,000 passwords wait, and those on the machine never', async () => {
  const { line, making, next } = lineOf()
  const waiting = Array.from({ length: 1000 }, (_, at) => line.run(`${at}`, `${at % 7}`))
  await assert.rejects(line.run('x', 'late'), {
    code: 'ERR_LIMIT',
    message: /^1000 passwords wait to be hashed; try again/,
  })
  let isReset = false
  const reset = line.run('reset', undefined).then(() => (isReset = true))
  for (let hashes = 0; !isReset; hashes++) {
    assert.ok(hashes < 20, 'it waits for its turn, not for all of them')
    await next()
  }
  await reset
  while (making.length > 0) await next()
  await Promise.all(waiting)
  void line.run('y', 'late')
  assert.equal(making.length, 1)
})
