/**
 * A login lasts as long as what it rests on. For each plugin that ships: what a login rested on goes away, and its
 * Client is disconnected while another stays: without a reload where the plugin watches it, and with one, whichever
 * other plugins there are.
 */
import assert from 'node:assert/strict'
import { createSecretKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import * as jose from 'jose'
import type { AuthenticationAnswer, Plugin, PluginContext } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { JWKS_REFRESH_MS } from '../../../src/plugins/jwt-keys.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { deriveScramCredentials, formatScramCredentials } from '../../../src/plugins/scram-credentials.ts'
import { FILE_LOOK_INTERVAL_MS } from '../../../src/plugins/watched-file.ts'
import { clientFinal } from '../../support/scram-client.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settledUntil } from '../../support/until.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'

type Auth = Readonly<Record<string, unknown>>

/** What several cases work with. */
interface Place {
  readonly t: TestContext
  readonly folder: string
  write(name: string, text: string): string
}

function placeOf(t: TestContext): Place {
  const folder = scratchFolder()
  const write = (name: string, text: string): string => {
    const path = join(folder, name)
    writeFileSync(path, text)
    return path
  }
  return { t, folder, write }
}

async function start(t: TestContext, auth: Auth): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start({ auth })
  t.after(() => broker.close())
  return broker
}

async function logIn(broker: VirtualBroker, options: ConnectOptions): Promise<TestClient> {
  const client = broker.connect(options)
  await settledUntil(
    broker,
    `${options.clientId} is let in`,
    () => client.connack !== undefined || client.packets.length > 0,
  )
  client.connack ??= client.takeFirst(PacketType.CONNACK) as TestClient['connack']
  assert.equal(client.connack?.reasonCode, 0, options.clientId)
  return client
}

function assertRevoked(client: TestClient): void {
  const last = client.takeFirst(PacketType.DISCONNECT)
  assert.equal(last?.type === PacketType.DISCONNECT && last.reasonCode, ReasonCode.NotAuthorized)
}

/** A kind of login, and how what it rests on is taken away. */
interface Case {
  readonly title: string
  /** Milliseconds until the plugin notices by itself; `undefined` where only a reload tells it. */
  readonly noticedAfterMs: number | undefined
  readonly make: (place: Place) => Promise<Logins>
}

interface Logins {
  readonly auth: Auth
  readonly leaves: (broker: VirtualBroker) => Promise<TestClient>
  readonly stays: (broker: VirtualBroker) => Promise<TestClient>
  /** @returns the configuration from then on, where it is another one */
  readonly revoke: () => Auth | undefined
}

const byPassword = (clientId: string, userName: string, password: string) => (broker: VirtualBroker) =>
  logIn(broker, { clientId, userName, password })

async function passwords(
  place: Place,
  after: (hashes: Record<string, string>) => Record<string, string>,
): Promise<Logins> {
  const hash = (password: string) => hashPassword(password, 'mosquitto-pbkdf2')
  const hashes = { ann: await hash('ann-1'), bob: await hash('bob-1'), new: await hash('ann-2') }
  const write = (users: Record<string, string>) =>
    place.write(
      'users',
      Object.entries(users)
        .map(([user, line]) => `${user}:${line}\n`)
        .join(''),
    )
  return {
    auth: { 'password-file': write({ ann: hashes.ann, bob: hashes.bob }) },
    leaves: byPassword('leaves', 'ann', 'ann-1'),
    stays: byPassword('stays', 'bob', 'bob-1'),
    revoke: () => void write(after(hashes)),
  }
}

const METHOD = 'SCRAM-SHA-256'

