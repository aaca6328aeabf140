import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type SubackPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import type { AuthenticationAnswer, Plugin } from '../../../src/access/plugin.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { clientsOf, sessionsOf } from '../../support/sessions.ts'

const allow: AuthenticationAnswer = { decision: 'allow' }

/** A plugin whose answers come when the test says so. */
function deferred<Value>() {
  const answers: ((value: Value) => void)[] = []
  const ask = (): Promise<Value> => new Promise((resolve) => answers.push(resolve))
  return { ask, answer: (value: Value) => answers.shift()!(value) }
}

test('a log-in that is answered by a promise: CONNACK comes then, and other Clients go on meanwhile', async () => {
  const { ask, answer } = deferred<AuthenticationAnswer>()
  const plugin: Plugin = { name: 'slow', authenticate: ({ clientId }) => (clientId === 'slow' ? ask() : allow) }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
  const slow = broker.open()
  assert.equal(slow.connect({ clientId: 'slow' }), undefined)
  slow.send({ type: PacketType.PINGREQ })
  assert.equal(broker.connect({ clientId: 'quick' }).connack?.reasonCode, 0)
  answer(allow)
  await broker.settle()
  assert.deepEqual(
    slow.take().map(({ type }) => type),
    [PacketType.CONNACK, PacketType.PINGRESP],
  )
  await broker.close()
})

test('a plugin that never answers: no, after plugin-timeout', async () => {
  const plugin: Plugin = { name: 'never', authenticate: () => new Promise(() => {}) }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] }, 'plugin-timeout': 2 })
  const client = broker.open()
  client.connect()
  broker.advance(1999)
  await broker.settle()
  assert.ok(!client.isClosed)
  broker.advance(1)
  await broker.settle()
  assert.ok(client.isClosed)
  assert.equal((client.take()[0] as { reasonCode: number }).reasonCode, ReasonCode.ServerUnavailable)
  await broker.close()
})

test('a plugin that throws or rejects: no, for this Client only', async () => {
  for (const fail of [
    () => {
      throw new Error('typo')
    },
    () => Promise.reject(new Error('typo')),
  ]) {
    const plugin: Plugin = { name: 'broken', authenticate: ({ clientId }) => (clientId === 'bad' ? fail() : allow) }
    const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
    const bad = broker.open()
    bad.connect({ clientId: 'bad' })
    await broker.settle()
    assert.ok(bad.isClosed)
    assert.equal(broker.connect({ clientId: 'good' }).connack?.reasonCode, 0)
    await broker.close()
  }
})

test('a Client that leaves while its log-in is pending is forgotten, and its answer goes nowhere', async () => {
  const { ask, answer } = deferred<AuthenticationAnswer>()
  const broker = await VirtualBroker.start({ auth: { plugins: [{ name: 'slow', authenticate: ask }] } })
  const client = broker.open()
  client.connect()
  client.drop()
  answer(allow)
  await broker.settle()
  assert.deepEqual([sessionsOf(broker.broker), broker.broker.metrics.connectsAccepted], [[], 0])
  await broker.close()
})

test('two CONNECTs of one Client Identifier pending at once: the later answer takes over', async () => {
  const { ask, answer } = deferred<AuthenticationAnswer>()
  const broker = await VirtualBroker.start({ auth: { plugins: [{ name: 'slow', authenticate: ask }] } })
  const [first, second] = [broker.open(), broker.open()]
  first.connect()
  second.connect()
  answer(allow)
  answer(allow)
  await broker.settle()
  assert.deepEqual([first.isClosed, second.isClosed], [true, false])
  assert.equal(clientsOf(broker.broker).length, 1)
  await broker.close()
})

test('max-pending-logins: one more is answered 0x89', async () => {
  const { ask, answer } = deferred<AuthenticationAnswer>()
  const broker = await VirtualBroker.start({
    auth: { plugins: [{ name: 'slow', authenticate: ask }] },
    'max-pending-logins': 1,
  })
  broker.open().connect({ clientId: 'a' })
  assert.equal(broker.connect({ clientId: 'b' }).connack?.reasonCode, ReasonCode.ServerBusy)
  answer(allow)
  await broker.settle()
  const next = broker.open()
  next.connect({ clientId: 'c' })
  assert.ok(!next.isClosed)
  await broker.close()
})

