/**
 * What a power cut leaves behind the last turn that was durable: blocks that older files had there, which are no turns
 * of the journal.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { assertSame } from '../../../src/testing/store-model.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { memoryStore } from '../../contract/store-beds.ts'

const options = { segmentBytes: 1 << 20, checkpointBytes: 1 << 30 }
const headerBytes = 64

/** One turn with so many sessions and messages that their numbers are far ahead of the turns'. */
function* crowd(): Generator<Change> {
  for (let number = 1; number <= 40; number++) {
    const expiry = { sessionExpiryInterval: 3600, expiresAtMs: undefined }
    const session = { sessionNumber: number, clientId: `client-${number}`, userName: undefined, protocolVersion: 5 }
    yield { kind: 'session', session: { ...session, ...expiry } } as Change
    const common = { topicName: `state/${number}`, qos: 1, retain: true, properties: {}, publisher: '' } as const
    const message = { ...common, messageNumber: number, payload: Buffer.alloc(10), expiresAtMs: undefined }
    yield { kind: 'message', message }
    yield { kind: 'retained', topicName: message.topicName, messageNumber: number }
  }
}

/** A store with a checkpoint and a segment since; and what is in it. */
async function made(): Promise<{ disk: MemoryDisk; journal: string; checkpoint: string; picture: string }> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write([...crowd()], 'disk')
  await store.compact()
  await store.write([{ kind: 'retained-cleared', topicName: 'state/1' }], 'disk')
  await store.write([{ kind: 'retained-cleared', topicName: 'state/2' }], 'disk')
  await store.close()
  const names = await disk.list()
  const [checkpoint, journal] = [names.find((name) => name.startsWith('checkpoint-'))!, names.at(-1)!]
  const model = await loadModel(memoryStore(disk.kill(), options))
  return { disk, journal, checkpoint, picture: model.picture() }
}

async function append(disk: MemoryDisk, name: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(name)
  await file.append(bytes)
  await file.sync()
  await disk.syncNames()
}

for (const repair of [false, true]) {
  test(`records of a checkpoint behind the last turn are no turns, and prove no damage (${repair ? 'a repair' : 'a start'})`, async () => {
    const { disk: whole, journal, checkpoint, picture } = await made()
    const turns = Buffer.from(whole.contents(journal))
    const records = Buffer.from(whole.contents(checkpoint)).subarray(headerBytes)
    const next = journal.replace(/\d+/, (digits) => String(Number(digits) + 1).padStart(8, '0'))
    const tornEnds: Readonly<Record<string, readonly [name: string, bytes: Uint8Array]>> = {
      'where the next turn was to begin': [journal, records],
      'behind zeros': [journal, Buffer.concat([Buffer.alloc(300), records])],
      'behind the half of a turn': [journal, Buffer.concat([turns.subarray(headerBytes, headerBytes + 50), records])],
      'in a new segment, behind zeros in place of its header': [
        next,
        Buffer.concat([Buffer.alloc(headerBytes), records]),
      ],
    }
    for (const [where, [name, bytes]] of Object.entries(tornEnds)) {
      const disk = whole.kill()
      await append(disk, name, bytes)
      const store = memoryStore(disk, { ...options, repair })
      assert.equal((await loadModel(store)).picture(), picture, where)
      assert.deepEqual(store.damage, [], where)
      await store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
      await store.close()
      const again = memoryStore(disk, options)
      assert.equal((await loadModel(again)).picture(), picture, `${where}, opened again`)
      await again.close()
    }
  })
}

async function repairedPicture(disk: MemoryDisk): Promise<string> {
  const store = memoryStore(disk, { ...options, repair: true })
  const model = await loadModel(store)
  await store.close()
  return model.picture()
}

/** Begins a repair, and stops it before operation number `at`. @returns whether it came so far */
async function stoppedRepair(disk: MemoryDisk, at: number): Promise<boolean> {
  let operations = 0
  let isOver = false
  let isStopped = false
  disk.options.before = (operation) => {
    if (operation !== 'read' && operations++ === at) isStopped = true
    return isStopped ? new Promise<never>(() => undefined) : undefined
  }
  const store = memoryStore(disk, { ...options, repair: true })
  void store.load(() => undefined).then(() => (isOver = true))
  while (!isOver && !isStopped) await new Promise((resolve) => setImmediate(resolve))
  return isStopped
}

const flip = (disk: MemoryDisk, name: string, at: number): void =>
  disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 0x10))

const damages: Readonly<Record<string, (disk: MemoryDisk, journal: string, checkpoint: string) => void>> = {
  'in the header of the checkpoint': (disk, _, checkpoint) => flip(disk, checkpoint, 20),
  'in a record of the checkpoint': (disk, _, checkpoint) => flip(disk, checkpoint, headerBytes + 60),
  'in the header of the journal': (disk, journal) => flip(disk, journal, 20),
  'in a record of the journal': (disk, journal) => flip(disk, journal, headerBytes + 60),
}

