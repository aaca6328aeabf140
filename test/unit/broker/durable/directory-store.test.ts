import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Step } from '../../../../src/access/directory/directory.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'

const rule = { action: 'publish', effect: 'allow', topic: 'a/#', priority: 0, literal: false } as const
const labels = { textName: '', textDescription: '' }
const user = { disabled: false, clientId: undefined, passwordHash: 'x', scram: undefined, roles: [], groups: [] }
const plan: readonly Step[] = [
  { type: 'role', name: 'meter', entry: { ...labels, rules: [rule] } },
  { type: 'user', name: 'größe', entry: { ...labels, ...user } },
  {
    type: 'ban',
    name: 'user:eve',
    entry: { kind: 'user', value: 'eve', reason: '', createdAtMs: 1, untilMs: undefined },
  },
]

async function stored({ broker }: VirtualBroker): Promise<void> {
  const done = new Promise<void>((resolve) => serverOf(broker).turn.whenCommitted(resolve))
  await done
}

test('users, roles and bans outlive a kill: all of a plan', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ users: {}, persistence: {} }, { disk })
  const { directory } = serverOf(broker.broker)
  directory.carryOut(plan)
  directory.carryOut([{ type: 'role', name: 'meter', entry: undefined }])
  void broker.settle()
  await stored(broker)
  const after = disk.kill()
  await broker.close()

  const again = await VirtualBroker.start({ users: {}, persistence: {} }, { disk: after })
  const loaded = serverOf(again.broker).directory
  assert.equal(loaded.all('role').size, 0)
  assert.deepEqual(loaded.get('user', 'größe')?.entry.passwordHash, 'x')
  assert.equal(loaded.bans.ofUser('eve')?.kind, 'user')
  await again.close()
})

test('without persistence they live as long as the broker', async () => {
  const broker = await VirtualBroker.start({ users: {} })
  serverOf(broker.broker).directory.carryOut(plan)
  assert.equal(serverOf(broker.broker).directory.all('user').size, 1)
  await broker.close()
  void broker.broker.start()
  await broker.settle()
  assert.equal(serverOf(broker.broker).directory.all('user').size, 0)
  await broker.close()
})

test('a store that is full takes what removes, and refuses what adds', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ users: {}, persistence: { 'max-bytes': 300_000 } }, { disk })
  const { directory } = serverOf(broker.broker)
  directory.carryOut(plan)
  assert.throws(
    () => directory.carryOut([{ type: 'user', name: 'big', entry: { ...labels, ...user, scram: 'x'.repeat(1e6) } }]),
    { code: 'ERR_STORE_FULL' },
  )
  assert.equal(directory.get('user', 'big'), undefined)
  directory.carryOut([{ type: 'user', name: 'größe', entry: undefined }])
  assert.equal(directory.all('user').size, 0)
  await broker.close()
})
