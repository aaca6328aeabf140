import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import type { Logger, LogMethod } from '../../../src/base/log.ts'
import { sizeOfText } from '../../../src/base/memory-account.ts'
import { DROP_BYTES, RECEIVED_BYTES } from '../../../src/protocol/memory-sizes.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

type Transform = NonNullable<Plugin['transformDelivery']>

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

function transforming(transformDelivery: Transform, more: ConfigInput = {}): ConfigInput {
  return { intercept: { plugins: [{ name: 'lens', transformDelivery }] }, ...more }
}

/** Each receiver gets its own name behind the payload. */
const SIGN: Transform = ({ clientId }, message) => ({ decision: 'replace', payload: `${message.text()}@${clientId}` })

function contentsOf(packets: readonly PublishPacket[]): string[] {
  return packets.map(({ topicName, payload }) => `${topicName}=${Buffer.from(payload).toString()}`)
}

function received(client: TestClient): string[] {
  return contentsOf(client.receiveAll())
}

function watch(broker: VirtualBroker): string[] {
  const told: string[] = []
  broker.broker.on('dropped', ({ clientId, message, cause }: BrokerEvents['dropped']) => {
    told.push(`${clientId} ${message.text()}: ${cause}`)
  })
  return told
}

for (const version of [3, 4, 5] as ProtocolVersion[]) {
  for (const qos of [0, 1, 2] as const) {
    test(`each receiver gets what is made for it, QoS ${qos}, protocol ${version}`, async () => {
      const broker = await VirtualBroker.start(
        transforming((client, message) => (client.clientId === 'plain' ? undefined : SIGN(client, message))),
      )
      const readers = ['one', 'plain', 'two'].map((clientId) => broker.connect({ clientId, version }))
      for (const reader of readers) reader.subscribe('#', 2)
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('a', '1', qos)
      sensor.publish('a', '2', qos)
      assert.deepEqual(readers.map(received), [
        ['a=1@one', 'a=2@one'],
        ['a=1', 'a=2'],
        ['a=1@two', 'a=2@two'],
      ])
      assert.equal(broker.broker.metrics.deliveriesReplaced, 4)
      await broker.close()
    })
  }
}

test('topic and properties are replaced, with a Subscription Identifier and a Topic Alias of the receiver', async () => {
  const broker = await VirtualBroker.start(
    transforming((_client, { topic }) => ({
      decision: 'replace',
      topic: `shown/${topic}`,
      properties: { contentType: 'x' },
    })),
  )
  const reader = broker.connect({ clientId: 'reader', properties: { topicAliasMaximum: 5 } })
  reader.subscribe('#', 0, {}, { subscriptionIdentifiers: [7] })
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1', 0, { properties: { messageExpiryInterval: 5, contentType: 'y' } })
  sensor.publish('a', '2')
  const packets = reader.receiveAll()
  assert.deepEqual(
    packets.map(({ topicName, properties }) => [topicName, properties]),
    [
      ['shown/a', { contentType: 'x', subscriptionIdentifiers: [7], topicAlias: 1 }],
      ['', { contentType: 'x', subscriptionIdentifiers: [7], topicAlias: 1 }],
    ],
  )
  await broker.close()
})

test('everything that goes to a client is looked at: retained, queued, Wills, of the host program, $SYS', async () => {
  const broker = await VirtualBroker.start(transforming(SIGN, { 'sys-interval': 1 }))
  await broker.broker.publish('kept', 'kept', { retain: true })
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('queued', 1)
  away.drop()
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe(['kept', 'will', 'host', '$SYS/broker/version'])
  assert.match(received(reader).join(), /^kept=kept@reader,\$SYS\/broker\/version=sluice .*@reader$/)
  await broker.broker.publish('host', 'host')
  broker.connect({ clientId: 'gone', will: { topicName: 'will' } }).drop()
  assert.deepEqual(received(reader), ['host=host@reader', 'will=gone@reader'])
  broker.connect({ clientId: 'sensor' }).publish('queued', 'queued', 1)
  assert.deepEqual(received(broker.connect({ clientId: 'away', ...KEPT })), ['queued=queued@away'])
  await broker.close()
})

test('subscriptions of the host program get messages as they are', async () => {
  const broker = await VirtualBroker.start(transforming(() => ({ decision: 'drop' })))
  const seen: string[] = []
  broker.broker.subscribe('#', (message) => void seen.push(message.text()))
  broker.connect().publish('a', '1')
  assert.deepEqual(seen, ['1'])
  await broker.close()
})

