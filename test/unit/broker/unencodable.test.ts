/**
 * A message that cannot be written for a Client costs that Client this message, and nobody a Connection: not the
 * publisher, not the receiver, not those who have it in other ways.
 */
import assert from 'node:assert/strict'
import { afterEach, mock, test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import { maxVariableByteInteger } from '../../../src/codec/variable-byte-integer.ts'
import { ApplicationMessage } from '../../../src/protocol/application-message.ts'
import { Delivery } from '../../../src/protocol/delivery.ts'
import { JournalStore } from '../../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { StoreModel } from '../../../src/testing/store-model.ts'
import { messageOf, TestConnection } from '../../support/fake-server.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { sessionsOf } from '../../support/sessions.ts'

const ALL_QOS = [0, 1, 2] as const
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

/** From now on nothing can be written of a message whose topic begins with `cursed`. */
function curse(): void {
  for (const name of ['frame', 'expiryIntervalAt'] as const) {
    const original = ApplicationMessage.prototype[name] as (...args: unknown[]) => unknown
    mock.method(ApplicationMessage.prototype, name, function (this: ApplicationMessage, ...args: unknown[]) {
      if (this.topicName.startsWith('cursed')) throw new RangeError('offset is out of bounds')
      return original.apply(this, args)
    })
  }
}
afterEach(() => mock.restoreAll())

test('what 5.0 adds to the largest PUBLISH of 3.1.1 is more than the protocol can say: dropped, with its cause', () => {
  const payload = Buffer.alloc(maxVariableByteInteger - 3)
  const one = TestConnection.connected(5)
  assert.equal(one.connection.sendPublish(messageOf({ topicName: 'a', payload }), false, []), 'cannot be encoded')
  const delivery = new Delivery(messageOf({ topicName: 'a', payload, qos: 1 }), 1, false, [], undefined, 1)
  assert.equal(one.connection.sendDelivery(delivery, false), 'cannot be encoded')
  const known = Buffer.alloc(maxVariableByteInteger - 4)
  assert.equal(
    one.connection.sendPublish(messageOf({ topicName: 'a', payload: known }), false, [1]),
    'cannot be encoded',
  )
  assert.deepEqual([one.take(), one.connection.isClosed, one.server.calls], [[], false, []])
})

test('a Topic Alias whose announcement could not be written is not counted on', () => {
  curse()
  const one = TestConnection.connected(5, {}, { topicAliasMaximum: 4 })
  one.connection.sendPublish(messageOf({ topicName: 'cursed' }), false, [])
  mock.restoreAll()
  one.connection.sendPublish(messageOf({ topicName: 'cursed' }), false, [])
  const [packet] = one.take()
  assert.ok(packet?.type === PacketType.PUBLISH)
  assert.deepEqual([packet.topicName, packet.properties.topicAlias], ['cursed', 1])
})

test('a Transport that throws costs its own Connection, not the publisher’s', () => {
  const one = TestConnection.connected()
  one.transport.write = () => {
    throw new Error('broken stream')
  }
  const payload = Buffer.alloc(100_000)
  assert.equal(one.connection.sendPublish(messageOf({ payload }), false, []), 'cannot be encoded')
  assert.equal(one.transport.ended, 'destroy')
  assert.deepEqual(one.server.calls, ['failed Error: broken stream'])
})

/** A way for a message to reach the subscriber. @returns the subscriber */
type Way = (broker: VirtualBroker, qos: QoS, topicName: string) => Promise<TestClient>

async function connect(broker: VirtualBroker, properties = {}): Promise<TestClient> {
  const client = broker.connect({ clientId: 'subscriber', ...KEPT, properties: { ...KEPT.properties, ...properties } })
  await broker.settle()
  return client
}

async function subscribe(broker: VirtualBroker, qos: QoS, filter = '#', properties = {}): Promise<TestClient> {
  const client = await connect(broker, properties)
  client.subscribe(filter, qos)
  await broker.settle()
  return client
}

/** Acknowledges everything to the end. @returns the topics */
async function receiveAll(broker: VirtualBroker, client: TestClient): Promise<string[]> {
  const topics: string[] = []
  while (client.packets.length > 0) {
    topics.push(...client.receiveAll().map(({ topicName }) => topicName))
    await broker.settle()
  }
  return topics
}

async function publish(broker: VirtualBroker, topicName: string, qos: QoS, retain = false): Promise<void> {
  const publisher = broker.connect({ clientId: 'publisher' })
  await broker.settle()
  publisher.take()
  publisher.publish(topicName, topicName, qos, { retain })
  await broker.settle()
  if (qos > 0) assert.ok(publisher.packets.length > 0, 'it is acknowledged')
  publisher.receiveAll()
  assert.ok(!publisher.isClosed, 'the publisher stays connected')
}

const WAYS: Readonly<Record<string, Way>> = {
  live: async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos)
    await publish(broker, topicName, qos)
    return client
  },
  'live, with Topic Aliases': async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos, '#', { topicAliasMaximum: 4 })
    await publish(broker, topicName, qos)
    return client
  },
  queued: async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos)
    client.drop()
    await publish(broker, topicName, qos)
    return connect(broker)
  },
  retained: async (broker, qos, topicName) => {
    await publish(broker, topicName, qos, true)
    return subscribe(broker, qos)
  },
  'a Will': async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos)
    const will = { topicName, qos, payload: Buffer.from(topicName) }
    const dying = broker.connect({ clientId: 'dying', will })
    await broker.settle()
    dying.drop()
    return client
  },
  'a Shared Subscription': async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos, '$share/group/#')
    await publish(broker, topicName, qos)
    return client
  },
  'from the host program': async (broker, qos, topicName) => {
    const client = await subscribe(broker, qos)
    void broker.broker.publish(topicName, topicName, { qos })
    await broker.settle()
    return client
  },
}

