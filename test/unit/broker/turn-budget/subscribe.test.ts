import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SubackPacket, type SubscribePacket, type UnsubackPacket } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { assertShared, measure, sendInTurn } from './support.ts'
import { sessionsOf } from '../../../support/sessions.ts'

const ROOM = {
  'max-subscriptions': 1_000_000,
  'max-filters-per-packet': 100_000,
  'max-user-properties': 100_000,
  'max-retained-messages': 0,
  'max-inflight-messages': 65_535,
} as const
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

function subscribeTo(topicFilters: readonly string[], packetIdentifier = 1): SubscribePacket {
  const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
  return { type: PacketType.SUBSCRIBE, packetIdentifier, subscriptions, properties: noProperties }
}

function filters(count: number, form: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => form(at))
}

const PING = { type: PacketType.PINGREQ } as const

test('SUBSCRIBE with 10,000 filters: others are served, its SUBACK comes at the end, and in order', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'many' })
  const wanted = subscribeTo(filters(10_000, (at) => `a/${at}/b`))
  assertShared(
    'SUBSCRIBE',
    measure(broker, () => sendInTurn(client, wanted, PING)),
  )
  const [suback, pingresp] = client.take()
  assert.equal((suback as SubackPacket).reasonCodes.length, 10_000)
  assert.equal(pingresp?.type, PacketType.PINGRESP)
  await broker.close()
})

test('SUBSCRIBE with filters of 200 levels, and of 8 KB', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'many' })
  const deep = subscribeTo(filters(1_000, (at) => `${at}${'/'.repeat(199)}`))
  assertShared(
    'deep',
    measure(broker, () => sendInTurn(client, deep)),
  )
  const long = subscribeTo(
    filters(1_000, (at) => `${at}/${'x'.repeat(8_000)}`),
    2,
  )
  assertShared(
    'long',
    measure(broker, () => sendInTurn(client, long)),
  )
  await broker.close()
})

test('SUBSCRIBE with 2,000 filters that plugins are asked about, at once and later', async () => {
  for (const answer of [true, Promise.resolve(true)]) {
    const plugin = { name: 'slow', maySubscribe: () => answer, mayPublish: () => true }
    const broker = await VirtualBroker.start({ ...ROOM, 'topic-check': { plugins: [plugin] } })
    const client = broker.connect({ clientId: 'many' })
    const wanted = subscribeTo(filters(2_000, (at) => `a/${at}`))
    const measured = measure(broker, () => sendInTurn(client, wanted))
    if (answer === true) assertShared('asked', measured, 100_000)
    for (let round = 0; round < 5; round++) await broker.settle()
    assert.equal((client.take()[0] as SubackPacket).reasonCodes.length, 2_000)
    await broker.close()
  }
})

test('a forbidden filter at the end of a long SUBSCRIBE grants nothing', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'many', ...KEPT })
  measure(broker, () => sendInTurn(client, subscribeTo([...filters(10_000, (at) => `a/${at}`), 'a/#/b'])))
  assert.ok(client.isClosed)
  const [session] = sessionsOf(broker.broker)
  assert.equal(session!.subscriptions.length, 0)
  await broker.close()
})

test('a Connection that ends within its SUBSCRIBE leaves a beginning of it, without an answer [5.0 MQTT-3.8.4-5]', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'many', ...KEPT })
  sendInTurn(client, subscribeTo(filters(10_000, (at) => `a/${at}`)))
  broker.clock.runTurn()
  client.drop()
  assert.deepEqual(client.take(), [])
  const back = broker.connect({ clientId: 'many', ...KEPT })
  const granted = sessionsOf(broker.broker)[0]!.subscriptions
  assert.ok(granted.length > 0 && granted.length < 10_000, String(granted.length))
  assert.deepEqual(
    granted.map(({ topicFilter }) => topicFilter),
    filters(granted.length, (at) => `a/${at}`),
  )
  broker.connect({ clientId: 'sensor' }).publish('a/0', 'to the first')
  assert.deepEqual(back.takePayloads(), ['to the first'])
  await broker.close()
})

