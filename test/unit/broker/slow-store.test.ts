/** A disk that takes seconds for a sync, and a Store that rejects: who waits, and who is served all the same. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { JournalStore } from '../../../src/stores/journal-store.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Store } from '../../../src/stores/store.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { sessionsOf } from '../../support/sessions.ts'

const FOREVER = { sessionExpiryInterval: 0xffff_ffff }
const LIMIT = 65_536
const PINGREQ = { type: PacketType.PINGREQ } as const

/** A broker whose disk is stuck in a commit, with more behind it than `max-uncommitted-bytes`, and who made it so. */
class Stuck {
  readonly disk = new MemoryDisk()
  config: ConfigInput = { listeners: {}, 'max-uncommitted-bytes': LIMIT }
  broker!: VirtualBroker
  reader!: TestClient
  keeper!: TestClient
  publisher!: TestClient
  #release: () => void = () => {}
  #reject: () => void = () => {}

  static async make(persistence: object = {}): Promise<Stuck> {
    const stuck = new Stuck()
    stuck.config = { ...stuck.config, persistence }
    stuck.broker = await VirtualBroker.start(stuck.config, { disk: stuck.disk })
    stuck.reader = await stuck.subscribed('reader', 'news/#')
    stuck.keeper = await stuck.subscribed('keeper', 'news/#')
    stuck.publisher = stuck.broker.connect({ clientId: 'publisher' })
    stuck.publisher.publish('news/first', 'first', 1)
    await stuck.broker.settle()
    stuck.publisher.take()
    const held = new Promise<void>((resolve, reject) => {
      stuck.#release = resolve
      stuck.#reject = () => reject(new StoreError('ERR_STORE_DISK', 'input/output error'))
    })
    stuck.disk.options.before = (operation) => (operation === 'sync' ? held : undefined)
    for (let count = 0; count < 100; count++) stuck.publisher.publish('news/big', Buffer.alloc(1000, count), 1)
    assert.equal(stuck.publisher.isPaused, true)
    return stuck
  }

  async subscribed(clientId: string, topicFilter: string): Promise<TestClient> {
    const client = this.broker.connect({ clientId, cleanStart: false, properties: FOREVER })
    await this.broker.settle()
    client.subscribe(topicFilter, 1)
    await this.broker.settle()
    client.take()
    return client
  }

  /** What it was stuck in fails, and so does everything else. */
  async fail(): Promise<void> {
    await this.broker.settle()
    this.disk.options.before = () => {
      throw new StoreError('ERR_STORE_DISK', 'input/output error')
    }
    this.#reject()
    await this.broker.settle()
  }

  async mend(): Promise<void> {
    delete this.disk.options.before
    this.#release()
    await this.broker.settle()
  }
}

test('beyond max-uncommitted-bytes a publisher waits, and its messages arrive in their order once the disk has caught up', async () => {
  const stuck = await Stuck.make()
  stuck.broker.advance(20_000)
  assert.deepEqual(stuck.publisher.take(), [])
  await stuck.mend()
  const received: number[] = []
  for (let round = 0; round < 20; round++) {
    received.push(...stuck.reader.receiveAll().map(({ payload }) => payload[0]!))
    await stuck.broker.settle()
  }
  assert.deepEqual(
    received.slice(1),
    Array.from({ length: 100 }, (_, at) => at),
  )
  assert.equal(stuck.publisher.isPaused, false)
  assert.equal(stuck.publisher.take().filter(({ type }) => type === PacketType.PUBACK).length, 100)
  await stuck.broker.close()
})

test('meanwhile everyone else is served: PINGREQ, QoS 0, acknowledgements, Clients that come and go', async () => {
  const stuck = await Stuck.make()
  const { broker, reader, publisher } = stuck
  const before = reader.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
  reader.send(PINGREQ)
  assert.equal(reader.takeFirst(PacketType.PINGRESP)?.type, PacketType.PINGRESP)
  for (const { packetIdentifier } of before) reader.acknowledge(PacketType.PUBACK, packetIdentifier)
  const { inflightMessages } = sessionsOf(broker.broker).find(({ clientId }) => clientId === 'reader')!
  assert.equal(inflightMessages, 0, 'what was acknowledged is so at once')

  const visitor = broker.connect({ clientId: 'visitor' })
  assert.equal(visitor.connack?.reasonCode, 0)
  assert.equal(visitor.subscribe('news/#', 1)?.type, PacketType.SUBACK)
  visitor.publish('news/zero', 'zero', 0)
  assert.deepEqual(visitor.takePayloads(), ['zero'])
  assert.deepEqual(reader.takePayloads(), ['zero'])
  visitor.disconnect()
  assert.ok(visitor.isClosed)
  assert.equal(publisher.isPaused, true)
  await stuck.mend()
  await broker.close()
})

