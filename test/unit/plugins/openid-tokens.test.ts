/**
 * Tokens of an OpenID provider: which hold, and what a provider can do to the broker. The provider is a server on this
 * machine.
 */
import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test, type TestContext } from 'node:test'
import * as jose from 'jose'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'
import { OpenIdTokens } from '../../../src/plugins/openid-tokens.ts'
import { ManualClock } from './support.ts'

/** The ManualClock's wall time, in seconds. */
const NOW = 1_700_000_000
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const stranger = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string

type Answering = (request: IncomingMessage, response: ServerResponse, clock: ManualClock) => void

class Provider {
  issuer = ''
  /** Paths that were asked for. */
  readonly asked: string[] = []
  keys: readonly { readonly kid: string; readonly key: KeyObject }[] = [{ kid: 'a', key: rsa.publicKey }]
  configuration: () => object = () => ({ issuer: this.issuer, jwks_uri: `${this.issuer}/keys` })
  /** Instead of the usual answers. */
  instead: ((request: IncomingMessage, response: ServerResponse) => void) | undefined

  async serve(t: TestContext): Promise<this> {
    const server = createServer((request, response) => void this.#answer(request, response))
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.after(() => {
      server.closeAllConnections()
      server.close()
    })
    this.issuer = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    return this
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.asked.push(request.url!)
    if (this.instead !== undefined) return this.instead(request, response)
    const keys = this.keys.map(async ({ kid, key }) => ({ ...(await jose.exportJWK(key)), kid }))
    response.end(JSON.stringify(request.url === '/keys' ? { keys: await Promise.all(keys) } : this.configuration()))
  }

  tokens(more: object = {}, clock = new ManualClock()): OpenIdTokens {
    const openid = { issuer: this.issuer, audience: 'sluice', roles: { viewer: ['ops'] }, ...more }
    const { admin } = resolveOptions({ admin: { openid } as ConfigInput['admin'] })
    return new OpenIdTokens(admin!.openid!, clock)
  }

  sign(claims: object = {}, { alg = 'RS256', kid = 'a' as string | null, key = rsa.privateKey } = {}): Promise<string> {
    const payload = { iss: this.issuer, aud: 'sluice', sub: 'ann', exp: NOW + 60, roles: ['ops'], ...claims }
    const known = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined))
    return new jose.SignJWT(known).setProtectedHeader({ alg, ...(kid !== null && { kid }) }).sign(key)
  }
}

const provide = (t: TestContext): Promise<Provider> => new Provider().serve(t)

test('a token holds: its name, its roles and its end; the provider is asked once', async (t) => {
  const provider = await provide(t)
  const tokens = provider.tokens()
  const expected = { name: 'ann', values: ['ops'], expiresAtMs: (NOW + 65) * 1000 }
  assert.deepEqual(await tokens.verify(await provider.sign()), expected)
  assert.deepEqual(await tokens.verify(await provider.sign()), expected)
  assert.deepEqual(provider.asked, ['/.well-known/openid-configuration', '/keys'])
})

test('roles come from a claim of any depth, as a list or in one string; the name from another claim', async (t) => {
  const provider = await provide(t)
  const valuesOf = async (rolesClaim: string, claims: object) => {
    const tokens = provider.tokens({ rolesClaim, nameClaim: 'email' })
    const answer = await tokens.verify(await provider.sign({ email: 'ann@example.com', ...claims }))
    assert.ok('values' in answer, JSON.stringify(answer))
    assert.equal(answer.name, 'ann@example.com')
    return answer.values
  }
  assert.deepEqual(await valuesOf('realm_access.roles', { realm_access: { roles: ['x', 5, null, 'y'] } }), ['x', 'y'])
  assert.deepEqual(await valuesOf('https://example.com/roles', { 'https://example.com/roles': ['x'] }), ['x'])
  assert.deepEqual(await valuesOf('scope', { scope: 'openid x' }), ['openid', 'x'])
  for (const claim of ['none', 'constructor.name', '__proto__', 'roles.length', 'sub.x']) {
    assert.deepEqual(await valuesOf(claim, {}), [], claim)
  }
})

