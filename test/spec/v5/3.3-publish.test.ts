/** PUBLISH: DUP, QoS, Topic Name, properties, answers (§3.3.1.1, §3.3.1.2, §3.3.2, §3.3.4). @module */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { endOf, onlyPublish, publishes, resume, typesOf, watch } from './support.ts'

test('DUP is 1 on everything that is sent again, and 0 the first time [5.0 MQTT-3.3.1-1]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 2)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'one', 1)
  publisher.publish('t', 'two', 2)
  assert.deepEqual(
    publishes(client).map(({ dup }) => dup),
    [false, false],
  )
  for (let again = 0; again < 2; again++) {
    client.drop()
    const next = resume(broker, 'c', 60)
    assert.deepEqual(
      publishes(next).map(({ dup }) => dup),
      [true, true],
    )
    next.drop()
  }
})

test('What waited while its Client was away and was never sent has DUP 0 [5.0 MQTT-3.3.1-3]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 1)
  client.drop()
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 1)
  assert.equal(onlyPublish(resume(broker, 'c', 60)).dup, false)
})

test('The publisher’s DUP is not handed on, to nobody and at no QoS [5.0 MQTT-3.3.1-3]', async () => {
  const broker = await VirtualBroker.start()
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const granted of [0, 1, 2] as const) {
    const client = broker.connect({ clientId: `c${granted}` })
    client.subscribe('t', granted)
    for (const qos of [1, 2] as const) {
      publisher.publish('t', 'x', qos, { dup: true })
      assert.equal(onlyPublish(client).dup, false)
    }
  }
})

test('A QoS 0 PUBLISH never has DUP 1, not even to a Session that is resumed [5.0 MQTT-3.3.1-2]', async () => {
  const broker = await VirtualBroker.start()
  const client = resume(broker, 'c', 60)
  client.subscribe('t', 0)
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('t', 'x', 1)
  assert.equal(onlyPublish(client).dup, false)
  client.drop()
  assert.deepEqual(resume(broker, 'c', 60).take(), [])
})

test('A wrong PUBLISH ends its own connection and is delivered to nobody [5.0 MQTT-3.3.1-2, MQTT-3.3.1-4, MQTT-3.3.2-2]', async () => {
  const wrong: [hex: string, reasonCode: number][] = [
    ['38 05 0001 74 00 78', 0x82],
    ['36 07 0001 74 0001 00 78', 0x81],
    ['30 06 0002 742B 00 78', 0x82],
  ]
  for (const [hex, reasonCode] of wrong) {
    const broker = await VirtualBroker.start()
    const watcher = watch(broker, '#')
    const client = broker.connect({ clientId: 'c' })
    client.sendHex(hex)
    assert.equal(client.isClosed, true)
    assert.equal(endOf(client), reasonCode, hex)
    assert.deepEqual(watcher.take(), [])
    assert.equal(endOf(watcher), 'open')
  }
})

test('Answers by QoS: none, PUBACK, PUBREC and PUBCOMP [5.0 MQTT-3.3.4-1]', async () => {
  const broker = await VirtualBroker.start()
  watch(broker, 't')
  const client = broker.connect({ clientId: 'c' })
  client.publish('t', 'x', 0)
  assert.deepEqual(client.take(), [])
  client.publish('t', 'x', 1)
  assert.deepEqual(typesOf(client.take()), [PacketType.PUBACK])
  const identifier = client.publish('t', 'x', 2)
  assert.deepEqual(typesOf(client.take()), [PacketType.PUBREC])
  client.acknowledge(PacketType.PUBREL, identifier)
  assert.deepEqual(typesOf(client.take()), [PacketType.PUBCOMP])
})

test('The Topic Name of what is sent matches the filter it is sent for, and is the publisher’s [5.0 MQTT-3.3.2-3]', async () => {
  const broker = await VirtualBroker.start()
  const names = ['a', 'a/', '/a', 'a/b', 'a/b/c', 'A/b', '$x/a', 'b/a', 'a//c', ' a']
  const wanted: Record<string, readonly string[]> = {
    a: ['a'],
    'a/#': ['a', 'a/', 'a/b', 'a/b/c', 'a//c'],
    'a/+': ['a/', 'a/b'],
    '+/+': ['a/', '/a', 'a/b', 'A/b', 'b/a'],
    '#': ['a', 'a/', '/a', 'a/b', 'a/b/c', 'A/b', 'b/a', 'a//c', ' a'],
    '$x/#': ['$x/a'],
    'a/+/c': ['a/b/c', 'a//c'],
  }
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const [filter, expected] of Object.entries(wanted)) {
    const client = broker.connect({ clientId: 'c' })
    client.subscribe(filter)
    for (const name of names) publisher.publish(name, name)
    const received = publishes(client)
    assert.deepEqual(
      received.map(({ topicName }) => topicName),
      expected,
      filter,
    )
    for (const { topicName, payload } of received) assert.equal(Buffer.from(payload).toString(), topicName)
  }
})

