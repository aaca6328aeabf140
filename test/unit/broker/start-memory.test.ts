/** A start that does not fit into memory ends with one error that says how to go on; what was stored is not changed. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { realClock } from '../../../src/turn/clock.ts'
import { nominalMemory, type ProcessMemory } from '../../../src/limits/process-memory.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { openStore } from '../../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { PROGRAM } from '../cli/cli-support.ts'
import { sessionsOf } from '../../support/sessions.ts'

const PERSISTENCE = { persistence: {} } as const
const MIB = 2 ** 20
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 0xffff_ffff } } as const

async function filledDisk(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(PERSISTENCE, { disk })
  for (let at = 0; at < 1500; at++) void broker.broker.publish(`t/${at}`, 'x', { retain: true })
  const client = broker.connect({ clientId: 'away', ...KEPT })
  client.subscribe('a', 1)
  await broker.settle()
  client.drop()
  void broker.broker.publish('a', 'waits', { qos: 1 })
  await broker.settle()
  await broker.close()
  return disk
}

/**
 * A process of 100 MiB, of which this share is in use once so many bytes have been charged, and half of it before that.
 */
function processWith(liveShare: number, fromChargedBytes = 0): ProcessMemory {
  const shareOf = (charged: number): number => (charged < fromChargedBytes ? 0.5 : liveShare)
  return {
    ...nominalMemory,
    availableBytes: 100 * MIB,
    watch: () => ({ liveShare: shareOf, stop: () => {} }),
  }
}

test('a store that does not fit: the start says what is stored, what it needs and how to go on, and changes nothing', async () => {
  const disk = await filledDisk()
  await assert.rejects(VirtualBroker.start(PERSISTENCE, { disk, processMemory: processWith(0.85) }), (error) => {
    assert.ok(error instanceof Error && 'code' in error)
    assert.equal(error.code, 'ERR_STORE_MEMORY')
    assert.match(error.message, /^the store does not fit into memory: 85 of 100 MiB are in use after/)
    assert.match(error.message, /\(so far only its index\)/)
    assert.match(error.message, /NODE_OPTIONS=--max-old-space-size=\d+/)
    assert.match(error.message, /`sluice store stats` shows what is stored/)
    assert.match(error.message, /max-memory, max-queued-bytes, max-retained-bytes/)
    return true
  })
  const broker = await VirtualBroker.start(PERSISTENCE, { disk, processMemory: processWith(0.7) })
  assert.equal(sessionsOf(broker.broker)[0]?.queuedMessages, 1)
  const client = broker.connect({ clientId: 'away', ...KEPT })
  client.subscribe('t/#')
  await broker.settle()
  assert.equal(client.receiveAll().length, 1501)
  await broker.close()
})

test('a store that does not fit: the error counts what was loaded until then', async () => {
  const disk = await filledDisk()
  const processMemory = processWith(0.85, 300_000)
  await assert.rejects(VirtualBroker.start(PERSISTENCE, { disk, processMemory }), {
    code: 'ERR_STORE_MEMORY',
    message: /\(so far (?:.*, )?\d+ retained messages\)/,
  })
})

/** Retained messages of deep topics, in a real folder: small on disk, large in memory. */
async function storeDeepTopics(path: string, count: number): Promise<void> {
  const store = await openStore({ path, clock: realClock })
  await store.load(() => undefined)
  const payload = Buffer.from('x')
  const fields = {
    payload,
    qos: 1,
    retain: true,
    properties: noProperties,
    publisher: '',
    expiresAtMs: undefined,
  } as const
  const changes = Array.from({ length: count }, (_, at): readonly Change[] => {
    const topicName = `${at}${'/a'.repeat(198)}`
    return [
      { kind: 'message', message: { ...fields, messageNumber: at + 1, topicName } },
      { kind: 'retained', topicName, messageNumber: at + 1 },
    ]
  })
  await store.write(changes.flat(), 'disk')
  await store.close()
}

function startWithHeap(folder: string, mib: number): { readonly code: number | null; readonly out: string } {
  const script = `
    import { createBroker } from ${JSON.stringify(join(PROGRAM, '../../create-broker.js'))}
    const broker = await createBroker({ listeners: {}, persistence: {} })
    console.log('retained ' + broker.memory.bytes)
    await broker.close()`
  const writtenTo = join(folder, 'start.mjs')
  writeFileSync(writtenTo, script)
  const options = { cwd: folder, encoding: 'utf8' } as const
  const { status, stdout, stderr } = spawnSync(process.execPath, [`--max-old-space-size=${mib}`, writtenTo], options)
  return { code: status, out: stdout + stderr }
}

test('a real process with a heap that is too small ends with that error instead of dying, and a larger one starts', async () => {
  const folder = scratchFolder()
  await storeDeepTopics(join(folder, 'sluice-data'), 12_000)
  const small = startWithHeap(folder, 48)
  assert.equal(small.code, 1, small.out.slice(0, 2000))
  // How far it came depends on when the collector ran.
  assert.match(small.out, /ERR_STORE_MEMORY/)
  assert.match(small.out, /\(so far (?:only its index|\d+ retained messages)\)/)
  const large = startWithHeap(folder, 512)
  assert.deepEqual([large.code, large.out.slice(0, 8)], [0, 'retained'], large.out.slice(0, 2000))
})
