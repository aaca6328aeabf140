/** What a token of an OpenID provider may do, given what it says: what verifies it stands in here. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenFacts, TokenRefusal } from '../../../../src/admin/logins/provider-tokens.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { REMOTE, TestApi } from './support.ts'

const openid = {
  issuer: 'https://login.example',
  audience: 'sluice',
  roles: { viewer: ['everybody'], operator: ['ops', 'night shift'], administrator: ['root'] },
}
const ADMIN = { openid, 'max-request-rate': 0 } as ConfigInput['admin']

const said = new Map<string, TokenFacts | TokenRefusal | Error>()
const start = (admin = ADMIN): Promise<TestApi> =>
  TestApi.start(admin, {}, undefined, async (token) => {
    const answer = said.get(token) ?? { refused: 'unknown', isExpired: false }
    if (answer instanceof Error) throw answer
    return answer
  })
const asked = (token: string) => ({ address: REMOTE, headers: { authorization: `Bearer ${token}` } })

test('a token has the highest role that its claim gives, or none', async () => {
  const api = await start()
  for (const [values, overview, action, configuration] of [
    [['everybody'], 200, 403, 403],
    [['everybody', 'night shift'], 200, 404, 403],
    [['root', 'ops', 'everybody'], 200, 404, 200],
    [[], 403, 403, 403],
    [['Root', 'viewer', 'administrator'], 403, 403, 403],
  ] as const) {
    said.set('a.b.c', { name: 'ann', values, expiresAtMs: Infinity })
    const statuses = [
      (await api.ask('GET', '/overview', asked('a.b.c'))).status,
      (await api.ask('DELETE', '/sessions/x', asked('a.b.c'))).status,
      (await api.ask('GET', '/configuration', asked('a.b.c'))).status,
    ]
    assert.deepEqual(statuses, [overview, action, configuration], values.join())
  }
  const who = (await api.ask('GET', '/login', asked('a.b.c'))).value as { code: string }
  assert.equal(who.code, 'ERR_FORBIDDEN')
  await api.close()
})

test('the audit log has its name; one that no longer holds is answered 401, one of a provider that hangs 503', async (t) => {
  const api = await start()
  const lines: string[] = []
  t.mock.method(
    api.audit,
    'record',
    ({ who, what }: { who: string; what: string }) => void lines.push(`${who} ${what}`),
  )
  said.set('a.b.c', { name: 'ann\n', values: ['root'], expiresAtMs: Infinity })
  await api.ask('DELETE', '/sessions/x', asked('a.b.c'))
  assert.deepEqual(lines, ['openid ann\\u000a endSession'])
  said.set('a.b.c', { refused: 'ERR_JWT_EXPIRED', isExpired: true })
  for (let count = 0; count < 10; count++) {
    const { status, headers } = await api.ask('GET', '/overview', asked('a.b.c'))
    assert.deepEqual([status, headers['WWW-Authenticate']], [401, 'Bearer realm="sluice"'], 'no guess, so no wait')
  }
  said.set('a.b.c', new Error('the provider at https://login.example hangs'))
  const { status, text } = await api.ask('GET', '/overview', asked('a.b.c'))
  assert.equal(status, 503)
  assert.doesNotMatch(text, /login\.example/)
  assert.match(api.log.lines.join('\n'), /hangs/)
  await api.close()
})

test('wrong tokens make the next login from their address wait', async () => {
  const api = await start()
  const statuses = []
  for (let count = 0; count < 4; count++) statuses.push((await api.ask('GET', '/overview', asked('x.y.z'))).status)
  assert.deepEqual(statuses, [401, 401, 401, 429])
  assert.equal(api.test.broker.metrics.adminLoginsRefused, 4)
  await api.close()
})

test('events that a token follows end with it', async () => {
  const api = await start()
  said.set('a.b.c', { name: 'ann', values: ['everybody'], expiresAtMs: api.test.clock.wallNow() + 20_000 })
  const head = { method: 'GET', target: '/api/v1/events', isEncrypted: false, ...asked('a.b.c') }
  const headers = { ...head.headers, host: 'localhost' }
  const answer = await api.api.answer({ ...head, headers }, () => Promise.resolve(new Uint8Array()))
  let isClosed = false
  answer.follow!({ write: () => undefined, waitingBytes: 0, close: () => (isClosed = true) })
  api.test.advance(16_000)
  assert.equal(isClosed, false)
  api.test.advance(16_000)
  assert.equal(isClosed, true)
  await api.close()
})

test('without `admin.openid`, a token is a wrong key', async () => {
  const api = await start({})
  said.set('a.b.c', { name: 'ann', values: ['root'], expiresAtMs: Infinity })
  assert.equal((await api.ask('GET', '/overview', asked('a.b.c'))).status, 401)
  await api.close()
})
