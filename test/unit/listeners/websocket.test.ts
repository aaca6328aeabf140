import assert from 'node:assert/strict'
import { EventEmitter, once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer, get, type IncomingMessage, type Server } from 'node:http'
import { connect, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Duplex } from 'node:stream'
import { text } from 'node:stream/consumers'
import { test, type TestContext } from 'node:test'
import { WebSocket, type ClientOptions } from 'ws'
import type { ListenerInput, ListenerOptions } from '../../../src/config/options.ts'
import { openListener } from '../../../src/listeners/listener.ts'
import { mountWebSocket } from '../../../src/listeners/mount.ts'
import { answerAndClose } from '../../../src/listeners/websocket-upgrade.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { closed } from '../../support/closed.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

async function serve(context: TestContext, input: ListenerInput = {}, settings: Partial<ListenerOptions> = {}) {
  const host = new RecordingHost()
  const listener = await openListener({ ...listenerOptions({ type: 'ws', ...input }), ...settings }, host)
  context.after(() => listener.close())
  return { host, listener }
}

interface Dial extends ClientOptions {
  readonly protocols?: readonly string[]
}

function dial(context: TestContext, url: string, { protocols = ['mqtt'], ...options }: Dial = {}): WebSocket {
  const socket = new WebSocket(url, [...protocols], options)
  socket.on('error', () => {})
  context.after(() => socket.terminate())
  return socket
}

/** What comes of an attempt to connect: the subprotocol, or the HTTP status of the refusal. */
async function outcome(socket: WebSocket): Promise<string | number> {
  return new Promise((resolve) => {
    socket.once('open', () => resolve(socket.protocol))
    socket.once('unexpected-response', (request, { statusCode }) => {
      request.destroy()
      resolve(statusCode ?? 0)
    })
  })
}

test('MQTT over WebSocket, both ways, in binary frames [5.0 MQTT-6.0.0-1] [3.1.1 MQTT-6.0.0-1]', async (context) => {
  const { host, listener } = await serve(context)
  assert.match(listener.url, /^ws:\/\/127\.0\.0\.1:\d+$/)
  const client = dial(context, listener.url)
  await once(client, 'open')
  client.send(Buffer.from('question'))
  const connection = await (await host.connection()).untilReceived('question')
  const { port, ...peer } = connection.peer
  assert.deepEqual(peer, { listener: 'test', address: '127.0.0.1', encrypted: false })
  assert.ok(port! > 0)
  assert.equal(connection.transport.write(Buffer.from('answer')), true)
  const [answer, isBinary] = (await once(client, 'message')) as [Buffer, boolean]
  assert.deepEqual([String(answer), isBinary], ['answer', true])
  connection.transport.end()
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1000)
  await connection.untilLost()
  assert.equal(connection.error, undefined)
  assert.equal(connection.transport.write(Buffer.from('late')), true)
})

test('frame edges mean nothing: parts and several packets in a frame arrive as they come [5.0 MQTT-6.0.0-2] [3.1.1 MQTT-6.0.0-2]', async (context) => {
  const { host, listener } = await serve(context, { maxPacketSize: 1024 })
  const client = dial(context, listener.url)
  await once(client, 'open')
  client.send('fragment ', { binary: true, fin: false })
  client.send('of a frame, ', { binary: true, fin: true })
  client.send(Buffer.from('part '))
  client.send(Buffer.from('of a packet, '))
  client.send(Buffer.alloc(64 * 1024, 'x'))
  client.send(Buffer.from('end'))
  const connection = await (await host.connection()).untilReceived('end')
  assert.match(connection.received.toString(), /^fragment of a frame, part of a packet, x{65536}end$/)
})

test('a text frame closes the Connection [5.0 MQTT-6.0.0-1] [3.1.1 MQTT-6.0.0-1]', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  client.send('text')
  client.send(Buffer.from('more'))
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1003)
  const connection = await (await host.connection()).untilLost()
  assert.equal((connection.error as NodeJS.ErrnoException).code, 'ERR_PROTOCOL')
  assert.equal(connection.received.length, 0)
})

