/** API keys: who may do what with them over TCP, how they are kept, and what guessing costs. */
import assert from 'node:assert/strict'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import type { AdminRole } from '../../../../src/broker/host/api-key-views.ts'
import { ApiKeys, presentedKey } from '../../../../src/admin/api-keys.ts'
import { roles, type Operation } from '../../../../src/admin/operation.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { VirtualClock } from '../../../support/virtual-clock.ts'
import { REMOTE, TestApi } from './support.ts'

const operations = Object.entries(operationTable) as [string, Operation][]
const pathOf = ({ path }: Operation): string => path.replaceAll(/\{\w+\}/g, 'x')
const WRONG_KEY = `sluice_${'0'.repeat(12)}_${'A'.repeat(43)}`
const bearer = (key: string) => ({ headers: { authorization: `Bearer ${key}` } })

function keysFile(): string {
  return join(scratchFolder(), 'keys', 'admin-keys.json')
}

test('a key may do what its role may, and no more: every operation with every role', async () => {
  const api = await TestApi.start({ 'keys-file': keysFile(), 'max-request-rate': 0 })
  for (const role of roles) {
    const { headers } = await api.key(role)
    for (const [name, operation] of operations) {
      // What is not allowed is refused before its parameters are looked at; what is allowed fails for them.
      const { status } = await api.ask(operation.method, `${pathOf(operation)}?nonsense=1`, {
        address: REMOTE,
        headers,
      })
      const mayDo = roles.indexOf(role) >= roles.indexOf(operation.role)
      const isForbidden = !mayDo || operation.isLocal === true
      assert.equal(status, isForbidden ? 403 : 400, `${role}: ${name}`)
    }
    assert.equal((await api.ask('GET', '//metrics', { address: REMOTE, headers })).status, 200)
    assert.equal((await api.ask('GET', '/openapi.json', { address: REMOTE, headers })).status, 200)
  }
  await api.close()
})

test('a key is made, used, listed without its secret, and deleted', async () => {
  const path = keysFile()
  const api = await TestApi.start({ 'keys-file': path })
  const body = { name: 'deploy', role: 'operator', expiresInSeconds: 60 }
  const created = (await api.ask('POST', '/api-keys', { body })).value as { key: string; keyId: string }
  assert.match(created.key, /^sluice_[\da-f]{12}_[\w-]{43}$/)
  const use = () => api.ask('GET', '/overview', { address: REMOTE, ...bearer(created.key) })
  assert.equal((await use()).status, 200)
  const list = await api.ask('GET', '/api-keys')
  const [listed] = list.value as readonly Readonly<Record<string, unknown>>[]
  assert.deepEqual([listed!['keyId'], listed!['name'], listed!['role']], [created.keyId, 'deploy', 'operator'])
  assert.equal(typeof listed!['lastUsedAtMs'], 'number')
  const secret = created.key.split('_').slice(2).join('_')
  for (const text of [list.text, readFileSync(path, 'utf8')]) assert.ok(!text.includes(secret))
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.equal((await api.ask('DELETE', `/api-keys/${created.keyId}`)).status, 200)
  assert.equal((await use()).status, 401)
  assert.equal((await api.problem('DELETE', `/api-keys/${created.keyId}`)).parameter, 'keyId')
  await api.close()
})

test('a key expires', async () => {
  const api = await TestApi.start({ 'keys-file': keysFile() })
  const { headers } = await api.key('viewer', 60)
  const status = async () => (await api.ask('GET', '/overview', { address: REMOTE, headers })).status
  api.test.advance(59_000)
  assert.equal(await status(), 200)
  api.test.advance(1_001)
  assert.equal(await status(), 401)
  await api.close()
})

