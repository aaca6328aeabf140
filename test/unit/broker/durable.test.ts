import assert from 'node:assert/strict'
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import { type PublishPacket, type SubackPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import mqtt from 'mqtt'
import { silentLogger } from '../../../src/base/log.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { JournalStore } from '../../../src/stores/journal-store.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'
import { TestClient } from '../../support/test-client.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { sessionsOf } from '../../support/sessions.ts'

const FOREVER = { sessionExpiryInterval: 0xffff_ffff }

async function start(disk: MemoryDisk, persistence: object = {}): Promise<VirtualBroker> {
  return VirtualBroker.start({ listeners: {}, persistence: { durability: 'disk', ...persistence } }, { disk })
}

/** The power is gone: what was not synced is lost. */
async function crash(disk: MemoryDisk): Promise<VirtualBroker> {
  return start(disk.crash())
}

async function connected(broker: VirtualBroker, clientId: string, cleanStart = false): Promise<TestClient> {
  const client = broker.connect({ clientId, cleanStart, properties: FOREVER })
  await broker.settle()
  const connack = client.connack ?? client.takeFirst(PacketType.CONNACK)
  assert.ok(connack?.type === PacketType.CONNACK)
  client.connack = connack
  return client
}

async function subscribed(
  broker: VirtualBroker,
  client: TestClient,
  topicFilter: string,
  qos: 0 | 1 | 2,
): Promise<void> {
  const atOnce = client.subscribe(topicFilter, qos) as SubackPacket | undefined
  await broker.settle()
  assert.ok((atOnce ?? client.takeFirst(PacketType.SUBACK)) !== undefined)
}

test('an acknowledged message for an absent Session survives a power cut', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('power/l1', '230', 1)
  assert.deepEqual(sensor.take(), [], 'PUBACK waits for the store')
  await broker.settle()
  assert.equal(sensor.take()[0]?.type, PacketType.PUBACK)

  const next = await crash(disk)
  const back = await connected(next, 'meter')
  await next.settle()
  assert.equal(back.connack?.sessionPresent, true)
  const [message] = back.receiveAll()
  assert.equal(Buffer.from(message!.payload).toString(), '230')
  await next.close()
})

test('a QoS 2 exchange goes on where it was: no second delivery, the same Packet Identifiers', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 2)
  const sensor = await connected(broker, 'sensor')
  sensor.publish('power/l1', '230', 2, { packetIdentifier: 7 })
  await broker.settle()
  assert.equal(sensor.takeFirst(PacketType.PUBREC)?.type, PacketType.PUBREC)
  const first = meter.takeFirst(PacketType.PUBLISH) as PublishPacket

  const next = await crash(disk)
  const sensorBack = await connected(next, 'sensor')
  sensorBack.publish('power/l1', '230', 2, { packetIdentifier: 7, dup: true })
  await next.settle()
  assert.equal(sensorBack.takeFirst(PacketType.PUBREC)?.type, PacketType.PUBREC)
  const meterBack = await connected(next, 'meter')
  await next.settle()
  const again = meterBack.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
  assert.equal(again.length, 1)
  assert.equal(again[0]!.packetIdentifier, first.packetIdentifier)
  assert.equal(again[0]!.dup, true)
  await next.close()
})

test('new messages find their place although the newest before the crash were acknowledged first', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['one', 'two', 'three']) sensor.publish('power/l1', payload, 1)
  await broker.settle()
  const received = meter.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
  for (const { packetIdentifier } of received.slice(1)) meter.acknowledge(PacketType.PUBACK, packetIdentifier)
  await broker.settle()

  const next = await crash(disk)
  next.connect({ clientId: 'sensor' }).publish('power/l1', 'four', 1)
  await next.settle()
  const meterBack = await connected(next, 'meter')
  await next.settle()
  assert.deepEqual(
    meterBack.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['one', 'four'],
  )
  await next.close()
})

