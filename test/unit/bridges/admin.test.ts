import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../src/broker/broker.ts'
import { BridgedBrokers } from '../../support/bridged.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'

test('broker.admin lists bridges, pauses one and resumes it; a reload that removes it ends its session', async () => {
  const cloud = { url: 'mqtt://127.0.0.1:1', clientId: 'plant', out: [{ filter: 'a/#' }] }
  const near = await VirtualBroker.start({ bridges: { cloud: { ...cloud, paused: true } } })
  const { admin } = near.broker
  const states = async (): Promise<unknown> => (await admin.bridges()).map(({ name, state }) => [name, state])
  assert.deepEqual(await states(), [['cloud', 'paused']])
  near.connect({ clientId: 'sensor' }).publish('a/b', 'x', 1)
  assert.equal((await admin.bridges())[0]!.queuedMessages, 1)
  assert.equal(await admin.pauseBridge({ name: 'cloud' }), true)
  assert.equal(await admin.pauseBridge({ name: 'none' }), false)
  assert.equal(await admin.resumeBridge({ name: 'cloud' }), true)
  assert.deepEqual(await states(), [['cloud', 'connecting']])
  assert.equal((await near.broker.session('$bridge/cloud'))!.userName, '$bridge/cloud')
  await near.broker.reload({ listeners: {}, sysInterval: 0 })
  near.clock.runTurns()
  assert.deepEqual(await states(), [])
  assert.equal(await near.broker.session('$bridge/cloud'), undefined)
  await near.close()
})

test('a bridge that a reload removes while it is connected is no longer counted as connected', async () => {
  const net = new BridgedBrokers()
  await net.start('far')
  const near = await net.start('near', { cloud: { url: 'mqtt://far', clientId: 'plant', out: [{ filter: 'a/#' }] } })
  const { metrics } = serverOf(near.broker)
  assert.equal(metrics.bridgesConnected, 1)
  await near.apply({})
  assert.equal(metrics.bridgesConnected, 0)
  await net.close()
})

test('other clients may not use the client identifier of a bridge', async () => {
  const near = await VirtualBroker.start()
  const client = near.open()
  client.connect({ clientId: '$bridge/cloud' })
  assert.equal(client.connack?.reasonCode, 0x85)
  await near.close()
})

test('a bridge needs no login and no permission', async () => {
  const cloud = { url: 'mqtt://127.0.0.1:1', clientId: 'plant', paused: true, out: [{ filter: 'a/#' }] }
  const near = await VirtualBroker.start({
    bridges: { cloud },
    auth: { plugins: [{ name: 'closed', authenticate: () => ({ decision: 'deny' }) }] },
    topicCheck: { plugins: [{ name: 'none', mayReceive: () => false, maySubscribe: () => false }] },
  } as never)
  await near.broker.publish('a/b', 'x', { qos: 1 })
  assert.equal((await near.broker.admin.bridges())[0]!.queuedMessages, 1)
  await near.close()
})
