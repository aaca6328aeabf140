/**
 * Twenty incidents as operators meet them: the first fact of the answer names the cause, and says honestly how it is
 * known.
 */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { connect } from 'node:tls'
import { banName } from '../../../src/access/directory/bans.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { serverOf } from '../../../src/broker/broker.ts'
import type { CallOptions } from '../../../src/broker/host/admin.ts'
import type { WhyFact, WhyQuery } from '../../../src/broker/host/why-view.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { createBroker } from '../../../src/create-broker.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { TestAuthority } from '../../support/certificates.ts'
import { scratchFolder } from '../../support/scratch-folder.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { settled } from './support.ts'

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const
const TWO_SECONDS = { cleanStart: false, properties: { sessionExpiryInterval: 2 } } as const

async function why(broker: VirtualBroker, query: WhyQuery): Promise<readonly WhyFact[]> {
  return (await settled(broker, broker.broker.admin.why(query))).facts
}

interface Expected {
  readonly certainty: WhyFact['certainty']
  readonly cause: string
  readonly text: RegExp
}

async function firstIs(broker: VirtualBroker, query: WhyQuery, expected: Expected): Promise<void> {
  const facts = await why(broker, query)
  const [first] = facts
  assert.deepEqual(
    [first!.certainty, first!.cause],
    [expected.certainty, expected.cause],
    JSON.stringify(facts, undefined, 1),
  )
  assert.match(first!.text, expected.text)
  // What is recorded has a time, and what is derived has none.
  for (const { certainty, atMs, text } of facts) assert.equal(atMs === undefined, certainty === 'derived', text)
}

const recorded = (cause: string, text: RegExp): Expected => ({ certainty: 'recorded', cause, text })
const derived = (cause: string, text: RegExp): Expected => ({ certainty: 'derived', cause, text })

interface Incident {
  readonly name: string
  readonly config?: ConfigInput
  readonly query: WhyQuery
  readonly expected: Expected
  readonly happens: (broker: VirtualBroker) => unknown
}

function acl(rules: { readonly publish: string[]; readonly subscribe: string[] }): ConfigInput {
  return { 'topic-check': { acl: { anonymous: rules } } }
}

function intercepting(intercept: NonNullable<Plugin['intercept']>): ConfigInput {
  return { intercept: { plugins: [{ name: 'guard', intercept }] } }
}

const METER_POWER = { clientId: 'meter', topic: 'power' } as const

