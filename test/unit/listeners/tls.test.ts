import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { connect as connectPlain, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { ListenerInput, ListenerOptions } from '../../../src/config/options.ts'
import { checkListenerFiles, openListener, type Listener } from '../../../src/listeners/listener.ts'
import { TestAuthority, type Identity } from '../../support/certificates.ts'
import { closed } from '../../support/closed.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'
import { clientsOf } from '../../support/sessions.ts'

const authority = new TestAuthority('Works CA')
const stranger = new TestAuthority('Another CA')
const server = authority.issue({ subject: [['CN', 'server']], names: ['DNS:localhost', 'IP:127.0.0.1'] })
const device = authority.issue({
  subject: [
    ['O', 'Works, Inc'],
    ['CN', 'pump-7'],
  ],
  names: ['IP:192.0.2.7', 'DNS:pump-7.works.example', 'URI:urn:pump:7'],
})
const revoked = authority.issue({ subject: [['CN', 'stolen']] })
const expired = authority.issue({ subject: [['CN', 'old']], expired: true })
const foreign = stranger.issue({ subject: [['CN', 'pump-7']] })

/** A folder with a server's files in it, gone after the test. */
async function folder(context: TestContext, files: Readonly<Record<string, string>> = {}): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'sluice-tls-'))
  context.after(() => rm(path, { recursive: true }))
  const all = { 'cert.pem': server.certificate, 'key.pem': server.key, 'ca.pem': authority.certificate, ...files }
  for (const [name, content] of Object.entries(all)) await writeFile(join(path, name), content)
  return path
}

function tlsInput(path: string) {
  return { bind: '127.0.0.1:0', ssl: true, certfile: join(path, 'cert.pem'), keyfile: join(path, 'key.pem') } as const
}

function secured(path: string, input: ListenerInput = {}) {
  return listenerOptions({ ...tlsInput(path), ...input })
}

async function serve(
  context: TestContext,
  path: string,
  input: ListenerInput = {},
  settings: Partial<ListenerOptions> = {},
) {
  const host = new RecordingHost()
  const listener = await openListener({ ...secured(path, input), ...settings }, host)
  context.after(() => listener.close())
  return { host, listener }
}

function dial(context: TestContext, { port }: Listener, options: ConnectionOptions = {}): TLSSocket {
  const socket = connect({
    host: '127.0.0.1',
    port: port!,
    ca: authority.certificate,
    servername: 'localhost',
    ...options,
  })
  socket.on('error', () => {})
  context.after(() => socket.destroy())
  return socket
}

function shown(identity: Identity | undefined): ConnectionOptions {
  return identity === undefined ? {} : { cert: identity.certificate, key: identity.key }
}

test('MQTT over TLS: encrypted, both ways, with large writes and an orderly end [5.0 U-1.6-1, U-4.2-1]', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  assert.match(listener.url, /^mqtts:\/\/127\.0\.0\.1:\d+$/)
  const client = dial(context, listener)
  client.write('question')
  const connection = await (await host.connection()).untilReceived('question')
  const { certificate, tls, ...peer } = connection.peer
  assert.equal(certificate?.problem, undefined)
  const { version, serverName, certificate: shownCertificate } = tls!.view()
  assert.deepEqual([version, serverName, shownCertificate], ['TLSv1.3', 'localhost', undefined])
  assert.deepEqual(peer, {
    listener: 'test',
    address: '127.0.0.1',
    port: client.localPort,
    encrypted: true,
    certificateUserName: undefined,
  })
  const big = Buffer.alloc(4 * 1024 * 1024, 'x')
  assert.equal(connection.transport.write(big), false)
  assert.ok(connection.transport.unsentBytes > 0)
  connection.transport.write(Buffer.from('end'))
  connection.transport.end()
  assert.equal((await text(client)).length, big.length + 3)
  await connection.untilLost()
  assert.equal(connection.error, undefined)
})

test('TLS: drained follows a write, and the end of the peer is the end', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  const client = dial(context, listener)
  const connection = await host.connection()
  assert.equal(connection.transport.write(Buffer.from('held')), false)
  await connection.until(() => connection.drainedCount === 1)
  connection.onReceive = () => setImmediate(() => connection.transport.write(Buffer.from(' answer')))
  client.end('question')
  assert.equal(await text(client), 'held answer')
  await connection.untilLost()
})

