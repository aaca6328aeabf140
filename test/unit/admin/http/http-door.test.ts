/** The API over sockets: real ones, because what matters here is what the system and Node make of them. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { existsSync, statSync } from 'node:fs'
import { request, type IncomingMessage, type RequestOptions, type ServerResponse } from 'node:http'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { createBroker, type Broker, type ConfigInput } from '../../../../src/index.ts'
import type { Api } from '../../../../src/admin/http/api.ts'
import { HttpServer } from '../../../../src/admin/http/http-server.ts'
import type { EventSink, RequestHead } from '../../../../src/admin/http/request.ts'
import { resolveOptions } from '../../../../src/config/options.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { VirtualClock } from '../../../../src/testing/virtual-clock.ts'
import { listLogger } from '../../../support/list-logger.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

interface Got {
  readonly status: number
  readonly text: string
  readonly connection: string | undefined
}

async function ask(options: RequestOptions, body?: string | Buffer): Promise<Got> {
  const asked = request({ path: '/api/v1/overview', agent: false, ...options })
  asked.end(body)
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  const chunks: Buffer[] = []
  for await (const chunk of response as AsyncIterable<Buffer>) chunks.push(chunk)
  return {
    status: response.statusCode!,
    text: Buffer.concat(chunks).toString(),
    connection: response.headers.connection,
  }
}

interface Served {
  readonly broker: Broker
  readonly socketPath: string
  /** Of `bind`. */
  readonly port: () => number
}

async function serve(t: TestContext, admin: ConfigInput['admin'] = {}): Promise<Served> {
  const socketPath = join(scratchFolder(), 'admin.sock')
  const urls: string[] = []
  const info = (fields: object | string): void => {
    if (typeof fields === 'object' && 'url' in fields) urls.push(fields.url as string)
  }
  const logger = { ...silentLogger, info }
  const broker = await createBroker({ listeners: {}, admin: { socket: socketPath, ...admin } }, { logger })
  t.after(() => broker.close())
  return { broker, socketPath, port: () => Number(new URL(urls.findLast((url) => url.startsWith('http:'))!).port) }
}

/** All that comes until the other side closes. */
async function textOf(socket: Socket): Promise<string> {
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.on('error', () => {})
  await new Promise<void>((resolve) => socket.once('close', () => resolve()))
  return text
}

test('the socket belongs to the user of the broker alone, who is an administrator there', async (t) => {
  const { socketPath } = await serve(t)
  assert.equal(statSync(socketPath).mode & 0o777, 0o600)
  const { status, text } = await ask({ socketPath })
  assert.equal(status, 200)
  assert.equal((JSON.parse(text) as { clients: number }).clients, 0)
  assert.equal((await ask({ socketPath, path: '/api/v1/configuration' })).status, 200)
})

test('by default it is in the folder of the store', async (t) => {
  const path = join(scratchFolder(), 'store')
  const broker = await createBroker({ listeners: {}, persistence: { path }, admin: {} })
  t.after(() => broker.close())
  assert.equal((await ask({ socketPath: join(path, 'admin.sock') })).status, 200)
})

test('`bind` serves it over TCP: health for everybody, nothing else without a login', async (t) => {
  const { port } = await serve(t, { bind: '127.0.0.1:0', socket: 'off' })
  const there = { host: '127.0.0.1', port: port() }
  assert.equal((await ask({ ...there, path: '/health/ready' })).status, 200)
  assert.equal((await ask(there)).status, 401)
  assert.equal((await ask({ ...there, path: '/metrics' })).status, 401)
})

test('without the section nothing is served; a reload opens it, moves it, and closes it', async (t) => {
  const folder = scratchFolder()
  const [first, second] = [join(folder, 'a.sock'), join(folder, 'b.sock')]
  const broker = await createBroker({ listeners: {} })
  t.after(() => broker.close())
  assert.equal(existsSync(first), false)
  await broker.reload({ listeners: {}, admin: { socket: first } })
  assert.equal((await ask({ socketPath: first })).status, 200)
  await broker.reload({ listeners: {}, admin: { socket: second } })
  assert.equal(existsSync(first), false)
  assert.equal((await ask({ socketPath: second })).status, 200)
  await assert.rejects(broker.reload({ listeners: {}, admin: { socket: join(folder, 'no/such/../\0') } }), /admin/)
  assert.equal((await ask({ socketPath: second })).status, 200, 'what fails changes nothing')
  await broker.reload({ listeners: {} })
  assert.equal(existsSync(second), false)
})