const incidents: readonly Incident[] = [
  {
    name: 'two clients with one identifier',
    query: { clientId: 'meter' },
    expected: recorded(
      'session taken over',
      /2 times since .*two clients use it; logins came from 192\.0\.2\.7, 192\.0\.2\.8/,
    ),
    happens: (broker) => {
      for (const last of [7, 8, 7]) {
        broker.connect({ clientId: 'meter', peer: { address: `192.0.2.${last}` } })
        broker.advance(5000)
      }
    },
  },
  {
    name: 'a typing mistake in a permission: the publisher is refused',
    config: acl({ subscribe: ['#'], publish: ['pwoer'] }),
    query: METER_POWER,
    expected: recorded('publish refused', /A message of "sensor" to "power" was refused \(Not authorized\)/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'a typing mistake in a permission: the subscription is refused',
    config: acl({ subscribe: ['pwoer'], publish: ['#'] }),
    query: METER_POWER,
    expected: recorded('subscription refused', /"meter" was refused the subscription "power" \(Not authorized\)/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'queue full',
    config: { 'max-queued-messages': 2 },
    query: METER_POWER,
    expected: recorded('queue full', /3 messages to "power" did not reach "meter" \(queue full\)/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('power', 1)
      meter.drop()
      const sensor = broker.connect({ clientId: 'sensor' })
      for (let at = 0; at < 5; at++) sensor.publish('power', String(at), 1)
    },
  },
  {
    name: 'expired message',
    query: METER_POWER,
    expected: recorded('expired', /1 message to "power" did not reach "meter" \(expired\)/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('power', 1)
      meter.drop()
      const properties = { messageExpiryInterval: 2 }
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1, { properties })
      broker.advance(10_000)
      broker.connect({ clientId: 'meter', ...KEPT })
    },
  },
  {
    name: 'QoS 0 to a slow reader',
    config: { 'max-outgoing-bytes': 4096 },
    query: METER_POWER,
    expected: recorded('output full', /did not reach "meter" \(output full\).*reads too slowly/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power')
      meter.isFrozen = true
      const sensor = broker.connect({ clientId: 'sensor' })
      for (let at = 0; at < 20; at++) sensor.publish('power', 'x'.repeat(1000))
    },
  },
  {
    name: 'QoS 0 while the client was away',
    query: METER_POWER,
    expected: recorded('not connected', /1 message of QoS 0 did not reach "meter" \(not connected\)/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('power')
      meter.drop()
      broker.connect({ clientId: 'sensor' }).publish('power', '1')
    },
  },
  {
    name: 'No Local',
    query: METER_POWER,
    expected: derived('No Local', /"meter" published the message itself, and No Local of "power"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power', 1, { noLocal: true })
      meter.publish('power', '1', 1)
    },
  },
  {
    name: 'another member of the Shared Subscription took it',
    query: { clientId: 'two', topic: 'power' },
    expected: recorded(
      'taken by another member',
      /went to "one", another member of the Shared Subscription "\$share\/g\/power"/,
    ),
    happens: (broker) => {
      for (const clientId of ['one', 'two']) broker.connect({ clientId }).subscribe('$share/g/power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'the retained message was cleared',
    query: METER_POWER,
    expected: recorded('retained message removed', /The retained message of "power" was removed by "tidy"/),
    happens: (broker) => {
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 0, { retain: true })
      broker.connect({ clientId: 'tidy' }).publish('power', '', 0, { retain: true })
      broker.advance(5000)
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
    },
  },
  {
    name: 'the filter is wrong by one level',
    query: { clientId: 'meter', topic: 'plant/attic/power' },
    expected: derived(
      'not subscribed',
      /the nearest is "plant\/cellar\/\+": level 2 is "cellar", and the topic has "attic"/,
    ),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe(['other', 'plant/cellar/+'], 1)
      broker.connect({ clientId: 'sensor' }).publish('plant/attic/power', '1', 1)
    },
  },
  {
    name: 'Keep Alive missed',
    query: { clientId: 'meter' },
    expected: recorded('keep alive timeout', /The connection of "meter" ended: keep alive timeout/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter', keepAlive: 2 })
      broker.advance(20_000)
    },
  },
  {
    name: 'packet too large: the connection that sent it ends',
    config: { 'max-packet-size': 1000 },
    query: { clientId: 'meter' },
    expected: recorded('protocol error', /A packet of 2013 bytes exceeds the limit of 1000 bytes \(Packet too large\)/),
    happens: (broker) => broker.connect({ clientId: 'meter' }).publish('power', 'x'.repeat(2000), 1),
  },
  {
    name: 'packet too large: for the receiver',
    query: METER_POWER,
    expected: recorded('packet too large', /did not reach "meter" \(packet too large\).*Maximum Packet Size/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter', properties: { maximumPacketSize: 50 } }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', 'x'.repeat(100), 1)
    },
  },
  {
    name: 'Receive Maximum broken',
    config: { 'receive-maximum': 1 },
    query: { clientId: 'meter' },
    expected: recorded('protocol error', /more than 1 PUBLISH packets without an answer \(Receive Maximum exceeded\)/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      for (let at = 0; at < 2; at++) meter.publish('power', 'x', 2)
    },
  },
  {
    name: 'rewritten by a plugin',
    config: intercepting((_client, { topic }) =>
      topic === 'power' ? { decision: 'replace', topic: 'power/raw' } : undefined,
    ),
    query: METER_POWER,
    expected: recorded(
      'rewritten by plugin',
      /A message of "sensor" to "power" was rewritten by a plugin: it went to "power\/raw"/,
    ),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'the payload was refused by an interceptor',
    config: intercepting(() => ({ decision: 'refuse', reasonCode: 0x99, cause: 'no JSON' })),
    query: METER_POWER,
    expected: recorded(
      'publish refused',
      /A message of "sensor" to "power" was refused \(Payload format invalid\): .*no JSON/,
    ),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'dropped by an interceptor',
    config: intercepting(() => ({ decision: 'drop' })),
    query: METER_POWER,
    expected: recorded('dropped by plugin', /A message of "sensor" to "power" was dropped by a plugin/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'the Will is delayed',
    query: { clientId: 'meter', topic: 'gone' },
    expected: derived(
      'Will delayed',
      /"gone" is the topic of the Will of "pump", which is published at .*Will Delay Interval is 30 s/,
    ),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('gone', 1)
      const will = { topicName: 'gone', properties: { willDelayInterval: 30 } }
      broker.connect({ clientId: 'pump', ...KEPT, will }).drop()
      broker.advance(1000)
    },
  },
  {
    name: 'the Session has expired',
    query: METER_POWER,
    expected: recorded('session ended', /The session of "meter" ended: expired/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...TWO_SECONDS })
      meter.subscribe('power', 1)
      meter.drop()
      broker.advance(10_000)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'it waits, because the client acknowledges nothing',
    query: METER_POWER,
    expected: derived('waits for PUBACK', /1 message to "power" is in flight and not acknowledged for "meter"/),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  {
    name: 'it did arrive',
    query: METER_POWER,
    expected: recorded('sent', /1 message at QoS 1 went to "meter", the last with Packet Identifier 1/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power', 1)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
      meter.receiveAll()
    },
  },
  {
    name: 'it was published before the client subscribed',
    query: METER_POWER,
    expected: recorded('subscribed later', /was published at .*, before "meter" subscribed/),
    happens: (broker) => {
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
      broker.advance(5000)
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
    },
  },
  {
    name: 'it was published while a client without a session was away, which had received one before',
    query: METER_POWER,
    expected: recorded(
      'subscribed later',
      /before "meter" subscribed again: its session had ended at .* \(connection ended\)/,
    ),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power', 1)
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('power', '1', 1)
      meter.receiveAll()
      broker.advance(5000)
      meter.disconnect()
      broker.advance(5000)
      sensor.publish('power', '2', 1)
      broker.advance(5000)
      broker.connect({ clientId: 'meter' }).subscribe('power', 1)
    },
  },
  {
    name: 'it was published between an UNSUBSCRIBE and the next SUBSCRIBE',
    query: METER_POWER,
    expected: recorded('subscribed later', /before "meter" subscribed again: it had unsubscribed at/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power', 1)
      broker.advance(5000)
      meter.unsubscribe('power')
      broker.advance(5000)
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
      broker.advance(5000)
      meter.subscribe('power', 1)
    },
  },
  {
    name: 'a session that is there already: that it subscribes again is not called its first time',
    config: { 'max-recorder-bytes-per-client': 576 },
    query: METER_POWER,
    expected: recorded('published', /"sensor" published 1 message to "power"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('power')
      // Its page is overwritten, and with it that it has subscribed, and that this message came.
      broker.connect({ clientId: 'sensor' }).publish('power', '1')
      for (let at = 0; at < 40; at++) meter.publish(`other/${at}`, '1')
      broker.advance(5000)
      meter.subscribe('power', 0, { retainHandling: 2 })
    },
  },
  {
    name: 'a retained message that the client asked not to be sent',
    query: METER_POWER,
    expected: derived('Retain Handling', /"meter" asked for none when it subscribed \(Retain Handling 2\)/),
    happens: (broker) => {
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1, { retain: true })
      broker.advance(5000)
      broker.connect({ clientId: 'meter' }).subscribe('power', 1, { retainHandling: 2 })
    },
  },
  {
    name: 'an older message was too large, and the latest came after it was unsubscribed',
    query: METER_POWER,
    expected: recorded('unsubscribed', /"meter" unsubscribed from "power"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', properties: { maximumPacketSize: 50 } })
      meter.subscribe('power', 1)
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('power', 'x'.repeat(100), 1)
      broker.advance(5000)
      meter.unsubscribe('power')
      sensor.publish('power', '1', 1)
    },
  },
  {
    name: 'the client is away and misses other messages of QoS 0, and has never subscribed to this one',
    query: METER_POWER,
    expected: derived('not subscribed', /"meter" has 1 subscription, none of which matches "power"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('water')
      meter.drop()
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('power', '1')
      sensor.publish('water', '1')
    },
  },
  {
    name: 'the message waits for a client that is away and misses others of QoS 0',
    query: METER_POWER,
    expected: derived('waits for connection', /1 message to "power" is queued for "meter"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe(['power', 'water'], 1)
      meter.drop()
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('power', '1', 1)
      broker.advance(5000)
      sensor.publish('water', '1')
    },
  },
  ...(
    [
      ['plant/+/power', 'plant/house/attic/power', /the nearest is .*: the topic has 4 levels, and the filter 3/],
      ['power/+', 'power', /the nearest is .*: the topic has 1 level, and the filter 2/],
      ['power/meter', '/power/meter', /the nearest is .*: a slash differs/],
      ['/power/meter', 'power/meter', /the nearest is .*: a slash differs/],
      ['power/meter/', 'power/meter', /the nearest is .*: a slash differs/],
      ['power/ meter', 'power/meter', /the nearest is .*: a space differs/],
      ['Power//meter ', '/power/meter', /the nearest is .*: slashes, spaces or the case of letters differ/],
    ] as const
  ).map(([filter, topic, text]) => ({
    name: `the filter ${filter} for the topic ${topic}`,
    query: { clientId: 'meter', topic },
    expected: derived('not subscribed', text),
    happens: (broker: VirtualBroker) => {
      broker.connect({ clientId: 'meter' }).subscribe(filter, 1)
      broker.connect({ clientId: 'sensor' }).publish(topic, '1', 1)
    },
  })),
  {
    name: 'one client that connects again over its old connection is not called two',
    query: { clientId: 'meter' },
    expected: recorded('session taken over', /2 times since .*: two clients use it, or one that connects again/),
    happens: (broker) => {
      for (let at = 0; at < 3; at++) {
        broker.connect({ clientId: 'meter' })
        broker.advance(5000)
      }
    },
  },
  {
    name: 'the only member of a Shared Subscription was away, and the message was of QoS 0',
    query: METER_POWER,
    expected: derived('not connected', /"meter" left at .*does not wait for an absent member of a Shared Subscription/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter', ...KEPT })
      meter.subscribe('$share/group/power', 1)
      meter.drop()
      broker.advance(1000)
      broker.connect({ clientId: 'sensor' }).publish('power', '1')
    },
  },
  {
    name: 'a very long identifier is not confused with another that begins like it',
    query: { clientId: `${'x'.repeat(300)}-2` },
    expected: { certainty: 'unknown', cause: 'nothing recorded', text: /No end of a connection/ },
    happens: (broker) => {
      const long = 'x'.repeat(300)
      broker.connect({ clientId: `${long}-2` })
      broker.connect({ clientId: `${long}-1` }).drop()
    },
  },
  {
    name: 'a very long topic is not confused with another that begins like it',
    query: { clientId: 'meter', topic: `${'x'.repeat(300)}/2` },
    expected: {
      certainty: 'unknown',
      cause: 'topic too long',
      text: /keeps the beginning of a topic as long as this one/,
    },
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('#')
      broker.connect({ clientId: 'sensor' }).publish(`${'x'.repeat(300)}/1`, '1')
    },
  },
  {
    name: 'it was one of two topics at QoS 0 in a second, and not the last',
    query: METER_POWER,
    expected: recorded('sent', /2 messages at QoS 0 went to "meter", at least one of them of this topic\./),
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('#')
      const sensor = broker.connect({ clientId: 'sensor' })
      for (const topic of ['power', 'water']) sensor.publish(topic, '1')
    },
  },
  {
    name: 'it was one of many topics at QoS 0 in a second, of which not all are recorded',
    query: METER_POWER,
    expected: {
      certainty: 'unknown',
      cause: 'topics not recorded',
      text: /4 messages at QoS 0 went to "meter" between .*; whether one was to "power" is not known/,
    },
    happens: (broker) => {
      broker.connect({ clientId: 'meter' }).subscribe('#')
      const sensor = broker.connect({ clientId: 'sensor' })
      for (const topic of ['heat', 'power', 'water', 'gas']) sensor.publish(topic, '1')
    },
  },
  {
    name: 'another member of the Shared Subscription may have had it, among many topics at QoS 0',
    query: { clientId: 'two', topic: 'power' },
    expected: { certainty: 'unknown', cause: 'topics not recorded', text: /went to "one" between/ },
    happens: (broker) => {
      broker.connect({ clientId: 'one' }).subscribe('$share/g/#')
      const sensor = broker.connect({ clientId: 'sensor' })
      for (const topic of ['heat', 'power', 'water', 'gas']) sensor.publish(topic, '1')
      broker.connect({ clientId: 'two' }).subscribe('$share/g/#')
    },
  },
  {
    name: 'it came at QoS 1, and many topics at QoS 0: it was none of those',
    query: METER_POWER,
    expected: recorded('published', /"sensor" published 1 message to "power"/),
    config: { 'max-recorder-bytes-per-client': 576 },
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('#', 1)
      const sensor = broker.connect({ clientId: 'sensor' })
      sensor.publish('power', '1', 1)
      meter.receiveAll()
      broker.advance(5000)
      // Its page is overwritten, and with it that this message came.
      for (let at = 0; at < 40; at++) meter.publish(`other/${at}`, '1', 1)
      for (const topic of ['heat', 'water', 'gas', 'oil']) sensor.publish(topic, '1')
    },
  },
  {
    name: 'it was unsubscribed',
    query: METER_POWER,
    expected: recorded('unsubscribed', /"meter" unsubscribed from "power"/),
    happens: (broker) => {
      const meter = broker.connect({ clientId: 'meter' })
      meter.subscribe('power', 1)
      meter.unsubscribe('power')
      broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    },
  },
  ...(
    [
      ['Plant/power', 'the case of letters differs'],
      ['/plant/power', 'a slash differs'],
      ['plant/power/', 'a slash differs'],
      ['plant/power ', 'a space differs'],
      [' Plant//power', 'slashes, spaces or the case of letters differ'],
    ] as const
  ).map(([topic, difference]) => ({
    name: `the topic ${JSON.stringify(topic)} is asked about, and plant/power is meant`,
    query: { clientId: 'meter', topic },
    expected: recorded('not published', new RegExp(`; the nearest is "plant/power" of "sensor": ${difference}\\.`)),
    happens: (broker: VirtualBroker) => {
      broker.connect({ clientId: 'meter' }).subscribe('#', 1)
      const sensor = broker.connect({ clientId: 'sensor' })
      for (const other of ['plant/power', 'plant/powers', 'x']) sensor.publish(other, '1', 1)
    },
  })),
  {
    name: 'a filter that is spelled like the topic is nearer than one that differs in a level',
    query: { clientId: 'meter', topic: 'plant/power' },
    expected: derived('not subscribed', /the nearest is "Plant\/Power": the case of letters differs/),
    happens: (broker) => broker.connect({ clientId: 'meter' }).subscribe(['plant/water', 'Plant/Power'], 1),
  },
  {
    name: 'nobody has published it',
    query: METER_POWER,
    expected: recorded('not published', /No message to "power" is recorded since/),
    happens: (broker) => broker.connect({ clientId: 'meter' }).subscribe('power', 1),
  },
]

