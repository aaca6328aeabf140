import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import type { ConnackPacket } from '../../../src/codec/packets.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { clientsOf, sessionsOf } from '../../support/sessions.ts'

test('max-connections: one more gets CONNACK 0x89, in 3.1.1 and 3.1 code 3, then the close, and is counted', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 2 })
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
  const broker = await VirtualBroker.start({ 'max-connections': 0, 'max-waiting-connections': 1 })
  for (let at = 0; at < 200; at++) assert.equal(broker.connect({ clientId: `c${at}` }).connack?.reasonCode, 0)
  assert.equal(clientsOf(broker.broker).length, 200)
  await broker.close()
})

test('a takeover is never refused for lack of room', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 1 })
  const old = broker.connect({ clientId: 'a' })
  const fresh = broker.connect({ clientId: 'a' })
  assert.equal(fresh.connack?.reasonCode, 0)
  assert.ok(old.isClosed)
  assert.equal(broker.connect({ clientId: 'b' }).connack?.reasonCode, ReasonCode.ServerBusy)
  await broker.close()
})

test('a Client that leaves makes room, however it leaves', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 1 })
  for (const leave of ['drop', 'disconnect', 'sendHex'] as const) {
    const client = broker.connect({ clientId: leave })
    assert.equal(client.connack?.reasonCode, 0, leave)
    if (leave === 'sendHex') client.sendHex('00 00')
    else client[leave]()
  }
  assert.equal(broker.connect().connack?.reasonCode, 0)
  await broker.close()
})

test('beyond max-connections 100 further sockets wait for their CONNECT; for one more the oldest is closed', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 1 })
  const first = broker.connect({ clientId: 'first' })
  const waiting = Array.from({ length: 100 }, () => broker.open())
  assert.ok(waiting.every(({ isClosed }) => !isClosed))
  const late = broker.open()
  assert.ok(waiting[0]!.isClosed && !late.isClosed)
  assert.equal(broker.broker.metrics.connectionsGaveWay, 1)
  late.connect({ clientId: 'first' })
  assert.equal(late.connack?.reasonCode, 0, 'one of them may be a takeover')
  assert.ok(first.isClosed)
  broker.advance(10_000)
  assert.ok(waiting.every(({ isClosed }) => isClosed))
  assert.ok(!broker.open().isClosed, 'those who left made room')
  await broker.close()
})

test('connect-timeout: whoever has not sent the whole CONNECT by then is closed', async () => {
  const broker = await VirtualBroker.start({ 'connect-timeout': 2 })
  const slow = broker.open()
  slow.sendHex('10 20 00')
  broker.advance(1999)
  assert.ok(!slow.isClosed)
  broker.advance(1)
  assert.ok(slow.isClosed)
  await broker.close()
})

test('max-connect-packet-size holds before anybody has logged in, and max-packet-size after it', async () => {
  const broker = await VirtualBroker.start({ 'max-connect-packet-size': 64, 'max-packet-size': 200 })
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
  const broker = await VirtualBroker.start({ 'max-connect-rate': 2 })
  const codes = Array.from({ length: 100 }, (_, at) => broker.connect({ clientId: `c${at}` }).connack?.reasonCode)
  assert.deepEqual(codes.slice(0, 3), [0, 0, ReasonCode.ConnectionRateExceeded])
  assert.equal(broker.broker.metrics.connectsRefusedAtLimit, 98)
  broker.advance(1000)
  assert.equal(broker.connect({ clientId: 'later' }).connack?.reasonCode, 0)
  await broker.close()
})

test('max-connections-per-address counts IP addresses; a stream without one counts nowhere', async () => {
  const broker = await VirtualBroker.start({ 'max-connections-per-address': 1 })
  const from = (address: string) => broker.open(5, { address })
  const first = from('192.0.2.1')
  assert.ok(from('192.0.2.1').isClosed)
  assert.ok(!from('192.0.2.2').isClosed)
  assert.ok(!from('').isClosed && !from('').isClosed)
  first.drop()
  assert.ok(!from('192.0.2.1').isClosed)
  await broker.close()
})

