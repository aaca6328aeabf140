/** The WebSocket of a console, over real sockets: what Node, a browser and a proxy make of it. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { request } from 'node:http'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { decodePacket } from '../../../../src/codec/decode.ts'
import { encodePacket } from '../../../../src/codec/encode.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { createBroker, type Broker, type ConfigInput } from '../../../../src/index.ts'
import { silentLogger } from '../../../../src/base/log.ts'
import { scratchFolder } from '../../../support/scratch-folder.ts'

interface Served {
  readonly broker: Broker
  readonly port: number
  readonly socketPath: string
  readonly key: string
}

async function serve(t: TestContext, admin: ConfigInput['admin'] = {}): Promise<Served> {
  const folder = scratchFolder()
  const socketPath = join(folder, 'admin.sock')
  let port = 0
  const info = (fields: object | string): void => {
    const { url } = fields as { readonly url?: string }
    if (url?.startsWith('http:') === true) port = Number(new URL(url).port)
  }
  const files = { socket: socketPath, 'keys-file': join(folder, 'keys.json') }
  const broker = await createBroker(
    { listeners: {}, admin: { bind: '127.0.0.1:0', ...files, ...admin } },
    { logger: { ...silentLogger, info } },
  )
  t.after(() => broker.close())
  const { key } = await broker.admin.createApiKey({ name: 'x', role: 'operator' })
  return { broker, port, socketPath, key }
}

const CONNECT = encodePacket(
  {
    type: PacketType.CONNECT,
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 0,
    clientId: '',
    will: undefined,
    userName: undefined,
    password: undefined,
    properties: noProperties,
  },
  5,
)

/** @returns the CONNACK */
async function connect(socket: WebSocket) {
  if (socket.readyState === socket.CONNECTING) await once(socket, 'open')
  socket.send(CONNECT)
  const [bytes] = (await once(socket, 'message')) as [Buffer]
  const packet = decodePacket(bytes, bytes[0]!, 2, bytes.length, 5, 'server')
  assert.equal(packet.type, PacketType.CONNACK)
  return packet
}

async function refusalOf(socket: WebSocket): Promise<number> {
  const [asked, response] = (await once(socket, 'unexpected-response')) as [{ destroy(): void }, { statusCode: number }]
  asked.destroy()
  return response.statusCode
}

test('MQTT over the WebSocket of the API, with a key in a header or a subprotocol, and through its socket', async (t) => {
  const { broker, port, socketPath, key } = await serve(t)
  const url = `ws://127.0.0.1:${port}/api/v1/console`
  const sockets = [
    new WebSocket(url, 'mqtt', { headers: { Authorization: `Bearer ${key}` } }),
    new WebSocket(url, ['mqtt', `bearer.${key}`], { origin: `http://127.0.0.1:${port}` }),
    new WebSocket(`ws+unix:${socketPath}:/api/v1/console`, 'mqtt'),
  ]
  for (const socket of sockets) {
    await connect(socket)
    assert.equal(socket.protocol, 'mqtt', 'no secret comes back')
  }
  assert.equal((await broker.admin.clients({})).items.length, 3)
  for (const socket of sockets) socket.terminate()
})

test('it is refused with a status: no key, a page of another site, another path, another subprotocol', async (t) => {
  const { port, key } = await serve(t)
  const url = `ws://127.0.0.1:${port}/api/v1/console`
  const headers = { Authorization: `Bearer ${key}` }
  assert.equal(await refusalOf(new WebSocket(url, 'mqtt')), 401)
  assert.equal(await refusalOf(new WebSocket(url, 'mqtt', { headers, origin: 'https://evil.example' })), 403)
  assert.equal(await refusalOf(new WebSocket(`${url}s`, 'mqtt', { headers })), 404)
  assert.equal(await refusalOf(new WebSocket(url, 'mqttv3.1', { headers })), 400)
  assert.equal(await refusalOf(new WebSocket(url, { headers })), 400)
})

test('without a WebSocket, it says what is needed', async (t) => {
  const { port, key } = await serve(t)
  const headers = { Authorization: `Bearer ${key}` }
  const asked = request({ host: '127.0.0.1', port, path: '/api/v1/console', agent: false, headers }).end()
  const [response] = (await once(asked, 'response')) as [{ statusCode: number; headers: Record<string, string> }]
  assert.deepEqual([response.statusCode, response.headers['upgrade']], [426, 'websocket'])
  asked.destroy()
})

test('other requests that offer another protocol are answered as ever', async (t) => {
  const { port } = await serve(t)
  for (const upgrade of ['h2c', 'websocket']) {
    const headers = { Connection: 'Upgrade, HTTP2-Settings', Upgrade: upgrade, 'HTTP2-Settings': 'AAMAAABkAAQAoAAA' }
    const asked = request({ host: '127.0.0.1', port, path: '/health/ready', agent: false, headers }).end()
    const [response] = (await once(asked, 'response')) as [{ statusCode: number }]
    assert.equal(response.statusCode, 200, upgrade)
    asked.destroy()
  }
})

test('a console is under way: connections without a request give way before it does', async (t) => {
  const { broker, port, key } = await serve(t, { 'max-connections': 2 })
  const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/console`, ['mqtt', `bearer.${key}`])
  await connect(socket)
  for (let at = 0; at < 5; at++) {
    const asked = request({ host: '127.0.0.1', port, path: '/health/ready', agent: false }).end()
    const [response] = (await once(asked, 'response')) as [{ statusCode: number }]
    assert.equal(response.statusCode, 200)
    asked.destroy()
  }
  assert.equal((await broker.admin.clients({})).items.length, 1)
  socket.terminate()
})

test('it ends with its key, with the address of the API, and with the broker', async (t) => {
  const { broker, port, socketPath, key } = await serve(t)
  const [keyId] = /(?<=^sluice_)[\da-f]{12}/.exec(key)!
  const byKey = new WebSocket(`ws://127.0.0.1:${port}/api/v1/console`, ['mqtt', `bearer.${key}`])
  const local = new WebSocket(`ws+unix:${socketPath}:/api/v1/console`, 'mqtt')
  await connect(byKey)
  await connect(local)
  const closed = once(byKey, 'close')
  await broker.admin.deleteApiKey({ keyId })
  await closed
  const moved = once(local, 'close')
  await broker.reload({ listeners: {}, admin: { socket: `${socketPath}.next` } })
  await moved
  const last = new WebSocket(`ws+unix:${socketPath}.next:/api/v1/console`, 'mqtt')
  await connect(last)
  const over = once(last, 'close')
  await broker.close()
  await over
})

test('a text frame, and a frame that is too long, end it', async (t) => {
  const { port, key } = await serve(t)
  for (const bad of ['text', Buffer.alloc(200_000, 0x30)]) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/api/v1/console`, ['mqtt', `bearer.${key}`])
    await once(socket, 'open')
    const closed = once(socket, 'close')
    socket.send(bad)
    await closed
  }
})
