/** What a collector gets of a broker: real exporters, a real collector, real clients. */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import { connectAsync, type IPublishPacket, type MqttClient } from 'mqtt'
import type { BrokerEvents } from '../../../src/access/broker-events.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { ConfigError } from '../../../src/base/errors.ts'
import { createBroker, type Broker } from '../../../src/index.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { missing } from '../../../src/telemetry/exporters.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { attributesOf, OtlpReceiver, type ReceivedSpan } from '../../support/otlp-receiver.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { settledUntil } from '../../support/until.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { publishPacket } from '../../support/publish-packet.ts'

const TRACE = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'
const traced = (parent = `00-${TRACE}-${SPAN}-01`): { userProperties: Record<string, string | string[]> } => ({
  userProperties: { traceparent: parent, tracestate: 'vendor=1' },
})

type Telemetry = NonNullable<ConfigInput['telemetry']>

async function start(t: TestContext, telemetry: Telemetry): Promise<{ broker: Broker; url: string }> {
  const admin = { bind: '127.0.0.1:0', socket: 'off' }
  const broker = await createBroker({ listeners: { default: { bind: '127.0.0.1:0' } }, admin, telemetry })
  t.after(() => broker.close())
  return { broker, url: broker.listeners[0]!.urls[0]! }
}

async function subscriber(t: TestContext, url: string, clientId: string, topicFilter: string): Promise<MqttClient> {
  const client = await connectAsync(url, { protocolVersion: 5, clientId, reconnectPeriod: 0 })
  t.after(() => client.end(true))
  await client.subscribeAsync(topicFilter, { qos: 1 })
  return client
}

function messageOf(client: MqttClient): Promise<IPublishPacket> {
  return new Promise((resolve) => client.once('message', (_topic, _payload, packet) => resolve(packet)))
}

/** A message that was sent and not acknowledged has a second span, which says that its session has ended. */
function isNoDrop({ status }: ReceivedSpan): boolean {
  return status.code !== 2
}

function named(spans: readonly ReceivedSpan[], name: string): ReceivedSpan[] {
  return spans.filter((span) => span.name === name)
}

test('a collector gets metrics, logs and traces; one trace goes from publisher over broker to subscriber', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const { broker, url } = await start(t, { endpoint: receiver.endpoint })
  const reader = await subscriber(t, url, 'reader', 'sensors/+/state')
  const worker = await subscriber(t, url, 'worker', '$share/workers/sensors/#')
  const sensor = await connectAsync(url, { protocolVersion: 5, clientId: 'sensor', reconnectPeriod: 0 })
  t.after(() => sensor.end(true))
  const received = Promise.all([messageOf(reader), messageOf(worker)])
  await sensor.publishAsync('sensors/7/state', 'on', { qos: 1, properties: traced() })
  for (const { properties } of await received) {
    // Unaltered [5.0 MQTT-3.3.2-17]: the subscriber's span has the same parent as those of the broker.
    assert.deepEqual({ ...properties!.userProperties }, traced().userProperties)
  }
  await broker.close()

  const sum = receiver.metrics.find(({ name }) => name === 'sluice.messages_received')
  assert.deepEqual([sum?.unit, sum?.sum?.isMonotonic, sum?.sum?.dataPoints[0]!.asDouble], ['{packets}', true, 1])
  assert.ok(receiver.metrics.some(({ name, histogram }) => name === 'sluice.turn_duration' && histogram !== undefined))

  assert.ok(
    receiver.lines.some(({ body }) => /served at http/.test(body.stringValue)),
    'lines of the start',
  )
  const line = receiver.lines.find(({ body }) => body.stringValue.includes('sensor'))
  assert.equal(line?.severityText, 'INFO')

  const spans = receiver.spans.filter(isNoDrop)
  assert.ok(spans.every(({ traceId, traceState }) => traceId === TRACE && traceState === 'vendor=1'))
  const [[publish], [route], deliveries] = ['publish', 'route', 'deliver'].map((name) => named(spans, name)) as [
    [ReceivedSpan],
    [ReceivedSpan],
    ReceivedSpan[],
  ]
  assert.equal(spans.length, 4)
  assert.deepEqual([publish.parentSpanId, route.parentSpanId], [SPAN, publish.spanId])
  assert.deepEqual(attributesOf(publish.attributes), {
    'messaging.system': 'mqtt',
    'messaging.destination.name': 'sensors/7/state',
    'messaging.client.id': 'sensor',
    'messaging.message.body.size': 2,
    'messaging.operation.name': 'publish',
  })
  assert.equal(attributesOf(route.attributes)['sluice.receivers'], 2)
  const delivery = {
    'messaging.system': 'mqtt',
    'messaging.destination.name': 'sensors/7/state',
    'messaging.operation.name': 'deliver',
    'messaging.operation.type': 'send',
    'sluice.qos': 1,
  }
  const byClient = new Map(
    deliveries.map(({ attributes }) => attributesOf(attributes)).map((of) => [of['messaging.client.id'], of]),
  )
  assert.deepEqual(byClient.get('reader'), {
    ...delivery,
    'messaging.client.id': 'reader',
    'messaging.destination.template': 'sensors/+/state',
  })
  assert.deepEqual(byClient.get('worker'), {
    ...delivery,
    'messaging.client.id': 'worker',
    'messaging.destination.template': 'sensors/#',
    'messaging.consumer.group.name': 'workers',
  })
  for (const { parentSpanId, startTimeUnixNano, endTimeUnixNano } of deliveries) {
    assert.equal(parentSpanId, route.spanId)
    assert.ok(BigInt(startTimeUnixNano) <= BigInt(endTimeUnixNano))
  }
})

