import assert from 'node:assert/strict'
import { test } from 'node:test'
import { serverOf } from '../../../../src/broker/broker.ts'
import type { PublishPacket } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { RecordKind, type RecordEntry } from '../../../../src/reporting/recorder/record-kind.ts'
import type { ConfigInput } from '../../../../src/config/options.ts'
import { settled } from '../../admin/support.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { assertShared, measure } from '../../broker/turn-budget/support.ts'

const PUBLISH: PublishPacket = {
  type: PacketType.PUBLISH,
  ...{ topicName: '', packetIdentifier: 0, properties: noProperties, payload: new Uint8Array(2) },
  ...({ dup: false, qos: 0, retain: false } as const),
}
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

function entriesOf({ broker }: VirtualBroker, clientId: string): RecordEntry[] {
  return [...(serverOf(broker).recorder.of(clientId)?.entries() ?? [])]
}

const names = new Map(Object.entries(RecordKind).map(([name, kind]) => [kind as number, name]))

function linesOf(broker: VirtualBroker, clientId: string): string[] {
  return entriesOf(broker, clientId).map(({ kind, firstByte, code, packetIdentifier, count, subject = '' }) =>
    [names.get(kind), firstByte >> 4, code, packetIdentifier, subject, count].join(' '),
  )
}

function usedBytes({ broker }: VirtualBroker): number {
  return serverOf(broker).recorder.pages.bytes
}

test('packets and decisions are recorded by their heads, in order', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('a/#', 1)
  broker.connect({ clientId: 'other' }).publish('a/b', 'secret', 1)
  meter.disconnect()
  assert.deepEqual(linesOf(broker, 'meter'), [
    'Connected 0 0 0 192.0.2.1 1',
    'Sent 2 0 0  1',
    'Received 8 0 1  1',
    'Subscribed 0 1 0 a/# 1',
    'Sent 9 1 1  1',
    'Sent 3 0 1 a/b 1',
    'Received 14 0 0  1',
    'Disconnected 0 0 0 disconnected by client 1',
    'SessionEnded 0 0 0 connection ended 1',
  ])
  assert.doesNotMatch(JSON.stringify(entriesOf(broker, 'other')), /secret/)
  await broker.close()
})

test('what repeats itself within a second is one entry with a count', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter' })
  for (let at = 0; at < 500; at++) meter.publish('power', String(at), 1)
  broker.advance(2000)
  meter.publish('power', 'x', 1)
  const published = entriesOf(broker, 'meter').filter(({ kind, subject }) => kind === RecordKind.Received && subject)
  assert.deepEqual(
    published.map(({ count, subject }) => [count, subject]),
    [
      [500, 'power'],
      [1, 'power'],
    ],
  )
  await broker.close()
})

for (const { topics, last, other, hasMore } of [
  { topics: ['a', 'a'], last: 'a', other: undefined, hasMore: false },
  { topics: ['a', 'b'], last: 'b', other: 'a', hasMore: false },
  { topics: ['a', 'b', 'b', 'a'], last: 'a', other: 'b', hasMore: false },
  { topics: ['a', 'b', 'c'], last: 'c', other: 'a', hasMore: true },
  { topics: ['a', 'b', 'c', 'd'], last: 'd', other: 'a', hasMore: true },
])
  for (const inOneTurn of [true, false])
    test(`messages of QoS 0 are counted with two topics: ${topics.join()} in ${inOneTurn ? 'one turn' : 'several'}`, async () => {
      const broker = await VirtualBroker.start()
      const reader = broker.connect({ clientId: 'reader' })
      reader.subscribe('#', 0)
      const meter = broker.connect({ clientId: 'meter' })
      const packets = topics.map((topicName) => ({ ...PUBLISH, topicName }))
      if (inOneTurn) meter.send(...packets)
      else for (const packet of packets) meter.send(packet)
      const sent = entriesOf(broker, 'reader').filter(({ kind }) => kind === RecordKind.SentAtMostOnce)
      assert.deepEqual(
        sent.map((entry) => [entry.count, entry.bytes, entry.subject, entry.detail, entry.hasMoreSubjects]),
        [[topics.length, topics.length * 2, last, other, hasMore]],
      )
      await broker.close()
    })

