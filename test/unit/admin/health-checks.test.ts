import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

async function checksOf(broker: VirtualBroker): Promise<Readonly<Record<string, string | true>>> {
  const checks = await settled(broker, broker.broker.admin.healthChecks())
  return Object.fromEntries(checks.map(({ name, healthy, detail }) => [name, healthy || detail]))
}

test('a broker that stores nothing and has no audit log has no checks of them', async () => {
  const broker = await VirtualBroker.start()
  assert.deepEqual(await checksOf(broker), { listeners: true, memory: true })
  await broker.close()
})

test('memory is not well once it has reached its limit', async () => {
  const broker = await VirtualBroker.start()
  Object.defineProperty(broker.broker, 'memory', { value: { bytes: 20_000, limit: 20_000 } })
  assert.match(String((await checksOf(broker))['memory']), /20000 bytes are in use, and 20000 are allowed/)
  await broker.close()
})

test('a listener that waits for its address is named', async () => {
  // An address for documentation (RFC 5737), which no machine has.
  const broker = await VirtualBroker.start({
    auth: { 'allow-anonymous': true },
    listeners: { away: { bind: '192.0.2.1:1883', retry: true } },
  })
  assert.equal((await checksOf(broker))['listeners'], 'waiting for their addresses: away')
  await broker.close()
})

test('a store that is full says so', async () => {
  const broker = await VirtualBroker.start({ persistence: {} }, { disk: new MemoryDisk() })
  assert.equal((await checksOf(broker))['store'], true)
  Object.defineProperty(serverOf(broker.broker), 'storeHealth', { value: { condition: 'full', cause: 'max-bytes' } })
  assert.equal((await checksOf(broker))['store'], 'the store is full: persistence.max-bytes is reached')
  await broker.close()
})
