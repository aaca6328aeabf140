/**
 * Another Server's bridge is a Client of 3.1 or 3.1.1 that sets bit 7 of its version, which no standard has. It is
 * served as Mosquitto serves its own kind: no loop, RETAIN kept, and its state below `$SYS/`, under its own name alone.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const STATE = '$SYS/broker/connection/house/state'
const WILL = { topicName: STATE, payload: Buffer.from('0'), retain: true, qos: 1 } as const

/** What was received: topic, payload and RETAIN. */
function received(client: TestClient): string[] {
  return client
    .receiveAll()
    .filter((packet): packet is PublishPacket => packet.type === PacketType.PUBLISH)
    .map(
      ({ topicName, payload, retain }) => `${topicName} ${Buffer.from(payload).toString()}${retain ? ' retained' : ''}`,
    )
}

for (const version of [3, 4] as const) {
  const name = version === 4 ? '3.1.1' : '3.1'

  test(`a bridge of ${name} gets nothing back that it published, and RETAIN as it was published`, async () => {
    const broker = await VirtualBroker.start({})
    const bridge = broker.connect({ clientId: 'house', version, bridge: true })
    assert.equal(bridge.connack?.reasonCode, 0)
    assert.deepEqual(bridge.subscribe('#', 1).reasonCodes, [1])
    const other = broker.connect({ clientId: 'other', version })
    other.subscribe('#', 1)
    bridge.publish('a', 'mine', 1, { retain: true })
    other.publish('b', 'kept', 1, { retain: true })
    other.publish('b', 'passing', 1)
    assert.deepEqual(received(bridge), ['b kept retained', 'b passing'])
    assert.deepEqual(received(other), ['a mine', 'b kept', 'b passing'])
    await broker.close()
  })

  test(`a bridge of ${name} may tell its state, as a retained message and as its Will, under its own name alone`, async () => {
    const broker = await VirtualBroker.start({})
    const watcher = broker.connect({ clientId: 'watcher' })
    watcher.subscribe('$SYS/broker/connection/#', 1)
    const bridge = broker.connect({ clientId: 'house', version, bridge: true, will: WILL })
    assert.equal(bridge.connack?.reasonCode, 0)
    bridge.publish(STATE, '1', 1, { retain: true })
    for (const other of [
      '$SYS/broker/connection/barn/state',
      `${STATE}/x`,
      '$SYS/broker/uptime',
      '$SYS/broker/connection/house',
    ]) {
      bridge.publish(other, 'x', 1)
    }
    assert.deepEqual(received(watcher), [`${STATE} 1`])
    assert.equal(broker.broker.metrics.publishesRefused, 4)
    bridge.drop()
    assert.deepEqual(received(watcher), [`${STATE} 0`])
    const late = broker.connect({ clientId: 'late' })
    late.subscribe(STATE, 1)
    assert.deepEqual(received(late), [`${STATE} 0 retained`])
    const wrong = broker.connect({ clientId: 'barn', version, bridge: true, will: WILL })
    assert.equal(wrong.connack?.reasonCode, 5)
    await broker.close()
  })

  test(`${name}: with \`bridge-clients: off\` a bridge is answered 0x01, and served without the bit`, async () => {
    const broker = await VirtualBroker.start({ bridgeClients: false })
    const bridge = broker.connect({ clientId: 'house', version, bridge: true })
    assert.deepEqual([bridge.connack?.reasonCode, bridge.isClosed], [1, true])
    const plain = broker.connect({ clientId: 'house', version })
    assert.equal(plain.connack?.reasonCode, 0)
    plain.publish(STATE, '1', 0)
    assert.equal(broker.broker.metrics.publishesRefused, 1)
    await broker.close()
  })
}

test('events and views show which client is a bridge', async () => {
  const broker = await VirtualBroker.start({})
  const seen: unknown[] = []
  broker.broker.on('clientConnected', ({ client }) => seen.push([client.clientId, client.bridge]))
  broker.connect({ clientId: 'house', version: 4, bridge: true })
  broker.connect({ clientId: 'plain', version: 4 })
  const expected = [
    ['house', true],
    ['plain', undefined],
  ]
  assert.deepEqual(seen, expected)
  assert.deepEqual(
    sessionsOf(broker.broker).map(({ clientId, client }) => [clientId, client.bridge]),
    expected,
  )
  await broker.close()
})

test('a bridge in a shared group takes its share: a Shared Subscription has no No Local [5.0 MQTT-3.8.3-4]', async () => {
  const broker = await VirtualBroker.start({})
  const bridge = broker.connect({ clientId: 'house', version: 4, bridge: true })
  assert.deepEqual(bridge.subscribe('$share/g/a', 1).reasonCodes, [1])
  bridge.publish('a', 'x', 1, { retain: true })
  assert.deepEqual(received(bridge), ['a x retained'])
  await broker.close()
})

test('rules decide about the state of a bridge as about any other topic', async () => {
  const topicCheck = (acl: string[]) => ({
    auth: { 'allow-anonymous': true },
    'topic-check': { acl: { anonymous: acl } },
  })
  const denied = await VirtualBroker.start(topicCheck(['#']))
  assert.equal(denied.connect({ clientId: 'house', version: 4, bridge: true, will: WILL }).connack?.reasonCode, 5)
  const silent = denied.connect({ clientId: 'house', version: 4, bridge: true })
  silent.publish(STATE, '1', 0)
  assert.equal(denied.broker.metrics.publishesRefused, 1)
  await denied.close()
  const allowed = await VirtualBroker.start(topicCheck(['#', '$SYS/broker/connection/%c/state']))
  const bridge = allowed.connect({ clientId: 'house', version: 4, bridge: true, will: WILL })
  assert.equal(bridge.connack?.reasonCode, 0)
  bridge.publish(STATE, '1', 0)
  assert.equal(allowed.broker.metrics.publishesRefused, 0)
  await allowed.close()
})

test('what a bridge subscribed to is still without loops after a restart', async () => {
  const disk = new MemoryDisk()
  const start = (): Promise<VirtualBroker> => VirtualBroker.start({ listeners: {}, persistence: {} }, { disk })
  const join = async (broker: VirtualBroker): Promise<TestClient> => {
    const bridge = broker.connect({ clientId: 'house', version: 4, bridge: true, cleanStart: false })
    await broker.settle()
    return bridge
  }
  const first = await start()
  ;(await join(first)).subscribe('#', 1)
  await first.settle()
  await first.close()
  const second = await start()
  const bridge = await join(second)
  bridge.publish('a', 'mine', 0)
  second.connect({ clientId: 'other' }).publish('b', 'kept', 0, { retain: true })
  await second.settle()
  assert.deepEqual(received(bridge), ['b kept retained'])
  await second.close()
})
