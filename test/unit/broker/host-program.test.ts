import assert from 'node:assert/strict'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import { UsageError } from '../../../src/base/errors.ts'
import { decodePacket } from '../../../src/codec/decode.ts'
import { Decoder } from '../../../src/codec/decoder.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { type DisconnectPacket, type Packet } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { eventNames } from '../../../src/reporting/events.ts'
import type { EventName } from '../../../src/access/broker-events.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { Broker, createBroker } from '../../../src/create-broker.ts'
import type { Message } from '../../../src/protocol/message.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { CapturedLog } from '../plugins/support.ts'
import { clientsOf, sessionsOf } from '../../support/sessions.ts'
import { publishPacket } from '../../support/publish-packet.ts'

const textOf = (message: Message): string => message.text()

async function publish(
  broker: VirtualBroker,
  topic: string,
  payload: string | Uint8Array,
  options = {},
): Promise<void> {
  const published = broker.broker.publish(topic, payload, options)
  broker.clock.runTurns()
  await published
}

const KEPT = { properties: { sessionExpiryInterval: 60 } }

// ---- publish ----

test('publish reaches Clients with QoS, RETAIN and properties; text goes as UTF-8', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('a', 2)
  await publish(broker, 'a', 'grüß dich', { qos: 2, retain: true, properties: { contentType: 'text' } })
  const [message] = client.receiveAll()
  assert.deepEqual([message!.qos, message!.properties], [2, { contentType: 'text' }])
  assert.equal(Buffer.from(message!.payload).toString(), 'grüß dich')
  const late = broker.connect({ clientId: 'late' })
  late.subscribe('a')
  assert.equal(late.take().length, 1)
  await broker.close()
})

test('the caller may use its bytes again at once', async () => {
  const broker = await VirtualBroker.start()
  const bytes = Buffer.from('before')
  await publish(broker, 'a', bytes, { retain: true })
  bytes.fill('x')
  const client = broker.connect()
  client.subscribe('a')
  assert.deepEqual(client.takePayloads(), ['before'])
  await broker.close()
})

test('publish refuses what would reach subscribers as a Malformed Packet, and names it', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('a', 2)
  const withProperties = (properties: object): object => ({ properties })
  const cases: readonly (readonly [topic: unknown, payload: unknown, options: object, message: RegExp])[] = [
    [5, 'x', {}, /cannot publish to 5: a topic name must be a string/],
    ['a', undefined, {}, /payload must be a string or a Uint8Array, got undefined/],
    ['a', { x: 1 }, {}, /payload must be .*, got an object/],
    ['a', new Uint16Array(2), {}, /payload must be/],
    ['a', 'x', { qos: 3 }, /"a": qos must be 0, 1 or 2, got 3/],
    ['a', 'x', { qos: -1 }, /qos must be/],
    ['a', 'x', { qos: '1' }, /qos must be .*, got "1"/],
    ['a', 'x', { retain: 'no' }, /retain must be true or false, got "no"/],
    ['a', 'x', withProperties({ contentTyp: 'x' }), /no property "contentTyp"; did you mean contentType\?/],
    ['a', 'x', withProperties({ reasonString: 'x' }), /no property "reasonString"/],
    [
      'a',
      'x',
      withProperties({ messageExpiryInterval: -1 }),
      /messageExpiryInterval must be a whole number from 0 to 4294967295, got -1/,
    ],
    [
      'a',
      'x',
      withProperties({ payloadFormatIndicator: 2 }),
      /payloadFormatIndicator must be a whole number from 0 to 1/,
    ],
    ['a', 'x', withProperties({ contentType: 5 }), /contentType must be a string, got 5/],
    ['a', 'x', withProperties({ contentType: '\ud800' }), /contentType must hold neither/],
    ['a', 'x', withProperties({ contentType: 'x'.repeat(65_536) }), /contentType must have at most 65535 bytes/],
    ['a', 'x', withProperties({ responseTopic: 'a/#' }), /responseTopic a Topic Name must not contain wildcards/],
    ['a', 'x', withProperties({ correlationData: 'text' }), /correlationData must be a Uint8Array/],
    [
      'a',
      'x',
      withProperties({ userProperties: { a: 'b' } }),
      /userProperties must be a list of \[name, value\], got an object/,
    ],
    ['a', 'x', withProperties({ userProperties: ['ab'] }), /userProperties must be a list/],
  ]
  for (const [topic, payload, options, message] of cases) {
    await assert.rejects(broker.broker.publish(topic as string, payload as string, options), {
      name: 'UsageError',
      message,
    })
  }
  assert.deepEqual(client.take(), [])
  await broker.close()
})

