/**
 * What this broker does not offer is announced to a 5.0 Client, which is at fault if it asks for it all the same. A
 * Client of 3.1 or 3.1.1 cannot be told, and one that was connected before a reload has not been: both are served with
 * less.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Packet, type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const OLDER = [3, 4] as const

function inShort(packets: readonly Packet[]): string[] {
  return packets.map((packet) => {
    if (packet.type === PacketType.PUBLISH) return `PUBLISH ${packet.topicName} QoS ${packet.qos}`
    if ('reasonCode' in packet) return `${packet.type} 0x${packet.reasonCode.toString(16)}`
    return String(packet.type)
  })
}

/** Finishes every exchange, and tells what was received. */
function received(client: TestClient): string[] {
  return inShort(client.receiveAll())
}

for (const version of OLDER) {
  const name = version === 4 ? '3.1.1' : '3.1'

  for (const maxQos of [0, 1] as const) {
    test(`${name}: with max-qos ${maxQos}, a PUBLISH of a higher QoS is answered as its QoS asks, and goes on at ${maxQos}`, async () => {
      const broker = await VirtualBroker.start({ 'max-qos': maxQos })
      const watcher = broker.connect({ clientId: 'watcher', version })
      assert.deepEqual(watcher.subscribe('a', 2).reasonCodes, [maxQos])
      const device = broker.connect({ clientId: 'device', version })
      for (const qos of [1, 2] as const) {
        device.publish('a', 'x', qos, { packetIdentifier: qos })
        if (qos === 2) {
          assert.equal(device.take()[0]?.type, PacketType.PUBREC)
          device.publish('a', 'x', qos, { packetIdentifier: 2, dup: true }) // exactly once, for all that
          assert.equal(device.take()[0]?.type, PacketType.PUBREC)
          device.acknowledge(PacketType.PUBREL, 2)
          assert.equal(device.take()[0]?.type, PacketType.PUBCOMP)
        } else assert.equal(device.take()[0]?.type, PacketType.PUBACK)
        assert.deepEqual(received(watcher), [`PUBLISH a QoS ${maxQos}`])
      }
      assert.equal(device.isClosed, false)
      assert.equal(broker.broker.metrics.qosLowered, maxQos === 0 ? 3 : 2, 'each PUBLISH, the repeated one included')
      await broker.close()
    })
  }

  test(`${name}: a lowered message goes on at max-qos of its listener, whatever others grant`, async () => {
    const broker = await VirtualBroker.start({ 'max-qos': 1 })
    const levels: number[] = []
    broker.broker.subscribe('a', ({ qos }) => void levels.push(qos))
    broker.connect({ version }).publish('a', 'x', 2)
    assert.deepEqual(levels, [1])
    await broker.close()
  })

  test(`${name}: a Will above max-qos is accepted and goes out at max-qos`, async () => {
    const broker = await VirtualBroker.start({ 'max-qos': 1 })
    const levels: number[] = []
    broker.broker.subscribe('will', ({ qos }) => void levels.push(qos))
    const device = broker.connect({ version, will: { topicName: 'will', qos: 2 } })
    assert.equal(device.connack?.reasonCode, 0)
    device.drop()
    assert.deepEqual([levels, broker.broker.metrics.qosLowered], [[1], 1])
    await broker.close()
  })

  test(`${name}: with retain off, messages and Wills with RETAIN are delivered and not retained`, async () => {
    const broker = await VirtualBroker.start({ retain: false })
    const refused: string[] = []
    broker.broker.on('retained', ({ topic, action }) => refused.push(`${topic} ${action}`))
    const watcher = broker.connect({ clientId: 'watcher', version })
    watcher.subscribe('#', 1)
    const device = broker.connect({ clientId: 'device', version, will: { topicName: 'will', retain: true, qos: 1 } })
    assert.equal(device.connack?.reasonCode, 0)
    device.publish('a', 'x', 1, { retain: true })
    assert.equal(device.take()[0]?.type, PacketType.PUBACK)
    assert.equal(device.isClosed, false)
    device.drop()
    assert.deepEqual(received(watcher), ['PUBLISH a QoS 1', 'PUBLISH will QoS 1'])
    watcher.subscribe('#', 1)
    assert.deepEqual(received(watcher), [])
    assert.deepEqual(refused, ['a refused', 'will refused'])
    assert.equal(broker.broker.metrics.retainIgnored, 2)
    await broker.close()
  })

  test(`${name}: a Keep Alive above max-keep-alive, or none, is refused with 0x02, or held to the limit with a grace`, async () => {
    for (const [config, codes] of [
      [{ 'max-keep-alive': 2 }, [2, 2, 0, 0]],
      [{ 'max-keep-alive': 2, 'keep-alive-too-long': 'hold' }, [0, 0, 0, 0]],
      [{ 'max-keep-alive': 0 }, [0, 0, 0, 0]],
    ] as const) {
      const broker = await VirtualBroker.start(config)
      const connect = (keepAlive: number) => broker.connect({ clientId: String(keepAlive), version, keepAlive })
      assert.deepEqual(
        [0, 65_535, 2, 1].map((seconds) => connect(seconds).connack?.reasonCode),
        codes,
      )
      await broker.close()
    }

    const broker = await VirtualBroker.start({
      'max-keep-alive': 2,
      'keep-alive-too-long': 'hold',
      'keep-alive-grace': 5,
    })
    const [asked, none, within] = [65_535, 0, 2].map((keepAlive) => {
      return broker.connect({ clientId: String(keepAlive), version, keepAlive })
    })
    broker.advance(2_999)
    assert.deepEqual([asked?.isClosed, none?.isClosed, within?.isClosed], [false, false, false])
    broker.advance(1)
    assert.deepEqual(
      [asked?.isClosed, none?.isClosed, within?.isClosed],
      [false, false, true],
      'the grace is for those that cannot know',
    )
    broker.advance(4_999)
    none?.sendHex('c0 00')
    broker.advance(1)
    assert.deepEqual([asked?.isClosed, none?.isClosed], [true, false])
    broker.advance(7_999)
    assert.equal(none?.isClosed, true)
    await broker.close()
  })

  test(`${name}: a Will Topic with more levels than are allowed is refused with a return code, not by a close alone`, async () => {
    const broker = await VirtualBroker.start({ 'max-topic-levels': 2 })
    const device = broker.connect({ version, will: { topicName: 'a/b/c' } })
    assert.deepEqual([device.connack?.reasonCode, device.isClosed], [5, true])
    await broker.close()
  })
}

