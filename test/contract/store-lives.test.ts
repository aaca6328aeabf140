/**
 * Lives of a store, each of which ends with a power cut and leaves its disk to the next: on a disk that is slow, fails now and then,
 * and has in its unwritten sectors what earlier lives left there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { DiskOperation } from '../../src/stores/memory-disk.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { assertSame, Random, RandomTurns, StoreModel } from '../../src/testing/store-model.ts'
import { memoryStore, reopened, seed } from './store-beds.ts'

/** What a power cut at some moment leaves, and which pictures a start may find then. */
interface Cut {
  readonly disk: MemoryDisk
  readonly acknowledged: number
}

/**
 * One life of a store: from a start to a power cut, on a disk that is slow and fails now and then. Its power is cut at many moments,
 * each time on a copy.
 */
class Life {
  readonly cuts: Cut[] = []
  readonly pictures: string[] = []
  readonly #random: Random
  readonly #disk: MemoryDisk
  #acknowledged = 0
  #mayFail = false

  constructor(random: Random, disk: MemoryDisk) {
    this.#random = random
    this.#disk = disk
    disk.options = { random: () => random.next(), before: (operation) => this.#before(operation) }
  }

  #before(operation: DiskOperation): Promise<void> | undefined {
    const random = this.#random
    if (operation === 'read') return undefined
    if (random.chance(0.3)) this.cuts.push({ disk: this.#disk.crash(), acknowledged: this.#acknowledged })
    if (this.#mayFail && random.chance(0.04)) throw new StoreError('ERR_STORE_DISK', 'fails')
    return random.chance(0.2) ? immediates(1 + random.below(12)) : undefined
  }

  /** @param numbersUsed highest number that an earlier life used */
  async live(before: StoreModel, numbersUsed: number): Promise<void> {
    this.pictures.push(before.picture())
    const store = memoryStore(this.#disk)
    const turns = new RandomTurns(this.#random, await loadModel(store), 200, numbersUsed)
    this.#mayFail = true
    const written: Promise<void>[] = []
    for (let turn = 1; turn <= 40; turn++) {
      const level = this.#random.pick(['disk', 'disk', 'process', 'memory'] as const)
      const done = Promise.resolve(store.write(turns.next(), level))
      this.pictures.push(turns.model.picture())
      if (level === 'disk')
        written.push(done.then(() => void (this.#acknowledged = Math.max(this.#acknowledged, turn))))
      if (this.#random.chance(0.5)) await immediates(1 + this.#random.below(10))
      if (this.#random.chance(0.1))
        void store.compact().catch((error: unknown) => assert.ok(error instanceof StoreError))
    }
    await Promise.all(written)
    this.#mayFail = false
    await store.close()
  }
}

async function immediates(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve))
}

test(`lives that end in power cuts, each on what the one before left of its disk, lose nothing (STORE_SEED=${seed})`, async () => {
  for (let round = 0; round < 3; round++) {
    const random = new Random(seed * 3 + round)
    let disk = new MemoryDisk()
    let model = new StoreModel()
    for (let life = 0; life < 5; life++) {
      const run = new Life(random, disk)
      await run.live(model, life * 1000)
      const chosen = Math.floor(run.cuts.length * (0.5 + random.next() / 2))
      for (const [at, cut] of run.cuts.entries()) {
        const where = `STORE_SEED=${seed}, round ${round}, life ${life}, cut ${at}`
        const found = await reopened(cut.disk.kill())
        const reached = run.pictures.indexOf(found.picture(), cut.acknowledged)
        if (reached < 0) assertSame(found.picture(), run.pictures[cut.acknowledged]!, where)
        if (at === chosen) ({ disk, model } = { disk: cut.disk, model: found })
      }
    }
  }
})
