/** A full store: who takes away may always come, and what was consumed makes room. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { silentLogger } from '../../../src/base/log.ts'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const FOREVER = { sessionExpiryInterval: 0xffff_ffff }
const CAPACITY = 1 << 20

class Full {
  readonly broker: VirtualBroker
  readonly publisher: TestClient
  readonly health: BrokerEvents['storeHealth'][] = []
  /** Payloads that were acknowledged. */
  readonly accepted: string[] = []
  #count = 0

  private constructor(broker: VirtualBroker) {
    this.broker = broker
    broker.broker.on('storeHealth', (event) => this.health.push(event))
    this.publisher = broker.connect({ clientId: 'publisher' })
  }

  static async start(disk: MemoryDisk, persistence: object = {}): Promise<Full> {
    const config = { listeners: {}, persistence, 'max-queued-messages': 1_000_000 }
    return new Full(await VirtualBroker.start(config, { disk }))
  }

  /** @returns the Reason Code of its PUBACK */
  async publish(): Promise<number> {
    const payload = `${++this.#count}`.padEnd(5000, '.')
    this.publisher.publish('queue', payload, 1)
    await this.broker.settle()
    const answer = this.publisher.takeFirst(PacketType.PUBACK)
    assert.ok(answer?.type === PacketType.PUBACK)
    if (answer.reasonCode < 0x80) this.accepted.push(payload)
    return answer.reasonCode
  }

  async fill(): Promise<void> {
    let code = 0
    while (code < 0x80) code = await this.publish()
    assert.equal(code, 0x97)
  }

  async connected(clientId: string, cleanStart = false): Promise<TestClient> {
    const client = this.broker.connect({ clientId, cleanStart, properties: FOREVER })
    for (let round = 0; round < 3 && client.connack === undefined; round++) {
      await this.broker.settle()
      const connack = client.takeFirst(PacketType.CONNACK)
      if (connack?.type === PacketType.CONNACK) client.connack = connack
    }
    return client
  }

  async subscribed(clientId: string): Promise<TestClient> {
    const client = await this.connected(clientId)
    client.subscribe('queue', 1)
    await this.broker.settle()
    client.take()
    return client
  }

  async drain(client: TestClient): Promise<string[]> {
    const payloads: string[] = []
    for (let quiet = 0; quiet < 10;) {
      const some = client.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
      payloads.push(...some)
      quiet = some.length === 0 ? quiet + 1 : 0
      await this.broker.settle()
    }
    return payloads
  }

  /** Some seconds pass. */
  async later(): Promise<void> {
    for (let round = 0; round < 20; round++) {
      this.broker.advance(200)
      await this.broker.settle()
    }
  }
}

for (const [what, disk, persistence] of [
  ['the disk is full', () => new MemoryDisk({ capacityBytes: CAPACITY }), {}],
  ['max-bytes is reached', () => new MemoryDisk(), { 'max-bytes': CAPACITY, 'max-bytes-per-user': 0 }],
] as const) {
  test(`${what}: the Client whose queue fills it comes, empties it, and everything is accepted again`, async () => {
    const full = await Full.start(disk(), persistence)
    const reader = await full.subscribed('reader')
    reader.drop()
    await full.fill()
    assert.deepEqual(
      full.health.map(({ healthy, condition }) => [healthy, condition]),
      [[false, 'full']],
    )
    const stranger = await full.connected('stranger')
    assert.equal(stranger.connack?.reasonCode, 0x88)
    const passing = full.broker.connect({ clientId: 'passing' })
    assert.equal(passing.connack?.reasonCode, 0, 'it needs nothing that is stored')

    const back = await full.connected('reader')
    assert.deepEqual([back.connack?.reasonCode, back.connack?.sessionPresent], [0, true])
    assert.deepEqual(await full.drain(back), full.accepted)
    await full.later()
    assert.equal(full.health.at(-1)?.condition, 'well')
    assert.equal(await full.publish(), 0)
    assert.equal((await full.connected('stranger')).connack?.reasonCode, 0)
    await full.broker.close()
  })
}

