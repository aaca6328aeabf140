import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

function watchDrops(broker: VirtualBroker): string[] {
  const told: string[] = []
  broker.broker.on('dropped', ({ clientId, message, cause }: BrokerEvents['dropped']) => {
    told.push(`${clientId}: ${Buffer.from(message.payload).toString()}: ${cause}`)
  })
  return told
}

for (const stable of [true, false]) {
  test(`a delivery that mayReceive denies is counted and told, ${stable ? 'stable' : 'asked each time'}`, async () => {
    const plugin: Plugin = {
      name: 'rules',
      stable,
      mayPublish: () => true,
      maySubscribe: () => true,
      mayReceive: ({ clientId }) => clientId !== 'denied',
    }
    const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
    const told = watchDrops(broker)
    const sensor = broker.connect({ clientId: 'sensor' })
    const denied = broker.connect({ clientId: 'denied' })
    denied.subscribe(['a', '#'])
    const allowed = broker.connect({ clientId: 'allowed' })
    allowed.subscribe('#')
    sensor.publish('a', '1')
    sensor.publish('a', '2')
    assert.deepEqual([denied.takePayloads(), allowed.takePayloads()], [[], ['1', '2']])
    assert.equal(broker.broker.metrics.dropped['not authorized'], 2)
    assert.deepEqual(told, ['denied: 1: not authorized', 'denied: 2: not authorized'])
    await broker.close()
  })
}

test('a retained message that mayReceive denies is counted and told', async () => {
  const plugin: Plugin = {
    name: 'rules',
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: () => false,
  }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
  const told = watchDrops(broker)
  await broker.broker.publish('a', 'kept', { retain: true })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('a')
  assert.deepEqual([reader.takePayloads(), told], [[], ['reader: kept: not authorized']])
  await broker.close()
})

test('a shared message that no member can take is counted and told', async () => {
  const broker = await VirtualBroker.start()
  const told = watchDrops(broker)
  const member = broker.connect({ clientId: 'member', ...KEPT })
  member.subscribe('$share/group/a', 1)
  member.drop()
  broker.connect({ clientId: 'sensor' }).publish('a', 'lost', 0)
  assert.equal(broker.broker.metrics.dropped['no member'], 1)
  assert.deepEqual(told, [': lost: no member'])
  await broker.close()
})

test('what waited in a Session that ends is counted and told', async () => {
  const broker = await VirtualBroker.start()
  const told = watchDrops(broker)
  const reader = broker.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('a', 1)
  reader.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1', 1)
  sensor.publish('a', '2', 1)
  broker.advance(100_000)
  assert.deepEqual(
    sessionsOf(broker.broker).map(({ clientId }) => clientId),
    ['sensor'],
  )
  assert.equal(broker.broker.metrics.dropped['session ended'], 2)
  assert.deepEqual(told, ['reader: 1: session ended', 'reader: 2: session ended'])
  await broker.close()
})
