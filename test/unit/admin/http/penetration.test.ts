/**
 * What attackers try first, at every door of the HTTP API: the OWASP API Security Top 10 of 2023, and what browsers add
 * to it. Where a door has a test of its own for one of these, that is in `login.test.ts`, `openid.test.ts`,
 * `api-keys.test.ts`, `http-tls.test.ts` and `mounted-api.test.ts`; requests that are no valid HTTP are in
 * `http-door.test.ts`.
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { NEW_ROLE, NEW_USER } from '../../../../src/admin/access/access-changes.ts'
import { roles, type Operation, type ParameterRow } from '../../../../src/admin/operation.ts'
import { operationTable } from '../../../../src/admin/operation-table.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import type { AdminRole } from '../../../../src/broker/host/api-key-views.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'
import { passwordOf, REMOTE, TestApi, type Asked, type Got } from './support.ts'

const HOST = 'localhost:8083'
const BROWSER = { host: HOST, origin: `http://${HOST}`, 'sec-fetch-site': 'same-origin' }
const openid = {
  ...{ issuer: 'https://login.example', audience: 'sluice' },
  roles: { viewer: ['viewer'], operator: ['operator'], administrator: ['administrator'] },
}

async function start(t: TestContext, certificateRole: AdminRole = 'viewer'): Promise<TestApi> {
  const admin = {
    ...{ 'keys-file': join(scratchFolder(), 'keys.json'), 'max-request-rate': 0, openid },
    'certificate-role': certificateRole,
  }
  const config = { users: {}, auth: { 'max-login-delay-ms': 0, 'allow-anonymous': true } }
  const api = await TestApi.start(admin, config, undefined, async (token) => {
    const [, name = ''] = token.split('.')
    const isRole = (roles as readonly string[]).includes(name)
    return isRole ? { name, values: [name], expiresAtMs: Infinity } : { refused: 'wrong', isExpired: false }
  })
  t.after(() => api.close())
  return api
}

/** How to come through each door with a role. */
const DOORS: Readonly<Record<string, (api: TestApi, role: AdminRole) => Promise<Asked>>> = {
  key: async (api, role) => ({ address: REMOTE, ...(await api.key(role)) }),
  bearer: async (_, role) => ({ address: REMOTE, headers: { authorization: `Bearer a.${role}.c` } }),
  cookie: async (api, role) => ({ address: REMOTE, headers: await loggedIn(api, role) }),
  certificate: async () => ({ address: REMOTE, isEncrypted: true, certificateName: 'ann' }),
}

async function loggedIn(api: TestApi, role: AdminRole): Promise<Record<string, string>> {
  const { directory } = serverOf(api.test.broker)
  const entry = { ...NEW_USER, passwordHash: role, roles: [{ name: role, priority: 0, id: 0 }] }
  directory.carryOut([
    { type: 'role', name: role, entry: NEW_ROLE },
    { type: 'user', name: role, entry },
  ])
  const body = { userName: role, password: passwordOf(role) }
  const { headers, value } = await api.ask('POST', '/login', { address: REMOTE, headers: BROWSER, body })
  const { requestToken } = value as { requestToken: string }
  return { ...BROWSER, cookie: headers['Set-Cookie']!.split(';')[0]!, 'sluice-request-token': requestToken }
}

const operations = Object.entries(operationTable) as [string, Operation][]
const pathOf = ({ path }: Operation): string => path.replaceAll(/\{\w+\}/g, 'x')

