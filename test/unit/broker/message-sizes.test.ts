/**
 * Topics, properties and payloads of every size that a length field or a buffer has an edge at: whatever way a message
 * goes, it arrives as it was sent, in bytes that somebody wrote, and everybody stays connected.
 */
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import fc from '../../support/property.ts'

const VERSIONS = [3, 4, 5] as const
const ALL_QOS = [0, 1, 2] as const

/** Where a length takes one byte more, and where a head takes more than the largest gather buffer. */
const TOPIC_BYTES = [1, 127, 128, 16_383, 16_384, 65_528, 65_529, 65_530, 65_531, 65_532, 65_533, 65_534, 65_535]

const text = (bytes: number): string => 'u'.repeat(bytes)

const PROPERTIES: Readonly<Record<string, Properties>> = {
  'no properties': noProperties,
  'user properties': { userProperties: [['name', 'value']] },
  'properties of nearly 64 KiB': { contentType: text(65_520), userProperties: [['n', text(65_500)]] },
}

const CONFIG: ConfigInput = { 'max-connect-packet-size': 1_000_000, 'max-outgoing-bytes': 10_000_000 }
const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

function topicOf(bytes: number): string {
  return 't'.repeat(bytes)
}

let broker: VirtualBroker
before(async () => {
  broker = await VirtualBroker.start(CONFIG)
})
after(() => broker.close())

/** One message on its way: who says it, who gets it. */
interface Case {
  readonly topicName: string
  readonly payload: string
  readonly qos: QoS
  readonly properties: Properties
  readonly from: ProtocolVersion
  readonly to: ProtocolVersion
}

/** A way that a message can go. @returns who has to have it, and what this one's messages are marked with */
type Way = (
  one: Case,
) =>
  | readonly [TestClient, { retain?: boolean; alias?: number }]
  | Promise<readonly [TestClient, { retain?: boolean; alias?: number }]>

function publish({ topicName, payload, qos, properties, from }: Case, retain = false): void {
  const publisher = broker.connect({ version: from, clientId: 'publisher' })
  publisher.publish(topicName, payload, qos, { retain, properties: from === 5 ? properties : noProperties })
  if (qos === 2) publisher.receiveAll()
  assert.ok(!publisher.isClosed, 'the publisher is disconnected')
  publisher.disconnect()
}

function subscriber(one: Case, options: object = {}, properties: Properties = noProperties): TestClient {
  const client = broker.connect({ version: one.to, clientId: 'subscriber', properties, ...options })
  client.subscribe('#', one.qos)
  return client
}

const WAYS: Readonly<Record<string, Way>> = {
  live: (one) => {
    const client = subscriber(one)
    publish(one)
    return [client, {}]
  },
  'twice under a Topic Alias': (one) => {
    const client = subscriber(one, {}, one.to === 5 ? { topicAliasMaximum: 9 } : noProperties)
    publish(one)
    client.receiveAll()
    publish(one)
    return [client, one.to === 5 && one.qos < 2 ? { alias: 1 } : {}]
  },
  'from a publisher with a Topic Alias': (one) => {
    const client = subscriber(one)
    const publisher = broker.connect({ version: 5, clientId: 'publisher' })
    const properties = { ...one.properties, topicAlias: 1 }
    publisher.publish(one.topicName, one.payload, one.qos, { properties })
    if (one.qos === 2) publisher.receiveAll()
    client.receiveAll()
    publisher.publish('', one.payload, one.qos, { properties })
    if (one.qos === 2) publisher.receiveAll()
    assert.ok(!publisher.isClosed, 'the publisher is disconnected')
    return [client, {}]
  },
  queued: (one) => {
    const kept = one.to === 5 ? KEPT : { cleanStart: false }
    const qos = one.qos === 0 ? 1 : one.qos // QoS 0 does not wait
    const client = broker.connect({ version: one.to, clientId: 'subscriber', ...kept })
    client.subscribe('#', qos)
    client.drop()
    publish({ ...one, qos })
    return [broker.connect({ version: one.to, clientId: 'subscriber', ...kept }), {}]
  },
  retained: (one) => {
    publish(one, true)
    return [subscriber(one), { retain: true }]
  },
  'a Will': (one) => {
    const client = subscriber(one)
    const { topicName, payload, qos, from } = one
    const properties = from === 5 ? one.properties : noProperties
    const will = { topicName, payload: Buffer.from(payload), qos, properties }
    broker.connect({ version: from, clientId: 'publisher', will }).drop()
    return [client, {}]
  },
  'from the host program': async (one) => {
    const client = subscriber(one)
    const { topicName, payload, qos, properties } = one
    await broker.broker.publish(topicName, payload, { qos, properties })
    broker.clock.runTurns()
    return [client, {}]
  },
  'by a Shared Subscription': (one) => {
    const client = broker.connect({ version: one.to, clientId: 'subscriber' })
    client.subscribe('$share/group/#', one.qos)
    publish(one)
    return [client, {}]
  },
  'to a Subscription Identifier': (one) => {
    const client = broker.connect({ version: one.to, clientId: 'subscriber' })
    client.subscribe('#', one.qos, {}, one.to === 5 ? { subscriptionIdentifiers: [7] } : noProperties)
    publish(one)
    return [client, {}]
  },
}