test('max-connections-per-address counts an IPv6 /64 as one address, and IPv4 in whatever form', async () => {
  const broker = await VirtualBroker.start({ 'max-connections-per-address': 2 })
  const isOpen = (address: string) => !broker.open(5, { address }).isClosed
  assert.deepEqual(['2001:db8::1', '2001:db8::2', '2001:db8::3', '2001:db8:0:1::1'].map(isOpen), [
    true,
    true,
    false,
    true,
  ])
  assert.deepEqual(['192.0.2.1', '::ffff:192.0.2.1', '::ffff:c000:201'].map(isOpen), [true, true, false])
  assert.equal(broker.broker.metrics.connectionsClosedAtLimit, 2)
  await broker.close()
})

test('a connection counts for its address until its byte stream is gone, not only until it was refused', async () => {
  const broker = await VirtualBroker.start({ 'max-connections-per-address': 1 })
  const slow = broker.open()
  slow.end = () => {}
  slow.sendHex('00 00')
  assert.ok(broker.open().isClosed)
  slow.destroy()
  assert.ok(!broker.open().isClosed)
  await broker.close()
})

test('max-connections-before-connect: a CONNECT that is accepted makes room, whatever max-connections says', async () => {
  const broker = await VirtualBroker.start({ 'max-connections': 0, 'max-connections-before-connect': 2 })
  const [first, second] = [broker.open(), broker.open()]
  first.connect({ clientId: 'a' })
  const third = broker.open()
  assert.ok(!second.isClosed && !third.isClosed)
  second.drop()
  assert.ok(!broker.open().isClosed && !third.isClosed)
  assert.equal(broker.broker.metrics.connectionsGaveWay, 0)
  await broker.close()
})

const MALLORY = { address: '198.51.100.9' }

for (const [what, config] of [
  ['max-connections-before-connect', { 'max-connections-before-connect': 50 }],
  ['max-waiting-connections', { 'max-connections': 1, 'max-waiting-connections': 49 }],
] as const) {
  test(`${what}: one address with silent connections takes the room from itself, not from others`, async () => {
    const broker = await VirtualBroker.start(config)
    const honest = broker.open()
    const silent = Array.from({ length: 1000 }, () => broker.open(5, MALLORY))
    assert.equal(silent.filter(({ isClosed }) => !isClosed).length, 49)
    assert.equal(honest.connect()?.reasonCode, 0)
    assert.equal(broker.broker.metrics.connectionsGaveWay, 951)
    await broker.close()
  })
}

test('a connection that gives way while its login is pending reads 0x89, and its bytes are not waited for', async () => {
  const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
  const broker = await VirtualBroker.start({ auth: { plugins: [never] }, 'max-connections-before-connect': 1 })
  for (const version of [5, 4] as const) {
    const pending = broker.open(version)
    pending.connect({ clientId: 'pending' })
    broker.open()
    assert.deepEqual(
      pending.take().map((packet) => (packet as ConnackPacket).reasonCode),
      [version === 5 ? ReasonCode.ServerBusy : 3],
    )
    assert.ok(pending.isClosed)
  }
  await broker.close()
})

test('refused connections whose peers do not close are cut when there are too many, the largest holder first', async () => {
  const broker = await VirtualBroker.start({ 'max-connections-before-connect': 10 })
  const refuse = (peer = {}) => {
    const client = broker.open(5, peer)
    client.end = () => {}
    client.sendHex('00 00')
    return client
  }
  const honest = refuse()
  const many = Array.from({ length: 30 }, () => refuse(MALLORY))
  assert.equal(many.filter(({ isClosed }) => !isClosed).length, 9)
  assert.ok(!honest.isClosed)
  broker.advance(5000)
  assert.ok(honest.isClosed)
  await broker.close()
})

test('max-sessions that a reload has lowered is reached again, the longest absent first', async () => {
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
  const broker = await VirtualBroker.start()
  for (const clientId of ['a', 'b', 'c', 'd']) broker.connect({ clientId, ...kept }).drop()
  await broker.broker.reload({ listeners: {}, 'sys-interval': 0, 'max-sessions': 2 })
  for (const clientId of ['e', 'f', 'g']) broker.connect({ clientId, ...kept }).drop()
  const left = sessionsOf(broker.broker).map(({ clientId }) => clientId)
  assert.deepEqual(left, ['f', 'g'])
  await broker.close()
})
