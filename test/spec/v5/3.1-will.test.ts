/** The Will: when it goes out, when it does not, and what it says (§3.1.2.5, §3.1.3.2). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { endOf, justBefore, onlyPublish, resume, SECOND, watch } from './support.ts'

const PINGRESP = { type: PacketType.PINGRESP } as const

/** A broker, someone who watches `will`, and a Client with a Will there. */
async function withWill(
  properties: Properties = {},
  connect: ConnectOptions = {},
): Promise<{ broker: VirtualBroker; watcher: TestClient; client: TestClient }> {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 'will')
  const client = broker.connect({ clientId: 'c', will: { topicName: 'will', properties }, ...connect })
  return { broker, watcher, client }
}

const EXPIRY = { properties: { sessionExpiryInterval: 600 } }

test('The Will is stored with the Session and published when the network fails, not before [5.0 MQTT-3.1.2-7, MQTT-3.1.2-8]', async () => {
  const { broker, watcher, client } = await withWill()
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
  client.drop(new Error('ECONNRESET'))
  const will = onlyPublish(watcher)
  assert.equal(will.topicName, 'will')
  assert.equal(Buffer.from(will.payload).toString(), 'gone')
})

const causes: readonly [cause: string, end: (client: TestClient, broker: VirtualBroker) => void][] = [
  ['a network failure', (client) => client.drop(new Error('ETIMEDOUT'))],
  ['a close without DISCONNECT', (client) => client.drop()],
  ['a Keep Alive that ran out', (_client, broker) => broker.advance(15 * SECOND)],
  ['a Protocol Error', (client) => client.send(PINGRESP)],
  ['a Malformed Packet', (client) => client.sendHex('c100')],
  ['DISCONNECT 0x04', (client) => client.disconnect(0x04)],
  ['DISCONNECT 0x80', (client) => client.disconnect(0x80)],
  ['an administrator', (_client, { broker }) => void broker.disconnect('c')],
  ['a takeover', (_client, broker) => void broker.connect({ clientId: 'c' })],
]
for (const [cause, end] of causes) {
  test(`The Will goes out after ${cause} [5.0 U-3.1.2.5-1, U-3.1.2.5-2, MQTT-3.1.2-8]`, async () => {
    const { broker, watcher, client } = await withWill({}, { keepAlive: 10 })
    end(client, broker)
    broker.clock.runTurns()
    assert.deepEqual(watcher.takePayloads(), ['gone'])
  })
}

test('DISCONNECT 0x00 removes the Will [5.0 MQTT-3.1.2-8, MQTT-3.1.2-10]', async () => {
  for (const sessionExpiryInterval of [0, 600]) {
    const { broker, watcher, client } = await withWill({}, { properties: { sessionExpiryInterval } })
    client.disconnect()
    broker.advance(3600 * SECOND)
    assert.deepEqual(watcher.take(), [])
  }
})

test('DISCONNECT 0x00 removes a Will with a delay too [5.0 MQTT-3.1.2-10]', async () => {
  const { broker, watcher, client } = await withWill({ willDelayInterval: 5 }, EXPIRY)
  client.disconnect()
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
})

test('A Will that was published is no longer in the Session State: it goes out once [5.0 MQTT-3.1.2-10]', async () => {
  const { broker, watcher, client } = await withWill({}, EXPIRY)
  client.drop()
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  resume(broker, 'c', 600).drop()
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
})

test('A CONNECT without a Will replaces that of the Session [5.0 MQTT-3.1.2-7]', async () => {
  const { broker, watcher, client } = await withWill({ willDelayInterval: 60 }, EXPIRY)
  client.drop()
  const again = resume(broker, 'c', 600)
  again.drop()
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
})

test('The Will goes out when the Will Delay Interval is over, to the millisecond [5.0 MQTT-3.1.2-8, U-3.1.2.5-2]', async () => {
  const { broker, watcher, client } = await withWill({ willDelayInterval: 30 }, EXPIRY)
  client.drop()
  broker.advance(justBefore(30))
  assert.deepEqual(watcher.take(), [])
  broker.advance(1)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
})

