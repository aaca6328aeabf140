/** Logins to the HTTP API with a browser: by a link, by a password; what the cookie is worth, and when it ends. */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import type { LoginView } from '../../../../src/broker/host/login-views.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { NEW_ROLE, NEW_USER } from '../../../../src/admin/access/access-changes.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import type { BrokerEvents } from '../../../../src/access/broker-events.ts'
import { settled } from '../support.ts'
import { passwordOf, REMOTE, TestApi, type Got } from './support.ts'

const HOST = 'localhost:8083'
const BROWSER = { host: HOST, origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin' }

type Headers = Readonly<Record<string, string>>
interface LoggedIn {
  readonly got: Got
  /** What a page of this server sends from then on. */
  readonly headers: Headers
  readonly view: LoginView & { readonly requestToken: string }
}

async function start(t: TestContext, admin: ConfigInput['admin'] = {}): Promise<TestApi> {
  const api = await TestApi.start({ 'max-request-rate': 0, ...admin }, { users: {} })
  t.after(() => api.close())
  return api
}

function addUser(api: TestApi, userName: string, role: string, more: object = {}): void {
  const { directory } = serverOf(api.test.broker)
  const roles = [{ name: role, priority: 0, id: 0 }]
  directory.carryOut([
    { type: 'role', name: role, entry: NEW_ROLE },
    { type: 'user', name: userName, entry: { ...NEW_USER, passwordHash: `hash of ${userName}`, roles, ...more } },
  ])
}

async function logIn(api: TestApi, body: object, headers: Headers = BROWSER, address = REMOTE): Promise<LoggedIn> {
  const got = await api.ask('POST', '/login', { address, headers, body })
  const cookie = got.headers['Set-Cookie']?.split(';')[0] ?? ''
  const view = got.value as LoggedIn['view']
  return { got, view, headers: { ...headers, cookie, 'sluice-request-token': view.requestToken } }
}

const byLink = (api: TestApi, headers?: Headers): Promise<LoggedIn> =>
  logIn(api, { token: api.services.links.create().token }, headers)
const byName = (api: TestApi, userName: string, headers?: Headers): Promise<LoggedIn> =>
  logIn(api, { userName, password: passwordOf(userName) }, headers)

async function status(api: TestApi, headers: Headers, method = 'GET', path = '/overview'): Promise<number> {
  return (await api.ask(method, path, { address: REMOTE, headers })).status
}

test('a link logs in an administrator once, within ten minutes', async (t) => {
  const api = await start(t)
  const { token } = api.services.links.create()
  const { got, headers, view } = await logIn(api, { token })
  assert.equal(got.status, 200)
  assert.deepEqual([view.role, view.userName, view.address], ['administrator', undefined, REMOTE])
  assert.equal(await status(api, headers, 'GET', '/configuration'), 200)
  assert.equal((await logIn(api, { token })).got.status, 401)

  const late = api.services.links.create().token
  api.test.advance(600_000)
  assert.equal((await logIn(api, { token: late })).got.status, 401)
})

test('of links that nobody uses, the newest ten are valid', async (t) => {
  const api = await start(t)
  const tokens = Array.from({ length: 11 }, () => api.services.links.create().token)
  assert.equal((await logIn(api, { token: tokens[0]! })).got.status, 401)
  assert.equal((await logIn(api, { token: tokens[1]! })).got.status, 200)
})

test('a user logs in with the password, and may do what its role may', async (t) => {
  const api = await start(t)
  for (const role of ['viewer', 'operator', 'administrator']) addUser(api, `user-${role}`, role)
  for (const role of ['viewer', 'operator', 'administrator'] as const) {
    const { view, headers } = await byName(api, `user-${role}`)
    assert.deepEqual([view.userName, view.role], [`user-${role}`, role])
    assert.equal(await status(api, headers), 200)
    assert.equal(await status(api, headers, 'DELETE', '/sessions/none'), role === 'viewer' ? 403 : 404)
    assert.equal(await status(api, headers, 'GET', '/configuration'), role === 'administrator' ? 200 : 403)
    const who = (await api.ask('GET', '/login', { address: REMOTE, headers })).value as { name: string; role: string }
    assert.deepEqual([who.name, who.role], [`user user-${role}`, role])
  }
})

test('a wrong password, an unknown user and one without a password get the same answer', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'administrator')
  addUser(api, 'bob', 'administrator', { passwordHash: undefined })
  const answers = []
  for (const [userName, password] of [
    ['ann', 'wrong'],
    ['nobody', passwordOf('nobody')],
    ['bob', passwordOf('bob')],
  ]) {
    const { got } = await logIn(api, { userName, password }, BROWSER, `192.0.2.${answers.length + 1}`)
    answers.push(`${got.status} ${got.text}`)
  }
  assert.equal(new Set(answers).size, 1)
  assert.match(answers[0]!, /^401 /)
})