test('max-recorder-bytes 0: no packet looks for room', async () => {
  const broker = await VirtualBroker.start({ 'max-recorder-bytes': 0 })
  const { recorder } = serverOf(broker.broker)
  let questions = 0
  recorder.mayGrow = () => {
    questions++
    return false
  }
  const meter = broker.connect({ clientId: 'meter' })
  for (let at = 0; at < 10; at++) meter.publish('power', String(at), 1)
  assert.equal(questions, 0)
  await broker.close()
})

test('an empty retained message is not hidden among others of its topic', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter' })
  meter.publish('lamp', 'on', 0, { retain: true })
  meter.publish('lamp', '', 0, { retain: true })
  const published = entriesOf(broker, 'meter').filter(({ subject }) => subject === 'lamp')
  assert.deepEqual(
    published.map(({ bytes }) => bytes),
    [2, 0],
  )
  await broker.close()
})

test('a ring overwrites its own oldest entries, and says up to when they are lost', async () => {
  const broker = await VirtualBroker.start({ 'max-recorder-bytes-per-client': 4096 })
  const meter = broker.connect({ clientId: 'meter' })
  for (let at = 0; at < 1000; at++) {
    meter.publish(`topic/${at}`, 'x', 0)
    broker.advance(10)
  }
  const record = serverOf(broker.broker).recorder.of('meter')!
  assert.ok(record.bytes <= 4096, `${record.bytes} bytes`)
  assert.ok(record.bytes >= 2048, `${record.bytes} bytes`)
  const entries = entriesOf(broker, 'meter')
  assert.equal(entries.at(-1)!.subject, 'topic/999')
  assert.ok(record.lostBeforeMs > 0 && record.lostBeforeMs < entries[0]!.atMs)
  await broker.close()
})

test('no Client pushes out the entries of another: not by its packets, nor by a churn of identifiers', async () => {
  const broker = await VirtualBroker.start({ 'max-recorder-bytes': 60_000, 'max-recorder-bytes-per-client': 4096 })
  const peer = (last: number) => ({ peer: { address: `192.0.2.${last}` } })
  const victim = broker.connect({ clientId: 'victim', ...peer(1) })
  victim.publish('precious', 'x', 1)
  const gone = broker.connect({ clientId: 'gone', ...peer(2) })
  gone.publish('precious', 'x', 1)
  gone.disconnect()
  const before = [linesOf(broker, 'victim'), linesOf(broker, 'gone')]
  for (let at = 0; at < 500; at++) {
    const churner = broker.connect({ clientId: `churner-${at}`, ...peer(66) })
    for (let topic = 0; topic < 60; topic++) churner.publish(`flood/${at}/${topic}/${'x'.repeat(300)}`, 'x', 0)
    churner.disconnect()
    assert.ok(usedBytes(broker) <= 60_000, `${usedBytes(broker)} bytes after ${at}`)
  }
  assert.deepEqual([linesOf(broker, 'victim'), linesOf(broker, 'gone')], before)
  assert.ok(broker.broker.metrics.recorderClientsForgotten > 400)
  await broker.close()
})

test('a churn of identifiers does not take away the share of a Client that stays and goes on', async () => {
  const limit = 200_000
  const broker = await VirtualBroker.start({ 'max-recorder-bytes': limit })
  const meter = broker.connect({ clientId: 'meter' })
  const speak = (from: number) => {
    for (let at = from; at < from + 40; at++) meter.publish(`topic/${at}`, 'x')
  }
  speak(0)
  const before = entriesOf(broker, 'meter').length
  for (let at = 0; at < 500; at++)
    broker.connect({ clientId: `churn-${at}`, peer: { address: '192.0.2.9' } }).disconnect()
  speak(40)
  assert.ok(entriesOf(broker, 'meter').length > before, `${entriesOf(broker, 'meter').length} of ${before}`)
  assert.ok(usedBytes(broker) <= limit, `${usedBytes(broker)} bytes`)
  await broker.close()
})

