/** The share of one user in the Store: others have room, whatever it does. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
/** Room for four messages of `SIZE` bytes with their topics, and not for five. */
const SHARE = 5000
const SIZE = 1000

class World {
  readonly disk: MemoryDisk
  readonly broker: VirtualBroker
  readonly events: BrokerEvents['storeLimit'][] = []

  constructor(broker: VirtualBroker, disk: MemoryDisk) {
    this.broker = broker
    this.disk = disk
    broker.broker.on('storeLimit', (event) => this.events.push(event))
  }

  static async start(persistence: object = { 'max-bytes-per-user': SHARE }, disk = new MemoryDisk()): Promise<World> {
    const config = { auth: { plugins: [everybody], anonymous: true }, persistence, listeners: {} }
    const broker = await VirtualBroker.start(config, { disk })
    await broker.settle()
    return new World(broker, disk)
  }

  /** A Client whose Session is kept and subscribes to a topic of its own name. */
  async away(clientId: string, options: ConnectOptions, qos: 1 | 2 = 1): Promise<TestClient> {
    const client = this.broker.connect({ clientId, ...KEPT, ...options })
    await this.broker.settle()
    client.subscribe(clientId, qos)
    await this.broker.settle()
    client.drop()
    return client
  }

  /** The Reason Codes of so many messages for it. */
  async send(topicName: string, count: number, qos: 1 | 2 = 1, options: ConnectOptions = {}): Promise<number[]> {
    const sensor = this.broker.connect({ clientId: 'sensor', userName: 'sensor', ...options })
    const codes: number[] = []
    for (let at = 0; at < count; at++) {
      const packetIdentifier = sensor.publish(topicName, Buffer.alloc(SIZE, at), qos)
      await this.broker.settle()
      const answer = sensor.takeFirst(qos === 1 ? PacketType.PUBACK : PacketType.PUBREC) as { reasonCode: number }
      codes.push(answer.reasonCode)
      if (qos === 2 && answer.reasonCode < 0x80) sensor.acknowledge(PacketType.PUBREL, packetIdentifier)
    }
    await this.broker.settle()
    sensor.disconnect()
    return codes
  }

  storedOf(userName: string | undefined, address = '192.0.2.1'): number {
    return serverOf(this.broker.broker).memory.of({ userName, address }).storedBytes
  }
}

const FULL = ReasonCode.QuotaExceeded

test('a user that has filled its share is refused with 0x97; others are not', async () => {
  const world = await World.start()
  const { broker, events } = world
  await world.away('a', { userName: 'one' })
  await world.away('a2', { userName: 'one' })
  await world.away('b', { userName: 'other' })
  assert.deepEqual(await world.send('a', 6), [0, 0, 0, 0, FULL, FULL])
  assert.deepEqual(await world.send('a2', 1), [FULL], 'all Sessions of a user count together')
  assert.deepEqual(await world.send('b', 1), [0])
  const { metrics } = broker.broker
  assert.deepEqual([metrics.dropped['store limit'], metrics.storeRefusedUser], [3, 3])
  assert.deepEqual(
    events.map(({ owner, limit }) => [owner, limit]),
    [['one', SHARE]],
    'once',
  )
  await broker.close()
})

test('who takes away may always come, and then there is room again', async () => {
  const world = await World.start()
  const { broker } = world
  await world.away('a', { userName: 'one' })
  await world.send('a', 6)
  const back = broker.connect({ clientId: 'a', userName: 'one', ...KEPT })
  await broker.settle()
  assert.equal(back.receiveAll().length, 4)
  await broker.settle()
  assert.equal(world.storedOf('one'), 0)
  back.drop()
  assert.deepEqual(await world.send('a', 5), [0, 0, 0, 0, FULL])
  await broker.close()
})

test('what leaves at once has a reserve of a quarter', async () => {
  const world = await World.start()
  const { broker } = world
  await world.away('a', { userName: 'one' })
  await world.send('a', 4)
  const reader = broker.connect({ clientId: 'reader', userName: 'one', ...KEPT })
  await broker.settle()
  reader.subscribe('live', 1)
  await broker.settle()
  assert.deepEqual(await world.send('live', 1), [0])
  assert.equal(reader.receiveAll().length, 1)
  await broker.close()
})