test('a start on a full disk answers every CONNECT at once', async () => {
  const disk = new MemoryDisk({ capacityBytes: CAPACITY })
  const first = await Full.start(disk)
  const reader = await first.subscribed('reader')
  reader.drop()
  await first.fill()
  const killed = disk.kill()
  killed.options.capacityBytes = killed.usedBytes
  const full = await Full.start(killed)
  for (const version of [5, 4] as const) {
    const stranger = full.broker.connect({
      clientId: 'stranger',
      version,
      cleanStart: false,
      properties: version === 5 ? FOREVER : {},
    })
    assert.equal(stranger.connack?.reasonCode, version === 5 ? 0x88 : 0x03)
  }
  const back = await full.connected('reader')
  assert.equal(back.connack?.reasonCode, 0)
  assert.deepEqual(await full.drain(back), first.accepted)
  await full.later()
  assert.equal(await full.publish(), 0)
  await full.broker.close()
})

test('a start on a full disk without a reserve answers every CONNECT at once, and the receiver comes once there is a little room', async () => {
  const disk = new MemoryDisk()
  const first = await Full.start(disk)
  ;(await first.subscribed('reader')).drop()
  for (let count = 0; count < 100; count++) await first.publish()
  await first.broker.close()
  disk.options.capacityBytes = disk.usedBytes
  const full = await Full.start(disk)
  for (const clientId of ['stranger', 'reader']) {
    const client = full.broker.connect({ clientId, cleanStart: false, properties: FOREVER })
    await full.broker.settle()
    const connack = client.connack ?? client.takeFirst(PacketType.CONNACK)
    assert.ok(connack?.type === PacketType.CONNACK && connack.reasonCode === 0x88, clientId)
  }
  disk.options.capacityBytes += 100_000
  await full.later()
  const back = await full.connected('reader')
  assert.equal(back.connack?.reasonCode, 0)
  assert.deepEqual(await full.drain(back), first.accepted)
  await full.later()
  assert.equal(await full.publish(), 0)
  await full.broker.close()
})

test('while it is full: what ends is ended, what is new is refused, and QoS 0 goes its way', async () => {
  const full = await Full.start(new MemoryDisk({ capacityBytes: CAPACITY }))
  const { broker } = full
  for (const clientId of ['reader', 'other', 'ending']) (await full.subscribed(clientId)).drop()
  const news = broker.connect({ clientId: 'news' })
  news.subscribe('news/#')
  void broker.broker.publish('news/kept', 'as it was before', { retain: true })
  await full.fill()
  news.take()

  const other = await full.connected('other')
  assert.equal(other.connack?.reasonCode, 0)
  assert.deepEqual(other.subscribe('more', 1).reasonCodes, [0x83])
  other.unsubscribe('queue')
  await broker.settle()
  const unsuback = other.takeFirst(PacketType.UNSUBACK)
  assert.ok(unsuback?.type === PacketType.UNSUBACK && unsuback.reasonCodes[0] === 0)

  full.publisher.publish('news/zero', 'at most once')
  full.publisher.publish('news/new', 'delivered and not retained', 0, { retain: true })
  full.publisher.publish('news/kept', 'smaller', 0, { retain: true })
  assert.deepEqual(news.takePayloads(), ['at most once', 'delivered and not retained', 'smaller'])
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('news/#')
  assert.deepEqual(late.takePayloads(), ['smaller'])
  await assert.rejects(broker.broker.publish('queue', 'x', { qos: 1 }), { code: 'ERR_STORE_FULL' })
  await assert.rejects(broker.broker.publish('news/more', 'x', { retain: true }), { code: 'ERR_STORE_FULL' })
  const published = broker.broker.publish('news/zero', 'not stored')
  await broker.settle()
  await published

  const before = sessionsOf(full.broker.broker).length
  assert.equal(await broker.broker.disconnect('ending', { endSession: true }), true)
  assert.equal(sessionsOf(broker.broker).length, before - 1)
  await broker.close()
})

test('a Will that would have to be stored is refused while it is full, except from a Client that has a Session', async () => {
  const full = await Full.start(new MemoryDisk({ capacityBytes: CAPACITY }))
  ;(await full.subscribed('reader')).drop()
  await full.fill()
  const will = { topicName: 'gone', payload: Buffer.from('x') }
  assert.equal(full.broker.connect({ clientId: 'mortal', will }).connack?.reasonCode, 0x88)
  const back = full.broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER, will })
  await full.broker.settle()
  const connack = back.connack ?? back.takeFirst(PacketType.CONNACK)
  assert.ok(connack?.type === PacketType.CONNACK && connack.reasonCode === 0)
  await full.broker.close()
})