for (const { name, config = {}, query, expected, happens } of incidents) {
  test(name, async (t) => {
    const broker = await VirtualBroker.start(config)
    t.after(() => broker.close())
    await happens(broker)
    await firstIs(broker, query, expected)
  })
}

for (const [version, cause, text] of [
  [5, 'publish refused', /A message of "sensor" to "power" was refused \(Quota exceeded\): .*store/],
  [
    4,
    'not stored',
    /A message of "sensor" to "power" was not stored, and its connection was closed: the store is full/,
  ],
] as const)
  test(`disk full: a publisher of version ${version} is refused`, async (t) => {
    const disk = new MemoryDisk({ capacityBytes: 1 << 20 })
    const broker = await VirtualBroker.start(
      { listeners: {}, persistence: {}, 'max-queued-messages': 1_000_000 },
      { disk },
    )
    t.after(() => broker.close())
    const meter = broker.connect({ clientId: 'meter', ...KEPT })
    await broker.settle()
    meter.subscribe('power', 1)
    await broker.settle()
    meter.drop()
    const sensor = broker.connect({ clientId: 'sensor', version })
    sensor.publish('power/before', '1', 1)
    for (let code = 0; code < 0x80;) {
      sensor.publish('power', 'x'.repeat(5000), 1)
      await broker.settle()
      const answer = sensor.takeFirst(PacketType.PUBACK)
      code = answer?.type === PacketType.PUBACK ? answer.reasonCode : 0x80
    }
    await firstIs(broker, METER_POWER, recorded(cause, text))
    const before = await why(broker, { clientId: 'meter', topic: 'power/before' })
    assert.ok(!before.some((fact) => fact.cause === cause), JSON.stringify(before))
  })

