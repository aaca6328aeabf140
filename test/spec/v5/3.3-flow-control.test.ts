/** Receive Maximum in both directions (§3.3.4, §4.9). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { endOf, publishes, resume, typesOf, watch } from './support.ts'

interface Scene {
  readonly broker: VirtualBroker
  readonly client: TestClient
  readonly publish: (count: number, qos?: QoS) => void
}

/** A Client with that Receive Maximum, subscribed to `t` at QoS 2, and messages for it. */
async function start(receiveMaximum: number | undefined, config = {}): Promise<Scene> {
  const broker = await VirtualBroker.start(config)
  const client = resume(broker, 'c', 600, { properties: { receiveMaximum, sessionExpiryInterval: 600 } })
  client.subscribe('t', 2)
  const publisher = broker.connect({ clientId: 'publisher' })
  let number = 0
  /** In one chunk, numbered on. */
  const publish = (count: number, qos: QoS = 1): void => {
    const packets = Array.from({ length: count }, (_, at): PublishPacket => {
      const fields = { type: PacketType.PUBLISH, dup: false, retain: false, topicName: 't', properties: noProperties }
      return {
        ...fields,
        qos,
        packetIdentifier: qos === 0 ? 0 : (at % 65_535) + 1,
        payload: Buffer.from(`${++number}`),
      }
    })
    publisher.send(...packets)
    publisher.receiveAll()
  }
  return { broker, client, publish }
}

const texts = (packets: readonly PublishPacket[]): string =>
  packets.map(({ payload }) => Buffer.from(payload).toString()).join(' ')

test('The Server has at most the Client’s Receive Maximum of QoS 1 and 2 PUBLISH open [5.0 MQTT-3.3.4-9]', async () => {
  for (const receiveMaximum of [1, 2, 10]) {
    const { client, publish } = await start(receiveMaximum)
    publish(receiveMaximum, 2)
    publish(5, 1)
    const open = publishes(client)
    assert.equal(open.length, receiveMaximum)
    for (const { packetIdentifier } of open) {
      client.acknowledge(PacketType.PUBREC, packetIdentifier)
      assert.deepEqual(typesOf(client.take()), [PacketType.PUBREL], 'PUBREC of 0x00 makes no room')
    }
    client.acknowledge(PacketType.PUBCOMP, open[0]!.packetIdentifier)
    assert.equal(texts(publishes(client)), `${receiveMaximum + 1}`)
  }
})

test('Receive Maximum absent means 65535 [5.0 U-3.1.2.11.3-1, MQTT-3.3.4-9]', async () => {
  const { client, publish } = await start(undefined, { 'max-inflight-messages': 65_535, 'max-queued-messages': 100 })
  publish(65_536)
  assert.equal(publishes(client).length, 65_535)
})

for (const [what, finish] of [
  ['PUBACK 0x00', (client: TestClient, id: number) => client.acknowledge(PacketType.PUBACK, id)],
  ['PUBACK 0x80', (client: TestClient, id: number) => client.acknowledge(PacketType.PUBACK, id, 0x80)],
] as const) {
  test(`The send quota grows by one with ${what} [5.0 U-4.9-1, MQTT-3.3.4-9]`, async () => {
    const { client, publish } = await start(2)
    publish(4, 1)
    const [first] = publishes(client)
    finish(client, first!.packetIdentifier)
    assert.equal(texts(publishes(client)), '3')
  })
}

test('The send quota grows by one with PUBCOMP of any code and with PUBREC of 0x80 or more [5.0 U-4.9-1, MQTT-3.3.4-9]', async () => {
  const { client, publish } = await start(3)
  publish(6, 2)
  const [first, second, third] = publishes(client)
  client.acknowledge(PacketType.PUBREC, first!.packetIdentifier, 0x83)
  assert.equal(texts(publishes(client)), '4')
  client.acknowledge(PacketType.PUBREC, second!.packetIdentifier)
  client.acknowledge(PacketType.PUBREC, third!.packetIdentifier)
  assert.deepEqual(typesOf(client.take()), [PacketType.PUBREL, PacketType.PUBREL])
  client.acknowledge(PacketType.PUBCOMP, second!.packetIdentifier)
  client.acknowledge(PacketType.PUBCOMP, third!.packetIdentifier, 0x92)
  assert.equal(texts(publishes(client)), '5 6')
})

test('The send quota never grows above Receive Maximum: answers that nothing waits for do not count [5.0 U-4.9-2]', async () => {
  const { client, publish } = await start(2)
  for (let stray = 1; stray <= 10; stray++) {
    client.acknowledge(PacketType.PUBACK, stray)
    client.acknowledge(PacketType.PUBCOMP, stray)
    client.acknowledge(PacketType.PUBREC, stray, 0x80)
  }
  client.take()
  publish(4)
  const open = publishes(client)
  assert.equal(open.length, 2)
  client.acknowledge(PacketType.PUBACK, open[0]!.packetIdentifier)
  client.acknowledge(PacketType.PUBACK, open[0]!.packetIdentifier)
  assert.equal(texts(publishes(client)), '3', 'a second PUBACK is no second place')
})

