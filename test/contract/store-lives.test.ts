/**
 * Lives of a store, each of which ends with a power cut and leaves its disk to the next: on a disk that is slow, fails
 * now and then, and has in its unwritten sectors what earlier lives left there.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { DiskOperation } from '../../src/stores/memory-disk.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { RandomTurns } from '../../src/testing/random-turns.ts'
import { assertSame, StoreModel } from '../../src/testing/store-model.ts'
import { memoryStore, reopened } from './store-beds.ts'
import { seed } from '../support/seed.ts'

/** What is left when a process is killed, or the power fails, at some moment of a life. */
interface End {
  readonly disk: MemoryDisk
  /** A start finds this picture or a later one, now and after a power cut. */
  readonly foundFrom: number
  readonly durableFrom: number
}

const turns = 40

/**
 * One life of a store: from a start to its end, on a disk that is slow and fails now and then. It ends at many moments,
 * each time on a copy.
 */
class Life {
  readonly ends: End[] = []
  /** What a start may find: before this life's first turn, which may be one of several, and after each. */
  readonly pictures: string[]
  readonly #random: SeededRandom
  readonly #disk: MemoryDisk
  /** Up to which picture all is stored, at the levels `process` and `disk`. */
  readonly #stored: { process: number; disk: number }
  #mayFail = false

  /** @param before what the life before may have left; its last is what a start finds, unless the power fails */
  constructor(random: SeededRandom, disk: MemoryDisk, before: readonly string[]) {
    this.#random = random
    this.#disk = disk
    this.pictures = [...before]
    this.#stored = { process: before.length - 1, disk: 0 }
    disk.options = { random: () => random.next(), before: (operation) => this.#before(operation) }
  }

  #before(operation: DiskOperation): Promise<void> | undefined {
    const random = this.#random
    if (operation === 'read') return undefined
    if (random.chance(0.3)) this.ends.push(this.#end())
    if (this.#mayFail && random.chance(0.04)) throw new StoreError('ERR_STORE_DISK', 'fails')
    return random.chance(0.2) ? immediates(1 + random.integer(12)) : undefined
  }

  #end(): End {
    const { process, disk } = this.#stored
    if (this.#random.chance(0.7)) return { disk: this.#disk.crash(), foundFrom: disk, durableFrom: disk }
    return { disk: this.#disk.kill(), foundFrom: process, durableFrom: disk }
  }

  /** @param numbersUsed highest number that an earlier life used */
  async live(numbersUsed: number): Promise<void> {
    const random = this.#random
    const store = memoryStore(this.#disk)
    const made = new RandomTurns(random, await loadModel(store), 200, numbersUsed)
    const first = this.pictures.length - 1
    this.#isStored('disk', first)
    this.#mayFail = true
    const written: Promise<void>[] = []
    for (let turn = 1; turn <= turns; turn++) {
      const level = random.pick(['disk', 'disk', 'process', 'memory'] as const)
      const done = Promise.resolve(store.write(made.next(), level))
      this.pictures.push(made.model.picture())
      if (level !== 'memory') written.push(done.then(() => this.#isStored(level, first + turn)))
      if (random.chance(0.5)) await immediates(1 + random.integer(10))
      if (random.chance(0.1)) void store.compact().catch((error: unknown) => assert.ok(error instanceof StoreError))
    }
    await Promise.all(written)
    this.#mayFail = false
    await store.close()
  }

  #isStored(level: 'process' | 'disk', picture: number): void {
    const stored = this.#stored
    stored.process = Math.max(stored.process, picture)
    if (level === 'disk') stored.disk = Math.max(stored.disk, picture)
  }

  /** @returns which of the pictures a start finds now */
  async check({ disk, foundFrom }: End, where: string): Promise<number> {
    const found = (await reopened(disk.kill())).picture()
    const reached = this.pictures.indexOf(found, foundFrom)
    if (reached < 0) assertSame(found, this.pictures[foundFrom]!, where)
    return reached
  }
}

async function immediates(count: number): Promise<void> {
  for (let at = 0; at < count; at++) await new Promise((resolve) => setImmediate(resolve))
}

test(`lives that end anywhere, each on what the one before left of its disk, lose nothing that was acknowledged (TEST_SEED=${seed})`, async () => {
  for (let round = 0; round < 3; round++) {
    const random = new SeededRandom(seed * 3 + round)
    let disk = new MemoryDisk()
    let before = [new StoreModel().picture()]
    for (let number = 0; number < 5; number++) {
      const life = new Life(random, disk, before)
      await life.live(number * 1000)
      // A late one, so that the next life finds something.
      const chosen = Math.floor(life.ends.length * (0.5 + random.next() / 2))
      for (const [at, end] of life.ends.entries()) {
        const reached = await life.check(end, `TEST_SEED=${seed}, round ${round}, life ${number}, end ${at}`)
        if (at === chosen) {
          disk = end.disk
          before = life.pictures.slice(end.durableFrom, reached + 1)
        }
      }
    }
  }
})
