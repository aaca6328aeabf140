import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { ListenerInput, ListenerOptions } from '../../../src/config/options.ts'
import { openListener } from '../../../src/listeners/listener.ts'
import { parseProxyHeader } from '../../../src/listeners/proxy-protocol.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { closed } from '../../support/closed.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const V2 = '0d0a0d0a000d0a515549540a'
const V1 = 'PROXY TCP4 203.0.113.9 192.0.2.1 51234 1883\r\n'
const V2_TCP4 = Buffer.from(`${V2}2111000ccb007109c0000201c822075b`, 'hex')
const SOURCE_6 = '20010db8000000000000000000000001'

const hex = (text: string) => Buffer.from(text, 'hex')

/** Bytes in, what they say out. */
const WHOLE: readonly (readonly [
  name: string,
  bytes: Buffer,
  source: { address: string; port: number } | undefined,
])[] = [
  ['v1, IPv4', Buffer.from(V1), { address: '203.0.113.9', port: 51234 }],
  ['v1, IPv6', Buffer.from('PROXY TCP6 2001:DB8::0:1 ::1 1 2\r\n'), { address: '2001:db8::1', port: 1 }],
  ['v1, unknown', Buffer.from('PROXY UNKNOWN\r\n'), undefined],
  ['v1, unknown with addresses', Buffer.from('PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n'), undefined],
  ['v2, IPv4', V2_TCP4, { address: '203.0.113.9', port: 51234 }],
  ['v2, IPv6', hex(`${V2}21210024${SOURCE_6}${'00'.repeat(15)}01c822075b`), { address: '2001:db8::1', port: 51234 }],
  [
    'v2, with extensions',
    hex(`${V2}21110010cb007109c0000201c822075b04000100`),
    { address: '203.0.113.9', port: 51234 },
  ],
  ['v2, local', hex(`${V2}20000000`), undefined],
  ['v2, a Unix socket', hex(`${V2}213100d8${'2f'.repeat(216)}`), undefined],
  ['v2, unspecified', hex(`${V2}21000000`), undefined],
]

for (const [name, bytes, source] of WHOLE) {
  test(`PROXY header ${name}: read whole, from parts, and with bytes behind it`, () => {
    const expected = source === undefined ? { length: bytes.length } : { length: bytes.length, source }
    assert.deepEqual(parseProxyHeader(bytes), expected)
    assert.deepEqual(parseProxyHeader(Buffer.concat([bytes, Buffer.from('MQTT')])), expected)
    for (let end = 0; end < bytes.length; end++)
      assert.equal(parseProxyHeader(bytes.subarray(0, end)), 'more', `${end}`)
  })
}