for (const [door, enter] of Object.entries(DOORS)) {
  test(`${door}: every operation, with every role (API1, API5: broken authorization)`, async (t) => {
    for (const role of roles) {
      const api = await start(t, role)
      const asked = await enter(api, role)
      for (const [name, operation] of operations) {
        const { status } = await api.ask(operation.method, `${pathOf(operation)}?nonsense=1`, asked)
        const mayDo = roles.indexOf(role) >= roles.indexOf(operation.role) && operation.isLocal !== true
        assert.equal(status, mayDo ? 400 : 403, `${role}: ${name}`)
      }
      const { status } = await api.ask('GET', '/console', asked)
      assert.equal(status, role === 'viewer' ? 403 : 426, `${role}: console`)
    }
  })

  test(`${door}: a host that is not ours, and pages of others, with a valid login (DNS rebinding, CSRF)`, async (t) => {
    const api = await start(t, 'administrator')
    const asked = await enter(api, 'administrator')
    const code = async (method: string, path: string, headers: object) =>
      (await api.problem(method, path, { ...asked, headers: { ...asked.headers, ...headers } })).code
    for (const [method, path] of [
      ['GET', '/overview'],
      ['GET', '/events'],
      ['GET', '/console'],
      ['POST', '/publish'],
      ['DELETE', '/sessions/x'],
    ] as const) {
      assert.equal(await code(method, path, { host: 'evil.example', origin: 'http://evil.example' }), 'ERR_HOST')
      assert.equal(await code(method, path, { origin: 'https://evil.example' }), 'ERR_ORIGIN')
      assert.equal(await code(method, path, { origin: 'null' }), 'ERR_ORIGIN')
    }
  })

  test(`${door}: no answer lets pages of others read it, or scripts run in it (API8: misconfiguration)`, async (t) => {
    const api = await start(t, 'administrator')
    const asked = await enter(api, 'administrator')
    for (const [method, path] of [
      ['GET', '/overview'],
      ['GET', '/clients/none'],
      ['OPTIONS', '/overview'],
      ['GET', '//metrics'],
      ['GET', '//nothing'],
    ] as const) {
      const { headers } = await api.ask(method, path, asked)
      assert.ok(!Object.keys(headers).some((name) => /^(access-control-|server$|x-powered-by$)/i.test(name)), path)
      assert.equal(headers['X-Content-Type-Options'], 'nosniff')
      assert.match(headers['Content-Security-Policy']!, /frame-ancestors 'none'/)
      assert.match(headers['Cache-Control']!, /no-cache|no-store/)
    }
  })
}

test('what is right at one door is nothing at another (API2: broken authentication)', async (t) => {
  const api = await start(t)
  const { key } = await api.test.broker.admin.createApiKey({ name: 'x', role: 'administrator' })
  const cookie = await loggedIn(api, 'administrator')
  const [cookieName, cookieValue] = cookie['cookie']!.split('=') as [string, string]
  const link = api.services.links.create().token
  const requestToken = cookie['sluice-request-token']!
  for (const headers of [
    {},
    { authorization: `Bearer ${cookieValue}` },
    { authorization: `Bearer ${requestToken}` },
    { authorization: `Bearer ${link}` },
    { authorization: `Bearer x.${cookieValue}.y` },
    { authorization: `Basic ${Buffer.from(`administrator:${passwordOf('administrator')}`).toString('base64')}` },
    { authorization: key },
    { cookie: `${cookieName}=${key}`, 'sluice-request-token': requestToken, host: HOST },
    { cookie: `${cookieName}=${link}`, 'sluice-request-token': requestToken, host: HOST },
    { cookie: `${cookieName}=${requestToken}`, 'sluice-request-token': cookieValue, host: HOST },
    { cookie: `other=${cookieValue}`, 'sluice-request-token': requestToken, host: HOST },
    { 'x-api-key': key, 'x-forwarded-user': 'administrator', 'x-forwarded-for': '', 'x-real-ip': '127.0.0.1' },
  ]) {
    const { status } = await api.ask('GET', '/overview', { address: REMOTE, headers: { host: HOST, ...headers } })
    assert.equal(status, 401, JSON.stringify(headers))
  }
  for (const query of [`access_token=${key}`, `key=${key}`, `token=${link}`, `requestToken=${requestToken}`]) {
    assert.equal((await api.ask('GET', `/overview?${query}`, { address: REMOTE })).status, 401, query)
  }
  const body = { token: key }
  assert.equal((await api.ask('POST', '/login', { address: REMOTE, headers: BROWSER, body })).status, 401)
})

