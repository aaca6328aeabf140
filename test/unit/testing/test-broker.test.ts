import { test, type TestContext } from 'node:test'
import assert from 'node:assert/strict'
import mqtt from 'mqtt'
import { createTestBroker, type TestBroker, type TestStream } from '../../../src/testing/index.ts'
import { clientsOf, sessionsOf } from '../../support/sessions.ts'

/** MQTT.js has an emitter of its own kind, which `events.once` does not know. */
function once(emitter: { once(name: never, listener: () => void): unknown }, name: string): Promise<void> {
  return new Promise((resolve) => emitter.once(name as never, resolve))
}

interface Connected {
  readonly client: mqtt.MqttClient
  readonly stream: TestStream
}

async function connect(t: TestContext, broker: TestBroker, options: mqtt.IClientOptions = {}): Promise<Connected> {
  const stream = broker.open()
  const client = new mqtt.MqttClient(() => stream, { reconnectPeriod: 0, protocolVersion: 5, ...options })
  t.after(() => client.end(true))
  await once(client, 'connect')
  return { client, stream }
}

test('MQTT.js publishes, subscribes and ends over a stream in memory', async (t) => {
  await using broker = await createTestBroker()
  const { client } = await connect(t, broker)
  const received: string[] = []
  client.on('message', (topic, payload) => received.push(`${topic} ${payload.toString()}`))
  await client.subscribeAsync('a/+', { qos: 2 })
  for (const qos of [0, 1, 2] as const) await client.publishAsync('a/b', String(qos), { qos })
  await broker.settle()
  assert.deepEqual(received, ['a/b 0', 'a/b 1', 'a/b 2'])
  await client.endAsync()
  assert.deepEqual(clientsOf(broker), [])
})

test('A Client that falls silent is dropped after 1.5 times its Keep Alive, and its Will goes out', async (t) => {
  await using broker = await createTestBroker()
  const will = { topic: 'gone', payload: Buffer.from('sensor'), qos: 0, retain: false } as const
  const { stream } = await connect(t, broker, { clientId: 'sensor', keepalive: 60, will })
  const wills: string[] = []
  broker.subscribe('gone', ({ payload }) => wills.push(Buffer.from(payload).toString()))
  stream.silence()
  await broker.advance(89_999)
  assert.equal(clientsOf(broker).length, 1)
  await broker.advance(1)
  assert.deepEqual(wills, ['sensor'])
})

test('A connection that is cut ends on both sides; the Session waits as long as it was told to', async (t) => {
  await using broker = await createTestBroker()
  const { client, stream } = await connect(t, broker, { clientId: 'meter', properties: { sessionExpiryInterval: 300 } })
  const closed = once(client, 'close')
  stream.cut()
  await closed
  await broker.advance(299_999)
  assert.equal(sessionsOf(broker).length, 1)
  await broker.advance(1)
  assert.equal(sessionsOf(broker).length, 0)
})

test('A frozen Client piles up output on the side of the broker, and gets it once it thaws', async (t) => {
  await using broker = await createTestBroker()
  const { client, stream } = await connect(t, broker)
  await client.subscribeAsync('#')
  let count = 0
  client.on('message', () => count++)
  stream.freeze()
  for (let index = 0; index < 10; index++) await broker.publish('a', 'x'.repeat(100))
  await broker.settle()
  assert.equal(count, 0)
  assert.ok(stream.link.unsentBytes > 1000)
  stream.thaw()
  await broker.settle()
  assert.equal(count, 10)
  assert.equal(stream.link.unsentBytes, 0)
})

test('Delay and rate take virtual time; pieces of one byte arrive as one stream', async (t) => {
  await using broker = await createTestBroker()
  const stream = broker.open()
  stream.split(1)
  const client = new mqtt.MqttClient(() => stream, { reconnectPeriod: 0, clientId: 'far' })
  t.after(() => client.end(true))
  await once(client, 'connect')
  await client.subscribeAsync('#')
  let received = 0
  client.on('message', () => received++)
  stream.delay(400)
  await broker.publish('a', '1')
  await broker.advance(399)
  assert.equal(received, 0)
  await broker.advance(1)
  assert.equal(received, 1)
  stream.delay(0)
  stream.slow(10)
  await broker.publish('a', '12345')
  await broker.advance(900)
  assert.equal(received, 1)
  await broker.advance(100)
  assert.equal(received, 2)
})

test('A stream that gives way to a newer one is over at once, and a broker closes under a Client that takes nothing', async (t) => {
  const broker = await createTestBroker({ 'max-connections': 1, 'max-waiting-connections': 1 })
  const { stream } = await connect(t, broker)
  const second = broker.open()
  second.resume()
  broker.open()
  await once(second, 'close')
  stream.freeze()
  await broker.close()
  assert.equal(broker.state, 'closed')
})
