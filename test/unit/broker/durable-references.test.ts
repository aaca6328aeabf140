/** A stored message that passes through several hands keeps its payload, in RAM and on disk. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Properties } from '../../../src/codec/properties.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const KEPT = { sessionExpiryInterval: 1000 }
const SHARED = '$share/group/a'

function start(disk: MemoryDisk, persistence: object = {}): Promise<VirtualBroker> {
  return VirtualBroker.start({ listeners: {}, persistence: { durability: 'disk', ...persistence } }, { disk })
}

/** A Client that subscribes, and stays. */
async function member(
  broker: VirtualBroker,
  clientId: string,
  topicFilter: string,
  properties: Properties = KEPT,
): Promise<TestClient> {
  const client = broker.connect({ clientId, properties })
  await broker.settle()
  client.subscribe(topicFilter, 1)
  await broker.settle()
  client.take()
  return client
}

async function publish(broker: VirtualBroker, payload: string): Promise<void> {
  broker.connect({ clientId: 'publisher' }).publish('a', payload, 1)
  await broker.settle()
}

/** What a Session got while its Client was away, or while the Server was. */
async function backlog(broker: VirtualBroker, clientId: string): Promise<string[]> {
  const client = broker.connect({ clientId, cleanStart: false, properties: KEPT })
  await broker.settle()
  const payloads = client.takePayloads()
  await broker.close()
  return payloads
}

test('a message that the first receiver cannot take is stored for the second all the same', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  await member(broker, 'small', 'a', { ...KEPT, maximumPacketSize: 60 })
  const large = await member(broker, 'large', 'a')
  large.drop()
  const payload = 'long'.repeat(50)
  await publish(broker, payload)
  assert.deepEqual(await backlog(await start(disk.crash()), 'large'), [payload])
})

test('a shared message that comes back from a member without a Session to keep is stored again', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const first = await member(broker, 'first', SHARED)
  first.drop()
  await publish(broker, 'held')
  const passing = await member(broker, 'passing', SHARED, {})
  await broker.broker.disconnect('first', { endSession: true })
  await broker.settle()
  assert.deepEqual(passing.takePayloads(), ['held'])
  const last = await member(broker, 'last', SHARED)
  last.drop()
  passing.drop()
  await broker.settle()
  assert.deepEqual(await backlog(await start(disk.crash()), 'last'), ['held'])
})

test('a shared message that moves to another member has its payload, however little may wait in RAM', async () => {
  const broker = await start(new MemoryDisk(), { maxRamBytes: 0, maxSessionRamBytes: 0 })
  const first = await member(broker, 'first', SHARED)
  first.drop()
  await publish(broker, 'held')
  const other = await member(broker, 'other', SHARED)
  await broker.broker.disconnect('first', { endSession: true })
  await broker.settle()
  assert.deepEqual(other.takePayloads(), ['held'])
  await broker.close()
})

test('a message that also waits for a Session that is not stored keeps its payload', async () => {
  const broker = await start(new MemoryDisk(), { maxRamBytes: 0, maxSessionRamBytes: 0 })
  const passing = await member(broker, 'passing', 'a', { receiveMaximum: 1 })
  const kept = await member(broker, 'kept', 'a')
  kept.drop()
  for (const payload of ['one', 'two']) await publish(broker, payload)
  await broker.broker.disconnect('kept', { endSession: true })
  await broker.settle()
  assert.deepEqual(
    passing.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['one', 'two'],
  )
  await broker.close()
})

test('a shared message in flight that moves on has its payload, though another Session waits for it as well', async () => {
  const broker = await start(new MemoryDisk(), { maxRamBytes: 0, maxSessionRamBytes: 0 })
  const first = await member(broker, 'first', SHARED)
  const waiting = await member(broker, 'waiting', 'a')
  waiting.drop()
  await publish(broker, 'held')
  assert.deepEqual(first.takePayloads(), ['held'])
  const passing = await member(broker, 'passing', SHARED, {})
  await broker.broker.disconnect('first', { endSession: true })
  await broker.settle()
  assert.deepEqual(passing.takePayloads(), ['held'])
  assert.deepEqual(await backlog(broker, 'waiting'), ['held'])
})

test('what the host program got keeps its payload, though a Session waits for it as well', async () => {
  const broker = await start(new MemoryDisk(), { maxRamBytes: 0, maxSessionRamBytes: 0 })
  const waiting = await member(broker, 'waiting', 'a')
  waiting.drop()
  const subscription = broker.broker.subscribe('a')
  const heard: Message[] = []
  broker.broker.on('published', ({ message }) => heard.push(message))
  await publish(broker, 'held')
  const { value } = await subscription.next()
  for (const message of [value, ...heard]) assert.equal(Buffer.from(message!.payload).toString(), 'held')
  assert.deepEqual(await backlog(broker, 'waiting'), ['held'])
})

test('a shared message that was stored before a start moves to whoever can wait for its payload', async () => {
  const disk = new MemoryDisk()
  const before = await start(disk)
  const first = await member(before, 'first', SHARED)
  first.drop()
  await publish(before, 'held')

  const broker = await start(disk.crash())
  const passing = await member(broker, 'passing', SHARED, {})
  const other = await member(broker, 'other', SHARED)
  await broker.broker.disconnect('first', { endSession: true })
  await broker.settle()
  assert.deepEqual(passing.takePayloads(), [])
  assert.deepEqual(other.takePayloads(), ['held'])
  await broker.close()
})
