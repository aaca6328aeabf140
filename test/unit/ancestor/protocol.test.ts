/**
 * The ancestor's defects of protocol and behaviour (C8, C9): none of them lives here. Names quote its code's review.
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { sessionsOf } from '../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

/** A broker, a sensor that publishes and a meter that listens. */
async function setUp(config = {}) {
  const broker = await VirtualBroker.start(config)
  return { broker, sensor: broker.connect({ clientId: 'sensor' }), meter: broker.connect({ clientId: 'meter' }) }
}

function publishes(client: TestClient): PublishPacket[] {
  return client.take().filter((packet): packet is PublishPacket => packet.type === PacketType.PUBLISH)
}

test('C8: Sessions are equal by Client Identifier, whoever made them: a Session has an owner', async () => {
  const named: Plugin = { name: 'named', authenticate: () => ({ decision: 'allow' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [named] } })
  broker.connect({ userName: 'ann', ...KEPT }).drop()
  assert.equal(broker.connect({ userName: 'bob', ...KEPT }).connack?.reasonCode, ReasonCode.ClientIdentifierNotValid)
  await broker.close()
})

test('C9: no MQTT 5, no 3.1: all three are served', async () => {
  const broker = await VirtualBroker.start()
  for (const version of [3, 4, 5] as const) assert.equal(broker.connect({ version }).connack?.reasonCode, 0)
  await broker.close()
})

test('C9: Keep Alive is never enforced: it is, at one and a half times', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect({ version: 4, keepAlive: 10 })
  broker.advance(14_999)
  assert.ok(!client.isClosed)
  broker.advance(1)
  assert.ok(client.isClosed)
  await broker.close()
})

test('C9: the Will is published even after a clean DISCONNECT: it is not', async () => {
  const { broker, meter } = await setUp()
  meter.subscribe('will')
  broker.connect({ version: 4, will: { topicName: 'will' } }).disconnect()
  assert.deepEqual(meter.take(), [])
  await broker.close()
})

test('C9: `sport/#` does not match `sport`: it does', async () => {
  const { broker, sensor, meter } = await setUp()
  meter.subscribe('sport/#')
  sensor.publish('sport', 'x')
  assert.deepEqual(meter.takePayloads(), ['x'])
  await broker.close()
})

for (const filter of ['a#', 'a/b#', '##', 'a+/b', 'a/+b', '']) {
  test(`C9: the filter ${JSON.stringify(filter)} is accepted: it is refused`, async () => {
    const { broker, meter } = await setUp()
    meter.subscribe(filter)
    assert.ok(meter.isClosed)
    await broker.close()
  })
}

test('C9: QoS 0 publishes are upgraded to the QoS of the subscription: the lower of both holds', async () => {
  const { broker, sensor, meter } = await setUp()
  meter.subscribe('a', 2)
  for (const qos of [0, 1, 2] as const) sensor.publish('a', 'x', qos)
  assert.deepEqual(
    meter.receiveAll().map(({ qos }) => qos),
    [0, 1, 2],
  )
  await broker.close()
})

test('C9: a repeated SUBSCRIBE keeps the old QoS although SUBACK reports the new one: the new one holds', async () => {
  const { broker, sensor, meter } = await setUp()
  meter.subscribe('a', 0)
  meter.subscribe('a', 1)
  sensor.publish('a', 'x', 2)
  assert.deepEqual(
    meter.receiveAll().map(({ qos }) => qos),
    [1],
  )
  await broker.close()
})

test('C9: retained messages go out at the requested QoS, ignoring max-qos and their own: the lowest of all holds', async () => {
  const { broker, sensor, meter } = await setUp({ 'max-qos': 1 })
  sensor.publish('zero', 'x', 0, { retain: true })
  sensor.publish('one', 'x', 1, { retain: true })
  meter.subscribe(['zero', 'one'], 2)
  const received = meter.receiveAll().map(({ topicName, qos }) => [topicName, qos])
  assert.deepEqual(Object.fromEntries(received), { zero: 0, one: 1 })
  await broker.close()
})

test('C9: messages queued for an offline Session arrive with RETAIN 1, and QoS 0 is queued too: neither', async () => {
  const { broker, sensor } = await setUp()
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('a', 1)
  away.drop()
  sensor.publish('a', 'zero', 0)
  sensor.publish('a', 'one', 1, { retain: true })
  const received = publishes(broker.connect({ clientId: 'away', ...KEPT }))
  assert.deepEqual(
    received.map(({ payload, retain }) => [Buffer.from(payload).toString(), retain]),
    [['one', false]],
  )
  await broker.close()
})

test('C9: one SUBSCRIBE with QoS 3 and one matching PUBLISH stop the broker: the first ends its Connection', async () => {
  const { broker, sensor, meter } = await setUp()
  for (const version of [4, 5] as const) {
    const evil = broker.connect({ clientId: 'evil', version })
    evil.sendHex(version === 4 ? '82 06 0001 0001 61 03' : '82 07 0001 00 0001 61 03')
    assert.ok(evil.isClosed)
  }
  meter.subscribe('a')
  sensor.publish('a', 'alive')
  assert.deepEqual(meter.takePayloads(), ['alive'])
  await broker.close()
})