test('a message that was received can be published again with all that belongs to it', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.subscribe('b', 1)
  const received: Message[] = []
  broker.broker.subscribe('a', (message) => received.push(message))
  const properties = { contentType: 'text', userProperties: [['k', 'v']], correlationData: Uint8Array.of(99) } as const
  client.publish('a', 'x', 1, { properties: { ...properties, topicAlias: 1 } })
  const [message] = received
  await publish(broker, 'b', message!.payload, message)
  assert.deepEqual(client.receiveAll().at(-1)?.properties, properties)
  await broker.close()
})

test('publish and subscribe refuse what is no topic, in one sentence', async () => {
  const broker = await VirtualBroker.start()
  for (const topic of ['', 'a/+', 'a\0']) await assert.rejects(broker.broker.publish(topic, 'x'), UsageError)
  for (const filter of ['', 'a#', '#/a', '$share/g/a']) {
    assert.throws(() => broker.broker.subscribe(filter), UsageError, filter)
  }
  await broker.close()
})

test('what a broker that does not run is asked is a UsageError that says what to do', async () => {
  const broker = new Broker({ listeners: {} })
  await assert.rejects(broker.publish('a', 'x'), /the broker is new; call start\(\) first/)
  for (const ask of [() => broker.subscribe('a'), () => sessionsOf(broker), () => broker.metrics]) {
    assert.throws(ask, UsageError)
  }
})

// ---- subscribe ----

test('an iterator gets retained messages first, then what comes, and ends by break', async () => {
  const broker = await VirtualBroker.start()
  await publish(broker, 'a/0', 'retained', { retain: true })
  const subscription = broker.broker.subscribe('a/+')
  const sensor = broker.connect()
  sensor.publish('a/1', 'one')
  sensor.publish('b/1', 'other')
  sensor.publish('a/2', 'two', 1)
  const received: string[] = []
  for await (const message of subscription) {
    received.push(`${message.topic} ${textOf(message)}`)
    if (received.length === 3) break
  }
  assert.deepEqual(received, ['a/0 retained', 'a/1 one', 'a/2 two'])
  sensor.publish('a/3', 'three')
  assert.equal(subscription.queuedMessages, 0)
  assert.deepEqual(await subscription.next(), { value: undefined, done: true })
  await broker.close()
})

test('a waiting iterator gets the next message, and several who wait get one each', async () => {
  const broker = await VirtualBroker.start()
  const subscription = broker.broker.subscribe('a')
  const waiting = [subscription.next(), subscription.next()]
  const sensor = broker.connect()
  sensor.publish('a', '1')
  sensor.publish('a', '2')
  const results = await Promise.all(waiting)
  assert.deepEqual(
    results.map(({ value }) => textOf(value!)),
    ['1', '2'],
  )
  await broker.close()
})

test('AbortSignal, close() and the end of the broker end an iterator; what waits is still handed out', async () => {
  const abort = new AbortController()
  const broker = await VirtualBroker.start()
  const aborted = broker.broker.subscribe('a', { signal: abort.signal })
  const closed = broker.broker.subscribe('a')
  const last = broker.broker.subscribe('a')
  broker.connect().publish('a', 'x')
  const waiting = broker.broker.subscribe('b').next()
  abort.abort()
  closed.close()
  await broker.close()
  for (const subscription of [aborted, closed, last]) {
    const received: string[] = []
    for await (const message of subscription) received.push(textOf(message))
    assert.deepEqual(received, ['x'])
  }
  assert.deepEqual(await waiting, { value: undefined, done: true })
})

test('a signal that aborted before begins nothing', async () => {
  const broker = await VirtualBroker.start()
  const subscription = broker.broker.subscribe('a', { signal: AbortSignal.abort() })
  assert.deepEqual(await subscription.next(), { value: undefined, done: true })
  await broker.close()
})