test('a frame above the limit closes the Connection', async (context) => {
  const { host, listener } = await serve(context, { maxPacketSize: 2 * 1024 * 1024 })
  const client = dial(context, listener.url)
  await once(client, 'open')
  client.send(Buffer.alloc(2 * 1024 * 1024 + 5))
  const connection = await (await host.connection()).until(({ received }) => received.length > 0)
  client.send(Buffer.alloc(2 * 1024 * 1024 + 6))
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1009)
  await connection.untilLost()
  assert.ok(connection.error)
})

for (const [protocols, expected] of [
  [['mqtt'], 'mqtt'],
  [['mqttv3.1'], 'mqttv3.1'],
  [['mqttv3.1', 'other', 'mqtt'], 'mqtt'],
  [['other'], 400],
  [[], 400],
] as const) {
  test(`subprotocols ${JSON.stringify(protocols)}: ${expected} [5.0 MQTT-6.0.0-4] [3.1.1 MQTT-6.0.0-4]`, async (context) => {
    const { host, listener } = await serve(context)
    assert.equal(await outcome(dial(context, listener.url, { protocols })), expected)
    assert.equal(listener.counters.refusedUpgrades, expected === 400 ? 1 : 0)
    if (expected === 400) assert.equal((await host.line(/WebSocket refused/)).fields['address'], '127.0.0.1')
  })
}

test('path and origin decide who may connect', async (context) => {
  const { host, listener } = await serve(context, {
    websocketPath: '/mqtt',
    allowedOrigins: ['https://good.example'],
  })
  assert.match(listener.url, /\/mqtt$/)
  const base = listener.url.replace('/mqtt', '')
  for (const [path, origin, expected] of [
    ['/mqtt', undefined, 'mqtt'],
    ['/mqtt?token=1', undefined, 'mqtt'],
    ['/mqtt', 'https://good.example', 'mqtt'],
    ['/mqtt', 'https://bad.example', 403],
    ['/mqtt', 'null', 403],
    ['/', undefined, 404],
    ['/mqtt/', undefined, 404],
  ] as const) {
    const socket = dial(context, `${base}${path}`, origin === undefined ? {} : { origin })
    assert.equal(await outcome(socket), expected, `${path} ${origin}`)
  }
  assert.equal(listener.counters.refusedUpgrades, 4)
  assert.equal(host.connections.length, 3)
})

test('an Origin that is refused is logged with its key, counted, and told to the host', async (context) => {
  const { host, listener } = await serve(context)
  const base = listener.url.replace('ws://', '')
  assert.equal(await outcome(dial(context, listener.url, { origin: `https://${base}` })), 'mqtt', 'as paho sends it')
  assert.equal(await outcome(dial(context, listener.url, { origin: 'https://bad.example' })), 403)
  const rebound = { origin: 'http://evil.example:8080', headers: { host: 'evil.example:8080' } }
  assert.equal(await outcome(dial(context, listener.url, rebound)), 403)
  const [foreign, evil] = host.lines.map(({ message }) => message)
  assert.match(foreign!, /^WebSocket refused: Origin "https:\/\/bad\.example" is not in `allowed-origins`/)
  assert.match(evil!, /^WebSocket refused: Host "evil\.example:8080" .* `allowed-hosts`/)
  assert.deepEqual(
    host.refusals.map(({ stage, listener: name, address }) => [stage, name, address]),
    [
      ['WebSocket', 'test', '127.0.0.1'],
      ['WebSocket', 'test', '127.0.0.1'],
    ],
  )
  assert.equal(listener.counters.refusedUpgrades, 2)
})

test('a page of any origin may where `admits-anonymous` is not so, under any name of this host', async (context) => {
  const { listener } = await serve(context, {}, { admitsAnonymous: false })
  const page = { origin: 'http://broker.example:8080', headers: { host: 'broker.example:8080' } }
  assert.equal(await outcome(dial(context, listener.url, page)), 'mqtt')
})

