/** Sessions: Clean Start (§3.1.2.4), Session Expiry Interval (§3.1.2.11.2), Session State (§4.1). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, justBefore, onlyPublish, publishes, resume, SECOND, typesOf, watch } from './support.ts'
import { sessionsOf } from '../../support/sessions.ts'

const DAY_MS = 86_400 * SECOND

/** A Session of that many seconds, with a Subscription and a message that waits; its Client has just left. */
async function leftSession(sessionExpiryInterval: number, config = {}): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start(config)
  const client = resume(broker, 'c', sessionExpiryInterval)
  client.subscribe('t', 1)
  client.drop()
  broker.connect({ clientId: 'publisher' }).publish('t', 'waiting', 1)
  return broker
}

test('Clean Start 1 throws an existing Session away, with its messages and Subscriptions [5.0 MQTT-3.1.2-4, MQTT-3.1.4-4, MQTT-3.2.2-2]', async () => {
  const broker = await leftSession(100)
  const client = broker.connect({ clientId: 'c', cleanStart: true })
  assert.equal(client.connack?.sessionPresent, false)
  assert.equal(client.connack.reasonCode, 0)
  broker.connect({ clientId: 'publisher' }).publish('t', 'later', 1)
  assert.deepEqual(client.take(), [])
})

test('Clean Start 0 goes on from the Session that exists [5.0 MQTT-3.1.2-5, MQTT-3.1.4-4, MQTT-3.2.2-3]', async () => {
  const broker = await leftSession(100)
  const client = resume(broker, 'c', 100)
  assert.equal(client.connack?.sessionPresent, true)
  broker.connect({ clientId: 'publisher' }).publish('t', 'later', 1)
  assert.deepEqual(client.takePayloads(), ['waiting', 'later'])
})

test('Clean Start 0 without a Session makes one, and says Session Present 0 [5.0 MQTT-3.1.2-6, MQTT-3.2.2-3]', async () => {
  const broker = await VirtualBroker.start()
  const first = resume(broker, 'c', 100)
  assert.equal(first.connack?.sessionPresent, false)
  first.drop()
  assert.equal(resume(broker, 'c', 100).connack?.sessionPresent, true)
})

test('The Client Identifier is the key of a Session: another one, also in case only, is another Session [5.0 MQTT-3.1.3-2]', async () => {
  const broker = await leftSession(100)
  for (const clientId of ['C', 'c ', 'cc', 'd']) {
    const other = resume(broker, clientId, 100)
    assert.equal(other.connack?.sessionPresent, false)
    assert.deepEqual(other.take(), [])
  }
  assert.deepEqual(resume(broker, 'c', 100).takePayloads(), ['waiting'])
})

test('With a Session Expiry Interval the state is kept after the close, to the last millisecond of it [5.0 MQTT-3.1.2-23, U-4.1-1]', async () => {
  const broker = await leftSession(60)
  broker.advance(justBefore(60))
  const client = resume(broker, 'c', 60)
  assert.equal(client.connack?.sessionPresent, true)
  assert.deepEqual(client.takePayloads(), ['waiting'])
})

test('A Session ends when its Session Expiry Interval has passed since the close, not since CONNECT [5.0 U-4.1-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 1)
  broker.advance(600 * SECOND)
  client.drop()
  broker.advance(justBefore(60))
  assert.equal(sessionsOf(broker.broker).length, 1)
  broker.advance(1)
  assert.equal(sessionsOf(broker.broker).length, 0)
  assert.equal(resume(broker, 'c', 60).connack?.sessionPresent, false)
})

test('A Session that is resumed counts anew from its next close, with the newer interval [5.0 U-4.1-1]', async () => {
  const broker = await leftSession(60)
  broker.advance(50 * SECOND)
  resume(broker, 'c', 30).drop()
  broker.advance(justBefore(30))
  assert.equal(sessionsOf(broker.broker).length, 2, 'c and the publisher')
  broker.advance(1)
  assert.equal(resume(broker, 'c', 30).connack?.sessionPresent, false)
})

