/**
 * Exercises a broker in each runtime: it opens ports, checks a password, stores, stops, and finds its stored data
 * again. `tools/runtimes.ts` runs this file under each runtime; it requires only the broker.
 *
 *   node build/tools/runtime-trip.js FOLDER      prints one line for each success; exit code 0 if all succeeded
 *
 * @module
 */
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { createBroker, type Broker, type ConfigInput } from '../src/index.ts'
import { hashPassword } from '../src/plugins/password-hash.ts'

const [folder = 'runtime-trip'] = process.argv.slice(2)
const PATIENCE_MS = 60_000

function text(value: string): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.of(bytes.length >> 8, bytes.length & 0xff), bytes])
}

function packet(firstByte: number, ...parts: readonly Buffer[]): Buffer {
  const body = Buffer.concat(parts)
  return Buffer.concat([Buffer.of(firstByte, body.length), body])
}

/** MQTT 3.1.1, CleanSession 0, with User Name and Password. */
const CONNECT = packet(0x10, text('MQTT'), Buffer.of(4, 0xc0, 0, 60), text('meter'), text('ann'), text('secret'))
const SUBSCRIBE = packet(0x82, Buffer.of(0, 1), text('power/#'), Buffer.of(1))
const PUBLISH = packet(0x33, text('power/l1'), Buffer.of(0, 2), Buffer.from('230'))

/** A client that reads what it receives packet by packet, since all of them are short. */
class Client {
  readonly #socket: Socket
  #received: Buffer = Buffer.alloc(0)

  constructor(broker: Broker) {
    const { port } = broker.listeners[0]!
    this.#socket = connect(port!, '127.0.0.1')
    this.#socket.on('data', (chunk) => {
      this.#received = Buffer.concat([this.#received, chunk])
    })
  }

  send(bytes: Buffer): void {
    this.#socket.write(bytes)
  }

  async next(): Promise<Buffer> {
    while (this.#received.length < 2 || this.#received.length < 2 + this.#received[1]!) await once(this.#socket, 'data')
    const end = 2 + this.#received[1]!
    const bytes = this.#received.subarray(0, end)
    this.#received = this.#received.subarray(end)
    return bytes
  }

  destroy(): void {
    this.#socket.destroy()
  }
}

function config(): ConfigInput {
  return {
    listeners: { door: { bind: '127.0.0.1:0' } },
    auth: { passwordFile: join(folder, 'passwords') },
    persistence: { path: join(folder, 'data') },
    sysInterval: 0,
  }
}

async function firstLife(): Promise<void> {
  const broker = await createBroker(config())
  console.log('it starts')
  const client = new Client(broker)
  client.send(CONNECT)
  assert.deepEqual([...(await client.next())], [0x20, 2, 0, 0])
  console.log('it checks a password')
  client.send(SUBSCRIBE)
  assert.deepEqual([...(await client.next())], [0x90, 3, 0, 1, 1])
  client.send(PUBLISH)
  const answers = [await client.next(), await client.next()].map((bytes) => bytes[0]! >> 4).toSorted((a, b) => a - b)
  assert.deepEqual(answers, [3, 4], 'PUBLISH came back, and PUBACK')
  console.log('it stores')
  client.destroy()
  await broker.close()
  console.log('it stops')
}

async function secondLife(): Promise<void> {
  const broker = await createBroker(config())
  const client = new Client(broker)
  client.send(CONNECT)
  assert.deepEqual([...(await client.next())], [0x20, 2, 1, 0], 'Session Present')
  const again = await client.next()
  assert.equal(again[0], 0x3a, 'the message that was not acknowledged comes again, with DUP')
  assert.ok(again.includes('230'))
  console.log('it finds what it stored')
  client.destroy()
  await broker.close()
}

const patience = setTimeout(() => {
  console.error(`it did not end within ${PATIENCE_MS} ms`)
  process.exit(1)
}, PATIENCE_MS)
writeFileSync(join(folder, 'passwords'), `ann:${await hashPassword('secret', 'mosquitto-pbkdf2')}\n`)
await firstLife()
await secondLife()
clearTimeout(patience)
console.log('it ends by itself')