test('`await using` ends a subscription with its scope', async () => {
  const broker = await VirtualBroker.start()
  let calls = 0
  {
    await using subscription = broker.broker.subscribe('a', () => calls++)
    broker.connect().publish('a', 'x')
    assert.equal(subscription.topicFilter, 'a')
  }
  broker.connect().publish('a', 'x')
  assert.equal(calls, 1)
  await broker.close()
})

test('a bounded queue drops the newest, counts them and tells', async () => {
  const broker = await VirtualBroker.start()
  const causes: string[] = []
  broker.broker.on('dropped', ({ cause }) => causes.push(cause))
  const subscription = broker.broker.subscribe('a', { maxQueuedMessages: 2 })
  const sensor = broker.connect()
  for (const payload of ['1', '2', '3']) sensor.publish('a', payload)
  assert.deepEqual([subscription.droppedMessages, subscription.queuedMessages, causes], [1, 2, ['queue full']])
  assert.equal(broker.broker.metrics.dropped['queue full'], 1)
  await broker.close()
})

test('a bounded queue counts what its messages take in memory as well, and gives it back', async () => {
  const broker = await VirtualBroker.start({ 'max-closed-connections': 0 })
  const { bytes } = broker.broker.memory
  const subscription = broker.broker.subscribe('a', { maxQueuedBytes: 20_000 })
  const sensor = broker.connect()
  for (let count = 0; count < 4; count++) sensor.publish('a', 'x'.repeat(9000))
  assert.deepEqual([subscription.droppedMessages, subscription.queuedMessages], [2, 2])
  sensor.disconnect()
  assert.ok(broker.broker.memory.bytes > bytes + 18_000)
  await subscription.next()
  await subscription.return()
  assert.equal(broker.broker.memory.bytes, bytes)
  await broker.close()
})

test('a callback gets each message at once; one that throws harms nobody', async () => {
  const log = new CapturedLog()
  const broker = await VirtualBroker.start({}, { logger: log })
  const received: string[] = []
  broker.broker.subscribe('a', () => {
    throw new Error('of the host')
  })
  broker.broker.subscribe('a', (message) => received.push(textOf(message)), { retained: false })
  const client = broker.connect()
  client.subscribe('a')
  client.publish('a', 'x')
  assert.deepEqual([received, client.takePayloads()], [['x'], ['x']])
  assert.ok(log.lines.some((line) => line.startsWith('error') && line.includes('host program')))
  await broker.close()
})

test('what the host program holds stays as it was, whatever comes after it', async () => {
  const broker = await VirtualBroker.start()
  const subscription = broker.broker.subscribe('a')
  const client = broker.connect()
  const chunk = Buffer.from(encodePacket(publishPacket('a', 'held'), 5))
  client.sendBytes(chunk)
  chunk.fill(0)
  const { value } = await subscription.next()
  assert.deepEqual([value!.topic, textOf(value!)], ['a', 'held'])
  await broker.close()
})

test('a message is read as bytes, text and JSON, whatever its bytes came in', async () => {
  const broker = await VirtualBroker.start()
  const subscription = broker.broker.subscribe('a')
  const heard: Message[] = []
  broker.broker.on('published', ({ message }) => heard.push(message))
  for (const payload of ['{"on":1}', Uint8Array.from(Buffer.from('{"on":1}'))]) await publish(broker, 'a', payload)
  broker.connect().publish('a', '{"on":1}')
  for (const event of heard) {
    for (const message of [event, (await subscription.next()).value!]) {
      assert.ok(Buffer.isBuffer(message.payload))
      assert.deepEqual(
        [message.json(), message.text(), message.topic, message.topicName],
        [{ on: 1 }, '{"on":1}', 'a', 'a'],
      )
    }
  }
  assert.equal(heard.length, 3)
  await publish(broker, 'a', 'no JSON')
  assert.throws(() => heard[3]!.json(), SyntaxError)
  await broker.close()
})