const STORES: Readonly<Record<string, ConfigInput>> = { 'in memory': {}, stored: { persistence: {} } }

for (const [where, config] of Object.entries(STORES)) {
  for (const [name, way] of Object.entries(WAYS)) {
    test(`${name}, ${where}: a message that cannot be written is dropped and counted, and the next one arrives`, async () => {
      for (const qos of ALL_QOS) {
        if (qos === 0 && name === 'queued') continue
        curse()
        const disk = new MemoryDisk()
        const broker = await VirtualBroker.start(config, config.persistence === undefined ? {} : { disk })
        const causes: string[] = []
        broker.broker.on('dropped', ({ clientId, cause }) => causes.push(`${clientId}: ${cause}`))
        const client = await way(broker, qos, 'cursed')
        await broker.settle()
        await publish(broker, 'sound', qos)
        await broker.settle()
        const topics = await receiveAll(broker, client)
        assert.deepEqual(topics, ['sound'], `QoS ${qos}`)
        assert.ok(!client.isClosed, 'the subscriber stays connected')
        assert.deepEqual(causes, ['subscriber: cannot be encoded'])
        const { metrics } = broker.broker
        assert.deepEqual([metrics.dropped['cannot be encoded'], metrics.internalErrors], [1, 1])
        const [session] = sessionsOf(broker.broker).filter(({ clientId }) => clientId === 'subscriber')
        assert.deepEqual([session!.queuedMessages, session!.inflightMessages], [0, 0])
        if (config.persistence !== undefined) assert.equal(await entriesOn(disk), 0, 'nothing of it stays stored')
        mock.restoreAll()
        await broker.close()
      }
    })
  }
}

/** Deliveries that a start would find on the disk. */
async function entriesOn(disk: MemoryDisk): Promise<number> {
  const store = new JournalStore({ disk: disk.kill(), clock: new VirtualClock() })
  const facts = new StoreModel()
  await store.load((change) => facts.apply(change))
  return [...facts.sessions.values()].reduce((sum, { entries }) => sum + entries.size, 0)
}

test('what lies in the store and cannot be written is dropped after a restart, and the Session is usable', async () => {
  let disk = new MemoryDisk()
  let broker = await VirtualBroker.start({ persistence: {} }, { disk })
  const before = await subscribe(broker, 1)
  before.drop()
  for (const topicName of ['first', 'cursed/1', 'last']) await publish(broker, topicName, 1)
  disk = disk.kill()
  curse()
  broker = await VirtualBroker.start({ persistence: {} }, { disk })
  for (const expected of [['first', 'last'], []]) {
    const client = await connect(broker)
    assert.deepEqual(await receiveAll(broker, client), expected)
    client.drop()
  }
  await broker.settle()
  assert.equal(await entriesOn(disk), 0)
  await broker.close()
})