test('retained messages and Wills survive; a Will whose Connection died with the Server goes out at the next start', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  void broker.broker.publish('state/door', 'open', { retain: true })
  broker.connect({ clientId: 'mortal', will: { topicName: 'state/mortal', retain: true } })
  await broker.settle()

  const next = await crash(disk)
  await next.settle()
  const reader = next.connect({ clientId: 'reader' })
  reader.subscribe('state/#')
  await next.settle()
  const found = reader.take().filter(({ type }) => type === PacketType.PUBLISH) as PublishPacket[]
  assert.deepEqual(found.map(({ topicName }) => topicName).toSorted(), ['state/door', 'state/mortal'])
  await next.close()
})

test('a Will that goes out at a start does not go out at the next one', async () => {
  let disk = new MemoryDisk()
  const broker = await start(disk)
  const reader = await connected(broker, 'reader')
  await subscribed(broker, reader, 'state/#', 1)
  broker.connect({ clientId: 'mortal', will: { topicName: 'state/mortal', qos: 1 } })
  await broker.settle()

  for (const expected of [['gone'], []]) {
    disk = disk.crash()
    const next = await start(disk)
    const back = await connected(next, 'reader')
    await next.settle()
    const payloads = back.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
    assert.deepEqual(payloads, expected)
    await next.settle()
  }
})

test('the Will of a Client that came back in time does not go out, not even after a power cut [5.0 MQTT-3.1.3-9]', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const reader = await connected(broker, 'reader')
  await subscribed(broker, reader, 'state/#', 1)
  const will = { topicName: 'state/mortal', qos: 1, properties: { willDelayInterval: 10 } } as const
  broker.connect({ clientId: 'mortal', properties: FOREVER, will }).drop()
  await broker.settle()
  assert.equal((await connected(broker, 'mortal')).connack?.sessionPresent, true)

  const next = await crash(disk)
  next.advance(60_000)
  const back = await connected(next, 'reader')
  await next.settle()
  assert.deepEqual(back.receiveAll(), [])
  await next.close()
})

test('while the disk fails QoS 1 is refused with 0x97, QoS 0 goes on, and nothing acknowledged is lost', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  const other = broker.connect({ clientId: 'other' })
  await broker.settle()
  disk.options.before = (operation) => {
    if (operation === 'append' || operation === 'open') throw new Error('no space left on device')
  }
  sensor.publish('power/l1', 'one', 1)
  await broker.settle()
  assert.deepEqual(sensor.take(), [], 'not acknowledged: it is not stored')
  other.publish('power/l1', 'two', 1)
  await broker.settle()
  const refused = other.takeFirst(PacketType.PUBACK)
  assert.ok(refused?.type === PacketType.PUBACK && refused.reasonCode === 0x97)
  other.publish('power/l1', 'zero', 0)
  await broker.settle()
  assert.ok(meter.takePayloads().includes('zero'))
  delete disk.options.before
  broker.advance(60_000)
  await broker.settle()
  const late = sensor.takeFirst(PacketType.PUBACK)
  assert.ok(late?.type === PacketType.PUBACK && late.reasonCode === 0)
  await broker.close()
})

test('no CONNACK tells of a clean start before the end of the older Session is stored, not even the second [5.0 MQTT-3.1.2-4]', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  await broker.settle()
  disk.options.before = (operation) => {
    if (operation === 'append' || operation === 'open') throw new Error('no space left on device')
  }
  const first = broker.connect({ clientId: 'meter', cleanStart: true })
  await broker.settle()
  assert.deepEqual([first.connack, first.take()], [undefined, []], 'its own Change is not stored')
  first.drop()
  const second = broker.connect({ clientId: 'meter', cleanStart: true })
  await broker.settle()
  assert.deepEqual([second.connack, second.take()], [undefined, []], 'nor is the one that the first left')
  delete disk.options.before
  broker.advance(5_000)
  await broker.settle()
  assert.equal((second.connack ?? second.takeFirst(PacketType.CONNACK))?.type, PacketType.CONNACK)

  const next = await crash(disk)
  const back = await connected(next, 'meter')
  assert.equal(back.connack?.sessionPresent, false)
  await next.close()
})