test('the rule that refuses a message is named although its publisher has left', async (t) => {
  const broker = await VirtualBroker.start(acl({ publish: ['other'], subscribe: ['#'] }))
  t.after(() => broker.close())
  broker.connect({ clientId: 'meter' }).subscribe('power', 1)
  const sensor = broker.connect({ clientId: 'sensor' })
  await broker.settle()
  sensor.publish('power', '1', 1)
  await broker.settle()
  sensor.disconnect()
  await broker.settle()
  const [first, second] = await why(broker, METER_POWER)
  assert.match(first!.text, /A message of "sensor" to "power" was refused \(Not authorized\)/)
  assert.match(second!.text, /"sensor" may not publish to "power": topic_acl: nothing in topic-check\.acl\.anonymous/)
})

test('wrong password', async (t) => {
  const denier: Plugin = { name: 'auth.file', authenticate: () => ({ decision: 'deny', cause: 'wrong password' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [denier] } })
  t.after(() => broker.close())
  for (let at = 0; at < 3; at++) {
    broker.connect({ clientId: 'meter', userName: 'ann', password: 'sesame', peer: { address: '192.0.2.7' } })
    await broker.settle()
    broker.advance(60_000)
  }
  const expected = recorded(
    'refused',
    /A login of "meter" of user "ann" from 192\.0\.2\.7 through attached was refused, 3 times: .*wrong password/,
  )
  for (const query of [{ clientId: 'meter' }, { userName: 'ann' }, { address: '192.0.2.7' }])
    await firstIs(broker, query, expected)
  assert.doesNotMatch(JSON.stringify(await why(broker, { clientId: 'meter' })), /sesame/)
})

