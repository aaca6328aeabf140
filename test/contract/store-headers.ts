/** Damage in the header of any file of a store: no sound record is lost by it. On a Disk in memory. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import type { JournalStore } from '../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { Loaded } from '../../src/stores/store.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { RandomTurns } from '../../src/testing/random-turns.ts'
import { assertSame, StoreModel } from '../../src/testing/store-model.ts'
import { readPayloads } from '../../src/testing/store-contract.ts'
import { memoryStore } from './store-beds.ts'
import { seed } from '../support/seed.ts'

const headerBytes = 64
const options = { segmentBytes: 3000, checkpointBytes: 1 << 30 }

interface Opened {
  readonly picture: string
  readonly loaded: Loaded
  readonly store: JournalStore
}

async function opened(disk: MemoryDisk, repair: boolean): Promise<Opened> {
  const store = memoryStore(disk, { ...options, repair })
  const model = new StoreModel()
  try {
    const loaded = await store.load((change) => model.apply(change))
    await readPayloads(store, model)
    return { picture: model.picture(), loaded, store }
  } catch (error) {
    await store.close()
    throw error
  }
}

class Maker {
  readonly disk = new MemoryDisk()
  readonly turns = new RandomTurns(new SeededRandom(11), new StoreModel())
  store!: JournalStore

  async open(): Promise<this> {
    this.store = memoryStore(this.disk, options)
    await this.store.load(() => undefined)
    return this
  }

  async write(turns: number): Promise<this> {
    for (let turn = 0; turn < turns; turn++) {
      await this.store.write(this.turns.next(), 'disk')
      // Lets the next segment be made.
      await new Promise((resolve) => setImmediate(resolve))
    }
    return this
  }
}

/** Stores as they lie on disk, each with what makes its headers matter. */
const makers: Readonly<Record<string, () => Promise<Maker>>> = {
  'a checkpoint, folded segments and several since': async () => {
    const maker = await (await new Maker().open()).write(40)
    await maker.store.compact()
    return maker.write(40)
  },
  'one segment and no checkpoint': async () => (await new Maker().open()).write(5),
  'a checkpoint and nothing since': async () => {
    const maker = await (await new Maker().open()).write(40)
    await maker.store.compact()
    return maker
  },
  'a checkpoint and one turn since': async () => {
    const maker = await (await new Maker().open()).write(40)
    await maker.store.compact()
    return maker.write(1)
  },
  'a segment that failed in the middle, and one that counts in its place': async () => {
    const maker = await (await new Maker().open()).write(25)
    let syncs = 0
    maker.disk.options.before = (operation) => {
      // What is in the failed segment by then stays there: it cannot be cut either.
      if (operation === 'cut') throw new StoreError('ERR_STORE_DISK', 'this cut fails')
      if (operation === 'sync' && syncs++ === 2) throw new StoreError('ERR_STORE_DISK', 'this sync fails')
    }
    await maker.write(25)
    delete maker.disk.options.before
    return maker
  },
}

/** What may happen to a header at that byte. */
const harms: readonly ((random: SeededRandom, header: Uint8Array, at: number) => void)[] = [
  (random, header, at) => (header[at]! ^= 1 << random.integer(8)),
  (_, header, at) => (header[at]! ^= 0xff),
  (random, header, at) => header.fill(0, at, at + 1 + random.integer(headerBytes)),
  (random, header, at) => {
    for (let place = at; place < headerBytes; place++) header[place] = random.integer(256)
  },
]

/**
 * Makes tests of it.
 *
 * @param share one of so many bytes of each header is damaged, another share for each seed
 */
export function testHeaders(share: number): void {
  for (const [what, make] of Object.entries(makers)) {
    const which = share === 1 ? 'any byte' : `any byte (one in ${share})`
    test(`${what}: damage at ${which} of any header: a repair keeps every record, a plain start does or names the tool (TEST_SEED=${seed})`, async () => {
      const { disk: whole, turns, store } = await make()
      const disk = whole.kill()
      await store.close()
      const expected = await opened(disk.kill(), false)
      await expected.store.close()
      assertSame(expected.picture, turns.model.picture(), 'undamaged')
      const random = new SeededRandom(seed)
      const names = (await disk.list()).filter((name) => disk.contents(name).length > 0)
      for (const [file, name] of names.entries()) {
        for (let at = (seed + file) % share; at < headerBytes; at += share) {
          const header = disk.contents(name).slice(0, headerBytes)
          random.pick(harms)(random, header, at)
          const where = `TEST_SEED=${seed}, ${name}, byte ${at}`
          await checkPlain(disk.kill(), name, header, expected, where)
          await checkRepair(disk.kill(), name, header, expected, where)
        }
      }
    })
  }
}

async function checkPlain(disk: MemoryDisk, name: string, header: Uint8Array, expected: Opened, where: string) {
  disk.damage(name, 0, header)
  const before = (await disk.list()).map((each) => [each, disk.contents(each)])
  try {
    const plain = await opened(disk, false)
    assertSame(plain.picture, expected.picture, `${where}: a plain start`)
    assert.deepEqual(plain.loaded, expected.loaded, where)
    await plain.store.close()
  } catch (error) {
    if (!(error instanceof StoreError)) throw error
    assert.match(error.message, new RegExp(`^${name} .*--repair`), where)
    assert.deepEqual(
      (await disk.list()).map((each) => [each, disk.contents(each)]),
      before,
      where,
    )
  }
}

async function checkRepair(disk: MemoryDisk, name: string, header: Uint8Array, expected: Opened, where: string) {
  disk.damage(name, 0, header)
  const repaired = await opened(disk, true)
  assertSame(repaired.picture, expected.picture, `${where}: a repair`)
  assert.deepEqual(repaired.loaded, expected.loaded, where)
  await repaired.store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
  await repaired.store.close()
  const again = await opened(disk, false)
  assertSame(again.picture, expected.picture, `${where}: a start after the repair`)
  await again.store.close()
}
