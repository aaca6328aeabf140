import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../src/stores/memory-disk.ts'
import { JumpingClock, memoryStore, tiny } from './store-beds.ts'
import { describeStore } from './store-contract.ts'

describeStore('the journal store in memory', () => {
  const disk = new MemoryDisk()
  return Promise.resolve({ open: () => Promise.resolve(memoryStore(disk)) })
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