test('banned', async (t) => {
  const byName: Plugin = { name: 'by-name', authenticate: () => ({ decision: 'allow' }) }
  const broker = await VirtualBroker.start({ auth: { plugins: [byName] } })
  t.after(() => broker.close())
  const entry = { kind: 'client-id', value: 'meter', reason: 'noise', createdAtMs: 0, untilMs: undefined } as const
  serverOf(broker.broker).directory.carryOut([{ type: 'ban', name: banName('client-id', 'meter'), entry }])
  broker.connect({ clientId: 'meter' })
  await broker.settle()
  await firstIs(broker, { clientId: 'meter' }, recorded('refused', /A login of "meter" .* was refused: .*\(Banned\)/))
})

test('certificate expired', { timeout: 30_000 }, async (t) => {
  const authority = new TestAuthority('Works')
  const server = authority.issue({ names: ['IP:127.0.0.1'] })
  const device = authority.issue({ subject: [['CN', 'old']], expired: true })
  const folder = scratchFolder()
  const write = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const certfile = write('server.pem', server.certificate)
  const keyfile = write('server.key', server.key)
  const cafile = write('ca.pem', authority.certificate)
  const files = { certfile, keyfile, cafile } as const
  const listener = { bind: '127.0.0.1:0', ssl: true, ...files, 'client-certificates': 'required' } as const
  const broker = await createBroker({
    listeners: { tls: listener },
    'sys-interval': 0,
    auth: { 'allow-anonymous': true },
  })
  t.after(() => broker.close())
  const port = Number(new URL(broker.listeners[0]!.url).port)
  const refused = new Promise<void>((resolve) => broker.once('handshakeRefused', () => resolve()))
  const socket = connect({
    port,
    host: '127.0.0.1',
    ca: authority.certificate,
    cert: device.certificate,
    key: device.key,
  })
  socket.on('error', () => undefined)
  await refused
  socket.destroy()
  const { facts } = await broker.admin.whyRefused({ address: '127.0.0.1' })
  assert.equal(facts[0]!.certainty, 'recorded')
  assert.match(
    facts[0]!.text,
    /A connection from 127\.0\.0\.1 through tls was refused: TLS: client certificate: CERT_HAS_EXPIRED/,
  )
})