const LISTENERS = {
  'no client certificates': {},
  optional: { cafile: 'ca.pem' },
  required: { cafile: 'ca.pem', clientCertificates: 'required' },
  'required, CRL': { cafile: 'ca.pem', crlfile: 'crl.pem', clientCertificates: 'required' },
  'required, capath': { capath: 'authorities', clientCertificates: 'required' },
  'required, cadata': { cadata: authority.certificate, clientCertificates: 'required' },
} as const satisfies Record<string, ListenerInput>
type ListenerName = keyof typeof LISTENERS

const ALL = Object.keys(LISTENERS) as ListenerName[]
/** Which listener lets whom in; everyone else is turned away. */
const ADMITTED: readonly (readonly [
  who: string,
  identity: Identity | undefined,
  listeners: readonly ListenerName[],
])[] = [
  ['nobody', undefined, ['no client certificates', 'optional']],
  ['a device', device, ALL],
  ['a revoked device', revoked, ALL.filter((name) => name !== 'required, CRL')],
  ['an expired device', expired, ['no client certificates']],
  ["another CA's device", foreign, ['no client certificates']],
]

for (const name of ALL) {
  test(`client certificates × listener: ${name}`, async (context) => {
    const path = await folder(context, { 'crl.pem': authority.revoke(revoked) })
    await mkdir(join(path, 'authorities'))
    await writeFile(join(path, 'authorities', 'readme.txt'), 'not a certificate')
    await writeFile(join(path, 'authorities', 'one.pem'), stranger.certificate.replaceAll('CERTIFICATE', 'NOTHING'))
    await writeFile(join(path, 'authorities', 'two.crt'), authority.certificate)
    const input: Record<string, unknown> = { ...LISTENERS[name] }
    for (const key of ['cafile', 'capath', 'crlfile']) if (key in input) input[key] = join(path, String(input[key]))
    const { host, listener } = await serve(context, path, input)
    host.onAccept = ({ transport }) => {
      transport.write(Buffer.from('in'))
      transport.end()
    }
    for (const [who, identity, listeners] of ADMITTED) {
      const client = dial(context, listener, shown(identity))
      const answer = await text(client).catch(() => '')
      assert.equal(answer, listeners.includes(name) ? 'in' : '', `${who} at listener: ${name}`)
    }
    const refusals = ADMITTED.filter(([, , listeners]) => !listeners.includes(name)).length
    assert.equal(listener.counters.failedHandshakes, refusals)
    const lines = host.lines.filter(({ message }) => message.startsWith('TLS handshake failed'))
    assert.deepEqual(
      lines.map(({ level, fields }) => [level, fields['address']]),
      Array.from({ length: refusals }, () => ['info', '127.0.0.1']),
    )
  })
}

test('the reason for turning a certificate away is in the log', async (context) => {
  const path = await folder(context, { 'crl.pem': authority.revoke(revoked) })
  const ca = { cafile: join(path, 'ca.pem'), crlfile: join(path, 'crl.pem') }
  const { host, listener } = await serve(context, path, { ...ca, clientCertificates: 'required' })
  const causes = []
  for (const identity of [undefined, revoked, expired]) {
    await text(dial(context, listener, shown(identity))).catch(() => '')
    causes.push(host.lines.at(-1)?.fields['cause'])
  }
  assert.deepEqual(causes, [
    'no client certificate',
    'client certificate: CERT_REVOKED',
    'client certificate: CERT_HAS_EXPIRED',
  ])
})

for (const [from, userName] of [
  ['off', undefined],
  ['cn', 'pump-7'],
  ['subject', 'CN=pump-7,O=Works\\, Inc'],
  ['san', 'pump-7.works.example'],
] as const) {
  test(`certificate-user-name ${from}`, async (context) => {
    const path = await folder(context)
    const ca = { cafile: join(path, 'ca.pem') }
    const { host, listener } = await serve(context, path, { ...ca, certificateUserName: from })
    dial(context, listener, shown(device))
    assert.equal((await host.connection(0)).peer.certificateUserName, userName)
    dial(context, listener)
    assert.equal((await host.connection(1)).peer.certificateUserName, undefined)
  })
}