test('PUBREL that is resent takes no place, and its PUBCOMP gives none back [5.0 U-4.9-2, U-4.9-3]', async () => {
  const { broker, client, publish } = await start(2)
  publish(2, 2)
  for (const { packetIdentifier } of publishes(client)) client.acknowledge(PacketType.PUBREC, packetIdentifier)
  client.drop()
  publish(5, 1)
  const again = resume(broker, 'c', 600, { properties: { receiveMaximum: 2, sessionExpiryInterval: 600 } })
  const packets = again.take()
  const released = packets.filter(({ type }) => type === PacketType.PUBREL)
  assert.equal(released.length, 2)
  assert.equal(packets.length, 4)
  for (const packet of released) {
    if ('packetIdentifier' in packet) again.acknowledge(PacketType.PUBCOMP, packet.packetIdentifier)
  }
  assert.deepEqual(publishes(again), [], 'two are open still')
})

test('Quota and Receive Maximum belong to the connection: each CONNECT brings its own [5.0 U-4.9-3]', async () => {
  const { broker, client, publish } = await start(3)
  publish(6)
  assert.equal(texts(publishes(client)), '1 2 3')
  client.drop()
  const one = resume(broker, 'c', 600, { properties: { receiveMaximum: 1, sessionExpiryInterval: 600 } })
  assert.equal(texts(publishes(one)), '1', 'resending keeps within the new maximum')
  one.drop()
  const all = resume(broker, 'c', 600)
  const open = publishes(all)
  assert.equal(texts(open), '1 2 3 4 5 6')
  assert.deepEqual(
    open.map(({ dup }) => dup),
    [true, true, true, false, false, false],
  )
})

test('At Receive Maximum QoS 0 goes on [5.0 U-4.9-4, U-3.3.4-2]', async () => {
  const { client, publish } = await start(1)
  publish(2, 1)
  publish(2, 0)
  assert.equal(texts(publishes(client)), '1 3 4')
})

test('At Receive Maximum the Server holds back PUBLISH only, and reads and answers everything [5.0 MQTT-3.3.4-10]', async () => {
  const { client, publish } = await start(1)
  publish(3, 1)
  client.take()
  client.send({ type: PacketType.PINGREQ })
  client.publish('u', 'x', 1)
  const identifier = client.publish('u', 'x', 2)
  client.acknowledge(PacketType.PUBREL, identifier)
  assert.deepEqual(typesOf(client.take()), [
    PacketType.PINGRESP,
    PacketType.PUBACK,
    PacketType.PUBREC,
    PacketType.PUBCOMP,
  ])
  assert.deepEqual(client.subscribe('v').reasonCodes, [0])
  assert.deepEqual(client.unsubscribe('v').reasonCodes, [0])
})

test('More open QoS 2 PUBLISH than the Server’s Receive Maximum: 0x93, and the surplus goes nowhere [5.0 MQTT-3.3.4-7, U-3.3.4-1]', async () => {
  const { broker, client } = await start(undefined, { 'receive-maximum': 3 })
  assert.equal(client.connack?.properties.receiveMaximum, 3)
  const watcher = watch(broker, 'u')
  for (const payload of ['1', '2', '3', '4']) client.publish('u', payload, 2)
  assert.equal(endOf(client), 0x93)
  assert.equal(texts(publishes(watcher)), '1 2 3')
})

test('A QoS 2 PUBLISH that was refused is no longer open [5.0 MQTT-3.3.4-7, U-3.3.4-1]', async () => {
  const { client } = await start(undefined, { 'receive-maximum': 1 })
  for (let count = 0; count < 5; count++) client.publish('$SYS/refused', 'x', 2)
  client.publish('u', 'x', 2)
  assert.equal(endOf(client), 'open')
  client.publish('u', 'x', 2)
  assert.equal(endOf(client), 0x93)
})

test('What a Client counts is its connection’s too: after a reconnect the Server counts from nothing [5.0 U-4.9-3, MQTT-3.3.4-7]', async () => {
  const { broker, client } = await start(undefined, { 'receive-maximum': 2 })
  client.publish('u', '1', 2, { packetIdentifier: 1 })
  client.publish('u', '2', 2, { packetIdentifier: 2 })
  client.drop()
  const again = resume(broker, 'c', 600)
  again.publish('u', '3', 2, { packetIdentifier: 3 })
  again.publish('u', '4', 2, { packetIdentifier: 4 })
  assert.equal(endOf(again), 'open')
  again.publish('u', '5', 2, { packetIdentifier: 5 })
  assert.equal(endOf(again), 0x93)
})

test('QoS 0 has no limit [5.0 U-3.3.4-2]', async () => {
  const { broker, client } = await start(undefined, { 'receive-maximum': 1 })
  const watcher = watch(broker, 'u')
  for (let count = 0; count < 500; count++) client.publish('u', 'x', 0)
  assert.equal(endOf(client), 'open')
  assert.equal(publishes(watcher).length, 500)
})