/** A broker in virtual time, whose export happens in real time. */
async function virtual(t: TestContext, telemetry: Telemetry): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start({ telemetry, 'max-queued-messages': 1 })
  t.after(() => broker.close())
  return broker
}

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const
const CONTEXT = { properties: { userProperties: [['traceparent', `00-${TRACE}-${SPAN}-01`]] } } as const

test('a malformed traceparent is passed on and ignored; one that is not sampled makes no span', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const broker = await virtual(t, { endpoint: receiver.endpoint, signals: ['traces'] })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  for (const parent of ['malformed', `00-${TRACE}-${SPAN}-00`]) {
    reader.publish('a', 'x', 0, { properties: { userProperties: [['traceparent', parent]] } })
    assert.deepEqual(reader.receiveAll()[0]!.properties.userProperties, [['traceparent', parent]])
  }
  reader.publish('a', 'x', 0, CONTEXT)
  await broker.close()
  assert.deepEqual(
    receiver.spans.map(({ name }) => name).toSorted(),
    ['deliver', 'publish', 'route'],
    'those of the last message',
  )
})

test('a message that waits in a session has a span until it is sent, one that is dropped says why', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const broker = await virtual(t, { endpoint: receiver.endpoint, signals: ['traces'] })
  const away = broker.connect({ clientId: 'away', ...KEPT })
  away.subscribe('#', 1)
  away.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  sensor.publish('a', 'waits', 1, CONTEXT)
  sensor.publish('a', 'is too much', 1, CONTEXT)
  broker.advance(3_000)
  broker.connect({ clientId: 'away', ...KEPT })
  await broker.close()
  const [one, other] = named(receiver.spans, 'deliver')
  const [sent, dropped] = one!.status.code === 2 ? [other!, one!] : [one!, other!]
  assert.equal(attributesOf(dropped.attributes)['error.type'], 'queue full')
  assert.deepEqual(dropped.status, { code: 2, message: 'queue full' })
  const milliseconds = Number((BigInt(sent.endTimeUnixNano) - BigInt(sent.startTimeUnixNano)) / 1_000_000n)
  assert.ok(milliseconds >= 3_000, `${milliseconds} ms`)
})