function scram(clientId: string, user: string, password: string) {
  return async (broker: VirtualBroker): Promise<TestClient> => {
    const first = `n=${user},r=nonce`
    const properties = (text: string) => ({ authenticationMethod: METHOD, authenticationData: Buffer.from(text) })
    const client = broker.open()
    client.connect({ clientId, properties: properties(`n,,${first}`) })
    const challenge = client.takeFirst(PacketType.AUTH)
    assert.ok(challenge?.type === PacketType.AUTH)
    const { message } = clientFinal(password, first, Buffer.from(challenge.properties.authenticationData!).toString())
    client.send({ type: PacketType.AUTH, reasonCode: 0x18, properties: properties(message) })
    const connack = client.takeFirst(PacketType.CONNACK)
    assert.equal(connack?.type === PacketType.CONNACK && connack.reasonCode, 0)
    return client
  }
}

function scramLine(user: string, password: string): string {
  return `${user}:${formatScramCredentials(deriveScramCredentials(password, Buffer.from('0123456789abcdef'), 4096))}\n`
}

function byToken(clientId: string, key: KeyObject, alg: string, kid?: string, claims: object = {}) {
  return async (broker: VirtualBroker): Promise<TestClient> => {
    const expires = Math.floor(broker.clock.wallNow() / 1000) + 86_400
    const header = { alg, ...(kid !== undefined && { kid }) }
    const token = await new jose.SignJWT({ sub: clientId, exp: expires, ...claims })
      .setProtectedHeader(header)
      .sign(key)
    return logIn(broker, { clientId, userName: 'any', password: token })
  }
}

const SECRET = 'a shared secret of 32 bytes, or more'
const one = generateKeyPairSync('rsa', { modulusLength: 2048 })
const two = generateKeyPairSync('ec', { namedCurve: 'P-256' })

async function keySet(...kids: ('one' | 'two')[]): Promise<string> {
  const keys = kids.map(async (kid) => ({ ...(await jose.exportJWK({ one, two }[kid].publicKey)), kid }))
  return JSON.stringify({ keys: await Promise.all(keys) })
}