test('what was not recorded is not claimed: with the recorder off, and for a client that nobody has seen', async (t) => {
  const broker = await VirtualBroker.start({ 'max-recorder-bytes': 0 })
  t.after(() => broker.close())
  broker.connect({ clientId: 'meter' }).subscribe('power', 1)
  broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
  const facts = await why(broker, METER_POWER)
  assert.deepEqual(
    facts.filter(({ certainty }) => certainty === 'recorded'),
    [],
  )
  assert.ok(facts.some(({ certainty, cause }) => certainty === 'unknown' && cause === 'not recorded'))
  const nobody = await why(broker, { clientId: 'nobody' })
  assert.deepEqual(
    nobody.map(({ certainty, cause }) => [certainty, cause]),
    [
      ['unknown', 'nothing recorded'],
      ['derived', 'no session'],
    ],
  )
})

test('`at` chooses the facts near a time', async (t) => {
  const broker = await VirtualBroker.start({ 'max-queued-messages': 1 })
  t.after(() => broker.close())
  const meter = broker.connect({ clientId: 'meter', ...KEPT })
  meter.subscribe('power', 1)
  meter.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  for (let at = 0; at < 3; at++) sensor.publish('power', String(at), 1)
  const at = Math.round(broker.clock.wallNow())
  broker.advance(600_000)
  broker.connect({ clientId: 'meter', ...KEPT }).receiveAll()
  sensor.publish('power', '4', 1)
  assert.equal((await why(broker, METER_POWER))[0]!.cause, 'waits for PUBACK')
  assert.equal((await why(broker, { ...METER_POWER, at }))[0]!.cause, 'queue full')
})

