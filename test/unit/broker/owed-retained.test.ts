/** What is left of a replay of retained messages when its Connection ends is owed to the Session. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 1000, receiveMaximum: 10 } }
/** Little room, so that a replay soon has to wait for its reader. */
const LIMITS = { 'max-queued-messages': 40, 'max-outgoing-bytes': 1024 }
const COUNT = 300

async function start(qos: 0 | 1 | 2 = 1): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start(LIMITS)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < COUNT; at++) {
    const identifier = sensor.publish(`value/${at}`, String(at), qos, { retain: true })
    if (qos === 2) sensor.acknowledge(6, identifier)
  }
  return broker
}

function memoryOf(broker: VirtualBroker): number {
  return sessionsOf(broker.broker).find(({ clientId }) => clientId === 'meter')!.memoryBytes
}

/** Every retained message that comes; what was resent counts once. */
function topicsOf(client: TestClient): string[] {
  return client.receiveAll().flatMap(({ topicName, dup, payload }) => (dup || payload.length === 0 ? [] : [topicName]))
}

for (const qos of [1, 2] as const) {
  test(`at QoS ${qos} a replay goes on where it was when its Client comes back: each message comes once [5.0 MQTT-3.3.1-9]`, async () => {
    const broker = await start(qos)
    const first = broker.connect(KEPT)
    first.subscribe('value/#', qos)
    const begun = first.take().length
    assert.ok(begun > 0 && begun < COUNT)
    first.drop()
    broker.advance(10_000)

    const second = broker.connect(KEPT)
    assert.equal(second.connack?.sessionPresent, true)
    const topics = topicsOf(second)
    assert.equal(topics.length, COUNT - begun)
    assert.equal(new Set(topics).size, COUNT - begun)
    await broker.close()
  })
}

test('a replay survives any number of Connections that end', async () => {
  const broker = await start()
  const topics = new Set<string>()
  let client = broker.connect(KEPT)
  client.subscribe('value/#', 1)
  for (let round = 0; topics.size < COUNT; round++) {
    assert.ok(round < COUNT)
    for (const packet of client.take()) {
      if (packet.type !== 3) continue
      topics.add(packet.topicName)
      client.acknowledge(4, packet.packetIdentifier)
    }
    client.drop()
    client = broker.connect(KEPT)
  }
  assert.equal(broker.broker.metrics.dropped['queue full'], 0)
  await broker.close()
})

test('what is no longer retained, or no longer subscribed to, is owed no more', async () => {
  const broker = await start()
  broker.connect(KEPT).subscribe('value/#', 1)
  const sensor = broker.connect({ clientId: 'eraser' })
  for (let at = 0; at < COUNT; at++) sensor.publish(`value/${at}`, '', 1, { retain: true })
  const count = new Set(topicsOf(broker.connect({ ...KEPT, cleanStart: false }))).size
  assert.ok(count < COUNT, `${count} came, of which some were queued`)
  await broker.close()

  const other = await start()
  const client = other.connect(KEPT)
  client.subscribe('value/#', 1)
  client.unsubscribe('value/#')
  client.drop()
  assert.ok(topicsOf(other.connect(KEPT)).length < COUNT)
  await other.close()
})

test('at QoS 0 what is left ends with the Connection, as everything at QoS 0 does', async () => {
  const broker = await VirtualBroker.start(LIMITS)
  const many = 5000
  for (let at = 0; at < many; at++) void broker.broker.publish(`value/${at}`, 'x'.repeat(20), { retain: true })
  broker.clock.runTurns()
  const client = broker.connect(KEPT)
  client.isFrozen = true
  client.subscribe('value/#', 0)
  assert.ok(client.unsentBytes > 0 && client.unsentBytes < many * 20, 'the replay waits')
  const [subscribed, whole] = [memoryOf(broker), broker.broker.memory.bytes]
  client.drop()
  assert.ok(memoryOf(broker) < subscribed, 'the search has ended with it')
  assert.ok(broker.broker.memory.bytes < whole)
  assert.deepEqual(topicsOf(broker.connect(KEPT)), [])
  await broker.close()
})

test('a Session is charged for each level of a search that waits for its Client', async () => {
  const broker = await VirtualBroker.start({ ...LIMITS, 'max-topic-levels': 200 })
  const sensor = broker.connect({ clientId: 'sensor' })
  const prefix = 'a/'.repeat(150)
  for (let at = 0; at < COUNT; at++) sensor.publish(`${prefix}${at}`, 'x', 1, { retain: true })
  for (let at = 0; at < COUNT; at++) sensor.publish(`b/${at}`, 'x', 1, { retain: true })
  const charged = ['b/#', `${prefix}#`, '#'].map((topicFilter) => {
    const client = broker.connect({ ...KEPT, cleanStart: true })
    client.subscribe(topicFilter, 1)
    client.drop()
    return memoryOf(broker) - topicFilter.length * 4
  })
  assert.ok(charged[1]! - charged[0]! > 150 * 48, String(charged))
  await broker.close()
})

test('a Session is charged with what it is owed, until it has it, ends or begins anew', async () => {
  const broker = await start()
  const client = broker.connect(KEPT)
  const giveUp = (): void => {
    client.subscribe('value/#', 1)
    client.unsubscribe('value/#')
    client.receiveAll()
  }
  giveUp() // what is sent needs a window, which stays
  const before = memoryOf(broker)
  giveUp()
  assert.equal(memoryOf(broker), before, 'nothing is left of what was given up')
  client.subscribe('value/#', 1)
  client.receiveAll()
  const subscribed = memoryOf(broker)
  client.subscribe('value/#', 1)
  client.receiveAll()
  assert.equal(memoryOf(broker), subscribed, 'nothing is left of what was sent')

  const whole = broker.broker.memory.bytes
  client.subscribe('value/#', 1)
  client.drop()
  const fresh = broker.connect({ ...KEPT, cleanStart: true })
  assert.equal(fresh.connack?.sessionPresent, false)
  assert.deepEqual(topicsOf(fresh), [], 'a Clean Start owes nothing')
  assert.ok(broker.broker.memory.bytes <= whole)
  await broker.close()
})