/** A web server with one answer at a time. */
async function serve(t: TestContext, answer: () => [status: number, body: string]): Promise<string> {
  const server = createServer((request, response) => {
    request.resume()
    const [status, body] = answer()
    response.writeHead(status, { 'content-type': 'application/json' }).end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
}

const signers = {
  leaves: byToken('leaves', one.privateKey, 'RS256', 'one'),
  stays: byToken('stays', two.privateKey, 'ES256', 'two'),
}

const CASES: readonly Case[] = [
  {
    title: 'auth.file: a user who is taken out of the file',
    noticedAfterMs: FILE_LOOK_INTERVAL_MS,
    make: (place) => passwords(place, ({ bob }) => ({ bob: bob! })),
  },
  {
    title: 'auth.file: a user whose password is changed',
    noticedAfterMs: FILE_LOOK_INTERVAL_MS,
    make: (place) => passwords(place, ({ bob, new: ann }) => ({ ann: ann!, bob: bob! })),
  },
  {
    title: 'auth.scram: a user whose credentials are changed',
    noticedAfterMs: FILE_LOOK_INTERVAL_MS,
    make: (place) => {
      const stays = scramLine('bob', 'pencil')
      return Promise.resolve({
        auth: { scram: { file: place.write('scram', scramLine('ann', 'crayon') + stays) } },
        leaves: scram('leaves', 'ann', 'crayon'),
        stays: scram('stays', 'bob', 'pencil'),
        revoke: () => void place.write('scram', scramLine('ann', 'another') + stays),
      })
    },
  },
  {
    title: 'auth.jwt: a key that leaves the key set in a file',
    noticedAfterMs: FILE_LOOK_INTERVAL_MS,
    make: async (place) => {
      const [both, rest] = [await keySet('one', 'two'), await keySet('two')]
      return {
        auth: { jwt: { 'key-file': place.write('keys', both) } },
        ...signers,
        revoke: () => void place.write('keys', rest),
      }
    },
  },
  {
    title: 'auth.jwt: a key that its issuer publishes no longer',
    noticedAfterMs: JWKS_REFRESH_MS,
    make: async ({ t }) => {
      let published = await keySet('one', 'two')
      const rest = await keySet('two')
      return {
        auth: { jwt: { 'jwks-url': await serve(t, () => [200, published]) } },
        ...signers,
        revoke: () => void (published = rest),
      }
    },
  },
  {
    title: 'auth.jwt: another issuer is demanded',
    noticedAfterMs: undefined,
    make: (place) => {
      const key = createSecretKey(Buffer.from(SECRET))
      const auth = { jwt: { 'secret-file': place.write('secret', SECRET) } }
      return Promise.resolve({
        auth,
        leaves: byToken('leaves', key, 'HS256', undefined, { iss: 'theirs' }),
        stays: byToken('stays', key, 'HS256', undefined, { iss: 'ours' }),
        revoke: () => ({ jwt: { ...auth.jwt, issuer: 'ours' } }),
      })
    },
  },
  {
    title: 'auth.http: a service that is asked again says no',
    noticedAfterMs: 60_000,
    make: async ({ t }) => {
      const url = await serve(t, () => [200, '{"decision":"allow"}'])
      let gone: readonly string[] = []
      const server = createServer((request, response) => {
        void (async () => {
          const chunks: Buffer[] = []
          for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk)
          const { userName, password } = JSON.parse(Buffer.concat(chunks).toString()) as Record<string, string>
          assert.equal(password, undefined)
          response.writeHead(gone.includes(userName!) ? 403 : 200).end('{"decision":"allow"}')
        })()
      }).listen(0, '127.0.0.1')
      await once(server, 'listening')
      t.after(() => {
        server.closeAllConnections()
        server.close()
      })
      const recheck = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
      return {
        auth: { http: { url, 'recheck-url': recheck, 'recheck-ms': 60_000 } },
        leaves: byPassword('leaves', 'ann', 'x'),
        stays: byPassword('stays', 'bob', 'x'),
        revoke: () => void (gone = ['ann']),
      }
    },
  },
  {
    title: 'auth.anonymous: switched off',
    noticedAfterMs: undefined,
    make: async (place) => {
      const { auth, stays } = await passwords(place, () => ({}))
      return {
        auth: { ...auth, 'allow-anonymous': true },
        leaves: (broker) => logIn(broker, { clientId: 'leaves' }),
        stays,
        revoke: () => ({ ...auth, 'allow-anonymous': false }),
      }
    },
  },
]

/** Plugins that have no part in it, and cannot say anything of those who are in. */
const OTHERS: readonly [title: string, auth: Auth][] = [
  ['alone', {}],
  [
    'beside a plugin of the host program that knows no mayStay',
    { plugins: [{ name: 'other', authenticate: () => undefined } satisfies Plugin] },
  ],
]

for (const { title, noticedAfterMs, make } of CASES) {
  for (const [beside, others] of OTHERS) {
    for (const how of ['without a reload', 'by a reload'] as const) {
      if (how === 'without a reload' && noticedAfterMs === undefined) continue
      test(`${title}, ${beside}, ${how}: that Client is disconnected, others stay`, async (t) => {
        const place = placeOf(t)
        const logins = await make(place)
        const besides = others as { plugins?: readonly Plugin[] }
        const config = (auth: Auth): Auth => {
          if (besides.plugins === undefined) return auth
          const names = pluginsOf(auth)
          return { ...auth, plugins: [...names, ...besides.plugins] }
        }
        const broker = await start(t, config(logins.auth))
        const causes: string[] = []
        broker.broker.on('clientDisconnected', ({ client, cause }) => causes.push(`${client.clientId}: ${cause}`))
        const [leaves, stays] = [await logins.leaves(broker), await logins.stays(broker)]
        await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: config(logins.auth) })
        await broker.settle()
        assert.deepEqual([leaves.isClosed, stays.isClosed], [false, false], 'a reload that changes nothing ends nobody')
        const auth = logins.revoke() ?? logins.auth
        if (how === 'by a reload') {
          await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: config(auth) })
        } else broker.advance(noticedAfterMs!)
        await settledUntil(broker, 'it is disconnected', () => leaves.isClosed)
        assertRevoked(leaves)
        await broker.settle()
        assert.deepEqual([stays.isClosed, causes], [false, ['leaves: login revoked']])
        assert.equal(broker.broker.metrics.loginsRevoked, 1)
      })
    }
  }
}

