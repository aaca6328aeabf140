/** How much of each earlier segment a checkpoint counts while the disk is slow or fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { silentLogger } from '../../../src/base/log.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { DiskOperation } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { memoryStore } from '../../contract/store-beds.ts'

/** Segments of a few turns, none of which is so empty that its messages are moved. */
const options = { segmentBytes: 3000, checkpointBytes: 1 << 30 }

function retained(messageNumber: number): Change[] {
  const common = { topicName: `state/${messageNumber}`, qos: 1, retain: true, properties: {}, publisher: '' } as const
  const message = { ...common, messageNumber, payload: Buffer.alloc(600, messageNumber), expiresAtMs: undefined }
  return [
    { kind: 'message', message },
    { kind: 'retained', topicName: message.topicName, messageNumber },
  ]
}

async function ticks(count = 20): Promise<void> {
  for (let tick = 0; tick < count; tick++) await new Promise((resolve) => setImmediate(resolve))
}

/** The topics that a start after a power cut now finds. */
async function topicsAfterCut(disk: MemoryDisk): Promise<string[]> {
  const store = memoryStore(disk.crash(), options)
  const { retained } = await loadModel(store)
  await store.close()
  return [...retained.keys()].toSorted()
}

/** Where appends and syncs of segments wait, until they are let through. */
class Gate {
  #waiting: (() => void)[] = []
  isShut = false

  async pass(operation: DiskOperation, name: string): Promise<void> {
    if (!this.isShut || !name.startsWith('journal-') || (operation !== 'append' && operation !== 'sync')) return
    await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }

  get count(): number {
    return this.#waiting.length
  }

  async letOne(): Promise<void> {
    this.#waiting.shift()?.()
    await ticks()
  }
}

test('a checkpoint counts what is durable of a segment whose sync fails meanwhile, not what was appended', async () => {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write(retained(1), 'disk')
  let fail: () => void = () => undefined
  disk.options.before = (operation, name) => {
    if (operation !== 'sync' || name !== 'journal-00000001.log') return undefined
    return new Promise((_, reject) => (fail = () => reject(new StoreError('ERR_STORE_DISK', 'this sync fails'))))
  }
  const written = store.write(retained(2), 'process')
  const compacted = store.compact()
  await written
  await ticks()
  fail()
  await compacted
  assert.equal(store.metrics.failures, 1)
  assert.deepEqual(await topicsAfterCut(disk), ['state/1', 'state/2'])
  await store.close()
})

test('a checkpoint counts the turns before it that a slow disk appends after its facts', async () => {
  const disk = new MemoryDisk()
  const gate = new Gate()
  disk.options.before = (operation, name) => gate.pass(operation, name)
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write(retained(1), 'disk')
  gate.isShut = true
  const written = [Promise.resolve(store.write(retained(2), 'disk'))]
  await ticks()
  const compacted = store.compact()
  await ticks()
  for (let number = 3; number <= 12; number++) {
    written.push(Promise.resolve(store.write(retained(number), 'disk')))
    await ticks()
    await gate.letOne()
    await gate.letOne()
  }
  while (gate.count > 0) await gate.letOne()
  gate.isShut = false
  await Promise.all([...written, compacted])
  const topics = Array.from({ length: 12 }, (_, at) => `state/${at + 1}`).toSorted()
  assert.deepEqual(await topicsAfterCut(disk), topics)
  await store.close()
})

test('a segment that was removed as dead while no later turn was written does not come back when the next one fails', async () => {
  const disk = new MemoryDisk()
  const warnings: string[] = []
  const warn = (_: unknown, message?: string): void => void warnings.push(String(message))
  const store = memoryStore(disk, { ...options, log: { ...silentLogger, warn } })
  await store.load(() => undefined)
  await store.write(retained(1), 'disk')
  await store.write([{ kind: 'retained-cleared', topicName: 'state/1' }], 'disk')
  await store.compact()
  assert.ok(!(await disk.list()).includes('journal-00000001.log'))
  let failures = 0
  disk.options.before = (operation, name) => {
    if (operation !== 'append' || name !== 'journal-00000002.log' || failures++ > 0) return
    throw new StoreError('ERR_STORE_DISK', 'this append fails')
  }
  await store.write(retained(2), 'disk')
  assert.equal(failures, 1)
  const journals = async (): Promise<string[]> => (await disk.list()).filter((name) => name.startsWith('journal-'))
  assert.equal(store.stats().segments, (await journals()).length)
  await store.compact()
  assert.deepEqual(warnings, [])
  assert.deepEqual(await topicsAfterCut(disk), ['state/2'])
  await store.close()
})