test('C9: UNSUBSCRIBE leaves the emptied filter in the table for ever: nothing is left', async () => {
  const { broker, meter } = await setUp({ 'sys-interval': 1 })
  for (let at = 0; at < 100; at++) {
    meter.subscribe(`a/${at}/+`)
    meter.unsubscribe(`a/${at}/+`)
  }
  broker.advance(1000)
  meter.subscribe('$SYS/broker/messages/subscriptions/count')
  assert.deepEqual(meter.takePayloads(), ['0'])
  await broker.close()
})

test('C9: clean Sessions and their subscriptions are not removed on disconnect: they are, at once', async () => {
  const { broker, sensor } = await setUp()
  const gone = broker.connect({ clientId: 'gone', version: 4 })
  gone.subscribe('a', 1)
  gone.drop()
  let receivers = -1
  broker.broker.on('published', (event) => (receivers = event.receivers))
  sensor.publish('a', 'x', 1)
  assert.equal(receivers, 0)
  assert.ok(!sessionsOf(broker.broker).some(({ clientId }) => clientId === 'gone'))
  await broker.close()
})

test('C9: one dead subscriber freezes the whole broker: its own queue fills, the others go on', async () => {
  const { broker, sensor, meter } = await setUp({ 'max-queued-messages': 10 })
  const dead = broker.connect({ clientId: 'dead', ...KEPT })
  for (const client of [dead, meter]) client.subscribe('a', 1)
  dead.drop()
  for (let at = 0; at < 50; at++) sensor.publish('a', String(at), 1)
  assert.equal(meter.receiveAll().length, 50)
  assert.equal(broker.broker.metrics.dropped['queue full'], 40)
  await broker.close()
})

test('C9: one task per delivery, order not guaranteed: order is kept at each QoS, also of parallel incoming ones', async () => {
  const { broker, sensor, meter } = await setUp()
  meter.subscribe('#', 2)
  for (const qos of [0, 1, 2] as const) {
    for (let at = 0; at < 20; at++) sensor.publish(`t/${at % 3}`, String(at), qos)
    const received = meter.receiveAll().map(({ payload }) => Number(Buffer.from(payload).toString()))
    assert.deepEqual(
      received,
      Array.from({ length: 20 }, (_, at) => at),
    )
  }
  await broker.close()
})

test('C9: Session takeover does not close the old Connection, and the newcomer spins without CONNACK: it does, and has it at once', async () => {
  const broker = await VirtualBroker.start()
  const old = broker.connect({ version: 4, cleanStart: false })
  const fresh = broker.connect({ version: 4, cleanStart: false })
  assert.deepEqual([old.isClosed, fresh.connack?.reasonCode, fresh.connack?.sessionPresent], [true, 0, true])
  await broker.close()
})

for (const cleanStart of [false, true]) {
  test(`C9: clean_session=${Number(cleanStart)} touches the stored Session before authentication: nothing is touched`, async () => {
    const plugin: Plugin = {
      name: 'p',
      authenticate: ({ password }) => ({
        decision: Buffer.from(password ?? []).toString() === 'right' ? 'allow' : 'deny',
      }),
    }
    const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
    const owner = { userName: 'ann', password: 'right', ...KEPT }
    const ann = broker.connect(owner)
    ann.subscribe('a', 1)
    const thief = broker.connect({ userName: 'ann', password: 'wrong', cleanStart })
    assert.equal(thief.connack?.reasonCode, ReasonCode.BadUserNameOrPassword)
    assert.ok(!ann.isClosed)
    ann.drop()
    broker.connect({ userName: 'ann', password: 'wrong', cleanStart })
    broker.connect({ clientId: 'sensor', userName: 's', password: 'right' }).publish('a', 'x', 1)
    const back = broker.connect(owner)
    assert.deepEqual([back.connack?.sessionPresent, back.takePayloads()], [true, ['x']])
    await broker.close()
  })
}

test('C9: new Will and Keep Alive are ignored by a resumed Session: they hold', async () => {
  const { broker, meter } = await setUp()
  meter.subscribe('will/+')
  broker.connect({ ...KEPT, keepAlive: 100, will: { topicName: 'will/old' } }).disconnect()
  const back = broker.connect({ ...KEPT, keepAlive: 2, will: { topicName: 'will/new' } })
  broker.advance(3000)
  assert.ok(back.isClosed)
  assert.deepEqual(
    publishes(meter).map(({ topicName }) => topicName),
    ['will/new'],
  )
  await broker.close()
})

test('C9: no timeout waiting for CONNECT, no packet-size limit: both are there', async () => {
  const broker = await VirtualBroker.start()
  const silent = broker.open()
  const huge = broker.open()
  huge.sendHex('10 ff ff ff 7f')
  assert.ok(huge.isClosed)
  broker.advance(10_000)
  assert.ok(silent.isClosed)
  await broker.close()
})

