/** Streams that the host program has, taken as Connections: what a socket tells of itself, and what is no stream. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Socket } from 'node:net'
import { PassThrough, type Duplex } from 'node:stream'
import { test, type TestContext } from 'node:test'
import { connect as connectTls, createServer as createTlsServer } from 'node:tls'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { Peer } from '../../../src/protocol/transport.ts'
import { createBroker, type Broker } from '../../../src/create-broker.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { closed } from '../../support/closed.ts'
import { clientsOf } from '../../support/sessions.ts'

const CONNECT = Buffer.from('101300044d5154540502000000000663616c6c6572', 'hex')

/** Connects in the words of MQTT 5.0. @returns once CONNACK is there */
async function hello(t: TestContext, socket: Socket): Promise<void> {
  t.after(() => socket.destroy())
  socket.write(CONNECT)
  const [connack] = (await once(socket, 'data')) as [Buffer]
  assert.deepEqual([connack[0], connack[3]], [0x20, 0])
}

async function listening(t: TestContext, broker: Broker, secure: boolean): Promise<AddressInfo> {
  const take = (socket: Socket): void => void broker.attach(socket)
  const server = secure ? createTlsServer(tls(), take) : createServer(take)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return server.address() as AddressInfo
}

const authority = new TestAuthority('CA')
const identity = authority.issue({ names: ['IP:127.0.0.1'] })
const tls = () => ({ cert: identity.certificate, key: identity.key })

for (const secure of [false, true]) {
  test(`a socket of a plain ${secure ? 'tls' : 'net'}.Server brings its address, its port and whether it is encrypted`, async (t) => {
    await using broker = await createBroker({ listeners: {} })
    const { port } = await listening(t, broker, secure)
    const peers: Partial<Peer>[] = []
    const everyone: Plugin = {
      name: 'everyone',
      authenticate: ({ address, encrypted }) => void peers.push({ address, encrypted }),
    }
    await broker.reload({ listeners: {}, auth: { 'allow-anonymous': true, plugins: ['auth.anonymous', everyone] } })
    const to = { port, host: '127.0.0.1' }
    await hello(t, secure ? connectTls({ ...to, ca: authority.certificate }) : connect(to))
    assert.deepEqual(peers, [{ address: '127.0.0.1', encrypted: secure }])
    assert.equal(clientsOf(broker)[0]?.client.listener, 'attached')
  })
}

test('what the program says of the other side wins over the socket; what it says nothing of does not', async (t) => {
  await using broker = await createBroker({ listeners: {}, 'max-connections-per-address': 1 })
  const server = createServer(
    (socket) => void broker.attach(socket, { address: undefined, listener: 'door' } as unknown as Peer),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  await hello(t, connect(port, '127.0.0.1'))
  const { client } = clientsOf(broker)[0]!
  assert.deepEqual([client.address, client.listener], ['127.0.0.1', 'door'])
  const second = connect(port, '127.0.0.1')
  await closed(second)
  assert.equal(broker.metrics.connectionsClosedAtLimit, 1, 'limits of an address hold for attached sockets')
})

const NO_STREAMS: readonly [title: string, value: unknown, message: RegExp][] = [
  ['nothing', undefined, /got undefined/],
  ['null', null, /got null/],
  ['text', 'tcp://127.0.0.1', /got tcp/],
  ['an object', {}, /got Object/],
  ['a function', () => undefined, /attach\(\) takes/],
  ['a WebSocket', new (class WebSocket {})(), /got WebSocket \(for WebSockets, pass the HTTP server to mount/],
  ['a pair of web streams', { readable: new ReadableStream(), writable: new WritableStream() }, /Duplex\.fromWeb/],
]
for (const [title, value, message] of NO_STREAMS) {
  test(`attach says in a sentence that ${title} is no stream`, async () => {
    await using broker = await createBroker({ listeners: {} })
    assert.throws(() => broker.attach(value as Duplex), { code: 'ERR_USAGE', message })
  })
}

test('attach says that an address is a text, and that the broker is not running', async () => {
  const broker = await createBroker({ listeners: {} })
  assert.throws(() => broker.attach(new PassThrough(), { address: 7 } as never), {
    code: 'ERR_USAGE',
    message: /address/,
  })
  assert.equal(broker.attach(new PassThrough(), null as never), true)
  await broker.close()
  const stream = new PassThrough()
  assert.throws(() => broker.attach(stream), { code: 'ERR_USAGE', message: /call start\(\) first/ })
  assert.equal(stream.listenerCount('error'), 0, 'and the stream is as it was')
  assert.throws(() => broker.mount({} as never), { code: 'ERR_USAGE', message: /call start\(\) first/ })
})

test(
  'a program that fakes its timers and clocks fakes its own: a broker serves and closes as ever',
  { timeout: 30_000 },
  async (t) => {
    const broker = await createBroker({ listeners: { door: { bind: '127.0.0.1:0' } } })
    const { setTimeout, setInterval, setImmediate, Date, performance } = globalThis
    const now = performance.now.bind(performance)
    t.after(() => {
      performance.now = now
      Object.assign(globalThis, { setTimeout, setInterval, setImmediate, Date })
    })
    const never = () => ({ unref: () => undefined })
    Object.assign(globalThis, { setTimeout: never, setInterval: never, setImmediate: never, Date: { now: () => 0 } })
    performance.now = () => 0
    const socket = connect(broker.listeners[0]!.port!, '127.0.0.1')
    await hello(t, socket)
    await broker.publish('a', 'b', { qos: 1 })
    await broker.close()
    assert.equal(broker.state, 'closed')
  },
)