async function check(name: string, one: Case): Promise<void> {
  const droppedBefore = { ...broker.broker.metrics.dropped }
  const [client, { retain = false, alias }] = await WAYS[name]!(one)
  const received = client.receiveAll()
  const label = `${one.topicName.length} bytes of topic, QoS ${one.qos}, version ${one.from} to ${one.to}`
  assert.equal(received.length, 1, `${label}: ${received.length} messages`)
  const [packet] = received as [PublishPacket]
  assert.ok(alias === undefined ? packet.topicName === one.topicName : packet.properties.topicAlias === alias, label)
  assert.equal(Buffer.from(packet.payload).toString() === one.payload, true, `${label}: another payload`)
  assert.equal(packet.retain, retain, label)
  const travels = one.to === 5 && (one.from === 5 || name === 'from the host program')
  const { contentType, userProperties } =
    travels || (name === 'from a publisher with a Topic Alias' && one.to === 5) ? one.properties : noProperties
  assert.equal(packet.properties.contentType === contentType, true, `${label}: another Content Type`)
  assert.deepEqual(packet.properties.userProperties, userProperties)
  assert.ok(!client.isClosed, `${label}: the subscriber is disconnected`)
  assert.deepEqual(broker.broker.metrics.dropped, droppedBefore)
  assert.equal(broker.broker.metrics.internalErrors, 0)
  tidyUp(client, one)
}

function tidyUp(client: TestClient, { topicName }: Case): void {
  client.disconnect()
  const cleaner = broker.connect({ clientId: 'subscriber' })
  cleaner.publish(topicName, '', 0, { retain: true })
  cleaner.disconnect()
}

for (const name of Object.keys(WAYS)) {
  for (const [kind, properties] of Object.entries(PROPERTIES)) {
    test(`${name}, ${kind}: a topic of any length arrives [5.0 MQTT-1.5.4-1] [3.1.1 MQTT-4.7.3-3]`, async () => {
      for (const bytes of TOPIC_BYTES) {
        for (const qos of ALL_QOS) {
          for (const to of VERSIONS) {
            for (const from of [4, 5] as const) {
              await check(name, { topicName: topicOf(bytes), payload: 'payload', qos, properties, from, to })
            }
          }
        }
      }
    })
  }
}

/** Around every size class: of the gather buffers, of what is handed on uncopied, and of length fields. */
const EDGES = [0, 128, 1024, 8192, 16_384, 40_960, 65_536]
const nearAnEdge = fc
  .tuple(fc.constantFrom(...EDGES), fc.integer({ min: -24, max: 24 }))
  .map(([edge, off]) => Math.max(0, edge + off))
const lengthOfString = nearAnEdge.map((length) => Math.min(length, 65_535))

test('a message of any size arrives whole, whichever buffers it goes through', async () => {
  const cases = fc.record({
    name: fc.constantFrom(...Object.keys(WAYS)),
    topicBytes: lengthOfString.map((length) => Math.max(1, length)),
    payloadBytes: nearAnEdge.map((length) => Math.max(1, length)),
    contentType: fc.option(lengthOfString, { nil: undefined }),
    userProperty: fc.option(lengthOfString, { nil: undefined }),
    qos: fc.constantFrom(...ALL_QOS),
    from: fc.constantFrom(4, 5) as fc.Arbitrary<4 | 5>,
    to: fc.constantFrom(...VERSIONS),
  })
  await fc.assert(
    fc.asyncProperty(cases, ({ name, topicBytes, payloadBytes, contentType, userProperty, ...one }) => {
      const properties = {
        ...(contentType !== undefined && { contentType: text(contentType) }),
        ...(userProperty !== undefined && { userProperties: [['n', text(userProperty)] as const] }),
      }
      // The length of a Will's payload travels in two bytes.
      const payload = 'p'.repeat(name === 'a Will' ? Math.min(payloadBytes, 65_535) : payloadBytes)
      return check(name, { ...one, topicName: topicOf(topicBytes), payload, properties })
    }),
    { numRuns: 300 },
  )
})

test('messages of any size, one behind the other in one turn, arrive in their order', async () => {
  const sizes = fc.array(
    fc.tuple(
      lengthOfString.map((length) => Math.max(1, length)),
      nearAnEdge,
    ),
    {
      minLength: 2,
      maxLength: 6,
    },
  )
  await fc.assert(
    fc.asyncProperty(sizes, fc.constantFrom(...ALL_QOS), (messages, qos) => {
      const client = broker.connect({ clientId: 'subscriber' })
      client.subscribe('#', qos)
      const publisher = broker.connect({ clientId: 'publisher' })
      publisher.send(
        ...messages.map(([topicBytes, payloadBytes], at) => ({
          type: PacketType.PUBLISH,
          dup: false,
          qos,
          retain: false,
          topicName: topicOf(topicBytes),
          packetIdentifier: qos === 0 ? 0 : at + 1,
          properties: noProperties,
          payload: Buffer.alloc(payloadBytes, String(at)),
        })),
      )
      const lengths = client.receiveAll().map(({ topicName, payload }) => [topicName.length, payload.length])
      assert.deepEqual(lengths, messages)
      client.disconnect()
      publisher.disconnect()
      return Promise.resolve()
    }),
    { numRuns: 100 },
  )
})
