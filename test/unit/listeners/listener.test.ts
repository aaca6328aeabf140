import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, Socket } from 'node:net'
import { test } from 'node:test'
import type { ListenerOptions } from '../../../src/config/options.ts'
import { openListener } from '../../../src/listeners/listener.ts'
import { acceptFailed } from '../../../src/listeners/listener-sockets.ts'
import { closed } from '../../support/closed.ts'
import { ManualClock } from '../plugins/support.ts'
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
    [{ port: first.port! }, 'ERR_LISTENER_IN_USE', /`test`.*127\.0\.0\.1:\d+.*already.*change `bind`/],
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

/** Answers these in turn, and the last one from then on. */
function resolving(...answers: (readonly string[] | string)[]) {
  return (): Promise<readonly string[]> => {
    const answer = answers.length > 1 ? answers.shift()! : answers[0]!
    if (typeof answer !== 'string') return Promise.resolve(answer)
    return Promise.reject(Object.assign(new Error(`getaddrinfo ${answer}`), { code: answer }))
  }
}

const NAMED = listenerOptions({ bind: 'house.example:0', allowAnonymous: true })
/** Nobody has it: it is for documentation (RFC 5737). */
const ABSENT = '192.0.2.1'

test('a host name stands for all of its addresses, at one port', async () => {
  const host = new RecordingHost()
  const listener = await openListener(NAMED, host, resolving(['127.0.0.1', '127.0.0.2', '127.0.0.1']))
  const { port } = listener
  assert.deepEqual(listener.urls, [`mqtt://127.0.0.1:${port}`, `mqtt://127.0.0.2:${port}`])
  assert.equal(listener.url, listener.urls[0])
  for (const [index, address] of ['127.0.0.1', '127.0.0.2'].entries()) {
    connect(port!, address)
    ;(await host.connection(index)).transport.destroy()
  }
  await listener.close()
})

test('of a host name, addresses that this machine does not have are reported, and the others served', async () => {
  const host = new RecordingHost()
  const listener = await openListener(NAMED, host, resolving([ABSENT, '127.0.0.1']))
  assert.deepEqual(listener.addresses, ['127.0.0.1'])
  assert.equal(listener.counters.failedOpens, 1)
  assert.deepEqual(
    host.troubles.map(({ code, retryMs }) => [code, retryMs]),
    [['ERR_LISTENER_HOST', undefined]],
  )
  await host.line(/192\.0\.2\.1.*its other addresses are open/)
  await listener.close()
  await assert.rejects(openListener(NAMED, host, resolving([ABSENT])), { code: 'ERR_LISTENER_HOST' })
})

test('`localhost` is never an address that others reach', async () => {
  const options = listenerOptions({ bind: 'localhost:0' })
  const listener = await openListener(options, new RecordingHost(), resolving(['0.0.0.0', '127.0.0.1']))
  assert.deepEqual(listener.addresses, ['127.0.0.1'])
  await listener.close()
  await assert.rejects(openListener(options, new RecordingHost(), resolving(['0.0.0.0'])), /localhost.*name is unknown/)
})

test('an address that another listener of the broker has is not blamed on others', async () => {
  const host = new RecordingHost()
  const first = await openListener(LOOPBACK, host)
  host.others.set(`127.0.0.1:${first.port}`, 'door')
  for (const retry of [false, true]) {
    const again = { ...NAMED, port: first.port!, retry }
    await assert.rejects(openListener(again, host, resolving(['127.0.0.1'])), {
      code: 'ERR_LISTENER_OVERLAP',
      message: /`test`.*127\.0\.0\.1:\d+.*`door` of this configuration/,
    })
  }
  await first.close()
})

test('retry: a listener waits for its name, with pauses that double up to a minute, and says so once', async () => {
  const clock = new ManualClock()
  const host = new RecordingHost(clock)
  const listener = await openListener({ ...NAMED, retry: true }, host, resolving('ENOTFOUND'))
  assert.deepEqual([listener.url, listener.urls, listener.address, listener.port], ['', [], '', undefined])
  const pauses: (number | undefined)[] = []
  for (let tries = 1; tries <= 9; tries++) {
    while (host.troubles.length < tries) await once(host, 'change')
    const { retryMs } = host.troubles.at(-1)!
    pauses.push(retryMs)
    clock.advance(retryMs!)
  }
  assert.deepEqual(pauses, [1000, 2000, 4000, 8000, 16_000, 32_000, 60_000, 60_000, 60_000])
  assert.equal(host.lines.filter(({ level }) => level === 'warn').length, 1)
  while (host.troubles.length < 10) await once(host, 'change')
  assert.equal(listener.counters.failedOpens, 10)
  await listener.close()
  assert.equal(clock.waiting, 0, 'a listener that is closed tries nothing any more')
})

test('retry: addresses that are there are served, and the rest when they come', async () => {
  const clock = new ManualClock()
  const host = new RecordingHost(clock)
  const resolver = resolving('EAI_AGAIN', ['127.0.0.1', ABSENT], ['127.0.0.1', '127.0.0.2'])
  const listener = await openListener({ ...NAMED, retry: true }, host, resolver)
  assert.deepEqual(listener.addresses, [])
  clock.advance(1000)
  while (host.troubles.length < 2) await once(host, 'change')
  assert.deepEqual(listener.addresses, ['127.0.0.1'])
  clock.advance(2000)
  while (host.openings.length < 2) await once(host, 'change')
  assert.deepEqual(listener.addresses, ['127.0.0.1', '127.0.0.2'])
  assert.deepEqual(host.openings.at(-1)?.urls, listener.urls)
  const client = connect(listener.port!, '127.0.0.2')
  await host.connection()
  client.destroy()
  assert.equal(clock.waiting, 0)
  await listener.close()
})

test('retry: what waiting does not mend fails the start all the same', async () => {
  const options = listenerOptions({ type: 'unix', bind: 'x'.repeat(200), retry: true })
  await assert.rejects(openListener(options, new RecordingHost()), { code: 'ERR_LISTENER_PATH' })
})

test('reload: a listener that waits takes `retry: off` only if it can open', async () => {
  const clock = new ManualClock()
  const host = new RecordingHost(clock)
  const waiting = { ...NAMED, retry: true }
  const listener = await openListener(waiting, host, resolving('ENOTFOUND', 'ENOTFOUND', ['127.0.0.1']))
  await assert.rejects(listener.reload(NAMED), { code: 'ERR_LISTENER_HOST' })
  assert.equal(clock.waiting, 1, 'it waits on')
  await listener.reload(NAMED)
  assert.deepEqual(listener.addresses, ['127.0.0.1'])
  assert.equal(clock.waiting, 0)
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

test('a connection for which the system has no file is counted; any other that cannot be accepted is a line', () => {
  const host = new RecordingHost()
  for (const code of ['EMFILE', 'ENFILE', 'ENOBUFS'])
    acceptFailed(host, 'test', Object.assign(new Error(code), { code }))
  assert.equal(host.lostConnections, 2)
  assert.deepEqual(
    host.lines.map(({ message }) => message),
    ['accepting a connection failed'],
  )
})
