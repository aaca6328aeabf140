import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { IPublishPacket, MqttClient } from 'mqtt'
import { mqttJs, nextMessages, serve } from './support.ts'

const VERSIONS = [3, 4, 5] as const

/** The next PUBLISH with all of its fields. */
function nextPacket(client: MqttClient): Promise<IPublishPacket> {
  return new Promise((resolve) => client.once('message', (_topic, _payload, packet) => resolve(packet)))
}

/** Ends it without a DISCONNECT, as a lost network does. */
async function cut(client: MqttClient): Promise<void> {
  const closed = new Promise<void>((resolve) => client.once('close', () => resolve()))
  client.stream.destroy()
  await closed
}

test('MQTT.js of every version publishes to every other, at every QoS', async (t) => {
  const { port } = await serve(t)
  const clients = await Promise.all(
    VERSIONS.map((protocolVersion) => mqttJs(t, port, { protocolVersion, clientId: `v${protocolVersion}` })),
  )
  await Promise.all(clients.map((client) => client.subscribeAsync('a/#', { qos: 2 })))
  for (const [at, sender] of clients.entries()) {
    for (const qos of [0, 1, 2] as const) {
      const all = clients.map((client) => nextMessages(client))
      await sender.publishAsync('a/b', `from ${at} at ${qos}`, { qos })
      assert.deepEqual((await Promise.all(all)).flat(), Array(3).fill(`a/b from ${at} at ${qos}`))
    }
  }
})

for (const protocolVersion of VERSIONS) {
  test(`MQTT.js, protocol ${protocolVersion}: retained messages and Will`, async (t) => {
    const { port } = await serve(t)
    const will = { topic: 'will', payload: Buffer.from('gone'), qos: 1, retain: true } as const
    const client = await mqttJs(t, port, { protocolVersion, clientId: 'mortal', will })
    await client.publishAsync('kept', 'value', { qos: 1, retain: true })
    await cut(client)
    const late = await mqttJs(t, port, { protocolVersion, clientId: 'late' })
    const messages = nextMessages(late, 2)
    await late.subscribeAsync(['kept', 'will'], { qos: 1 })
    assert.deepEqual(new Set(await messages), new Set(['kept value', 'will gone']))
  })

  test(`MQTT.js, protocol ${protocolVersion}: a Session goes on after a lost network`, async (t) => {
    const { port } = await serve(t)
    const options = {
      protocolVersion,
      clientId: 'sleeper',
      clean: false,
      ...(protocolVersion === 5 && { properties: { sessionExpiryInterval: 100 } }),
    }
    const before = await mqttJs(t, port, options)
    await before.subscribeAsync('a', { qos: 2 })
    await cut(before)
    const sensor = await mqttJs(t, port, { protocolVersion, clientId: 'sensor' })
    for (const qos of [1, 2] as const) await sensor.publishAsync('a', `qos ${qos}`, { qos })
    let resumed: Promise<string[]> | undefined
    await mqttJs(t, port, options, (client) => {
      resumed = nextMessages(client, 2)
    })
    assert.deepEqual(await resumed, ['a qos 1', 'a qos 2'])
  })
}

test('MQTT.js: ten thousand messages of QoS 1 and 2 come in order, each QoS 2 once', async (t) => {
  const { port } = await serve(t)
  const receiver = await mqttJs(t, port)
  await receiver.subscribeAsync('count', { qos: 2 })
  const sender = await mqttJs(t, port)
  for (const qos of [1, 2] as const) {
    const count = 5000
    const received = nextMessages(receiver, count)
    // MQTT.js does not keep to the Receive Maximum of CONNACK (1,000): more QoS 2 at once is its mistake [5.0
    // MQTT-3.3.4-7].
    for (let from = 0; from < count; from += 500) {
      const some = Array.from({ length: 500 }, (_, at) => sender.publishAsync('count', String(from + at), { qos }))
      await Promise.all(some)
    }
    assert.deepEqual(
      await received,
      Array.from({ length: count }, (_, at) => `count ${at}`),
    )
  }
})