test('keys outlive the broker; a file that is not theirs is an error that names it', async () => {
  const path = keysFile()
  const clock = new VirtualClock()
  const keys = await ApiKeys.open(path, clock)
  const made = await Promise.all(roles.map((role: AdminRole) => keys.create({ name: role, role })))
  const again = await ApiKeys.open(path, clock)
  for (const { key, keyId } of made) assert.equal(again.check(presentedKey(key)!)?.keyId, keyId)
  assert.equal(await again.delete(made[0]!.keyId), true)
  assert.equal((await ApiKeys.open(path, clock)).all().length, 2)
  writeFileSync(path, '{"version":1,"keys":[{"keyId":"x"}]}')
  await assert.rejects(ApiKeys.open(path, clock), { code: 'ERR_ADMIN_KEYS', message: new RegExp(`${path}.*keys\\.0`) })
  writeFileSync(path, 'nonsense')
  await assert.rejects(ApiKeys.open(path, clock), { code: 'ERR_ADMIN_KEYS' })
})

test('a key that cannot be stored is not made', async () => {
  const place = join(scratchFolder(), 'keys')
  const api = await TestApi.start({ 'keys-file': join(place, 'keys.json') })
  writeFileSync(place, 'a file where the folder should be')
  const body = { name: 'x', role: 'viewer' }
  assert.equal((await api.problem('POST', '/api-keys', { body })).code, 'ERR_ADMIN_KEYS')
  assert.deepEqual((await api.ask('GET', '/api-keys')).value, [])
  await api.close()
  const without = await TestApi.start()
  assert.match((await without.problem('POST', '/api-keys', { body })).detail, /admin\.keys-file/)
  for (const name of ['', 'x'.repeat(65)]) {
    assert.equal((await without.problem('POST', '/api-keys', { body: { name, role: 'viewer' } })).code, 'ERR_USAGE')
  }
  await without.close()
})

test('whatever is not a key gets the same answer, and none of it is looked at as a key', async () => {
  const api = await TestApi.start(
    { 'keys-file': keysFile() },
    { auth: { 'max-login-delay-ms': 0, 'allow-anonymous': true } },
  )
  const { keyId } = await api.key('viewer')
  const answers = new Set<string>()
  for (const key of [
    WRONG_KEY,
    `sluice_${keyId}_${'A'.repeat(43)}`,
    'x',
    '__proto__',
    `sluice_${keyId}_`,
    'sluice_constructor_x',
  ]) {
    const { status, headers, text } = await api.ask('GET', '/overview', { address: REMOTE, ...bearer(key) })
    assert.deepEqual([status, headers['WWW-Authenticate']], [401, 'Bearer realm="sluice"'])
    answers.add(text)
  }
  assert.equal(answers.size, 1)
  for (const authorization of ['', 'Bearer', 'Basic eDp5', `bearer  ${keyId}`, 'Bearer a b']) {
    const { status } = await api.ask('GET', '/overview', { address: REMOTE, headers: { authorization } })
    assert.equal(status, 401, authorization)
  }
  await api.close()
})

test('wrong keys make the next one of their address wait, longer each time; a key known there is not delayed', async () => {
  const api = await TestApi.start({ 'keys-file': keysFile(), 'max-request-rate': 0 })
  const { headers } = await api.key('viewer')
  const right = async (address = REMOTE) => (await api.ask('GET', '/overview', { address, headers })).status
  const guess = async () => (await api.ask('GET', '/overview', { address: REMOTE, ...bearer(WRONG_KEY) })).status
  assert.equal(await right(), 200)
  for (let count = 0; count < 3; count++) assert.equal(await guess(), 401)
  assert.equal(await guess(), 429)
  assert.equal(await right(), 200, 'known from this address')
  const other = await api.key('viewer')
  assert.equal((await api.ask('GET', '/overview', { address: REMOTE, headers: other.headers })).status, 429)
  assert.equal((await api.ask('GET', '/overview', { address: '192.0.2.77', headers: other.headers })).status, 200)
  api.test.advance(251)
  assert.equal(await guess(), 401)
  api.test.advance(251)
  assert.equal(await guess(), 429)
  assert.ok(api.test.broker.metrics.adminLoginsRefused >= 6)
  await api.close()
})

test('a key is compared in constant time, as often for one that exists as for one that does not', async () => {
  const source = readFileSync(new URL('../../../../../src/admin/api-keys.ts', import.meta.url), 'utf8')
  assert.match(source, /timingSafeEqual\(hashOf\(secret\), expected\)/)
  const keys = await ApiKeys.open(keysFile(), new VirtualClock())
  assert.equal(keys.check(presentedKey(WRONG_KEY)!), undefined)
})
