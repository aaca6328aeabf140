import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { eventNames } from '../../../src/reporting/events.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { type AuthPacket, type ConnackPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { hashPassword } from '../../../src/plugins/password-hash.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { clientFinal } from '../../support/scram-client.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions } from '../../support/test-client.ts'
import { sluice } from '../cli/cli-support.ts'
import { CapturedLog } from './support.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'

const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciIsImV4cCI6OTk5OTk5OTk5OX0.c2lnbmF0dXJlc2lnbmF0dXJl'
const SHARED_SECRET = 'shared-secret-shared-secret-shared'
const HEADER_SECRET = 'header-secret'
const SECRETS = /hunter2|hunter3|eyJ|c2lnb|shared-secret|header-secret|\$6\$|\$2b\$|SCRAM-SHA-256\$/

/** What somebody typed who took one field for another. */
const TYPED = /hunter|eyJ|c2lnb/

const scramData = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('n,,n=bob,r=hunter3') }

const logins: [title: string, options: ConnectOptions][] = [
  ['a right password', { userName: 'bob', password: 'hunter2' }],
  ['a wrong password', { userName: 'bob', password: 'hunter3' }],
  ['a password for nobody', { userName: 'eve', password: 'hunter3' }],
  ['a token that is refused', { userName: 'x', password: TOKEN }],
  ['a token as the User Name', { userName: TOKEN }],
  ['a password to a plugin that throws it back', { userName: 'thrower', password: 'hunter3' }],
  ['an AUTH exchange', { properties: scramData }],
]

/** Has the secrets in the message, as a careless plugin does. */
const thrower = {
  name: 'thrower',
  authenticate: ({ userName, password }: { userName: string | undefined; password: Uint8Array | undefined }) => {
    if (userName === 'thrower') throw new Error(`cannot parse ${Buffer.from(password ?? []).toString()}`)
    return undefined
  },
}

/** A broker that tells everything: its log, and every event but the packets themselves. */
async function listening(auth: ConfigInput['auth']) {
  const logger = new CapturedLog()
  const plugins = ['event_logger_plugin', 'packet_logger_plugin']
  const broker = await VirtualBroker.start({ auth, plugins }, { logger })
  const told: string[] = []
  for (const name of eventNames.filter((each) => !each.startsWith('packet'))) {
    broker.broker.on(name, (event) => told.push(`${name} ${inspect(event, { depth: 9 })}`))
  }
  return { broker, all: () => [...logger.lines, ...told].join('\n') }
}

test('no password, token or key shows in a log line or an event, whatever becomes of the log-in', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-secrets-'))
  t.after(() => rm(folder, { recursive: true }))
  const path = (name: string): string => join(folder, name)
  await writeFile(path('passwords'), `bob:${await hashPassword('hunter2', 'sha512-crypt')}\n`)
  await writeFile(path('scram'), `bob:${await hashPassword('hunter2', 'scram-sha-256')}\n`)
  await writeFile(path('secret'), SHARED_SECRET)
  const auth: ConfigInput['auth'] = {
    plugins: ['auth.file', 'auth.jwt', 'auth.http', 'auth.scram', thrower],
    'password-file': path('passwords'),
    jwt: { 'secret-file': path('secret') },
    http: { url: 'http://127.0.0.1:1/', headers: { authorization: HEADER_SECRET } },
    scram: { file: path('scram') },
  }
  const told: string[] = []
  const logger = new CapturedLog()
  const plugins = ['event_logger_plugin', 'packet_logger_plugin']
  const broker = await VirtualBroker.start({ auth, plugins }, { logger })
  for (const name of eventNames) broker.broker.on(name, (event) => told.push(`${name} ${inspect(event, { depth: 9 })}`))

  for (const [title, options] of logins) {
    const [lines, events] = [logger.lines.length, told.length]
    const client = broker.connect(options)
    for (let n = 0; n < 1000 && client.packets.length === 0; n++) await broker.settle()
    const news = [...logger.lines.slice(lines), ...told.slice(events).filter((text) => !text.startsWith('packet'))]
    assert.ok(news.length > 0, `${title}: something is told`)
    assert.doesNotMatch(news.join('\n'), SECRETS, title)
    client.destroy()
  }
  await broker.close()
  assert.doesNotMatch(logger.lines.join('\n'), SECRETS)
})

test('no proof, key or password of SCRAM shows, whether the exchange goes well or not', async () => {
  const folder = scratchFolder()
  const line = await hashPassword('hunter2', 'scram-sha-256')
  await writeFile(join(folder, 'scram'), `bob:${line}\n`)
  const { broker, all } = await listening({ scram: { file: join(folder, 'scram') } })
  const secrets = [line.slice(line.lastIndexOf('$') + 1)]
  for (const password of ['hunter2', 'hunter3']) {
    const first = { authenticationMethod: 'SCRAM-SHA-256', authenticationData: Buffer.from('n,,n=bob,r=nonce') }
    const client = broker.connect({ properties: first })
    await broker.settle()
    const challenge = client.takeFirst(PacketType.AUTH) as AuthPacket
    const { message } = clientFinal(
      password,
      'n=bob,r=nonce',
      Buffer.from(challenge.properties.authenticationData!).toString(),
    )
    secrets.push(message.slice(message.indexOf(',p=') + 3))
    const properties = { ...first, authenticationData: Buffer.from(message) }
    client.send({ type: PacketType.AUTH, reasonCode: 0x18, properties })
    await broker.settle()
    assert.equal((client.take()[0] as ConnackPacket).reasonCode, password === 'hunter2' ? 0 : 0x86)
  }
  await broker.close()
  for (const secret of [...secrets, 'hunter']) assert.ok(!all().includes(secret), secret)
})