test('a plugin gets password and authentication data as a Buffer, or undefined', async () => {
  const got: unknown[] = []
  const plugin: Plugin = {
    name: 'asks',
    authenticate: ({ password, authenticationData }) => {
      got.push(password, authenticationData)
      return { decision: 'allow' }
    },
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
  const properties = { authenticationMethod: 'm', authenticationData: Uint8Array.of(1, 2) }
  for (const version of [3, 4, 5] as const) broker.connect({ version, userName: 'u', password: Uint8Array.of(0x70) })
  broker.connect({ properties })
  const password = Buffer.from('p')
  const absent = undefined
  assert.deepStrictEqual(got, [password, absent, password, absent, password, absent, absent, Buffer.of(1, 2)])
  await broker.close()
})

// ---- events and lists ----

test('events tell the life of a Client, in order', async () => {
  const broker = await VirtualBroker.start()
  const told: string[] = []
  const quiet: EventName[] = ['packetReceived', 'packetSent']
  for (const name of eventNames) if (!quiet.includes(name)) broker.broker.on(name, () => told.push(name))
  const client = broker.connect({ will: { topicName: 'will' } })
  client.subscribe('a')
  client.publish('a', 'x', 0, { retain: true })
  client.publish('$SYS/a', 'x')
  client.unsubscribe('a')
  client.drop()
  broker.connect({ version: 4, clientId: '', cleanStart: false })
  await broker.close()
  assert.deepEqual(told, [
    'sessionCreated',
    'clientConnected',
    'subscribed',
    'retained',
    'delivered',
    'published',
    'publishRefused',
    'unsubscribed',
    'clientDisconnected',
    'sessionEnded',
    'published',
    'willPublished',
    'clientRefused',
    'closing',
    'closed',
  ])
})

test('packets are told to whoever listens, both ways', async () => {
  const broker = await VirtualBroker.start()
  const told: string[] = []
  broker.broker.on('packetReceived', ({ packet }) => told.push(`in ${packet.type}`))
  broker.broker.on('packetSent', ({ clientId, packet }) => told.push(`out ${packet.type} to ${clientId}`))
  const client = broker.connect()
  client.publish('a', 'x', 1)
  assert.deepEqual(told, ['in 1', 'out 2 to client', 'in 3', 'out 4 to client'])
  await broker.close()
})

test('a PUBLISH is reported as it is sent: QoS, DUP, RETAIN and identifiers of the delivery', async () => {
  const broker = await VirtualBroker.start()
  const sent: object[] = []
  const receiver = broker.connect({
    clientId: 'receiver',
    cleanStart: false,
    properties: { sessionExpiryInterval: 60 },
  })
  receiver.send({
    type: PacketType.SUBSCRIBE,
    packetIdentifier: 1,
    subscriptions: [{ topicFilter: 'a', qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
    properties: { subscriptionIdentifiers: [7] },
  })
  broker.broker.on('packetSent', ({ packet }) => {
    if (packet.type !== PacketType.PUBLISH) return
    const { qos, dup, retain, packetIdentifier, properties } = packet
    sent.push({ qos, dup, retain, packetIdentifier, subscriptionIdentifiers: properties.subscriptionIdentifiers })
  })
  await publish(broker, 'a', 'x', { qos: 2, retain: true })
  receiver.drop()
  broker.clock.runTurns()
  broker.connect({ clientId: 'receiver', cleanStart: false, properties: { sessionExpiryInterval: 60 } })
  const common = { qos: 1, retain: false, packetIdentifier: 1, subscriptionIdentifiers: [7] }
  assert.deepEqual(sent, [
    { ...common, dup: false },
    { ...common, dup: true },
  ])
  await broker.close()
})

test('a PUBLISH is reported with the rest of its Message Expiry Interval, and without properties before 5.0', async () => {
  const broker = await VirtualBroker.start()
  const sent: object[] = []
  for (const version of [4, 5] as const) {
    const receiver = broker.connect({ clientId: `v${version}`, version, cleanStart: false, ...KEPT })
    receiver.subscribe('a', 1)
    receiver.drop()
  }
  await publish(broker, 'a', 'x', { qos: 1, properties: { messageExpiryInterval: 60, contentType: 'text' } })
  broker.advance(20_000)
  broker.broker.on('packetSent', ({ packet }) => {
    if (packet.type === PacketType.PUBLISH) sent.push(packet.properties)
  })
  for (const version of [4, 5] as const)
    broker.connect({ clientId: `v${version}`, version, cleanStart: false, ...KEPT })
  assert.deepEqual(sent, [{}, { messageExpiryInterval: 40, contentType: 'text' }])
  await broker.close()
})

test('a QoS 2 PUBLISH that is sent again is reported each time', async () => {
  const broker = await VirtualBroker.start()
  const received: string[] = []
  const client = broker.connect()
  broker.broker
    .on('packetReceived', ({ packet }) => {
      if (packet.type !== PacketType.PUBLISH) return
      received.push(`${packet.topicName} ${String(packet.dup)} ${Buffer.from(packet.payload).toString()}`)
    })
    .on('packetSent', ({ packet }) => received.push(`sent ${packet.type}`))
  const message = { type: PacketType.PUBLISH, qos: 2, retain: false, topicName: 'a', packetIdentifier: 5 } as const
  const payload = Buffer.from('x')
  for (const dup of [false, true]) client.send({ ...message, dup, properties: {}, payload })
  assert.deepEqual(received, ['a false x', 'sent 5', 'a true x', 'sent 5'])
  await broker.close()
})

test('a listener that throws is logged, summed up, and forgotten; `once` and `off` end telling', async () => {
  const log = new CapturedLog()
  const broker = await VirtualBroker.start({}, { logger: log })
  let once = 0
  let never = 0
  const listener = (): void => void never++
  broker.broker
    .on('clientConnected', () => {
      throw new Error('of the host')
    })
    .once('clientConnected', () => once++)
    .on('clientConnected', listener)
    .off('clientConnected', listener)
  for (const clientId of ['a', 'b']) assert.equal(broker.connect({ clientId }).connack?.reasonCode, 0)
  assert.deepEqual([once, never], [1, 0])
  const threw = (): string[] => log.lines.filter((line) => line.includes('clientConnected threw'))
  assert.deepEqual([threw().length, threw()[0]!.startsWith('error ')], [1, true])
  broker.advance(10_000)
  assert.match(threw()[1]!, /^error 1 more in the last 10 s: a listener of the event clientConnected threw/)
  await broker.close()
})

test('a listener that is async and rejects is logged, once for each kind, and does not end the process', async () => {
  const log = new CapturedLog()
  const broker = await VirtualBroker.start({}, { logger: log })
  const rejects = (): void => Promise.reject(new Error('of the host')) as never
  broker.broker.on('clientConnected', rejects)
  broker.broker.subscribe('a', rejects)
  const client = broker.connect()
  for (let count = 0; count < 5; count++) client.publish('a', 'x')
  await Promise.resolve()
  const threw = log.lines.filter((line) => line.includes('threw'))
  assert.equal(threw.length, 2, threw.join('\n'))
  await broker.close()
})

test('clients() and sessions() show who is there and what waits', async () => {
  const broker = await VirtualBroker.start()
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100, receiveMaximum: 1 } }
  const away = broker.connect({ clientId: 'away', ...kept })
  away.subscribe('a', 1)
  broker.connect({ clientId: 'here', version: 4, peer: { address: '192.0.2.9' } })
  await publish(broker, 'a', 'one', { qos: 1 })
  await publish(broker, 'a', 'two', { qos: 1 })
  away.drop()
  const [first, second] = sessionsOf(broker.broker)
  assert.deepEqual(
    [first!.clientId, first!.connected, first!.subscriptions, first!.queuedMessages, first!.inflightMessages],
    ['away', false, [{ topicFilter: 'a', qos: 1 }], 1, 1],
  )
  assert.deepEqual(first!.sessionExpiryInterval, 100)
  assert.ok(first!.queuedBytes > 'atwo'.length && first!.memoryBytes > first!.queuedBytes)
  assert.deepEqual(second!.client, {
    clientId: 'here',
    userName: undefined,
    bridge: undefined,
    claimedUserName: undefined,
    address: '192.0.2.9',
    listener: 'attached',
    protocolVersion: 4,
  })
  assert.deepEqual(
    clientsOf(broker.broker).map(({ clientId }) => clientId),
    ['here'],
  )
  await broker.close()
})

test('disconnect ends a Connection with a code, and the Session only if asked to', async () => {
  const broker = await VirtualBroker.start()
  const kept = { cleanStart: false, properties: { sessionExpiryInterval: 100 } }
  const client = broker.connect(kept)
  assert.equal(await broker.broker.disconnect('client'), true)
  broker.clock.runTurns()
  assert.equal((client.take()[0] as DisconnectPacket).reasonCode, ReasonCode.AdministrativeAction)
  assert.equal(sessionsOf(broker.broker).length, 1)
  assert.equal(await broker.broker.disconnect('client'), false)
  assert.equal(await broker.broker.disconnect('client', { endSession: true }), true)
  assert.deepEqual(sessionsOf(broker.broker), [])
  assert.equal(await broker.broker.disconnect('nobody', { endSession: true }), false)

  const other = broker.connect({ clientId: 'other' })
  await broker.broker.disconnect('other', { reasonCode: ReasonCode.QuotaExceeded })
  broker.clock.runTurns()
  assert.equal((other.take()[0] as DisconnectPacket).reasonCode, ReasonCode.QuotaExceeded)
  await broker.close()
})

test('explain says who may what, without connecting anyone', async () => {
  const broker = await VirtualBroker.start({ 'topic-check': { acl: { ann: ['a/#'] } } })
  const ask = async (user: string, topic: string) =>
    (await broker.broker.explain({ userName: user, action: 'publish', topic })).decision
  assert.deepEqual([await ask('ann', 'a/b'), await ask('ann', 'b'), await ask('bob', 'a/b')], ['allow', 'deny', 'deny'])
  assert.deepEqual(sessionsOf(broker.broker), [])
  await broker.close()
})

// ---- streams of the host program ----

test('attach makes a Connection of any duplex stream, under the limits of the top level', async () => {
  const broker = await createBroker({ listeners: {}, 'max-packet-size': 100 })
  const [ours, theirs] = pair()
  assert.equal(broker.attach(ours, { address: 'robot' }), true)
  theirs.write(connectOf('robot'))
  const [connack] = await read(theirs)
  assert.equal(connack!.type, PacketType.CONNACK)
  assert.deepEqual([clientsOf(broker)[0]!.client.address, clientsOf(broker)[0]!.client.listener], ['robot', 'attached'])
  theirs.write(encodePacket(publishPacket('a', 'x'.repeat(200)), 5))
  const [disconnect] = await read(theirs)
  assert.equal((disconnect as DisconnectPacket).reasonCode, ReasonCode.PacketTooLarge)
  theirs.end()
  await broker.close()
})

// ---- beginning and end ----

test('a broker starts again in the same process, with its listeners of events and nothing of its past', async () => {
  const broker = await VirtualBroker.start()
  let started = 0
  broker.broker.on('started', () => started++)
  broker.connect().publish('a', 'x', 0, { retain: true })
  await assert.rejects(broker.broker.start(), UsageError)
  await broker.close()
  assert.equal(broker.broker.state, 'closed')
  await broker.broker.start()
  assert.deepEqual([broker.broker.state, started, sessionsOf(broker.broker)], ['started', 1, []])
  const client = broker.connect()
  assert.deepEqual([client.connack?.reasonCode, client.subscribe('#').reasonCodes], [0, [0]])
  assert.deepEqual(client.takePayloads(), [])
  await broker.close()
})

test('two brokers live side by side and know nothing of each other', async () => {
  const [one, other] = [await VirtualBroker.start(), await VirtualBroker.start()]
  const [first, second] = [one.connect(), other.connect()]
  for (const client of [first, second]) client.subscribe('#')
  first.publish('a', 'x')
  assert.deepEqual([first.takePayloads(), second.takePayloads()], [['x'], []])
  await one.close()
  assert.ok(first.isClosed && !second.isClosed)
  await other.close()
})

test('close tells Clients 0x8B, takes nobody new, and may be called twice', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  const closing = broker.broker.close()
  assert.equal(broker.broker.close(), closing)
  await broker.close()
  await closing
  assert.equal((client.take()[0] as DisconnectPacket).reasonCode, ReasonCode.ServerShuttingDown)
  await broker.broker.close()
})