/** Publishes to an absent Session and says what it finds after a crash of that kind. */
async function afterCrash(persistence: object, crashed: (disk: MemoryDisk) => MemoryDisk): Promise<string[]> {
  const disk = new MemoryDisk()
  const broker = await start(disk, persistence)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  await broker.settle()
  broker.connect({ clientId: 'sensor' }).publish('power/l1', '230', 1)
  await broker.settle()
  const next = await start(crashed(disk), persistence)
  const back = await connected(next, 'meter')
  await next.settle()
  const payloads = back.takePayloads()
  await next.close()
  return payloads
}

const powerCut = (disk: MemoryDisk): MemoryDisk => disk.crash()
const processCrash = (disk: MemoryDisk): MemoryDisk => disk.kill()

test('durability: `disk` survives a power cut; `process` a crash of the process only; `memory` neither', async () => {
  assert.deepEqual(await afterCrash({ durability: 'disk' }, powerCut), ['230'])
  assert.deepEqual(await afterCrash({ durability: 'process' }, processCrash), ['230'])
  assert.deepEqual(await afterCrash({ durability: 'process' }, powerCut), [])
  assert.deepEqual(await afterCrash({ durability: 'memory' }, processCrash), [])
})

test('what the broker says of itself below $SYS is not stored: the next one has figures of its own, or none', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ persistence: { durability: 'disk' }, 'sys-interval': 20 }, { disk })
  await broker.settle()
  const names = await disk.list()
  const before = await Promise.all(names.map(async (name) => (await disk.open(name)).size))
  broker.clock.advance(60_000)
  await broker.settle()
  const after = await Promise.all(names.map(async (name) => (await disk.open(name)).size))
  assert.deepEqual(after, before, 'nothing is written while nobody publishes')
  await broker.close()

  const next = await start(disk)
  let retained = 0
  next.broker.subscribe('$SYS/#', () => retained++)
  assert.equal(retained, 0)
  await next.close()
})

test('the state of a bridge below $SYS is published by its Client, and stored as all that Clients publish', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ persistence: { durability: 'disk' } }, { disk })
  const topicName = '$SYS/broker/connection/house/state'
  const bridge = broker.connect({ clientId: 'house', version: 4, bridge: true })
  bridge.publish(topicName, '1', 1, { retain: true })
  await broker.settle()
  assert.equal(bridge.take().at(-1)?.type, 4, 'PUBACK')

  const next = await start(disk.crash())
  const reader = next.connect({ clientId: 'reader' })
  reader.subscribe(topicName)
  assert.deepEqual(reader.takePayloads(), ['1'])
  await next.close()
})

test('topics: the first filter that matches decides, the others have the level of the broker', async () => {
  const topics = { 'power/#': 'memory', '#': 'disk' }
  assert.deepEqual(await afterCrash({ topics }, powerCut), [])
  assert.deepEqual(await afterCrash({ topics: { 'other/#': 'memory' } }, powerCut), ['230'])
  assert.deepEqual(await afterCrash({ durability: 'memory', topics: { 'power/#': 'disk' } }, powerCut), ['230'])
  assert.deepEqual(await afterCrash({ durability: 'memory', topics: { 'power/#': 'process' } }, processCrash), ['230'])
})

test('a retained message at `memory` leaves no older one behind it that would come back after a restart', async () => {
  const disk = new MemoryDisk()
  const first = await start(disk)
  void first.broker.publish('power/l1', 'older', { retain: true })
  await first.settle()
  await first.close()
  const second = await start(disk, { topics: { 'power/#': 'memory' } })
  void second.broker.publish('power/l1', 'newer', { retain: true })
  await second.settle()
  await second.close()
  const third = await start(disk)
  const retained: string[] = []
  third.broker.subscribe('#', ({ payload }) => retained.push(String(payload)))
  assert.deepEqual(retained, [])
  await third.close()
})