test('a key that is sent beside a login decides: nobody gets more by sending both', async (t) => {
  const api = await start(t, 'administrator')
  const cookie = await loggedIn(api, 'administrator')
  const { headers } = await api.key('viewer')
  const both = { ...cookie, ...headers }
  const asked = { address: REMOTE, isEncrypted: false, certificateName: 'ann', headers: both }
  assert.equal((await api.ask('GET', '/configuration', asked)).status, 403)
  const wrong = { ...both, authorization: 'Bearer sluice_000000000000_wrong' }
  assert.equal((await api.ask('GET', '/overview', { ...asked, headers: wrong })).status, 401)
})

test('a body changes only what the operation takes, and no prototype (API3: mass assignment)', async (t) => {
  const api = await start(t)
  const withBody = operations.filter(([, { parameters }]) =>
    (Object.values(parameters) as ParameterRow[]).some(({ place }) => place === 'body'),
  )
  assert.ok(withBody.length > 10)
  for (const [name, operation] of withBody) {
    for (const text of [
      '{"__proto__":{"isAdmin":true}}',
      '{"constructor":{"prototype":{"isAdmin":true}}}',
      '{"isAdmin":true}',
    ]) {
      const { status } = await api.ask(operation.method, pathOf(operation), {
        body: Buffer.from(text),
        headers: { 'content-type': 'application/json' },
      })
      assert.equal(status, 400, `${name}: ${text}`)
    }
  }
  assert.equal(({} as Record<string, unknown>)['isAdmin'], undefined)
})

test('bodies that take more than they give are refused (API4: resource consumption)', async (t) => {
  const api = await start(t)
  const headers = { 'content-type': 'application/json' }
  for (const text of [
    `{"configuration":${'['.repeat(50_000)}${']'.repeat(50_000)}}`,
    `{"configuration":${'{"a":'.repeat(33)}1${'}'.repeat(33)}}`,
    '{"configuration":{"a":1e999999}}',
    `{${Array.from({ length: 20_000 }, (_, at) => `"k${at}":1`).join()}}`,
    '{"a":1}{"a":1}',
    '{"configuration":"\\ud800',
  ]) {
    const { status } = await api.ask('POST', '/reload', { body: Buffer.from(text), headers })
    assert.ok(status === 400 || status === 422, `${status}: ${text.slice(0, 40)}`)
  }
  const compressed = { ...headers, 'content-encoding': 'gzip' }
  assert.equal((await api.ask('POST', '/reload', { body: Buffer.from('{}'), headers: compressed })).status, 415)
})

test('no path leads to a file, or to another version (path traversal; API9: improper inventory)', async (t) => {
  const api = await start(t)
  const { headers } = await api.key('administrator')
  for (const path of [
    ...['//../../etc/passwd', '//..%2f..%2fetc%2fpasswd', '//%2e%2e/%2e%2e/etc/passwd', '//..\\..\\etc\\passwd'],
    ...[
      '//assets/../../package.json',
      '//assets/..%2f..%2fpackage.json',
      '//assets/%00',
      '//.env',
      '//index.html%00.js',
    ],
    ...['//api/v1/../v1/overview', '//api//v1/overview', '//api/V1/overview', '//api/v2/overview', '//api/v0/overview'],
    ...['//API/v1/overview', '//api/v1/overview/', '//api/v1/overview;x=1', '//api/v1', '//api', '//debug', '//admin'],
    ...['//api/v1/%6fverview/x', '//metrics/', '//health', '//health/live/..', '//proc/self/environ'],
  ]) {
    const { status, text } = await api.ask('GET', path, { address: REMOTE, headers })
    assert.equal(status, 404, path)
    assert.doesNotMatch(text, /root:|"name": "sluice"/)
  }
  for (const path of ['/clients/%', '/clients/%zz', '/clients/%ff%fe']) {
    assert.equal((await api.ask('GET', path, { address: REMOTE, headers })).status, 400, path)
  }
  assert.equal((await api.ask('GET', '/clients/..%2f..%2fetc%2fpasswd', { address: REMOTE, headers })).status, 404)
})