test('Without a Will Delay Interval, and with 0, the Will goes out at the close [5.0 U-3.1.3.2.2-1]', async () => {
  for (const properties of [{}, { willDelayInterval: 0 }]) {
    const { watcher, client } = await withWill(properties, EXPIRY)
    client.drop()
    assert.deepEqual(watcher.takePayloads(), ['gone'])
  }
})

test('The Session’s end cuts the Will Delay Interval short, to the millisecond [5.0 U-3.1.3.2.2-1, MQTT-3.1.2-8]', async () => {
  const { broker, watcher, client } = await withWill(
    { willDelayInterval: 600 },
    { properties: { sessionExpiryInterval: 10 } },
  )
  client.drop()
  broker.advance(justBefore(10))
  assert.deepEqual(watcher.take(), [])
  broker.advance(1)
  assert.deepEqual(watcher.takePayloads(), ['gone'])
})

test('A Session that ends with its connection leaves no time for a Will Delay Interval [5.0 U-3.1.3.2.2-1]', async () => {
  const { watcher, client } = await withWill({ willDelayInterval: 600 })
  client.drop()
  assert.deepEqual(watcher.takePayloads(), ['gone'])
})

test('Reconnected to its Session within the delay, the Will is not sent, then or ever [5.0 MQTT-3.1.3-9, MQTT-3.1.2-8]', async () => {
  const { broker, watcher, client } = await withWill({ willDelayInterval: 30 }, EXPIRY)
  client.drop()
  broker.advance(justBefore(30))
  const again = resume(broker, 'c', 600)
  broker.advance(3600 * SECOND)
  again.disconnect(0x04)
  broker.advance(3600 * SECOND)
  assert.deepEqual(watcher.take(), [])
})

const takeovers: readonly [what: string, delay: number, cleanStart: boolean, expiry: number, isSent: boolean][] = [
  ['Clean Start 0 and a delay: not sent', 30, false, 600, false],
  ['Clean Start 0 and no delay: sent', 0, false, 600, true],
  ['Clean Start 1 ends the old Session: sent', 30, true, 600, true],
  ['an old expiry of 0 ends the old Session: sent', 30, false, 0, true],
]
for (const [what, willDelayInterval, cleanStart, sessionExpiryInterval, isSent] of takeovers) {
  test(`Takeover with ${what} [5.0 U-3.1.3.2.2-2]`, async () => {
    const { broker, watcher, client } = await withWill({ willDelayInterval }, { properties: { sessionExpiryInterval } })
    resume(broker, 'c', 600, { cleanStart })
    assert.equal(endOf(client), 0x8e)
    assert.deepEqual(watcher.takePayloads(), isSent ? ['gone'] : [])
    broker.advance(3600 * SECOND)
    assert.deepEqual(watcher.takePayloads(), [])
  })
}

test('Clean Start 1 within the delay ends the Session, and so sends the Will at once [5.0 U-3.1.3.2.2-2]', async () => {
  const { broker, watcher, client } = await withWill({ willDelayInterval: 30 }, EXPIRY)
  client.drop()
  assert.deepEqual(watcher.take(), [])
  broker.connect({ clientId: 'c' })
  assert.deepEqual(watcher.takePayloads(), ['gone'])
})

for (const [retain, id] of [
  [false, 'MQTT-3.1.2-14'],
  [true, 'MQTT-3.1.2-15'],
] as const) {
  test(`Will Retain ${retain ? 1 : 0}: the Will is published ${retain ? '' : 'un'}retained [5.0 ${id}]`, async () => {
    const broker = await VirtualBroker.start()
    const watcher = watch(broker, 'will')
    broker.connect({ clientId: 'c', will: { topicName: 'will', retain } }).drop()
    assert.equal(onlyPublish(watcher).retain, retain)
    const late = broker.connect({ clientId: 'late' })
    late.subscribe('will')
    assert.deepEqual(late.takePayloads(), retain ? ['gone'] : [])
  })
}