test('a full broker closes, and the next one has everything that was acknowledged', async () => {
  const disk = new MemoryDisk({ capacityBytes: CAPACITY })
  const first = await Full.start(disk)
  ;(await first.subscribed('reader')).drop()
  await first.fill()
  const back = await first.connected('reader')
  const taken = back.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  await first.broker.close()
  const next = await Full.start(disk)
  const again = await next.connected('reader')
  const rest = await next.drain(again)
  assert.deepEqual(new Set([...taken, ...rest]), new Set(first.accepted))
  await next.broker.close()
})

for (const version of [5, 4] as const) {
  test(`a message larger than the room of a healthy store is a warning with both sizes, and counted (version ${version})`, async () => {
    const warnings: string[] = []
    const denials: string[] = []
    const logger = {
      ...silentLogger,
      info: (_: object | string, text?: string) => void denials.push(text ?? ''),
      warn: (_: object | string, text?: string) => void warnings.push(text ?? ''),
    }
    const config = { listeners: {}, persistence: { 'max-bytes': 100_000 } }
    const broker = await VirtualBroker.start(config, { disk: new MemoryDisk(), logger })
    const ends: BrokerEvents['clientDisconnected'][] = []
    broker.broker.on('clientDisconnected', (event) => void ends.push(event))
    const reader = broker.connect({ clientId: 'reader', properties: FOREVER })
    await broker.settle()
    reader.subscribe('queue', 1)
    await broker.settle()
    for (let count = 0; count < 3; count++) {
      const sensor = broker.connect({ clientId: `sensor${count}`, version })
      sensor.publish('queue', Buffer.alloc(200_000), 1)
      await broker.settle()
      const answer = sensor.takeFirst(PacketType.PUBACK)
      if (version === 5) assert.equal(answer?.type === PacketType.PUBACK && answer.reasonCode, 0x97)
    }
    assert.equal(broker.broker.metrics.publishesNotStored, 3)
    assert.equal(broker.broker.metrics.protocolErrors, 0, 'the client did nothing wrong')
    assert.equal(warnings.length, 1, 'those that follow are summed up')
    assert.match(
      warnings[0]!,
      /^a message of 200\d+ bytes was refused: the store has room for \d+ bytes; raise persistence/,
    )
    const full = denials.filter((line) => /^(denied|no room)/.test(line))
    assert.equal(full.length, version === 5 ? 1 : 0)
    const said =
      /^no room for a message of sensor0 \(anonymous, from 192\.0\.2\.1\) to queue: a message of 200\d+ bytes does not fit: the store has room for \d+ bytes$/
    if (version === 5) assert.match(full[0]!, said)
    broker.advance(10_000)
    broker.connect({ clientId: 'later', version }).publish('queue', Buffer.alloc(200_000), 1)
    await broker.settle()
    assert.match(warnings[1]!, /; 2 more since the last warning$/)
    const causes = ends.map(({ cause, detail }) => `${cause}, ${detail}`)
    assert.equal(causes.length, version === 5 ? 0 : 4)
    for (const cause of causes)
      assert.match(cause, /^not stored, a message of 200\d+ bytes does not fit: the store has room/)
    await broker.close()
  })
}

for (const [what, disk, persistence, reason] of [
  [
    'max-bytes',
    () => new MemoryDisk(),
    { 'max-bytes': CAPACITY, 'max-bytes-per-user': 0 },
    /^persistence\.max-bytes is reached$/,
  ],
  [
    'the disk',
    () => new MemoryDisk({ capacityBytes: CAPACITY }),
    {},
    /^the disk has only \d+ bytes left$|: no space left$/,
  ],
] as const) {
  test(`a store that ${what} makes full gives one reason: in the event, to the host program, and as 3.1.1 is closed`, async () => {
    const full = await Full.start(disk(), persistence)
    ;(await full.subscribed('reader')).drop()
    await full.fill()
    const ends: string[] = []
    full.broker.broker.on('clientDisconnected', ({ cause, detail }) => void ends.push(`${cause}, ${detail}`))
    full.broker.connect({ clientId: 'old', version: 4 }).publish('queue', 'x', 1)
    await full.broker.settle()
    const told = full.health.at(-1)?.reason ?? ''
    assert.match(told, reason)
    assert.deepEqual(ends, [`not stored, the store is full: ${told}`])
    await assert.rejects(full.broker.broker.publish('queue', 'x', { qos: 1 }), (error: Error) =>
      error.message.includes(`the store is full: ${told};`),
    )
    await full.broker.close()
  })
}