test('a reload that is asked for by the API is answered, also if the address changes', async (t) => {
  const { broker, socketPath } = await serve(t)
  const next = `${socketPath}.next`
  const configuration = JSON.stringify({ configuration: { listeners: {}, admin: { socket: next } } })
  const headers = { 'Content-Type': 'application/json' }
  const { status, connection } = await ask(
    { socketPath, method: 'POST', path: '/api/v1/reload', headers },
    configuration,
  )
  assert.deepEqual([status, connection], [200, 'close'])
  assert.equal((await ask({ socketPath: next })).status, 200)
  assert.equal(broker.state, 'started')
})

test('an address that is taken is an error at the start that names it, and leaves nothing open', async (t) => {
  const { socketPath } = await serve(t)
  await assert.rejects(createBroker({ listeners: {}, admin: { socket: socketPath } }), {
    code: 'ERR_LISTENER_IN_USE',
    message: new RegExp(socketPath),
  })
  assert.equal((await ask({ socketPath })).status, 200)
})

test('a socket that nobody has asked for is no reason not to start', async (t) => {
  const path = join(scratchFolder(), 'x'.repeat(120))
  const logger = listLogger()
  const broker = await createBroker({ listeners: {}, persistence: { path }, admin: {} }, { logger })
  t.after(() => broker.close())
  assert.match(logger.lines.join('\n'), /there is no socket for commands: .*path is too long/)
})

test('a configuration that opens nothing is warned about; an address that is none is refused', async () => {
  const { warnings } = resolveOptions({ admin: { socket: 'off' } })
  assert.deepEqual(
    warnings.map(({ path, message }) => `${path} ${message}`),
    ['admin opens nothing here: set `bind`, or `socket` to the path of a socket'],
  )
  const message = /admin\.bind/
  await assert.rejects(createBroker({ listeners: {}, admin: { bind: 'nonsense' } }), { code: 'ERR_CONFIG', message })
})

test('`max-request-bytes`: a longer body is answered 413, announced or not, and counted', async (t) => {
  const { broker, socketPath } = await serve(t, { 'max-request-bytes': 2000 })
  const headers = { 'Content-Type': 'application/json' }
  const post = { socketPath, method: 'POST', path: '/api/v1/publish' }
  const body = (length: number): string => JSON.stringify({ topic: 'a', payload: 'x'.repeat(length) })
  assert.equal((await ask({ ...post, headers }, body(1000))).status, 204)
  const { status, text, connection } = await ask({ ...post, headers }, body(100_000))
  assert.deepEqual([status, connection], [413, 'close'])
  assert.equal((JSON.parse(text) as { option: string }).option, 'admin.max-request-bytes')
  const chunked = { ...headers, 'Transfer-Encoding': 'chunked' }
  assert.equal((await ask({ ...post, headers: chunked }, body(100_000))).status, 413)
  assert.equal(broker.metrics.adminOverLimit, 2)
})

test('the body of whoever may not send one is not read', async (t) => {
  const { port } = await serve(t, { bind: '127.0.0.1:0' })
  const socket = connect(port(), '127.0.0.1')
  socket.write(
    'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000000\r\n\r\n',
  )
  assert.match(await textOf(socket), /^HTTP\/1\.1 401 /)
})

test('`max-connections`: while every connection has a request under way, further ones are closed and counted', async (t) => {
  const { broker, socketPath } = await serve(t, { 'max-connections': 1 })
  const first = connect(socketPath)
  await once(first, 'connect')
  first.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await once(first, 'data')
  assert.equal(await textOf(connect(socketPath)), '')
  while (broker.metrics.adminOverLimit === 0) await new Promise((resolve) => setImmediate(resolve))
  first.destroy()
})

test('half-open requests take no place from others: the oldest gives way, is closed and counted', async (t) => {
  const { broker, port } = await serve(t, { bind: '127.0.0.1:0', 'max-connections': 2 })
  const closed: Promise<string>[] = []
  for (let count = 0; count < 2; count++) {
    const half = connect(port(), '127.0.0.1')
    half.write('GET /health/live HTTP/1.1\r\nHost: ')
    closed.push(textOf(half))
    await once(half, 'connect')
  }
  assert.equal((await ask({ host: '127.0.0.1', port: port(), path: '/health/live' })).status, 200)
  assert.equal(await Promise.race(closed), '')
  assert.equal(broker.metrics.adminOverLimit, 1)
})