const WRONG: Readonly<Record<string, (provider: Provider) => Promise<string> | string>> = {
  'that has expired': (provider) => provider.sign({ exp: NOW - 6 }),
  'without an end': (provider) => provider.sign({ exp: undefined }),
  'that is not valid yet': (provider) => provider.sign({ nbf: NOW + 6 }),
  'of another issuer': (provider) => provider.sign({ iss: 'https://evil.example' }),
  'without an issuer': (provider) => provider.sign({ iss: undefined }),
  'for another audience': (provider) => provider.sign({ aud: ['other', 'sluice2'] }),
  'without an audience': (provider) => provider.sign({ aud: undefined }),
  'without a name': (provider) => provider.sign({ sub: undefined }),
  'signed by a stranger': (provider) => provider.sign({}, { key: stranger.privateKey }),
  'signed with the public key as a secret (HS256)': (provider) =>
    provider.sign({}, { alg: 'HS256', key: createSecretKey(Buffer.from(pem(rsa.publicKey))) }),
  'without a signature (none)': (provider) =>
    new jose.UnsecuredJWT({ roles: ['ops'] })
      .setIssuer(provider.issuer)
      .setAudience('sluice')
      .setSubject('ann')
      .setExpirationTime(NOW + 60)
      .encode(),
  'that says it is signed by another kind of key': (provider) =>
    provider.sign({}, { alg: 'ES256', key: ec.privateKey }),
  'whose claims were changed': async (provider) => {
    const [head, , signature] = (await provider.sign()).split('.')
    const claims = { iss: provider.issuer, aud: 'sluice', sub: 'root', exp: NOW + 60, roles: ['ops'] }
    return `${head}.${Buffer.from(JSON.stringify(claims)).toString('base64url')}.${signature}`
  },
  'with a key of its own in its head': async (provider) => {
    const claims = { iss: provider.issuer, aud: 'sluice', sub: 'ann', exp: NOW + 60, roles: ['ops'] }
    const jwk = await jose.exportJWK(stranger.publicKey)
    const head = { alg: 'RS256', jwk, jku: 'http://127.0.0.1:1/keys', kid: 'a' }
    return new jose.SignJWT(claims).setProtectedHeader(head).sign(stranger.privateKey)
  },
  'that is none': () => 'a.b.c',
  'that is too long': (provider) => provider.sign({ more: 'x'.repeat(9_000) }),
}
for (const [what, make] of Object.entries(WRONG)) {
  test(`a token ${what} is refused`, async (t) => {
    const provider = await provide(t)
    const answer = await provider.tokens().verify(await make(provider))
    assert.ok('refused' in answer, JSON.stringify(answer))
    assert.equal(answer.isExpired, what === 'that has expired')
  })
}

test('`clockToleranceMs` and `maxTokenBytes` decide how late and how long a token may be', async (t) => {
  const provider = await provide(t)
  const late = await provider.sign({ exp: NOW - 6 })
  assert.ok('name' in (await provider.tokens({ clockToleranceMs: 10_000 }).verify(late)))
  assert.ok('refused' in (await provider.tokens({ clockToleranceMs: 0 }).verify(await provider.sign({ exp: NOW }))))
  const long = await provider.sign({ more: 'x'.repeat(9_000) })
  assert.ok('name' in (await provider.tokens({ maxTokenBytes: long.length }).verify(long)))
  const tooLong = await provider.tokens({ maxTokenBytes: long.length - 1 }).verify(long)
  assert.match('refused' in tooLong ? tooLong.refused : '', /^it is longer than admin\.openid\.max-token-bytes/)
})

test('whatever shows without a key costs the provider no request', async (t) => {
  const provider = await provide(t)
  const tokens = provider.tokens()
  for (const claims of [{ iss: 'https://evil.example' }, { more: 'x'.repeat(9_000) }]) {
    assert.ok('refused' in (await tokens.verify(await provider.sign(claims))))
  }
  const secret = createSecretKey(Buffer.from('x'.repeat(32)))
  assert.ok('refused' in (await tokens.verify(await provider.sign({}, { alg: 'HS256', key: secret }))))
  assert.deepEqual(provider.asked, [])
})

test('keys of another kind are used as they are meant; one without a name too', async (t) => {
  const provider = await provide(t)
  provider.keys = [
    { kid: 'a', key: rsa.publicKey },
    { kid: 'b', key: ec.publicKey },
  ]
  const tokens = provider.tokens()
  for (const kid of ['b', null]) {
    const answer = await tokens.verify(await provider.sign({}, { alg: 'ES256', kid, key: ec.privateKey }))
    assert.ok('name' in answer, JSON.stringify(answer))
  }
})

