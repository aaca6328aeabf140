import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/broker/events.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { TestBroker } from '../../support/test-broker.ts'

test('max-connections: one more gets CONNACK 0x89, in 3.1.1 and 3.1 code 3, then the close, and is counted', async () => {
  const broker = await TestBroker.start({ 'max-connections': 2 })
  const refused: BrokerEvents['clientRefused'][] = []
  broker.broker.on('clientRefused', (event) => refused.push(event))
  broker.connect({ clientId: 'a' })
  broker.connect({ clientId: 'b' })
  for (const [version, code] of [
    [5, ReasonCode.ServerBusy],
    [4, 3],
    [3, 3],
  ] as const) {
    const client = broker.connect({ clientId: 'c', version })
    assert.equal(client.connack?.reasonCode, code)
    assert.ok(client.isClosed)
  }
  assert.equal(broker.broker.metrics.connectsRefusedAtLimit, 3)
  assert.deepEqual([refused.length, refused[0]?.clientId, refused[0]?.reasonCode], [3, 'c', 0x89])
  await broker.close()
})

test('max-connections 0 is no limit', async () => {
  const broker = await TestBroker.start({ 'max-connections': 0, 'max-waiting-connections': 1 })
  for (let at = 0; at < 200; at++) assert.equal(broker.connect({ clientId: `c${at}` }).connack?.reasonCode, 0)
  assert.equal(broker.broker.clients().length, 200)
  await broker.close()
})

test('a takeover is never refused for lack of room', async () => {
  const broker = await TestBroker.start({ 'max-connections': 1 })
  const old = broker.connect({ clientId: 'a' })
  const fresh = broker.connect({ clientId: 'a' })
  assert.equal(fresh.connack?.reasonCode, 0)
  assert.ok(old.isClosed)
  assert.equal(broker.connect({ clientId: 'b' }).connack?.reasonCode, ReasonCode.ServerBusy)
  await broker.close()
})

test('a Client that leaves makes room, however it leaves', async () => {
  const broker = await TestBroker.start({ 'max-connections': 1 })
  for (const leave of ['drop', 'disconnect', 'sendHex'] as const) {
    const client = broker.connect({ clientId: leave })
    assert.equal(client.connack?.reasonCode, 0, leave)
    if (leave === 'sendHex') client.sendHex('00 00')
    else client[leave]()
  }
  assert.equal(broker.connect().connack?.reasonCode, 0)
  await broker.close()
})

test('beyond max-connections 100 further sockets wait for their CONNECT; more are closed at once', async () => {
  const broker = await TestBroker.start({ 'max-connections': 1 })
  const first = broker.connect({ clientId: 'first' })
  const waiting = Array.from({ length: 100 }, () => broker.open())
  assert.ok(waiting.every(({ isClosed }) => !isClosed))
  assert.ok(broker.open().isClosed)
  assert.equal(broker.broker.metrics.connectionsClosedAtLimit, 1)
  waiting[0]!.connect({ clientId: 'first' })
  assert.equal(waiting[0]!.connack?.reasonCode, 0, 'one of them may be a takeover')
  assert.ok(first.isClosed)
  broker.advance(10_000)
  assert.ok(waiting.slice(1).every(({ isClosed }) => isClosed))
  assert.ok(!broker.open().isClosed, 'those who left made room')
  await broker.close()
})

test('connect-timeout: whoever has not sent the whole CONNECT by then is closed', async () => {
  const broker = await TestBroker.start({ 'connect-timeout': 2 })
  const slow = broker.open()
  slow.sendHex('10 20 00')
  broker.advance(1999)
  assert.ok(!slow.isClosed)
  broker.advance(1)
  assert.ok(slow.isClosed)
  await broker.close()
})

test('max-connect-packet-size holds before anybody has logged in, and max-packet-size after it', async () => {
  const broker = await TestBroker.start({ 'max-connect-packet-size': 64, 'max-packet-size': 200 })
  const large = broker.open()
  large.connect({ clientId: 'x'.repeat(100) })
  assert.ok(large.isClosed && large.connack === undefined)
  const client = broker.connect()
  client.publish('a', Buffer.alloc(150))
  assert.ok(!client.isClosed)
  client.publish('a', Buffer.alloc(250))
  assert.equal((client.take()[0] as { reasonCode: number }).reasonCode, ReasonCode.PacketTooLarge)
  await broker.close()
})

test('max-connect-rate: what is refused does not count, so that a storm cannot lock out those who come later', async () => {
  const broker = await TestBroker.start({ 'max-connect-rate': 2 })
  const codes = Array.from({ length: 100 }, (_, at) => broker.connect({ clientId: `c${at}` }).connack?.reasonCode)
  assert.deepEqual(codes.slice(0, 3), [0, 0, ReasonCode.ConnectionRateExceeded])
  assert.equal(broker.broker.metrics.connectsRefusedAtLimit, 98)
  broker.advance(1000)
  assert.equal(broker.connect({ clientId: 'later' }).connack?.reasonCode, 0)
  await broker.close()
})

test('max-connections-per-address counts IP addresses; a stream without one counts nowhere', async () => {
  const broker = await TestBroker.start({ 'max-connections-per-address': 1 })
  const from = (address: string) => broker.open(5, { address })
  const first = from('192.0.2.1')
  assert.ok(from('192.0.2.1').isClosed)
  assert.ok(!from('192.0.2.2').isClosed)
  assert.ok(!from('').isClosed && !from('').isClosed)
  first.drop()
  assert.ok(!from('192.0.2.1').isClosed)
  await broker.close()
})

test('max-connections-before-connect: a CONNECT that is accepted makes room, whatever max-connections says', async () => {
  const broker = await TestBroker.start({ 'max-connections': 0, 'max-connections-before-connect': 2 })
  const [first, second] = [broker.open(), broker.open()]
  assert.ok(broker.open().isClosed)
  first.connect({ clientId: 'a' })
  assert.ok(!broker.open().isClosed)
  second.drop()
  assert.ok(!broker.open().isClosed)
  assert.equal(broker.broker.metrics.connectionsClosedAtLimit, 1)
  await broker.close()
})

test('max-offline-sessions that a reload has lowered is reached again, the longest absent first', async () => {
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
  const broker = await TestBroker.start()
  for (const clientId of ['a', 'b', 'c', 'd']) broker.connect({ clientId, ...kept }).drop()
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, 'max-offline-sessions': 2 })
  for (const clientId of ['e', 'f', 'g']) broker.connect({ clientId, ...kept }).drop()
  const left = broker.broker.sessions().map(({ clientId }) => clientId)
  assert.deepEqual(left, ['f', 'g'])
  await broker.close()
})
