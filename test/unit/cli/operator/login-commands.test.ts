/** `sluice admin link | reset | logins | end-login`, and what `sluice start` says about logging in. */
import assert from 'node:assert/strict'
import { Readable, Writable } from 'node:stream'
import { test } from 'node:test'
import { invite, type Host } from '../../../../src/cli/invitation.ts'
import { reset } from '../../../../src/cli/operator/admin-command.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { listLogger } from '../../../support/list-logger.ts'
import { operated, run } from './support.ts'

const URL_PATTERN = /http:\/\/127\.0\.0\.1:\d+/

test('a link logs in once; logins are listed and ended', async () => {
  const logger = listLogger()
  await using world = await operated({}, logger)
  assert.match((await world.show('admin', 'link')).err, /no browser can reach the HTTP API: set `admin\.bind`/)
  const listeners = { default: { bind: '127.0.0.1:0' } }
  await world.broker.reload({ listeners, admin: { socket: world.socket, bind: '127.0.0.1:0' } })
  const made = await world.show('admin', 'link')
  assert.match(made.err, /once and within ten minutes/)
  const [url, token] = made.out.split('/#token=') as [string, string]
  const logIn = () =>
    fetch(`${url}/api/v1/login`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json', Origin: url },
      body: JSON.stringify({ token }),
    })
  assert.equal((await logIn()).status, 200)
  assert.equal((await logIn()).status, 401)
  const [login] = (await world.run('admin', 'logins')).values
  assert.deepEqual([login!['role'], login!['address']], ['administrator', '127.0.0.1'])
  const loginId = String(login!['loginId'])
  assert.equal((await world.show('admin', 'end-login', loginId)).out, `the login ${loginId} has ended`)
  const gone = await world.show('admin', 'end-login', loginId)
  assert.deepEqual([gone.code, gone.err], [1, `there is no login "${loginId}"; \`sluice admin logins\` lists all`])
  assert.match((await world.show('admin', 'logins')).out, /^nobody is logged in/)

  const key = (await world.run('admin', 'add-key', 'x', '--role', 'administrator')).code
  assert.equal(key, 2, 'without a store there is no file for keys')
})

test('neither works from elsewhere, whatever the key may do', async () => {
  const logger = listLogger()
  await using world = await operated({}, logger)
  const folder = world.socket.replace(/admin\.sock$/, 'keys.json')
  const admin = { socket: world.socket, bind: '127.0.0.1:0', 'keys-file': folder }
  await world.broker.reload({ listeners: {}, users: {}, admin })
  const { key } = await world.broker.admin.createApiKey({ name: 'x', role: 'administrator' })
  const url = URL_PATTERN.exec(logger.lines.findLast((line) => URL_PATTERN.test(line))!)![0]
  const there = await run(['admin', 'link', '--url', url, '--api-key', key], true)
  assert.match(there.err, /createLoginLink is done only through the Unix domain socket of the broker/)
  const body = JSON.stringify({ password: 'x' })
  const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${key}` }
  const answer = await fetch(`${url}/api/v1/users/ann/reset`, { method: 'POST', headers, body })
  assert.equal(answer.status, 403)
  assert.equal(await world.broker.admin.user({ userName: 'ann' }), undefined)
})

test('`reset` lets an administrator in again, and everybody else out', async () => {
  await using world = await operated({ users: {}, bans: {} })
  const { admin } = world.broker
  await admin.putUser({ userName: 'ann', disabled: true, textName: 'Ann' })
  await admin.ban({ kind: 'user', value: 'ann' })
  const out: string[] = []
  const options = { socket: world.socket }
  const terminal = { out: (text: string) => void out.push(text), isInteractive: true }
  const call = { options, positionals: ['reset', 'ann'], terminal } as unknown as Parameters<typeof reset>[0]
  const prompt = { stdin: Readable.from(['correct horse\n']), stderr: new Writable() }
  assert.equal(await reset(call, 'ann', prompt), 0)
  assert.match(out[0]!, /^ann is an administrator with the new password; all logins and links have ended$/)
  const ann = await admin.user({ userName: 'ann' })
  assert.deepEqual(
    [ann?.disabled, ann?.hasPassword, ann?.textName, ann?.roles.map(({ name }) => name)],
    [false, true, 'Ann', ['administrator']],
  )
  assert.deepEqual((await admin.bans()).items, [])
  await using without = await operated()
  await assert.rejects(without.broker.admin.resetAdministrator({ userName: 'ann', password: 'x' }), {
    code: 'ERR_USAGE',
    message: /keeps no users: .*`sluice admin link`/,
  })
})

test('a terminal is shown a link until there is an administrator; a log never is', async () => {
  const urls = ['http://127.0.0.1:8083']
  const link = { urls: [`${urls[0]}/#token=secret`], expiresAtMs: 0 }
  const host: Host = { urls, hasAdministrator: false, createLoginLink: () => Promise.resolve(link) }
  const shown: string[] = []
  const [person, program] = [true, false].map((isInteractive) => ({
    isInteractive,
    out: (text: string) => void shown.push(text),
  }))
  await invite(host, silentLogger, person!)
  assert.match(shown.join(), /once and within ten minutes:\n {2}http:\/\/127\.0\.0\.1:8083\/#token=secret\n/)
  shown.length = 0
  const log = listLogger()
  await invite(host, log, program!)
  assert.match(log.lines.join(), /`sluice admin link` prints a link/)
  for (const other of [
    { ...host, hasAdministrator: true },
    { ...host, urls: [] },
  ])
    await invite(other, log, person!)
  assert.deepEqual([shown.length, log.lines.length], [0, 1])
})