test('a Client that subscribes with a stored Session, or retains, waits as well; one whose topic is not stored does not', async () => {
  const stuck = await Stuck.make({ topics: { 'free/#': 'memory' } })
  const { broker, keeper } = stuck
  keeper.subscribe('more/#', 1)
  assert.equal(keeper.isPaused, true)
  const retainer = broker.connect({ clientId: 'retainer' })
  retainer.publish('state', 'on', 0, { retain: true })
  assert.equal(retainer.isPaused, true)
  const free = broker.connect({ clientId: 'free' })
  free.publish('free/1', 'x', 1)
  assert.equal(free.takeFirst(PacketType.PUBACK)?.type, PacketType.PUBACK)
  await stuck.mend()
  await broker.settle()
  assert.equal(keeper.takeFirst(PacketType.SUBACK)?.type, PacketType.SUBACK)
  assert.equal(retainer.isPaused, false)
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('state')
  assert.deepEqual(late.takePayloads(), ['on'])
  await broker.close()
})

test('a Client that leaves while it waits takes its packet with it: it was not acknowledged', async () => {
  const stuck = await Stuck.make()
  const { broker } = stuck
  const impatient = broker.connect({ clientId: 'impatient' })
  impatient.publish('news/impatient', 'x', 1)
  assert.equal(impatient.isPaused, true)
  impatient.drop()
  await stuck.mend()
  const topics: string[] = []
  for (let round = 0; round < 20; round++) {
    topics.push(...stuck.reader.receiveAll().map(({ topicName }) => topicName))
    await broker.settle()
  }
  assert.ok(!topics.includes('news/impatient') && topics.length > 90)
  await broker.close()
})

test('a message that waits for the Store is charged to its user, until it goes on or its Client has gone', async () => {
  const stuck = await Stuck.make()
  const { broker } = stuck
  const waiting = broker.connect({ clientId: 'waiting' })
  const before = broker.broker.memory.bytes
  waiting.publish('news/large', Buffer.alloc(20_000), 1)
  assert.equal(waiting.isPaused, true)
  assert.ok(broker.broker.memory.bytes >= before + 20_000)
  const gone = broker.connect({ clientId: 'gone' })
  const connected = broker.broker.memory.bytes
  gone.publish('news/large', Buffer.alloc(20_000), 1)
  assert.ok(broker.broker.memory.bytes >= connected + 20_000)
  gone.drop()
  assert.ok(broker.broker.memory.bytes < connected)
  await stuck.mend()
  await broker.close()
})

test('one for which there is no memory does not wait', async () => {
  const stuck = await Stuck.make()
  const { broker } = stuck
  await broker.broker.reload({ ...stuck.config, 'max-memory-per-user': 300_000 })
  const [first, second] = ['first', 'second'].map((clientId) => broker.connect({ clientId }))
  first!.publish('news/large', Buffer.alloc(120_000), 1)
  second!.publish('news/large', Buffer.alloc(120_000), 1)
  assert.deepEqual([first!.isPaused, second!.isPaused, broker.broker.metrics.publishesRefused], [true, false, 1])
  await stuck.mend()
  const answers = [first, second].map((client) => client!.takeFirst(PacketType.PUBACK) as { reasonCode: number })
  assert.deepEqual(
    answers.map(({ reasonCode }) => reasonCode),
    [ReasonCode.Success, ReasonCode.QuotaExceeded],
  )
  await broker.close()
})