for (const [name, bytes] of [
  ['MQTT without a header', hex('100c00044d5154540402003c0000')],
  ['TLS without a header', hex('16030100')],
  ['v1 with another family', Buffer.from('PROXY UDP4 203.0.113.9 192.0.2.1 1 2\r\n')],
  ['v1 with the wrong family', Buffer.from('PROXY TCP4 ::1 ::1 1 2\r\n')],
  ['v1 without an address', Buffer.from('PROXY TCP4 x 192.0.2.1 1 2\r\n')],
  ['v1 without a destination', Buffer.from('PROXY TCP4 203.0.113.9 x 1 2\r\n')],
  ['v1 with a port too large', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 65536 2\r\n')],
  ['v1 with too few parts', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 1\r\n')],
  ['v1 with too many parts', Buffer.from('PROXY TCP4 203.0.113.9 192.0.2.1 1 2 3\r\n')],
  ['v1 without an end', Buffer.from(`PROXY UNKNOWN ${'x'.repeat(100)}`)],
  ['v2 with another version', hex(`${V2}31110000`)],
  ['v2 with another command', hex(`${V2}22110000`)],
  ['v2 with too short an address', hex(`${V2}21110008cb007109c0000201`)],
  ['v2 with too long a body', hex(`${V2}2111ffff`)],
] as const) {
  test(`PROXY header ${name}: malformed`, () => assert.equal(parseProxyHeader(bytes), 'malformed'))
}

async function serve(context: TestContext, input: ListenerInput = {}, settings: Partial<ListenerOptions> = {}) {
  const host = new RecordingHost()
  const proxied = { proxyProtocol: true, trustedProxies: ['127.0.0.0/8'] }
  const listener = await openListener({ ...listenerOptions({ ...proxied, ...input }), ...settings }, host)
  context.after(() => listener.close())
  const dial = (): Socket => {
    const socket = connect(listener.port!, '127.0.0.1')
    socket.on('error', () => {})
    context.after(() => socket.destroy())
    return socket
  }
  return { host, listener, dial }
}

test('the address is the one that the proxy names, and what follows the header is MQTT', async (context) => {
  const { host, dial } = await serve(context)
  for (const [index, header] of [Buffer.from(V1), V2_TCP4].entries()) {
    dial().write(Buffer.concat([header, Buffer.from('MQTT')]))
    const connection = await (await host.connection(index)).untilReceived('MQTT')
    const { address, port } = connection.peer
    assert.deepEqual([address, port], ['203.0.113.9', 51234])
  }
})

test('a header that comes byte by byte, and MQTT some time after it', async (context) => {
  const { host, dial } = await serve(context)
  const client = dial()
  client.setNoDelay(true)
  for (const byte of V2_TCP4) await new Promise((resolve) => client.write(Buffer.of(byte), resolve))
  const connection = await host.connection()
  client.write('MQTT')
  await connection.untilReceived('MQTT')
  connection.transport.pauseReading()
  connection.transport.resumeReading()
  client.write(' more')
  await connection.untilReceived('MQTT more')
  client.end()
  await connection.untilLost()
})

test("a proxy's own connection keeps the address of its socket", async (context) => {
  const { host, dial } = await serve(context)
  dial().write('PROXY UNKNOWN\r\n')
  assert.equal((await host.connection()).peer.address, '127.0.0.1')
})

test('an address that is not trusted cannot speak for others', async (context) => {
  const { host, listener, dial } = await serve(context, { trustedProxies: ['10.0.0.0/8'] })
  const client = dial()
  client.write(V1)
  await closed(client)
  assert.match(String((await host.line(/Connection refused/)).fields['cause']), /not in trusted-proxies/)
  assert.equal(listener.counters.refusedProxyHeaders, 1)
  assert.equal(host.connections.length, 0)
})

test('a malformed or cut header closes the connection', async (context) => {
  const { host, listener, dial } = await serve(context)
  const beginnings: readonly [begin: (client: Socket) => unknown, cause: RegExp][] = [
    [(client) => client.write('hello'), /malformed/],
    [(client) => client.end('PROXY '), /ended within/],
  ]
  for (const [index, [begin, cause]] of beginnings.entries()) {
    const client = dial()
    begin(client)
    await closed(client)
    while (listener.counters.refusedProxyHeaders <= index) await once(host, 'change')
    assert.match(String(host.lines.at(-1)?.fields['cause']), cause)
  }
  assert.equal(host.connections.length, 0)
})

test('a header that does not come in time closes the connection', async (context) => {
  const { host, dial } = await serve(context, {}, { connectTimeout: 0.05 })
  const client = dial()
  client.write('PROXY ')
  await closed(client)
  assert.match(String((await host.line(/Connection refused/)).fields['cause']), /within 50 ms/)
  assert.equal(host.connections.length, 0)
})

test('a health check, with a header of its own or without a byte, is at debug and counts as no refusal', async (context) => {
  const { input } = await tls(context)
  const { host, listener, dial } = await serve(context, input)
  for (const header of ['', 'PROXY UNKNOWN\r\n', hex(`${V2}20000000`)]) {
    dial().end(header)
    while (host.lines.length === 0) await once(host, 'change')
    const { level, message } = host.lines.pop()!
    assert.deepEqual([level, message], ['debug', 'a connection from 127.0.0.1 was closed before it sent anything'])
  }
  const { refusedProxyHeaders, failedHandshakes } = listener.counters
  assert.deepEqual([refusedProxyHeaders, failedHandshakes, host.refusals], [0, 0, []])
})

test('in front of TLS, in one write with the first bytes of the handshake', async (context) => {
  const { authority, input } = await tls(context)
  const { host, listener, dial } = await serve(context, input)
  const raw = dial()
  await once(raw, 'connect')
  raw.cork()
  raw.write(V1)
  const client = connectTls({ socket: raw, ca: authority.certificate, servername: 'localhost' })
  setImmediate(() => raw.uncork())
  await once(client, 'secureConnect')
  client.write('MQTT')
  const connection = await (await host.connection()).untilReceived('MQTT')
  const { address, encrypted } = connection.peer
  assert.deepEqual([address, encrypted], ['203.0.113.9', true])

  const noise = dial()
  noise.write(`${V1}this is no TLS at all`)
  await once(noise.resume(), 'close')
  assert.equal((await host.line(/TLS handshake failed/)).fields['address'], '203.0.113.9')
  assert.equal(listener.counters.failedHandshakes, 1)
})

test('in front of a WebSocket, where X-Forwarded-For is believed if the address it names is trusted', async (context) => {
  const { host, listener } = await serve(context, { type: 'ws' })
  const createConnection = () => {
    const socket = connect(listener.port!, '127.0.0.1')
    socket.write(V2_TCP4)
    return socket
  }
  const headers = { 'X-Forwarded-For': '198.51.100.5' }
  const client = new WebSocket(`ws://127.0.0.1:${listener.port}`, ['mqtt'], { createConnection, headers })
  context.after(() => client.terminate())
  await once(client, 'open')
  client.send(Buffer.from('MQTT'))
  const connection = await (await host.connection()).untilReceived('MQTT')
  assert.equal(connection.peer.address, '203.0.113.9')
})

async function tls(context: TestContext) {
  const folder = await mkdtemp(join(tmpdir(), 'sluice-proxy-'))
  context.after(() => rm(folder, { recursive: true }))
  const authority = new TestAuthority('CA')
  const { certificate, key } = authority.issue({ names: ['DNS:localhost'] })
  const [certfile, keyfile] = [join(folder, 'cert.pem'), join(folder, 'key.pem')]
  await writeFile(certfile, certificate)
  await writeFile(keyfile, key)
  return { authority, input: { ssl: true, certfile, keyfile } }
}
