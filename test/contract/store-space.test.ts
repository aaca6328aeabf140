/**
 * Small and full volumes: what takes away can always be stored, and what it leaves is given back. On a Disk in memory.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import { loadModel } from '../../src/testing/store-contract.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { JumpingClock, memoryStore } from './store-beds.ts'
import { seed } from '../support/seed.ts'
import { Filler, MB, passing, testFilling } from './store-space.ts'

describe(`small volumes (TEST_SEED=${seed})`, () => {
  // All of them: test/long/store.test.ts.
  testFilling(false)

  test('what is stored and consumed all the time never fills it, however long', async () => {
    const disk = new MemoryDisk({ capacityBytes: 8 * MB })
    const filler = new Filler(10_000, 1)
    await filler.open(disk)
    await filler.begin()
    const random = new SeededRandom(seed)
    for (let round = 0; round < 40; round++) {
      assert.equal(await filler.fill(50), 50, `round ${round}`)
      await filler.drain('first', random)
    }
    assert.deepEqual(filler.conditions, [])
    assert.ok(filler.store.metrics.checkpoints > 5)
    await filler.store.close()
  })

  for (const how of ['closed', 'killed', 'cut off'] as const) {
    test(`full, then ${how}: the next start is full at once, and what takes away makes room`, async () => {
      const disk = new MemoryDisk({ capacityBytes: 4 * MB, random: () => 0 })
      const filler = new Filler(4000, 1)
      await filler.open(disk)
      await filler.begin()
      await filler.fill()
      // Some more, so that the reserve is in use.
      await filler.drain('first', new SeededRandom(1), filler.waiting.length - 50)
      if (how === 'closed') await filler.store.close()
      const next = how === 'closed' ? disk : how === 'killed' ? disk.kill() : disk.crash()
      if (how !== 'closed') await filler.store.close()
      next.options.capacityBytes = 4 * MB
      await filler.open(next)
      assert.equal(filler.store.health.condition, 'full', 'known before anyone asks')
      await filler.drain('any', new SeededRandom(seed))
      await filler.untilWell()
      assert.ok((await filler.fill()) > 500)
      await filler.store.close()
      const last = memoryStore(next)
      await loadModel(last)
      await last.close()
    })
  }

  test('a full volume can be compacted, also by a process of its own', async () => {
    const disk = new MemoryDisk({ capacityBytes: 4 * MB })
    const filler = new Filler(4000, 1)
    await filler.open(disk)
    await filler.begin()
    await filler.fill()
    await filler.store.compact()
    await filler.drain('last', new SeededRandom(1), Math.floor(filler.waiting.length / 2))
    await filler.store.close()
    await filler.open(disk)
    const before = disk.usedBytes
    await filler.store.compact()
    assert.ok(disk.usedBytes < before)
    await filler.untilWell()
    await filler.store.close()
  })

  for (const [what, leftBytes, freedBytes] of [
    ['with the few bytes that are left', 4096, 0],
    ['once somebody else frees a little', 0, 64 << 10],
  ] as const) {
    test(`a full volume that has no reserve yet, as an earlier version leaves it: what was consumed is freed ${what}`, async () => {
      const disk = new MemoryDisk()
      const filler = new Filler(4000, 1)
      await filler.open(disk)
      await filler.begin()
      await filler.fill(800)
      await filler.drain('first', new SeededRandom(seed))
      await filler.store.close()
      assert.deepEqual([(await disk.list()).includes('reserve'), disk.usedBytes > 3 * MB], [false, true])
      disk.options.capacityBytes = disk.usedBytes + leftBytes
      await filler.open(disk)
      if (leftBytes === 0) {
        for (let round = 0; round < 100; round++) await passing()
        assert.equal(filler.store.health.condition, 'full')
        disk.options.capacityBytes += freedBytes
      }
      await filler.untilWell()
      assert.ok(disk.usedBytes < MB)
      assert.ok((await filler.fill()) > 500)
      await filler.store.close()
    })
  }

  test('somebody else fills the volume: it is full within a second, takes away, and is well again once there is room', async () => {
    const disk = new MemoryDisk({ capacityBytes: 64 * MB })
    const filler = new Filler(10_000, 1)
    await filler.open(disk)
    await filler.begin()
    await filler.fill(50)
    for (let round = 0; round < 50; round++) await passing()
    disk.options.capacityBytes = disk.usedBytes
    await filler.fill(500)
    assert.equal(filler.store.health.condition, 'full')
    assert.ok(filler.waiting.length < 550)
    await filler.drain('first', new SeededRandom(1))
    assert.ok(!filler.conditions.includes('failing'))
    disk.options.capacityBytes = 64 * MB
    await filler.untilWell()
    await filler.store.close()
  })

  test('a power cut at any moment of a full store loses nothing that was acknowledged', async () => {
    for (let round = 0; round < 8; round++) {
      const random = new SeededRandom(seed + round)
      const disk = new MemoryDisk({ capacityBytes: MB, random: () => random.next() })
      const filler = new Filler(4000, 1)
      await filler.open(disk)
      await filler.begin()
      await filler.fill()
      await filler.drain('any', random, random.integer(filler.waiting.length))
      const crashed = disk.crash()
      await filler.store.close()
      crashed.options.capacityBytes = MB
      const after = memoryStore(crashed, { clock: new JumpingClock(2) })
      const model = await loadModel(after)
      await after.close()
      const entries = [...model.sessions.get(1)!.entries.keys()].toSorted((a, b) => a - b)
      const expected = filler.waiting.map(({ entryNumber }) => entryNumber).toSorted((a, b) => a - b)
      assert.deepEqual(entries, expected, `TEST_SEED=${seed}, round ${round}`)
    }
  })
})

describe(`max-bytes (TEST_SEED=${seed})`, () => {
  test('is judged whenever bytes go: a store that was drained is well without anything more being written', async () => {
    const filler = new Filler(1000, 1)
    await filler.open(new MemoryDisk(), { maxBytes: MB })
    await filler.begin()
    await filler.fill()
    assert.equal(filler.store.health.cause, 'max-bytes')
    await filler.drain('first', new SeededRandom(seed))
    await filler.untilWell()
    await filler.store.close()
  })

  test('lowered below what lives: the start is full from its first moment, and what takes away makes room', async () => {
    const disk = new MemoryDisk()
    const filler = new Filler(1000, 1)
    await filler.open(disk)
    await filler.begin()
    await filler.fill(1500)
    await filler.store.close()
    await filler.open(disk, { maxBytes: MB })
    assert.deepEqual([filler.store.health.condition, filler.store.health.cause], ['full', 'max-bytes'])
    await filler.drain('any', new SeededRandom(seed))
    await filler.untilWell()
    await filler.store.close()
  })
})