for (const properties of [{}, { sessionExpiryInterval: 0 }]) {
  test(`Session Expiry Interval ${'sessionExpiryInterval' in properties ? 0 : 'absent'}: the Session ends with the connection [5.0 U-3.1.2.11.2-1]`, async () => {
    const broker = await VirtualBroker.start()
    const client = broker.connect({ clientId: 'c', cleanStart: false, properties })
    client.subscribe('t', 1)
    client.drop()
    assert.equal(sessionsOf(broker.broker).length, 0)
    assert.equal(broker.connect({ clientId: 'c', cleanStart: false }).connack?.sessionPresent, false)
  })
}

test('Session Expiry Interval 0xFFFFFFFF: the Session never expires [5.0 U-3.1.2.11.2-2]', async () => {
  const broker = await leftSession(0xffff_ffff, { 'max-session-expiry': 0xffff_ffff })
  broker.advance(200 * 365 * DAY_MS)
  const client = resume(broker, 'c', 0xffff_ffff)
  assert.equal(client.connack?.sessionPresent, true)
  assert.equal(client.connack.properties.sessionExpiryInterval, undefined)
  assert.deepEqual(client.takePayloads(), ['waiting'])
})

test('Session Expiry Interval 0xFFFFFFFE is 136 years, not forever [5.0 MQTT-3.1.2-23, U-4.1-1]', async () => {
  const broker = await leftSession(0xffff_fffe, { 'max-session-expiry': 0xffff_ffff })
  broker.advance(justBefore(0xffff_fffe))
  assert.equal(sessionsOf(broker.broker).length, 2)
  broker.advance(1)
  assert.equal(sessionsOf(broker.broker).length, 1)
})

test('A Server with a shorter interval says so in CONNACK and keeps to it [5.0 U-3.2.2.3.2-1]', async () => {
  const broker = await VirtualBroker.start({ 'max-session-expiry': 10 })
  const client = resume(broker, 'c', 60)
  assert.equal(client.connack?.properties.sessionExpiryInterval, 10)
  client.drop()
  broker.advance(justBefore(10))
  assert.equal(sessionsOf(broker.broker).length, 1)
  broker.advance(1)
  assert.equal(sessionsOf(broker.broker).length, 0)
})

test('DISCONNECT can set a new Session Expiry Interval; without one that of CONNECT stays [5.0 U-3.14.2.2.2-1]', async () => {
  for (const [inDisconnect, holds] of [
    [5, 5],
    [100, 100],
    [undefined, 20],
  ] as const) {
    const broker = await VirtualBroker.start()
    resume(broker, 'c', 20).disconnect(0, { sessionExpiryInterval: inDisconnect })
    broker.advance(justBefore(holds))
    assert.equal(sessionsOf(broker.broker).length, 1)
    broker.advance(1)
    assert.equal(sessionsOf(broker.broker).length, 0)
  }
})

test('DISCONNECT with Session Expiry Interval 0 ends the Session at once [5.0 U-3.14.2.2.2-1]', async () => {
  const broker = await VirtualBroker.start()
  resume(broker, 'c', 20).disconnect(0, { sessionExpiryInterval: 0 })
  assert.equal(sessionsOf(broker.broker).length, 0)
})

test('From Session Expiry Interval 0 to another at DISCONNECT: 0x82, and no valid DISCONNECT, so that the Will goes out [5.0 U-3.14.2.2.2-2]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 'will')
  const client = broker.connect({ clientId: 'c', will: { topicName: 'will' } })
  client.disconnect(0, { sessionExpiryInterval: 1 })
  assert.equal(endOf(client), 0x82)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  assert.equal(sessionsOf(broker.broker).length, 1, 'the watcher alone')
})