/** The plugins that a section implies, by name. */
function pluginsOf(auth: Auth): string[] {
  const implied = {
    'password-file': 'auth.file',
    scram: 'auth.scram',
    jwt: 'auth.jwt',
    http: 'auth.http',
    'allow-anonymous': 'auth.anonymous',
  }
  return Object.entries(implied).flatMap(([key, name]) => (key in auth ? [name] : []))
}

test('a user of the password file who leaves it is disconnected although auth.jwt is configured, too', async (t) => {
  const place = placeOf(t)
  const { auth, leaves, stays, revoke } = await passwords(place, ({ bob }) => ({ bob: bob! }))
  const all = { ...auth, jwt: { 'secret-file': place.write('secret', SECRET) } }
  const broker = await start(t, all)
  const tokenHolder = byToken('token', createSecretKey(Buffer.from(SECRET)), 'HS256')
  const clients = [await leaves(broker), await stays(broker), await tokenHolder(broker)]
  revoke()
  broker.advance(FILE_LOOK_INTERVAL_MS)
  await settledUntil(broker, 'it is disconnected', () => clients[0]!.isClosed)
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: all })
  await broker.settle()
  assert.deepEqual(
    clients.map(({ isClosed }) => isClosed),
    [true, false, false],
  )
})

test('a plugin that is gone from the configuration lets nobody stay', async (t) => {
  const place = placeOf(t)
  const { auth, leaves } = await passwords(place, (hashes) => hashes)
  const broker = await start(t, { ...auth, 'allow-anonymous': true })
  const [byFile, anonymous] = [await leaves(broker), await logIn(broker, { clientId: 'anonymous' })]
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: { 'allow-anonymous': true } })
  assert.deepEqual([byFile.isClosed, anonymous.isClosed], [true, false])
})

/** A plugin by hand: lets everybody in, when it is told to, and hears what it is asked. */
class Gate implements Plugin {
  readonly name = 'gate'
  context: PluginContext | undefined
  isOpen = true
  answer: () => Promise<AuthenticationAnswer> | AuthenticationAnswer = () => ({ decision: 'allow', evidence: 'shown' })
  asked = 0
  most = 0
  #under = 0
  isSlow = false

  authenticate() {
    return this.answer()
  }

  mayStay(_client: unknown, evidence: unknown): boolean | Promise<boolean> {
    assert.equal(evidence, 'shown')
    this.asked++
    if (!this.isSlow) return this.isOpen
    this.most = Math.max(this.most, ++this.#under)
    return new Promise((resolve) =>
      setImmediate(() => {
        this.#under--
        resolve(this.isOpen)
      }),
    )
  }
}

async function withGate(t: TestContext): Promise<{ gate: Gate; broker: VirtualBroker }> {
  const gate = new Gate()
  const broker = await start(t, {
    plugins: [
      {
        plugin: (context: PluginContext) => {
          gate.context = context
          return gate
        },
      },
    ],
  })
  return { gate, broker }
}

test('a login that was decided before a revocation and ends behind it is looked at again', async (t) => {
  const { gate, broker } = await withGate(t)
  let decide = (): void => {}
  gate.answer = () => new Promise((resolve) => (decide = () => resolve({ decision: 'allow', evidence: 'shown' })))
  for (const [isOpen, code] of [
    [true, 0],
    [false, ReasonCode.NotAuthorized],
  ] as const) {
    gate.isOpen = true
    const client = broker.open()
    client.connect({ clientId: 'c' })
    gate.isOpen = isOpen
    gate.context!.revoked()
    decide()
    await broker.settle()
    const connack = client.takeFirst(PacketType.CONNACK)
    assert.equal(connack?.type === PacketType.CONNACK && connack.reasonCode, code)
    client.disconnect()
  }
})

test('a Client whose CONNACK waits for the store is asked about, too', async (t) => {
  const gate = new Gate()
  const { MemoryDisk } = await import('../../../src/stores/memory-disk.ts')
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ auth: { plugins: [gate] }, persistence: {} }, { disk })
  t.after(() => broker.close())
  let finish = (): void => {}
  const busy = new Promise<void>((resolve) => (finish = resolve))
  disk.options.before = () => busy
  const client = broker.connect({ clientId: 'c', properties: { sessionExpiryInterval: 100 } })
  await broker.settle()
  assert.equal(client.connack, undefined)
  gate.isOpen = false
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: { plugins: [gate] }, persistence: {} })
  finish()
  await broker.settle()
  assert.deepEqual([client.isClosed, client.packets], [true, []])
})