test('close is bounded: Clients that do not go are cut after three quarters of its time', async () => {
  const broker = await VirtualBroker.start()
  const client = broker.connect()
  client.end = () => {}
  const closed = broker.broker.close({ timeoutMs: 400 })
  broker.advance(299)
  assert.ok(!client.isClosed)
  broker.advance(1)
  assert.ok(client.isClosed)
  await broker.settle()
  await closed
})

test('close: a Client that does not go leaves plugins time to close', async () => {
  const log = new CapturedLog()
  const plugin: Plugin = {
    name: 'database',
    authenticate: () => ({ decision: 'allow' }),
    close: () => new Promise<void>((resolve) => void broker.clock.setTimer(50, resolve)),
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } }, { logger: log })
  broker.connect().end = () => {}
  const closed = broker.broker.close({ timeoutMs: 400 })
  broker.advance(300)
  await broker.settle()
  broker.advance(50)
  await broker.settle()
  assert.equal(broker.broker.state, 'closed')
  await closed
  const errors = log.lines.filter((line) => line.startsWith('error'))
  assert.deepEqual(errors, [])
})

test('close is bounded: a plugin that never closes does not hold it up', async () => {
  const plugin: Plugin = {
    name: 'stuck',
    authenticate: () => ({ decision: 'allow' }),
    close: () => new Promise<void>(() => {}),
  }
  const broker = await VirtualBroker.start({ auth: { plugins: [plugin] } })
  let isClosed = false
  const closed = broker.broker.close({ timeoutMs: 500 }).then(() => (isClosed = true))
  await broker.settle()
  broker.advance(500)
  await broker.settle()
  assert.ok(isClosed)
  await closed
})

