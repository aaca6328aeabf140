/** Sockets that say nothing: one address with very many of them is nobody else's loss, whatever comes before MQTT. */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connect as connectTls } from 'node:tls'
import { WebSocket } from 'ws'
import type { ListenerInput } from '../../../src/config/options.ts'
import { createBroker, type Broker } from '../../../src/create-broker.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { closed } from '../../support/closed.ts'

const SILENT = 300
const CONNECT = Buffer.from('100d00044d5154540402003c000161', 'hex')
/** The loopback network has many addresses. */
const MALLORY = '127.0.0.2'

async function certificate(context: TestContext) {
  const path = await mkdtemp(join(tmpdir(), 'sluice-silent-'))
  context.after(() => rm(path, { recursive: true }))
  const { certificate: pem, key } = new TestAuthority('Works CA').issue({ subject: [['CN', 'server']] })
  const [certfile, keyfile] = [join(path, 'cert.pem'), join(path, 'key.pem')]
  await Promise.all([writeFile(certfile, pem), writeFile(keyfile, key)])
  return { ssl: true, certfile, keyfile }
}

const OPEN: Readonly<Record<string, (port: number) => Promise<number>>> = {
  tcp: (port) => returnCode(connect(port, '127.0.0.1')),
  tls: (port) => returnCode(connectTls(port, '127.0.0.1', { rejectUnauthorized: false })),
  ws: (port) => returnCodeOfWebSocket(`ws://127.0.0.1:${port}`),
  wss: (port) => returnCodeOfWebSocket(`wss://127.0.0.1:${port}`),
}

async function returnCode(socket: Socket): Promise<number> {
  socket.write(CONNECT)
  const [connack] = (await once(socket, 'data')) as [Buffer]
  socket.destroy()
  return connack[3]!
}

async function returnCodeOfWebSocket(url: string): Promise<number> {
  const socket = new WebSocket(url, ['mqtt'], { rejectUnauthorized: false })
  await once(socket, 'open')
  socket.send(CONNECT)
  const [connack] = (await once(socket, 'message')) as [Buffer]
  socket.terminate()
  return connack[3]!
}

function silent(context: TestContext, broker: Broker): Socket[] {
  const { port } = broker.listeners[0]!
  return Array.from({ length: SILENT }, () => {
    const socket = connect({ port: port!, host: '127.0.0.1', localAddress: MALLORY })
    socket.on('error', () => {})
    context.after(() => socket.destroy())
    return socket
  })
}

const connected = (sockets: readonly Socket[]) =>
  Promise.all(sockets.map((socket) => Promise.race([once(socket, 'connect'), closed(socket)])))

for (const [name, input] of Object.entries({
  tcp: {},
  tls: { secure: true },
  ws: { type: 'ws' },
  wss: { type: 'ws', secure: true },
} as const)) {
  test(`${name}: ${SILENT} silent sockets of one address, and another address still comes in`, async (context) => {
    const secure = 'secure' in input ? await certificate(context) : {}
    const listener: ListenerInput = { bind: '127.0.0.1:0', 'max-handshakes': 100, ...secure }
    const broker = await createBroker({
      listeners: { door: 'type' in input ? { ...listener, type: 'ws' } : listener },
      'max-connections-before-connect': 200,
      'connect-timeout': 600,
    })
    context.after(() => broker.close())
    const sockets = silent(context, broker)
    await connected(sockets)
    const { port } = broker.listeners[0]!
    assert.equal(await OPEN[name]!(port!), 0)
    const isDirect = name === 'tcp'
    const { refusedWaiting } = broker.listeners[0]!.counters
    const gaveWay = isDirect ? broker.metrics.connectionsGaveWay : refusedWaiting
    assert.ok(gaveWay >= SILENT - (isDirect ? 200 : 100), `${gaveWay} gave way`)
  })
}

test('max-connections-per-address counts sockets that are still in their handshake', async (context) => {
  const broker = await createBroker({
    listeners: { door: { bind: '127.0.0.1:0', ...(await certificate(context)) } },
    'max-connections-per-address': 10,
    'connect-timeout': 600,
  })
  context.after(() => broker.close())
  const sockets = silent(context, broker)
  const ends = sockets.map(closed)
  await Promise.race(ends)
  while (broker.metrics.connectionsClosedAtLimit < SILENT - 10) await new Promise((resolve) => setTimeout(resolve, 5))
  assert.equal(broker.metrics.connectionsClosedAtLimit, SILENT - 10)
  assert.equal(await OPEN['tls']!(broker.listeners[0]!.port!), 0)
  for (const socket of sockets) socket.destroy()
  await Promise.all(ends)
})