test('MQTT.js 5: Shared Subscription divides, ordinary one gets all', async (t) => {
  const { port } = await serve(t)
  const workers = await Promise.all([1, 2].map(() => mqttJs(t, port)))
  await Promise.all(workers.map((worker) => worker.subscribeAsync('$share/group/job/+', { qos: 1 })))
  const boss = await mqttJs(t, port)
  await boss.subscribeAsync('job/+')
  const halves = workers.map((worker) => nextMessages(worker, 10))
  const all = nextMessages(boss, 20)
  for (let at = 0; at < 20; at++) await boss.publishAsync(`job/${at}`, 'x', { qos: 1 })
  const [first, second] = await Promise.all(halves)
  assert.deepEqual([...first!, ...second!].sort(), (await all).sort())
})

test('MQTT.js 5: Topic Aliases in both directions', async (t) => {
  const { broker, port } = await serve(t)
  const aliases: (number | undefined)[] = []
  const client = await mqttJs(t, port, {
    properties: { topicAliasMaximum: 5 },
    autoUseTopicAlias: true,
    autoAssignTopicAlias: true,
  })
  client.on('packetreceive', (packet) => {
    if (packet.cmd === 'publish') aliases.push(packet.properties?.topicAlias)
  })
  await client.subscribeAsync('a/long/topic/name')
  const received = nextMessages(client, 3)
  const seen: string[] = []
  broker.on('published', ({ message }) => seen.push(message.topic))
  for (const payload of ['1', '2', '3']) client.publish('a/long/topic/name', payload)
  assert.deepEqual(
    await received,
    ['1', '2', '3'].map((payload) => `a/long/topic/name ${payload}`),
  )
  assert.deepEqual(seen, Array(3).fill('a/long/topic/name'))
  assert.deepEqual(aliases, [1, 1, 1])
})

test('MQTT.js 5: request and response, with Correlation Data and User Properties in order', async (t) => {
  const { port } = await serve(t)
  const server = await mqttJs(t, port)
  await server.subscribeAsync('ask')
  server.on('message', (_topic, payload, { properties }) => {
    const { responseTopic, correlationData } = properties!
    server.publish(responseTopic!, `echo ${payload.toString()}`, { properties: { correlationData: correlationData! } })
  })
  const client = await mqttJs(t, port)
  await client.subscribeAsync('answers/me')
  const answer = nextPacket(client)
  const properties = { responseTopic: 'answers/me', correlationData: Buffer.from('42') }
  await client.publishAsync('ask', 'hello', { properties })
  const packet = await answer
  assert.equal(packet.payload.toString(), 'echo hello')
  assert.equal(packet.properties?.correlationData?.toString(), '42')
})

test('MQTT.js: a payload of 10 MB arrives whole, at every QoS', async (t) => {
  const { port } = await serve(t)
  const payload = Buffer.alloc(10_000_000)
  for (let at = 0; at < payload.length; at += 4) payload.writeUInt32LE(at, at)
  const receiver = await mqttJs(t, port)
  await receiver.subscribeAsync('large', { qos: 2 })
  const sender = await mqttJs(t, port, { protocolVersion: 4 })
  for (const qos of [0, 1, 2] as const) {
    const received = nextPacket(receiver)
    await sender.publishAsync('large', payload, { qos })
    assert.ok(payload.equals((await received).payload as Buffer))
  }
})

test('MQTT.js: 1,000 topics in one SUBSCRIBE', async (t) => {
  const { port } = await serve(t)
  for (const protocolVersion of VERSIONS) {
    const client = await mqttJs(t, port, { protocolVersion })
    const topics = Array.from({ length: 1000 }, (_, at) => `v${protocolVersion}/${at}`)
    const granted = await client.subscribeAsync(topics, { qos: 1 })
    assert.deepEqual(
      granted.map(({ qos }) => qos),
      Array(1000).fill(1),
    )
    const received = nextMessages(client, 2)
    await client.publishAsync(topics[0]!, 'first', { qos: 1 })
    await client.publishAsync(topics[999]!, 'last', { qos: 1 })
    assert.deepEqual(await received, [`${topics[0]} first`, `${topics[999]} last`])
  }
})

test('MQTT.js: a refused log-in reads its code', async (t) => {
  const { port } = await serve(t, { auth: { 'allow-anonymous': false, plugins: ['auth.anonymous'] } })
  for (const [protocolVersion, code] of [
    [4, 5],
    [5, 0x87],
  ] as const) {
    await assert.rejects(mqttJs(t, port, { protocolVersion }), { code })
  }
})