test('an offer of something else than WebSocket is told what is spoken here (RFC 9110 §15.5.22)', async (context) => {
  const { listener } = await serve(context)
  const answer = await exchange(
    listener.port!,
    'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n\r\n',
  )
  assert.match(answer, /^HTTP\/1\.1 426 Upgrade Required\r\n/)
  assert.match(answer, /\r\nUpgrade: websocket\r\nConnection: Upgrade, close\r\n/)
})

test('of many requests behind one another one is answered, and the connection ends', async (context) => {
  const { listener } = await serve(context)
  const answer = await exchange(listener.port!, 'GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(500))
  assert.equal(answer.split('HTTP/1.1 426').length - 1, 1)
  assert.equal(listener.counters.refusedUpgrades, 1)
})

/** Sends bytes, and reads until the other side ends. */
async function exchange(port: number, request: string): Promise<string> {
  const socket = connect(port, '127.0.0.1')
  socket.write(request)
  return await text(socket)
}

test('without `websocket-path` any path leads to the same MQTT [5.0 U-6-1]', async (context) => {
  const { host, listener } = await serve(context)
  for (const [count, path] of ['/', '/mqtt', '/any/other?query=1'].entries()) {
    const client = dial(context, new URL(path, listener.url).href)
    assert.equal(await outcome(client), 'mqtt')
    client.send(Buffer.from('question'))
    await (await host.connection(count)).untilReceived('question')
  }
})

test('origins: none are listed, so no page may; `*` lets every page', async (context) => {
  const { listener: closed } = await serve(context)
  assert.equal(await outcome(dial(context, closed.url, { origin: 'https://any.example' })), 403)
  const { listener: open } = await serve(context, { allowedOrigins: ['*'] })
  assert.equal(await outcome(dial(context, open.url, { origin: 'https://any.example' })), 'mqtt')
})

test('reload changes path and origins for new Connections', async (context) => {
  const { host, listener } = await serve(context)
  const old = dial(context, listener.url)
  await once(old, 'open')
  await listener.reload({ ...listenerOptions({ type: 'ws', websocketPath: '/new', allowedOrigins: ['*'] }) })
  assert.equal(await outcome(dial(context, listener.url.replace('/new', ''))), 404)
  assert.equal(await outcome(dial(context, listener.url, { origin: 'https://any.example' })), 'mqtt')
  old.send(Buffer.from('still here'))
  await (await host.connection(0)).untilReceived('still here')
})

test('X-Forwarded-For is believed from trusted proxies only', async (context) => {
  const headers = { 'X-Forwarded-For': '203.0.113.9, 127.0.0.2' }
  for (const [trustedProxies, address] of [
    [[], '127.0.0.1'],
    [['10.0.0.0/8'], '127.0.0.1'],
    [['127.0.0.1'], '127.0.0.2'],
    [['127.0.0.0/8'], '203.0.113.9'],
  ] as const) {
    const { host, listener } = await serve(context, { trustedProxies })
    dial(context, listener.url, { headers })
    assert.equal((await host.connection()).peer.address, address, String(trustedProxies))
  }
})

test('a peer that does not read: held bytes are counted and end in drained', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  client.pause()
  const connection = await host.connection()
  const big = Buffer.alloc(16 * 1024 * 1024)
  assert.equal(connection.transport.write(big), false)
  assert.ok(connection.transport.unsentBytes > 0)
  client.resume()
  await connection.until(() => connection.drainedCount === 1)
  assert.equal(connection.transport.unsentBytes, 0)
})

test('reading is paused and goes on', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  const connection = await host.connection()
  connection.onReceive = () => connection.transport.pauseReading()
  client.send(Buffer.from('a'))
  await connection.untilReceived('a')
  client.send(Buffer.from('b'))
  connection.transport.resumeReading()
  await connection.untilReceived('ab')
})

