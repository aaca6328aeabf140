/** The space held in reserve, on a disk that is full and fails. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { reserveName } from '../../../src/stores/reserve.ts'
import { loadModel } from '../../../src/testing/store-contract.ts'
import { memoryStore } from '../../contract/store-beds.ts'

const roomyBytes = 1 << 20

const troubles: Readonly<Record<string, (disk: MemoryDisk) => void | Promise<void>>> = {
  'an operator has removed': (disk) => disk.remove(reserveName),
  'the disk does not remove': (disk) => {
    disk.options.before = (operation, name) => {
      if (operation === 'remove' && name === reserveName) throw new StoreError('ERR_STORE_DISK', 'cannot remove it')
    }
  },
  'the disk removes without being able to sync the folder': (disk) => {
    disk.options.before = (operation) => {
      if (operation === 'syncNames') throw new StoreError('ERR_STORE_DISK', 'cannot sync it')
    }
  },
}

for (const [what, trouble] of Object.entries(troubles)) {
  test(`a full disk and a reserve that ${what}: what waits is stored as soon as there is room`, async () => {
    const disk = new MemoryDisk({ capacityBytes: roomyBytes })
    const store = memoryStore(disk)
    await store.load(() => undefined)
    await store.compact()
    assert.ok((await disk.list()).includes(reserveName))
    const expiry = { sessionExpiryInterval: 3600, expiresAtMs: undefined }
    const session = {
      sessionNumber: 1,
      clientId: 'client',
      userName: undefined,
      protocolVersion: 5,
      ...expiry,
    } as const
    await store.write([{ kind: 'session', session }], 'disk')
    await trouble(disk)
    disk.options.capacityBytes = disk.usedBytes
    let isStored = false
    const ended = [{ kind: 'session-ended', sessionNumber: 1 }] as const
    const done = Promise.resolve(store.write(ended, 'disk')).then(() => (isStored = true))
    for (let tick = 0; tick < 30; tick++) await new Promise((resolve) => setImmediate(resolve))
    delete disk.options.before
    disk.options.capacityBytes = roomyBytes
    for (let tick = 0; tick < 1000 && !isStored; tick++) await new Promise((resolve) => setImmediate(resolve))
    assert.ok(isStored)
    await done
    await store.close()
    assert.equal((await loadModel(memoryStore(disk.crash()))).sessions.size, 0)
  })
}
