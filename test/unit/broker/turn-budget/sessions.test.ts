import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TURN_UNITS } from '../../../../src/base/work.ts'
import type { Packet } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { noProperties } from '../../../../src/codec/properties.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import type { TestClient } from '../../../support/test-client.ts'
import { assertShared, measure, sendInTurn } from './support.ts'
import { sessionsOf } from '../../../support/sessions.ts'

const ROOM = { 'max-memory': 0, 'max-inflight-messages': 65_535 } as const
const DISCONNECT = { type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties } as const

function subscribeToMany(client: TestClient, count: number, prefix: string): void {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 2 } as const
  const subscriptions = Array.from({ length: count }, (_, at) => ({ topicFilter: `${prefix}/${at}`, ...options }))
  client.send({ type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, properties: noProperties })
  client.take()
}

async function crowd(count: number, each: number, options = {}): Promise<[VirtualBroker, TestClient[]]> {
  const broker = await VirtualBroker.start(ROOM)
  const clients = Array.from({ length: count }, (_, at) => broker.connect({ clientId: `c${at}`, ...options }))
  for (const [at, client] of clients.entries()) subscribeToMany(client, each, at % 2 === 0 ? 'shared' : `own/${at}`)
  return [broker, clients]
}

test('many Clients with many subscriptions leave at once: by DISCONNECT', async () => {
  const [broker, clients] = await crowd(20, 2_000)
  const measured = measure(broker, () => {
    for (const client of clients) sendInTurn(client, DISCONNECT)
  })
  assertShared('DISCONNECT', measured, 1_000_000)
  assert.equal(sessionsOf(broker.broker).length, 1 - 1)
  await broker.close()
})

test('many Sessions with many subscriptions expire at one moment, and take no message from then on', async () => {
  const [broker, clients] = await crowd(20, 2_000, { properties: { sessionExpiryInterval: 10 } })
  for (const client of clients) client.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  broker.advance(9_999)
  assert.equal(sessionsOf(broker.broker).length, 21)
  const measured = measure(broker, () => void broker.clock.step(broker.clock.now() + 1))
  assertShared('expiry', measured, 1_000_000)
  sensor.publish('shared/1', 'late', 1)
  assert.equal(sensor.take().length, 1)
  assert.deepEqual(
    sessionsOf(broker.broker).map(({ clientId }) => clientId),
    ['sensor'],
  )
  assert.equal(broker.broker.metrics.sessionsExpired, 20)
  await broker.close()
})

for (const expiry of [0, 60]) {
  test(`100 Connections with 2,000 messages in flight each are lost at once, and the Sessions last ${expiry} s`, async () => {
    const broker = await VirtualBroker.start({ ...ROOM, 'max-queued-messages': 2_000, 'receive-maximum': 65_535 })
    const properties = { sessionExpiryInterval: expiry, receiveMaximum: 65_535 }
    const clients = Array.from({ length: 100 }, (_, at) => broker.connect({ clientId: `c${at}`, properties }))
    for (const client of clients) client.subscribe('a', 1)
    const sensor = broker.connect({ clientId: 'sensor' })
    for (let at = 0; at < 2_000; at++) sensor.publish('a', 'short', 1)
    for (const client of clients) client.take()
    assert.equal(
      sessionsOf(broker.broker).reduce((sum, { inflightMessages }) => sum + inflightMessages, 0),
      200_000,
    )
    const measured = measure(broker, () => {
      for (const client of clients) client.destroy()
    })
    assertShared('lost', measured, 600_000)
    if (expiry > 0) {
      const back = broker.connect({ clientId: 'c0', cleanStart: false, properties })

      assert.equal(back.take().length, 2_000)
    }
    await broker.close()
  })
}

test('5,000 Connections are lost in one poll, some of them before their login', async () => {
  const broker = await VirtualBroker.start(ROOM)
  const waiting = Array.from({ length: 1_000 }, () => broker.open())
  const clients = Array.from({ length: 4_000 }, (_, at) => broker.connect({ clientId: `c${at}` }))
  const { metrics } = broker.broker
  const measured = measure(broker, () => {
    for (const client of [...waiting, ...clients]) client.destroy()
  })
  assertShared('lost', measured, 500_000)
  assert.ok(measured.turns <= Math.ceil(measured.work / (TURN_UNITS / 2)) + 1, `${measured.turns} turns`)
  assert.equal(metrics.connectionsAccepted, 5_001)
  assert.equal(sessionsOf(broker.broker).length, 0)
  assert.equal(broker.broker.figure('clientsConnected')?.value, 0)
  await broker.close()
})

