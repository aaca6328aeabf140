/** What a Client's CONNECT limits: packet size, aliases, problem information (§3.1.2.11.4 to §3.1.2.11.9). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { endOf, onlyPublish, publishes, resume, typesOf } from './support.ts'
import { sessionsOf } from '../../support/sessions.ts'

/** Bytes of a 5.0 PUBLISH to `t` without properties. */
const sizeOf = (qos: QoS, payloadLength: number): number => 2 + 3 + (qos === 0 ? 0 : 2) + 1 + payloadLength

for (const qos of [0, 1, 2] as const) {
  test(`A QoS ${qos} PUBLISH of the Client’s Maximum Packet Size is sent, one byte more is not, and counts as delivered [5.0 MQTT-3.1.2-24, MQTT-3.1.2-25]`, async () => {
    const broker = await VirtualBroker.start()
    const properties = { maximumPacketSize: 60, receiveMaximum: 1 }
    const client = broker.connect({ clientId: 'c', properties })
    client.subscribe('t', qos)
    const publisher = broker.connect({ clientId: 'publisher' })
    publisher.publish('t', 'a'.repeat(60 - sizeOf(qos, 0)), qos)
    publisher.publish('t', 'b'.repeat(61 - sizeOf(qos, 0)), qos)
    publisher.publish('t', 'c', qos)
    const received = client.receiveAll().map(({ payload }) => Buffer.from(payload).toString()[0])
    assert.deepEqual(received, ['a', 'c'], 'the large one holds up nothing: no window, no identifier, no queue')
    assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'c')?.inflightMessages, 0)
  })
}

test('The size counts as it would be sent: with Subscription Identifiers, and without properties that are gone [5.0 MQTT-3.1.2-24]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'c', properties: { maximumPacketSize: 20 } })
  client.subscribe('t', 0, {}, { subscriptionIdentifiers: [268_435_455] })
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'a'.repeat(10))
  assert.deepEqual(client.take(), [])
  publisher.publish('t', 'a'.repeat(9))
  assert.equal(onlyPublish(client).payload.length, 9)
})

test('A Maximum Packet Size on reconnect counts for what is resent: too large then means finished [5.0 MQTT-3.1.2-24, MQTT-3.1.2-25]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 1)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'a'.repeat(100), 1)
  client.drop()
  publisher.publish('t', 'b'.repeat(100), 1)
  publisher.publish('t', 'c', 1)
  const small = resume(broker, 'c', 60, { properties: { maximumPacketSize: 50, sessionExpiryInterval: 60 } })
  assert.deepEqual(
    small.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['c'],
  )
  small.drop()
  assert.deepEqual(resume(broker, 'c', 60).take(), [], 'they are not kept for a larger one')
})

test('A retained message above the Client’s Maximum Packet Size is not sent [5.0 MQTT-3.1.2-24]', async () => {
  const broker = await VirtualBroker.start()
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t/large', 'a'.repeat(100), 1, { retain: true })
  publisher.publish('t/small', 'b', 1, { retain: true })
  const client = broker.connect({ clientId: 'c', properties: { maximumPacketSize: 50 } })
  client.subscribe('t/+', 1)
  assert.equal(onlyPublish(client).topicName, 't/small')
})

test('A DISCONNECT loses its Reason String where the Client’s Maximum Packet Size has no room for it [5.0 MQTT-3.1.2-24]', async () => {
  const broker = await VirtualBroker.start({
    'receive-maximum': 65_535,
    'topic-alias-maximum': 0,
    'max-packet-size': 268_435_460,
  })
  const client = broker.connect({ properties: { maximumPacketSize: 5 } })
  client.bytes = Buffer.alloc(0)
  client.sendHex('0000')
  assert.equal(client.bytes.toString('hex'), 'e00181')
  assert.equal(client.isClosed, true)
})

test('Without Maximum Packet Size there is no limit but the protocol’s [5.0 U-3.1.2.11.4-1]', async () => {
  const broker = await VirtualBroker.start({ 'max-packet-size': 268_435_460 })
  const client = broker.connect()
  client.subscribe('t')
  const payload = Buffer.alloc(32 * 1024 * 1024, 7)
  client.publish('t', payload)
  assert.ok(payload.equals(onlyPublish(client).payload))
})