test('a key that the provider adds is fetched, but not for every token that asks for it', async (t) => {
  const provider = await provide(t)
  const tokens = provider.tokens()
  assert.ok('name' in (await tokens.verify(await provider.sign())))
  // Within half a minute `jose` does not ask again.
  for (let count = 0; count < 20; count++) {
    assert.ok('refused' in (await tokens.verify(await provider.sign({}, { kid: `made up ${count}` }))))
  }
  assert.equal(provider.asked.length, 2)
  provider.keys = [{ kid: 'new', key: stranger.publicKey }]
  const another = provider.tokens()
  assert.ok('name' in (await another.verify(await provider.sign({}, { kid: 'new', key: stranger.privateKey }))))
  assert.ok('refused' in (await another.verify(await provider.sign())), 'a key that was removed')
})

const FAILURES: Readonly<Record<string, readonly [Answering, RegExp]>> = {
  'does not answer': [
    (_, __, clock) => clock.advance(50),
    /did not answer within the timeout of 50 ms \(admin\.openid\.issuer\)/,
  ],
  'answers with an error': [(_, response) => void response.writeHead(500).end(), /answered with status 500/],
  'answers without end': [
    (_, response) => void response.end('x'.repeat(3_000)),
    /answered with more than 2000 bytes; .* admin\.openid\.max-answer-bytes/,
  ],
  'answers nonsense': [(_, response) => void response.end('<html>'), /answered, but not with the configuration of/],
  redirects: [
    (_, response) => void response.writeHead(302, { Location: 'http://127.0.0.1:1/' }).end(),
    /cannot be reached/,
  ],
}
for (const [what, [instead, message]] of Object.entries(FAILURES)) {
  test(`a provider that ${what} is no refusal, and is not asked again for half a minute`, async (t) => {
    const provider = await provide(t)
    const clock = new ManualClock()
    const tokens = provider.tokens({ fetchTimeoutMs: 50, maxAnswerBytes: 2_000 }, clock)
    const token = await provider.sign({ exp: NOW + 600 })
    provider.instead = (request, response) => instead(request, response, clock)
    for (let count = 0; count < 3; count++) await assert.rejects(tokens.verify(token), message)
    assert.equal(provider.asked.length, 1)
    provider.instead = undefined
    clock.advance(30_000)
    assert.ok('name' in (await tokens.verify(token)))
  })
}

test('a provider with another name, or with keys where anybody could answer, is not believed', async (t) => {
  const provider = await provide(t)
  provider.configuration = () => ({ issuer: 'https://evil.example', jwks_uri: `${provider.issuer}/keys` })
  await assert.rejects(provider.tokens().verify(await provider.sign()), /not with the configuration of/)
  for (const uri of [undefined, 5, 'file:///etc/passwd', 'nonsense']) {
    provider.configuration = () => ({ issuer: provider.issuer, jwks_uri: uri })
    await assert.rejects(provider.tokens().verify(await provider.sign()), /jwks_uri .* is no https address/)
  }
})

test('a provider that hangs holds few tokens, and none whose key is known', async (t) => {
  const provider = await provide(t)
  const tokens = provider.tokens({ fetchTimeoutMs: 60_000 })
  const known = await provider.sign()
  const seen: (() => void)[] = []
  const begun = new Promise<void>((resolve) => seen.push(resolve))
  const fresh = provider.tokens({ fetchTimeoutMs: 60_000 })
  assert.ok('name' in (await tokens.verify(known)))
  provider.instead = () => seen[0]!()
  const waiting = Array.from({ length: 16 }, () => fresh.verify(known).catch((error: unknown) => error))
  await begun
  await assert.rejects(fresh.verify(known), /too many tokens wait/)
  assert.ok('name' in (await tokens.verify(known)))
  provider.instead = undefined
  void waiting
})

test('a configuration without issuer, audience or roles, or with an issuer that anybody could play, is refused', () => {
  const problemsOf = (openid: object): string => {
    try {
      resolveOptions({ admin: { openid } as ConfigInput['admin'] })
      return ''
    } catch (error) {
      return (error as Error).message
    }
  }
  const right = { issuer: 'https://login.example', audience: 'sluice', roles: { viewer: ['x'] } }
  assert.equal(problemsOf(right), '')
  for (const key of ['issuer', 'audience', 'roles']) {
    assert.match(problemsOf({ ...right, [key]: undefined }), new RegExp(`admin\\.openid\\.${key} is missing`))
  }
  assert.match(problemsOf({ ...right, issuer: 'http://login.example' }), /must begin with https/)
  assert.equal(problemsOf({ ...right, issuer: 'http://127.0.0.1:8080' }), '')
  assert.match(problemsOf({ ...right, roles: { boss: ['x'] } }), /viewer, operator, administrator/)
})
