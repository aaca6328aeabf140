/**
 * A payload on disk that is not what was written, or lies on a bad sector: it costs its own message and nothing else.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { memoryStore } from '../../contract/store-beds.ts'
import { sessionsOf } from '../../support/sessions.ts'

const FOREVER = { sessionExpiryInterval: 0xffff_ffff }
const COUNT = 441

interface Seen {
  readonly errors: string[]
  readonly dropped: BrokerEvents['dropped'][]
  readonly retained: BrokerEvents['retained'][]
}

async function start(disk: MemoryDisk, seen?: Seen): Promise<VirtualBroker> {
  const logger = { ...silentLogger, error: (_fields: unknown, text?: string) => void seen?.errors.push(String(text)) }
  const persistence = { 'max-session-ram-bytes': 0 }
  const broker = await VirtualBroker.start({ listeners: {}, persistence }, { disk, logger })
  broker.broker.on('dropped', (event) => seen?.dropped.push(event))
  broker.broker.on('retained', (event) => seen?.retained.push(event))
  return broker
}

function nothingSeen(): Seen {
  return { errors: [], dropped: [], retained: [] }
}

async function connected(broker: VirtualBroker, clientId = 'reader'): Promise<TestClient> {
  const client = broker.connect({ clientId, cleanStart: false, properties: FOREVER })
  await broker.settle()
  return client
}

/** A killed broker's disk, with so many messages for an absent session. */
async function filled(qos: 1 | 2 = 1): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const reader = await connected(broker)
  reader.subscribe('queue', qos)
  await broker.settle()
  reader.drop()
  const publisher = broker.connect({ clientId: 'publisher' })
  for (let at = 0; at < COUNT; at++) {
    const packetIdentifier = publisher.publish('queue', `message ${at}.`, qos)
    if (at % 50 === 0) await broker.settle()
    if (qos === 2) publisher.acknowledge(PacketType.PUBREL, packetIdentifier)
  }
  publisher.publish('state/one', 'retained one', 1, { retain: true })
  publisher.publish('state/two', 'retained two', 1, { retain: true })
  await broker.settle()
  return disk.kill()
}

/** Where these bytes lie. */
async function find(disk: MemoryDisk, text: string): Promise<{ readonly name: string; readonly at: number }> {
  for (const name of await disk.list()) {
    const at = Buffer.from(disk.contents(name)).indexOf(text)
    if (at >= 0) return { name, at }
  }
  throw new Error(`${text} is not on disk`)
}

/** One bit of it flips, once a checkpoint covers it: no start reads it then. */
async function damaged(disk: MemoryDisk, ...texts: string[]): Promise<void> {
  for (const text of texts) {
    const { name, at } = await find(disk, text)
    disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 1))
  }
}

async function received(broker: VirtualBroker, client: TestClient): Promise<string[]> {
  const payloads: string[] = []
  for (let quiet = 0; quiet < 8;) {
    const some = client.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
    payloads.push(...some)
    quiet = some.length === 0 ? quiet + 1 : 0
    broker.advance(500)
    await broker.settle()
  }
  return payloads
}

const all = Array.from({ length: COUNT }, (_, at) => `message ${at}.`)

/** Damaged while the broker runs, so that no start has looked at it. */
async function withDamage(seen: Seen, ...texts: string[]): Promise<VirtualBroker> {
  const disk = await filled()
  const broker = await start(disk, seen)
  await damaged(disk, ...texts)
  return broker
}

test('one damaged payload in a queue of 441 is logged, counted, told of and left out; the other 440 arrive in order', async () => {
  const seen = nothingSeen()
  const broker = await withDamage(seen, 'message 217.')
  const reader = await connected(broker)
  assert.deepEqual(
    await received(broker, reader),
    all.filter((each) => each !== 'message 217.'),
  )
  assert.equal(broker.broker.metrics.dropped.damaged, 1)
  assert.equal(broker.broker.metrics.payloadsDamaged, 1)
  assert.deepEqual(
    seen.dropped.map(({ clientId, cause, message }) => [clientId, cause, message.topicName, message.isLoaded]),
    [['reader', 'damaged', 'queue', false]],
  )
  assert.match(seen.errors[0]!, /^journal-00000001\.log is damaged at byte \d+: the payload of message \d+ is corrupt/)
  assert.match(seen.errors[1]!, /^message \d+ for queue is dropped: the store has lost its payload$/)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'reader')?.queuedMessages, 0)
  await broker.close()
})

test('the first, the last, and many damaged payloads at once: what is left arrives', async () => {
  const seen = nothingSeen()
  const bad = ['message 0.', 'message 1.', 'message 255.', 'message 256.', 'message 440.']
  const broker = await withDamage(seen, ...bad)
  const reader = await connected(broker)
  assert.deepEqual(
    await received(broker, reader),
    all.filter((each) => !bad.includes(each)),
  )
  assert.equal(broker.broker.metrics.dropped.damaged, bad.length)
  await broker.close()
})

test('a payload in flight that is damaged ends its exchange; the others are sent again with DUP [5.0 MQTT-4.4.0-1]', async () => {
  for (const qos of [1, 2] as const) {
    const seen = nothingSeen()
    const disk = await filled(qos)
    const first = await start(disk)
    await connected(first)
    await first.settle()
    const killed = disk.kill()
    const broker = await start(killed, seen)
    await damaged(killed, 'message 3.')
    const reader = await connected(broker)
    await broker.settle()
    assert.deepEqual(
      await received(broker, reader),
      all.filter((each) => each !== 'message 3.'),
    )
    assert.equal(broker.broker.metrics.dropped.damaged, 1)
    await broker.close()
  }
})

test('a bad sector under one payload costs that one', async () => {
  const seen = nothingSeen()
  const disk = await filled()
  const broker = await start(disk, seen)
  const { at } = await find(disk, 'message 100.')
  disk.options.before = (operation, _, from, length) => {
    if (operation === 'read' && from <= at && at < from + length) throw new Error('input/output error')
  }
  const reader = await connected(broker)
  assert.deepEqual(
    await received(broker, reader),
    all.filter((each) => each !== 'message 100.'),
  )
  assert.match(seen.errors[0]!, /cannot be read: input\/output error/)
  await broker.close()
})

test('a retained payload that is damaged does not stop the start: its topic is empty, the others are served', async () => {
  const disk = await filled()
  const folding = await start(disk)
  await folding.close()
  const seen = nothingSeen()
  const broker = await withFoldedDamage(disk, seen, 'retained one')
  const client = broker.connect({ clientId: 'new' })
  client.subscribe('state/#')
  assert.deepEqual(client.takePayloads(), ['retained two'])
  assert.equal(broker.broker.metrics.payloadsDamaged, 1)
  assert.match(seen.errors.join('\n'), /message \d+ for state\/one is dropped/)
  await broker.close()

  const again = nothingSeen()
  const next = await start(disk, again)
  assert.deepEqual(again.errors, [], 'it was cleared for good')
  await next.close()
})

/** Starts from a store whose checkpoint covers the damage: such a payload is read by no replay. */
async function withFoldedDamage(disk: MemoryDisk, seen: Seen, text: string): Promise<VirtualBroker> {
  const store = memoryStore(disk, { segmentBytes: 2000, checkpointBytes: 1 << 30 })
  await store.load(() => undefined)
  await store.compact()
  await store.close()
  await damaged(disk, text)
  return start(disk, seen)
}
