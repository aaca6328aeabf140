/** Damage in the last turn of the journal, where something else says that this turn was durable: it is no torn end. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import type { JournalStore } from '../../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Change } from '../../../src/stores/store.ts'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { memoryStore } from '../../contract/store-beds.ts'

const options = { segmentBytes: 1 << 20, checkpointBytes: 1 << 30 }

/** One turn that retains these messages. */
function turn(...numbers: readonly number[]): Change[] {
  const common = { qos: 1, retain: true, properties: {}, publisher: '', expiresAtMs: undefined } as const
  return numbers.flatMap((messageNumber): Change[] => {
    const [topicName, payload] = [`t/${messageNumber}`, Buffer.from(`payload ${messageNumber}.`)]
    return [
      { kind: 'message', message: { ...common, topicName, messageNumber, payload } },
      { kind: 'retained', topicName, messageNumber },
    ]
  })
}

async function opened(disk: MemoryDisk, repair = false): Promise<JournalStore> {
  const store = memoryStore(disk, { ...options, repair })
  await store.load(() => undefined)
  return store
}

/**
 * A store whose checkpoint has seen the last turn, which was written while the checkpoint was; killed right behind it.
 */
async function seenByCheckpoint(segmentBytes = options.segmentBytes): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, { ...options, segmentBytes })
  await store.load(() => undefined)
  await store.write(turn(1), 'disk')
  let killed: MemoryDisk | undefined
  let isWritten = false
  disk.options.before = async (operation, name) => {
    if (operation === 'syncNames' && (await disk.list()).some((each) => /^checkpoint-.*log$/.test(each)))
      killed ??= disk.kill()
    if (isWritten || operation !== 'append' || !name.startsWith('checkpoint-')) return
    isWritten = true
    for (const number of segmentBytes < options.segmentBytes ? [7, 8, 9] : []) {
      await store.write(turn(number), 'disk')
      // Lets the next segment be made.
      for (let tick = 0; tick < 5; tick++) await new Promise((resolve) => setImmediate(resolve))
    }
    await store.write(turn(2, 3, 4), 'disk')
  }
  await store.compact()
  await store.close()
  return killed!
}

/** A store that a repair has just left: what could be read of a damaged segment is in its last turn. */
async function leftByRepair(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const store = await opened(disk)
  await store.write(turn(1, 2, 3, 4), 'disk')
  await store.write(turn(5), 'disk')
  await store.close()
  await damage(disk, 'payload 1.')
  await (await opened(disk, true)).close()
  return disk.kill()
}

/** Where these bytes are, in files that count. */
async function find(disk: MemoryDisk, text: string): Promise<{ name: string; at: number }> {
  const names = (await disk.list()).filter((each) => each.endsWith('.log'))
  const name = names.find((each) => Buffer.from(disk.contents(each)).includes(text))
  assert.ok(name !== undefined, text)
  return { name, at: Buffer.from(disk.contents(name)).indexOf(text) }
}

async function damage(disk: MemoryDisk, text: string): Promise<string> {
  const { name, at } = await find(disk, text)
  disk.damage(name, at, Buffer.from('X'))
  return name
}

for (const [who, make, lost, kept] of [
  ['a checkpoint has seen', seenByCheckpoint, 3, ['t/1', 't/2', 't/4']],
  ['a repair has moved its messages to', leftByRepair, 3, ['t/2', 't/4', 't/5']],
] as const) {
  test(`a damaged payload in the last turn, which ${who}: a start names it, and a repair loses that message alone`, async () => {
    const disk = await make()
    const name = await damage(disk, `payload ${lost}.`)
    const refused = memoryStore(disk, options)
    await assert.rejects(
      refused.load(() => undefined),
      (error) =>
        error instanceof StoreError &&
        error.code === 'ERR_STORE_DAMAGED' &&
        error.message.startsWith(name) &&
        error.message.includes(`the payload of message ${lost} is corrupt`),
    )
    await refused.close()
    const repaired = memoryStore(disk, { ...options, repair: true })
    assert.deepEqual([...(await loadModel(repaired)).retained.keys()].toSorted(), kept)
    assert.ok(repaired.damage.some((each) => each.name === name && each.what.includes(`message ${lost}`)))
    await repaired.close()
    const again = memoryStore(disk, options)
    assert.deepEqual([...(await loadModel(again)).retained.keys()].toSorted(), kept)
    await again.close()
  })
}

test('a last turn that a checkpoint has seen, and of which nothing can be read, is damage, and its file is kept', async () => {
  for (const [segmentBytes, isHeaderLost] of [
    [1 << 20, false],
    [1 << 20, true],
    [100, false],
    [100, true],
  ] as const) {
    const disk = await seenByCheckpoint(segmentBytes)
    const where = `segments of ${segmentBytes} bytes, the header ${isHeaderLost ? 'lost' : 'sound'}`
    const { name } = await find(disk, 'payload 3.')
    const kept = segmentBytes === 100 ? ['t/1', 't/7', 't/8', 't/9'] : ['t/1']
    const from = isHeaderLost ? 0 : 64
    disk.damage(name, from, new Uint8Array(disk.contents(name).length - from))
    const refused = memoryStore(disk, options)
    await assert.rejects(
      refused.load(() => undefined),
      (error) => error instanceof StoreError && error.code === 'ERR_STORE_DAMAGED',
      where,
    )
    await refused.close()
    const repaired = memoryStore(disk, { ...options, repair: true })
    assert.deepEqual([...(await loadModel(repaired)).retained.keys()].toSorted(), kept, where)
    assert.ok(
      repaired.damage.some(({ what }) => /^(a commit is|\d+ commits are) missing$/.test(what)),
      where,
    )
    await repaired.close()
    assert.ok((await disk.list()).includes(`${name}.damaged`), where)
    const again = memoryStore(disk, options)
    assert.deepEqual([...(await loadModel(again)).retained.keys()].toSorted(), kept, where)
    await again.close()
  }
})
