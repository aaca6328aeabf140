/** What a Session that goes on gives to members that keep nothing, where the payloads are only in the Store. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { VirtualBroker } from '../../support/virtual-broker.ts'
import {
  droppedOf,
  expire,
  filled,
  foundEnded,
  foundWaiting,
  held,
  member,
  numbered,
  received,
  SHARED,
  start,
} from './estate-support.ts'

/** That Client is away, and may not receive what waits for it. */
class Rules implements Plugin {
  readonly name = 'rules'
  readonly denied = new Set<string>()
  mayPublish = () => true
  maySubscribe = () => true
  mayReceive = ({ clientId }: { clientId: string }) => !this.denied.has(clientId)
}

async function leave(broker: VirtualBroker, clientId = 'away'): Promise<void> {
  const left = broker.broker.unsubscribeFor(clientId, [SHARED])
  await broker.settle()
  await left
}

async function emptyBytes(): Promise<number> {
  const broker = await start(new MemoryDisk())
  await member(broker, 'away', { sessionExpiryInterval: 60 })
  await leave(broker)
  await member(broker, 'passing')
  const { bytes } = broker.broker.memory
  await broker.close()
  return bytes
}

test('UNSUBSCRIBE: they are read, and go to a member that is there', async () => {
  const payloads = ['one', '', ...numbered(700)]
  const broker = await start(await filled(payloads))
  const passing = await member(broker, 'passing')
  await leave(broker)
  assert.deepEqual(await received(broker, passing), payloads)
  assert.equal(droppedOf(broker), 0)
  await broker.close()
})

test('UNSUBSCRIBE: until they are handed over the Store has them, and then no longer', async () => {
  const disk = await filled(['one', 'two', 'three'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  const { go } = held(disk)
  await leave(broker)
  assert.equal(await foundWaiting(disk.crash()), 3)
  go()
  assert.deepEqual(await received(broker, passing), ['one', 'two', 'three'])
  await broker.close()
  assert.equal(await foundWaiting(disk), 0)
})

test('UNSUBSCRIBE: a Session that ends while they are read stays in the Store until they are handed over', async () => {
  const disk = await filled(['one', 'two', 'three'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  const { go } = held(disk)
  await leave(broker)
  await expire(broker)
  assert.equal(await broker.broker.session('away'), undefined)
  assert.equal((await foundEnded(disk.crash())).sessionEnded, 3, 'they were there')
  go()
  assert.deepEqual(await received(broker, passing), ['one', 'two', 'three'])
  await broker.close()
  assert.equal((await foundEnded(disk)).all, 0, 'the ended Session is forgotten')
})

test('where no member would have them, none is read', async () => {
  const disk = await filled(['one', 'two'])
  const broker = await start(disk)
  let reads = 0
  disk.options.before = (operation) => void (operation === 'read' && reads++)
  await leave(broker)
  assert.deepEqual([broker.broker.metrics.dropped['no member'], reads], [2, 0])
  await broker.close()
})

test('what its Client may not receive any longer is read, and goes to a member that is there', async () => {
  const payloads = numbered(700)
  const rules = new Rules()
  const disk = await filled(payloads)
  const broker = await start(disk, { 'topic-check': { plugins: [() => rules] } })
  rules.denied.add('away')
  const passing = await member(broker, 'passing')
  const back = broker.connect({ clientId: 'away', cleanStart: false, properties: { sessionExpiryInterval: 60 } })
  assert.deepEqual(await received(broker, passing), payloads)
  assert.deepEqual([back.takePayloads(), droppedOf(broker)], [[], 0])
  passing.drop()
  await leave(broker)
  passing.connect({ clientId: 'passing' })
  await broker.close()
  assert.equal(await foundWaiting(disk), 0)
})

test('until that is handed over the Store has it, and nobody who cannot have it is asked twice', async () => {
  const rules = new Rules()
  const disk = await filled(['one', 'two', 'three'])
  const options = { 'topic-check': { plugins: [() => rules] } }
  const broker = await start(disk, options)
  rules.denied.add('away')
  const passing = await member(broker, 'passing')
  const { go } = held(disk)
  broker.connect({ clientId: 'away', cleanStart: false, properties: { sessionExpiryInterval: 60 } })
  await broker.settle()
  assert.equal(await foundWaiting(disk.crash(), options), 3)
  passing.drop()
  go()
  await broker.settle()
  assert.equal(broker.broker.metrics.dropped['not authorized'], 3)
  await broker.close()
})

test('all of it leaves no memory charged', async () => {
  const broker = await start(await filled(numbered(300)))
  const passing = await member(broker, 'passing')
  await leave(broker)
  await received(broker, passing)
  assert.equal(broker.broker.memory.bytes, await emptyBytes())
  await broker.close()
})