test('a user without a role, a disabled one and a banned one do not log in', async (t) => {
  const api = await start(t)
  addUser(api, 'root', 'administrator')
  addUser(api, 'device', 'meter')
  addUser(api, 'gone', 'viewer', { disabled: true })
  addUser(api, 'banned', 'viewer')
  await api.ask('POST', '/bans', { body: { kind: 'user', value: 'banned' } })
  for (const userName of ['device', 'gone', 'banned']) {
    assert.equal((await byName(api, userName)).got.status, 403, userName)
  }
})

const LOSSES: Readonly<Record<string, (api: TestApi) => void>> = {
  'its role': (api) => addUser(api, 'ann', 'meter'),
  'its password': (api) => addUser(api, 'ann', 'operator', { passwordHash: 'another' }),
  'the permission to log in': (api) => addUser(api, 'ann', 'operator', { disabled: true }),
  itself: (api) => void serverOf(api.test.broker).directory.carryOut([{ type: 'user', name: 'ann', entry: undefined }]),
}
for (const [what, lose] of Object.entries(LOSSES)) {
  test(`a user who loses ${what} is logged out at once`, async (t) => {
    const api = await start(t)
    addUser(api, 'ann', 'operator')
    const { headers } = await byName(api, 'ann')
    assert.equal(await status(api, headers), 200)
    lose(api)
    assert.equal(await status(api, headers), 401)
    assert.deepEqual(api.services.logins.all(), [])
  })
}

test('a user who gets another role may do what that may at once', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'administrator')
  const { headers } = await byName(api, 'ann')
  assert.equal(await status(api, headers, 'GET', '/configuration'), 200)
  addUser(api, 'ann', 'viewer')
  assert.equal(await status(api, headers, 'GET', '/configuration'), 403)
})

test('no script can read the cookie, no other site can make a browser send it, and under TLS no other host can set it', async (t) => {
  const api = await start(t)
  const plain = (await byLink(api)).got.headers['Set-Cookie']!
  assert.match(plain, /^sluice-login-8083=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict$/)
  const token = api.services.links.create().token
  const encrypted = { address: REMOTE, isEncrypted: true, headers: { host: 'localhost', origin: 'https://localhost' } }
  const got = await api.ask('POST', '/login', { ...encrypted, body: { token } })
  assert.match(
    got.headers['Set-Cookie']!,
    /^__Host-sluice-login=[\w-]{43}; Path=\/; HttpOnly; SameSite=Strict; Secure$/,
  )
  assert.equal(got.headers['Cache-Control'], 'no-store')
  // A proxy with TLS in front of it.
  const proxied = await byLink(api, { host: 'localhost', origin: 'https://localhost' })
  assert.match(proxied.got.headers['Set-Cookie']!, /^__Host-sluice-login=.*; Secure$/)
  assert.equal(await status(api, proxied.headers), 200)
})

test('the cookie alone is worth nothing, nor is the token alone, nor that of another login', async (t) => {
  const api = await start(t)
  const [one, other] = [await byLink(api), await byLink(api)]
  const { cookie, 'sluice-request-token': requestToken, ...rest } = one.headers as Record<string, string>
  assert.equal(await status(api, { ...rest, cookie: cookie! }), 401, 'a program at another port of this host')
  assert.equal(await status(api, { ...rest, 'sluice-request-token': requestToken! }), 401)
  const mixed = { ...one.headers, 'sluice-request-token': other.view.requestToken }
  assert.equal(await status(api, mixed), 401, 'a cookie that a page of another port has set')
  assert.equal(await status(api, { ...one.headers, cookie: 'sluice-login-8083=x; a=b; =; sluice-login-8083' }), 401)
  const many = Array.from({ length: 200 }, (_, at) => `sluice-login-8083=${String(at).padStart(43, 'B')}; `).join('')
  assert.equal(await status(api, { ...one.headers, cookie: `${many}${cookie}` }), 200, 'others lock nobody out')
  const beside = `sluice-login-8083=${'A'.repeat(43)}; ${cookie}`
  assert.equal(
    await status(api, { ...one.headers, cookie: beside }),
    200,
    'one that was set beside it does not lock out',
  )
})

