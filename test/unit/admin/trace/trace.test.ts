/** Traces: what each filter follows, and what a trace shows of clients and messages. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../../src/access/plugin.ts'
import { PacketType } from '../../../../src/codec/packet-types.ts'
import { serverOf } from '../../../../src/broker/broker.ts'
import { TracedBroker } from './support.ts'

test('a trace of a client shows its packets, what is decided about it, and nothing of others', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ clientId: 'meter' })
  const meter = traced.test.connect({ clientId: 'meter', keepAlive: 60, userName: 'ann', password: 'secret' })
  const other = traced.test.connect({ clientId: 'other' })
  meter.subscribe('a', 1)
  other.publish('a', 'x', 1)
  meter.acknowledge(PacketType.PUBACK, 1)
  meter.publish('b', 'yes', 1)
  meter.disconnect()
  assert.deepEqual(await traced.lines(), [
    '1 meter -> CONNECT 5.0, client "meter", Clean Start 1, Keep Alive 60, User Name "ann", Password (6 bytes)',
    '- meter  * sessionCreated',
    '1 meter  * clientConnected: address "192.0.2.1", listener "attached", protocolVersion 5',
    '1 meter <- CONNACK Success, Session Present 0, Receive Maximum 1000, Maximum Packet Size 16777216, Topic Alias Maximum 32',
    '1 meter -> SUBSCRIBE 1, "a" at QoS 1',
    '1 meter <- SUBACK 1, Granted QoS 1 (0x01)',
    '1 meter <- PUBLISH "a", QoS 1, Packet Identifier 1, payload (1 byte)',
    '1 meter -> PUBACK 1, Success',
    '1 meter -> PUBLISH "b", QoS 1, Packet Identifier 2, payload (3 bytes)',
    '- meter  * published "b": receivers 0',
    '1 meter <- PUBACK 2, No matching subscribers (0x10)',
    '1 meter -> DISCONNECT Normal disconnection',
    '1 meter  * clientDisconnected: disconnected by client, Success, address "192.0.2.1"',
    '- meter  * sessionEnded: connection ended',
  ])
  await traced.close()
})

test('before 5.0, a trace shows only the codes that are on the wire', async () => {
  const acl = { anonymous: { publish: ['b'], subscribe: ['b'] } }
  const traced = await TracedBroker.start({ 'topic-check': { acl } })
  await traced.trace({ clientId: 'meter' })
  const meter = traced.test.connect({ clientId: 'meter', version: 4 })
  meter.subscribe(['b', 'c'], 1)
  meter.unsubscribe('b')
  meter.publish('a', 'x', 1)
  meter.publish('b', 'x', 2)
  meter.acknowledge(PacketType.PUBREL, 4)
  await traced.test.settle()
  meter.disconnect()
  const records = await traced.records()
  const lines = (await traced.lines()).map((line) => line.slice(2))
  for (const line of [
    'meter <- CONNACK Connection Accepted (0), Session Present 0',
    'meter <- SUBACK 1, Granted QoS 1 (0x01), Failure (0x80)',
    'meter <- UNSUBACK 2',
    'meter <- PUBACK 3',
    'meter <- PUBREC 4',
    'meter -> PUBREL 4',
    'meter <- PUBCOMP 4',
    'meter -> DISCONNECT',
  ])
    assert.ok(lines.includes(line), `${line}\n${lines.join('\n')}`)
  for (const { packet } of records) {
    const isCoded = packet?.['reasonCode'] !== undefined || packet?.['reasonCodes'] !== undefined
    assert.ok(!isCoded || packet!.type === 'CONNACK' || packet!.type === 'SUBACK', JSON.stringify(packet))
  }
  await traced.close()
})

test('what a rule denies is shown with the plugin and the rule, once for each topic', async () => {
  const acl = { anonymous: { publish: ['b'], subscribe: ['b'] } }
  const traced = await TracedBroker.start({ 'topic-check': { acl } })
  await traced.trace({ clientId: 'meter' })
  await traced.trace({ topicFilter: 'a' })
  const byTopic = traced.view!.traceId
  const [{ traceId }] = await traced.call<[{ traceId: string }]>('traces', {})
  const meter = traced.test.connect({ clientId: 'meter' })
  for (let at = 0; at < 3; at++) meter.publish('a', 'x', 1)
  meter.subscribe('$share/group/c', 1)
  await traced.test.settle()
  const decided = (lines: readonly string[]): string[] => lines.filter((line) => line.includes('decidedBy'))
  assert.ok((await traced.lines(byTopic)).includes('- meter  * publishRefused "a": Not authorized, qos 1'))
  const publish =
    '- meter  * decidedBy "a": topic_acl: nothing in topic-check.acl.anonymous allows it, action "publish"'
  assert.deepEqual(decided(await traced.lines(traceId)), [
    publish,
    '- meter  * decidedBy "$share/group/c": topic_acl: nothing in topic-check.acl.anonymous allows it, action "subscribe"',
  ])
  assert.deepEqual(decided(await traced.lines(byTopic)), [publish])
  await traced.close()
})

test('denials of many topics are explained up to a limit, and again ten seconds later', async () => {
  const acl = { anonymous: { publish: ['b'], subscribe: ['b'] } }
  const traced = await TracedBroker.start({ 'topic-check': { acl } })
  await traced.trace({ clientId: 'meter' })
  const meter = traced.test.connect({ clientId: 'meter' })
  const explained = async (): Promise<number> => {
    for (let at = 0; at < 100; at++) meter.publish(`a/${at}`, 'x', 0)
    await traced.test.settle()
    return (await traced.records()).filter(({ event }) => event === 'decidedBy').length
  }
  assert.equal(await explained(), 64)
  assert.equal(await explained(), 64)
  traced.test.advance(10_000)
  assert.equal(await explained(), 128)
  await traced.close()
})

test('a client that is connected already is followed from now on, with its subscriptions', async () => {
  const traced = await TracedBroker.start()
  const meter = traced.test.connect({ clientId: 'meter' })
  meter.subscribe('a', 1)
  await traced.trace({ clientId: 'meter' })
  meter.publish('b', 'x')
  const [first, ...rest] = await traced.records()
  assert.equal(first!.event, 'following')
  const { subscriptions } = first!.details as { readonly subscriptions: readonly { readonly topicFilter: string }[] }
  assert.deepEqual(
    subscriptions.map(({ topicFilter }) => topicFilter),
    ['a'],
  )
  assert.deepEqual(
    rest.map(({ packet, event }) => packet?.type ?? event),
    ['PUBLISH', 'published'],
  )
  await traced.close()
})

test('a trace by user or network follows those who are connected and those who come', async () => {
  const traced = await TracedBroker.start()
  const connect = (clientId: string, userName: string, address: string) =>
    traced.test.connect({ clientId, userName, peer: { address } })
  const clients = [connect('a1', 'ann', '192.0.2.1'), connect('b1', 'bob', '192.0.2.2')]
  const byUser = await traced.trace({ userName: 'ann' })
  const byNetwork = await traced.trace({ address: '192.0.2.0/31' })
  clients.push(connect('a2', 'ann', '192.0.2.2'), connect('b2', 'bob', '192.0.2.0'))
  for (const client of clients) client.publish('t', 'x')
  const publishers = async (traceId: string): Promise<string[]> => {
    const records = await traced.records(traceId)
    return records.filter(({ packet }) => packet?.type === 'PUBLISH').map(({ clientId }) => clientId)
  }
  assert.deepEqual(await publishers(byUser.traceId), ['a1', 'a2'])
  assert.deepEqual(await publishers(byNetwork.traceId), ['a1', 'b2'])
  await traced.close()
})

test('conditions are combined: a user, but only from one network', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ userName: 'ann', address: '2001:db8::/32' })
  for (const [clientId, userName, address] of [
    ['a', 'ann', '192.0.2.1'],
    ['b', 'ann', '2001:db8::7'],
    ['c', 'bob', '2001:db8::7'],
  ] as const) {
    traced.test.connect({ clientId, userName, peer: { address } })
  }
  assert.deepEqual([...new Set((await traced.records()).map(({ clientId }) => clientId))], ['b'])
  await traced.close()
})

test('a refused login is followed, with the reason; nobody else is', async () => {
  const denier: Plugin = { name: 'denier', authenticate: () => ({ decision: 'deny' }) }
  const traced = await TracedBroker.start({ plugins: [denier] })
  await traced.trace({ clientId: 'meter' })
  traced.test.connect({ clientId: 'meter', userName: 'ann', password: 'wrong' })
  traced.test.connect({ clientId: 'other', userName: 'ann', password: 'wrong' })
  const lines = await traced.lines()
  assert.match(lines[0]!, /^1 meter -> CONNECT 5\.0, client "meter"/)
  assert.match(lines[1]!, /^1 meter <- CONNACK (Bad User Name or Password|Not authorized) \(0x8[67]\)/)
  assert.match(lines[2]!, /^1 meter {2}\* clientRefused: refused, /)
  assert.equal(lines.length, 3)
  await traced.close()
})

test('a trace by address shows what is refused before it says who it is', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ address: '192.0.2.9' })
  traced.test.open(5, { address: '192.0.2.9' }).sendHex('c000')
  traced.test.open(5, { address: '192.0.2.8' }).sendHex('c000')
  assert.deepEqual(await traced.lines(), [
    '-   * clientRefused: protocol error, Protocol Error, first packet is type 12, not CONNECT, address "192.0.2.9"',
  ])
  await traced.close()
})

test('takeover and reconnect go on being traced, each connection with its number', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ clientId: 'meter' })
  const keeps = { clientId: 'meter', cleanStart: false, properties: { sessionExpiryInterval: 60 } }
  traced.test.connect(keeps)
  const second = traced.test.connect(keeps)
  second.drop()
  traced.test.connect(keeps)
  const told = (await traced.records()).flatMap(({ connection, packet, event, details }) =>
    event === 'clientDisconnected' || packet?.type === 'CONNACK'
      ? [`${connection} ${packet?.type ?? String(details!['cause'])} ${packet?.['sessionPresent'] === true}`]
      : [],
  )
  assert.deepEqual(told, [
    '1 CONNACK false',
    '1 session taken over false',
    '2 CONNACK true',
    '2 connection lost false',
    '3 CONNACK true',
  ])
  await traced.close()
})

test('a trace by topic shows who got a message, where it waits, who did not get it and why', async () => {
  const traced = await TracedBroker.start({ 'max-queued-messages': 1 })
  const keeps = { cleanStart: false, properties: { sessionExpiryInterval: 60 } }
  const online = traced.test.connect({ clientId: 'online' })
  online.subscribe('power/#', 0)
  for (const [clientId, qos] of [
    ['waiting', 1],
    ['asleep', 0],
  ] as const) {
    const away = traced.test.connect({ clientId, ...keeps })
    away.subscribe('power/#', qos)
    away.drop()
  }
  await traced.trace({ topicFilter: 'power/+' })
  const meter = traced.test.connect({ clientId: 'meter' })
  meter.publish('power/l1', '230', 1)
  meter.publish('power/l1', '231', 1)
  meter.publish('water', '1', 1)
  const lines = await traced.lines()
  assert.deepEqual(lines.slice(0, 4).sort(), [
    '- asleep  * dropped "power/l1": not connected, publisher "meter"',
    '- meter  * published "power/l1": qos 1, retain false, payload (3 bytes), receivers 3',
    '- online  * delivered "power/l1": publisher "meter", qos 0',
    '- waiting  * queued "power/l1": publisher "meter"',
  ])
  assert.ok(lines.includes('- waiting  * dropped "power/l1": queue full, publisher "meter"'))
  assert.equal(
    lines.some((line) => line.includes('water')),
    false,
  )
  await traced.close()
})

test('a trace by topic shows who has acknowledged a message, by PUBACK or PUBREC', async () => {
  const traced = await TracedBroker.start()
  const [one, two] = ['one', 'two'].map((clientId) => traced.test.connect({ clientId }))
  one!.subscribe('t', 1)
  two!.subscribe('t', 2)
  await traced.trace({ topicFilter: 't' })
  const identifier = traced.test.connect({ clientId: 'meter' }).publish('t', 'x', 2)
  assert.equal(identifier, 1)
  one!.acknowledge(PacketType.PUBACK, 1)
  for (const type of [PacketType.PUBREC, PacketType.PUBREC, PacketType.PUBCOMP]) two!.acknowledge(type, 1)
  const lines = (await traced.lines()).filter((line) => line.includes('acknowledged'))
  assert.deepEqual(lines, [
    '- one  * acknowledged "t": publisher "meter"',
    '- two  * acknowledged "t": publisher "meter"',
  ])
  await traced.close()
})

test('a trace by topic and client shows only what that client has to do with', async () => {
  const traced = await TracedBroker.start()
  const [a, b] = ['a', 'b'].map((clientId) => traced.test.connect({ clientId }))
  for (const client of [a!, b!]) client.subscribe('t/#')
  await traced.trace({ topicFilter: 't/#', clientId: 'b' })
  a!.publish('t/1', 'x')
  b!.publish('t/2', 'x')
  assert.deepEqual(await traced.lines(), [
    '- b  * delivered "t/1": publisher "a", qos 0',
    '- b  * delivered "t/2": publisher "b", qos 0',
    '- b  * published "t/2": qos 0, retain false, payload (1 byte), receivers 2',
  ])
  await traced.close()
})

test('messages of the host program belong to a trace by topic', async () => {
  const traced = await TracedBroker.start()
  await traced.trace({ topicFilter: '#' })
  const published = traced.test.broker.publish('a', 'x')
  traced.test.clock.runTurns()
  await published
  assert.deepEqual(await traced.lines(), ['-   * published "a": qos 0, retain false, payload (1 byte), receivers 0'])
  await traced.close()
})

test('with 10,000 clients and a trace of one, packets are made for that one only, and nothing once it is over', async () => {
  const traced = await TracedBroker.start()
  const clients = Array.from({ length: 10_000 }, (_, index) => traced.test.connect({ clientId: `c${index}` }))
  const { packets, metrics } = serverOf(traced.test.broker)
  const made: string[] = []
  for (const way of ['received', 'sent'] as const) {
    const original = packets[way].bind(packets)
    packets[way] = (connection, packet) => {
      made.push(connection.client.clientId)
      original(connection, packet)
    }
  }
  const { traceId } = await traced.trace({ clientId: 'c7' })
  for (const client of clients) client.publish('t', 'x', 1)
  assert.deepEqual(made, ['c7', 'c7'])
  assert.equal(metrics.traceRecords, 4, 'following, PUBLISH, published, PUBACK')
  await traced.call('stopTrace', { traceId })
  assert.equal(packets.tap, undefined)
  for (const client of clients.slice(0, 10)) client.publish('t', 'x', 1)
  assert.deepEqual([made.length, metrics.traceRecords], [2, 4])
  await traced.close()
})

test('a trace by topic makes no packets at all', async () => {
  const traced = await TracedBroker.start()
  const client = traced.test.connect()
  await traced.trace({ topicFilter: 'other' })
  const { packets } = serverOf(traced.test.broker)
  let asked = 0
  packets.received = () => void asked++
  packets.sent = () => void asked++
  client.publish('t', 'x', 1)
  traced.test.connect({ clientId: 'new' })
  assert.deepEqual([asked, (await traced.records()).length], [0, 0])
  await traced.close()
})

test('a filter that is empty or cannot match is refused by its parameter', async () => {
  const traced = await TracedBroker.start()
  for (const [request, words] of [
    [{}, /has to be limited/],
    [{ address: 'here' }, /address must be an IP address or a network/],
    [{ address: '10.0.0.0/33' }, /address must be/],
    [{ topicFilter: 'a/#/b' }, /is no topic filter/],
    [{ topicFilter: '$share/g/a' }, /it is shared/],
    [{ clientId: 'a', seconds: 999_999 }, /seconds must be at most 3600, the value of admin\.max-trace-seconds/],
    [{ clientId: 'a', records: 9_999_999 }, /records must be at most 1000000, the value of admin\.max-trace-records/],
    [{ clientId: 'a', payloadBytes: 65_537 }, /payloadBytes must be from 0 to 65536/],
  ] as const) {
    await assert.rejects(traced.trace(request), { code: 'ERR_USAGE', message: words })
  }
  await traced.close()
})