test('Of a Shared Subscription a member for whom the message is too large never gets it; others do [5.0 U-3.1.2.11.4-2]', async () => {
  const broker = await VirtualBroker.start()
  const small = broker.connect({ clientId: 'small', properties: { maximumPacketSize: 50 } })
  const large = broker.connect({ clientId: 'large' })
  for (const member of [small, large]) member.subscribe('$share/g/t', 0)
  const publisher = broker.connect({ clientId: 'publisher' })
  for (let count = 0; count < 10; count++) publisher.publish('t', 'a'.repeat(100))
  assert.deepEqual(small.take(), [])
  for (const { payload } of publishes(large)) assert.equal(payload.length, 100)
})

/** The Topic Alias and the Topic Name of everything that comes. */
const aliases = (client: TestClient) =>
  publishes(client).map(({ topicName, properties }) => [topicName, properties.topicAlias])

test('Topic Alias Maximum 0 or absent: the Server sends no alias [5.0 MQTT-3.1.2-27]', async () => {
  const broker = await VirtualBroker.start()
  for (const properties of [noProperties, { topicAliasMaximum: 0 }]) {
    const client = broker.connect({ properties })
    client.subscribe('t/#')
    for (const topic of ['t/1', 't/1', 't/2']) client.publish(topic, 'x')
    assert.deepEqual(aliases(client), [
      ['t/1', undefined],
      ['t/1', undefined],
      ['t/2', undefined],
    ])
  }
})

test('The Server’s aliases stay within 1 and the Client’s Topic Alias Maximum, and are set before they are used [5.0 MQTT-3.1.2-26, MQTT-3.3.2-11, MQTT-3.3.2-8]', async () => {
  for (const topicAliasMaximum of [1, 2, 5, 65_535]) {
    const broker = await VirtualBroker.start()
    const client = broker.connect({ clientId: 'c', properties: { topicAliasMaximum } })
    client.subscribe('t/#', 2)
    const publisher = broker.connect({ clientId: 'publisher' })
    for (let count = 0; count < 90; count++) publisher.publish(`t/${count % 6}`, `${count % 6}`, (count % 3) as QoS)
    const known = new Map<number, string>()
    let used = 0
    for (const { topicName, payload, properties } of client.receiveAll()) {
      const { topicAlias } = properties
      if (topicAlias !== undefined) {
        assert.ok(topicAlias >= 1 && topicAlias <= topicAliasMaximum)
        if (topicName === '') used++
        else known.set(topicAlias, topicName)
      }
      const named = topicName === '' ? known.get(topicAlias!) : topicName
      assert.equal(named, `t/${Buffer.from(payload).toString()}`)
    }
    assert.ok(used > 0)
  }
})

test('The Server’s aliases end with the connection: the next one begins with Topic Names [5.0 MQTT-3.3.2-7]', async () => {
  const broker = await VirtualBroker.start()
  const properties = { topicAliasMaximum: 5, sessionExpiryInterval: 60 }
  const client = resume(broker, 'c', 60, { properties })
  client.subscribe('t', 1)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'one', 1)
  publisher.publish('t', 'two', 1)
  assert.deepEqual(aliases(client), [
    ['t', 1],
    ['', 1],
  ])
  client.drop()
  assert.deepEqual(aliases(resume(broker, 'c', 60, { properties })), [
    ['t', 1],
    ['', 1],
  ])
})

/** Draws an error answer of each kind, and a DISCONNECT last. */
function provoke(client: TestClient): Packet[] {
  client.subscribe('$share/g/t')
  client.packets.push(client.subscribe(['denied', 'u']), client.unsubscribe('never subscribed'))
  client.publish('$SYS/denied', 'x', 1)
  client.publish('$SYS/denied', 'x', 2)
  client.acknowledge(PacketType.PUBREL, 999)
  client.acknowledge(PacketType.PUBREC, 999)
  client.sendHex('0000')
  return client.take()
}