test('every way a WebSocket can end is told once', async (context) => {
  const { host, listener } = await serve(context)
  const ends: ((client: WebSocket, index: number) => void)[] = [
    (client) => client.close(),
    (client) => client.terminate(),
    (_, index) => host.connections[index]!.transport.destroy(),
    (_, index) => {
      host.connections[index]!.transport.pauseReading()
      host.connections[index]!.transport.end()
    },
  ]
  for (const [index, end] of ends.entries()) {
    const client = dial(context, listener.url)
    await once(client, 'open')
    const connection = await host.connection(index)
    end(client, index)
    await connection.untilLost()
    assert.equal(connection.lostCount, 1)
  }
})

test('before the log-in a frame that does not end is cut, after it a large one is taken', async (context) => {
  const { host, listener } = await serve(context, { maxConnectPacketSize: 1000 })
  for (const isConnected of [false, true]) {
    host.onAccept = (connection) => void (connection.isConnected = isConnected)
    const client = dial(context, listener.url)
    await once(client, 'open')
    const connection = await host.connection(Number(isConnected))
    client.send(Buffer.alloc(1000, 'x'))
    await connection.until(({ received }) => received.length === 1000)
    client.send(Buffer.alloc(300_000, 'x'))
    if (isConnected) await connection.until(({ received }) => received.length === 301_000)
    else {
      await connection.untilLost()
      assert.match(connection.error?.message ?? '', /More than 1000 bytes before the login/)
    }
    assert.equal(connection.chunks, isConnected ? 2 : 1)
  }
})

test('what of a message has come is told while it is not complete, and that it is', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  const connection = await host.connection()
  client.send(Buffer.alloc(100_000, 'x'), { binary: true, fin: false })
  await connection.until(({ heldBytes }) => (heldBytes.at(-1) ?? 0) >= 100_000)
  assert.equal(connection.received.length, 0)
  client.send(Buffer.from('end'), { binary: true, fin: true })
  await connection.until(({ heldBytes }) => heldBytes.at(-1) === 0)
  assert.equal(connection.received.length, 100_003)
  client.send(Buffer.from('whole'))
  await connection.untilReceived('whole')
  assert.ok(connection.heldBytes.at(-1) === 0 && connection.heldBytes.every((bytes) => bytes < 110_000))
})

/** So many binary frames of a byte each, in one write. */
async function sendTinyFrames(client: WebSocket, count: number): Promise<void> {
  const frame = Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0x78])
  // Of `ws` only the socket below lets many frames leave in one piece.
  const { _socket: socket } = client as unknown as { readonly _socket: Duplex }
  await new Promise((resolve) => socket.write(Buffer.concat(Array.from({ length: count }, () => frame)), resolve))
}

test('many small frames wait for the turn of their Connection, and come a piece at a time', async (context) => {
  const { host, listener } = await serve(context)
  const asked = new EventEmitter()
  let step: () => number = () => 0
  host.onAccept = (connection) => {
    connection.atTurn = (asks) => {
      step = asks
      asked.emit('step')
    }
  }
  const client = dial(context, listener.url)
  await once(client, 'open')
  const connection = await host.connection()
  const isAsked = once(asked, 'step')
  await sendTinyFrames(client, 5000)
  await isAsked
  assert.equal(connection.received.length, 0)
  assert.ok(connection.heldBytes.at(-1)! > 64 * 7)

  assert.ok(step() > 64)
  const first = connection.received.length
  assert.ok(first > 0 && first < 700, `${first} frames came at once`)

  connection.transport.pauseReading()
  assert.equal(step(), 0)
  assert.equal(connection.received.length, first)

  connection.atTurn = (asks) => setImmediate(() => asks() > 0 && connection.atTurn!(asks))
  connection.transport.resumeReading()
  await connection.until(({ received }) => received.length === 5000)
  client.send(Buffer.from('end'))
  await connection.untilReceived('end')
  client.close()
  await connection.untilLost()
})

