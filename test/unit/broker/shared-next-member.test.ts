/** What one member of a Shared Subscription cannot take goes to the next that can (§4.8.2). */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const FILTER = '$share/g/#'

async function setUp(config: object = {}) {
  const broker = await VirtualBroker.start(config)
  const dropped: string[] = []
  broker.broker.on('dropped', ({ clientId, cause }: BrokerEvents['dropped']) => dropped.push(`${clientId}: ${cause}`))
  const member = (clientId: string, qos: 0 | 1 | 2, properties: Properties = {}): TestClient => {
    const client = broker.connect({ clientId, cleanStart: false, properties })
    if (client.connack?.sessionPresent !== true) client.subscribe(FILTER, qos)
    return client
  }
  return { broker, dropped, member, sensor: broker.connect({ clientId: 'sensor' }) }
}

function payloads(client: TestClient): string[] {
  return client.receiveAll().map(({ payload }) => Buffer.from(payload).toString().slice(0, 5))
}

const large = (name: string): string => name.padEnd(500, '.')

for (const qos of [0, 1, 2] as const) {
  test(`QoS ${qos}: a message too large for one member goes to the next that takes it`, async () => {
    const { broker, dropped, member, sensor } = await setUp()
    const small = member('small', qos, { maximumPacketSize: 200 })
    const wide = member('wide', qos)
    for (let at = 0; at < 6; at++) sensor.publish('t', large(`big ${at}`), qos)
    for (let at = 0; at < 4; at++) sensor.publish('t', `tiny${at}`, qos)
    const [ofSmall, ofWide] = [payloads(small), payloads(wide)]
    assert.deepEqual(ofWide.filter((name) => name.startsWith('big')).length, 6)
    assert.deepEqual([...ofSmall, ...ofWide].length, 10)
    assert.ok(ofSmall.length > 0, 'it has its share of what it can take')
    assert.deepEqual(dropped, [])
    await broker.close()
  })
}

test('a message too large for all members is dropped for that cause', async () => {
  const { broker, dropped, member, sensor } = await setUp()
  for (const clientId of ['one', 'two']) member(clientId, 1, { maximumPacketSize: 200 })
  sensor.publish('t', large('big'), 1)
  assert.deepEqual(dropped, [': packet too large'])
  await broker.close()
})

test('what waits for a member that is back with a smaller Maximum Packet Size goes to the next', async () => {
  const kept = { sessionExpiryInterval: 1000 }
  const { broker, dropped, member, sensor } = await setUp()
  member('one', 1, kept).drop()
  for (const name of ['big a', 'big b', 'big c']) sensor.publish('t', large(name), 1)
  sensor.publish('t', 'small', 1)
  const wide = member('wide', 1)
  const one = member('one', 1, { ...kept, maximumPacketSize: 200 })
  assert.deepEqual([payloads(one), payloads(wide), dropped], [['small'], ['big a', 'big b', 'big c'], []])
  await broker.close()
})

test('what was sent at QoS 1, and does not fit into the packets of the next Connection, goes to the next', async () => {
  const kept = { sessionExpiryInterval: 1000 }
  const { broker, dropped, member, sensor } = await setUp()
  const one = member('one', 1, kept)
  sensor.publish('t', large('big a'), 1)
  assert.equal(one.take().length, 1)
  one.drop()
  const wide = member('wide', 1)
  member('one', 1, { ...kept, maximumPacketSize: 200 })
  assert.deepEqual([payloads(wide), dropped], [['big a'], []])
  await broker.close()
})

test('what was sent at QoS 2 goes to nobody else [5.0 MQTT-4.8.2-5]', async () => {
  const kept = { sessionExpiryInterval: 1000 }
  const { broker, dropped, member, sensor } = await setUp()
  const one = member('one', 2, kept)
  sensor.publish('t', large('big a'), 2)
  assert.equal(one.take().length, 1)
  one.drop()
  const wide = member('wide', 2)
  member('one', 2, { ...kept, maximumPacketSize: 200 })
  assert.deepEqual([payloads(wide), dropped], [[], ['one: packet too large']])
  await broker.close()
})

test('two members that both are back with small packets do not send a message round', async () => {
  const kept = { sessionExpiryInterval: 1000 }
  const { broker, dropped, member, sensor } = await setUp()
  member('one', 1, kept).drop()
  member('two', 1, kept).drop()
  for (const name of ['big a', 'big b']) sensor.publish('t', large(name), 1)
  const small = { ...kept, maximumPacketSize: 200 }
  const clients = [member('one', 1, small), member('two', 1, small)]
  assert.deepEqual(clients.map(payloads), [[], []])
  assert.deepEqual(dropped.length, 2)
  assert.ok(sessionsOf(broker.broker).every(({ queuedMessages }) => queuedMessages === 0))
  await broker.close()
})

test('a member whose queue is full is passed over while another has room', async () => {
  const { broker, dropped, member, sensor } = await setUp({ 'max-queued-messages': 2 })
  const slow = { receiveMaximum: 1 }
  const [one, two] = [member('one', 1, slow), member('two', 1, slow)]
  for (let at = 0; at < 6; at++) sensor.publish('t', String(at), 1)
  assert.deepEqual(dropped, [])
  two.receiveAll()
  sensor.publish('t', '6', 1)
  sensor.publish('t', '7', 1)
  assert.deepEqual(dropped, [])
  assert.ok(payloads(one).length > 0)
  await broker.close()
})

test('QoS 0 goes to a member that takes it, not to one whose output is full or whose window is', async () => {
  const { broker, dropped, member, sensor } = await setUp({ 'max-outgoing-bytes': 2000 })
  const frozen = member('frozen', 0)
  const busy = member('busy', 1, { receiveMaximum: 1 })
  frozen.isFrozen = true
  sensor.publish('t', 'x'.repeat(4000), 1) // to the one, or the other
  sensor.publish('t', 'y'.repeat(4000), 1)
  assert.ok(frozen.unsentBytes > 0)
  dropped.length = 0
  busy.take()
  for (let at = 0; at < 5; at++) sensor.publish('t', `zero ${at}`, 0)
  assert.equal(busy.takePayloads().length, 5)
  assert.deepEqual(dropped, [])
  await broker.close()
})
