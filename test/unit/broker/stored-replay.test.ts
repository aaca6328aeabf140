/**
 * What is left of a replay of retained messages, of a Session that is stored, is owed after a crash too: each message
 * once.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { Packet } from '../../../src/codec/packets.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { dumpStore } from '../../../src/stores/store-tools.ts'
import type { Change, Loaded, ReplayRecord, Store } from '../../../src/stores/store.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const KEPT = {
  clientId: 'meter',
  cleanStart: false,
  properties: { sessionExpiryInterval: 0xffff_ffff, receiveMaximum: 10 },
}
const COUNT = 90
/** Little room, so that a replay soon has to wait for its reader. */
const LIMITS = { listeners: {}, 'max-queued-messages': 30, 'max-outgoing-bytes': 1024 }
const topics = Array.from({ length: COUNT }, (_, at) => (at % 3 === 0 ? `value/${at}` : `value/${at % 7}/${at}`))

function start(disk: MemoryDisk, more: object = {}): Promise<VirtualBroker> {
  return VirtualBroker.start({ ...LIMITS, persistence: { durability: 'disk' }, ...more }, { disk })
}

async function publish(broker: VirtualBroker, topicNames: readonly string[], payload: string): Promise<void> {
  for (const topicName of topicNames) {
    const text = payload === '' ? '' : `${topicName} ${payload}`
    const published = broker.broker.publish(topicName, text, { qos: 2, retain: true })
    await broker.settle()
    await published
  }
}

/** A disk with retained messages. */
async function filled(): Promise<MemoryDisk> {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const published = topics.map((topicName) =>
    broker.broker.publish(topicName, `${topicName} first`, { qos: 2, retain: true }),
  )
  await broker.settle()
  await Promise.all(published)
  await broker.close()
  return disk
}

async function replaysOn(disk: MemoryDisk): Promise<ReplayRecord[]> {
  const replays: ReplayRecord[] = []
  await dumpStore(disk.kill(), (fact) => void (fact.kind === 'replay' && replays.push(fact.replay)))
  return replays
}

/** A Client that keeps its state, as the standard asks of one, while brokers come and go. */
class Reader {
  readonly counts = new Map<string, number>()
  /** QoS 2 Packet Identifiers that were not released (§4.3.3). */
  readonly #received = new Set<number>()

  count(payload: string): number {
    return this.counts.get(payload) ?? 0
  }

  /** Answers what has come. @returns whether it was anything */
  read(client: TestClient): boolean {
    const packets = client.take()
    for (const packet of packets) this.#answer(client, packet)
    return packets.length > 0
  }

  #answer(client: TestClient, packet: Packet): void {
    if (packet.type === PacketType.PUBREL) {
      this.#received.delete(packet.packetIdentifier)
      client.acknowledge(PacketType.PUBCOMP, packet.packetIdentifier)
    }
    if (packet.type !== PacketType.PUBLISH) return
    const { packetIdentifier, qos } = packet
    if (qos < 2 || !this.#received.has(packetIdentifier)) this.#apply(Buffer.from(packet.payload).toString())
    if (qos === 1) client.acknowledge(PacketType.PUBACK, packetIdentifier)
    if (qos < 2) return
    this.#received.add(packetIdentifier)
    client.acknowledge(PacketType.PUBREC, packetIdentifier)
  }

  #apply(payload: string): void {
    this.counts.set(payload, this.count(payload) + 1)
  }
}

async function connected(broker: VirtualBroker): Promise<TestClient> {
  const client = broker.connect(KEPT)
  await broker.settle()
  return client
}

async function subscribed(broker: VirtualBroker, qos: QoS, retainHandling: 0 | 1 | 2 = 0): Promise<TestClient> {
  const client = await connected(broker)
  client.subscribe('value/#', qos, { retainHandling })
  await broker.settle()
  return client
}

async function readAll(broker: VirtualBroker, client: TestClient, reader: Reader): Promise<void> {
  do await broker.settle()
  while (reader.read(client))
}

