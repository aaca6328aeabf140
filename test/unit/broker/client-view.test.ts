import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import type { ClientView } from '../../../src/broker/sessions/client-view.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

async function viewOf(broker: VirtualBroker, clientId = 'meter'): Promise<ClientView> {
  const view = await broker.broker.client(clientId)
  assert.ok(view !== undefined, `${clientId} is not connected`)
  return view
}

test('the view of a client has what its CONNECT asked for and its connection has done, in the terms of the standard', async () => {
  const broker = await VirtualBroker.start()
  const connectedAtMs = Math.round(broker.clock.wallNow())
  const meter = broker.connect({
    clientId: 'meter',
    cleanStart: false,
    keepAlive: 30,
    properties: { sessionExpiryInterval: 100, receiveMaximum: 3 },
    peer: { address: '192.0.2.7', port: 50_312 },
  })
  meter.subscribe(['a', 'b'], 2)
  broker.advance(1000)
  meter.publish('elsewhere', '12345')
  broker.advance(500)
  const view = await viewOf(broker)
  const { bytesReceived, bytesSent, sessionMemoryBytes, ...rest } = view
  assert.deepEqual(rest, {
    clientId: 'meter',
    userName: undefined,
    claimedUserName: undefined,
    address: '192.0.2.7',
    port: 50_312,
    listener: 'attached',
    protocolVersion: 5,
    bridge: false,
    encrypted: false,
    certificateUserName: undefined,
    tls: undefined,
    state: 'connected',
    isRead: true,
    connectedAtMs,
    lastPacketReceivedAtMs: connectedAtMs + 1000,
    lastPacketSentAtMs: connectedAtMs,
    cleanStart: false,
    sessionPresent: false,
    keepAlive: 30,
    sessionExpiryInterval: 100,
    receiveMaximum: 3,
    sendQuota: 3,
    inflightMessages: 0,
    inflightReceivedMessages: 0,
    queuedMessages: 0,
    queuedBytes: 0,
    subscriptions: 2,
    messagesReceived: 1,
    messagesSent: 0,
    unsentBytes: 0,
    connectionMemoryBytes: 0,
    acknowledgementMs: null,
  })
  assert.equal(bytesSent, meter.bytes.length)
  assert.ok(bytesReceived > 30 && sessionMemoryBytes > 1000)
  await broker.close()
})

for (const version of [3, 4, 5] as const satisfies readonly ProtocolVersion[]) {
  test(`version ${version}: the send quota falls with each message in flight and rises with its acknowledgement`, async () => {
    const broker = await VirtualBroker.start({ 'max-inflight-messages': 2 })
    const meter = broker.connect({ clientId: 'meter', version, cleanStart: false })
    meter.subscribe('a', 1)
    const sensor = broker.connect({ clientId: 'sensor' })
    for (const payload of ['1', '2', '3']) sensor.publish('a', payload, 1)
    const facts = ({ receiveMaximum, sendQuota, inflightMessages, queuedMessages }: ClientView): number[] => [
      receiveMaximum,
      sendQuota,
      inflightMessages,
      queuedMessages,
    ]
    assert.deepEqual(facts(await viewOf(broker)), [2, 0, 2, 1])
    meter.receiveAll()
    const view = await viewOf(broker)
    assert.deepEqual(facts(view), [2, 2, 0, 0])
    assert.equal(view.protocolVersion, version)
    assert.equal(view.sessionExpiryInterval, version === 5 ? 0 : 2_592_000)
    assert.equal(view.messagesSent, 3)
    await broker.close()
  })
}

test('the acknowledgement time is measured from PUBLISH to PUBACK or PUBREC, smoothed, and of this connection alone', async () => {
  const broker = await VirtualBroker.start()
  const kept = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
  let meter = broker.connect(kept)
  meter.subscribe('a', 2)
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', 'QoS 0')
  assert.equal((await viewOf(broker)).acknowledgementMs, null)
  sensor.publish('a', 'QoS 1', 1)
  broker.advance(80)
  // Sent while another one is timed: not timed itself.
  sensor.publish('a', 'another', 1)
  assert.equal((await viewOf(broker)).acknowledgementMs, null)
  meter.receiveAll()
  assert.equal((await viewOf(broker)).acknowledgementMs, 80)
  const publish = sensor.publish('a', 'QoS 2', 2)
  sensor.acknowledge(PacketType.PUBREL, publish)
  broker.advance(160)
  meter.receiveAll()
  assert.equal((await viewOf(broker)).acknowledgementMs, 90)
  sensor.publish('a', 'lost', 1)
  meter.drop()
  meter = broker.connect(kept)
  assert.equal((await viewOf(broker)).acknowledgementMs, null)
  broker.advance(7)
  meter.receiveAll()
  assert.equal((await viewOf(broker)).acknowledgementMs, 7)
  await broker.close()
})

test('a QoS 2 message that was not released, output that is not taken, and a packet that is not complete are seen', async () => {
  const broker = await VirtualBroker.start()
  const meter = broker.connect({ clientId: 'meter' })
  meter.subscribe('a')
  meter.publish('b', 'x', 2)
  assert.equal((await viewOf(broker)).inflightReceivedMessages, 1)
  meter.isFrozen = true
  broker.connect({ clientId: 'sensor' }).publish('a', 'x'.repeat(1000))
  const frozen = await viewOf(broker)
  assert.ok(frozen.unsentBytes >= 1000)
  assert.equal(frozen.connectionMemoryBytes, frozen.unsentBytes)
  meter.thaw()
  meter.sendHex('30ff01')
  assert.ok((await viewOf(broker)).connectionMemoryBytes >= 3)
  await broker.close()
})

test('a client whose packet waits for a plugin is answering, and is not read', async () => {
  const slow: Plugin = { name: 'slow', mayPublish: () => new Promise(() => {}) }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [slow] } })
  const meter = broker.connect({ clientId: 'meter' })
  meter.publish('a', 'x', 1)
  const { state, isRead } = await viewOf(broker)
  assert.deepEqual([state, isRead], ['answering', false])
  await broker.close()
})

test('only a client that is connected has a view', async () => {
  const broker = await VirtualBroker.start({}, {}, new VirtualClock())
  const meter = broker.connect({ clientId: 'meter', properties: { sessionExpiryInterval: 100 } })
  assert.equal(await broker.broker.client('nobody'), undefined)
  meter.drop()
  assert.equal(await broker.broker.client('meter'), undefined)
  await broker.close()
  await assert.rejects(broker.broker.client('meter'), { code: 'ERR_USAGE', message: /the broker is closed/ })
})