test('a resumed TLS session still carries the identity', async (context) => {
  const path = await folder(context)
  const ca = { cafile: join(path, 'ca.pem'), clientCertificates: 'required' as const }
  const { host, listener } = await serve(context, path, { ...ca, certificateUserName: 'cn' })
  const first = dial(context, listener, shown(device))
  const [session] = (await once(first.resume(), 'session')) as [Buffer]
  const second = dial(context, listener, { ...shown(device), session })
  await once(second, 'secureConnect')
  assert.equal(second.isSessionReused(), true)
  assert.equal((await host.connection(1)).peer.certificateUserName, 'pump-7')
})

test('certificates by SNI: by the given name, by the names inside, otherwise the first', async (context) => {
  const [inside, given] = [
    authority.issue({ subject: [['CN', 'inside']], names: ['DNS:*.inside.example'] }),
    authority.issue({ subject: [['CN', 'given']], names: ['DNS:other.example'] }),
  ]
  const path = await folder(context, {
    'inside.pem': inside.certificate,
    'inside.key': inside.key,
    'given.pem': given.certificate,
    'given.key': given.key,
  })
  const pair = (name: string) => ({ certfile: join(path, `${name}.pem`), keyfile: join(path, `${name}.key`) })
  const certificates = [pair('inside'), { serverName: '*.Given.example', ...pair('given') }]
  const { listener } = await serve(context, path, {}, { certificates })
  for (const [servername, expected] of [
    ['a.inside.example', 'inside'],
    ['a.given.example', 'given'],
    ['a.b.given.example', 'server'],
    ['other.example', 'server'],
    ['localhost', 'server'],
  ] as const) {
    const client = dial(context, listener, { servername, checkServerIdentity: () => undefined })
    await once(client, 'secureConnect')
    assert.equal(client.getPeerCertificate().subject.CN, expected, servername)
  }
})

test('client certificates are verified behind SNI as well', async (context) => {
  const other = authority.issue({ subject: [['CN', 'other']], names: ['DNS:other.example'] })
  const path = await folder(context, { 'other.pem': other.certificate, 'other.key': other.key })
  const { host, listener } = await serve(context, path, {
    cafile: join(path, 'ca.pem'),
    certificateUserName: 'cn',
    certificates: [{ certfile: join(path, 'other.pem'), keyfile: join(path, 'other.key') }],
  })
  const good = dial(context, listener, { ...shown(device), servername: 'other.example' })
  await once(good, 'secureConnect')
  assert.equal((await host.connection()).peer.certificateUserName, 'pump-7')
  assert.equal(
    await text(dial(context, listener, { ...shown(foreign), servername: 'other.example' })).catch(() => ''),
    '',
  )
  assert.equal(host.connections.length, 1)
})

test('min-tls-version 1.3 turns TLS 1.2 away', async (context) => {
  const path = await folder(context)
  for (const [minTlsVersion, expected] of [
    ['1.2', 'TLSv1.2'],
    ['1.3', 'refused'],
  ] as const) {
    const { listener } = await serve(context, path, { minTlsVersion })
    const client = dial(context, listener, { maxVersion: 'TLSv1.2' })
    const spoken = await once(client, 'secureConnect').then(
      () => client.getProtocol(),
      () => 'refused',
    )
    assert.equal(spoken, expected)
  }
})

test('a handshake that fails touches nobody else', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  const good = dial(context, listener)
  const connection = await host.connection()
  const noise = connectPlain(listener.port!, '127.0.0.1')
  noise.on('error', () => {})
  noise.write(Buffer.from('100c00044d5154540402003c0000', 'hex'))
  await closed(noise)
  const silent = connectPlain(listener.port!, '127.0.0.1')
  await once(silent, 'connect')
  silent.destroy()
  const { message } = await host.line(/TLS handshake failed/)
  assert.equal(message, 'TLS handshake failed with 127.0.0.1: wrong version number: the client does not speak TLS')
  await host.line(/closed before it sent anything/)
  assert.equal(listener.counters.failedHandshakes, 1, 'who sends nothing has not failed')
  assert.ok(host.lines.every(({ fields }) => fields['address'] === '127.0.0.1'))
  good.write('well')
  await connection.untilReceived('well')
})