test('A Server that may map a Topic Name to another maps none: no case, no slash is changed [5.0 U-3.3.2.1-2]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, '#')
  const publisher = broker.connect({ clientId: 'publisher' })
  for (const name of ['/', '//', 'Ä/ä', 'a b', 'a\u0301']) {
    publisher.publish(name, 'x')
    assert.equal(onlyPublish(watcher).topicName, name)
  }
})

const EVERYTHING = {
  payloadFormatIndicator: 1,
  contentType: 'application/x; y="z"',
  responseTopic: 'answers/here',
  correlationData: Uint8Array.of(0, 1, 254, 255),
  userProperties: [
    ['z', '1'],
    ['a', '2'],
    ['z', '1'],
    ['', ''],
  ],
} as const

const ways: readonly [way: string, id: string, property: keyof typeof EVERYTHING][] = [
  ['Payload Format Indicator', 'MQTT-3.3.2-4', 'payloadFormatIndicator'],
  ['Response Topic', 'MQTT-3.3.2-15', 'responseTopic'],
  ['Correlation Data', 'MQTT-3.3.2-16', 'correlationData'],
  ['Content Type', 'MQTT-3.3.2-20', 'contentType'],
  ['User Properties with their order', 'MQTT-3.3.2-17, MQTT-3.3.2-18', 'userProperties'],
]
for (const [what, id, property] of ways) {
  test(`${what}: unchanged at every QoS, retained, queued, shared, with an alias or an identifier [5.0 ${id}]`, async () => {
    const broker = await VirtualBroker.start()
    const properties = { [property]: EVERYTHING[property] }
    const publisher = broker.connect({ clientId: 'publisher' })
    const sleeper = resume(broker, 'sleeper', 60)
    sleeper.subscribe('t', 1)
    sleeper.drop()
    const plain = broker.connect({ clientId: 'plain' })
    plain.subscribe('t', 2)
    const identified = broker.connect({ clientId: 'identified' })
    identified.subscribe('t', 2, {}, { subscriptionIdentifiers: [5] })
    const aliasing = broker.connect({ clientId: 'aliasing', properties: { topicAliasMaximum: 1 } })
    aliasing.subscribe('t', 0)
    const shared = broker.connect({ clientId: 'shared' })
    shared.subscribe('$share/g/t', 1)
    for (const qos of [0, 1, 2] as const) publisher.publish('t', 'x', qos, { retain: true, properties })
    const late = broker.connect({ clientId: 'late' })
    late.subscribe('t', 2)
    const copies = [plain, identified, aliasing, shared, late, resume(broker, 'sleeper', 60)].map((client) =>
      client.receiveAll(),
    )
    assert.deepEqual(
      copies.map(({ length }) => length),
      [3, 3, 3, 3, 1, 2],
    )
    for (const copy of copies.flat()) assert.deepEqual(copy.properties[property], EVERYTHING[property])
  })
}

test('A property that was not sent is not made up [5.0 MQTT-3.3.2-4]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 't')
  broker.connect({ clientId: 'publisher' }).publish('t', 'x', 2)
  assert.deepEqual(onlyPublish(watcher).properties, {})
})

test('Text that is no UTF-8 is passed on although it claims to be: the check is a MAY [5.0 U-3.3.2.3.2-1]', async () => {
  const broker = await VirtualBroker.start()
  const watcher = watch(broker, 't')
  const payload = Uint8Array.of(0xc0, 0x80)
  broker.connect({ clientId: 'publisher' }).publish('t', payload, 1, { properties: { payloadFormatIndicator: 1 } })
  assert.deepEqual(onlyPublish(watcher).payload, payload)
})

for (const [name, hex, code] of [
  ['Topic Name', '30 06 0003 74FFFE 00', 0x81],
  ['Response Topic', '30 0A 0001 74 06 08 0003 72FFFE', 0x81],
  ['Content Type', '30 0A 0001 74 06 03 0003 63FFFE', 0x81],
  ['Response Topic with a wildcard', '30 0A 0001 74 06 08 0003 722F2B', 0x82],
] as const) {
  const id = { 'Topic Name': '1', 'Response Topic': '13', 'Content Type': '19', 'Response Topic with a wildcard': '14' }
  test(`A bad ${name} ends the connection with 0x${code.toString(16)}, and nobody gets the message [5.0 MQTT-3.3.2-${id[name]}]`, async () => {
    const broker = await VirtualBroker.start()
    const watcher = watch(broker, '#')
    const client = broker.connect({ clientId: 'c' })
    client.sendHex(hex)
    assert.equal(endOf(client), code)
    assert.deepEqual(watcher.take(), [])
  })
}
