import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { gzipSync } from 'node:zlib'
import type { TestContext } from 'node:test'
import * as jose from 'jose'
import { Access } from '../../../src/access/access.ts'
import type { ConnectRequest, Plugin } from '../../../src/access/plugin.ts'
import authJwt from '../../../src/plugins/auth-jwt.ts'
import { FILE_LOOK_INTERVAL_MS } from '../../../src/plugins/watched-file.ts'
import { answerTo, CapturedLog, contextOf, decisionOf, ManualClock, requestOf } from './support.ts'

const SECRET = 'a shared secret of 32 bytes, or more'
/** The ManualClock's wall time, in seconds. */
const NOW = 1_700_000_000

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed = generateKeyPairSync('ed25519')
const pem = (key: KeyObject): string => key.export({ type: 'spki', format: 'pem' }) as string
const jwk = async (key: KeyObject, kid: string): Promise<jose.JWK> => ({ ...(await jose.exportJWK(key)), kid })

interface TokenParts {
  readonly claims?: Record<string, unknown>
  readonly alg?: string
  readonly kid?: string
  readonly key?: KeyObject
}

function tokenOf({
  claims,
  alg = 'HS256',
  kid,
  key = createSecretKey(Buffer.from(SECRET)),
}: TokenParts = {}): Promise<string> {
  const payload = { sub: 'meter', exp: NOW + 60, ...claims }
  const known = Object.fromEntries(Object.entries(payload).filter(([, value]) => value !== undefined))
  return new jose.SignJWT(known).setProtectedHeader({ alg, ...(kid !== undefined && { kid }) }).sign(key)
}

interface Setup {
  readonly plugin: Plugin
  readonly access: Access
  readonly log: CapturedLog
  readonly clock: ManualClock
  readonly folder: string
}

async function setUp(t: TestContext, files: Record<string, string>, jwt: Record<string, unknown>): Promise<Setup> {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-jwt-'))
  t.after(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text)
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  const plugin = await authJwt(contextOf({ jwt }, { baseFolder: folder, clock, log }))
  t.after(() => plugin.close?.())
  return {
    plugin,
    clock,
    log,
    folder,
    access: new Access({ loginPlugins: [plugin], topicPlugins: undefined, clock, log }),
  }
}

const withSecret = (t: TestContext, jwt: Record<string, unknown> = {}): Promise<Setup> =>
  setUp(t, { secret: `${SECRET}\n` }, { secretFile: 'secret', ...jwt })

const byToken = (token: string): ConnectRequest => requestOf('whoever', token)

test('auth.jwt: a good token names the Client and ends the log-in when it expires', async (t) => {
  const { plugin } = await withSecret(t)
  assert.deepEqual(await answerTo(plugin, byToken(await tokenOf())), {
    decision: 'allow',
    userName: 'meter',
    expiresAtMs: (NOW + 60) * 1000,
  })
})

const good: [title: string, jwt: Record<string, unknown>, parts: TokenParts][] = [
  ['HS512', {}, { alg: 'HS512', key: createSecretKey(Buffer.from(SECRET.repeat(2))) }],
  ['issuer and audience as demanded', { issuer: 'i', audience: 'a' }, { claims: { iss: 'i', aud: ['b', 'a'] } }],
  ['no expiry where none is demanded', { requireExpiry: false }, { claims: { exp: undefined } }],
  ['expired within the tolerance', { clockToleranceMs: 5000 }, { claims: { exp: NOW - 3 } }],
  ['another claim for the name', { userNameClaim: 'device' }, { claims: { device: 'd1' } }],
]
for (const [title, jwt, parts] of good) {
  test(`auth.jwt: ${title}: allowed`, async (t) => {
    const { plugin } = await setUp(
      t,
      { secret: title === 'HS512' ? SECRET.repeat(2) : SECRET },
      { secretFile: 'secret', ...jwt },
    )
    assert.equal(await decisionOf(plugin, byToken(await tokenOf(parts))), 'allow')
  })
}