test('a handshake that fails is logged with the reason alone, without numbers, files and line feeds of OpenSSL', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  const http = connectPlain(listener.port!, '127.0.0.1')
  http.on('error', () => {})
  http.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await closed(http)
  const old = connect({
    port: listener.port!,
    host: '127.0.0.1',
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
    ciphers: 'ALL@SECLEVEL=0',
  })
  old.on('error', () => {})
  await closed(old)
  while (host.refusals.length < 2) await new Promise(setImmediate)
  assert.deepEqual(
    host.refusals.map(({ detail }) => detail),
    ['http request: the client speaks HTTP without TLS', 'unsupported protocol'],
  )
})

test('a handshake has a deadline', async (context) => {
  const { host, listener } = await serve(context, await folder(context), {}, { connectTimeout: 0.05 })
  const silent = connectPlain(listener.port!, '127.0.0.1')
  await closed(silent)
  assert.match(String((await host.line(/TLS handshake failed/)).fields['cause']), /not finished within 50 ms/)
})

test('a health check that connects and closes is at debug, and counts as no failed handshake', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  for (const ends of [(socket: Socket) => socket.end(), (socket: Socket) => socket.resetAndDestroy()]) {
    const probe = connectPlain(listener.port!, '127.0.0.1')
    await once(probe, 'connect')
    ends(probe)
    while (host.lines.length === 0) await once(host, 'change')
    const { level, message } = host.lines.pop()!
    assert.deepEqual([level, message], ['debug', 'a connection from 127.0.0.1 was closed before it sent anything'])
  }
  assert.deepEqual([listener.counters.failedHandshakes, host.refusals], [0, []])
})

test('close ends handshakes under way and leaves Connections alone', async (context) => {
  const { host, listener } = await serve(context, await folder(context))
  const good = dial(context, listener)
  const connection = await host.connection()
  const silent = connectPlain(listener.port!, '127.0.0.1')
  await once(silent, 'connect')
  // The listener has the silent one when a later one is through.
  dial(context, listener)
  await host.connection(1)
  await listener.close()
  await closed(silent)
  good.write('still here')
  await connection.untilReceived('still here')
})

test('renewed certificates are picked up; open connections stay', async (context) => {
  const path = await folder(context)
  const { host, listener } = await serve(context, path)
  const old = dial(context, listener)
  const connection = await host.connection()
  assert.equal(old.getPeerCertificate().subject.CN, 'server')

  await renew(path, authority.issue({ subject: [['CN', 'renewed']], names: ['DNS:localhost'] }))
  await host.line(/renewed certificates are in use/)
  const fresh = dial(context, listener)
  await once(fresh, 'secureConnect')
  assert.equal(fresh.getPeerCertificate().subject.CN, 'renewed')
  old.write('still here')
  await connection.untilReceived('still here')
})

test('broken renewed files change nothing, and the log says what is wrong', async (context) => {
  const path = await folder(context)
  const { host, listener } = await serve(context, path)
  await renew(path, { ...stranger.issue(), key: device.key })
  const line = await host.line(/the old ones stay/)
  assert.equal(line.level, 'error')
  assert.match(line.message, /`keyfile` .*key\.pem does not belong to the certificate in .*cert\.pem/)
  const client = dial(context, listener)
  await once(client, 'secureConnect')
  assert.equal(client.getPeerCertificate().subject.CN, 'server')

  await renew(path, authority.issue({ subject: [['CN', 'repaired']], names: ['DNS:localhost'] }))
  await host.line(/renewed certificates are in use/)
})

test('a renewed CRL is picked up, and a TLS session from before does not get around it', async (context) => {
  const path = await folder(context, { 'crl.pem': authority.revoke(revoked) })
  const { host, listener } = await serve(context, path, {
    cafile: join(path, 'ca.pem'),
    crlfile: join(path, 'crl.pem'),
    clientCertificates: 'required',
  })
  const client = dial(context, listener, shown(device))
  const [session] = (await once(client.resume(), 'session')) as [Buffer]
  await host.connection()
  await writeFile(join(path, 'new.pem'), authority.revoke(revoked, device))
  await rename(join(path, 'new.pem'), join(path, 'crl.pem'))
  await host.line(/renewed certificates are in use/)
  assert.equal(await text(dial(context, listener, { ...shown(device), session })).catch(() => ''), '')
  assert.equal(host.connections.length, 1)
})