for (const qos of [0, 1, 2] as const) {
  test(`a drop keeps a message of QoS ${qos} from this receiver alone; it is counted, and nothing stays behind`, async () => {
    const broker = await VirtualBroker.start(
      transforming(({ clientId }) => (clientId === 'blind' ? { decision: 'drop' } : undefined)),
    )
    const told = watch(broker)
    const blind = broker.connect({ clientId: 'blind', properties: { receiveMaximum: 2 } })
    blind.subscribe('#', 2)
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#', 2)
    const sensor = broker.connect({ clientId: 'sensor' })
    const before = broker.broker.memory.bytes
    for (const text of ['1', '2', '3', '4']) sensor.publish('a', text, qos)
    assert.deepEqual([received(blind), received(reader)], [[], ['a=1', 'a=2', 'a=3', 'a=4']])
    assert.deepEqual(
      told,
      ['1', '2', '3', '4'].map((text) => `blind ${text}: dropped by plugin`),
    )
    assert.equal(broker.broker.metrics.dropped['dropped by plugin'], 4)
    assert.equal(broker.broker.figure('inflightOut')!.value, 0)
    for (const { packetIdentifier } of sensor
      .take()
      .filter(({ type }) => type === PacketType.PUBREC) as PublishPacket[]) {
      sensor.acknowledge(PacketType.PUBREL, packetIdentifier)
    }
    // A Session stays charged for a step of Packet Identifiers, and for the entry about what was dropped.
    const dropped = DROP_BYTES + sizeOfText('a')
    assert.equal(broker.broker.memory.bytes, before + dropped + (qos === 2 ? 16 * RECEIVED_BYTES : 0))
    await broker.close()
  })
}