test('sampling-ratio decides about messages without a context: all deliveries of one are in one trace', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const broker = await virtual(t, { endpoint: receiver.endpoint, signals: ['traces'], 'sampling-ratio': 0.5 })
  const reader = broker.connect({ clientId: 'reader' })
  reader.subscribe('#')
  broker.connect({ clientId: 'other' }).subscribe('#', 1)
  for (let round = 0; round < 100; round++) reader.publish('a', 'x', 1)
  await broker.close()
  const spans = receiver.spans.filter(isNoDrop)
  const published = named(spans, 'publish').length
  assert.ok(published > 20 && published < 80, `${published} of 100`)
  assert.deepEqual([named(spans, 'route').length, named(spans, 'deliver').length], [published, 2 * published])
  assert.equal(new Set(receiver.spans.map(({ traceId }) => traceId)).size, published)
  assert.ok(named(receiver.spans, 'publish').every(({ parentSpanId = '' }) => parentSpanId === ''))
})

for (const behaviour of ['hang', 'refuse'] as const) {
  test(`a collector that would ${behaviour} delays no message; what waits is bounded by max-queued, counted and reported`, async (t) => {
    const receiver = await OtlpReceiver.start(t)
    receiver.behaviour = behaviour
    const limits = { 'max-queued': 10, 'max-batch': 5, timeout: 0.1, 'batch-interval': 0.5 }
    const broker = await virtual(t, {
      endpoint: receiver.endpoint,
      signals: ['traces'],
      'sampling-ratio': 1,
      ...limits,
    })
    const health: BrokerEvents['telemetryHealth'][] = []
    broker.broker.on('telemetryHealth', (event) => health.push(event))
    const reader = broker.connect({ clientId: 'reader' })
    reader.subscribe('#')
    for (let round = 0; round < 100; round++) {
      reader.publish('a', 'x')
      assert.equal(reader.receiveAll().length, 1)
    }
    assert.equal(
      broker.broker.metrics.telemetrySpansLost,
      300 - 10,
      'all but one batch and the half of the queue that one has',
    )
    await settledUntil(broker, 'the export has failed', () => health.length > 0)
    assert.deepEqual([health[0]!.signal, health[0]!.healthy], ['traces', false])
    assert.ok(health[0]!.reason !== '' && broker.broker.metrics.telemetryExportsFailed > 0)
    receiver.behaviour = 'accept'
    broker.advance(500)
    await settledUntil(broker, 'the export works again', () => health.length > 1)
    assert.deepEqual(health[1], { signal: 'traces', healthy: true, reason: '' })
  })
}

test('batch-interval and metrics-interval: spans, lines and figures are exported while the broker runs', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const intervals = { 'batch-interval': 2, 'metrics-interval': 7 }
  const broker = await virtual(t, {
    endpoint: receiver.endpoint,
    'sampling-ratio': 1,
    'log-level': 'debug',
    ...intervals,
  })
  broker.connect({ clientId: 'reader' }).publish('a', 'x')
  broker.open().drop()
  broker.advance(2_000)
  await settledUntil(broker, 'spans and lines', () => receiver.spans.length > 0 && receiver.lines.length > 0)
  assert.ok(receiver.lines.some(({ severityText }) => severityText === 'DEBUG'))
  assert.equal(receiver.metrics.length, 0)
  broker.advance(5_000)
  await settledUntil(broker, 'metrics', () => receiver.metrics.length > 0)
})

test('headers, headers-file, cafile and resource-attributes are used', async (t) => {
  const authority = new TestAuthority('Works CA')
  const receiver = await OtlpReceiver.start(t, authority.issue({ names: ['IP:127.0.0.1'] }))
  const folder = scratchFolder()
  writeFileSync(join(folder, 'ca.pem'), authority.certificate)
  writeFileSync(join(folder, 'headers'), '# for the collector\nAuthorization: Bearer secret\n')
  const { broker } = await start(t, {
    endpoint: `${receiver.endpoint}/`,
    headers: { 'x-tenant': 'works' },
    'headers-file': join(folder, 'headers'),
    cafile: join(folder, 'ca.pem'),
    'resource-attributes': { 'service.name': 'mqtt', 'deployment.environment.name': 'test' },
  })
  await broker.close()
  assert.deepEqual([receiver.headers['x-tenant'], receiver.headers.authorization], ['works', 'Bearer secret'])
  const { 'service.name': name, 'deployment.environment.name': environment } = attributesOf(receiver.resource)
  assert.deepEqual([name, environment], ['mqtt', 'test'])
})