test('bodies that do not arrive take no place from others either, though anybody may send that of a login', async (t) => {
  const { broker, port } = await serve(t, { bind: '127.0.0.1:0', 'max-connections': 2 })
  const head = `Host: localhost\r\nOrigin: http://localhost\r\nContent-Type: application/json\r\nContent-Length: 100`
  const closed: Promise<string>[] = []
  for (let count = 0; count < 2; count++) {
    const half = connect(port(), '127.0.0.1')
    // The answer of Node to `Expect` shows that the request is being served.
    half.write(`POST /api/v1/login HTTP/1.1\r\n${head}\r\nExpect: 100-continue\r\n\r\n`)
    await once(half, 'data')
    closed.push(textOf(half))
  }
  assert.equal((await ask({ host: '127.0.0.1', port: port(), path: '/health/live' })).status, 200)
  assert.equal(await Promise.race(closed), '')
  assert.equal(broker.metrics.adminOverLimit, 1)
})

test('`request-timeout`: a request that does not arrive is answered 408', async (t) => {
  const { socketPath } = await serve(t, { 'request-timeout': 1 })
  const socket = connect(socketPath)
  socket.write('GET /api/v1/overview HTTP/1.1\r\nHost: ')
  assert.match(await textOf(socket), /^HTTP\/1\.1 408 /)
})

