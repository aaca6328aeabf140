import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 100 } } as const

function member(broker: VirtualBroker, clientId: string, qos: 0 | 1 | 2 = 0, options = {}): TestClient {
  const client = broker.connect({ clientId, ...options })
  client.subscribe('$share/group/jobs/+', qos)
  return client
}

function publishMany(broker: VirtualBroker, count: number, qos: 0 | 1 | 2 = 0): void {
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 1; at <= count; at++) sensor.publish('jobs/a', String(at), qos)
}

test('each message goes to one member, and members take turns [5.0 MQTT-4.8.2-4]', async () => {
  const broker = await VirtualBroker.start()
  const members = ['a', 'b', 'c'].map((name) => member(broker, name))
  publishMany(broker, 9)
  assert.deepEqual(
    members.map((client) => client.takePayloads()),
    [
      ['1', '4', '7'],
      ['2', '5', '8'],
      ['3', '6', '9'],
    ],
  )
  await broker.close()
})

test('each ShareName has its own copy, and an ordinary subscription one more', async () => {
  const broker = await VirtualBroker.start()
  const one = broker.connect({ clientId: 'one' })
  one.subscribe(['$share/x/jobs/+', '$share/y/jobs/+', 'jobs/#'])
  publishMany(broker, 1)
  assert.equal(one.takePayloads().length, 3)
  await broker.close()
})

test('whoever would make it wait is passed over: a full window, a frozen peer', async () => {
  const broker = await VirtualBroker.start({ 'max-outgoing-bytes': 1024 })
  const busy = broker.connect({ clientId: 'busy', properties: { receiveMaximum: 1 } })
  busy.subscribe('$share/group/jobs/+', 1)
  const free = member(broker, 'free', 1)
  publishMany(broker, 4, 1)
  assert.deepEqual([busy.takePayloads(), free.takePayloads()], [['1'], ['2', '3', '4']])
  await broker.close()
})

test('each delivery has the QoS of the member that gets it [5.0 MQTT-4.8.2-3]', async () => {
  const broker = await VirtualBroker.start()
  const members = [0, 1, 2].map((qos) => member(broker, `m${qos}`, qos as 0 | 1 | 2))
  publishMany(broker, 3, 2)
  assert.deepEqual(
    members.map((client) => client.receiveAll()[0]!.qos),
    [0, 1, 2],
  )
  await broker.close()
})

test('a member that leaves by UNSUBSCRIBE gives back what was not sent to it', async () => {
  const broker = await VirtualBroker.start()
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 1 } })
  leaving.subscribe('$share/group/jobs/+', 1)
  publishMany(broker, 3, 1)
  const staying = member(broker, 'staying', 1)
  leaving.unsubscribe('$share/group/jobs/+')
  assert.deepEqual([leaving.takePayloads(), staying.takePayloads()], [['1'], ['2', '3']])
  await broker.close()
})

test('a member whose Session ends loses nothing of QoS 1: in flight and waiting go to the others', async () => {
  const broker = await VirtualBroker.start()
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 2 } })
  leaving.subscribe('$share/group/jobs/+', 1)
  publishMany(broker, 4, 1)
  const staying = member(broker, 'staying', 1)
  leaving.drop()
  assert.deepEqual(staying.takePayloads(), ['1', '2', '3', '4'])
  await broker.close()
})

test('of QoS 2 only what was not sent goes to others [5.0 MQTT-4.8.2-5]', async () => {
  const broker = await VirtualBroker.start()
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 1 } })
  leaving.subscribe('$share/group/jobs/+', 2)
  publishMany(broker, 3, 2)
  const staying = member(broker, 'staying', 2)
  leaving.drop()
  assert.deepEqual(
    staying.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['2', '3'],
  )
  await broker.close()
})

test('QoS 2 that was sent waits for its own member while its Session lives [5.0 MQTT-4.8.2-4]', async () => {
  const broker = await VirtualBroker.start()
  const away = member(broker, 'away', 2, KEPT)
  publishMany(broker, 1, 2)
  const [sent] = away.take() as PublishPacket[]
  const other = member(broker, 'other', 2)
  away.drop()
  assert.deepEqual(other.takePayloads(), [])
  const back = broker.connect({ clientId: 'away', ...KEPT })
  assert.deepEqual(back.take(), [{ ...sent, dup: true }])
  await broker.close()
})

test('a message refused by a member by PUBACK is discarded, not sent to another [5.0 MQTT-4.8.2-6]', async () => {
  const broker = await VirtualBroker.start()
  const [first, second] = [member(broker, 'first', 1), member(broker, 'second', 1)]
  publishMany(broker, 1, 1)
  const [message] = first.take() as PublishPacket[]
  first.acknowledge(PacketType.PUBACK, message!.packetIdentifier, 0x87)
  assert.deepEqual(second.takePayloads(), [])
  assert.equal(broker.broker.metrics.dropped['refused by client'], 1)
  await broker.close()
})

test('members that are away keep QoS 1 when nobody else is there', async () => {
  const broker = await VirtualBroker.start()
  member(broker, 'away', 1, KEPT).drop()
  publishMany(broker, 2, 1)
  assert.deepEqual(broker.connect({ clientId: 'away', ...KEPT }).takePayloads(), ['1', '2'])
  await broker.close()
})

test('what a leaving member gives back and nobody can have is counted', async () => {
  const broker = await VirtualBroker.start()
  const last = broker.connect({ clientId: 'last', properties: { receiveMaximum: 1 } })
  last.subscribe('$share/group/jobs/+', 1)
  publishMany(broker, 2, 1)
  last.drop()
  assert.equal(broker.broker.metrics.dropped['session ended'], 2)
  await broker.close()
})

test('what expired is not given to another member [5.0 MQTT-3.3.2-5]', async () => {
  const broker = await VirtualBroker.start()
  const leaving = broker.connect({ clientId: 'leaving', properties: { receiveMaximum: 1 } })
  leaving.subscribe('$share/group/jobs/+', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  for (const payload of ['1', '2']) {
    sensor.publish('jobs/a', payload, 1, { properties: { messageExpiryInterval: 5 } })
  }
  const staying = member(broker, 'staying', 1)
  broker.advance(6000)
  leaving.drop()
  assert.deepEqual(staying.takePayloads(), [])
  assert.equal(broker.broker.metrics.dropped.expired, 2)
  await broker.close()
})

test('a member that may not have a message is passed over, whoever else is busy', async () => {
  const mayReceive = ({ clientId }: { clientId: string }): boolean => clientId !== 'denied'
  const plugin = { name: 'p', maySubscribe: () => true, mayPublish: () => true, mayReceive }
  const broker = await VirtualBroker.start({ 'topic-check': { plugins: [plugin] } })
  member(broker, 'denied', 1, KEPT).drop()
  member(broker, 'away', 1, KEPT).drop()
  publishMany(broker, 2, 1)
  assert.deepEqual(broker.connect({ clientId: 'away', ...KEPT }).takePayloads(), ['1', '2'])
  await broker.close()
})
