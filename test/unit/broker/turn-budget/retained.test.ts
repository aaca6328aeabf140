import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket, type SubscribePacket } from '../../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { TestClient } from '../../../support/test-client.ts'
import { assertShared, measure, sendInTurn } from './support.ts'
import { publishPacket } from '../../../support/publish-packet.ts'

const ROOM = { 'max-retained-messages': 0, 'max-retained-bytes': 0, 'max-memory': 0 } as const

async function startWith(
  count: number,
  config = {},
  topicOf = (at: number) => `device/${at}/state`,
): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start({ ...ROOM, ...config })
  for (let at = 0; at < count; at++) void broker.broker.publish(topicOf(at), String(at), { retain: true })
  broker.clock.runTurns()
  return broker
}

function subscribeTo(topicFilters: readonly string[], qos: QoS = 0): SubscribePacket {
  const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
  return { type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, properties: noProperties }
}

function topicsOf(client: TestClient): string[] {
  const publishes = client.take().filter((packet): packet is PublishPacket => packet.type === PacketType.PUBLISH)
  return publishes.map(({ topicName }) => topicName)
}

test('a SUBSCRIBE whose many filters search the whole tree for nothing', async () => {
  const broker = await startWith(5_000)
  const client = broker.connect({ clientId: 'searching' })
  const filters = Array.from({ length: 100 }, (_, at) => `device/+/nothing-${at}`)
  assertShared(
    'searches',
    measure(broker, () => sendInTurn(client, subscribeTo(filters))),
    1_000_000,
  )
  await broker.close()
})

for (const [filter, count] of [
  ['#', 30_000],
  ['device/+/state', 30_000],
  ['+/+/state', 30_000],
] as const) {
  test(`${filter} over ${count} retained messages brings each once`, async () => {
    const broker = await startWith(count)
    const client = broker.connect({ clientId: 'all' })
    assertShared(
      filter,
      measure(broker, () => sendInTurn(client, subscribeTo([filter]))),
      150_000,
    )
    const topics = topicsOf(client)
    assert.equal(topics.length, count)
    assert.equal(new Set(topics).size, count)
    await broker.close()
  })
}

test('a retained message that is there all the time comes once, whatever is set, cleared and replaced on the way', async () => {
  const count = 30_000
  const broker = await startWith(count)
  const client = broker.connect({ clientId: 'all' })
  const sensor = broker.connect({ clientId: 'sensor' })
  sendInTurn(client, subscribeTo(['#']))
  const replaced = new Set<string>()
  const cleared = new Set<string>()
  for (let step = 0; broker.clock.isTurnOpen; step++) {
    for (let change = 0; change < 20; change++) {
      const at = (step * 7919 + change * 1009) % count
      const topicName = `device/${at}/state`
      const kind = change % 3
      if (kind === 0 && !replaced.has(topicName)) cleared.add(topicName)
      if (kind === 1 && !cleared.has(topicName)) replaced.add(topicName)
      if (kind === 2) sendInTurn(sensor, retained(`new/${step}/${change}`, 'new'))
      else if (kind === 0 && cleared.has(topicName)) sendInTurn(sensor, retained(topicName, ''))
      else if (kind === 1 && replaced.has(topicName)) sendInTurn(sensor, retained(topicName, 'replaced'))
    }
    broker.clock.runTurn()
  }
  assert.ok(replaced.size > 20 && cleared.size > 20)
  const replayed = new Map<string, number>()
  const live = new Map<string, number>()
  for (const packet of client.take()) {
    if (packet.type !== PacketType.PUBLISH || packet.payload.length === 0) continue
    const seen = packet.retain ? replayed : live
    seen.set(packet.topicName, (seen.get(packet.topicName) ?? 0) + 1)
  }
  for (let at = 0; at < count; at++) {
    const topicName = `device/${at}/state`
    const times = replayed.get(topicName) ?? 0
    if (replaced.has(topicName)) assert.ok(times <= 1 && live.get(topicName)! >= 1, topicName)
    else if (cleared.has(topicName)) assert.ok(times <= 1, topicName)
    else assert.equal(times, 1, topicName)
  }
  for (const topicName of replayed.keys()) assert.ok(!topicName.startsWith('new/'), `${topicName} came live`)
  await broker.close()
})

function retained(topicName: string, text: string): PublishPacket {
  return publishPacket(topicName, text, { retain: true })
}

test('a Client that does not read holds up its own replay alone, and loses nothing', async () => {
  const broker = await startWith(20_000, { 'max-outgoing-bytes': 20_000 })
  const client = broker.connect({ clientId: 'frozen' })
  client.isFrozen = true
  client.send(subscribeTo(['#']))
  assert.ok(client.unsentBytes < 1_000_000, `${client.unsentBytes} bytes pile up`)
  for (let rounds = 0; client.packets.length < 20_001; rounds++) {
    assert.ok(rounds < 1_000)
    client.thaw()
    client.isFrozen = true
    broker.clock.runTurns()
  }
  const topics = topicsOf(client)
  assert.equal(new Set(topics).size, 20_000)
  assert.equal(broker.broker.metrics.dropped['output full'], 0)
  await broker.close()
})

test('a replay at QoS 1 waits for its acknowledgements and drops nothing at a full queue', async () => {
  const broker = await startWith(2_000, { 'max-queued-messages': 10 })
  for (let at = 0; at < 2_000; at++)
    void broker.broker.publish(`device/${at}/state`, String(at), { retain: true, qos: 1 })
  broker.clock.runTurns()
  const client = broker.connect({ clientId: 'slow', properties: { receiveMaximum: 5 } })
  client.send(subscribeTo(['#'], 1))
  assert.equal(client.receiveAll().length, 2_000)
  assert.equal(broker.broker.metrics.dropped['queue full'], 0)
  await broker.close()
})

test('what a Client unsubscribes is not replayed any more', async () => {
  const broker = await startWith(30_000)
  const client = broker.connect({ clientId: 'leaving' })
  sendInTurn(client, subscribeTo(['device/+/state']))
  broker.clock.runTurn()
  client.unsubscribe('device/+/state')
  assert.ok(topicsOf(client).length < 30_000)
  await broker.close()
})

test('the host program takes twenty thousand retained messages through a queue of a hundred', async () => {
  const broker = await startWith(20_000)
  const subscription = broker.broker.subscribe('#', { maxQueuedMessages: 100 })
  const topics = new Set<string>()
  for await (const { topicName } of subscription) {
    topics.add(topicName)
    if (topics.size === 20_000) break
    if (subscription.queuedMessages === 0) broker.clock.runTurns()
  }
  assert.equal(topics.size, 20_000)
  assert.equal(subscription.droppedMessages, 0)
  await broker.close()
})

test('a queue of which all expires at one moment', async () => {
  const room = { 'max-queued-messages': 100_000, 'max-queued-bytes': 1e9 }
  const broker = await VirtualBroker.start({ ...ROOM, ...room })
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } }
  const sleeper = broker.connect({ clientId: 'sleeper', ...kept })
  sleeper.subscribe('a/#', 1)
  sleeper.drop()
  const properties = { messageExpiryInterval: 60 }
  for (let at = 0; at < 50_000; at++) void broker.broker.publish('a/b', 'x', { qos: 1, properties })
  broker.clock.runTurns()
  const measured = measure(broker, () => void broker.clock.step(broker.clock.now() + 61_000))
  assertShared('expiry', measured, 70_000)
  assert.equal(broker.broker.metrics.dropped.expired, 50_000)
  await broker.close()
})
