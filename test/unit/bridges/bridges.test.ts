import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { QoS } from '../../../src/codec/packet-types.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { BridgedBrokers, type BridgesInput } from '../../support/bridged.ts'
import type { TestClient } from '../../support/test-client.ts'

const BOTH: BridgesInput = {
  cloud: {
    url: 'mqtt://far',
    clientId: 'plant',
    out: [{ filter: 'plant/#', qos: 2, remotePrefix: 'site7/' }],
    in: [{ filter: 'cmd/+/set', qos: 2, localPrefix: 'cloud/' }],
  },
}

function texts(client: TestClient): string[] {
  return client.receiveAll().map(({ topicName, payload, qos, retain }) => {
    return `${topicName} ${Buffer.from(payload).toString()} ${qos}${retain ? ' retained' : ''}`
  })
}

/** Publishes, and completes the exchange. */
function publish(client: TestClient, topicName: string, payload: string, qos: QoS, retain = false): void {
  client.publish(topicName, payload, qos, { retain })
  client.receiveAll()
}

for (const protocol of ['5.0', '3.1.1', '3.1'] as const) {
  test(`${protocol}: messages of every QoS cross a bridge both ways, under the topics of its rules`, async () => {
    const net = new BridgedBrokers()
    const far = await net.start('far')
    const near = await net.start('near', { cloud: { ...BOTH['cloud'], protocol } })
    assert.equal(near.bridges.views[0]!.state, 'connected')
    const watcher = far.connect({ clientId: 'watcher' })
    watcher.subscribe('#', 2)
    const sensor = near.connect({ clientId: 'sensor' })
    sensor.subscribe('cloud/#', 2)
    for (const qos of [0, 1, 2] as const) publish(sensor, 'plant/oven', `q${qos}`, qos)
    publish(sensor, 'other', 'stays', 1)
    assert.deepEqual(texts(watcher).toSorted(), [
      'site7/plant/oven q0 0',
      'site7/plant/oven q1 1',
      'site7/plant/oven q2 2',
    ])
    for (const qos of [0, 1, 2] as const) publish(watcher, 'cmd/oven/set', `q${qos}`, qos)
    texts(watcher)
    assert.deepEqual(texts(sensor).toSorted(), [
      'cloud/cmd/oven/set q0 0',
      'cloud/cmd/oven/set q1 1',
      'cloud/cmd/oven/set q2 2',
    ])
    const [view] = near.bridges.views
    assert.deepEqual([view!.out.messages, view!.in.messages, view!.queuedMessages], [3, 3, 0])
    await net.close()
  })
}

test('an attempt that fails at this broker does not end a later connection', async () => {
  const net = new BridgedBrokers()
  await net.start('far')
  const near = await net.start('near')
  const { connections } = serverOf(near.broker)
  const accept = connections.accept.bind(connections)
  await near.apply({ cloud: { ...BOTH['cloud'], paused: true } })
  connections.accept = () => undefined
  await near.broker.admin.resumeBridge({ name: 'cloud' })
  net.clock.runTurns()
  assert.match(near.bridges.views[0]!.reason!, /accepts no connection now/)
  connections.accept = accept
  near.advance(5_000)
  assert.equal(near.bridges.views[0]!.state, 'connected')
  near.advance(60_000)
  assert.deepEqual([near.bridges.views[0]!.state, near.bridges.views[0]!.connections], ['connected', 1])
  await net.close()
})

test('messages wait while the other broker is away, and follow in order', async () => {
  const net = new BridgedBrokers()
  const near = await net.start('near', BOTH)
  const sensor = near.connect({ clientId: 'sensor' })
  for (let at = 0; at < 50; at++) publish(sensor, 'plant/oven', String(at), at % 2 === 0 ? 1 : 2)
  const [view] = near.bridges.views
  assert.equal(view!.state, 'waiting')
  assert.match(view!.reason!, /no route to far/)
  assert.equal(view!.queuedMessages, 50)
  const far = await net.start('far')
  const watcher = far.connect({ clientId: 'watcher' })
  watcher.subscribe('site7/#', 2)
  net.reconnect()
  const payloads = watcher.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  assert.deepEqual(
    payloads,
    Array.from({ length: 50 }, (_, at) => String(at)),
  )
  assert.equal(near.bridges.views[0]!.queuedMessages, 0)
  await net.close()
})

test('what waits survives a restart of the broker', async () => {
  const disk = new MemoryDisk()
  const net = new BridgedBrokers()
  const first = await net.start('near', BOTH, { persistence: {} }, { disk })
  const sensor = first.connect({ clientId: 'sensor' })
  await first.settle()
  for (const qos of [1, 2] as const) {
    sensor.publish('plant/oven', `q${qos}`, qos)
    await first.settle()
  }
  await first.close()
  const far = await net.start('far')
  const watcher = far.connect({ clientId: 'watcher' })
  watcher.subscribe('site7/#', 2)
  const second = await net.start('near', BOTH, { persistence: {} }, { disk })
  await second.settle()
  net.reconnect()
  await second.settle()
  assert.deepEqual(texts(watcher), ['site7/plant/oven q1 1', 'site7/plant/oven q2 2'])
  await net.close()
})
