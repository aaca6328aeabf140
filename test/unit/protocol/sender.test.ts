import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { Delivery } from '../../../src/protocol/delivery.ts'
import type { DropCause } from '../../../src/protocol/drop-cause.ts'
import { messageOf, TestConnection } from '../../support/fake-server.ts'

const publishes = (one: TestConnection): PublishPacket[] => one.take() as PublishPacket[]

function send(one: TestConnection, topicName: string, identifiers: readonly number[] = []): DropCause | undefined {
  return one.connection.sendPublish(messageOf({ topicName }), false, identifiers)
}

test('one message to receivers of every version and QoS: each frame is right for its receiver', () => {
  const message = messageOf({ qos: 2, properties: { contentType: 'text' } })
  for (const version of [3, 4, 5] as const) {
    const one = TestConnection.connected(version)
    for (const qos of [1, 2] as const) {
      const delivery = Object.assign(new Delivery(message, qos, true, [], undefined, 1), { packetIdentifier: 513 })
      assert.equal(one.connection.sendDelivery(delivery, true), undefined)
    }
    assert.equal(one.connection.sendPublish(message, false, []), undefined)
    const plain = { type: PacketType.PUBLISH, topicName: 'a/b', payload: Buffer.from('payload') }
    const properties = version === 5 ? { contentType: 'text' } : {}
    assert.deepEqual(
      publishes(one).map((packet) => ({ ...packet, payload: Buffer.from(packet.payload) })),
      [
        { ...plain, dup: true, qos: 1, retain: true, packetIdentifier: 513, properties },
        { ...plain, dup: true, qos: 2, retain: true, packetIdentifier: 513, properties },
        { ...plain, dup: false, qos: 0, retain: false, packetIdentifier: 0, properties },
      ],
    )
  }
})

test('a large payload is handed on and arrives whole, with the flags of its receiver', () => {
  const payload = Buffer.alloc(100_000, 'large')
  const one = TestConnection.connected()
  const delivery = new Delivery(messageOf({ qos: 1, payload }), 1, false, [], undefined, 1)
  one.connection.sendDelivery(Object.assign(delivery, { packetIdentifier: 2 }), false)
  const [packet] = publishes(one)
  assert.equal(packet!.packetIdentifier, 2)
  assert.ok(payload.equals(packet!.payload))
})

test('Topic Aliases: the first PUBLISH names both, the next only the alias, beyond the maximum only the topic [5.0 MQTT-3.1.2-26]', () => {
  const one = TestConnection.connected(5, { maxOutgoingTopicAliases: 4 }, { topicAliasMaximum: 1 })
  for (const topic of ['a', 'a', 'b']) send(one, topic)
  assert.deepEqual(
    publishes(one).map(({ topicName, properties }) => [topicName, properties.topicAlias]),
    [
      ['a', 1],
      ['', 1],
      ['b', undefined],
    ],
  )
})

test('a Client that allows no Topic Alias gets none [5.0 MQTT-3.1.2-27]', () => {
  const one = TestConnection.connected()
  send(one, 'a')
  assert.equal(publishes(one)[0]!.properties.topicAlias, undefined)
})

test('QoS 2 announces no Topic Alias, because it may wait while others overtake it', () => {
  const one = TestConnection.connected(5, {}, { topicAliasMaximum: 4 })
  const delivery = new Delivery(messageOf({ qos: 2 }), 2, false, [], undefined, 1)
  one.connection.sendDelivery(Object.assign(delivery, { packetIdentifier: 1 }), false)
  const [packet] = publishes(one)
  assert.deepEqual([packet!.topicName, packet!.properties.topicAlias], ['a/b', undefined])
})

test('nothing above the Maximum Packet Size of the Client leaves, and an alias is not lost by it [5.0 MQTT-3.1.2-24]', () => {
  const frameSize = 2 + 5 + 1 + 7
  const one = TestConnection.connected(5, {}, { maximumPacketSize: frameSize })
  assert.equal(send(one, 'a/b'), undefined)
  assert.equal(send(one, 'a/bc'), 'packet too large')
  assert.equal(publishes(one).length, 1)

  const tight = TestConnection.connected(5, {}, { maximumPacketSize: frameSize, topicAliasMaximum: 4 })
  assert.equal(send(tight, 'a/b'), undefined, 'the announcement does not fit, the message does')
  assert.equal(send(tight, 'a/b', [1]), 'packet too large', 'nor does a Subscription Identifier')
  const [packet] = publishes(tight)
  assert.deepEqual([packet!.topicName, packet!.properties.topicAlias], ['a/b', undefined])
})

test("Subscription Identifiers are the receiver's own [5.0 MQTT-3.3.4-3]", () => {
  const one = TestConnection.connected()
  const other = TestConnection.connected()
  const message = messageOf()
  one.connection.sendPublish(message, false, [7, 8])
  other.connection.sendPublish(message, false, [])
  assert.deepEqual(publishes(one)[0]!.properties, { subscriptionIdentifiers: [7, 8] })
  assert.deepEqual(publishes(other)[0]!.properties, {})
})

test('one turn, one write, however many packets', () => {
  const one = TestConnection.connected()
  for (let count = 0; count < 50; count++) send(one, 'a')
  one.server.turn.end()
  assert.equal(one.transport.chunks.length, 1)
  assert.equal(one.server.metrics.publishSent, 50)
})

test('a QoS 2 PUBLISH waits for its Change; QoS 1 does not', () => {
  const one = TestConnection.connected()
  one.connection.session!.ledger = {
    refuses: () => false,
    refused: () => {},
    queued: () => one.server.turn.changeCount++,
    sent: () => one.server.turn.changeCount++,
    released: () => {},
    done: () => {},
    received: () => {},
    receivedDone: () => {},
  }
  const options = { qos: 2, noLocal: false, retainAsPublished: false, subscriptionIdentifiers: [] } as const
  one.connection.session!.deliver(messageOf({ qos: 2 }), options)
  one.connection.session!.deliver(messageOf({ qos: 1 }), options)
  assert.deepEqual(
    publishes(one).map(({ qos }) => qos),
    [1],
  )
  one.server.turn.committedCount = one.server.turn.changeCount
  one.connection.release(one.server.turn.committedCount)
  assert.deepEqual(
    publishes(one).map(({ qos }) => qos),
    [2],
  )
})

test('a Reason String that would not fit is left out [5.0 MQTT-3.14.2-3]', () => {
  const one = TestConnection.connected(5, {}, { maximumPacketSize: 20 })
  one.connection.disconnect(0x98, 'disconnected by server', 'a reason that is longer than twenty bytes')
  assert.deepEqual(one.take(), [{ type: PacketType.DISCONNECT, reasonCode: 0x98, properties: noProperties }])
})
