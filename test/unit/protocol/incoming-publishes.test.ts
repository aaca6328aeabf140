import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { TestConnection } from '../../support/fake-server.ts'

const topics = (one: TestConnection): string[] => one.server.published.map(({ topicName }) => topicName)

function acknowledge(one: TestConnection, type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): void {
  one.send({ type, packetIdentifier, reasonCode, properties: noProperties })
}

test('QoS 0 is not answered, QoS 1 by PUBACK, QoS 2 by PUBREC with the same Packet Identifier [5.0 MQTT-4.3.2-4] [5.0 MQTT-4.3.3-8]', () => {
  const one = TestConnection.connected()
  one.publish(0, 0)
  assert.deepEqual(one.take(), [])
  one.publish(9, 1)
  assert.deepEqual(one.take(), [{ type: PacketType.PUBACK, packetIdentifier: 9, reasonCode: 0, properties: {} }])
  one.publish(10, 2)
  assert.deepEqual(one.take(), [{ type: PacketType.PUBREC, packetIdentifier: 10, reasonCode: 0, properties: {} }])
})

test('a QoS 2 message that is sent again goes nowhere a second time, until its PUBREL [5.0 MQTT-4.3.3-10] [3.1.1 MQTT-4.3.3-2]', () => {
  for (const version of [4, 5] as const) {
    const one = TestConnection.connected(version)
    one.publish(3, 2)
    one.publish(3, 2)
    assert.equal(one.server.published.length, 1)
    assert.equal(one.take().length, 2)
    acknowledge(one, PacketType.PUBREL, 3)
    assert.deepEqual(one.take(), [{ type: PacketType.PUBCOMP, packetIdentifier: 3, reasonCode: 0, properties: {} }])
    one.publish(3, 2)
    assert.equal(one.server.published.length, 2)
  }
})

test('a QoS 2 message that was refused may come again under its identifier as a new one [5.0 MQTT-4.3.3-9]', () => {
  const one = TestConnection.connected()
  let asked = 0
  one.server.publishing.publish = () => (asked++ === 0 ? ReasonCode.QuotaExceeded : 0)
  one.publish(3, 2)
  one.publish(3, 2)
  assert.equal(asked, 2)
})

test('PUBREL for an unknown identifier: PUBCOMP 0x92', () => {
  const one = TestConnection.connected()
  acknowledge(one, PacketType.PUBREL, 77)
  const expected = { type: PacketType.PUBCOMP, packetIdentifier: 77, reasonCode: 0x92, properties: {} }
  assert.deepEqual(one.take(), [expected])
})

test('more QoS 2 messages than Receive Maximum without PUBREL: 0x93 [5.0 MQTT-3.3.4-7]', () => {
  const one = TestConnection.connected(5, { receiveMaximum: 2 })
  one.publish(1, 2)
  one.publish(2, 2)
  acknowledge(one, PacketType.PUBREL, 1)
  one.publish(3, 2)
  assert.equal(one.server.end, undefined)
  one.publish(4, 2)
  assert.equal(one.server.end!.reasonCode, ReasonCode.ReceiveMaximumExceeded)
})

for (const { last, qos, reasonCode, release, ends } of [
  { last: 'PUBACK', qos: 1, reasonCode: 0, release: false, ends: true },
  { last: 'PUBACK that refuses', qos: 1, reasonCode: 0x97, release: false, ends: true },
  { last: 'PUBREC', qos: 2, reasonCode: 0, release: false, ends: false },
  { last: 'PUBREC that refuses', qos: 2, reasonCode: 0x97, release: false, ends: true },
  { last: 'PUBCOMP', qos: 2, reasonCode: 0, release: true, ends: true },
] as const) {
  const until = ends ? 'until it has left' : 'also when it has left'
  test(`an exchange whose ${last} waits for the Store counts towards Receive Maximum ${until} [5.0 MQTT-3.3.4-7]`, () => {
    for (const isStored of [false, true]) {
      const one = TestConnection.connected(5, { receiveMaximum: 1 })
      one.server.publishing.publish = () => {
        one.server.turn.changeCount++
        return reasonCode
      }
      one.publish(7, qos)
      if (release) acknowledge(one, PacketType.PUBREL, 7)
      assert.deepEqual(one.take(), [])
      if (isStored) {
        one.server.turn.committedCount = 1
        one.connection.release(1)
      }
      one.publish(8, 1)
      const expected = ends && isStored ? undefined : ReasonCode.ReceiveMaximumExceeded
      assert.equal(one.server.end?.reasonCode, expected)
    }
  })
}