test('what a page of another origin makes a browser send is refused, with a valid cookie too', async (t) => {
  const api = await start(t)
  const { headers } = await byLink(api)
  const { origin: _, 'sec-fetch-site': __, ...silent } = headers as Record<string, string>
  for (const foreign of [
    { ...silent, origin: 'http://evil.example' },
    { ...silent, origin: 'null' },
    { ...silent, origin: 'http://localhost:9999' },
    { ...silent, 'sec-fetch-site': 'cross-site' },
    { ...silent, 'sec-fetch-site': 'same-site' },
    silent,
  ]) {
    const { code } = await api.problem('DELETE', '/sessions/x', { address: REMOTE, headers: foreign })
    assert.equal(code, 'ERR_ORIGIN', JSON.stringify(foreign))
    if (foreign === silent) continue
    assert.equal(await status(api, foreign), 403)
    const body = { token: api.services.links.create().token }
    assert.equal((await api.ask('POST', '/login', { address: REMOTE, headers: foreign, body })).status, 403)
  }
  assert.equal(await status(api, { ...silent, 'sec-fetch-site': 'same-origin' }, 'DELETE', '/sessions/x'), 404)
  assert.equal(await status(api, silent), 200, 'browsers send no `Origin` with a GET to the same origin')
})

test('each login has secrets of its own, and ends the one that the browser had before', async (t) => {
  const api = await start(t)
  const first = await byLink(api)
  const second = await byLink(api, first.headers)
  assert.notEqual(first.headers['cookie'], second.headers['cookie'])
  assert.equal(await status(api, first.headers), 401)
  assert.equal(await status(api, second.headers), 200)
  const chosen = { ...BROWSER, cookie: `sluice-login-8083=${'B'.repeat(43)}`, 'sluice-request-token': 'x' }
  const { headers } = await byLink(api, chosen)
  assert.ok(!headers['cookie']!.includes('BBB'), 'a secret that somebody else has chosen is never taken')
})

test('logging out ends the login and removes the cookie', async (t) => {
  const api = await start(t)
  const { headers } = await byLink(api)
  const got = await api.ask('POST', '/logout', { address: REMOTE, headers })
  assert.equal(got.status, 204)
  assert.match(got.headers['Set-Cookie']!, /^sluice-login-8083=; .*Max-Age=0$/)
  assert.equal(await status(api, headers), 401)
  assert.equal((await api.ask('POST', '/logout')).status, 400, 'the socket has no login')
  assert.equal((await api.ask('GET', '/logout')).status, 405)
  assert.equal((await api.ask('DELETE', '/login')).status, 405)
})

test('`login-idle-timeout`: a login that is not used ends; `login-lifetime`: one that is used ends too', async (t) => {
  const api = await start(t, { 'login-idle-timeout': 60, 'login-lifetime': 150 })
  const [used, idle] = [await byLink(api), await byLink(api)]
  for (const expected of [200, 200]) {
    api.test.advance(50_000)
    assert.equal(await status(api, used.headers), expected)
  }
  assert.equal(await status(api, idle.headers), 401)
  api.test.advance(49_000)
  assert.equal(await status(api, used.headers), 200)
  api.test.advance(1_000)
  assert.equal(await status(api, used.headers), 401)
})

test('`max-logins`: the oldest of the user who has most of them ends', async (t) => {
  const api = await start(t, { 'max-logins': 3 })
  let crowded = 0
  api.services.logins.onCrowded = () => crowded++
  addUser(api, 'ann', 'administrator')
  addUser(api, 'script', 'viewer')
  const ann = await byName(api, 'ann')
  const scripts = []
  for (let count = 0; count < 5; count++) scripts.push(await byName(api, 'script'))
  assert.equal(await status(api, ann.headers), 200)
  assert.deepEqual(await Promise.all(scripts.map(({ headers }) => status(api, headers))), [401, 401, 401, 200, 200])
  assert.equal(crowded, 3)
})