test('5.0: what a reload switches off is no fault of a Client that was connected before; its next CONNACK says it', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ clientId: 'before', properties: { sessionExpiryInterval: 100 } })
  await broker.broker.reload({
    listeners: {},
    'sys-interval': 0,
    retain: false,
    'wildcard-subscriptions': false,
    'shared-subscriptions': false,
    'subscription-identifiers': false,
    'max-qos': 0,
  })
  client.publish('a', 'x', 2, { retain: true })
  assert.equal(client.takeFirst(PacketType.PUBREC)?.type, PacketType.PUBREC)
  const codes = client.subscribe(['a/+', '$share/g/a', 'a'], 0, {}, { subscriptionIdentifiers: [7] }).reasonCodes
  assert.deepEqual(codes, [
    ReasonCode.WildcardSubscriptionsNotSupported,
    ReasonCode.SharedSubscriptionsNotSupported,
    ReasonCode.Success,
  ])
  client.publish('a', 'y')
  const message = client.takeFirst(PacketType.PUBLISH) as PublishPacket
  assert.deepEqual(message.properties.subscriptionIdentifiers, [7])
  assert.equal(client.isClosed, false)

  const again = broker.connect({ clientId: 'before', cleanStart: false })
  const { retainAvailable, maximumQoS, wildcardSubscriptionAvailable } = again.connack!.properties
  assert.deepEqual([retainAvailable, maximumQoS, wildcardSubscriptionAvailable], [0, 0, 0])
  again.publish('a', 'x', 0, { retain: true })
  const last = again.takeFirst(PacketType.DISCONNECT)
  assert.equal(last?.type === PacketType.DISCONNECT && last.reasonCode, ReasonCode.RetainNotSupported)
  await broker.close()
})
