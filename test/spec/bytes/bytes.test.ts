/**
 * Runs every table of bytes twice: on a Broker in memory and in virtual time, and over a real TCP socket against a
 * started broker on port 0. The form of a table is told in `table.ts`.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { test } from 'node:test'
import type { ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { createBroker } from '../../../src/index.ts'
import { root } from '../../../tools/main.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { readByteTable, type ByteCase } from './table.ts'

/** Nothing that CONNACK would have to tell; and a User Name that no plugin knows is refused. */
const BASE = {
  'receive-maximum': 65_535,
  'topic-alias-maximum': 0,
  'max-packet-size': 268_435_460,
  auth: { 'allow-anonymous': true, 'unknown-user-names': 'refuse' },
} as const

const PINGREQ = Buffer.from('c000', 'hex')
const PINGRESP = 'd000'
const CONNECT = 0x10
/** A Server that says less than it should is not waited for longer than that. */
const TCP_LIMIT_MS = 10_000

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

/** Whether the case leaves a Connection that answers to PINGREQ. */
function isConnected({ steps, closes }: ByteCase): boolean {
  return !closes && steps[0]!.sent[0] === CONNECT && steps[0]!.answered.length > 0
}

/** What the case's Client speaks, by its CONNECT: the Server's packets are read in that. */
function versionOf({ steps }: ByteCase): ProtocolVersion {
  const { sent } = steps[0]!
  const name = /MQTT|MQIsdp/.exec(Buffer.from(sent).toString('latin1'))
  if (name?.[0] === 'MQIsdp') return 3
  const version = name === null ? 5 : (sent[name.index + name[0].length] ?? 5)
  return version >= 5 ? 5 : 4
}

async function runInMemory(one: ByteCase): Promise<void> {
  const broker = await VirtualBroker.start({ ...BASE, ...one.config })
  const client = broker.open(versionOf(one))
  let received = ''
  for (const { sent, answered } of one.steps) {
    client.sendBytes(sent)
    received += hex(answered)
    assert.equal(hex(client.bytes), received)
  }
  if (isConnected(one)) {
    client.sendBytes(PINGREQ)
    assert.equal(hex(client.bytes), received + PINGRESP)
  }
  assert.equal(client.isClosed, one.closes)
  await broker.close()
}

/** The far end of a real socket, which gathers what comes. */
class TcpClient {
  readonly #socket
  #received = Buffer.alloc(0)
  isEnded = false

  constructor(port: number) {
    this.#socket = connect({ port, host: '127.0.0.1', noDelay: true })
    this.#socket.on('data', (bytes) => (this.#received = Buffer.concat([this.#received, bytes])))
    this.#socket.on('end', () => (this.isEnded = true))
    // A close while our bytes are still on their way may come as a reset.
    this.#socket.on('error', () => (this.isEnded = true))
  }

  get received(): string {
    return hex(this.#received)
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes)
  }

  /** Waits until so many bytes came in all, or the end. */
  async untilReceived(count: number): Promise<void> {
    const limit = AbortSignal.timeout(TCP_LIMIT_MS)
    while (this.#received.length < count && !this.isEnded) await this.#next('data', limit)
  }

  async untilEnded(): Promise<void> {
    const limit = AbortSignal.timeout(TCP_LIMIT_MS)
    while (!this.isEnded) await this.#next('close', limit)
  }

  async #next(event: string, signal: AbortSignal): Promise<void> {
    const ended = new AbortController()
    const options = { signal: AbortSignal.any([signal, ended.signal]) }
    try {
      await Promise.race([once(this.#socket, event, options), once(this.#socket, 'end', options)])
    } finally {
      ended.abort()
    }
  }

  /** Ends our side; what the Server had still to say is received when the promise resolves. */
  async close(): Promise<void> {
    if (this.#socket.destroyed) return
    const closed = once(this.#socket, 'close')
    this.#socket.end()
    await closed
  }
}

async function runOverTcp(one: ByteCase): Promise<void> {
  const broker = await createBroker({ ...BASE, ...one.config, listeners: { default: { bind: '127.0.0.1:0' } } })
  const client = new TcpClient(broker.listeners[0]!.port!)
  try {
    let received = ''
    for (const { sent, answered } of one.steps) {
      client.send(sent)
      received += hex(answered)
      await client.untilReceived(received.length / 2)
      assert.equal(client.received, received)
    }
    if (isConnected(one)) {
      client.send(PINGREQ)
      received += PINGRESP
      await client.untilReceived(received.length / 2)
    }
    if (one.closes) await client.untilEnded()
    assert.equal(client.isEnded, one.closes)
    await client.close()
    assert.equal(client.received, received)
  } finally {
    await client.close()
    await broker.close()
  }
}

const folder = join(root, 'test/spec/bytes')
for (const file of readdirSync(folder).filter((name) => name.endsWith('.txt'))) {
  for (const one of readByteTable(join(folder, file))) {
    let isRight = false
    test(`${one.name}, in memory`, async () => {
      await runInMemory(one)
      isRight = true
    })
    test(`${one.name}, over TCP`, async () => {
      // Over TCP a Server that says too little is waited for, and there may be many such cases.
      assert.ok(isRight, 'it is wrong in memory already')
      await runOverTcp(one)
    })
  }
}