test('administrators see who is logged in, without secrets, and can end one', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'viewer')
  const { headers, view } = await byName(api, 'ann')
  const { value, text } = await api.ask('GET', '/logins')
  const [listed] = value as LoginView[]
  assert.deepEqual([listed!.loginId, listed!.userName, listed!.role], [view.loginId, 'ann', 'viewer'])
  assert.equal(listed!.expiresAtMs - listed!.lastUsedAtMs, 1_800_000)
  for (const secret of [view.requestToken, headers['cookie']!.split('=')[1]!]) assert.ok(!text.includes(secret))
  assert.equal(await status(api, headers, 'GET', '/logins'), 403)
  assert.equal((await api.ask('DELETE', `/logins/${view.loginId}`)).status, 200)
  assert.equal(await status(api, headers), 401)
  assert.equal((await api.ask('DELETE', `/logins/${view.loginId}`)).status, 404)
})

test('events that a login follows end with it', async (t) => {
  const api = await start(t, { 'login-idle-timeout': 60 })
  const { headers, view } = await byLink(api)
  const target = '/api/v1/events'
  const answer = await api.api.answer({ method: 'GET', target, headers, address: REMOTE, isEncrypted: false }, () =>
    Promise.resolve(new Uint8Array()),
  )
  let isClosed = false
  answer.follow!({ write: () => undefined, waitingBytes: 0, close: () => (isClosed = true) })
  api.test.advance(30_000)
  assert.equal(isClosed, false)
  api.services.logins.end(view.loginId)
  api.test.advance(1000)
  assert.equal(isClosed, true)
})

test('the role counts when the body has arrived, not when the request began', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'administrator')
  const { headers } = await byName(api, 'ann')
  const head = { method: 'POST', address: REMOTE, isEncrypted: false }
  const asked = { ...head, headers: { ...headers, 'content-type': 'application/json' } }
  const statusAfter = async (target: string, body: object, change: () => void): Promise<number> => {
    const readBody = (): Promise<Uint8Array> => {
      change()
      return Promise.resolve(Buffer.from(JSON.stringify(body)))
    }
    return (await settled(api.test, api.api.answer({ ...asked, target: `/api/v1${target}` }, readBody))).status
  }
  const roles = { roles: ['administrator'] }
  assert.equal(await statusAfter('/users/eve', roles, () => addUser(api, 'ann', 'operator')), 403)
  assert.equal((await api.ask('GET', '/users/eve')).status, 404)
  const message = { topic: 'a', payload: '1' }
  assert.equal(await statusAfter('/publish', message, () => addUser(api, 'ann', 'operator', { disabled: true })), 401)
})

test('a view that takes seconds is not for one who has logged out meanwhile', async (t) => {
  const api = await start(t)
  const { headers, view } = await byLink(api)
  const target = '/api/v1/topics?seconds=2'
  const head = { method: 'GET', target, headers, address: REMOTE, isEncrypted: false }
  const answer = api.api.answer(head, () => Promise.resolve(new Uint8Array()))
  api.test.advance(1000)
  api.services.logins.end(view.loginId)
  assert.equal((await settled(api.test, answer)).status, 401)
})

test('a trace is no longer sent to one who has lost the role for it, or for those of others', async (t) => {
  for (const [owner, role] of [
    ['ann', 'viewer'],
    ['bob', 'operator'],
  ] as const) {
    const api = await start(t)
    addUser(api, 'ann', 'administrator')
    const { headers } = await byName(api, 'ann')
    addUser(api, 'bob', 'operator')
    const asked = { address: REMOTE, headers: (await byName(api, owner)).headers, body: { topicFilter: '#' } }
    const { traceId } = (await api.ask('POST', '/traces', asked)).value as { traceId: string }
    const target = `/api/v1/traces/${traceId}/events`
    const answer = await api.api.answer({ method: 'GET', target, headers, address: REMOTE, isEncrypted: false }, () =>
      Promise.resolve(new Uint8Array()),
    )
    let isClosed = false
    answer.follow!({ write: () => undefined, waitingBytes: 0, close: () => (isClosed = true) })
    api.test.advance(1000)
    assert.equal(isClosed, false)
    addUser(api, 'ann', role)
    api.test.advance(1000)
    assert.equal(isClosed, true, `the trace of ${owner} for one who is ${role} now`)
  }
})

