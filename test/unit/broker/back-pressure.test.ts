import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { sessionsOf } from '../../support/sessions.ts'
import { publishPacket } from '../../support/publish-packet.ts'

const LIMITS = { 'max-outgoing-bytes': 1024, 'drain-timeout': 10 }

test('a frozen subscriber delays nobody: QoS 0 for it is dropped and counted, QoS 1 waits in its queue', async () => {
  const broker = await VirtualBroker.start(LIMITS)
  const causes: string[] = []
  broker.broker.on('dropped', ({ clientId, cause }: BrokerEvents['dropped']) => causes.push(`${clientId}: ${cause}`))
  const frozen = broker.connect({ clientId: 'frozen' })
  const awake = broker.connect({ clientId: 'awake' })
  for (const client of [frozen, awake]) client.subscribe('#', 1)
  frozen.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 4; at++) sensor.publish('a', Buffer.alloc(500))
  sensor.publish('a', 'at least once', 1)
  assert.equal(awake.receiveAll().length, 5)
  assert.deepEqual(causes, ['frozen: output full'])
  assert.equal(broker.broker.metrics.dropped['output full'], 1)
  assert.equal(sessionsOf(broker.broker).find(({ clientId }) => clientId === 'frozen')!.queuedMessages, 1)
  frozen.thaw()
  assert.equal(frozen.takePayloads().at(-1), 'at least once')
  await broker.close()
})

test('a subscriber that takes nothing until drain-timeout is closed and counted; its Session keeps QoS 1', async () => {
  const broker = await VirtualBroker.start(LIMITS)
  const kept = { clientId: 'frozen', cleanStart: false, properties: { sessionExpiryInterval: 100 } }
  const frozen = broker.connect(kept)
  frozen.subscribe('#', 1)
  frozen.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 5; at++) sensor.publish('a', Buffer.alloc(500), 1)
  broker.advance(9_999)
  assert.ok(!frozen.isClosed)
  broker.advance(15_000)
  assert.ok(frozen.isClosed)
  assert.equal(broker.broker.metrics.slowReceiversClosed, 1)
  assert.equal(broker.connect(kept).receiveAll().length, 5)
  await broker.close()
})

test('a slow subscriber that takes something now and then stays', async () => {
  const broker = await VirtualBroker.start(LIMITS)
  const slow = broker.connect({ clientId: 'slow' })
  slow.subscribe('#')
  slow.isFrozen = true
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 3; at++) sensor.publish('a', Buffer.alloc(500))
  for (let round = 0; round < 10; round++) {
    broker.advance(5_000)
    slow.unsentBytes -= 100
  }
  assert.ok(!slow.isClosed)
  await broker.close()
})

test('time in which we do not read does not count against Keep Alive', async () => {
  const broker = await VirtualBroker.start({ ...LIMITS, 'drain-timeout': 1000 })
  const client = broker.connect({ keepAlive: 10 })
  client.subscribe('#')
  client.isFrozen = true
  broker.connect({ clientId: 'sensor' }).publish('a', Buffer.alloc(2000))
  client.send({ type: PacketType.PINGREQ })
  assert.ok(client.isPaused)
  broker.advance(100_000)
  assert.ok(!client.isClosed)
  client.thaw()
  assert.ok(!client.isPaused)
  broker.advance(14_999)
  assert.ok(!client.isClosed)
  broker.advance(1)
  assert.ok(client.isClosed)
  await broker.close()
})

test('a turn has a budget: a large chunk of one Client lets others in between', async () => {
  const broker = await VirtualBroker.start()
  const receivers = Array.from({ length: 30 }, (_, at) => broker.connect({ clientId: `r${at}` }))
  for (const receiver of receivers) receiver.subscribe('flood')
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('news')
  const flooder = broker.open()
  flooder.connect({ clientId: 'flooder' })
  const news = broker.open()
  news.connect({ clientId: 'news' })
  const order: string[] = []
  broker.broker.on('published', ({ message }) => order.push(message.topicName))

  const publish = (topicName: string) => encodePacket(publishPacket(topicName, 'x'), 5)
  const chunk = Buffer.concat(Array.from({ length: 2000 }, () => publish('flood')))
  flooder.sendBytesInTurn(chunk)
  news.sendBytesInTurn(publish('news'))
  broker.clock.runTurns()
  assert.equal(order.length, 2001)
  assert.ok(order.indexOf('news') < 1500, 'the other Client waited for the whole flood')
  assert.ok(broker.broker.metrics.turnsSpent > 0)
  assert.equal(receivers[0]!.take().length, 2000)
  await broker.close()
})

test('beyond max-publish-rate a Client is read more slowly: nothing is lost, nobody else waits', async () => {
  const broker = await VirtualBroker.start({ 'max-publish-rate': 10 })
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe('#')
  const eager = broker.connect({ clientId: 'eager' })
  eager.send(...Array.from({ length: 30 }, (_, at) => publishPacket('a', String(at))))
  const first = watcher.take().length
  assert.ok(first >= 10 && first <= 11)
  broker.connect({ clientId: 'calm' }).publish('b', 'calm')
  assert.deepEqual(watcher.takePayloads(), ['calm'])
  broker.advance(2_000)
  assert.equal(first + watcher.take().length, 30)
  assert.ok(!eager.isClosed)
  await broker.close()
})