for (const [key, value] of [
  ['max-session-ram-bytes', 'one Session'],
  ['max-ram-bytes', 'all Sessions'],
] as const) {
  test(`${key}: payloads beyond it, in ${value}, are read from disk when their turn comes, in order`, async () => {
    const disk = new MemoryDisk()
    let reads = 0
    const broker = await start(disk, { [key]: 0 })
    const meter = await connected(broker, 'meter')
    await subscribed(broker, meter, 'power/#', 1)
    meter.drop()
    const sensor = broker.connect({ clientId: 'sensor' })
    const sent = Array.from({ length: 600 }, (_, at) => `reading ${at}`)
    for (const payload of sent) sensor.publish('power/l1', payload, 1)
    await broker.settle()
    disk.options.before = (operation) => void (operation === 'read' && reads++)
    const back = await connected(broker, 'meter')
    const received: string[] = []
    for (let round = 0; round < 20; round++) {
      received.push(...back.receiveAll().map(({ payload }) => Buffer.from(payload).toString()))
      await broker.settle()
    }
    assert.deepEqual(received, sent)
    assert.ok(reads > 0, 'nothing was read from disk')
    await broker.close()
  })
}

test('a payload stays in RAM until it is stored: a turn that waits behind a commit can be sent at once', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk, { 'max-session-ram-bytes': 0 })
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  await broker.settle()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('power/l1', 'one', 1)
  sensor.publish('power/l1', 'two', 1)
  const back = broker.connect({ clientId: 'meter', cleanStart: false, properties: FOREVER })
  await broker.settle()
  delete disk.options.before
  release()
  await broker.settle()
  assert.deepEqual(
    back.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['one', 'two'],
  )
  await broker.close()
})

test('path: the folder is made, counted from the folder of the configuration, and belongs to one broker at a time', async () => {
  const folder = scratchFolder()
  const config = { listeners: {}, 'sys-interval': 0, persistence: { path: join(folder, 'kept') } }
  await using broker = await createBroker(config)
  assert.equal(broker.state, 'started')
  assert.ok((await readdir(join(folder, 'kept'))).some((name) => name.startsWith('journal-')))
  await assert.rejects(createBroker(config), { code: 'ERR_STORE_LOCKED' })
})

test('max-uncommitted-bytes: publishers are not read while more than that waits for the disk', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start(
    { listeners: {}, persistence: {}, 'max-uncommitted-bytes': 65_536 },
    { disk },
  )
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  await broker.settle()
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let count = 0; count < 100; count++) sensor.publish('power/l1', Buffer.alloc(1000, 1), 1)
  assert.equal(sensor.isPaused, true)
  delete disk.options.before
  release()
  await broker.settle()
  assert.equal(sensor.isPaused, false)
  await broker.close()
})

test('max-bytes: beyond it QoS 1 is refused with 0x97', async () => {
  const broker = await start(new MemoryDisk(), { 'max-bytes': 20_000 })
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  const codes: number[] = []
  for (let count = 0; count < 40; count++) {
    sensor.publish('power/l1', Buffer.alloc(1000, 1), 1)
    await broker.settle()
    const answer = sensor.takeFirst(PacketType.PUBACK)
    if (answer?.type === PacketType.PUBACK) codes.push(answer.reasonCode)
  }
  assert.equal(codes[0], 0)
  assert.equal(codes.at(-1), 0x97)
  await broker.close()
})

test('a listener with its own durability: what comes through it at `memory` does not wait for the disk', async () => {
  const disk = new MemoryDisk()
  const listeners = { fast: { bind: '127.0.0.1:0', durability: 'memory' }, safe: { bind: '127.0.0.1:0' } } as const
  await using broker = await createBroker({ listeners, 'sys-interval': 0, persistence: {} }, { disk })
  const [fast, safe] = broker.listeners
  const meter = await mqtt.connectAsync(safe!.url, { clientId: 'meter', clean: false, reconnectPeriod: 0 })
  await meter.subscribeAsync('power/#', { qos: 1 })
  await meter.endAsync()
  const quick = await mqtt.connectAsync(fast!.url, { clientId: 'quick', reconnectPeriod: 0 })
  const slow = await mqtt.connectAsync(safe!.url, { clientId: 'slow', reconnectPeriod: 0 })
  let release = (): void => {}
  const held = new Promise<void>((resolve) => (release = resolve))
  disk.options.before = (operation) => (operation === 'append' ? held : undefined)
  let isSlowAnswered = false
  const answered = slow.publishAsync('power/l1', 'slow', { qos: 1 }).then(() => (isSlowAnswered = true))
  await quick.publishAsync('power/l1', 'quick', { qos: 1 })
  assert.equal(isSlowAnswered, false)
  release()
  await answered
  await Promise.all([quick.endAsync(), slow.endAsync()])
})

