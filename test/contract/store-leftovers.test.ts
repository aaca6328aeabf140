/** What else may lie in a store's folder: leftovers of a crash in any combination, garbage, and damage beside them. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { RandomTurns } from '../../src/testing/random-turns.ts'
import { assertSame, StoreModel } from '../../src/testing/store-model.ts'
import { memoryStore } from './store-beds.ts'
import { seed } from '../support/seed.ts'

const options = { segmentBytes: 3000, checkpointBytes: 1 << 30 }

async function put(disk: MemoryDisk, name: string, bytes: Uint8Array): Promise<void> {
  const file = await disk.open(name)
  await file.append(bytes)
  await file.sync()
  await disk.syncNames()
}

/** A store with a checkpoint, folded segments and some since; the checkpoint before that one; and what is in it. */
async function made(): Promise<{ disk: MemoryDisk; oldName: string; old: Uint8Array; picture: string }> {
  const disk = new MemoryDisk()
  const store = memoryStore(disk, options)
  await store.load(() => undefined)
  const turns = new RandomTurns(new SeededRandom(13), new StoreModel())
  const write = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn++) {
      await store.write(turns.next(), 'disk')
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
  const checkpoint = async (): Promise<string> => (await disk.list()).find((name) => name.startsWith('checkpoint-'))!
  await write(30)
  await store.compact()
  const oldName = await checkpoint()
  const old = disk.contents(oldName)
  await write(30)
  await store.compact()
  await write(25)
  await store.close()
  return { disk: disk.kill(), oldName, old, picture: turns.model.picture() }
}

const whole = await made()
const last = (await whole.disk.list()).findLast((name) => name.startsWith('journal-'))!
const after = (name: string, by: number): string =>
  name.replace(/\d+/, (digits) => String(Number(digits) + by).padStart(8, '0'))

/** What may be left over; none of it may matter. */
const leftovers: Readonly<Record<string, (disk: MemoryDisk) => Promise<void>>> = {
  'an older checkpoint': (disk) => put(disk, whole.oldName, whole.old),
  'a checkpoint that was not finished': (disk) => put(disk, 'checkpoint-00000099.log.part', whole.old.slice(0, 700)),
  'a segment that was not finished': (disk) => put(disk, `${after(last, 3)}.part`, Buffer.alloc(300, 1)),
  'an empty segment, made ready': (disk) => put(disk, after(last, 1), new Uint8Array(0)),
  'a segment of zeros': (disk) => put(disk, after(last, 2), new Uint8Array(2000)),
  'a folded segment that was not removed yet': (disk) => put(disk, 'journal-00000001.log', disk.contents(last)),
  'what an earlier repair set aside': (disk) => put(disk, 'journal-00000001.log.damaged', Buffer.from('whatever')),
  'the socket of a dead owner, and a file of the operator': async (disk) => {
    await put(disk, 'lock-1', new Uint8Array(0))
    await put(disk, 'README', Buffer.from('do not delete'))
  },
}
const names = Object.keys(leftovers)

describe(`leftovers (TEST_SEED=${seed})`, () => {
  test('every combination of them, with a plain start and with a repair: everything is there, and they are gone', async () => {
    assert.equal((await whole.disk.list()).includes('journal-00000001.log'), false)
    for (let combination = 0; combination < 1 << names.length; combination++) {
      for (const repair of [false, true]) {
        const disk = whole.disk.kill()
        const which = names.filter((_, at) => ((combination >> at) & 1) === 1)
        for (const name of which) await leftovers[name]!(disk)
        const where = `${repair ? 'a repair' : 'a start'} with ${which.join(', ') || 'nothing'}`
        const store = memoryStore(disk, { ...options, repair })
        assertSame((await loadModel(store)).picture(), whole.picture, where)
        assert.deepEqual(store.damage, [], where)
        await store.close()
        const left = await disk.list()
        assert.equal(left.filter((name) => name.startsWith('checkpoint-')).length, 1, where)
        assert.ok(!left.some((name) => name.endsWith('.part')), where)
        assert.equal(left.includes('README'), which.includes(names.at(-1)!), where)
      }
    }
  })

  test('every combination beside a damaged record: a repair keeps the rest, and the next start needs none', async () => {
    for (let combination = 0; combination < 1 << names.length; combination += 1 + (seed % 3)) {
      const disk = whole.disk.kill()
      for (const [at, name] of names.entries()) if (((combination >> at) & 1) === 1) await leftovers[name]!(disk)
      // A record in the middle of the newest segment.
      disk.damage(last, 900, Uint8Array.of(1, 2, 3, 4))
      const store = memoryStore(disk, { ...options, repair: true })
      const picture = (await loadModel(store)).picture()
      assert.ok(store.damage.length > 0)
      await store.close()
      assert.ok((await disk.list()).includes(`${last}.damaged`))
      const again = memoryStore(disk, options)
      assertSame((await loadModel(again)).picture(), picture, `combination ${combination}`)
      await again.close()
    }
  })
})

