/**
 * What shows only on a socket: TCP and WebSocket (§4.2, §6), against a started broker on ports that the system chooses.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test, type TestContext } from 'node:test'
import { WebSocket } from 'ws'
import { createBroker } from '../../../src/index.ts'
import { bytesOf } from './stage.ts'

/** Nothing that CONNACK would have to tell. */
const SILENT = {
  'receive-maximum': 65_535,
  'topic-alias-maximum': 0,
  'max-packet-size': 268_435_460,
  'sys-interval': 0,
}
const CONNECT = bytesOf('10 * "MQTT" 05 02 0000 {17 00} "a"')
const CONNACK = '2003000000'

async function portOf(t: TestContext, type: 'tcp' | 'ws'): Promise<number> {
  const broker = await createBroker({ ...SILENT, listeners: { default: { type, bind: '127.0.0.1:0' } } })
  t.after(() => broker.close())
  return broker.listeners[0]!.port!
}

/** One Client over WebSocket, and every binary frame's bytes that came. */
class WebSocketClient {
  readonly socket: WebSocket
  readonly frames: Buffer[] = []
  #arrived = (): void => {}

  constructor(t: TestContext, url: string, protocols: string[] = ['mqtt']) {
    this.socket = new WebSocket(url, protocols)
    this.socket.on('error', () => {})
    this.socket.on('message', (data: Buffer, isBinary) => {
      assert.equal(isBinary, true, 'the Server sends binary frames only')
      this.frames.push(data)
      this.#arrived()
    })
    t.after(() => this.socket.terminate())
  }

  get received(): string {
    return Buffer.concat(this.frames).toString('hex')
  }

  /** Waits until that many bytes came in all. */
  async until(bytes: number): Promise<string> {
    while (this.received.length < bytes * 2) await new Promise<void>((resolve) => (this.#arrived = resolve))
    return this.received
  }
}

async function openWebSocket(t: TestContext, path = '/mqtt'): Promise<WebSocketClient> {
  const client = new WebSocketClient(t, `ws://127.0.0.1:${await portOf(t, 'ws')}${path}`)
  await once(client.socket, 'open')
  return client
}

test('TCP carries MQTT: every byte arrives, in order, however it is cut [5.0 MQTT-4.2.0-1]', async (t) => {
  const socket = connect({ port: await portOf(t, 'tcp'), host: '127.0.0.1', noDelay: true })
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString('hex')))
  for (const byte of CONNECT) socket.write(Uint8Array.of(byte))
  const ids = Array.from({ length: 300 }, (_, at) => (at + 1).toString(16).padStart(4, '0'))
  socket.write(Buffer.concat(ids.map((id) => bytesOf(`32 * "a" ${id} {}`))))
  socket.write(bytesOf('e0 00'))
  await once(socket, 'close')
  assert.equal(received, CONNACK + ids.map((id) => `4003${id}10`).join(''))
})

test('Over WebSocket the Server sends binary frames, and takes them [5.0 MQTT-6.0.0-1]', async (t) => {
  const client = await openWebSocket(t)
  client.socket.send(CONNECT)
  assert.equal(await client.until(5), CONNACK)
  client.socket.send(bytesOf('c0 00'))
  assert.equal(await client.until(7), `${CONNACK}d000`)
  client.socket.send(bytesOf('e0 00'))
  await once(client.socket, 'close')
  assert.equal(client.received, `${CONNACK}d000`)
})

test('A text frame closes the Network Connection, before CONNECT and after [5.0 MQTT-6.0.0-1]', async (t) => {
  for (const isConnected of [false, true]) {
    const client = await openWebSocket(t)
    if (isConnected) {
      client.socket.send(CONNECT)
      await client.until(5)
    }
    client.socket.send('text')
    client.socket.send(bytesOf('c0 00'))
    const [code] = (await once(client.socket, 'close')) as [number]
    assert.equal(code, 1003)
    assert.equal(client.received, isConnected ? CONNACK : '')
  }
})

test('Frame edges mean nothing: a byte a frame, all in one, fragments, empty frames [5.0 MQTT-6.0.0-2]', async (t) => {
  const client = await openWebSocket(t)
  const { socket } = client
  for (const byte of CONNECT) socket.send(Uint8Array.of(byte))
  assert.equal(await client.until(5), CONNACK)
  socket.send(bytesOf('c000 c000 32'))
  socket.send(bytesOf('06 0001 61'))
  socket.send(new Uint8Array(0))
  socket.send(bytesOf('0007'), { binary: true, fin: false })
  socket.send(bytesOf('00 c0'), { binary: true, fin: true })
  socket.send(bytesOf('00'))
  assert.equal(await client.until(5 + 4 + 5 + 2), `${CONNACK}d000d0004003000710d000`)
})

test('The Server picks the subprotocol mqtt and says so [5.0 MQTT-6.0.0-4]', async (t) => {
  const port = await portOf(t, 'ws')
  for (const protocols of [['mqtt'], ['other', 'mqtt'], ['mqttv3.1', 'mqtt']]) {
    const { socket } = new WebSocketClient(t, `ws://127.0.0.1:${port}`, protocols)
    await once(socket, 'open')
    assert.equal(socket.protocol, 'mqtt')
  }
  const { socket } = new WebSocketClient(t, `ws://127.0.0.1:${port}`, ['other'])
  const [, response] = (await once(socket, 'unexpected-response')) as [unknown, { statusCode: number }]
  assert.equal(response.statusCode, 400)
})