test('errors name the key and the way out, and no secret', async () => {
  const folder = scratchFolder()
  const path = join(folder, 'headers')
  writeFileSync(path, 'Authorization secret\n')
  const open = (telemetry: Telemetry): Promise<unknown> => createBroker({ listeners: {}, telemetry })
  const endpoint = 'http://127.0.0.1:4318'
  await assert.rejects(open({ endpoint: 'ftp://127.0.0.1' }), /telemetry\.endpoint must be an address that begins with/)
  for (const beside of ['?key=1', '/#part', '/?']) {
    await assert.rejects(
      open({ endpoint: endpoint + beside }),
      /telemetry\.endpoint must be .* neither \? nor #/,
      beside,
    )
  }
  for (const headers of [{ 'x tenant': 'a' }, { '': 'a' }, { 'x:': 'a' }]) {
    await assert.rejects(open({ endpoint, headers }), /telemetry\.headers has a name that is none of an HTTP header/)
  }
  await assert.rejects(open({ endpoint, headers: { 'x-tenant': 'secret\nx: y' } }), (error: ConfigError) => {
    return /telemetry\.headers has a value/.test(error.message) && !error.message.includes('secret')
  })
  await assert.rejects(open({ endpoint, 'headers-file': path }), (error: ConfigError) => {
    assert.equal(error.code, 'ERR_TELEMETRY_FILE')
    return error.message.includes(path) && !error.message.includes('secret')
  })
  await assert.rejects(open({ endpoint, cafile: join(folder, 'none') }), /telemetry\.cafile.*none/)
  assert.throws(() => missing(['traces'])(new Error("Cannot find package 'x'")), {
    code: 'ERR_TELEMETRY_PACKAGES',
    message: /npm install @opentelemetry\/api @opentelemetry\/resources @opentelemetry\/exporter-trace-otlp-http/,
  })
})

test('a reload begins and ends the export; without it nobody listens to messages', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const broker = await VirtualBroker.start({})
  t.after(() => broker.close())
  const telemetry = { endpoint: receiver.endpoint, 'sampling-ratio': 1 }
  const client = broker.connect({ clientId: 'sensor' })
  client.publish('a', 'before')
  await broker.broker.reload({ listeners: {}, telemetry })
  client.publish('a', 'meanwhile')
  const { packets } = serverOf(broker.broker)
  assert.notEqual(packets.spans, undefined)
  assert.deepEqual(packets.events.hasListener, NOTHING, 'no message becomes an event for it')
  await broker.broker.reload({ listeners: {} })
  client.publish('a', 'after')
  await settledUntil(broker, 'the export has ended', () => receiver.metrics.length > 0 && receiver.spans.length > 0)
  assert.equal(named(receiver.spans, 'publish').length, 1)
  assert.equal(packets.spans, undefined)
})

const NOTHING = { published: false, delivered: false, dropped: false, packets: false }

/** More than `batch-interval`. */
const BATCH_MS = 60_000

test('a publisher of very many messages in a turn leaves room for the spans of others', async (t) => {
  const receiver = await OtlpReceiver.start(t)
  const telemetry = { endpoint: receiver.endpoint, 'sampling-ratio': 1, 'max-queued': 64, 'max-batch': 64 }
  const broker = await VirtualBroker.start({ telemetry })
  t.after(() => broker.close())
  const [loud, quiet] = [broker.connect({ clientId: 'loud' }), broker.connect({ clientId: 'quiet' })]
  const messages = (count: number, topicName: string): Uint8Array =>
    Buffer.concat(Array.from({ length: count }, () => encodePacket(publishPacket(topicName, ''), 5)))
  // All within one turn, so that nothing is exported in between.
  loud.sendBytesInTurn(messages(1000, 'loud'))
  quiet.sendBytesInTurn(messages(1, 'quiet'))
  await broker.settle()
  broker.advance(BATCH_MS)
  await settledUntil(broker, 'the spans have come', () => named(receiver.spans, 'publish').length > 1)
  const topics = named(receiver.spans, 'publish').map(
    (span) => attributesOf(span.attributes)['messaging.destination.name'],
  )
  assert.ok(topics.includes('quiet'), `${topics.join()}`)
  assert.ok(broker.broker.metrics.telemetrySpansLost > 1000)
})
