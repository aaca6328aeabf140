/** Input that is held is charged to who sent it, and the largest holder gives way where all together is too much. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const LIMIT = 1_000_000
const never: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }

/** The login says yes; the questions about topics are answered when the test likes. */
class Patient implements Plugin {
  readonly name = 'patient'
  answer: () => void = () => {}

  authenticate(): { decision: 'allow' } {
    return { decision: 'allow' }
  }
  mayPublish(): Promise<boolean> {
    return new Promise((resolve) => (this.answer = () => resolve(true)))
  }
  maySubscribe(): Promise<boolean> {
    return this.mayPublish()
  }
}

/** The beginning of a PUBLISH of 500,000 bytes. What came has room for as much again, up to the whole packet. */
function beginningOf(bytes: number): Buffer {
  const fields = { dup: false, qos: 0, retain: false, topicName: 'a', packetIdentifier: 0, properties: {} } as const
  const whole = encodePacket({ type: PacketType.PUBLISH, ...fields, payload: Buffer.alloc(500_000) }, 5)
  return Buffer.from(whole).subarray(0, bytes)
}

function begin(broker: VirtualBroker, clientId: string, bytes: number, address = '192.0.2.1'): TestClient {
  const client = broker.connect({ clientId, peer: { address } })
  client.sendBytes(beginningOf(bytes))
  return client
}

const held = (broker: VirtualBroker): number => broker.broker.metrics.inputHeldBytes

test('a header that announces much costs what came, and every byte that came is charged', async () => {
  const broker = await VirtualBroker.start()
  for (const bytes of [1, 5, 100, 1_000, 10_000, 400_000]) {
    const client = begin(broker, 'client', bytes)
    assert.ok(held(broker) >= bytes && held(broker) <= 2 * bytes, `${held(broker)} for ${bytes}`)
    client.drop()
    assert.equal(held(broker), 0)
  }
  const client = begin(broker, 'client', 400_000)
  client.sendBytes(beginningOf(600_000).subarray(400_000))
  assert.equal(held(broker), 0, 'a packet that is complete is held no more')
  await broker.close()
})

test('the largest gives way, with 0x97; everybody else goes on', async () => {
  const broker = await VirtualBroker.start({ 'max-input-bytes': LIMIT })
  const small = Array.from({ length: 20 }, (_, at) => begin(broker, `small ${at}`, 5_000, `192.0.2.${at + 10}`))
  const large = begin(broker, 'large', 450_000, '192.0.2.2')
  const other = begin(broker, 'other', 230_000, '192.0.2.3')
  const [told] = large.take()
  assert.ok(told?.type === PacketType.DISCONNECT)
  assert.equal(told.reasonCode, 0x97)
  assert.match(
    told.properties.reasonString!,
    /take \d+ bytes, and those of all clients more than 1000000 \(max-input-bytes\)$/,
  )
  assert.deepEqual([large.isClosed, other.isClosed, small.some((one) => one.isClosed)], [true, false, false])
  assert.equal(broker.broker.metrics.inputOverLimit, 1)
  assert.ok(held(broker) < LIMIT)
  await broker.close()
})

test('many of one address count together, and one larger Client of another address stays', async () => {
  const broker = await VirtualBroker.start({ 'max-input-bytes': LIMIT })
  const honest = begin(broker, 'honest', 200_000, '198.51.100.1')
  const many = Array.from({ length: 60 }, (_, at) => begin(broker, `many ${at}`, 20_000))
  assert.equal(honest.isClosed, false)
  assert.ok(many.some((one) => one.isClosed))
  assert.ok(held(broker) <= LIMIT)
  await broker.close()
})