/** A broker with a TLS listener, and Clients that are in with certificates alone. */
async function certified(context: TestContext, path: string, input: ListenerInput = {}) {
  const listener = {
    ...tlsInput(path),
    cafile: join(path, 'ca.pem'),
    clientCertificates: 'required',
    ...input,
  } as const
  const configOf = (changed: ListenerInput = {}): ConfigInput => ({
    listeners: { tls: { ...listener, certificateUserName: 'cn', ...changed } },
    auth: { plugins: ['auth.certificate'] },
    'sys-interval': 0,
  })
  const broker = await createBroker(configOf())
  context.after(() => broker.close({ timeoutMs: 200 }))
  const ended: string[] = []
  broker.on('clientDisconnected', ({ client, cause }) => ended.push(`${client.userName} ${cause}`))
  const enter = async (identity: Identity): Promise<TLSSocket> => {
    const entered = new Promise((resolve) => broker.once('clientConnected', resolve))
    const socket = dial(context, { port: broker.listeners[0]!.port } as Listener, shown(identity))
    socket.resume().write(Buffer.from('100c00044d515454040200000000', 'hex'))
    await entered
    return socket
  }
  return { broker, configOf, ended, enter }
}

test('a client whose certificate a renewed CRL revokes is disconnected, and no other', async (context) => {
  const path = await folder(context, { 'crl.pem': authority.revoke(revoked) })
  const { broker, ended, enter } = await certified(context, path, { crlfile: join(path, 'crl.pem') })
  const other = authority.issue({ subject: [['CN', 'other']] })
  const lost = await enter(device)
  await enter(other)
  await writeFile(join(path, 'new.pem'), authority.revoke(revoked, device))
  await rename(join(path, 'new.pem'), join(path, 'crl.pem'))
  await once(lost, 'close')
  assert.deepEqual(ended, ['pump-7 login revoked'])
  assert.equal(broker.metrics.loginsRevoked, 1)
  assert.deepEqual(
    clientsOf(broker).map(({ userName }) => userName),
    ['other'],
  )
})

test('the view of a client over TLS has the version, the cipher and its certificate', async (context) => {
  const { broker, enter } = await certified(context, await folder(context))
  await enter(device)
  const { clientId } = (await broker.clients()).items[0]!
  const view = await broker.client(clientId)
  assert.deepEqual([view?.encrypted, view?.certificateUserName], [true, 'pump-7'])
  const { version, cipher, serverName, certificate } = view!.tls!
  assert.deepEqual([version, serverName], ['TLSv1.3', 'localhost'])
  assert.match(cipher, /^TLS_/)
  const { subject, issuer, fingerprint, validFromMs, validToMs } = certificate!
  assert.deepEqual([subject, issuer], ['O=Works\\, Inc\nCN=pump-7', 'CN=Works CA'])
  assert.match(fingerprint, /^([0-9A-F]{2}:){31}[0-9A-F]{2}$/)
  assert.ok(validFromMs < validToMs)
})

test('a reload with another CA, or another name of the certificate, disconnects whom it would not let in', async (context) => {
  const path = await folder(context, {
    'both.pem': authority.certificate + stranger.certificate,
    'other.pem': stranger.certificate,
  })
  const { broker, configOf, ended, enter } = await certified(context, path)
  await enter(device)
  await broker.reload(configOf({ cafile: join(path, 'both.pem') }))
  assert.deepEqual(ended, [], 'its CA is still there')
  await broker.reload(configOf({ certificateUserName: 'subject' }))
  assert.deepEqual(ended, ['pump-7 login revoked'], 'it would have another user name')
  ended.length = 0
  await broker.reload(configOf())
  const lost = await enter(device)
  await broker.reload(configOf({ cafile: join(path, 'other.pem') }))
  await once(lost, 'close')
  assert.deepEqual(ended, ['pump-7 login revoked'])
})