test('what is held of a peer that has left comes before its end', async (context) => {
  const { host, listener } = await serve(context)
  host.onAccept = (connection) => {
    connection.atTurn = (asks) => setImmediate(() => asks() > 0 && connection.atTurn!(asks))
  }
  const client = dial(context, listener.url)
  await once(client, 'open')
  const connection = await host.connection()
  await sendTinyFrames(client, 1000)
  client.close()
  await connection.untilLost()
  assert.equal(connection.received.length, 1000)
})

test('frames behind the upgrade request wait like others', async (context) => {
  const { host, listener } = await serve(context)
  const asked = new EventEmitter()
  host.onAccept = (connection) => void (connection.atTurn = (asks) => asked.emit('step', asks))
  const { port } = new URL(listener.url)
  const socket = connect(Number(port), '127.0.0.1')
  context.after(() => socket.destroy())
  const isAsked = once(asked, 'step')
  const request = [
    'GET / HTTP/1.1',
    'Host: 127.0.0.1',
    'Upgrade: websocket',
    'Connection: Upgrade',
    'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
    'Sec-WebSocket-Version: 13',
    'Sec-WebSocket-Protocol: mqtt',
  ]
  const frames = Buffer.alloc(7 * 1000, Buffer.from([0x82, 0x81, 0, 0, 0, 0, 0x78]))
  socket.write(Buffer.concat([Buffer.from(`${request.join('\r\n')}\r\n\r\n`), frames]))
  const [step] = (await isAsked) as [() => number]
  while (step() > 0);
  const connection = await host.connection()
  await connection.until(({ received }) => received.length === 1000)
})

test('a machine that throws costs its own Connection only', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  const connection = await host.connection()
  connection.onReceive = () => assert.fail('our own mistake')
  client.send(Buffer.from('x'))
  await connection.untilLost()
  assert.equal(connection.error?.message, 'our own mistake')
  assert.equal(await outcome(dial(context, listener.url)), 'mqtt')
})

test('a Connection that the host refuses is closed', async (context) => {
  const { host, listener } = await serve(context)
  host.onAccept = () => false
  const client = dial(context, listener.url)
  const [code] = (await once(client, 'close')) as [number]
  assert.equal(code, 1006)
})

test('what is no WebSocket request is answered and closed', async (context) => {
  const { host, listener } = await serve(context, { websocketPath: '/mqtt' })
  const base = listener.url.replace('ws:', 'http:')
  for (const [url, status] of [
    [base, 426],
    [base.replace('/mqtt', '/'), 404],
  ] as const) {
    const [response] = (await once(get(url), 'response')) as [IncomingMessage]
    assert.equal(response.statusCode, status)
    response.resume()
  }
  const upgrade =
    'GET /mqtt HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Protocol: mqtt\r\n'
  for (const bytes of [
    Buffer.from('100c00044d5154540402003c0000', 'hex'),
    Buffer.from('160301020001000001fc0303', 'hex'),
    Buffer.from('GET / HTTP/1.1\r\nno header\r\n\r\n'),
    Buffer.from(`${upgrade}\r\n`),
  ]) {
    const noise = connect(listener.port!, '127.0.0.1')
    noise.write(bytes)
    assert.match(await text(noise), /^HTTP\/1\.1 400 /)
  }
  const causes = [
    'this is an HTTP request without a WebSocket upgrade; listener test is of type ws',
    'this is an HTTP request without a WebSocket upgrade; listener test is of type ws',
    'this is MQTT without WebSocket; listener test is of type ws',
    'this is TLS; listener test is of type ws with ssl: off',
    'this is not a valid HTTP request',
    'Missing or invalid Sec-WebSocket-Key header',
  ]
  assert.deepEqual(
    host.refusals,
    causes.map((detail) => ({ listener: 'test', address: '127.0.0.1', stage: 'WebSocket', detail })),
  )
  assert.equal(listener.counters.refusedUpgrades, causes.length)
  assert.deepEqual(
    host.lines.map(({ level, message }) => `${level} ${message}`),
    causes.map((cause) => `info WebSocket refused: ${cause}; from 127.0.0.1`),
  )
})

