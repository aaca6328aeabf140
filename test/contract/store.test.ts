import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, test } from 'node:test'
import { openStore } from '../../src/stores/journal-store.ts'
import { StoreError } from '../../src/base/errors.ts'
import { MemoryDisk, type DiskOperation } from '../../src/stores/memory-disk.ts'
import { JumpingClock, memoryStore, tiny } from './store-beds.ts'
import { seed } from '../support/seed.ts'
import { storeCases, type StoreBed } from '../../src/testing/store-contract.ts'

function fails(operation: DiskOperation): void {
  if (operation !== 'read') throw new StoreError('ERR_STORE_DISK', `this ${operation} fails`)
}

function describeStore(what: string, makeBed: () => Promise<StoreBed>): void {
  describe(`${what} keeps what a Store keeps (TEST_SEED=${seed})`, () => {
    for (const { name, run } of storeCases(makeBed, seed)) test(name, run)
  })
}

describeStore('the journal store in memory', () => {
  const disk = new MemoryDisk()
  return Promise.resolve({
    open: () => Promise.resolve(memoryStore(disk)),
    fail: (isFailing) => {
      delete disk.options.before
      if (isFailing) disk.options.before = fails
    },
  })
})

describeStore('the journal store in a folder', async () => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  return {
    open: () => openStore({ path, clock: new JumpingClock(1), ...tiny }),
    end: () => rm(path, { recursive: true }),
  }
})

describeStore('the journal store in a folder, with files of the usual size', async () => {
  const path = await mkdtemp(join(tmpdir(), 'sluice-store-'))
  return {
    open: () => openStore({ path, clock: new JumpingClock(1) }),
    end: () => rm(path, { recursive: true }),
  }
})
