/** What is left after a crash of the process or the machine, and what a disk that fails can do: on a Disk in memory. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { StoreError } from '../../src/base/errors.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import type { JournalStore } from '../../src/stores/journal-store.ts'
import type { Durability } from '../../src/stores/store.ts'
import { memoryStore, reopened } from './store-beds.ts'
import { seed } from '../support/seed.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { RandomTurns } from '../../src/testing/random-turns.ts'
import { assertSame, StoreModel } from '../../src/testing/store-model.ts'

const turns = 60
const never = new Promise<never>(() => undefined)

/** A run of random turns against a store: what was written, and how much of it was acknowledged. */
class Run {
  readonly pictures: string[] = []
  acknowledged = 0
  readonly #turns: RandomTurns
  readonly #random: SeededRandom
  readonly #level: Durability

  constructor(runSeed: number, level: Durability) {
    this.#random = new SeededRandom(runSeed)
    this.#turns = new RandomTurns(this.#random, new StoreModel())
    this.#level = level
    this.pictures.push(this.#turns.model.picture())
  }

  /** Writes turns, sometimes several at once; returns when all were acknowledged or `isOver`. */
  async go(store: JournalStore, isOver: () => boolean): Promise<void> {
    for (let turn = 1; turn <= turns && !isOver(); turn++) {
      const done = Promise.resolve(store.write(this.#turns.next(), this.#level))
      this.pictures.push(this.#turns.model.picture())
      const acknowledged = done.then(() => (this.acknowledged = Math.max(this.acknowledged, turn)))
      if (this.#random.chance(0.6)) await orOver(acknowledged, isOver)
      if (this.#random.chance(0.05))
        void store.compact().catch((error: unknown) => assert.ok(error instanceof StoreError))
    }
    while (this.acknowledged < turns && !isOver()) await new Promise((resolve) => setImmediate(resolve))
  }

  /** Every turn whole or not at all, in order, and all acknowledged ones. */
  check(after: StoreModel, message: string): void {
    const reached = this.pictures.indexOf(after.picture(), this.acknowledged)
    if (reached < 0)
      assertSame(after.picture(), this.pictures[this.acknowledged]!, `${message}: after turn ${this.acknowledged}`)
  }
}

/** Waits for a promise, or until `isOver`. */
async function orOver(promise: Promise<unknown>, isOver: () => boolean): Promise<void> {
  let settled = false
  void promise.then(() => (settled = true))
  while (!settled && !isOver()) await new Promise((resolve) => setImmediate(resolve))
}

/** Runs until operation number `at`, where everything stops. @returns whether it came so far */
async function runUntil(
  at: number,
  runSeed: number,
  level: Durability,
): Promise<{ disk: MemoryDisk; run: Run; stopped: boolean }> {
  let operations = 0
  let stopped = false
  const random = new SeededRandom(runSeed + at)
  const disk = new MemoryDisk({
    random: () => random.next(),
    before: (operation) => {
      if (operation !== 'read' && ++operations > at) stopped = true
      return stopped ? never : undefined
    },
  })
  const store = memoryStore(disk)
  const run = new Run(runSeed, level)
  const loaded = store.load(() => undefined)
  await orOver(loaded, () => stopped)
  if (!stopped) await run.go(store, () => stopped)
  if (!stopped) await orOver(store.close(), () => stopped)
  return { disk, run, stopped }
}

describe(`crashes (TEST_SEED=${seed})`, () => {
  for (const [what, level, after] of [
    ['a power cut loses nothing that `disk` acknowledged', 'disk', (disk: MemoryDisk) => disk.crash()],
    ['kill -9 loses nothing that `process` acknowledged', 'process', (disk: MemoryDisk) => disk.kill()],
  ] as const) {
    test(`${what}, whatever the disk was doing`, async () => {
      // Not every operation in every run: the seed is another one each time.
      const strides = new SeededRandom(seed)
      for (let at = 0; ; at += 1 + strides.integer(5)) {
        const { disk, run, stopped } = await runUntil(at, seed, level)
        const crashed = after(disk)
        const message = `TEST_SEED=${seed}, stopped before operation ${at + 1}`
        run.check(await reopened(crashed), message)
        run.check(await reopened(crashed), `${message}, opened again`)
        if (!stopped) break
      }
    })
  }

  test('a crash while starting after a crash loses nothing either', async () => {
    for (let at = 20; at < 200; at += 17) {
      const { disk, run } = await runUntil(at, seed + 1, 'disk')
      let crashed = disk.crash()
      for (let startAt = 0; startAt < 12; startAt++) {
        let operations = 0
        let stopped = false
        crashed.options.before = (operation) => {
          if (operation !== 'read' && ++operations > startAt) stopped = true
          return stopped ? never : undefined
        }
        const store = memoryStore(crashed)
        await orOver(
          store.load(() => undefined),
          () => stopped,
        )
        crashed = crashed.crash()
      }
      run.check(await reopened(crashed), `TEST_SEED=${seed}, stopped before operation ${at + 1}`)
    }
  })
})

describe(`disks that fail (TEST_SEED=${seed})`, () => {
  for (const operation of ['append', 'sync', 'open', 'syncNames', 'rename', 'cut', 'remove'] as const) {
    test(`a ${operation} that fails now and then delays, and loses nothing`, async () => {
      for (let round = 0; round < 6; round++) {
        const random = new SeededRandom(seed + round)
        const disk = new MemoryDisk({ random: () => random.next() })
        const store = memoryStore(disk)
        await store.load(() => undefined)
        let failures = 0
        disk.options.before = (which) => {
          if (which !== operation || !random.chance(0.2)) return
          failures++
          throw new StoreError('ERR_STORE_DISK', `this ${operation} fails`)
        }
        const run = new Run(seed + round, 'disk')
        await run.go(store, () => false)
        assert.equal(run.acknowledged, turns)
        const crashed = disk.crash()
        run.check(await reopened(crashed), `TEST_SEED=${seed}, round ${round}, ${failures} failures`)
      }
    })
  }

  test('a power cut while the disk fails loses nothing that was acknowledged', async () => {
    for (let round = 0; round < 60; round++) {
      const random = new SeededRandom(seed + round)
      const disk = new MemoryDisk({ random: () => random.next() })
      const store = memoryStore(disk)
      await store.load(() => undefined)
      let stopped = false
      disk.options.before = (operation) => {
        if (random.chance(0.01)) stopped = true
        if (stopped) return never
        if (operation !== 'read' && random.chance(0.15)) throw new StoreError('ERR_STORE_DISK', 'fails')
        return undefined
      }
      const run = new Run(seed + round, 'disk')
      await run.go(store, () => stopped)
      run.check(await reopened(disk.crash()), `TEST_SEED=${seed}, round ${round}`)
    }
  })

  test('a full disk: nothing is acknowledged until there is room, then everything is', async () => {
    const disk = new MemoryDisk()
    const store = memoryStore(disk)
    await store.load(() => undefined)
    const conditions: string[] = []
    store.onHealth(({ condition }) => conditions.push(condition))
    disk.options.capacityBytes = 4000
    const run = new Run(seed, 'disk')
    let waited = 0
    await run.go(store, () => {
      if (store.health.condition !== 'well' && ++waited > 50) disk.options.capacityBytes = Infinity
      return false
    })
    assert.equal(run.acknowledged, turns)
    assert.ok(conditions.includes('failing'))
    assert.equal(conditions.indexOf('well'), conditions.length - 1, 'once, and at the end')
    assert.ok(store.metrics.failures > 0)
    await store.close()
    run.check(await reopened(disk), `TEST_SEED=${seed}`)
  })

  test('closing while the disk fails gives up and rejects, and what was acknowledged is there', async () => {
    const disk = new MemoryDisk()
    const store = memoryStore(disk)
    await store.load(() => undefined)
    const run = new Run(seed, 'disk')
    await run.go(store, () => run.acknowledged > 20)
    disk.options.before = (operation) => {
      if (operation === 'append') throw new StoreError('ERR_STORE_DISK', 'fails for good')
    }
    void store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
    await assert.rejects(store.close(), { code: 'ERR_STORE_UNSTORED', message: /bytes of changes .*: fails for good/ })
    run.check(await reopened(disk.crash()), `TEST_SEED=${seed}`)
  })

  test('max-bytes: the store calls itself full, goes on writing, and is well again when there is less', async () => {
    const disk = new MemoryDisk()
    const store = memoryStore(disk, { maxBytes: 40_000 })
    await store.load(() => undefined)
    const random = new SeededRandom(seed)
    const generator = new RandomTurns(random, new StoreModel(), 2000)
    while (store.health.condition === 'well') await store.write(generator.next(), 'disk')
    assert.equal(store.health.cause, 'max-bytes')
    const ended = [...generator.model.sessions.keys()].map(
      (sessionNumber) => ({ kind: 'session-ended', sessionNumber }) as const,
    )
    const cleared = [...generator.model.retained.keys()].map(
      (topicName) => ({ kind: 'retained-cleared', topicName }) as const,
    )
    await store.write([...ended, ...cleared], 'disk')
    await store.compact()
    await store.write([{ kind: 'retained-cleared', topicName: 'nothing' }], 'disk')
    assert.equal(store.health.condition, 'well')
    await store.close()
  })
})