test('plugins that answer later are asked about a few Clients at a time; a revocation meanwhile is not lost', async (t) => {
  const { gate, broker } = await withGate(t)
  const clients = Array.from({ length: 100 }, (_, at) => broker.connect({ clientId: `c${at}` }))
  gate.isSlow = true
  gate.context!.revoked()
  gate.context!.revoked()
  await broker.settle()
  gate.isOpen = false
  gate.context!.revoked()
  await settledUntil(broker, 'all are disconnected', () => clients.every(({ isClosed }) => isClosed))
  assert.ok(gate.most <= 16, `${gate.most} at once`)
  assert.equal(broker.broker.metrics.loginsRevoked, 100)
})

test('who is banned, or refused by a plugin that answers at once, goes while others wait for a plugin that never answers', async (t) => {
  const gone = new Set<string>()
  const quick: Plugin = {
    name: 'quick',
    authenticate: () => undefined,
    mayStay: ({ clientId }) => (gone.has(clientId) ? false : undefined),
  }
  let asked = 0
  const never: Plugin = {
    name: 'never',
    authenticate: () => ({ decision: 'allow' }),
    mayStay: () => (asked++, new Promise<boolean>(() => undefined)),
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [quick, never] } })
  t.after(() => broker.close())
  const clients = Array.from({ length: 100 }, (_, at) => broker.connect({ clientId: `c${at}` }))
  const { directory } = serverOf(broker.broker)
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: { plugins: [quick, never] } })
  await broker.settle()
  assert.equal(asked, 16)
  gone.add('c90')
  const entry = { kind: 'client-id', value: 'c80', reason: '', createdAtMs: 0, untilMs: undefined } as const
  directory.carryOut([{ type: 'ban', name: 'client-id:c80', entry }])
  await broker.settle()
  const ended = clients.flatMap(({ isClosed }, at) => (isClosed ? [at] : []))
  assert.deepEqual(ended, [80, 90])
  assert.equal(asked, 16, 'nobody else is asked')
})

test('a plugin that fails when it is asked whether a Client may stay has denied it', async (t) => {
  const { gate, broker } = await withGate(t)
  const client = broker.connect({ clientId: 'c' })
  gate.mayStay = () => {
    throw new Error('broken')
  }
  gate.context!.revoked()
  await broker.settle()
  assert.equal(client.isClosed, true)
})

test('a service that does not answer takes nobody’s login away', async (t) => {
  const url = await serve(t, () => [200, '{"decision":"allow"}'])
  const broken = await serve(t, () => [500, ''])
  const broker = await start(t, { http: { url, 'recheck-url': broken } })
  const client = await byPassword('c', 'ann', 'x')(broker)
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, auth: { http: { url, 'recheck-url': broken } } })
  for (let round = 0; round < 20; round++) await broker.settle()
  assert.equal(client.isClosed, false)
})
