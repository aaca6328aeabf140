import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import type { ListenerOptions } from '../../../src/broker/options.ts'
import { openListener } from '../../../src/listeners/listener.ts'
import { closed } from '../../support/closed.ts'
import { listenerOptions, RecordingHost } from './recording-host.ts'

const LOOPBACK = listenerOptions()

test('a listener says where it is', async () => {
  const listener = await openListener(LOOPBACK, new RecordingHost())
  assert.equal(listener.name, 'test')
  assert.equal(listener.address, '127.0.0.1')
  assert.ok(listener.port! > 0)
  assert.equal(listener.url, `mqtt://127.0.0.1:${listener.port}`)
  await listener.close()
})

test('TCP carries every byte in order, both ways [5.0 MQTT-4.2.0-1] [3.1.1 MQTT-7.1.1-1]', async () => {
  const bytes = Buffer.from(Array.from({ length: 300_000 }, (_, at) => (at * 31 + (at >> 8)) & 0xff))
  const host = new RecordingHost()
  const listener = await openListener(LOOPBACK, host)
  const client = connect(listener.port!, '127.0.0.1')
  client.write(bytes)
  const connection = await (await host.connection()).until(({ received }) => received.length >= bytes.length)
  assert.ok(connection.received.equals(bytes))
  connection.transport.write(bytes)
  connection.transport.end()
  const chunks: Buffer[] = []
  for await (const chunk of client) chunks.push(chunk as Buffer)
  assert.ok(Buffer.concat(chunks).equals(bytes))
  await listener.close()
})

test('close frees the address at once and leaves accepted Connections alone', async () => {
  const host = new RecordingHost()
  const listener = await openListener(LOOPBACK, host)
  const client = connect(listener.port!, '127.0.0.1')
  const connection = await host.connection()
  await listener.close()
  const again = await openListener({ ...LOOPBACK, port: listener.port! }, host)
  client.write('still here')
  await connection.untilReceived('still here')
  connection.transport.end()
  await once(client.resume(), 'close')
  await again.close()
})

test('a listener that cannot open says which, where, why and what to do', async () => {
  const host = new RecordingHost()
  const first = await openListener(LOOPBACK, host)
  const cases: readonly [options: Partial<ListenerOptions>, code: string, message: RegExp][] = [
    [{ port: first.port! }, 'ERR_LISTENER_IN_USE', /`test`.*127\.0\.0\.1:\d+.*already.*another `bind`/],
    [{ host: '192.0.2.1' }, 'ERR_LISTENER_HOST', /`test`.*192\.0\.2\.1:0.*does not have that address/],
    [{ host: 'nowhere.invalid' }, 'ERR_LISTENER_HOST', /`test`.*nowhere\.invalid:0/],
  ]
  for (const [options, code, message] of cases) {
    await assert.rejects(openListener({ ...LOOPBACK, ...options }, host), { name: 'ConfigError', code, message })
  }
  await first.close()
})

test('a listener on every interface is there for IPv4 and IPv6, with addresses written plainly', async () => {
  const host = new RecordingHost()
  const listener = await openListener({ ...LOOPBACK, host: '' }, host)
  assert.match(listener.url, /^mqtt:\/\/(\[::\]|0\.0\.0\.0):\d+$/)
  const client = connect(listener.port!, '127.0.0.1')
  const connection = await host.connection()
  assert.equal(connection.peer.address, '127.0.0.1')
  connection.transport.destroy()
  await once(client.resume(), 'close')
  await listener.close()
})

test('while accepting is paused new sockets are reset and Connections go on', async () => {
  const host = new RecordingHost()
  const listener = await openListener(LOOPBACK, host)
  const client = connect(listener.port!, '127.0.0.1')
  const connection = await host.connection()
  listener.pauseAccepting()
  const refused = connect(listener.port!, '127.0.0.1')
  assert.ok(await closed(refused), 'by a reset: the system keeps nothing of it')
  client.write('still here')
  await connection.untilReceived('still here')
  assert.equal(host.connections.length, 1)
  listener.resumeAccepting()
  const admitted = connect(listener.port!, '127.0.0.1')
  ;(await host.connection(1)).transport.destroy()
  await once(admitted.resume(), 'close')
  client.destroy()
  await listener.close()
})

for (const [tcpKeepalive, expected] of [
  [0, []],
  [30, [[true, 30_000]]],
] as const) {
  test(`tcp-keepalive ${tcpKeepalive}`, async (context) => {
    const setKeepAlive = context.mock.method(Socket.prototype, 'setKeepAlive')
    const host = new RecordingHost()
    const listener = await openListener(listenerOptions({ tcpKeepalive }), host)
    const client = connect(listener.port!, '127.0.0.1')
    await host.connection()
    const calls = setKeepAlive.mock.calls.map((call) => call.arguments)
    assert.deepEqual(calls, expected)
    client.destroy()
    await listener.close()
  })
}