test('without room for a first page, entries are counted as lost, and the limit is reported once', async () => {
  const broker = await VirtualBroker.start({ 'max-recorder-bytes': 1_500, 'max-recorder-bytes-per-client': 576 })
  const limits: string[] = []
  broker.broker.on('limitReached', ({ option }) => limits.push(option))
  for (const clientId of ['a', 'b', 'c', 'd']) broker.connect({ clientId })
  assert.ok(broker.broker.metrics.recorderEntriesLost > 0)
  assert.deepEqual(limits, ['max-recorder-bytes'])
  assert.ok(usedBytes(broker) <= 1_500)
  await broker.close()
})

test('with max-recorder-bytes 0 nothing is recorded, and a reload forgets what was', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter' })
  broker.connect({ clientId: 'gone' }).disconnect()
  assert.ok(usedBytes(broker) > 0)
  const config: ConfigInput = { listeners: {}, 'sys-interval': 0, 'max-recorder-bytes': 0 }
  const reloaded = broker.broker.reload(config)
  await broker.settle()
  await reloaded
  meter.publish('a', 'x', 1)
  assert.deepEqual(linesOf(broker, 'meter'), [])
  assert.equal(serverOf(broker.broker).recorder.of('gone'), undefined)
  assert.equal(usedBytes(broker), 0)
  meter.disconnect()
  assert.equal(serverOf(broker.broker).recorder.count, 0)
  assert.equal(broker.broker.metrics.recorderEntriesLost, 0)
  await broker.close()
})

test('a Client that comes back continues its record, in which others have written nothing meanwhile', async () => {
  const broker = await VirtualBroker.start()
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('a', 1)
  away.drop()
  broker.connect({ clientId: 'meter' }).publish('a', 'x', 1)
  broker.connect({ clientId: 'away', ...KEPT })
  const kinds = entriesOf(broker, 'away').map(({ kind }) => names.get(kind))
  assert.deepEqual(kinds.slice(-4), ['Disconnected', 'Connected', 'Sent', 'Sent'])
  await broker.close()
})

test('a page that is cleared by a reload is used again', async () => {
  const broker = await VirtualBroker.start()
  for (let at = 0; at < 200; at++) broker.connect({ clientId: `c${at}` }).drop()
  const reloaded = broker.broker.reload({ listeners: {}, 'sys-interval': 0, 'max-recorder-bytes': 2_000 })
  await broker.settle()
  await reloaded
  assert.ok(usedBytes(broker) <= 2_000)
  const again = broker.connect({ clientId: 'again' })
  again.publish('a', 'x', 0)
  assert.equal(entriesOf(broker, 'again').at(-1)!.subject, 'a')
  await broker.close()
})

test('a lower limit is met in slices: very many Clients are forgotten in many turns, and others are served meanwhile', async () => {
  const broker = await VirtualBroker.start({ 'max-connect-rate': 0 })
  for (let at = 0; at < 10_000; at++) broker.connect({ clientId: `c${at}` }).drop()
  const meter = broker.connect({ clientId: 'meter' })
  meter.publish('before', 'x', 0)
  const { recorder } = serverOf(broker.broker)
  const limit = 100_000
  assert.ok(usedBytes(broker) > 30 * limit)
  const lower = (): void => {
    Object.assign(broker.broker.options, { maxRecorderBytes: limit })
    recorder.trim()
  }
  assertShared('trim', measure(broker, lower))
  assert.ok(usedBytes(broker) <= limit)
  assert.ok(recorder.count < 1000)
  meter.publish('after', 'x', 0)
  assert.equal(entriesOf(broker, 'meter').at(-1)!.subject, 'after')
  await broker.close()
})

