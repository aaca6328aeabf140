/**
 * What once took all memory, in the sizes in which it did: a broker whose heap is 1 GiB survives it, serves others
 * afterwards, and loads what it has accepted in the same heap. Whether it lives is all that is judged, so nothing
 * depends on the collector. `npm run hostile` draws such things at random, for a few seconds each and in half of the
 * heap.
 */
import assert from 'node:assert/strict'
import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test, type TestContext } from 'node:test'
import mqtt from 'mqtt'
import { decodePacket } from '../../src/codec/decode.ts'
import { Decoder } from '../../src/codec/decoder.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { root } from '../../tools/main.ts'
import {
  bytesOf,
  connectPacket,
  headerOf,
  PINGREQ,
  publishBytes,
  publishPacket,
  subscribePacket,
  textOf,
  userProperties,
  variable,
} from '../hostile/packets.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

const PROGRAM = join(root, 'build/src/cli/main.js')
const HEAP_MEGABYTES = 1024
/** A user `ann`, whose password nobody guesses here. */
const USERS = 'ann:$6$fixture$Nd4grhEUuhvQshlH5zve3htEHjMUqAOCT9HzY1i8U1ok.CBf9uPoDcvoR9NpQP/pRD.18oegrZGhuucAfv7q60\n'
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const
const PIECE = Buffer.alloc(64 << 10, 'p')

/** A connection that sends whatever it is told to. */
class Sender {
  readonly #socket: Socket
  readonly #decoder = new Decoder()
  readonly #waiting: (() => void)[] = []
  #pings = 0
  isClosed = false

  constructor(port: number) {
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.on('data', (chunk) => this.#read(chunk))
    this.#socket.on('drain', () => this.#wake())
    // What went wrong does not matter: the connection is closed then.
    this.#socket.on('error', () => (this.isClosed = true))
    this.#socket.on('close', () => {
      this.isClosed = true
      this.#wake()
    })
  }

  #wake(): void {
    for (const wake of this.#waiting.splice(0)) wake()
  }

  #read(chunk: Buffer): void {
    this.#decoder.push(chunk)
    while (this.#decoder.next()) {
      const { bytes, firstByte, bodyStart, end } = this.#decoder
      if (decodePacket(bytes, firstByte, bodyStart, end, 5, 'server').type === PacketType.PINGRESP) this.#pings++
    }
    this.#decoder.detach()
    this.#wake()
  }

  /** Resolves once there is room for more, or the broker has closed the connection. */
  async write(bytes: Uint8Array): Promise<void> {
    if (!this.isClosed && !this.#socket.write(bytes)) await this.#until(() => !this.#socket.writableNeedDrain)
  }

  /** Resolves once the broker has worked on everything that was sent, or has closed the connection. */
  async caughtUp(): Promise<void> {
    await this.write(bytesOf(PINGREQ))
    await this.#until(() => this.#pings > 0)
    this.#pings = 0
  }

  async #until(isSo: () => boolean): Promise<void> {
    while (!this.isClosed && !isSo()) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  close(): void {
    this.#socket.destroy()
  }
}

type Attack = (open: () => Sender) => Promise<void>

async function connected(open: () => Sender, clientId: string, more: object = {}): Promise<Sender> {
  const sender = open()
  await sender.write(bytesOf(connectPacket(clientId, more)))
  return sender
}