test('no password or header shows when the service that is asked throws them back', async (t) => {
  const service = createServer((request, response) => {
    void text(request).then((asked) => {
      response.statusCode = asked.includes('status') ? 500 : 200
      response.end(`${asked} ${request.headers.authorization}`)
    })
  })
  service.listen(0, '127.0.0.1')
  await once(service, 'listening')
  t.after(() => service.close().closeAllConnections())
  const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}/`
  const { broker, all } = await listening({ http: { url, headers: { authorization: HEADER_SECRET } } })
  for (const userName of ['status', 'nonsense']) {
    const client = broker.connect({ userName, password: 'hunter2' })
    while (!client.isClosed) await broker.settle()
  }
  await broker.close()
  assert.doesNotMatch(all(), SECRETS)
})

test('no key shows when certificates cannot be used, at start, in a reload or when files are renewed', async () => {
  const folder = scratchFolder()
  const authority = new TestAuthority('CA')
  const [one, other] = [authority.issue(), authority.issue()]
  const path = (name: string): string => join(folder, name)
  await writeFile(path('cert.pem'), one.certificate)
  await writeFile(path('key.pem'), one.key)
  await writeFile(path('other.pem'), other.key)
  await writeFile(path('broken.pem'), other.key.slice(0, -40))
  const listenersWith = (keyfile: string) => ({
    door: { bind: '127.0.0.1:0', ssl: true, certfile: path('cert.pem'), keyfile },
  })
  const logger = new CapturedLog()
  const told: string[] = []
  await using broker = await createBroker({ listeners: listenersWith(path('key.pem')) }, { logger })
  for (const keyfile of [path('other.pem'), path('broken.pem'), other.key]) {
    const reloaded = broker.reload({ listeners: listenersWith(keyfile) })
    const error = await reloaded.then(
      () => assert.fail(keyfile),
      (reason: unknown) => reason,
    )
    told.push(inspect(error, { depth: 9 }))
  }
  await writeFile(path('key.pem'), other.key)
  while (!logger.lines.some((each) => each.includes('cannot be used'))) await new Promise(setImmediate)
  const keyText = other.key.split('\n')[1]!
  assert.ok(told.length === 3 && keyText.length > 40)
  assert.ok(![...told, ...logger.lines].some((each) => each.includes(keyText)))
})

test('no secret shows in what `sluice check`, `passwd` and `explain` say', async () => {
  const folder = scratchFolder()
  const { key } = new TestAuthority('CA').issue()
  const configurations = [
    `auth: { http: { url: 'http://ann:hunter2@127.0.0.1:1/' } }`,
    `auth: { http: { url: 'ftp://ann:hunter2@127.0.0.1:1/' } }`,
    `auth: { http: 'http://ann:hunter2@127.0.0.1:1/' }`,
    `auth: { http: { url: 'http://127.0.0.1:1/', headers: { authorization: [hunter2] } } }`,
    `auth: { http: { url: 'http://127.0.0.1:1/', headers: hunter2 } }`,
    `auth: { jwt: { jwks-url: 'https://ann:hunter2@127.0.0.1/keys' } }`,
    `auth: { jwt: ${TOKEN} }`,
    `auth: { password-file: users }`,
    `auth: { scram: { file: users } }`,
    `listeners: { a: { bind: ':1', ssl: on, keyfile: ${JSON.stringify(key)}, certfile: ${JSON.stringify(key)} } }`,
    `listeners: { a: { bind: ':1', ssl: on, keyfile: users, certfile: users, cadata: [hunter2] } }`,
  ]
  await writeFile(join(folder, 'users'), 'ann:hunter2\n')
  for (const [index, configuration] of configurations.entries()) {
    await writeFile(join(folder, 'sluice.yaml'), `${configuration}\n`)
    const command = index === 0 ? ['explain', '--action', 'publish', '-t', 'a'] : ['check']
    const { code, out, err } = sluice([...command, '-c', 'sluice.yaml'], folder)
    assert.equal(code, 1, configuration)
    assert.doesNotMatch(out + err, TYPED, configuration)
    assert.ok(!(out + err).includes(key.split('\n')[1]!), configuration)
  }
  for (const [args, code] of [
    [['new', 'ann'], 0],
    [['users', 'ann'], 0],
    [['new', 'ann', 'hunter2'], 2],
    [['new', 'a:b'], 2],
  ] as const) {
    const finished = sluice(['passwd', ...args], folder, 'hunter2\n')
    assert.doesNotMatch(finished.out + finished.err, TYPED)
    assert.equal(finished.code, code, finished.err)
  }
})