test('a disk that fails while publishers wait for it: what it would have to keep is refused, and nobody waits longer', async () => {
  const stuck = await Stuck.make()
  const { broker, keeper } = stuck
  const late = broker.connect({ clientId: 'late' })
  late.publish('news/late', 'x', 1)
  const retainer = broker.connect({ clientId: 'retainer' })
  retainer.publish('state', 'on', 0, { retain: true })
  const old = broker.connect({ clientId: 'old', version: 4 })
  old.publish('news/old', 'x', 1)
  keeper.subscribe('more/#', 1)
  assert.ok([late, retainer, old, keeper].every((client) => client.isPaused))
  await stuck.fail()
  const puback = late.takeFirst(PacketType.PUBACK)
  assert.ok(puback?.type === PacketType.PUBACK && puback.reasonCode === 0x97)
  assert.equal(old.isClosed, true, '3.1.1 has no other refusal')
  assert.equal(keeper.isPaused, false, 'its SUBACK stands behind what its Session has to store')
  assert.equal(retainer.isPaused, true, 'it is neither refused nor could it be kept')
  await stuck.mend()
  broker.advance(10_000)
  await broker.settle()
  assert.equal(retainer.isPaused, false)
  const suback = keeper.takeFirst(PacketType.SUBACK)
  assert.ok(suback?.type === PacketType.SUBACK && suback.reasonCodes[0] === 0x83)
  await broker.close()
})

test('a packet that had to wait is judged when its turn comes: a malformed filter ends its Connection alone', async () => {
  const stuck = await Stuck.make()
  const { broker, keeper } = stuck
  keeper.subscribe('more/#/x', 1)
  assert.equal(keeper.isClosed, false)
  await stuck.mend()
  assert.equal(keeper.isClosed, true)
  assert.equal(stuck.reader.isClosed, false)
  await broker.close()
})

/** Passes everything on, and rejects writes while it is told to. */
function rejecting(store: JournalStore): { store: Store; fail: { isFailing: 'later' | 'at once' | false } } {
  const fail: { isFailing: 'later' | 'at once' | false } = { isFailing: false }
  const wrapped: Store = {
    keeps: true,
    onHealth: (listener) => store.onHealth(listener),
    load: (...all) => store.load(...all),
    write: (...all) => {
      if (fail.isFailing === 'at once') throw new StoreError('ERR_STORE_DISK', 'no word from the server')
      if (fail.isFailing === 'later') return Promise.reject(new StoreError('ERR_STORE_DISK', 'no word from the server'))
      return store.write(...all)
    },
    read: (...all) => store.read(...all),
    close: () => store.close(),
  }
  return { store: wrapped, fail }
}

for (const how of ['later', 'at once'] as const) {
  test(`a Store whose write rejects (${how}) is reported as failing, asked again, and nothing is lost`, async () => {
    const disk = new MemoryDisk()
    const clock = new VirtualClock()
    const { store, fail } = rejecting(new JournalStore({ disk, clock }))
    const broker = await VirtualBroker.start({ listeners: {}, persistence: {} }, { store }, clock)
    const health: BrokerEvents['storeHealth'][] = []
    broker.broker.on('storeHealth', (event) => health.push(event))
    const reader = broker.connect({ clientId: 'reader', properties: FOREVER })
    await broker.settle()
    reader.subscribe('news', 1)
    await broker.settle()
    reader.drop()
    await broker.settle()
    const publisher = broker.connect({ clientId: 'publisher' })
    fail.isFailing = how
    publisher.publish('news', 'one', 1)
    await broker.settle()
    publisher.take()
    assert.deepEqual(health, [{ healthy: false, condition: 'failing', reason: 'no word from the server' }])
    // A Will would have to be stored, also one without a payload.
    const mortal = broker.connect({ clientId: 'mortal', will: { topicName: 'news', payload: new Uint8Array(0) } })
    assert.equal(mortal.connack?.reasonCode, 0x88)
    const other = broker.connect({ clientId: 'other' })
    other.publish('news', 'two', 1)
    const refused = other.takeFirst(PacketType.PUBACK)
    assert.ok(refused?.type === PacketType.PUBACK && refused.reasonCode === 0x97)
    broker.advance(30_000)
    await broker.settle()
    fail.isFailing = false
    broker.advance(5000)
    await broker.settle()
    assert.equal(health.at(-1)?.condition, 'well')
    assert.equal(publisher.takeFirst(PacketType.PUBACK)?.type, PacketType.PUBACK)

    const next = await VirtualBroker.start({ listeners: {}, persistence: {} }, { disk: disk.crash() })
    const back = next.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
    await next.settle()
    assert.deepEqual(
      back.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
      ['one'],
    )
    await next.close()
  })
}