test('`await using` and an AbortSignal close a broker', async () => {
  let inScope: Broker
  {
    await using broker = await createBroker({ listeners: {} })
    inScope = broker
    assert.equal(broker.state, 'started')
  }
  assert.equal(inScope.state, 'closed')

  const abort = new AbortController()
  const broker = await createBroker({ listeners: {} }, { signal: abort.signal })
  const closed = new Promise<void>((resolve) => broker.once('closed', () => resolve()))
  abort.abort()
  await closed
  assert.equal(broker.state, 'closed')
  assert.equal((await createBroker({ listeners: {} }, { signal: abort.signal })).state, 'closed')
})

test('a broker that is closed while it starts is closed when both are through, and can be started again', async () => {
  let finish = (): void => {}
  const slow = new Promise<void>((resolve) => (finish = resolve))
  let closed = 0
  const plugin: Plugin = { name: 'slow', authenticate: () => undefined, close: () => void closed++ }
  const factory = async (): Promise<Plugin> => {
    await slow
    return plugin
  }
  const broker = new Broker({ listeners: { a: { bind: '127.0.0.1:0' } }, auth: { plugins: [factory] } })
  const started = broker.start()
  const ended = broker.close()
  assert.equal(broker.state, 'closing')
  await assert.rejects(broker.start(), /the broker is closing/)
  finish()
  await assert.rejects(started, /closed while it started/)
  await ended
  assert.deepEqual([broker.state, broker.listeners, closed], ['closed', [], 1])
  await broker.start()
  assert.equal(broker.listeners.length, 1)
  await broker.close()
})