test('a refused request whose peer does not read why is cut off after a second', () => {
  const clock = new VirtualClock()
  const deaf = new Duplex({ read: () => {}, write: () => {} })
  answerAndClose(deaf, 404, 'There is no MQTT service at this path', clock)
  clock.advance(999)
  assert.ok(!deaf.destroyed)
  clock.advance(1)
  assert.ok(deaf.destroyed)
})

test('a request has a deadline', async (context) => {
  const { listener } = await serve(context, {}, { connectTimeout: 0.05 })
  const silent = connect(listener.port!, '127.0.0.1')
  silent.write('GET /mqtt HTTP/1.1\r\nHost: x\r\n')
  await closed(silent)
})

test('close ends requests under way and leaves Connections alone', async (context) => {
  const { host, listener } = await serve(context)
  const client = dial(context, listener.url)
  await once(client, 'open')
  const slow = connect(listener.port!, '127.0.0.1')
  slow.write('GET /mqtt HTTP/1.1\r\n')
  await once(slow, 'connect')
  await once(dial(context, listener.url), 'open')
  await listener.close()
  await closed(slow)
  client.send(Buffer.from('still here'))
  await (await host.connection()).untilReceived('still here')
})

test('wss: WebSocket over TLS', async (context) => {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-wss-'))
  context.after(() => rm(folder, { recursive: true }))
  const authority = new TestAuthority('CA')
  const { certificate, key } = authority.issue({ names: ['IP:127.0.0.1'] })
  const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certfile, certificate)
  await writeFile(keyfile, key)
  const ca = { cadata: authority.certificate, certificateUserName: 'cn' } as const
  const { host, listener } = await serve(context, { ssl: true, certfile, keyfile, ...ca })
  assert.match(listener.url, /^wss:/)
  const device = authority.issue({ subject: [['CN', 'pump-7']] })
  const client = dial(context, listener.url, { ca: authority.certificate, cert: device.certificate, key: device.key })
  await once(client, 'open')
  const connection = await host.connection()
  assert.equal(connection.peer.encrypted, true)
  assert.equal(connection.peer.certificateUserName, 'pump-7')
  client.send(Buffer.from('question'))
  await connection.untilReceived('question')
  assert.equal(connection.transport.write(Buffer.from('answer')), false, 'TLS keeps the memory')
  assert.equal(String((await once(client, 'message'))[0]), 'answer')
  await connection.until(() => connection.drainedCount === 1)
})

async function hostProgram(context: TestContext): Promise<{ server: Server; base: string }> {
  const server = createServer((_, response) => response.end('a page'))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close().closeAllConnections())
  return { server, base: `127.0.0.1:${(server.address() as AddressInfo).port}` }
}

const H2C = 'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n'
const ELSEWHERE: readonly [title: string, request: string, route: string][] = [
  ['an offer of HTTP/2, as curl --http2 makes it', `GET /page HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`, 'GET /page '],
  [
    'the same with a body, as a HTTP client of Java makes it',
    `POST /form HTTP/1.1\r\nHost: a\r\n${H2C}Content-Length: 5\r\n\r\nhello`,
    'POST /form hello',
  ],
  [
    'the same with a body in chunks',
    `POST /form HTTP/1.1\r\nHost: a\r\n${H2C}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    'POST /form hello',
  ],
  [
    'a WebSocket of another path',
    'GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    'GET /chat ',
  ],
  ['an offer of HTTP/2 at our own path', `GET /mqtt HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`, 'GET /mqtt '],
]
for (const [title, request, route] of ELSEWHERE) {
  test(
    `mounted: ${title} is a request for the program's own routes, and the server can close`,
    { timeout: 30_000 },
    async (context) => {
      const server = createServer((asked, response) => {
        void text(asked).then((body) => response.end(`${asked.method} ${asked.url} ${body}`))
      })
      server.listen(0, '127.0.0.1')
      await once(server, 'listening')
      const options = listenerOptions({ type: 'ws', websocketPath: '/mqtt' })
      // Two of them, as of two brokers: neither takes the other for somebody who answers.
      const mounts = [options, { ...options, websocketPath: '/other' }].map((one) =>
        mountWebSocket(server, one, new RecordingHost()),
      )
      context.after(() => mounts.map((mount) => mount.close()))
      const { port } = server.address() as AddressInfo
      const socket = connect(port, '127.0.0.1')
      let received = ''
      socket.on('data', (chunk) => (received += String(chunk)))
      socket.write(request)
      const until = async (pattern: RegExp): Promise<void> => {
        while (!pattern.test(received)) await once(socket, 'data')
      }
      await until(new RegExp(`\r\n\r\n(?:[\\da-f]+\r\n)?${route}`))
      assert.match(received, /^HTTP\/1\.1 200 OK\r\n/)
      // The connection goes on, as HTTP/1.1 has it.
      socket.write('GET /again HTTP/1.1\r\nHost: a\r\n\r\n')
      await until(/GET \/again /)
      const ended = once(server, 'close')
      server.close()
      socket.end()
      await ended
    },
  )
}