test('a question has to say what it is about', async (t) => {
  const broker = await VirtualBroker.start()
  t.after(() => broker.close())
  for (const query of [{}, { topic: 'a' }, { clientId: 'a', topic: 'a/#' }])
    await assert.rejects(why(broker, query), { code: 'ERR_USAGE' }, JSON.stringify(query))
})

test('why: what a session has forgotten is not known, and the answer says from when on it is', async () => {
  const broker = await VirtualBroker.start({ 'max-queued-messages': 1 })
  const meter = broker.connect({ clientId: 'meter', ...KEPT })
  meter.subscribe('#', 1)
  meter.drop()
  const sensor = broker.connect({ clientId: 'sensor' })
  const isKnown = async (): Promise<boolean> =>
    !(await why(broker, { clientId: 'meter', topic: 'a' })).some(({ text }) => text.includes('keeps the last 64'))
  for (let at = 0; at < 60; at++) sensor.publish(`topic/${at}`, 'x', 1)
  assert.equal(await isKnown(), true)
  for (let at = 60; at < 70; at++) sensor.publish(`topic/${at}`, 'x', 1)
  assert.equal(await isKnown(), false)
  await broker.close()
})

for (const [role, allowed] of [
  ['viewer', []],
  ['operator', ['operator']],
  ['administrator', ['operator', 'administrator']],
] as const)
  for (const showPayloads of ['off', 'operator', 'administrator'] as const)
    test(`why shows recorded payloads only by admin.show-payloads ${showPayloads}: ${role}`, async (t) => {
      const config = { admin: { 'show-payloads': showPayloads }, 'recorder-payload-bytes': 8 }
      const broker = await VirtualBroker.start(config)
      t.after(() => broker.close())
      broker.connect({ clientId: 'sensor' }).publish('power', 'secret\u001b[2J and more', 1)
      const shown = async (options: CallOptions): Promise<boolean> => {
        const { facts } = await settled(broker, broker.broker.admin.why(METER_POWER, options))
        const text = JSON.stringify(facts)
        assert.doesNotMatch(text, /and more/)
        return text.includes('Its payload begins with \\"secret')
      }
      const isAllowed = (allowed as readonly string[]).includes(showPayloads)
      assert.equal(await shown({ caller: { name: 'ann', role } }), isAllowed)
      assert.equal(await shown({}), true)
    })

for (const [role, rule] of [
  ['viewer', 'a rule denies it, which operators can see'],
  ['operator', 'topic_acl: nothing in topic-check.acl.anonymous allows it'],
] as const)
  test(`why names the rule that denies something only to callers that may ask explain: ${role}`, async (t) => {
    const broker = await VirtualBroker.start(acl({ publish: ['other'], subscribe: ['#'] }))
    t.after(() => broker.close())
    broker.connect({ clientId: 'sensor' }).publish('power', '1', 1)
    const call = broker.broker.admin.why(METER_POWER, { caller: { name: 'ann', role } })
    const { facts } = await settled(broker, call)
    assert.equal(facts[1]!.text, `"sensor" may not publish to "power": ${rule}.`)
  })