test('a start that fails leaves nothing open, and the broker can be started again', async () => {
  let closed = 0
  const plugin: Plugin = { name: 'p', authenticate: () => ({ decision: 'allow' }), close: () => void closed++ }
  const first = await createBroker({ listeners: { a: { bind: '127.0.0.1:0' } } })
  const taken = `127.0.0.1:${first.listeners[0]!.port}`
  const second = new Broker({
    listeners: { free: { bind: '127.0.0.1:0' }, taken: { bind: taken } },
    auth: { plugins: [plugin] },
  })
  await assert.rejects(second.start(), { name: 'ConfigError' })
  assert.deepEqual([second.state, second.listeners, closed], ['closed', [], 1])
  await first.close()
  await second.start()
  assert.equal(second.listeners.length, 2)
  await second.close()
})

// ---- the far end of an attached stream ----

function connectOf(clientId: string): Uint8Array {
  const connect = { type: PacketType.CONNECT, protocolVersion: 5, cleanStart: true, keepAlive: 0 } as const
  return encodePacket({ ...connect, clientId, properties: {} }, 5)
}

/** Two ends of one stream in memory. */
function pair(): [Duplex, Duplex] {
  const make = (other: () => Duplex): Duplex =>
    new Duplex({
      read() {},
      write(chunk, _encoding, done) {
        other().push(chunk)
        done()
      },
      final(done) {
        other().push(null)
        done()
      },
    })
  const ours: Duplex = make(() => theirs)
  const theirs: Duplex = make(() => ours)
  return [ours, theirs]
}