test('Session State holds Subscriptions with their options and identifiers [5.0 U-4.1-2]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('own', 1, { noLocal: true })
  client.subscribe('t', 1, { retainAsPublished: true }, { subscriptionIdentifiers: [7] })
  client.drop()
  const again = resume(broker, 'c', 60)
  again.publish('own', 'x', 0)
  again.publish('t', 'y', 2, { retain: true })
  again.takeFirst(PacketType.PUBREC)
  const { payload, qos, retain, properties } = onlyPublish(again)
  assert.deepEqual([Buffer.from(payload).toString(), qos, retain], ['y', 1, true])
  assert.deepEqual(properties.subscriptionIdentifiers, [7])
})

test('Session State holds QoS 1 and 2 that were sent and not acknowledged, under their identifiers and in their order [5.0 U-4.1-2, MQTT-3.3.1-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 2)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'one', 1)
  publisher.publish('t', 'two', 2)
  publisher.publish('t', 'three', 2)
  const sent = publishes(client)
  client.acknowledge(PacketType.PUBREC, sent[1]!.packetIdentifier)
  client.drop()
  const resent = resume(broker, 'c', 60).take()
  assert.deepEqual(typesOf(resent), [PacketType.PUBLISH, PacketType.PUBREL, PacketType.PUBLISH])
  const identifiers = resent.map((packet) => ('packetIdentifier' in packet ? packet.packetIdentifier : 0))
  assert.deepEqual(
    identifiers,
    sent.map(({ packetIdentifier }) => packetIdentifier),
  )
  assert.deepEqual(
    resent.map((packet) => 'dup' in packet && packet.dup),
    [true, false, true],
  )
})

test('Session State holds QoS 2 identifiers received and not released: a repeat is not delivered again [5.0 U-4.1-2]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 't')
  const client = resume(broker, 'c', 60)
  client.publish('t', 'once', 2, { packetIdentifier: 9 })
  client.drop()
  const again = resume(broker, 'c', 60)
  again.publish('t', 'once', 2, { packetIdentifier: 9, dup: true })
  assert.deepEqual(typesOf(again.take()), [PacketType.PUBREC])
  assert.deepEqual(
    watcher.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['once'],
  )
})

test('Retained messages are no part of a Session and outlive it [5.0 U-4.1-3]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'c' })
  client.publish('t', 'kept', 1, { retain: true })
  client.disconnect()
  assert.equal(sessionsOf(broker.broker).length, 0)
  assert.deepEqual(watch(broker, 'u').takePayloads(), [])
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('t')
  assert.deepEqual(reader.takePayloads(), ['kept'])
})

test('A limit ends the Session that has been away the longest before its time, and no other [5.0 U-4.1.1-1]', async () => {
  const broker = await VirtualBroker.start({ 'max-sessions': 2 })
  for (const clientId of ['a', 'b', 'c']) {
    resume(broker, clientId, 600).drop()
    broker.advance(SECOND)
  }
  const present = ['b', 'c', 'a'].map((clientId) => resume(broker, clientId, 600).connack?.sessionPresent)
  assert.deepEqual(present, [true, true, false])
})

test('A takeover counts as no Session away: it ends nobody’s at the limit [5.0 U-4.1.1-1]', async () => {
  const broker = await VirtualBroker.start({ 'max-sessions': 2 })
  resume(broker, 'away', 600).drop()
  resume(broker, 'c', 600)
  assert.equal(resume(broker, 'c', 600).connack?.sessionPresent, true)
  assert.equal(resume(broker, 'away', 600).connack?.sessionPresent, true)
})

test('An expired Session is gone for everybody at once: no view, no delivery, no queue [5.0 U-3.1.2.11.2-3]', async () => {
  const broker = await leftSession(60)
  broker.advance(60 * SECOND)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'later', 1)
  const [puback] = publisher.take()
  assert.equal(puback?.type === PacketType.PUBACK && puback.reasonCode, 0x10)
  assert.deepEqual(
    sessionsOf(broker.broker).map(({ clientId }) => clientId),
    ['publisher'],
  )
})