for (const [qos, seed] of [
  [1, 1],
  [2, 1],
  [2, 2],
] as const) {
  test(`at QoS ${qos} a replay goes on where it was after each of many crashes [5.0 MQTT-3.3.1-9] (seed ${seed})`, async () => {
    const random = new SeededRandom(seed)
    const reader = new Reader()
    let disk = await filled()
    let broker = await start(disk)
    let client = await subscribed(broker, qos)
    assert.equal((await replaysOn(disk)).length, 1)
    const changed = new Set<string>()
    const cleared = new Set<string>()
    for (let crashes = 0; (await replaysOn(disk)).length > 0; crashes++) {
      assert.ok(crashes < COUNT)
      for (let reads = random.integer(6); reads > 0; reads--) {
        if (random.integer(4) > 0) await broker.settle()
        reader.read(client)
      }
      if (crashes % 4 === 1) {
        const [one, other] = [topics[random.integer(COUNT)]!, topics[random.integer(COUNT)]!]
        await publish(broker, [one], `changed ${crashes}`)
        await publish(broker, [other], '')
        changed.add(`${one} changed ${crashes}`)
        for (const topicName of [one, other]) cleared.add(`${topicName} first`)
      }
      disk = random.integer(2) === 0 ? disk.crash() : disk.kill()
      broker = await start(disk)
      client = await connected(broker)
      assert.equal(client.connack?.sessionPresent ?? true, true)
    }
    await readAll(broker, client, reader)
    for (const topicName of topics) {
      const payload = `${topicName} first`
      const count = reader.count(payload)
      assert.ok(count > 0 || cleared.has(payload), `${payload} is lost`)
      assert.ok(count <= 1 || qos === 1, `${payload} came ${count} times`)
    }
    for (const payload of changed) assert.ok(qos === 1 ? reader.count(payload) > 0 : reader.count(payload) === 1)
    await broker.close()

    const last = await start(disk)
    assert.equal((await connected(last)).receiveAll().length, 0, 'nothing is owed any more')
    await last.close()
  })
}

test('what was queued is not queued again at QoS 1 either, once it is stored', async () => {
  const disk = await filled()
  const broker = await start(disk)
  await subscribed(broker, 1)
  const next = await start(disk.crash())
  const reader = new Reader()
  await readAll(next, await connected(next), reader)
  assert.deepEqual(
    [...reader.counts.values()],
    topics.map(() => 1),
  )
  await next.close()
})

test('a replay that is over, of a Subscription that has ended or was replaced without one, is owed no more', async () => {
  for (const give of ['unsubscribe', 'replace', 'clean', 'read'] as const) {
    const disk = await filled()
    const broker = await start(disk)
    const client = await subscribed(broker, 2)
    assert.equal((await replaysOn(disk)).length, 1)
    if (give === 'unsubscribe') client.unsubscribe('value/#')
    if (give === 'replace') client.subscribe('value/#', 1, { retainHandling: 2 })
    if (give === 'clean') broker.connect({ ...KEPT, cleanStart: true })
    if (give === 'read') await readAll(broker, client, new Reader())
    await broker.settle()
    assert.deepEqual(await replaysOn(disk), [], give)
    await broker.close()
  }
})

test('to subscribe again begins the replay again, after a crash too', async () => {
  const disk = await filled()
  const broker = await start(disk)
  const client = await subscribed(broker, 1)
  const reader = new Reader()
  for (let round = 0; round < 3; round++) {
    reader.read(client)
    await broker.settle()
  }
  const [before] = await replaysOn(disk)
  client.subscribe('value/#', 1)
  await broker.settle()
  const [after] = await replaysOn(disk)
  assert.notDeepEqual(after, before)
  const next = await start(disk.crash())
  const again = new Reader()
  await readAll(next, await connected(next), again)
  for (const topicName of topics) assert.ok(again.count(`${topicName} first`) > 0, topicName)
  await next.close()
})

