import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DisconnectPacket } from '../../../../src/codec/packets.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import type { BrokerEvents } from '../../../../src/access/broker-events.ts'
import type { Plugin } from '../../../../src/access/plugin.ts'
import { VirtualBroker } from '../../../support/virtual-broker.ts'
import { clientsOf, sessionsOf } from '../../../support/sessions.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

function told<Name extends keyof BrokerEvents>(broker: VirtualBroker, name: Name): BrokerEvents[Name][] {
  const events: BrokerEvents[Name][] = []
  broker.broker.on(name, (event) => events.push(event))
  return events
}

test('takeover: the old Connection is told 0x8E and closed, the new one goes on with its Session [5.0 MQTT-3.1.4-3]', async () => {
  const broker = await VirtualBroker.start()
  const old = broker.connect(KEPT)
  old.subscribe('a/#', 1)
  const fresh = broker.connect(KEPT)
  assert.equal(fresh.connack?.sessionPresent, true)
  assert.equal((old.take()[0] as DisconnectPacket).reasonCode, 0x8e)
  assert.ok(old.isClosed)
  broker.connect({ clientId: 'sensor' }).publish('a/b', 'x', 1)
  assert.deepEqual([old.takePayloads(), fresh.takePayloads()], [[], ['x']])
  assert.equal(broker.broker.metrics.takeovers, 1)
  assert.equal(clientsOf(broker.broker).length, 2)
  await broker.close()
})

test('takeover of a 3.1.1 Client closes the old Connection, in every mixture of versions [3.1.1 MQTT-3.1.4-2]', async () => {
  for (const [one, other] of [
    [3, 4],
    [4, 5],
    [5, 4],
    [4, 4],
  ] as const) {
    const broker = await VirtualBroker.start()
    const old = broker.connect({ version: one })
    const fresh = broker.connect({ version: other })
    assert.ok(old.isClosed && !fresh.isClosed)
    assert.deepEqual(
      old.take().map(({ type }) => type),
      one === 5 ? [PacketType.DISCONNECT] : [],
    )
    await broker.close()
  }
})

test('what the old Connection had in flight goes out again on the new one, with DUP', async () => {
  const broker = await VirtualBroker.start()
  const old = broker.connect(KEPT)
  old.subscribe('a', 2)
  broker.connect({ clientId: 'sensor' }).publish('a', 'one', 1)
  const [first] = old.take()
  const fresh = broker.connect(KEPT)
  assert.deepEqual(fresh.take(), [{ ...first, dup: true }])
  await broker.close()
})

test('a takeover is told as such', async () => {
  const broker = await VirtualBroker.start()
  const ends = told(broker, 'clientDisconnected')
  broker.connect()
  broker.connect()
  assert.deepEqual(
    ends.map(({ cause }) => cause),
    ['session taken over'],
  )
  await broker.close()
})

test('a Session ends with its Connection at Session Expiry 0, and lives on otherwise [5.0 MQTT-3.1.2-5]', async () => {
  const broker = await VirtualBroker.start()
  broker.connect({ clientId: 'short' }).drop()
  broker.connect({ clientId: 'long', ...KEPT }).drop()
  assert.deepEqual(
    sessionsOf(broker.broker).map(({ clientId, connected }) => [clientId, connected]),
    [['long', false]],
  )
  await broker.close()
})

test('Session Expiry: to the second [5.0 MQTT-3.1.2-23]', async () => {
  const broker = await VirtualBroker.start()
  const ended = told(broker, 'sessionEnded')
  broker.connect(KEPT).drop()
  broker.advance(99_999)
  assert.equal(sessionsOf(broker.broker).length, 1)
  broker.advance(1)
  assert.deepEqual(ended, [{ clientId: 'client', cause: 'expired' }])
  assert.equal(broker.broker.metrics.sessionsExpired, 1)
  assert.equal(broker.connect(KEPT).connack?.sessionPresent, false)
  await broker.close()
})