test('nothing that is sent comes back in a header, or breaks a line of a log (header and log injection)', async (t) => {
  const api = await start(t)
  const evil = 'x\r\nSet-Cookie: a=b\r\n\r\n<script>'
  const answers: Got[] = []
  const encoded = encodeURIComponent(evil)
  const requests: readonly (readonly [method: string, path: string, asked: Asked])[] = [
    ['GET', `/clients/${encoded}`, {}],
    ['GET', `/clients?cursor=${encoded}`, {}],
    ['GET', `/overview?${encoded}=1`, {}],
    [evil, '/overview', {}],
    ['GET', `//${encoded}`, {}],
    ['GET', '/overview', { address: REMOTE, headers: { host: evil } }],
    ['GET', '/overview', { address: REMOTE, headers: { host: HOST, origin: evil } }],
    ['GET', '/overview', { address: REMOTE, headers: { host: HOST, authorization: `Bearer ${evil}` } }],
    ['POST', '/login', { address: REMOTE, headers: BROWSER, body: { userName: evil, password: evil } }],
    ['POST', '/login', { address: REMOTE, headers: { ...BROWSER, host: `${HOST};Domain=evil` }, body: { token: 'x' } }],
    ['GET', '/overview', { headers: { 'if-none-match': evil } }],
  ]
  for (const [method, path, asked] of requests) answers.push(await api.ask(method, path, asked))
  for (const { headers } of answers) {
    for (const [name, value] of Object.entries(headers)) assert.doesNotMatch(`${name}${value}`, /[\r\n<]|a=b/)
    assert.notEqual(headers['Content-Type']?.startsWith('text/html'), true)
  }
  assert.ok(api.log.lines.every((line) => !/[\r\n]/.test(line)))
})

test('the method that is sent is the one that counts, and a parameter counts once (verb tampering, parameter pollution)', async (t) => {
  const api = await start(t)
  const { headers } = await api.key('viewer')
  const override = {
    ...headers,
    'x-http-method-override': 'DELETE',
    'x-http-method': 'DELETE',
    'x-method-override': 'DELETE',
  }
  assert.equal((await api.ask('GET', '/sessions/x', { address: REMOTE, headers: override })).status, 404)
  assert.equal((await api.ask('POST', '/sessions/x', { address: REMOTE, headers: override })).status, 405)
  assert.equal((await api.ask('HEAD', '/sessions/x', { address: REMOTE, headers })).status, 404)
  for (const method of ['TRACE', 'CONNECT', 'PATCH', 'get', 'PUT']) {
    assert.equal((await api.ask(method, '/overview', { address: REMOTE, headers })).status, 405, method)
  }
  for (const query of ['limit=1&limit=2', 'userName=a&userName=b', 'limit[]=1', 'limit=1;cursor=x']) {
    assert.equal((await api.ask('GET', `/clients?${query}`, { address: REMOTE, headers })).status, 400, query)
  }
})

test('what is refused reveals neither what there is nor how it is made (API3: exposure)', async (t) => {
  const api = await start(t)
  const { headers } = await api.key('viewer')
  const get = (path: string) => api.ask('GET', path, { address: REMOTE, headers })
  const hidden = [await get('/users/administrator'), await get('/users/nobody')].map(
    ({ status, text }) => `${status}${text}`,
  )
  assert.equal(hidden[0], hidden[1], 'a viewer does not learn who is a user')
  for (const path of ['/clients?limit=x', '/nothing', '/clients/x']) {
    assert.doesNotMatch((await get(path)).text, /\.(ts|js):|node_modules|at .*\(|stack/)
  }
})

test('the socket believes no browser, and its requests are those of one who may open it', async (t) => {
  const api = await start(t)
  assert.equal(
    (await api.problem('GET', '/overview', { headers: { origin: 'http://evil.example' } })).code,
    'ERR_ORIGIN',
  )
  assert.equal((await api.ask('GET', '/configuration')).status, 200)
})
