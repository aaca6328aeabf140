import assert from 'node:assert/strict'
import type { ConfigInput } from '../../../src/config/options.ts'
import { test } from 'node:test'
import type { DisconnectPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const KEPT = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

test('disconnect ends the connection and endSession the session, with the Reason Code that is given', async () => {
  const broker = await VirtualBroker.start()
  const { admin } = broker.broker
  const meter = broker.connect(KEPT)
  const reasonCode = ReasonCode.UseAnotherServer
  assert.equal(await settled(broker, admin.disconnect({ clientId: 'meter', reasonCode })), true)
  assert.equal((meter.takeFirst(PacketType.DISCONNECT) as DisconnectPacket).reasonCode, reasonCode)
  assert.equal(await settled(broker, admin.disconnect({ clientId: 'meter' })), false)
  assert.equal((await settled(broker, admin.session({ clientId: 'meter' })))?.connected, false)
  assert.equal(await settled(broker, admin.endSession({ clientId: 'meter' })), true)
  assert.equal(await settled(broker, admin.endSession({ clientId: 'meter' })), false)
  await assert.rejects(settled(broker, admin.disconnect({ clientId: 'meter', reasonCode: ReasonCode.GrantedQoS1 })), {
    code: 'ERR_USAGE',
  })
  await broker.close()
})

test('publish sends text or bytes, with QoS, RETAIN and properties', async () => {
  const broker = await VirtualBroker.start()
  const { admin } = broker.broker
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('#', 2)
  await settled(broker, admin.publish({ topic: 'a', payload: 'text', qos: 1, properties: { contentType: 'x' } }))
  await settled(broker, admin.publish({ topic: 'b', payload: Buffer.from('bytes'), retain: true }))
  const received = meter.receiveAll()
  assert.deepEqual(
    received.map(({ topicName, qos, payload }) => `${topicName} ${qos} ${Buffer.from(payload).toString()}`),
    ['a 1 text', 'b 0 bytes'],
  )
  assert.equal(received[0]!.properties.contentType, 'x')
  assert.equal((await settled(broker, admin.retained())).items.length, 1)
  await assert.rejects(settled(broker, admin.publish({ topic: 'a/#', payload: '' })), { code: 'ERR_USAGE' })
  await broker.close()
})

test('subscribeFor and unsubscribeFor act for a client', async () => {
  const broker = await VirtualBroker.start()
  const { admin } = broker.broker
  broker.connect(KEPT)
  const subscriptions = [{ topicFilter: 'a', qos: 2 }] as const
  assert.deepEqual(
    await settled(broker, admin.subscribeFor({ clientId: 'meter', subscriptions, subscriptionIdentifier: 7 })),
    [{ topicFilter: 'a', reasonCode: 2 }],
  )
  assert.deepEqual((await settled(broker, admin.subscriptions())).items[0]!.subscriptionIdentifiers, [7])
  assert.deepEqual(await settled(broker, admin.unsubscribeFor({ clientId: 'meter', topicFilters: ['a', 'b'] })), [
    { topicFilter: 'a', reasonCode: 0 },
    { topicFilter: 'b', reasonCode: ReasonCode.NoSubscriptionExisted },
  ])
  assert.equal(await settled(broker, admin.subscribeFor({ clientId: 'nobody', subscriptions })), undefined)
  await broker.close()
})

const STORED = { persistence: { path: '/store' }, 'max-memory': 0 }

test('deleteRetained removes what the filter matches, silently, from the store as well, a share at a time', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(STORED, { disk })
  const { admin } = broker.broker
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 10_000; at++) sensor.publish(`value/${at}`, 'x', 0, { retain: true })
  sensor.publish('other', 'x', 0, { retain: true })
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe([{ topicFilter: '#', retainHandling: 2 }])
  const cleared: string[] = []
  broker.broker.on('retained', ({ topic, action }) => cleared.push(`${topic} ${action}`))
  const counted = broker.broker.metrics as { mostTurnWork: number }
  counted.mostTurnWork = 0
  const { turns } = broker.broker.metrics
  assert.equal(await settled(broker, admin.deleteRetained({ topicFilter: 'value/#' })), 10_000)
  assert.ok(broker.broker.metrics.turns > turns + 1)
  assert.ok(counted.mostTurnWork < 225_000, `${counted.mostTurnWork} units in one turn`)
  assert.equal(cleared.length, 10_000)
  assert.match(cleared[0]!, /^value\/\d+ cleared$/)
  assert.deepEqual(meter.take(), [])
  assert.equal(await settled(broker, admin.deleteRetained({ topicFilter: 'value/#' })), 0)
  await broker.close()
  const again = await VirtualBroker.start(STORED, { disk })
  const left = (await settled(again, again.broker.admin.retained())).items.map(({ topic }) => topic)
  assert.deepEqual(left, ['other'])
  await again.close()
})

test('reload reads the configuration again by `readConfig`, and reports what that throws', async () => {
  let input: unknown = { listeners: {}, 'sys-interval': 0, 'max-qos': 1 }
  const read = (): { input: ConfigInput } => {
    if (input instanceof Error) throw input
    return { input: input as ConfigInput }
  }
  const broker = await VirtualBroker.start(input as ConfigInput, { readConfig: read })
  const { admin } = broker.broker
  input = { listeners: {}, 'sys-interval': 0 }
  assert.deepEqual((await settled(broker, admin.reload())).changed, ['max-qos'])
  input = new Error('the service does not answer')
  await assert.rejects(settled(broker, admin.reload()), {
    code: 'ERR_USAGE',
    message: '`readConfig` of this program failed: the service does not answer',
  })
  input = { 'max-qos': 7 }
  await assert.rejects(settled(broker, admin.reload()), { code: 'ERR_CONFIG' })
  assert.equal(broker.broker.options.maxQos, 2)
  await broker.close()
})

test('reload applies a configuration, and answers what has changed; without a file, it says why it cannot read one', async () => {
  const config = { listeners: {}, 'sys-interval': 0 } as const
  const broker = await VirtualBroker.start({ ...config, 'max-qos': 1 })
  const { admin } = broker.broker
  const reloaded: unknown[] = []
  broker.broker.on('reloaded', (event) => reloaded.push(event))
  await assert.rejects(settled(broker, admin.reload()), {
    code: 'ERR_USAGE',
    message: /inside a program .* no file to read again: send `configuration`/,
  })
  assert.deepEqual(await settled(broker, admin.reload({ configuration: { ...config, 'max-qos': 2 } })), {
    ...{ file: undefined, changed: ['max-qos'], needRestart: [], warnings: [] },
  })
  assert.equal(broker.broker.options.maxQos, 2)
  assert.equal(reloaded.length, 1)
  const nonsense = { 'max-qos': 7 } as unknown as typeof config
  await assert.rejects(settled(broker, admin.reload({ configuration: nonsense })), { code: 'ERR_CONFIG' })
  await broker.close()
})