test('a limit that is lowered again while it is met, or raised, holds at the end', async () => {
  for (const [second, least] of [
    [20_000, 0],
    [60_000_000, 1],
  ] as const) {
    const broker = await VirtualBroker.start({ 'max-connect-rate': 0 })
    for (let at = 0; at < 5_000; at++) broker.connect({ clientId: `c${at}` }).drop()
    const { recorder } = serverOf(broker.broker)
    Object.assign(broker.broker.options, { maxRecorderBytes: 500_000 })
    recorder.trim()
    Object.assign(broker.broker.options, { maxRecorderBytes: second })
    recorder.trim()
    broker.clock.runTurns()
    assert.ok(usedBytes(broker) <= second)
    assert.ok(recorder.count >= least)
    const again = broker.connect({ clientId: 'again' })
    again.publish('a', 'x', 0)
    assert.equal(entriesOf(broker, 'again').at(-1)!.subject, 'a')
    await broker.close()
  }
})

function payloadsOf(broker: VirtualBroker, clientId: string): (string | undefined)[] {
  return entriesOf(broker, clientId).flatMap(({ kind, subject, payload }) =>
    kind === RecordKind.Received && subject !== undefined ? [payload] : [],
  )
}

test('payloads are not recorded unless an option says how many bytes', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'meter' }).publish('power', 'secret', 1)
  assert.deepEqual(payloadsOf(broker, 'meter'), [undefined])
  await broker.close()
})

test('recorder-payload-bytes: the first bytes of the last payload of an entry, and none below $CONTROL/', async () => {
  const broker = await VirtualBroker.start({ 'recorder-payload-bytes': 4 })
  const meter = broker.connect({ clientId: 'meter' })
  meter.publish('power', 'first', 1)
  meter.publish('power', 'other', 0)
  meter.publish('power', 'latest', 1)
  meter.publish('lamp', 'on', 0, { retain: true })
  meter.publish('lamp', '', 0, { retain: true })
  meter.publish('$CONTROL/dynamic-security/v1', 'password', 0)
  assert.deepEqual(payloadsOf(broker, 'meter'), ['late', 'othe', 'on', undefined, undefined])
  await settled(broker, broker.broker.publish('host', 'program'))
  assert.deepEqual(payloadsOf(broker, ''), ['prog'])
  await broker.close()
})

test('recorded payloads take part of the share of their client, and of nobody else', async () => {
  const config = { 'max-recorder-bytes': 60_000, 'max-recorder-bytes-per-client': 4096, 'recorder-payload-bytes': 256 }
  const broker = await VirtualBroker.start(config)
  const victim = broker.connect({ clientId: 'victim' })
  victim.publish('precious', 'x', 1)
  const before = linesOf(broker, 'victim')
  const flooders = Array.from({ length: 20 }, (_, at) => broker.connect({ clientId: `flooder-${at}` }))
  for (let at = 0; at < 2000; at++) {
    const flooder = flooders[at % flooders.length]!
    flooder.publish(`flood/${at}`, 'x'.repeat(2000))
    const { bytes } = serverOf(broker.broker).recorder.of(`flooder-${at % flooders.length}`)!
    assert.ok(bytes <= 4096, `${bytes} bytes of a client after ${at}`)
    assert.ok(usedBytes(broker) <= 60_000, `${usedBytes(broker)} bytes after ${at}`)
  }
  assert.deepEqual([linesOf(broker, 'victim'), payloadsOf(broker, 'victim')], [before, ['x']])
  assert.ok(payloadsOf(broker, 'flooder-1').some((payload) => payload !== undefined))
  await broker.close()
})

test('a reload that sets recorder-payload-bytes to 0 forgets payloads, and their memory', async () => {
  const common: ConfigInput = { listeners: {}, 'sys-interval': 0 }
  const broker = await VirtualBroker.start({ ...common, 'recorder-payload-bytes': 64 })
  const meter = broker.connect({ clientId: 'meter' })
  meter.publish('power', 'x', 1)
  const before = usedBytes(broker)
  const reloaded = broker.broker.reload(common)
  await broker.settle()
  await reloaded
  assert.deepEqual(payloadsOf(broker, 'meter'), [undefined])
  assert.ok(usedBytes(broker) < before)
  assert.equal(linesOf(broker, 'meter').length, 4)
  await broker.close()
})
