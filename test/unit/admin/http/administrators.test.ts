/** What an operator cannot do to administrators, and nobody through the network to the last of them. */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test } from 'node:test'
import type { Credentials } from '../../../../src/access/directory/directory.ts'
import { importAccess } from '../../../../src/admin/access/access-import.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { settled } from '../support.ts'
import { REMOTE, TestApi } from './support.ts'

async function open(): Promise<TestApi> {
  const api = await TestApi.start({ 'keys-file': join(scratchFolder(), 'keys.json') }, { users: {} })
  const { admin } = api.test.broker
  await settled(api.test, admin.putRole({ name: 'administrator' }))
  for (const [userName, roles] of [
    ['ann', [{ name: 'administrator' }]],
    ['bob', [{ name: 'administrator' }]],
    ['guest', []],
  ] as const) {
    await settled(api.test, admin.putUser({ userName, roles }))
  }
  return api
}

test('an operator bans users, but no administrator, and ends no ban of one', async () => {
  const api = await open()
  const [operator, administrator] = [await api.key('operator'), await api.key('administrator')]
  const ban = (value: string, { headers }: typeof operator) =>
    api.ask('POST', '/bans', { body: { kind: 'user', value }, headers, address: REMOTE })
  assert.equal((await ban('guest', operator)).status, 200)
  const refused = await ban('ann', operator)
  assert.equal(refused.status, 403)
  assert.match(refused.text, /ann has the role administrator: a ban of that user takes the same role; key .* operator/)
  assert.equal((await ban('ann', administrator)).status, 200)
  const end = ({ headers }: typeof operator) =>
    api.ask('DELETE', '/bans?kind=user&value=ann', { headers, address: REMOTE })
  assert.equal((await end(operator)).status, 403)
  assert.equal((await end(administrator)).status, 200)
  await api.close()
})

test('the last administrator is not removed through the network, whatever takes the role; the refusal names the way out', async () => {
  const api = await open()
  const { headers } = await api.key('administrator')
  const as = (body?: object) => ({ headers, address: REMOTE, ...(body && { body }) })
  const { admin } = api.test.broker
  assert.equal((await api.ask('DELETE', '/users/bob', as())).status, 200, 'another one is left')
  const file = await settled(api.test, admin.exportAccess())
  const users = (file as unknown as { users: { userName: string }[] }).users.filter(
    ({ userName }) => userName !== 'ann',
  )
  const attempts: readonly (readonly [method: string, path: string, body?: object])[] = [
    ['DELETE', '/users/ann'],
    ['DELETE', '/roles/administrator'],
    ['POST', '/users/ann', { disabled: true }],
    ['POST', '/users/ann', { roles: [] }],
    ['POST', '/access-file', { file: { ...file, users }, replace: true }],
  ]
  for (const [method, path, body] of attempts) {
    const { code, detail } = await api.problem(method, path, as(body))
    assert.equal(code, 'ERR_USAGE', `${method} ${path}`)
    assert.match(detail, /give it to another user first; or do this on the machine .*`sluice admin reset NAME`/)
    assert.equal((await settled(api.test, admin.user({ userName: 'ann' })))?.disabled, false)
  }
  await api.close()
})

test('who can let somebody in again may remove the last administrator', async () => {
  const api = await open()
  assert.equal((await api.ask('DELETE', '/users/bob')).status, 200)
  assert.equal((await api.ask('DELETE', '/users/ann')).status, 200)
  await settled(api.test, api.test.broker.admin.putUser({ userName: 'cid', roles: [{ name: 'administrator' }] }))
  assert.equal(await settled(api.test, api.test.broker.admin.deleteUser({ userName: 'cid' })), true)
  await api.close()
})

test('a change that waits for the hash of a password is not carried out for a caller that has lost its role meanwhile', async () => {
  const api = await open()
  const { directory } = serverOf(api.test.broker)
  const hashing: (() => void)[] = []
  const makeCredentials = (): Promise<Credentials> =>
    new Promise((resolve) => hashing.push(() => resolve({ passwordHash: 'h', scram: 's' })))
  Object.defineProperty(directory, 'makeCredentials', { value: makeCredentials })
  const { headers, keyId } = await api.key('administrator')
  const body = { password: 'x', roles: ['administrator'] }
  const asked = api.ask('POST', '/users/mole', { body, headers, address: REMOTE })
  while (hashing.length === 0) await new Promise<void>((resolve) => setImmediate(resolve))
  assert.equal((await api.ask('DELETE', `/api-keys/${keyId}`)).status, 200)
  hashing.pop()!()
  const { status, text } = await asked
  assert.equal(status, 403)
  assert.match(text, /key .* has no longer the role administrator; nothing was changed/)
  assert.equal(directory.get('user', 'mole'), undefined)
  await api.close()
})

test('nor is an import, which takes many turns; its dry run is shown', async () => {
  const api = await open()
  const { broker } = api.test
  const file = { format: 'sluice-access', version: 1, users: [{ userName: 'mole' }] }
  const caller = { name: 'key 1', role: 'administrator', roleNow: () => undefined } as const
  const importAs = (dryRun: boolean) => settled(api.test, importAccess(broker, { file, dryRun }, { caller }))
  assert.deepEqual((await importAs(true)).added, ['user mole'])
  await assert.rejects(importAs(false), {
    code: 'ERR_FORBIDDEN',
    message: /^key 1 has no longer the role administrator/,
  })
  assert.equal(serverOf(broker).directory.get('user', 'mole'), undefined)
  await api.close()
})
