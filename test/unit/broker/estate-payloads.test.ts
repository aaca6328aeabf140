/** What an ended Session leaves to members that keep nothing, where the payloads are only in the Store. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { droppedOf, expire, filled, foundEnded, held, member, numbered, received, start } from './estate-support.ts'

test('they are read, and go to a member that is there', async () => {
  // One is empty, which has to be read as well.
  const payloads = ['one', '', 'three']
  const broker = await start(await filled(payloads))
  const passing = await member(broker, 'passing')
  await expire(broker)
  assert.deepEqual(await received(broker, passing), payloads)
  assert.equal(droppedOf(broker), 0)
  await broker.close()
})

test('more than one batch, of several Sessions that end at once, comes whole, and leaves no memory charged', async () => {
  const payloads = numbered(700)
  const disk = await filled(payloads, ['away', 'also away'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  await expire(broker)
  assert.deepEqual((await received(broker, passing)).toSorted(), payloads.toSorted())
  assert.equal(droppedOf(broker), 0)
  const empty = await start(new MemoryDisk())
  await member(empty, 'passing')
  const { bytes } = broker.broker.memory
  assert.equal(bytes, empty.broker.memory.bytes)
  await broker.close()
  await empty.close()
})

test('until they are handed over the Store has them: a crash meanwhile loses none', async () => {
  const disk = await filled(['one', 'two', 'three'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  const { go } = held(disk)
  await expire(broker)
  assert.deepEqual(passing.takePayloads(), [])
  assert.equal((await foundEnded(disk.crash())).sessionEnded, 3)
  go()
  assert.deepEqual(await received(broker, passing), ['one', 'two', 'three'])
  await broker.close()
  assert.equal((await foundEnded(disk)).all, 0, 'the ended Session is forgotten')
})

test('a member that leaves while they are read gets none, and nobody waits for it', async () => {
  const disk = await filled(['one', 'two'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  const { go } = held(disk)
  await expire(broker)
  passing.drop()
  go()
  await broker.settle()
  assert.equal(broker.broker.metrics.dropped['session ended'], 2)
  await broker.close()
})

test('one that is damaged is counted as damaged, and costs no other', async () => {
  const disk = await filled(numbered(5))
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  for (const name of await disk.list()) {
    const at = Buffer.from(disk.contents(name)).indexOf('message 2.')
    if (at >= 0) disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 1))
  }
  await expire(broker)
  assert.deepEqual(
    await received(broker, passing),
    numbered(5).filter((payload) => payload !== 'message 2.'),
  )
  assert.deepEqual([broker.broker.metrics.payloadsDamaged, broker.broker.metrics.dropped.damaged], [1, 1])
  assert.equal(droppedOf(broker), 1)
  await broker.close()
})

test('where no member would have them, none is read', async () => {
  const disk = await filled(['one', 'two'])
  const broker = await start(disk)
  let reads = 0
  disk.options.before = (operation) => void (operation === 'read' && reads++)
  await expire(broker)
  assert.deepEqual([broker.broker.metrics.dropped['session ended'], reads], [2, 0])
  await broker.close()
})

test('a Store that cannot be read for a while delays them', async () => {
  const disk = await filled(['one', 'two'])
  const broker = await start(disk)
  const passing = await member(broker, 'passing')
  disk.options.before = (operation) => {
    if (operation === 'read') throw new Error('the cable is loose')
  }
  await expire(broker)
  broker.advance(5000)
  await broker.settle()
  assert.deepEqual([broker.broker.metrics.payloadReadsFailed, passing.takePayloads()], [2, []])
  delete disk.options.before
  broker.advance(5000)
  assert.deepEqual(await received(broker, passing), ['one', 'two'])
  assert.equal(droppedOf(broker), 0)
  await broker.close()
})