const guard: Plugin = {
  name: 'guard',
  authenticate: () => ({ decision: 'allow' }),
  maySubscribe: (_client, topicFilter) => topicFilter !== 'denied',
  mayPublish: () => true,
}
const GUARDED = { auth: { plugins: [guard] }, 'topic-check': { plugins: [guard] } }

test('Request Problem Information 0: no Reason String and no User Property on any answer [5.0 MQTT-3.1.2-29]', async () => {
  const broker = await VirtualBroker.start(GUARDED)
  const client = broker.connect({ properties: { requestProblemInformation: 0 } })
  const packets = provoke(client)
  assert.deepEqual(new Set(typesOf(packets)), new Set([4, 5, 6, 7, 9, 11, 14]))
  for (const packet of packets) {
    if (!('properties' in packet)) continue
    assert.equal(packet.properties.reasonString, undefined)
    assert.equal(packet.properties.userProperties, undefined)
  }
})

test('Request Problem Information 1, the default: DISCONNECT says in words what was wrong [5.0 U-3.1.2.11.7-2]', async () => {
  for (const properties of [noProperties, { requestProblemInformation: 1 }]) {
    const broker = await VirtualBroker.start(GUARDED)
    const last = provoke(broker.connect({ properties })).at(-1)
    assert.ok(last?.type === PacketType.DISCONNECT)
    assert.match(last.properties.reasonString!, /type 0/)
  }
})

test('Request Problem Information 0 leaves a message’s own User Properties alone [5.0 MQTT-3.1.2-29]', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ properties: { requestProblemInformation: 0 } })
  client.subscribe('t')
  const userProperties = [['a', 'b']] as const
  client.publish('t', 'x', 0, { properties: { userProperties } })
  assert.deepEqual(onlyPublish(client).properties.userProperties, userProperties)
})

test('Response Information comes only where it was asked for [5.0 MQTT-3.1.2-28]', async () => {
  const broker = await VirtualBroker.start({ 'response-information': 'answers/' })
  const told = [undefined, 0, 1].map(
    (requestResponseInformation) =>
      broker.connect({ properties: { requestResponseInformation } }).connack?.properties.responseInformation,
  )
  assert.deepEqual(told, [undefined, undefined, 'answers/'])
})

const slowExchange: Plugin = {
  name: 'exchange',
  authenticate: ({ authenticationData }) =>
    authenticationData?.length === 1
      ? { decision: 'continue', authenticationData: Uint8Array.of(1) }
      : { decision: 'allow' },
}
const METHOD = { authenticationMethod: 'M', authenticationData: Uint8Array.of(0) }

for (const [name, hex] of [
  ['PINGREQ', 'C000'],
  ['PUBLISH', '30 05 0001 74 00 78'],
  ['SUBSCRIBE', '82 07 0001 00 0001 74 00'],
  ['PUBACK', '40 02 0001'],
  ['CONNECT', '10 0E 0004 4D515454 05 02 0000 00 0001 63'],
] as const) {
  test(`With an Authentication Method, ${name} before CONNACK is a Protocol Error [5.0 MQTT-3.1.2-30]`, async () => {
    const broker = await VirtualBroker.start({ auth: { plugins: [slowExchange] } })
    const client = broker.open()
    client.connect({ properties: METHOD })
    assert.deepEqual(typesOf(client.take()), [PacketType.AUTH])
    client.sendHex(hex)
    assert.deepEqual(typesOf(client.packets), [PacketType.CONNACK])
    assert.equal(endOf(client), 0x82)
  })
}

test('With an Authentication Method, AUTH goes on to CONNACK and DISCONNECT ends it [5.0 MQTT-3.1.2-30]', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [slowExchange] } })
  const client = broker.open()
  client.connect({ properties: METHOD })
  const properties = { authenticationMethod: 'M', authenticationData: Uint8Array.of(0, 1) }
  client.send({ type: PacketType.AUTH, reasonCode: 0x18, properties })
  assert.deepEqual(typesOf(client.take()), [PacketType.AUTH, PacketType.CONNACK])
  const leaver = broker.open()
  leaver.connect({ clientId: 'leaver', properties: METHOD })
  leaver.take()
  leaver.disconnect()
  assert.equal(endOf(leaver), 'close')
})
