import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { Directory } from '../../../src/access/directory/directory.ts'
import type { Client, Plugin } from '../../../src/access/plugin.ts'
import authStore from '../../../src/plugins/auth-store.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { deriveScramCredentials, formatScramCredentials } from '../../../src/plugins/scram-credentials.ts'
import { clientFinal } from '../../support/scram-client.ts'
import { emptyDirectory, remove, setUser } from './directory-support.ts'
import { answerOf, contextOf, decisionOf, requestOf } from './support.ts'

/** Of `secret`, in Mosquitto's fastest form. */
const hash = await hashPassword('secret', 'mosquitto-pbkdf2')
const scram = formatScramCredentials(deriveScramCredentials('secret', Buffer.from('salt-of-16-bytes'), 4096))

function made(t: TestContext, fill: (directory: Directory) => void): { plugin: Plugin; directory: Directory } {
  const directory = emptyDirectory()
  fill(directory)
  const plugin = authStore({ ...contextOf({}), directory })
  // The thread does not keep the process alive, and here nothing else does.
  const alive = setInterval(() => undefined, 60_000)
  t.after(async () => {
    clearInterval(alive)
    await plugin.close?.()
  })
  return { plugin, directory }
}

test('auth.store: the right password is allowed, any other denied; unknown names and missing credentials are left to others', async (t) => {
  const { plugin, directory } = made(t, (each) => {
    setUser(each, 'ann', { passwordHash: hash })
    setUser(each, 'card')
  })
  assert.equal(await decisionOf(plugin, requestOf('ann', 'secret')), 'allow')
  assert.equal(await decisionOf(plugin, requestOf('ann', 'wrong')), 'deny')
  assert.equal(await decisionOf(plugin, requestOf('card', 'secret')), undefined)
  assert.equal(await decisionOf(plugin, requestOf('eve', 'secret')), undefined)
  const check = plugin.authenticate!(requestOf('eve', 'secret'))
  assert.ok(check !== undefined && 'check' in check && check.isDecoy === true, 'which takes as long')
  remove(directory, 'user', 'ann')
  assert.equal(await decisionOf(plugin, requestOf('ann', 'secret')), undefined)
})

test('auth.store: a disabled user and another client identifier are denied, after the password was checked', async (t) => {
  const { plugin } = made(t, (directory) => {
    setUser(directory, 'gone', { passwordHash: hash, disabled: true })
    setUser(directory, 'bound', { passwordHash: hash, clientId: 'own' })
    setUser(directory, 'card', { disabled: true })
  })
  const answer = await answerOf(plugin, requestOf('gone', 'secret'))
  assert.deepEqual(answer, { decision: 'deny', cause: 'the user is disabled' })
  const wrong = await answerOf(plugin, requestOf('gone', 'wrong'))
  assert.deepEqual(wrong, { decision: 'deny', cause: 'wrong password' })
  assert.equal(await decisionOf(plugin, requestOf('card', undefined)), 'deny', 'whoever else would let it in')
  assert.equal(await decisionOf(plugin, { ...requestOf('bound', 'secret'), clientId: 'own' }), 'allow')
  assert.equal(await decisionOf(plugin, { ...requestOf('bound', 'secret'), clientId: 'other' }), 'deny')
  assert.equal(await decisionOf(plugin, { ...requestOf('bound', 'secret'), clientId: '' }), 'deny')
})

test('auth.store: SCRAM credentials admit their user by an exchange, and no password', async (t) => {
  const { plugin } = made(t, (directory) => setUser(directory, 'ann', { scram }))
  const base = { ...requestOf(undefined, undefined), authenticationMethod: 'SCRAM-SHA-256' }
  const first = await answerOf(plugin, { ...base, authenticationData: Buffer.from('n,,n=ann,r=abc') })
  assert.ok(first?.decision === 'continue')
  const data = Buffer.from(first.authenticationData!).toString()
  const final = clientFinal('secret', 'n=ann,r=abc', data)
  const last = { ...base, authenticationData: Buffer.from(final.message), exchangeState: first.exchangeState }
  const done = await answerOf(plugin, last)
  assert.equal(done?.decision === 'allow' && done.userName, 'ann')
  assert.equal(await decisionOf(plugin, requestOf('ann', 'secret')), undefined)
})

test('auth.store: a client stays as long as its user has the same credentials, is not disabled, and has that client identifier', async (t) => {
  const { plugin, directory } = made(t, (each) => setUser(each, 'ann', { passwordHash: hash }))
  const answer = await answerOf(plugin, requestOf('ann', 'secret'))
  assert.ok(answer?.decision === 'allow')
  const client = { clientId: 'c1', userName: 'ann', address: '', listener: '', protocolVersion: 5 } as Client
  const stays = (evidence: unknown = answer.evidence): unknown => plugin.mayStay!(client, evidence)
  assert.equal(stays(), true)
  setUser(directory, 'ann', { passwordHash: hash, clientId: 'c1' })
  assert.equal(stays(), true)
  setUser(directory, 'ann', { passwordHash: hash, clientId: 'c2' })
  assert.equal(stays(), false)
  setUser(directory, 'ann', { passwordHash: hash, disabled: true })
  assert.equal(stays(), false)
  assert.equal(stays(undefined), false, 'also if another plugin has admitted it')
  setUser(directory, 'ann', { passwordHash: await hashPassword('new', 'mosquitto-pbkdf2') })
  assert.equal(stays(), undefined)
  remove(directory, 'user', 'ann')
  assert.equal(stays(), undefined)
})
