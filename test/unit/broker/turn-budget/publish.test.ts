import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket, type SubscribePacket } from '../../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { assertShared, measure, sendInTurn } from './support.ts'
import { publishPacket } from '../../../support/publish-packet.ts'

const ROOM = {
  'max-memory': 0,
  'max-queued-messages': 100_000,
  'max-queued-bytes': 1e9,
  'max-inflight-messages': 65_535,
} as const

function subscribeTo(topicFilters: readonly string[], qos: QoS, packetIdentifier = 1): SubscribePacket {
  const options = { qos, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
  return { type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties: noProperties }
}

function publishOf(topicName: string, qos: QoS, packetIdentifier: number): PublishPacket {
  return publishPacket(topicName, 'payload', { qos, packetIdentifier })
}

for (const qos of [0, 1, 2] as const) {
  test(`a chunk of PUBLISH at QoS ${qos} to 200 receivers each, and its order`, async () => {
    const broker = await VirtualBroker.start({ ...ROOM, 'receive-maximum': 65_535 })
    const receivers = Array.from({ length: 200 }, (_, at) => broker.connect({ clientId: `r${at}` }))
    for (const receiver of receivers) receiver.send(subscribeTo(['a/+'], qos))
    const sensor = broker.connect({ clientId: 'sensor' })
    const packets = Array.from({ length: 500 }, (_, at) => publishOf(`a/${at % 3}`, qos, at + 1))
    assertShared(
      `QoS ${qos}`,
      measure(broker, () => sendInTurn(sensor, ...packets)),
      400_000,
    )
    const [first] = receivers
    const topics = first!.take().filter((packet) => packet.type === PacketType.PUBLISH)
    assert.deepEqual(
      topics.map((packet) => (packet as PublishPacket).topicName),
      packets.map(({ topicName }) => topicName),
    )
    await broker.close()
  })
}

test('topics that go through every node of a tree made for it', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'maker' })
  const levels = 12
  const filters = Array.from({ length: 2 ** levels }, (_, bits) =>
    Array.from({ length: levels }, (_, level) => ((bits >> level) & 1 ? '+' : 'a')).join('/'),
  )
  client.send(subscribeTo(filters, 0))
  const sensor = broker.connect({ clientId: 'sensor' })
  const topic = Array.from({ length: levels }, () => 'a').join('/')
  // A change of what matches it between two of them makes the routes of each anew.
  const packets = Array.from({ length: 40 }, (_, at) => [
    subscribeTo([topic], 0, at + 1),
    publishOf(topic, 0, 0),
  ]).flat()
  assertShared(
    'tree',
    measure(broker, () => sendInTurn(sensor, ...packets)),
    400_000,
  )
  await broker.close()
})

test('a Client that comes back to a long backlog', async () => {
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 65_535 } } as const
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'back', ...kept })
  client.send(subscribeTo(['#'], 1))
  client.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 40; at++) {
    sensor.send(...Array.from({ length: 1000 }, (_, index) => publishOf(`a/${at}/${index}`, 1, index + 1)))
  }
  sensor.take()
  const again = broker.open()
  const measured = measure(broker, () => {
    sendInTurn(again, {
      type: PacketType.CONNECT,
      protocolVersion: 5,
      keepAlive: 0,
      clientId: 'back',
      will: undefined,
      userName: undefined,
      password: undefined,
      ...kept,
    })
  })
  assertShared('backlog', measured)
  const topics = again
    .take()
    .filter((packet) => packet.type === PacketType.PUBLISH)
    .map((packet) => (packet as PublishPacket).topicName)
  assert.equal(topics.length, 40_000)
  assert.equal(topics[0], 'a/0/0')
  assert.equal(topics.at(-1), 'a/39/999')
  await broker.close()
})

test('many Wills at one moment, to many receivers', async () => {
  const broker = await VirtualBroker.start(ROOM)
  for (let at = 0; at < 100; at++) broker.connect({ clientId: `r${at}` }).send(subscribeTo(['will/#'], 0))
  const clients = Array.from({ length: 300 }, (_, at) =>
    broker.connect({ clientId: `w${at}`, keepAlive: 10, will: { topicName: `will/${at}` } }),
  )
  assert.equal(clients.length, 300)
  const measured = measure(broker, () => void broker.clock.step(broker.clock.now() + 15_000))
  assertShared('Wills', measured, 150_000)
  assert.equal(broker.broker.metrics.willsPublished, 300)
  await broker.close()
})