test('a client that logged in otherwise stays when its certificate names another, and leaves when none is good enough', async (context) => {
  const path = await folder(context)
  const { broker, configOf, ended, enter } = await certified(context, path, { clientCertificates: 'optional' })
  const anonymous = { auth: { 'allow-anonymous': true, plugins: ['auth.anonymous'] } }
  await broker.reload({ ...configOf(), ...anonymous })
  await enter(device)
  await broker.reload({ ...configOf({ certificateUserName: 'off' }), ...anonymous })
  assert.deepEqual(ended, [])
  const without = dial(context, { port: broker.listeners[0]!.port } as Listener)
  const entered = new Promise((resolve) => broker.once('clientConnected', resolve))
  without.resume().write(Buffer.from('100c00044d515454040200000000', 'hex'))
  await entered
  await broker.reload({ ...configOf({ clientCertificates: 'required', certificateUserName: 'off' }), ...anonymous })
  await once(without, 'close')
  assert.deepEqual(ended, ['undefined login revoked'])
})

test('reload reads the files again, applies other options, and changes nothing when a file is broken', async (context) => {
  const path = await folder(context)
  const { host, listener } = await serve(context, path)
  const options = secured(path, { cafile: join(path, 'ca.pem'), clientCertificates: 'required' })
  await assert.rejects(listener.reload({ ...options, keyfile: join(path, 'ca.pem') }), { name: 'ConfigError' })
  const open = dial(context, listener)
  await once(open, 'secureConnect')
  await listener.reload({ ...options, port: 0 })
  assert.equal(await text(dial(context, listener)).catch(() => ''), '')
  assert.match(String(host.lines.at(-1)?.fields['cause']), /no client certificate/)
  await assert.rejects(listener.reload({ ...options, host: '127.0.0.2' }), { code: 'ERR_USAGE' })
})

async function renew(path: string, { certificate, key }: Omit<Identity, 'serial'>): Promise<void> {
  for (const [name, content] of [
    ['cert.pem', certificate],
    ['key.pem', key],
  ] as const) {
    await writeFile(join(path, `${name}.new`), content)
    await rename(join(path, `${name}.new`), join(path, name))
  }
}

test('a file that cannot be used is named with its key, the cause and the way out', async (context) => {
  const path = await folder(context, {
    'other.key': device.key,
    'text.pem': 'hello',
    'damaged.pem': authority.certificate.replace(/\n.{10}/, '\nAAAAAAAAAA'),
    'crl.pem': '-----BEGIN X509 CRL-----\nAAAA\n-----END X509 CRL-----\n',
  })
  await mkdir(join(path, 'empty'))
  const cafile = join(path, 'ca.pem')
  const cases: readonly (readonly [input: ListenerInput, code: string, message: RegExp])[] = [
    [{ certfile: join(path, 'none.pem') }, 'ERR_LISTENER_FILE', /`test`: `certfile` .*none\.pem .*does not exist/],
    [{ certfile: path }, 'ERR_LISTENER_FILE', /`certfile` .* it is a folder/],
    [
      { certfile: join(path, 'text.pem') },
      'ERR_LISTENER_CERTIFICATE',
      /`certfile` .*text\.pem contains no certificate/,
    ],
    [{ keyfile: join(path, 'text.pem') }, 'ERR_LISTENER_CERTIFICATE', /`keyfile` .*text\.pem contains no private key/],
    [{ keyfile: join(path, 'other.key') }, 'ERR_LISTENER_CERTIFICATE', /other\.key does not belong to .*cert\.pem/],
    [{ cafile: join(path, 'damaged.pem') }, 'ERR_LISTENER_CERTIFICATE', /`cafile` .* damaged certificate, number 1/],
    [{ cadata: 'hello' }, 'ERR_LISTENER_CERTIFICATE', /`cadata` its text contains no certificate/],
    [{ capath: join(path, 'empty') }, 'ERR_LISTENER_CERTIFICATE', /`capath` .*empty contains no PEM file/],
    [{ capath: join(path, 'none') }, 'ERR_LISTENER_FILE', /`capath` .*none cannot be read as a folder/],
    [{ cafile, crlfile: join(path, 'crl.pem') }, 'ERR_LISTENER_CERTIFICATE', /`crlfile` .*crl\.pem cannot be used/],
  ]
  for (const [input, code, message] of cases) {
    await assert.rejects(checkListenerFiles(secured(path, input)), { name: 'ConfigError', code, message })
    await assert.rejects(openListener(secured(path, input), new RecordingHost()), {
      name: 'ConfigError',
      code,
      message,
    })
  }
  await checkListenerFiles(secured(path))
})