test('what every receiver has acknowledged before the Store is told of it is never stored; what one has not, is', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const [meter, absent] = [await connected(broker, 'meter'), await connected(broker, 'absent')]
  await subscribed(broker, meter, 'power/#', 1)
  await subscribed(broker, absent, 'power/l2', 1)
  absent.drop()
  await broker.settle()
  const sensor = broker.connect({ clientId: 'sensor' })
  const bytesOf = async (topicName: string): Promise<number> => {
    let finish: () => void = () => {}
    const busy = new Promise<void>((resolve) => (finish = resolve))
    disk.options.before = () => busy
    sensor.publish('power/first', 'keeps the disk busy', 1)
    await broker.settle()
    const before = disk.usedBytes
    sensor.publish(topicName, 'x'.repeat(5000), 1)
    meter.receiveAll()
    assert.deepEqual(sensor.take(), [], 'PUBACK waits all the same')
    delete disk.options.before
    finish()
    await broker.settle()
    assert.equal(sensor.take().length, 2)
    return disk.usedBytes - before
  }
  assert.ok((await bytesOf('power/l1')) < 1000)
  assert.ok((await bytesOf('power/l2')) > 5000)

  const next = await crash(disk)
  assert.deepEqual((await connected(next, 'meter')).receiveAll(), [])
  const back = await connected(next, 'absent')
  await next.settle()
  assert.equal(back.receiveAll().length, 1)
  await next.close()
})

test('QoS 1 counts against Receive Maximum until PUBACK has left, QoS 2 until PUBCOMP or a refusal has [5.0 MQTT-3.3.4-7]', async () => {
  for (const qos of [1, 2] as const) {
    const disk = new MemoryDisk()
    const broker = await VirtualBroker.start(
      { listeners: {}, 'receive-maximum': 2, persistence: { durability: 'disk' } },
      { disk },
    )
    const absent = await connected(broker, 'absent')
    await subscribed(broker, absent, 'power/#', qos)
    absent.drop()
    const sensor = await connected(broker, 'sensor')
    const exchange = async (packetIdentifier: number): Promise<void> => {
      sensor.publish('power/l1', 'x', qos, { packetIdentifier })
      await broker.settle()
      if (qos === 2) sensor.acknowledge(PacketType.PUBREL, packetIdentifier)
      await broker.settle()
    }
    for (let round = 1; round <= 4; round++) await exchange(round)
    const last = qos === 1 ? PacketType.PUBACK : PacketType.PUBCOMP
    assert.equal(sensor.take().filter(({ type }) => type === last).length, 4)

    disk.options.before = () => new Promise<never>(() => undefined)
    await exchange(5)
    await exchange(6)
    assert.deepEqual(sensor.take(), [], 'the answers wait for the disk')
    await exchange(7)
    const [packet] = sensor.take()
    assert.deepEqual([packet?.type, (packet as { reasonCode?: number }).reasonCode], [PacketType.DISCONNECT, 0x93])
  }
})