const bad: [title: string, jwt: Record<string, unknown>, parts: TokenParts, cause: RegExp][] = [
  ['expired', {}, { claims: { exp: NOW - 1 } }, /ERR_JWT_EXPIRED/],
  ['not yet good', {}, { claims: { nbf: NOW + 9 } }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
  ['without expiry', {}, { claims: { exp: undefined } }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
  ['another issuer', { issuer: 'i' }, { claims: { iss: 'other' } }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
  ['another audience', { audience: 'a' }, { claims: { aud: 'other' } }, /ERR_JWT_CLAIM_VALIDATION_FAILED/],
  [
    'another secret',
    {},
    { key: createSecretKey(Buffer.from('x'.repeat(32))) },
    /ERR_JWS_SIGNATURE_VERIFICATION_FAILED/,
  ],
  ['an algorithm that is not allowed', { algorithms: ['HS512'] }, {}, /ERR_JOSE_ALG_NOT_ALLOWED/],
  ['an asymmetric algorithm for a secret', {}, { alg: 'RS256', key: rsa.privateKey }, /ERR_JOSE_ALG_NOT_ALLOWED/],
  ['no name', {}, { claims: { sub: undefined } }, /the claim sub is not a non-empty string/],
  ['an empty name', {}, { claims: { sub: '' } }, /the claim sub is not a non-empty string/],
]
for (const [title, jwt, parts, cause] of bad) {
  test(`auth.jwt: ${title}: denied, and the token shows nowhere`, async (t) => {
    const { access, log } = await withSecret(t, jwt)
    const token = await tokenOf(parts)
    const result = await access.authenticate(byToken(token), new Map())
    assert.ok(result.decision === 'deny')
    assert.match(result.cause, cause)
    const told = JSON.stringify([result, log.lines])
    for (const part of [...token.split('.'), SECRET]) assert.ok(!told.includes(part))
  })
}

test('auth.jwt: a token without a signature (alg none) is refused', async (t) => {
  const { plugin } = await withSecret(t)
  const [head, body] = [{ alg: 'none' }, { sub: 'admin', exp: NOW + 60 }].map((part) =>
    Buffer.from(JSON.stringify(part)).toString('base64url'),
  )
  assert.equal(await decisionOf(plugin, byToken(`${head}.${body}.AAAA`)), 'deny')
  assert.equal(await decisionOf(plugin, byToken(`${head}.${body}.`)), undefined)
})

test('auth.jwt: what is no token, and a CONNECT with an Authentication Method, is no business of the plugin', async (t) => {
  const { plugin } = await withSecret(t)
  for (const request of [requestOf(), requestOf('u'), requestOf('u', 'a.password'), requestOf('u', 'p.w d.x')]) {
    assert.equal(await decisionOf(plugin, request), undefined)
  }
  const exchange = { ...byToken(await tokenOf()), authenticationMethod: 'X' }
  assert.equal(await decisionOf(plugin, exchange), undefined)
})

test('auth.jwt: from: user-name takes the token from there', async (t) => {
  const { plugin } = await withSecret(t, { from: 'user-name' })
  const token = await tokenOf()
  assert.equal(await decisionOf(plugin, requestOf(token)), 'allow')
  assert.equal(await decisionOf(plugin, byToken(token)), undefined)
})

const keyFiles: [title: string, text: () => Promise<string> | string, parts: TokenParts][] = [
  ['an RSA key, RS256', () => pem(rsa.publicKey), { alg: 'RS256', key: rsa.privateKey }],
  ['an RSA key, PS512', () => pem(rsa.publicKey), { alg: 'PS512', key: rsa.privateKey }],
  ['an EC key, ES256', () => pem(ec.publicKey), { alg: 'ES256', key: ec.privateKey }],
  ['an Ed25519 key, EdDSA', () => pem(ed.publicKey), { alg: 'EdDSA', key: ed.privateKey }],
  ['a JWK', async () => JSON.stringify(await jwk(ec.publicKey, 'k')), { alg: 'ES256', kid: 'k', key: ec.privateKey }],
  [
    'a JWKS',
    async () => JSON.stringify({ keys: [await jwk(rsa.publicKey, 'r'), await jwk(ec.publicKey, 'e')] }),
    { alg: 'ES256', kid: 'e', key: ec.privateKey },
  ],
]
for (const [title, text] of [
  ['PEM', () => rsa.privateKey.export({ type: 'pkcs8', format: 'pem' }) as string],
  ['PEM of its own kind', () => ec.privateKey.export({ type: 'sec1', format: 'pem' }) as string],
  ['a JWK', () => JSON.stringify(ec.privateKey.export({ format: 'jwk' }))],
  ['a JWKS', () => JSON.stringify({ keys: [ed.privateKey.export({ format: 'jwk' })] })],
] as const) {
  test(`auth.jwt: a key-file with a private key as ${title} is refused, and not quoted`, async (t) => {
    await assert.rejects(setUp(t, { key: text() }, { keyFile: 'key' }), (error: Error) => {
      assert.match(error.message, /it contains a private key, .*openssl pkey -in FILE -pubout/)
      assert.doesNotMatch(error.message, /BEGIN|"d"/)
      return true
    })
  })
}

for (const [title, text, parts] of keyFiles) {
  test(`auth.jwt: key-file with ${title}`, async (t) => {
    const { plugin } = await setUp(t, { key: await text() }, { keyFile: 'key' })
    assert.equal(await decisionOf(plugin, byToken(await tokenOf(parts))), 'allow')
    // The classic trick: the public key's text taken as a shared secret.
    const forged = await tokenOf({ key: createSecretKey(Buffer.from(await text())) })
    assert.equal(await decisionOf(plugin, byToken(forged)), 'deny')
    const other = { ...parts, key: generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey, alg: 'ES256' }
    assert.equal(await decisionOf(plugin, byToken(await tokenOf(other))), 'deny')
  })
}

test('auth.jwt: a key file that changes is read again', async (t) => {
  const { plugin, clock, log, folder } = await setUp(t, { key: pem(rsa.publicKey) }, { keyFile: 'key' })
  const token = await tokenOf({ alg: 'ES256', key: ec.privateKey })
  assert.equal(await decisionOf(plugin, byToken(token)), 'deny')
  await writeFile(join(folder, 'key'), pem(ec.publicKey))
  clock.advance(FILE_LOOK_INTERVAL_MS)
  while (log.lines.length === 0) await new Promise(setImmediate)
  assert.equal(await decisionOf(plugin, byToken(token)), 'allow')
})

test('auth.jwt: jwks-url: keys are fetched once; when the issuer fails, the log-in does, and that is logged', async (t) => {
  let [requests, healthy] = [0, true]
  const keys = JSON.stringify({ keys: [await jwk(ec.publicKey, 'e')] })
  const server = createServer((_, response) => {
    requests++
    response.statusCode = healthy ? 200 : 500
    response.setHeader('connection', 'close').end(keys)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  const token = byToken(await tokenOf({ alg: 'ES256', kid: 'e', key: ec.privateKey }))

  const { plugin } = await setUp(t, {}, { jwksUrl })
  for (let n = 0; n < 5; n++) assert.equal(await decisionOf(plugin, token), 'allow')
  assert.equal(requests, 1)

  healthy = false
  const { access, log } = await setUp(t, {}, { jwksUrl })
  assert.equal((await access.authenticate(token, new Map())).decision, 'deny')
  assert.match(log.lines.join(), /plugin auth.jwt failed in authenticate/)
})

const refused: [title: string, jwt: unknown, message: RegExp][] = [
  ['no section', undefined, /requires the section `auth.jwt`/],
  ['no key', {}, /exactly one of key-file, jwks-url and secret-file/],
  ['two keys', { keyFile: 'a', secretFile: 'b' }, /exactly one of/],
  ['an unknown key', { secretFile: 'short', jwksUri: 'x' }, /auth.jwt.jwks-uri: unknown key/],
  ['a wrong type', { secretFile: 'short', requireExpiry: 'maybe' }, /auth.jwt.require-expiry: expected boolean/],
  ['an algorithm of the other kind', { secretFile: 'short', algorithms: ['RS256'] }, /RS256 cannot be used with/],
  ['a short secret', { secretFile: 'short' }, /short, the secret has 7 bytes; it must have at least 32/],
  ['a key file that is none', { keyFile: 'short' }, /short, it contains neither a key or certificate/],
]
for (const [title, jwt, message] of refused) {
  test(`auth.jwt: ${title} is an error at start that quotes no secret`, async (t) => {
    await assert.rejects(setUp(t, { short: 'hunter2' }, jwt as Record<string, unknown>), (error: Error) => {
      assert.equal(error.name, 'ConfigError')
      assert.match(error.message, message)
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  })
}

test('auth.jwt: fetch-timeout-ms: an issuer that does not answer in time is a deny', async (t) => {
  const server = createServer(() => undefined)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close().closeAllConnections())
  const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
  const { access, log } = await setUp(t, {}, { jwksUrl, fetchTimeoutMs: 20 })
  const token = byToken(await tokenOf({ alg: 'ES256', kid: 'e', key: ec.privateKey }))
  assert.equal((await access.authenticate(token, new Map())).decision, 'deny')
  assert.match(log.lines.join('\n'), /keys? did not answer within the timeout of 20 ms/)
})

const brokenIssuers: [title: string, answer: (response: ServerResponse) => void, problem: string][] = [
  ['status 404', (response) => void response.writeHead(404).end('{}'), 'answered with status 404'],
  ['no JSON', (response) => void response.end('<html>'), 'answered, but not with a JSON Web Key Set'],
  ['no key set', (response) => void response.end('{"key":1}'), 'answered, but not with a JSON Web Key Set'],
  ['a cut connection', (response) => void response.destroy(), 'cannot be reached: other side closed (UND_ERR_SOCKET)'],
]
for (const [title, answer, problem] of brokenIssuers) {
  test(`auth.jwt: jwks-url: the log names the address, without its query, and the cause (${title})`, async (t) => {
    const server = createServer((_, response) => answer(response))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close().closeAllConnections())
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    const lines = await linesOfFailure(t, `${address}?secret=hunter2`)
    assert.ok(lines.includes(`the issuer's key set at ${address} ${problem}`), lines)
    assert.doesNotMatch(lines, /hunter2/)
  })
}

test('auth.jwt: jwks-url: the log names the address and the cause (nothing listens there)', async (t) => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  await new Promise((resolve) => server.close(resolve))
  const lines = await linesOfFailure(t, `http://127.0.0.1:${port}/keys`)
  const address = `http://127.0.0.1:${port}/keys`
  assert.ok(lines.includes(`${address} cannot be reached: connect ECONNREFUSED 127.0.0.1:${port}`), lines)
})

test('auth.jwt: jwks-url: credentials in it are never logged', async (t) => {
  const lines = await linesOfFailure(t, 'http://me:hunter2@127.0.0.1:1/keys')
  assert.match(lines, /at http:\/\/127.0.0.1:1\/keys cannot be reached: its address must not contain credentials/)
  assert.doesNotMatch(lines, /hunter2/)
})

async function linesOfFailure(t: TestContext, jwksUrl: string): Promise<string> {
  const { access, log } = await setUp(t, {}, { jwksUrl })
  const token = byToken(await tokenOf({ alg: 'ES256', kid: 'e', key: ec.privateKey }))
  assert.equal((await access.authenticate(token, new Map())).decision, 'deny')
  return log.lines.join('\n')
}

const tooLong: [title: string, answer: (response: ServerResponse) => void][] = [
  ['announced', (response) => response.end(Buffer.alloc(2 ** 21, ' '))],
  ['in pieces', (response) => Array.from({ length: 40 }, () => response.write(Buffer.alloc(65_536, ' ')))],
  [
    'compressed',
    (response) => response.setHeader('content-encoding', 'gzip').end(gzipSync(Buffer.alloc(2 ** 23, ' '))),
  ],
]
for (const [title, answer] of tooLong) {
  test(`auth.jwt: max-answer-bytes: a key set that is too long (${title}) is given up, and the login denied`, async (t) => {
    const server = createServer((_, response) => answer(response.on('error', () => undefined)))
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    t.after(() => server.close().closeAllConnections())
    const address = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`
    const { access, log } = await setUp(t, {}, { jwksUrl: `${address}?secret=hunter2`, fetchTimeoutMs: 60_000 })
    const token = byToken(await tokenOf({ alg: 'ES256', kid: 'e', key: ec.privateKey }))
    assert.equal((await access.authenticate(token, new Map())).decision, 'deny')
    const lines = log.lines.join('\n')
    assert.ok(lines.includes(`${address} answered with more than 1048576 bytes`), lines)
    assert.match(lines, /raise auth.jwt.max-answer-bytes/)
    assert.doesNotMatch(lines, /hunter2/)
  })
}