for (const [where, damage] of Object.entries(damages)) {
  test(`a crash, then damage ${where}, then a repair that a power cut stops anywhere: the next repair keeps as much`, async () => {
    const { disk: killed, checkpoint, journal } = await made()
    const store = memoryStore(killed, options)
    await store.load(() => undefined)
    const common = { topicName: 'late', qos: 1, retain: true, properties: {}, publisher: '' } as const
    const message = { ...common, messageNumber: 200, payload: new Uint8Array(10), expiresAtMs: undefined }
    const kept = { kind: 'retained', topicName: 'late', messageNumber: 200 } as const
    await store.write([{ kind: 'message', message }, kept], 'process')
    const left = killed.kill()
    damage(left, journal, checkpoint)
    // The last turn was not synced: it is kept or lost, whole.
    const pictures = [await repairedPicture(left.kill()), await repairedPicture(left.kill().crash())]
    for (let at = 0; ; at++) {
      const disk = left.kill()
      if (!(await stoppedRepair(disk, at))) break
      const crashed = disk.crash()
      const found = await repairedPicture(crashed)
      if (!pictures.includes(found)) assertSame(found, pictures[0]!, `stopped before operation ${at + 1}`)
      const again = memoryStore(crashed, options)
      assert.equal((await loadModel(again)).picture(), found, `stopped before operation ${at + 1}, opened again`)
      await again.close()
    }
  })
}

/** A store whose last turn clears one retained message, and where that turn lies. */
async function ended(stop: 'closed' | 'killed'): Promise<{ disk: MemoryDisk; name: string; at: number }> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write([...crowd()], 'disk')
  const name = (await disk.list()).find((each) => each.startsWith('journal-'))!
  const at = disk.contents(name).length
  await store.write([{ kind: 'retained-cleared', topicName: 'state/1' }], 'disk')
  if (stop === 'closed') await store.close()
  return { disk: disk.kill(), name, at }
}

function damage(disk: MemoryDisk, name: string, at: number): void {
  disk.damage(name, at, Uint8Array.of(disk.contents(name)[at]! ^ 1))
}

test('damage in the last turn of a store that was closed is damage; a repair reports it and loses that turn alone', async () => {
  const { disk, name, at } = await ended('closed')
  const whole = (await loadModel(memoryStore(disk.kill(), options))).picture()
  for (const byte of [0, 20, 43, 46]) {
    const damaged = disk.kill()
    damage(damaged, name, at + byte)
    await assert.rejects(
      memoryStore(damaged.kill(), options).load(() => undefined),
      { code: 'ERR_STORE_DAMAGED' },
      `byte ${byte}`,
    )
    const store = memoryStore(damaged, { ...options, repair: true })
    const picture = (await loadModel(store)).picture()
    assert.ok(store.damage.length > 0 && picture !== whole)
    await store.close()
  }
})

test('the last turn of a store that was killed was perhaps never durable: a torn end', async () => {
  const { disk, name, at } = await ended('killed')
  damage(disk, name, at + 46)
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  assert.deepEqual(store.damage, [])
  await store.close()
})

test('a torn mark, or none, costs nothing; and a store in which nothing was written gets none', async () => {
  const { disk, name } = await ended('closed')
  const whole = (await loadModel(memoryStore(disk.kill(), options))).picture()
  const length = disk.contents(name).length
  for (const bytes of [0, 1, 43]) {
    const torn = disk.kill()
    const file = await torn.open(name)
    await file.cut(length - 44 + bytes)
    await file.sync()
    assert.equal((await loadModel(memoryStore(torn, options))).picture(), whole, `${bytes} bytes of it`)
  }
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.close()
  const last = (await disk.list()).findLast((each) => each.startsWith('journal-'))!
  assert.ok(last === name ? disk.contents(name).length === length : disk.contents(last).length <= headerBytes)
})

test('a store whose end cannot be marked is closed all the same', async () => {
  const { disk } = await ended('closed')
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write([{ kind: 'retained-cleared', topicName: 'state/2' }], 'disk')
  disk.options.before = () => {
    throw new Error('no space left on device')
  }
  await store.close()
  delete disk.options.before
  const model = await loadModel(memoryStore(disk.kill(), options))
  assert.ok(!model.retained.has('state/2'))
})

test('a disk that does not answer does not delay the end of a store in which everything is stored', async () => {
  const { disk } = await ended('closed')
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  await store.write([{ kind: 'retained-cleared', topicName: 'state/2' }], 'disk')
  disk.options.before = (operation) => (operation === 'sync' ? new Promise<void>(() => {}) : undefined)
  await store.close()
  const model = await loadModel(memoryStore(disk.kill(), options))
  assert.ok(!model.retained.has('state/2'))
})