test('mounted on a server without routes: what is not ours is not found', async (context) => {
  const server = createServer()
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  context.after(() => server.close())
  const mounted = mountWebSocket(server, listenerOptions({ type: 'ws', websocketPath: '/mqtt' }), new RecordingHost())
  const answer = await exchange((server.address() as AddressInfo).port, `GET / HTTP/1.1\r\nHost: a\r\n${H2C}\r\n`)
  assert.match(answer, /^HTTP\/1\.1 404 Not Found\r\n/)
  mounted.close()
  mounted.close()
  assert.equal(server.listenerCount('upgrade'), 0)
})

test('mounted: new options hold for the next request', async (context) => {
  const { server, base } = await hostProgram(context)
  const options = listenerOptions({ type: 'ws', websocketPath: '/mqtt' })
  const mounted = mountWebSocket(server, options, new RecordingHost())
  const origin = 'https://app.example'
  assert.equal(await outcome(dial(context, `ws://${base}/mqtt`, { origin })), 403)
  mounted.reload({ ...options, allowedOrigins: [origin] })
  assert.equal(await outcome(dial(context, `ws://${base}/mqtt`, { origin })), 'mqtt')
  assert.equal(mounted.refusedUpgrades, 1)
})

test('mount takes a server, and says so of anything else', () => {
  const framework = Object.assign(() => undefined, { on: () => undefined })
  for (const wrong of [undefined, null, 'http://localhost', framework, new EventEmitter()]) {
    const options = listenerOptions({ type: 'ws' })
    assert.throws(() => mountWebSocket(wrong as unknown as Server, options, new RecordingHost()), {
      code: 'ERR_USAGE',
      message: /takes the HTTP server itself/,
    })
  }
})

test("mounted on the host program's HTTP server: only its path is ours", async (context) => {
  const { server, base } = await hostProgram(context)
  server.on('upgrade', (request, socket) => {
    if (request.url === '/theirs') socket.end('HTTP/1.1 418 Theirs\r\n\r\n')
  })
  const host = new RecordingHost()
  const mounted = mountWebSocket(server, listenerOptions({ type: 'ws', websocketPath: '/mqtt' }), host)
  const client = dial(context, `ws://${base}/mqtt`)
  await once(client, 'open')
  client.send(Buffer.from('question'))
  const connection = await (await host.connection()).untilReceived('question')
  assert.equal(connection.peer.address, '127.0.0.1')
  assert.equal(await outcome(dial(context, `ws://${base}/theirs`)), 418)
  assert.equal(await outcome(dial(context, `ws://${base}/mqtt`, { origin: 'https://bad.example' })), 403)
  const [page] = (await once(get(`http://${base}/`), 'response')) as [IncomingMessage]
  assert.equal(await text(page), 'a page')

  mounted.close()
  assert.equal(server.listenerCount('upgrade'), 1)
  client.send(Buffer.from(', still here'))
  await connection.untilReceived('still here')
})