test('a Client that comes back in time stops the count', async () => {
  const broker = await VirtualBroker.start()
  broker.connect(KEPT).drop()
  broker.advance(60_000)
  const again = broker.connect(KEPT)
  broker.advance(200_000)
  assert.equal(again.isClosed, false)
  again.drop()
  broker.advance(99_999)
  assert.equal(broker.connect(KEPT).connack?.sessionPresent, true)
  await broker.close()
})

test('DISCONNECT may change the Session Expiry Interval', async () => {
  const broker = await VirtualBroker.start()
  broker.connect(KEPT).disconnect(0, { sessionExpiryInterval: 0 })
  assert.deepEqual(sessionsOf(broker.broker), [])
  broker.connect(KEPT).disconnect(0, { sessionExpiryInterval: 5 })
  broker.advance(4999)
  assert.equal(sessionsOf(broker.broker).length, 1)
  broker.advance(1)
  assert.deepEqual(sessionsOf(broker.broker), [])
  await broker.close()
})

test('0xFFFFFFFF never expires where max-session-expiry allows it', async () => {
  const broker = await VirtualBroker.start({ 'max-session-expiry': 0xffffffff })
  broker.connect({ cleanStart: false, properties: { sessionExpiryInterval: 0xffffffff } }).drop()
  broker.advance(10 * 365 * 86_400_000)
  assert.equal(sessionsOf(broker.broker).length, 1)
  await broker.close()
})

test('Clean Start forgets subscriptions and messages [5.0 MQTT-3.1.2-4] [3.1.1 MQTT-3.1.2-6]', async () => {
  for (const version of [4, 5] as const) {
    const broker = await VirtualBroker.start()
    const options = { version, cleanStart: false, ...(version === 5 && KEPT) }
    const away = broker.connect(options)
    away.subscribe('a', 1)
    away.drop()
    const sensor = broker.connect({ clientId: 'sensor' })
    sensor.publish('a', 'before', 1)
    const fresh = broker.connect({ ...options, cleanStart: true })
    assert.equal(fresh.connack?.sessionPresent, false)
    sensor.publish('a', 'after', 1)
    assert.deepEqual(fresh.takePayloads(), [])
    await broker.close()
  }
})

test('a resumed Session gets what came while it was away, in order, and no QoS 0', async () => {
  const broker = await VirtualBroker.start()
  const away = broker.connect(KEPT)
  away.subscribe('#', 2)
  away.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const [payload, qos] of [
    ['one', 1],
    ['zero', 0],
    ['two', 2],
    ['three', 1],
  ] as const) {
    sensor.publish('a', payload, qos)
  }
  const back = broker.connect(KEPT)
  assert.deepEqual(
    back.receiveAll().map(({ payload, qos }) => [Buffer.from(payload).toString(), qos]),
    [
      ['one', 1],
      ['two', 2],
      ['three', 1],
    ],
  )
  await broker.close()
})

test('a Session belongs to the User Name that made it: another gets 0x85, and the Session stays untouched', async () => {
  const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [everybody] } })
  const owner = broker.connect({ ...KEPT, userName: 'ann', password: 'x' })
  const thief = broker.connect({ ...KEPT, userName: 'bob', password: 'x' })
  const old = broker.connect({ version: 4, userName: 'bob', password: 'x' })
  assert.deepEqual([thief.connack?.reasonCode, old.connack?.reasonCode], [0x85, 2])
  assert.ok(!owner.isClosed)
  assert.deepEqual(owner.take(), [])
  await broker.close()
})

test('an empty Client Identifier is given one that is long, random and told [5.0 MQTT-3.1.3-6] [5.0 MQTT-3.1.3-7]', async () => {
  const broker = await VirtualBroker.start()
  const names = [1, 2].map(() => broker.connect({ clientId: '' }).connack?.properties.assignedClientIdentifier)
  assert.match(names[0]!, /^auto-[0-9a-f]{32}$/)
  assert.notEqual(names[0], names[1])
  assert.equal(broker.connect({ clientId: '', version: 4 }).connack?.reasonCode, 0)
  assert.equal(broker.connect({ clientId: '', version: 4, cleanStart: false }).connack?.reasonCode, 2)
  assert.equal(broker.connect({ clientId: '', version: 3 }).connack?.reasonCode, 2)
  await broker.close()
})