test('payloads that cannot be read are tried again, later each time and not for ever, and then delivered in order', async () => {
  const disk = new MemoryDisk()
  const errors: string[] = []
  const logger = { ...silentLogger, error: (_fields: unknown, text?: string) => void errors.push(String(text)) }
  const persistence = { durability: 'disk', 'max-session-ram-bytes': 0 } as const
  const broker = await VirtualBroker.start({ listeners: {}, persistence }, { disk, logger })
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  meter.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['one', 'two', 'three']) sensor.publish('power/l1', payload, 1)
  await broker.settle()

  disk.options.before = (operation) => {
    if (operation === 'read') throw new Error('the cable is loose')
  }
  const back = await connected(broker, 'meter')
  for (let round = 0; round < 40; round++) {
    broker.advance(1000)
    await broker.settle()
  }
  assert.deepEqual(back.receiveAll(), [])
  assert.equal(broker.broker.metrics.payloadReadsFailed, 11)
  assert.match(errors[0]!, /tried again in 100 ms/)
  assert.match(errors.at(-1)!, /not tried again until the client reconnects/)
  back.drop()

  const again = await connected(broker, 'meter')
  broker.advance(150)
  await broker.settle()
  assert.equal(broker.broker.metrics.payloadReadsFailed, 13)
  delete disk.options.before
  broker.advance(1000)
  await broker.settle()
  const payloads = again.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  assert.deepEqual(payloads, ['one', 'two', 'three'])
  await broker.close()
})

test('a commit between two messages that leave together does not change their order after a power cut [5.0 MQTT-4.6.0-5]', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = broker.connect({
    clientId: 'meter',
    cleanStart: false,
    properties: { ...FOREVER, receiveMaximum: 2 },
  })
  await broker.settle()
  await subscribed(broker, meter, 'power/#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  const identifiers: number[] = []
  for (const payload of ['first', 'second', 'third']) {
    sensor.publish('power/l1', payload, 1)
    await broker.settle()
    for (const packet of meter.take()) if (packet.type === PacketType.PUBLISH) identifiers.push(packet.packetIdentifier)
  }

  // The fourth waits behind a commit that ends while the turn runs in which the third and the fourth are sent.
  let finish: () => void = () => {}
  const busy = new Promise<void>((resolve) => (finish = resolve))
  disk.options.before = () => busy
  void broker.broker.publish('other', 'keeps the disk busy', { retain: true })
  await broker.settle()
  sensor.publish('power/l1', 'fourth', 1)
  for (const packetIdentifier of identifiers) {
    const puback = { type: PacketType.PUBACK, packetIdentifier, reasonCode: 0, properties: {} } as const
    meter.sendBytesInTurn(encodePacket(puback, 5))
  }
  delete disk.options.before
  finish()
  await new Promise((resolve) => setImmediate(resolve))
  broker.clock.runTurns()
  await new Promise((resolve) => setImmediate(resolve))

  const next = await crash(disk)
  const back = await connected(next, 'meter')
  await next.settle()
  const payloads = back.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
  assert.deepEqual(payloads.slice(-2), ['third', 'fourth'])
  await next.close()
})

test('a Store of the host program keeps what is kept', async () => {
  const disk = new MemoryDisk()
  const config = { listeners: {}, persistence: { durability: 'disk' } } as const
  const open = (): JournalStore => new JournalStore({ disk, clock: new VirtualClock() })
  const broker = await VirtualBroker.start(config, { store: open() })
  void broker.broker.publish('state/door', 'open', { retain: true })
  await broker.settle()
  await broker.close()

  const next = await VirtualBroker.start(config, { store: open() })
  const reader = next.connect({ clientId: 'reader' })
  reader.subscribe('state/#')
  assert.deepEqual(reader.takePayloads(), ['open'])
  await next.close()
})

test('endSession: whoever ends a session by the host program, it is over, also after a power cut', async () => {
  const disk = new MemoryDisk()
  const broker = await start(disk)
  const meter = await connected(broker, 'meter')
  await subscribed(broker, meter, 'power/#', 1)
  ;(await connected(broker, 'away')).drop()
  const ends: unknown[] = []
  broker.broker.on('sessionEnded', (event) => ends.push(event))
  const ended = ['meter', 'away', 'nobody'].map((clientId) => broker.broker.endSession(clientId))
  await broker.settle()
  assert.deepEqual(await Promise.all(ended), [true, true, false])
  assert.deepEqual(ends, [
    { clientId: 'meter', cause: 'administrator' },
    { clientId: 'away', cause: 'administrator' },
  ])
  assert.ok(meter.isClosed)
  const next = await crash(disk)
  assert.deepEqual(sessionsOf(next.broker), [])
  await broker.close()
  await next.close()
})