test('wrong passwords and wrong links make the next login from that address wait, longer each time', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'administrator')
  addUser(api, 'bob', 'administrator')
  assert.equal((await byName(api, 'ann')).got.status, 200)
  const wrong = async () => (await logIn(api, { userName: 'bob', password: 'wrong' })).got.status
  assert.equal((await logIn(api, { token: 'x' })).got.status, 401)
  assert.deepEqual([await wrong(), await wrong(), await wrong()], [401, 401, 429])
  const waiting = await logIn(api, { userName: 'bob', password: passwordOf('bob') })
  assert.deepEqual([waiting.got.status, waiting.got.headers['Retry-After']], [429, '1'])
  assert.equal((await byName(api, 'ann')).got.status, 200, 'who has logged in from there before does not wait')
  api.test.advance(251)
  assert.equal(await wrong(), 401)
  api.test.advance(251)
  assert.equal(await wrong(), 429)
  assert.ok(api.test.broker.metrics.adminLoginsRefused >= 5)
})

test('many passwords at once are no way around the wait', async (t) => {
  const api = await start(t)
  addUser(api, 'ann', 'administrator')
  const guesses = Array.from({ length: 40 }, (_, at) => logIn(api, { userName: 'ann', password: `guess ${at}` }))
  const all = Promise.all(guesses)
  api.test.advance(1)
  api.test.advance(20_000)
  const statuses = (await all).map(({ got }) => got.status)
  assert.ok(statuses.filter((each) => each === 401).length <= 4, statuses.join())
  assert.equal(statuses.filter((each) => each === 429).length, 40 - statuses.filter((each) => each === 401).length)
})

test('what is not a login is refused by what it must be', async (t) => {
  const api = await start(t)
  for (const body of [
    {},
    [],
    'x',
    5,
    { token: '' },
    { token: 5 },
    { token: 'x', userName: 'y', password: 'z' },
    { userName: 'x' },
  ]) {
    const got = await api.ask('POST', '/login', { address: REMOTE, headers: BROWSER, body })
    assert.equal(got.status, 400, JSON.stringify(body))
  }
  const form = { ...BROWSER, 'content-type': 'text/plain' }
  const body = Buffer.from('{"token":"x"}')
  assert.equal((await api.ask('POST', '/login', { address: REMOTE, headers: form, body })).status, 415)
})

test('what operators do is an event, with what came of it and without secrets', async (t) => {
  const api = await start(t)
  const events: BrokerEvents['adminAction'][] = []
  api.test.broker.on('adminAction', (event) => void events.push(event))
  addUser(api, 'ann', 'operator')
  const { headers } = await byName(api, 'ann')
  await api.ask('POST', '/publish', { address: REMOTE, headers, body: { topic: 'a', payload: 'secret' } })
  await api.ask('DELETE', '/sessions/none', { address: REMOTE, headers })
  await api.ask('POST', '/users/bob', { body: { password: 5, 'pass-word': 'secret' } })
  await api.ask('GET', '/overview', { address: REMOTE, headers })
  assert.deepEqual(
    events.map(({ who, from, what, status, code }) => [who, from, what, status, code]),
    [
      ['user ann', REMOTE, 'login', 200, undefined],
      ['user ann', REMOTE, 'publish', 204, undefined],
      ['user ann', REMOTE, 'endSession', 404, 'ERR_NOT_FOUND'],
      ['local', '', 'putUser', 400, 'ERR_USAGE'],
    ],
  )
  assert.doesNotMatch(JSON.stringify(events), /secret/)
})

test('logging in and out are lines of the audit log; secrets are in no log', async (t) => {
  const lines: { who: string; what: string }[] = []
  const api = await start(t)
  t.mock.method(api.audit, 'record', (entry: { who: string; what: string }) => void lines.push(entry))
  addUser(api, 'ann', 'viewer')
  const { headers, view } = await byName(api, 'ann')
  await api.ask('POST', '/logout', { address: REMOTE, headers })
  const link = await byLink(api)
  await logIn(api, { userName: 'ann', password: 'a-wrong-password' })
  assert.deepEqual(
    lines.map(({ who, what }) => `${who}: ${what}`),
    ['user ann: login', 'user ann: logout', `link ${link.view.loginId}: login`],
  )
  const logged = JSON.stringify(lines) + api.log.lines.join('\n')
  for (const secret of ['a-wrong-password', view.requestToken, passwordOf('ann')]) assert.ok(!logged.includes(secret))
})