test('The Will goes out at its Will QoS [5.0 MQTT-3.1.2-8]', async () => {
  for (const qos of [0, 1, 2] as const) {
    const broker = await VirtualBroker.start()
    const watcher = watch(broker, 'will')
    broker.connect({ clientId: 'c', will: { topicName: 'will', qos } }).drop()
    assert.equal(onlyPublish(watcher).qos, qos)
  }
})

test('The Will’s properties are the message’s; the Will Delay Interval is not among them [5.0 U-3.1.3.2-1]', async () => {
  const properties = {
    payloadFormatIndicator: 1,
    contentType: 'text/plain',
    responseTopic: 'answers',
    correlationData: Uint8Array.of(0, 255),
    userProperties: [['a', 'b']] as const,
  }
  const { broker, watcher, client } = await withWill({ ...properties, willDelayInterval: 5 }, EXPIRY)
  client.drop()
  broker.advance(5 * SECOND)
  assert.deepEqual(onlyPublish(watcher).properties, properties)
})

test('The Will’s User Properties keep their order, also where names repeat [5.0 MQTT-3.1.3-10]', async () => {
  const userProperties = [
    ['b', '1'],
    ['a', '2'],
    ['b', '1'],
    ['', ''],
    ['a', '0'],
  ] as const
  const { watcher, client } = await withWill({ userProperties })
  client.drop()
  assert.deepEqual(onlyPublish(watcher).properties.userProperties, userProperties)
})

test('The Will’s Message Expiry Interval counts from its publication; none means none [5.0 U-3.1.3.2.4-1]', async () => {
  const { broker, watcher, client } = await withWill({ messageExpiryInterval: 10, willDelayInterval: 60 }, EXPIRY)
  const reader = resume(broker, 'reader', 600)
  reader.subscribe('will', 1)
  reader.drop()
  client.drop()
  broker.advance(60 * SECOND)
  assert.equal(onlyPublish(watcher).properties.messageExpiryInterval, 10)

  const none = await withWill({ willDelayInterval: 60 }, EXPIRY)
  none.client.drop()
  none.broker.advance(60 * SECOND)
  assert.deepEqual(onlyPublish(none.watcher).properties, {})
})

test('A retained Will expires its Message Expiry Interval after it went out [5.0 U-3.1.3.2.4-1]', async () => {
  const broker = await VirtualBroker.start()
  const properties = { messageExpiryInterval: 10, willDelayInterval: 60 }
  const will = { topicName: 'will', retain: true, properties }
  broker.connect({ clientId: 'c', will, properties: { sessionExpiryInterval: 600 } }).drop()
  broker.advance(60 * SECOND + justBefore(10))
  const early = broker.connect({ clientId: 'early' })
  early.subscribe('will')
  assert.equal(onlyPublish(early).properties.messageExpiryInterval, 1)
  broker.advance(1)
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('will')
  assert.deepEqual(late.take(), [])
})

test('A Server that stops does not publish Wills on the way: that is left to its next start [5.0 U-3.1.2.5-3]', async () => {
  const { broker, watcher, client } = await withWill()
  await broker.close()
  assert.equal(endOf(client), ReasonCode.ServerShuttingDown)
  assert.deepEqual(
    watcher.take().map(({ type }) => type),
    [PacketType.DISCONNECT],
  )
})

test('A Will that claims to be text is passed on unchecked [5.0 U-3.1.3.2.3-1]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 'will')
  const payload = Uint8Array.of(0xff, 0xfe)
  const will = { topicName: 'will', payload, properties: { payloadFormatIndicator: 1 } }
  const client = broker.connect({ clientId: 'c', will })
  assert.equal(client.connack?.reasonCode, 0)
  client.drop()
  assert.deepEqual(onlyPublish(watcher).payload, payload)
})