async function read(stream: Duplex): Promise<Packet[]> {
  const chunk = await new Promise<Buffer>((resolve) => {
    stream.once('data', resolve)
    stream.resume()
  })
  stream.pause()
  const decoder = new Decoder()
  const packets: Packet[] = []
  decoder.push(chunk)
  while (decoder.next()) {
    packets.push(decodePacket(decoder.bytes, decoder.firstByte, decoder.bodyStart, decoder.end, 5, 'server'))
  }
  return packets
}

test('methods of events take no name that no event has, and name the nearest; nor what is no function', async () => {
  const started = await VirtualBroker.start()
  const { broker } = started
  for (const method of ['on', 'once', 'off', 'addListener', 'removeListener'] as const) {
    const call = (name: unknown, listener: unknown): void =>
      (broker[method] as (name: unknown, listener: unknown) => void).call(broker, name, listener)
    const refused = (name: unknown, message: RegExp): void =>
      assert.throws(
        () => call(name, () => undefined),
        (error) => error instanceof UsageError && message.test(error.message),
      )
    refused('clientConected', /^there is no event "clientConected"; did you mean clientConnected\?$/)
    refused('client', /; did you mean clientConnected or clientRefused or clientDisconnected\?$/)
    refused('message', /; did you mean published or delivered\?$/)
    refused('zebra', /^there is no event "zebra"; the events are started, reloaded, .*error$/)
    refused('toString', /^there is no event "toString"/)
    refused(undefined, /^there is no event nothing/)
    for (const [wrong, shown] of [
      [undefined, 'nothing'],
      ['x', '"x"'],
    ] as const) {
      const message = `a listener of the event closed must be a function, got ${shown}`
      assert.throws(() => call('closed', wrong), { code: 'ERR_USAGE', message })
    }
  }
  await started.close()
})

test('explain takes no question that it would have to guess', async () => {
  const started = await VirtualBroker.start({ topicCheck: { acl: { ann: { subscribe: ['a/b'] } } } })
  const { broker } = started
  const question = { userName: 'ann', action: 'subscribe', topic: 'a/b' }
  for (const [wrong, message] of [
    [
      { action: 'pubish' },
      /^the action of a question must be one of publish, subscribe, receive, got "pubish"; did you mean publish\?$/,
    ],
    [{ action: 'toString' }, /^the action of a question must be one of publish, subscribe, receive, got "toString"$/],
    [{ action: undefined }, /got nothing$/],
    [{ topic: undefined }, /^the topic of a question must be a string, got nothing$/],
    [{ topic: 5 }, /^explain: topic must be a text, got 5$/],
    [{ userName: 5 }, /^explain: userName must be a text, got 5$/],
    [{ user: 'ann' }, /^explain: a question has no "user"; did you mean userName\?$/],
    [{ client: 'c' }, /^explain: a question has no "client"; did you mean clientId\?$/],
    [{ usrName: 'ann' }, /^explain: a question has no "usrName"; did you mean userName\?$/],
    [
      { password: 'ann' },
      /^explain: a question has no "password"; the keys are clientId, userName, address, listener, action, topic$/,
    ],
  ] as const) {
    const asked = { ...question, ...wrong } as unknown as Parameters<typeof broker.explain>[0]
    await assert.rejects(broker.explain(asked), (error) => {
      assert.ok(error instanceof UsageError, String(error))
      assert.match(error.message, message)
      return true
    })
  }
  await assert.rejects(broker.explain(undefined as never), /explain: a question must be an object, got nothing/)
  await started.close()
})