test('many of one user count together, from whatever addresses', async () => {
  const anybody: Plugin = { name: 'anybody', authenticate: () => ({ decision: 'allow' }) }
  const broker = await VirtualBroker.start({ 'max-input-bytes': LIMIT, auth: { plugins: [anybody] } })
  const login = (clientId: string, userName: string, address: string): TestClient =>
    broker.connect({ clientId, userName, peer: { address } })
  const honest = login('honest', 'ann', '198.51.100.1')
  honest.sendBytes(beginningOf(200_000))
  const many = Array.from({ length: 60 }, (_, at) => {
    const client = login(`many ${at}`, 'mallory', `192.0.2.${at}`)
    client.sendBytes(beginningOf(20_000))
    return client
  })
  assert.deepEqual([honest.isClosed, many.some((one) => one.isClosed)], [false, true])
  await broker.close()
})

test('what makes room makes some for later, too: it is not looked for at each byte', async () => {
  const broker = await VirtualBroker.start({ 'max-input-bytes': LIMIT })
  // 4,000 bytes take 8,000, as there is room for more of the packet.
  const clients = Array.from({ length: 126 }, (_, at) => begin(broker, `one ${at}`, 4_000, `192.0.${at}.1`))
  assert.equal(clients.filter((one) => one.isClosed).length, 3)
  assert.equal(broker.broker.metrics.inputOverLimit, 3)
  assert.ok(held(broker) <= LIMIT * (63 / 64))
  await broker.close()
})

test('a CONNECT that waits for its login is charged, and refused in its CONNACK where it is too much', async () => {
  const broker = await VirtualBroker.start({
    auth: { plugins: [never] },
    'max-input-bytes': 100_000,
    'max-connect-packet-size': 60_000,
  })
  const waiting = ['a', 'b', 'c'].map((clientId) => {
    const client = broker.open(5, { address: `192.0.2.${clientId.charCodeAt(0)}` })
    client.connect({ clientId, userName: 'u', password: Buffer.alloc(40_000) })
    return client
  })
  const codes = waiting.map((client) => client.take().map((packet) => 'reasonCode' in packet && packet.reasonCode))
  assert.deepEqual(codes.flat(), [0x97])
  assert.ok(held(broker) >= 80_000 && held(broker) <= 100_000)
  for (const client of waiting) client.drop()
  assert.equal(held(broker), 0)
  await broker.close()
})

test('a SUBSCRIBE or UNSUBSCRIBE that waits for a plugin is charged, with what its filters take while they wait', async () => {
  const patient = new Patient()
  const broker = await VirtualBroker.start({ auth: { plugins: [patient] }, 'topic-check': { plugins: [patient] } })
  const client = broker.connect()
  const filters = Array.from({ length: 100 }, (_, at) => `a/${at}`)
  client.send({
    type: PacketType.SUBSCRIBE,
    packetIdentifier: 1,
    subscriptions: filters.map((topicFilter) => ({
      ...{ topicFilter, qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 },
    })),
    properties: {},
  })
  assert.ok(held(broker) >= 50_000)
  client.drop()
  assert.equal(held(broker), 0)
  await broker.close()
})

test('what comes behind a packet that waits is charged, too', async () => {
  const broker = await VirtualBroker.start({ auth: { plugins: [never] } })
  const client = broker.open()
  client.connect()
  const before = held(broker)
  client.sendBytes(beginningOf(30_000))
  assert.ok(held(broker) >= before + 30_000)
  await broker.close()
})

test('topics behind Topic Aliases are charged as long as they stand', async () => {
  const broker = await VirtualBroker.start({ 'topic-alias-maximum': 2 })
  const client = broker.connect()
  const set = (topicAlias: number, length: number): void =>
    void client.publish('a'.repeat(length), 'x', 0, { properties: { topicAlias } })
  set(1, 60_000)
  const one = held(broker)
  assert.ok(one >= 120_000)
  set(2, 60_000)
  assert.equal(held(broker), 2 * one)
  set(1, 1)
  set(2, 1)
  assert.ok(held(broker) < 1000)
  client.drop()
  assert.equal(held(broker), 0)
  await broker.close()
})