/** What a power cut may leave where a new segment was to be: bytes that were there before, or somebody's. */
function garbage(random: SeededRandom, kind: number): Uint8Array {
  const length = [1, 8, 63, 64, 65, 600, 5000][random.integer(7)]!
  if (kind === 0) return Uint8Array.from({ length }, () => random.integer(256))
  if (kind === 1) return Buffer.alloc(length, 'dear diary, ')
  if (kind === 2) return whole.disk.contents(last).slice(0, Math.max(length, 70))
  if (kind === 3) return whole.disk.contents(last)
  return whole.old.slice(0, length)
}

describe(`garbage (TEST_SEED=${seed})`, () => {
  test('in place of a new segment it stops no start, loses nothing, and is set aside', async () => {
    const random = new SeededRandom(seed)
    for (let round = 0; round < 60; round++) {
      const disk = whole.disk.kill()
      const name = after(last, 1 + random.integer(2))
      const bytes = garbage(random, round % 5)
      await put(disk, name, bytes)
      const repair = random.chance(0.5)
      const store = memoryStore(disk, { ...options, repair })
      const where = `TEST_SEED=${seed}, round ${round}, ${bytes.length} bytes`
      assertSame((await loadModel(store)).picture(), whole.picture, where)
      await store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
      await store.close()
      const again = memoryStore(disk, options)
      assertSame((await loadModel(again)).picture(), whole.picture, `${where}, opened again`)
      await again.close()
    }
  })

  test('as the only file of a new store: a start names the repair, which sets the file aside as it is and begins anew', async () => {
    const random = new SeededRandom(seed)
    for (const kind of [0, 1]) {
      const disk = new MemoryDisk()
      const bytes = Buffer.from(garbage(random, kind).slice(0, 600))
      if (bytes[0] === 0x53) bytes[0] = 1
      await put(disk, 'journal-00000001.log', bytes)
      const plain = memoryStore(disk, options)
      await assert.rejects(
        plain.load(() => undefined),
        (error) => {
          assert.ok(error instanceof StoreError && error.code === 'ERR_STORE_FOREIGN')
          assert.match(error.message, /^journal-00000001\.log .*Choices: .*--repair, which renames it/)
          return true
        },
      )
      await plain.close()
      assert.deepEqual(Buffer.from(disk.contents('journal-00000001.log')), bytes)
      const repaired = memoryStore(disk, { ...options, repair: true })
      assert.equal((await loadModel(repaired)).picture(), new StoreModel().picture())
      await repaired.close()
      assert.deepEqual(Buffer.from(disk.contents('journal-00000001.log.damaged')), bytes)
    }
  })

  test('beside nothing of ours it is somebody else’s, and not touched by a repair either', async () => {
    for (const others of [['journal-00000001.log', 'journal-00000002.log'], ['checkpoint-00000001.log']]) {
      const disk = new MemoryDisk()
      for (const name of others) await put(disk, name, Buffer.alloc(500, 'dear diary, '))
      for (const repair of [false, true]) {
        const store = memoryStore(disk, { ...options, repair })
        await assert.rejects(
          store.load(() => undefined),
          (error) =>
            error instanceof StoreError && error.code === 'ERR_STORE_FOREIGN' && !error.message.includes('--repair'),
        )
        await store.close()
      }
      assert.deepEqual(await disk.list(), others)
    }
  })
})