test('several requests at once on one connection: only the first is served', async (t) => {
  const { socketPath } = await serve(t)
  const socket = connect(socketPath)
  socket.write('GET /api/v1/overview HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(50))
  const statuses = [...(await textOf(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  assert.deepEqual(statuses, ['200', '429'])
})

test('of thousands of requests in one chunk, two answers are made', async (t) => {
  const answer = (): Promise<object> => Promise.resolve({ status: 204, headers: {}, body: [] })
  const api = (): Promise<Api> => Promise.resolve({ answer } as unknown as Api)
  const http = new HttpServer(resolveOptions({ admin: {} }), true, undefined, api, Date.now)
  const responses: ServerResponse[] = []
  http.server.on('request', (_, response: ServerResponse) => responses.push(response))
  const path = join(scratchFolder(), 'pipelining.sock')
  http.server.listen(path)
  await once(http.server, 'listening')
  t.after(() => http.close())
  const socket = connect(path)
  socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000))
  const statuses = [...(await textOf(socket)).matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status)
  assert.deepEqual(statuses, ['204', '429'])
  assert.ok(responses.length > 2)
  assert.equal(responses.filter(({ writableEnded }) => writableEnded).length, 2)
})

test('one after the other they are all served on one connection', async (t) => {
  const { socketPath } = await serve(t)
  const socket = connect(socketPath)
  for (let count = 0; count < 5; count++) {
    socket.write('GET /api/v1/drops HTTP/1.1\r\nHost: localhost\r\n\r\n')
    let text = ''
    while (!text.endsWith(']')) text += String((await once(socket, 'data'))[0])
    assert.match(text, /^HTTP\/1\.1 200 /)
  }
  socket.destroy()
})

test('what is no HTTP, and headers without end, are refused', async (t) => {
  const { socketPath } = await serve(t)
  for (const [sent, status] of [
    ['\x10\x0c\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x00', 400],
    [`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`, 431],
    ['GET /health/live HTTP/1.1\r\n\r\n', 400],
    ['GET /health/live HTTP/1.1\r\nHost: localhost\r\nX: a\0b\r\n\r\n', 400],
    [
      'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n',
      400,
    ],
  ] as const) {
    const socket = connect(socketPath)
    socket.write(sent)
    assert.match(await textOf(socket), new RegExp(`^HTTP/1\\.1 ${status} `), sent.slice(0, 40))
  }
})

test('closing the broker closes connections that do nothing and those that wait', async (t) => {
  const { broker, socketPath } = await serve(t)
  const idle = connect(socketPath)
  const half = connect(socketPath)
  half.write(
    'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{',
  )
  await Promise.all([once(idle, 'connect'), once(half, 'connect')])
  const closed = Promise.all([textOf(idle), textOf(half)])
  await broker.close()
  await closed
  assert.equal(existsSync(socketPath), false)
})

/** A request whose body does not arrive. */
async function halfRequest(path: string): Promise<Socket> {
  const socket = connect(path)
  const head =
    'POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nExpect: 100-continue'
  socket.write(`${head}\r\nContent-Length: 10\r\n\r\n{`)
  await once(socket, 'data')
  return socket
}

test('a request that does not arrive is closed by the timeout also after its address was closed by a reload', async (t) => {
  const { broker, socketPath } = await serve(t, { 'request-timeout': 1 })
  const closed = textOf(await halfRequest(socketPath))
  await broker.reload({ listeners: {}, admin: { socket: `${socketPath}.next`, 'request-timeout': 1 } })
  await closed
})

test('closing the broker also closes connections to addresses that a reload has closed', async (t) => {
  const { broker, socketPath } = await serve(t)
  const closed = textOf(await halfRequest(socketPath))
  await broker.reload({ listeners: {} })
  await broker.close()
  await closed
})

test('a body in pieces of a byte is put together', async (t) => {
  const { socketPath } = await serve(t)
  const socket = connect(socketPath)
  socket.write('POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n')
  socket.write('Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n')
  for (const character of '{"topic":"a","payload":"on"}') socket.write(`1\r\n${character}\r\n`)
  socket.write('0\r\n\r\n')
  assert.match(await textOf(socket), /^HTTP\/1\.1 204 /)
})

test('a reader of events that never reads is closed all the same', async (t) => {
  const options = resolveOptions({ admin: { 'request-timeout': 1 } })
  let end = (): void => {}
  const ended = new Promise<void>((resolve) => (end = resolve))
  const follow = (sink: EventSink): (() => void) => {
    sink.write('x'.repeat(20_000_000))
    sink.close()
    return end
  }
  const answer = (): Promise<object> => Promise.resolve({ status: 200, headers: {}, body: [], follow })
  const http = new HttpServer(options, true, undefined, () => Promise.resolve({ answer } as unknown as Api), Date.now)
  const path = join(scratchFolder(), 'events.sock')
  http.server.listen(path)
  await once(http.server, 'listening')
  t.after(() => http.close())
  const reader = connect(path).pause()
  reader.on('error', () => {})
  t.after(() => reader.destroy())
  reader.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  await ended
})

test('after an address was closed, what is written to a reader of events who has not read the rest is left out', async () => {
  const options = resolveOptions({ admin: {} })
  let followed: (sink: EventSink) => void = () => {}
  const reading = new Promise<EventSink>((resolve) => (followed = resolve))
  const follow = (sink: EventSink): (() => void) => {
    sink.write('x'.repeat(20_000_000))
    followed(sink)
    return () => undefined
  }
  const answer = (): Promise<object> => Promise.resolve({ status: 200, headers: {}, body: [], follow })
  const http = new HttpServer(options, true, undefined, () => Promise.resolve({ answer } as unknown as Api), Date.now)
  const path = join(scratchFolder(), 'retired.sock')
  http.server.listen(path)
  await once(http.server, 'listening')
  const reader = connect(path).pause()
  reader.on('error', () => {})
  reader.write('GET /api/v1/events HTTP/1.1\r\nHost: localhost\r\n\r\n')
  const sink = await reading
  const retired = http.retire(new VirtualClock())
  const { waitingBytes } = sink
  sink.write('more')
  assert.equal(sink.waitingBytes, waitingBytes)
  // An error of the answer would come by now.
  await new Promise((resolve) => setImmediate(resolve))
  await http.close()
  reader.destroy()
  await retired
})

test(
  'what is asked for is ended when its caller leaves, and not when it has its answer',
  { timeout: 30_000 },
  async (t) => {
    const signals: AbortSignal[] = []
    let arrived = (): void => {}
    const answer = ({ signal, target }: RequestHead): Promise<object> => {
      signals.push(signal!)
      arrived()
      if (target === '/answered') return Promise.resolve({ status: 204, headers: {}, body: [] })
      return new Promise((resolve) =>
        signal!.addEventListener('abort', () => resolve({ status: 503, headers: {}, body: [] })),
      )
    }
    const options = resolveOptions({ admin: {} })
    const http = new HttpServer(options, true, undefined, () => Promise.resolve({ answer } as unknown as Api), Date.now)
    const path = join(scratchFolder(), 'signals.sock')
    http.server.listen(path)
    await once(http.server, 'listening')
    t.after(() => http.close())
    assert.equal((await ask({ socketPath: path, path: '/answered' })).status, 204)
    const begun = new Promise<void>((resolve) => (arrived = resolve))
    const caller = connect(path)
    caller.write('GET /topics HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await begun
    const [answered, pending] = signals
    assert.equal(pending!.aborted, false)
    caller.destroy()
    await once(pending!, 'abort')
    assert.equal(answered!.aborted, false)
  },
)