test('several Subscriptions are owed theirs, and those of QoS 0 nothing', async () => {
  const disk = await filled()
  const broker = await start(disk)
  const client = await connected(broker)
  client.subscribe([
    { topicFilter: 'value/+', qos: 1 },
    { topicFilter: 'value/+/+', qos: 2 },
    { topicFilter: '#', qos: 0 },
  ])
  await broker.settle()
  assert.deepEqual((await replaysOn(disk)).map(({ topicFilter }) => topicFilter).toSorted(), ['value/+', 'value/+/+'])
  const next = await start(disk.crash())
  const reader = new Reader()
  await readAll(next, await connected(next), reader)
  assert.deepEqual(
    [...reader.counts.values()],
    topics.map(() => 1),
  )
  assert.deepEqual(await replaysOn(disk.crash()), await replaysOn(disk))
  await next.close()
})

test('what is no longer retained after a restart leaves nothing owed', async () => {
  const disk = await filled()
  const broker = await start(disk)
  const client = await subscribed(broker, 1)
  client.drop()
  const cleared = topics.map((topicName) => broker.broker.publish(topicName, '', { qos: 1, retain: true }))
  await broker.settle()
  await Promise.all(cleared)
  const crashed = disk.crash()
  const next = await start(crashed)
  await next.settle()
  assert.deepEqual(await replaysOn(crashed), [])
  await next.close()
})

/** Keeps what each write was. */
class Notebook implements Store {
  readonly keeps = true
  readonly writes: Change[][] = []

  onHealth(): void {}

  load(): Promise<Loaded> {
    return Promise.resolve({ lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 })
  }

  write(changes: readonly Change[]): void {
    this.writes.push([...changes])
  }

  read(messageNumbers: readonly number[]): undefined[] {
    return messageNumbers.map(() => undefined)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }
}

test('how far a replay has come is written together with what was queued up to there', async () => {
  const store = new Notebook()
  const broker = await VirtualBroker.start({ ...LIMITS, persistence: {} }, { store })
  for (const topicName of topics) void broker.broker.publish(topicName, 'x', { qos: 2, retain: true })
  await broker.settle()
  const names = new Map(
    store.writes.flat().flatMap((change) => {
      return change.kind === 'message' ? [[change.message.messageNumber, change.message.topicName] as const] : []
    }),
  )
  const client = broker.connect(KEPT)
  client.subscribe('value/#', 2)
  const reader = new Reader()
  await readAll(broker, client, reader)
  assert.equal(reader.counts.get('x'), COUNT)
  let last = ''
  for (const changes of store.writes) {
    for (const change of changes) if (change.kind === 'queued') last = names.get(change.entry.messageNumber)!
    const replays = changes.flatMap((change) => (change.kind === 'replay' ? [change.replay] : []))
    const isQueued = changes.some(({ kind }) => kind === 'queued')
    const isEnded = changes.some(({ kind }) => kind === 'replay-ended')
    assert.ok(!isQueued || replays.length > 0 || isEnded)
    if (replays.length > 0) assert.equal(replays.at(-1)!.afterTopicName, last)
  }
  assert.equal(store.writes.flat().filter(({ kind }) => kind === 'replay-ended').length, 1)
  await broker.close()
})

test('a replay that is over in the turn of its SUBSCRIBE costs the Store nothing', async () => {
  const store = new Notebook()
  const broker = await VirtualBroker.start({ ...LIMITS, persistence: {} }, { store })
  void broker.broker.publish('value/1', 'x', { qos: 1, retain: true })
  const client = broker.connect(KEPT)
  client.subscribe('value/#', 1)
  await readAll(broker, client, new Reader())
  assert.ok(store.writes.flat().some(({ kind }) => kind === 'subscribed'))
  assert.ok(store.writes.flat().every(({ kind }) => !kind.startsWith('replay')))
  await broker.close()
})