test('UNSUBSCRIBE with 10,000 filters, and in order', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const client = broker.connect({ clientId: 'many' })
  const all = filters(10_000, (at) => `a/${at}/b`)
  client.send(subscribeTo(all))
  client.take()
  const packet = {
    type: PacketType.UNSUBSCRIBE,
    packetIdentifier: 2,
    topicFilters: all,
    properties: noProperties,
  } as const
  assertShared(
    'UNSUBSCRIBE',
    measure(broker, () => sendInTurn(client, packet, PING)),
  )
  const [unsuback, pingresp] = client.take()
  assert.deepEqual(
    (unsuback as UnsubackPacket).reasonCodes,
    all.map(() => 0),
  )
  assert.equal(pingresp?.type, PacketType.PINGRESP)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'many')!.subscriptions.length, 0)
  await broker.close()
})

test('UNSUBSCRIBE of 2,000 Shared Subscriptions with messages waiting hands them over in one go through the queue', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 1 } })
  const all = filters(2_000, (at) => `$share/g/a/${at}`)
  leaving.send({
    ...subscribeTo(all),
    subscriptions: subscribeTo(all).subscriptions.map((one) => ({ ...one, qos: 1 as const })),
  })
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 2_000; at++) sensor.publish(`a/${at}`, String(at), 1)
  const staying = broker.connect({ clientId: 'staying', properties: { receiveMaximum: 65_535 } })
  staying.send({
    ...subscribeTo(all),
    subscriptions: subscribeTo(all).subscriptions.map((one) => ({ ...one, qos: 1 as const })),
  })
  staying.take()
  const packet = {
    type: PacketType.UNSUBSCRIBE,
    packetIdentifier: 2,
    topicFilters: all,
    properties: noProperties,
  } as const
  assertShared(
    'shared',
    measure(broker, () => sendInTurn(leaving, packet)),
    50_000,
  )
  assert.equal(staying.takePayloads().length, 1_999)
  await broker.close()
})

test('subscribeFor with 10,000 filters, and unsubscribeFor, of a client that is connected and of one that is not', async () => {
  const broker = await VirtualBroker.start(ROOM)
  broker.connect({ clientId: 'connected' })
  broker.connect({ clientId: 'away', ...KEPT }).drop()
  const topicFilters = filters(10_000, (at) => `a/${at}/b`)
  for (const clientId of ['connected', 'away']) {
    const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter }))
    let subscribed: ReturnType<typeof broker.broker.subscribeFor> | undefined
    assertShared(
      'subscribeFor',
      measure(broker, () => void (subscribed = broker.broker.subscribeFor(clientId, subscriptions))),
    )
    assert.equal((await subscribed)?.length, 10_000)
    let unsubscribed: ReturnType<typeof broker.broker.unsubscribeFor> | undefined
    assertShared(
      'unsubscribeFor',
      measure(broker, () => void (unsubscribed = broker.broker.unsubscribeFor(clientId, topicFilters))),
    )
    assert.ok((await unsubscribed)!.every(({ reasonCode }) => reasonCode === 0))
  }
  await broker.close()
})

test('subscribeFor and unsubscribeFor with 20,000 filters of which the last one is none: nothing is done, in many turns', async () => {
  const broker = await VirtualBroker.start(ROOM)
  broker.connect({ clientId: 'connected' })
  const topicFilters = [...filters(20_000, (at) => `a/${at}/b`), 'a/#/b']
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter }))
  for (const call of [
    () => broker.broker.subscribeFor('connected', subscriptions),
    () => broker.broker.unsubscribeFor('connected', topicFilters),
  ]) {
    let refused: Promise<void> | undefined
    assertShared(
      'checks',
      measure(broker, () => {
        refused = assert.rejects(call(), /not a topic filter/)
      }),
    )
    await refused
  }
  assert.equal(serverOf(broker.broker).router.subscriptions, 0)
  await broker.close()
})