test('C9: `max_connections` makes sockets wait unread, and the count leaks on error: they are refused, and errors make room', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 1 })
  for (let at = 0; at < 10; at++) {
    broker.connect({ clientId: `bad${at}` }).sendHex('00 00')
    broker.open().sendHex('ff')
  }
  assert.equal(broker.connect({ clientId: 'good' }).connack?.reasonCode, 0)
  assert.equal(broker.connect({ clientId: 'one more' }).connack?.reasonCode, ReasonCode.ServerBusy)
  await broker.close()
})

test('C9: User Name without Password is refused, empty ones are taken for missing, and a Password must be UTF-8: none of it', async () => {
  const seen: unknown[] = []
  const plugin: Plugin = {
    name: 'p',
    authenticate: ({ userName, password }) => {
      seen.push([userName, password && Buffer.from(password).toString('hex')])
      return { decision: 'allow' }
    },
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] }, 'client-id-ownership': false })
  broker.connect({ userName: 'u', version: 4 })
  broker.connect({ userName: '', password: '' })
  broker.connect({ userName: 'u', password: Buffer.from('ff00', 'hex') })
  assert.deepEqual(seen, [
    ['u', undefined],
    ['', ''],
    ['u', 'ff00'],
  ])
  await broker.close()
})

test('C9: a zero-length Will payload is taken for missing: it is sent as it is', async () => {
  const { broker, meter } = await setUp()
  meter.subscribe('will')
  broker.connect({ will: { topicName: 'will', payload: Buffer.alloc(0) } }).drop()
  assert.deepEqual(meter.takePayloads(), [''])
  await broker.close()
})

test('C9: a topic with `*` is refused: it is a topic like any other', async () => {
  const { broker, sensor, meter } = await setUp()
  meter.subscribe('a/*')
  sensor.publish('a/*', 'x')
  assert.deepEqual(meter.takePayloads(), ['x'])
  await broker.close()
})

test('C9: a PUBLISH to a bad topic is only discarded, and the reader goes on out of step: its Connection ends', async () => {
  const { broker, meter } = await setUp()
  meter.subscribe('#')
  for (const topic of ['a/#', 'a+', '']) {
    const bad = broker.connect({ clientId: 'bad', version: 4 })
    bad.publish(topic, 'x')
    bad.publish('after', 'x')
    assert.ok(bad.isClosed)
  }
  assert.deepEqual(meter.takePayloads(), [])
  await broker.close()
})

test('C9: header flag bits and empty SUBSCRIBE lists are not checked: they are', async () => {
  const broker = await VirtualBroker.start()
  for (const hex of [
    '80 06 0001 0001 61 00',
    '82 02 0001',
    'a2 02 0001',
    'a0 05 0001 0001 61',
    '6004 0001 00 00',
    'c1 00',
    '36 05 0001 61 0001',
  ]) {
    const bad = broker.connect({ clientId: 'bad', version: 4 })
    bad.sendHex(hex)
    assert.ok(bad.isClosed, hex)
  }
  await broker.close()
})

test('C9: on resume the handler waits for old deliveries before it serves: it serves at once', async () => {
  const { broker, sensor } = await setUp()
  const before = broker.connect({ clientId: 'away', ...KEPT })
  before.subscribe('a', 2)
  sensor.publish('a', 'x', 2)
  before.drop()
  const back = broker.connect({ clientId: 'away', ...KEPT })
  back.send({ type: PacketType.PINGREQ })
  assert.deepEqual(
    back.take().map(({ type }) => type),
    [PacketType.PUBLISH, PacketType.PINGRESP],
  )
  await broker.close()
})

test("C9: generated Client Identifiers use a non-crypto generator and can contain `{`: the Clock's random bytes, in hex", async () => {
  const broker = await VirtualBroker.start()
  const names = Array.from(
    { length: 20 },
    () => broker.connect({ clientId: '' }).connack?.properties.assignedClientIdentifier,
  )
  for (const name of names) assert.match(name!, /^auto-[0-9a-f]{32}$/)
  assert.equal(new Set(names).size, 20)
  await broker.close()
})

/** Each of these ended the ancestor's process. */
const KILLERS: readonly (readonly [what: string, act: (client: TestClient) => void])[] = [
  ['invalid UTF-8', (client) => client.sendHex('30 05 0002 c3 28 78')],
  ['a drop inside a PUBLISH', (client) => (client.sendHex('30 50 0001 61'), client.drop())],
  ['a drop inside a length byte', (client) => (client.sendHex('30 ff'), client.drop())],
  ['a packet of a type that is none', (client) => client.sendHex('00 00')],
  ['a reset', (client) => client.drop(new Error('read ECONNRESET'))],
]
for (const [what, act] of KILLERS) {
  test(`C9: no per-connection fault isolation: ${what} ends one Connection and nothing else`, async () => {
    const { broker, sensor, meter } = await setUp()
    meter.subscribe('a')
    for (const version of [3, 4, 5] as const) act(broker.connect({ clientId: 'evil', version }))
    sensor.publish('a', 'alive')
    assert.deepEqual(meter.takePayloads(), ['alive'])
    assert.equal(broker.broker.metrics.internalErrors, 0)
    await broker.close()
  })
}