test('endSession is the way out for a device whose user name has changed', async () => {
  const everyone = { name: 'everyone', authenticate: () => ({ decision: 'allow' }) as const }
  const broker = await VirtualBroker.start({ auth: { plugins: [everyone] } })
  const logIn = (userName: string) =>
    broker.connect({ clientId: 'meter', userName, cleanStart: true, properties: FOREVER }).connack?.reasonCode
  assert.deepEqual([logIn('before'), logIn('after')], [0, 0x85])
  const ended = broker.broker.endSession('meter')
  await broker.settle()
  assert.equal(await ended, true)
  assert.equal(logIn('after'), 0)
  await broker.close()
})

test('a member of a Shared Subscription ends with much that it holds: wherever the power goes, each message has one new owner', async () => {
  const held = 12_000
  const limits = { 'max-queued-messages': 2 * held, 'max-queued-messages-connected': 2 * held, 'max-memory': 0 }
  const persistence = { durability: 'disk' } as const
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ listeners: {}, persistence, ...limits }, { disk })
  const leaving = await connected(broker, 'leaving')
  await subscribed(broker, leaving, '$share/g/a', 1)
  leaving.drop()
  for (let at = 0; at < held; at++) void broker.broker.publish('a', String(at), { qos: 1 })
  await broker.settle()
  for (const name of ['one', 'other']) {
    const member = await connected(broker, name)
    await subscribed(broker, member, '$share/g/a', 1)
    member.drop()
  }
  await broker.settle()

  // Its Client comes back with Clean Start.
  const back = new TestClient(broker, 5, { address: '192.0.2.1', listener: 'test', encrypted: false })
  const rest = { type: PacketType.CONNECT, protocolVersion: 5, keepAlive: 0, properties: FOREVER } as const
  back.sendBytesInTurn(encodePacket({ ...rest, clientId: 'leaving', cleanStart: true }, 5))
  let points = 0
  let [before, parts] = [-1, 0]
  for (let step = 0; parts < held; step++) {
    assert.ok(step < 200)
    const next = await VirtualBroker.start({ listeners: {}, persistence, ...limits }, { disk: disk.crash() })
    next.advance(1)
    await next.settle()
    const sessions = new Map(sessionsOf(next.broker).map((session) => [session.clientId, session.queuedMessages]))
    const [one, other] = [sessions.get('one')!, sessions.get('other')!]
    // Not begun, or divided to the end: the first start goes on with it.
    if (sessions.get('leaving') === held) assert.equal(one + other, 0)
    else assert.deepEqual([one + other, sessions.get('leaving') ?? 0, Math.abs(one - other) <= 1], [held, 0, true])
    await next.close()
    broker.clock.runTurn()
    await new Promise<void>((resolve) => setImmediate(resolve))
    parts = sessionsOf(broker.broker).reduce(
      (sum, { clientId, queuedMessages }) => sum + (clientId === 'leaving' ? 0 : queuedMessages),
      0,
    )
    if (parts > before) points++
    before = parts
  }
  assert.ok(points > 1, 'it was divided in several turns')
  await broker.settle()
  assert.equal(back.takeFirst(PacketType.CONNACK)?.type, PacketType.CONNACK)
  const last = await VirtualBroker.start({ listeners: {}, persistence, ...limits }, { disk: disk.crash() })
  assert.deepEqual(
    sessionsOf(last.broker)
      .map(({ clientId, queuedMessages }) => [clientId, queuedMessages])
      .toSorted(([one], [other]) => (String(one) < String(other) ? -1 : 1)),
    [
      ['leaving', 0],
      ['one', held / 2],
      ['other', held / 2],
    ],
  )
  await last.close()
  await broker.close()
})