test('members of a Shared Subscription take turns; a drop keeps the message from the member whose turn it was', async () => {
  const broker = await VirtualBroker.start(
    transforming((client, message) => (message.text() === '2' ? { decision: 'drop' } : SIGN(client, message))),
  )
  const told = watch(broker)
  const members = ['one', 'two'].map((clientId) => broker.connect({ clientId }))
  for (const member of members) member.subscribe('$share/group/#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const text of ['1', '2', '3', '4']) sensor.publish('a', text, 1)
  assert.deepEqual(members.map(received), [['a=1@one', 'a=3@one'], ['a=4@two']])
  assert.deepEqual(told, ['two 2: dropped by plugin'])
  await broker.close()
})

test('what is made for a receiver and exceeds its Maximum Packet Size is dropped for that [5.0 MQTT-3.1.2-24]', async () => {
  const broker = await VirtualBroker.start(
    transforming((_client, message) => ({ decision: 'replace', payload: 'x'.repeat(Number(message.text())) })),
  )
  const told = watch(broker)
  const reader = broker.connect({ clientId: 'reader', properties: { maximumPacketSize: 100 } })
  reader.subscribe('#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const text of ['10', '200', '20']) sensor.publish('a', text, 1)
  assert.deepEqual(
    reader.receiveAll().map(({ payload }) => payload.length),
    [10, 20],
  )
  assert.deepEqual(told, ['reader 200: packet too large'])
  await broker.close()
})

test('a large payload made for one receiver arrives whole, though the memory around it is used again', async () => {
  const broker = await VirtualBroker.start(
    transforming(({ clientId }, message) => ({
      decision: 'replace',
      payload: clientId.repeat(message.payload.length),
    })),
  )
  const readers = ['a', 'b'].map((clientId) => broker.connect({ clientId }))
  for (const reader of readers) reader.subscribe('#')
  broker.connect({ clientId: 'sensor' }).publish('t', 'x'.repeat(100_000))
  assert.deepEqual(readers.map(received), [[`t=${'a'.repeat(100_000)}`], [`t=${'b'.repeat(100_000)}`]])
  await broker.close()
})

for (const qos of [1, 2] as const) {
  test(`what is sent again is made again, for the Client that is there now, QoS ${qos} [5.0 MQTT-4.4.0-1]`, async () => {
    const broker = await VirtualBroker.start(
      transforming(({ address }, message) => ({ decision: 'replace', payload: `${message.text()} to ${address}` })),
    )
    const first = broker.connect({ clientId: 'reader', ...KEPT, peer: { address: '192.0.2.1' } })
    first.subscribe('#', 2)
    broker.connect({ clientId: 'sensor' }).publish('a', '1', qos)
    assert.deepEqual(first.takePayloads(), ['1 to 192.0.2.1'])
    first.drop()
    const second = broker.connect({ clientId: 'reader', ...KEPT, peer: { address: '192.0.2.2' } })
    assert.deepEqual(received(second), ['a=1 to 192.0.2.2'])
    await broker.close()
  })
}

test('a QoS 2 message that is dropped when it would be sent again is brought to its end [5.0 MQTT-4.3.3-1]', async () => {
  let isBlind = false
  const broker = await VirtualBroker.start(transforming(() => (isBlind ? { decision: 'drop' } : undefined)))
  const told = watch(broker)
  const first = broker.connect({ clientId: 'reader', ...KEPT })
  first.subscribe('#', 2)
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1', 2)
  const [sent] = first.take() as [PublishPacket]
  first.drop()
  isBlind = true
  const second = broker.connect({ clientId: 'reader', ...KEPT })
  const packets = second.take()
  assert.deepEqual(
    packets.map((packet) => [packet.type, (packet as PublishPacket).packetIdentifier]),
    [[PacketType.PUBREL, sent.packetIdentifier]],
  )
  assert.deepEqual(told, ['reader 1: dropped by plugin'])
  assert.equal(broker.broker.figure('inflightOut')!.value, 1) // its identifier is in use until PUBCOMP
  second.acknowledge(PacketType.PUBCOMP, sent.packetIdentifier)
  assert.equal(broker.broker.figure('inflightOut')!.value, 0)
  isBlind = false
  sensor.publish('a', '2', 2)
  assert.deepEqual(received(second), ['a=2'])
  await broker.close()
})

test('a message that the plugin keeps stays as it was, though the chunk that it came in is used again', async () => {
  const kept: { text(): string }[] = []
  const broker = await VirtualBroker.start(
    transforming((_client, message) => {
      kept.push(message)
      return undefined
    }),
  )
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', 'text')
  sensor.publish('a', 'more')
  assert.deepEqual(
    kept.map((message) => message.text()),
    ['text', 'more'],
  )
  await broker.close()
})

test('a plugin that writes into a message for one receiver changes it for nobody', async () => {
  const broker = await VirtualBroker.start(
    transforming((_client, message) => {
      message.payload.fill(0)
      return undefined
    }),
  )
  const readers = ['one', 'two'].map((clientId) => broker.connect({ clientId }))
  for (const reader of readers) reader.subscribe('#', 1)
  broker.connect({ clientId: 'sensor' }).publish('a', 'text', 1, { retain: true })
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('#')
  assert.deepEqual([...readers, late].map(received), [['a=text'], ['a=text'], ['a=text']])
  await broker.close()
})

test('a queue is charged with the message as it was published, and nothing of what is made stays in an account', async () => {
  const broker = await VirtualBroker.start(
    transforming((_client, message) => ({ decision: 'replace', payload: Buffer.alloc(message.payload.length * 50) })),
  )
  const reader = broker.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('#', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  const before = broker.broker.memory.bytes
  sensor.publish('a', 'x'.repeat(1000), 1)
  const inFlight = broker.broker.memory.bytes - before
  assert.ok(inFlight > 1000 && inFlight < 3000, String(inFlight))
  assert.equal((reader.receiveAll()[0] as PublishPacket).payload.length, 50_000)
  assert.equal(broker.broker.memory.bytes, before)
  await broker.close()
})

test('what waited on disk is looked at when it is sent', async () => {
  const disk = new MemoryDisk()
  const config = transforming(SIGN, { persistence: { durability: 'disk', 'max-session-ram-bytes': 1 } })
  const first = await VirtualBroker.start(config, { disk })
  const reader = first.connect({ clientId: 'reader', ...KEPT })
  reader.subscribe('#', 1)
  await first.settle()
  reader.drop()
  const sensor = first.connect({ clientId: 'sensor' })
  for (const text of ['1', '2', '3']) sensor.publish('a', text, 1)
  await first.settle()
  await first.close()
  const second = await VirtualBroker.start(config, { disk })
  const back = second.connect({ clientId: 'reader', ...KEPT })
  const all: string[] = []
  for (let round = 0; round < 10; round++) {
    await second.settle()
    all.push(...received(back))
  }
  assert.deepEqual(all, ['a=1@reader', 'a=2@reader', 'a=3@reader'])
  await second.close()
})

test('the right to receive is asked about the topic that the message has, and the plugin only after it', async () => {
  const seen: string[] = []
  const rules: Plugin = {
    name: 'rules',
    mayPublish: () => true,
    maySubscribe: () => true,
    mayReceive: (_client, topicName) => topicName !== 'secret',
  }
  const config = transforming(
    (_client, { topic }) => {
      seen.push(topic)
      return { decision: 'replace', topic: topic === 'open' ? 'secret' : 'open' }
    },
    { 'topic-check': { plugins: [rules] } },
  )
  const broker = await VirtualBroker.start(config)
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('secret', '1')
  sensor.publish('open', '2')
  assert.deepEqual([seen, received(reader)], [['open'], ['secret=2']])
  await broker.close()
})

const RUBBISH: readonly [string, () => unknown][] = [
  ['throws', () => assert.fail('secret-payload')],
  ['answers with a promise', () => Promise.resolve(undefined)],
  ['answers with a promise that rejects', () => Promise.reject(new Error('secret-payload'))],
  ['answers with a thenable', () => ({ then: () => {} })],
  ['refuses', () => ({ decision: 'refuse' })],
  ['answers true', () => true],
  ['gives a topic with a wildcard', () => ({ decision: 'replace', topic: '+' })],
  ['gives a property of another packet', () => ({ decision: 'replace', properties: { sessionExpiryInterval: 1 } })],
]

for (const [title, answer] of RUBBISH) {
  for (const qos of [0, 1, 2] as const) {
    test(`a plugin that ${title} has dropped the delivery, and is logged, QoS ${qos}`, async () => {
      const errors: string[] = []
      const quiet: LogMethod = () => {}
      const error: LogMethod = (fields: object | string, message?: string) =>
        void errors.push(`${JSON.stringify(fields)} ${message}`)
      const logger: Logger = { debug: quiet, info: quiet, warn: quiet, error }
      const broker = await VirtualBroker.start(
        transforming((_client, message) => (message.text() === 'bad' ? (answer() as undefined) : undefined)),
        { logger },
      )
      const told = watch(broker)
      const reader = broker.connect({ clientId: 'reader' })
      reader.subscribe('#', 2)
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('a', 'bad', qos)
      sensor.publish('a', 'good', qos)
      await broker.settle()
      assert.deepEqual(received(reader), ['a=good'])
      assert.deepEqual(told, ['reader bad: plugin failed'])
      assert.match(errors.join('\n'), /plugin lens failed in transformDelivery, which drops the delivery/)
      assert.doesNotMatch(errors.join('\n'), /secret-payload/)
      await broker.close()
    })
  }
}

test('a reload brings a plugin, takes it away and brings another', async () => {
  const broker = await VirtualBroker.start()
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  const publish = (): string[] => {
    reader.publish('a', '1')
    return received(reader)
  }
  assert.deepEqual(publish(), ['a=1'])
  await broker.broker.reload({ listeners: {}, ...transforming(SIGN) })
  assert.deepEqual(publish(), ['a=1@reader'])
  await broker.broker.reload({ listeners: {} })
  assert.deepEqual(publish(), ['a=1'])
  await broker.broker.reload({ listeners: {}, ...transforming(() => ({ decision: 'replace', payload: '2' })) })
  assert.deepEqual(publish(), ['a=2'])
  await broker.close()
})

test('a plugin may end the receiver, or publish, in the middle of a delivery; QoS 1 and 2 wait for its return', async () => {
  const broker = await VirtualBroker.start(
    transforming((client, message) => {
      if (!client.clientId.startsWith('reader')) return undefined
      void broker.broker.publish('told', message.payload)
      if (message.text().startsWith('end')) void broker.broker.disconnect(client.clientId)
      return undefined
    }),
  )
  const witness = broker.connect({ clientId: 'witness' })
  witness.subscribe('told')
  for (const qos of [0, 1, 2] as const) {
    const reader = broker.connect({ clientId: `reader${qos}`, ...KEPT })
    reader.subscribe('a', 2)
    broker.connect({ clientId: 'sensor' }).publish('a', `end${qos}`, qos)
    assert.ok(reader.isClosed)
    assert.deepEqual(received(witness), [`told=end${qos}`])
  }
  assert.equal(broker.broker.metrics.internalErrors, 0)
  assert.equal(broker.broker.figure('inflightOut')!.value, 2)
  await broker.close()
})