test('before 5.0 there is no Receive Maximum to keep', () => {
  const one = TestConnection.connected(4, { receiveMaximum: 2 })
  for (let identifier = 1; identifier <= 10; identifier++) one.publish(identifier, 2)
  assert.equal(one.server.published.length, 10)
})

test('QoS above the announced maximum: 0x9B [5.0 MQTT-3.2.2-11]', () => {
  const one = TestConnection.connected(5, { maxQos: 1 })
  one.publish(1, 1)
  assert.equal(one.server.end, undefined)
  one.publish(2, 2)
  assert.equal(one.server.end!.reasonCode, ReasonCode.QoSNotSupported)
})

test('a Topic Alias stands for the topic that it came with last, on this Connection only', () => {
  const one = TestConnection.connected()
  one.publish(0, 0, 'first', { topicAlias: 1 })
  one.publish(0, 0, '', { topicAlias: 1 })
  one.publish(0, 0, 'second', { topicAlias: 1 })
  one.publish(0, 0, '', { topicAlias: 1 })
  assert.deepEqual(topics(one), ['first', 'first', 'second', 'second'])

  const other = TestConnection.connected()
  other.publish(0, 0, '', { topicAlias: 1 })
  assert.equal(other.server.end?.reasonCode, ReasonCode.ProtocolError)
})

test('a Topic Alias above the maximum: 0x94 [5.0 MQTT-3.2.2-17]', () => {
  const one = TestConnection.connected(5, { topicAliasMaximum: 4 })
  one.publish(0, 0, 'a', { topicAlias: 4 })
  one.publish(0, 0, 'a', { topicAlias: 5 })
  assert.equal(one.server.end?.reasonCode, ReasonCode.TopicAliasInvalid)
})

test('neither Topic Name nor Topic Alias is a Protocol Error [5.0 MQTT-4.7.3-1]', () => {
  const one = TestConnection.connected()
  one.publish(0, 0, '')
  assert.equal(one.server.end?.reasonCode, ReasonCode.ProtocolError)
})

test('a Topic Alias does not travel on', () => {
  const one = TestConnection.connected()
  one.publish(0, 0, 'a', { topicAlias: 1, contentType: 'x' })
  const [message] = one.server.published
  const { bytes, start, end } = message!.frame(5, false, 0)
  assert.ok(!Buffer.from(bytes.subarray(start, end)).includes(Buffer.from('230001', 'hex')))
  const identified = TestConnection.connected()
  identified.connection.sendPublish(message!, false, [7])
  assert.deepEqual(
    identified.take().map((packet) => 'properties' in packet && packet.properties),
    [{ contentType: 'x', subscriptionIdentifiers: [7] }],
  )
})

test('alternating topics are told apart, also when one is the beginning of the other', () => {
  const one = TestConnection.connected()
  for (const topic of ['a', 'ab', 'a', 'b', 'b', 'ab']) one.publish(0, 0, topic)
  assert.deepEqual(topics(one), ['a', 'ab', 'a', 'b', 'b', 'ab'])
})

test('a Topic Name is charged as work by its bytes, with a Topic Alias as well as without', () => {
  const one = TestConnection.connected(5)
  const spentOn = (properties: Properties): number => {
    const before = one.server.turn.work.units
    one.publish(0, 0, 't'.repeat(30_000), properties)
    return one.server.turn.work.units - before
  }
  const plain = spentOn(noProperties)
  assert.ok(spentOn({ topicAlias: 1 }) >= plain, 'with an alias it costs no less')
})