test('by default a user may have half of max-bytes; 0 sets no limit', async () => {
  for (const [persistence, limit] of [
    [{ 'max-bytes': 1_000_000 }, 500_000],
    [{ 'max-bytes': 1_000_000, 'max-bytes-per-user': 0 }, 0],
    [{}, 0],
  ] as const) {
    const world = await World.start(persistence)
    const account = serverOf(world.broker.broker).memory.of({ userName: 'one', address: '' })
    assert.equal(account.storeLimit, limit)
    await world.broker.close()
  }
})

test('anonymous Clients count together by their address', async () => {
  const world = await World.start()
  const far = { address: '198.51.100.1' }
  await world.away('a', {})
  await world.away('b', {})
  await world.away('c', { peer: far })
  assert.deepEqual(await world.send('a', 4), [0, 0, 0, 0])
  assert.deepEqual(await world.send('b', 1), [FULL])
  assert.deepEqual(await world.send('c', 1), [0])
  await world.broker.close()
})

test('a retained message counts for its publisher, until it is replaced or cleared', async () => {
  const world = await World.start()
  const { broker } = world
  const client = broker.connect({ clientId: 'c', userName: 'one' })
  const retain = async (topicName: string, bytes: number): Promise<number> => {
    client.publish(topicName, Buffer.alloc(bytes), 1, { retain: true })
    await broker.settle()
    return (client.takeFirst(PacketType.PUBACK) as { reasonCode: number }).reasonCode
  }
  const NOBODY = ReasonCode.NoMatchingSubscribers
  assert.deepEqual([await retain('a', 4000), await retain('b', 2000), await retain('b', 500)], [NOBODY, FULL, NOBODY])
  assert.deepEqual([await retain('a', 4100), await retain('a', 0), await retain('b', 4000)], [NOBODY, NOBODY, NOBODY])
  assert.deepEqual([await retain('b', 0), world.storedOf('one')], [NOBODY, 0])
  await broker.close()
})

test('a Shared Subscription prefers a member whose user has room', async () => {
  const world = await World.start()
  const { broker } = world
  for (const [clientId, userName] of [
    ['a', 'one'],
    ['b', 'other'],
  ] as const) {
    const client = broker.connect({ clientId, userName, ...KEPT })
    await broker.settle()
    client.subscribe(['$share/group/work', clientId], 1)
    await broker.settle()
    client.drop()
  }
  await world.send('a', 4)
  assert.deepEqual(await world.send('work', 4), [0, 0, 0, 0])
  await broker.close()
})

test('a start counts what is stored, and nothing is left of what is over: released, or of a Session that has ended', async () => {
  const first = await World.start()
  await first.away('a', { userName: 'one' })
  await first.away('two', { userName: 'one' }, 2)
  assert.deepEqual(
    [await first.send('a', 2), await first.send('two', 2, 2)],
    [
      [0, 0],
      [0, 0],
    ],
  )
  const stored = first.storedOf('one')
  await first.broker.close()
  const second = await World.start(undefined, first.disk)
  assert.equal(second.storedOf('one'), stored)
  assert.deepEqual(await second.send('a', 1), [FULL])
  const { broker } = second
  const back = broker.connect({ clientId: 'two', userName: 'one', ...KEPT })
  await broker.settle()
  const packets = back.take().filter(({ type }) => type === PacketType.PUBLISH) as { packetIdentifier: number }[]
  for (const { packetIdentifier } of packets) back.acknowledge(PacketType.PUBREC, packetIdentifier)
  await broker.settle()
  assert.equal(second.storedOf('one'), stored / 2 - 4, 'a released message is gone, before PUBCOMP')
  for (const { packetIdentifier } of packets) back.acknowledge(PacketType.PUBCOMP, packetIdentifier)
  await broker.settle()
  broker.advance(101_000)
  await broker.settle()
  assert.equal(second.storedOf('one'), 0)
  await broker.close()
})