test('1,000 Connections are lost in one poll, and each leaves a Will to 100 subscribers', async () => {
  const broker = await VirtualBroker.start({ ...ROOM, 'max-queued-messages': 10_000 })
  for (let at = 0; at < 100; at++) broker.connect({ clientId: `r${at}` }).subscribe('will', 1)
  const will = { topicName: 'will', qos: 1 } as const
  const clients = Array.from({ length: 1_000 }, (_, at) => broker.connect({ clientId: `c${at}`, will }))
  const measured = measure(broker, () => {
    for (const client of clients) client.destroy()
  })
  assertShared('lost', measured, 500_000)
  assert.equal(broker.broker.metrics.willsPublished, 1_000)
  await broker.close()
})

test('a Session that ended takes nothing while its subscriptions are still there', async () => {
  const [broker, [first, second]] = await crowd(2, 5_000)
  subscribeToMany(second!, 5_000, 'shared')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('shared/4999', 'before', 1)
  assert.deepEqual(first!.takePayloads(), ['before'])
  sendInTurn(first!, DISCONNECT)
  const payload = Buffer.from('after')
  const message = { type: PacketType.PUBLISH, dup: false, qos: 1, retain: false, topicName: 'shared/4999' } as const
  sendInTurn(sensor, { ...message, packetIdentifier: 7, properties: noProperties, payload })
  broker.clock.runTurn()
  assert.deepEqual(second!.takePayloads(), ['before', 'after'])
  assert.equal(broker.broker.metrics.dropped['not connected'], 0)
  broker.clock.runTurns()
  assert.deepEqual(
    sessionsOf(broker.broker)
      .map(({ clientId }) => clientId)
      .toSorted(),
    ['c1', 'sensor'],
  )
  await broker.close()
})

const UNSUBSCRIBE: Packet = {
  type: PacketType.UNSUBSCRIBE,
  packetIdentifier: 2,
  topicFilters: ['$share/g/a'],
  properties: noProperties,
}

async function leaveShared(packet: Packet, others: number, areConnected: boolean): Promise<void> {
  const held = 10_000
  const limits = { 'max-queued-messages': held, 'max-queued-messages-connected': held, 'max-queued-bytes': 1e9 }
  const broker = await VirtualBroker.start({ ...ROOM, ...limits })
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } } as const
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 1 } })
  leaving.subscribe('$share/g/a', 1)
  for (let at = 0; at <= held; at++) void broker.broker.publish('a', String(at), { qos: 1 })
  broker.clock.runTurns()
  leaving.take()
  for (let at = 0; at < others; at++) {
    const member = broker.connect({ clientId: `other-${at}`, ...kept })
    member.subscribe('$share/g/a', 1)
    if (!areConnected) member.drop()
  }
  const { metrics } = broker.broker
  const before = metrics.dropped['session ended']
  const name = `packet ${packet.type} beside ${others} others`
  assertShared(
    name,
    measure(broker, () => sendInTurn(leaving, packet)),
  )
  const sessions = sessionsOf(broker.broker).filter(({ clientId }) => clientId !== 'leaving')
  const got = sessions.reduce((sum, { queuedMessages, inflightMessages }) => sum + queuedMessages + inflightMessages, 0)
  // What was sent stays with the one who stays.
  assert.equal(got, packet === DISCONNECT ? held + 1 : held)
  assert.equal(metrics.dropped['session ended'], before)
  await broker.close()
}

test('a member of a Shared Subscription ends, and 10,000 messages go to others, each to one of them', async () => {
  await leaveShared(DISCONNECT, 2_000, false)
  await leaveShared(DISCONNECT, 19, true)
})

test('a member of a Shared Subscription unsubscribes, and 10,000 messages go to others, each to one of them', async () => {
  await leaveShared(UNSUBSCRIBE, 2_000, false)
  await leaveShared(UNSUBSCRIBE, 19, true)
})

test('many Wills that waited for a subscriber go out a share at a time, once it has left', async () => {
  const broker = await VirtualBroker.start({ ...ROOM, 'max-queued-messages': 1, 'max-queued-messages-connected': 2 })
  const receivers = Array.from({ length: 50 }, (_, at) => broker.connect({ clientId: `r${at}` }))
  for (const receiver of receivers) receiver.subscribe('will')
  const slow = broker.connect({ clientId: 'slow', properties: { receiveMaximum: 1 } })
  slow.subscribe('will', 1)
  const leavers = Array.from({ length: 1000 }, (_, at) =>
    broker.connect({ clientId: `c${at}`, will: { topicName: 'will', qos: 1 } }),
  )
  for (const leaver of leavers) leaver.drop()
  assert.ok(broker.broker.metrics.willsPublished < 10, 'they wait')
  assertShared(
    'Wills',
    measure(broker, () => sendInTurn(slow, DISCONNECT)),
    400_000,
  )
  assert.equal(broker.broker.metrics.willsPublished, 1000)
  await broker.close()
})