const attacks: Readonly<Record<string, Attack>> = {
  async '17 retained messages with 16 MB of User Properties each'(open) {
    const properties = userProperties(3_200_000, '', '')
    for (let at = 0; at < 17; at++) {
      const sender = await connected(open, `publisher-${at}`)
      await sender.write(publishBytes(`properties/${at}`, properties, Buffer.of(1), { retain: true }))
      await sender.caughtUp()
    }
  },
  async '99,000 retained topics of 199 levels'(open) {
    const sender = await connected(open, 'publisher')
    for (let at = 0; at < 99_000 && !sender.isClosed; at++) {
      const topicName = `${at}${'/d'.repeat(198)}`
      await sender.write(bytesOf(publishPacket(topicName, 'x', { retain: true })))
    }
    await sender.caughtUp()
  },
  async 'two clients with 12,200 filters of 65 kB each'(open) {
    const senders = await Promise.all(['one', 'two'].map((clientId) => connected(open, clientId, KEPT)))
    const tail = '/f'.repeat(32_480)
    await Promise.all(
      senders.map(async (sender) => {
        for (let at = 0; at < 12_200 && !sender.isClosed; at++)
          await sender.write(bytesOf(subscribePacket((at % 60_000) + 1, [`${at}${tail}`])))
        await sender.caughtUp()
      }),
    )
  },
  async '1,064 CONNECTs of 131 kB with a wrong password'(open) {
    const properties = { userProperties: Array.from({ length: 26_000 }, () => ['', ''] as const) }
    const guess = { userName: 'ann', password: Buffer.from('guess'), properties }
    const packet = bytesOf(connectPacket('guesser', guess))
    assert.ok(packet.length > 130_000)
    await Promise.all(Array.from({ length: 1064 }, () => open().write(packet)))
  },
  async '100 PUBLISHes of 16 MB that are never finished'(open) {
    const senders = await Promise.all(Array.from({ length: 100 }, (_, at) => connected(open, `half-${at}`)))
    const bytes = 16_000_000
    const begin = Buffer.concat([headerOf(0x30, bytes), textOf('half'), variable(0)])
    await Promise.all(senders.map((sender) => sender.write(begin)))
    for (let sent = begin.length; sent + PIECE.length < bytes && senders.some(({ isClosed }) => !isClosed);) {
      await Promise.race([Promise.all(senders.map((sender) => sender.write(PIECE))), pause(2000)])
      sent += PIECE.length
    }
  },
}

function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, milliseconds).unref())
}

/** @returns its port; fails if the broker ends instead */
async function start(folder: string, context: TestContext): Promise<{ broker: ChildProcess; port: number }> {
  const args = [`--max-old-space-size=${HEAP_MEGABYTES}`, PROGRAM, 'start', '--config', join(folder, 'sluice.yaml')]
  const broker = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] })
  context.after(() => broker.kill('SIGKILL'))
  const port = await new Promise<number>((resolve, reject) => {
    broker.once('exit', (code, signal) => reject(new Error(`the broker ended with ${code ?? signal}`)))
    createInterface({ input: broker.stdout! }).on('line', (line) => {
      const found = /listening on mqtt:\/\/127\.0\.0\.1:(\d+)/.exec(line)?.[1]
      if (found !== undefined) resolve(Number(found))
    })
  })
  return { broker, port }
}

/** Fails if a client that did nothing wrong is not served. */
async function serves(broker: ChildProcess, port: number): Promise<void> {
  assert.equal(broker.exitCode ?? broker.signalCode, null, 'the broker is dead')
  const client = await mqtt.connectAsync(`mqtt://127.0.0.1:${port}`, { clientId: 'honest', connectTimeout: 60_000 })
  await client.subscribeAsync('honest', { qos: 1 })
  const received = new Promise<string>((resolve) => client.once('message', (_, payload) => resolve(String(payload))))
  await client.publishAsync('honest', 'hello', { qos: 1 })
  assert.equal(await received, 'hello')
  await client.endAsync()
}

for (const [what, attack] of Object.entries(attacks)) {
  test(
    `a heap of 1 GiB survives ${what}, and a start in the same heap as well`,
    { timeout: 120_000 },
    async (context) => {
      const folder = scratchFolder()
      writeFileSync(join(folder, 'users'), USERS)
      const config = {
        listeners: { default: { bind: '127.0.0.1:0' } },
        auth: { 'allow-anonymous': true, 'password-file': 'users' },
        persistence: { path: 'data' },
      }
      writeFileSync(join(folder, 'sluice.yaml'), JSON.stringify(config))
      const { broker, port } = await start(folder, context)
      const senders: Sender[] = []
      await attack(() => {
        senders.push(new Sender(port))
        return senders.at(-1)!
      })
      await serves(broker, port)
      for (const sender of senders) sender.close()
      await serves(broker, port)
      const exited = once(broker, 'exit')
      broker.kill('SIGKILL')
      await exited
      const again = await start(folder, context)
      await serves(again.broker, again.port)
      again.broker.kill('SIGKILL')
    },
  )
}