test('a PUBLISH that waits for its permission: order is kept, and it counts even if its Client has left', async () => {
  const { ask, answer } = deferred<boolean>()
  const plugin: Plugin = { name: 'slow', maySubscribe: () => true, mayPublish: ask }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('#')
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1', 1)
  sensor.publish('a', '2', 1)
  assert.deepEqual([sensor.take(), watcher.take()], [[], []])
  answer(true)
  await broker.settle()
  assert.deepEqual(watcher.takePayloads(), ['1'])
  assert.equal(sensor.take().length, 1)
  sensor.drop()
  answer(true)
  await broker.settle()
  assert.deepEqual(watcher.takePayloads(), ['2'])
  await broker.close()
})

test('a SUBSCRIBE that waits for its permission is answered whole, with the retained messages behind it', async () => {
  const { ask, answer } = deferred<boolean>()
  const maySubscribe: Plugin['maySubscribe'] = (_client, topicFilter) => (topicFilter === 'slow' ? ask() : true)
  const plugin: Plugin = { name: 'slow', mayPublish: () => true, maySubscribe }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
  broker.connect({ clientId: 'sensor' }).publish('quick', 'kept', 0, { retain: true })
  const client = broker.connect()
  assert.equal(client.subscribe(['slow', 'quick']), undefined)
  answer(false)
  await broker.settle()
  const [suback, message] = client.take()
  assert.deepEqual((suback as SubackPacket).reasonCodes, [ReasonCode.NotAuthorized, 0])
  assert.equal(message?.type, PacketType.PUBLISH)
  await broker.close()
})

test('a QoS 2 PUBLISH that waits for its permission when its Client leaves: taken over once, when it is sent again', async () => {
  const { ask, answer } = deferred<boolean>()
  const plugin: Plugin = { name: 'slow', maySubscribe: () => true, mayPublish: ask }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('#')
  const kept = { clientId: 'sensor', cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const
  const publish = { type: PacketType.PUBLISH, dup: false, qos: 2, retain: false, topicName: 'a' } as const
  const rest = { packetIdentifier: 1, properties: {}, payload: Buffer.from('1') }
  const first = broker.connect(kept)
  first.send({ ...publish, ...rest })
  first.drop()
  answer(true)
  await broker.settle()
  const second = broker.connect(kept)
  second.send({ ...publish, ...rest, dup: true })
  answer(true)
  await broker.settle()
  assert.deepEqual(
    second.take().map(({ type }) => type),
    [PacketType.PUBREC],
  )
  assert.deepEqual(watcher.takePayloads(), ['1'])
  await broker.close()
})

test('a re-authentication cannot be begun again while a plugin thinks about the first [5.0 MQTT-4.12.0-3]', async () => {
  const { ask, answer } = deferred<AuthenticationAnswer>()
  const authenticate: Plugin['authenticate'] = ({ reAuthentication }) => (reAuthentication ? ask() : allow)
  const broker = await VirtualBroker.start({ auth: { plugins: [{ name: 'slow', authenticate }] } })
  const client = broker.connect({ properties: { authenticationMethod: 'M' } })
  const again = { type: PacketType.AUTH, reasonCode: 0x19, properties: { authenticationMethod: 'M' } } as const
  client.send(again)
  client.send(again)
  assert.ok(client.isClosed)
  assert.deepEqual(
    client.take().map(({ type, ...packet }) => [type, (packet as { reasonCode: number }).reasonCode]),
    [[PacketType.DISCONNECT, ReasonCode.ProtocolError]],
  )
  answer(allow)
  await broker.settle()
  await broker.close()
})

test('answers that come after the broker has closed change nothing and hurt nobody', async () => {
  const { ask, answer } = deferred<boolean>()
  const plugin: Plugin = { name: 'slow', maySubscribe: () => true, mayPublish: ask }
  const disk = new MemoryDisk()
  const persistence = { durability: 'disk' } as const
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] }, persistence }, { disk })
  const published: unknown[] = []
  broker.broker.on('published', (event) => published.push(event))
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', '1', 1, { retain: true })
  await broker.close()
  answer(true)
  await broker.settle()
  assert.deepEqual(published, [])
})
