import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConnectPacket, Packet, PublishPacket, SubscribePacket } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../../src/codec/properties.ts'
import { ClientEnd } from '../../support/client-end.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { publishPacket } from '../../support/publish-packet.ts'

const VERSIONS: readonly ProtocolVersion[] = [3, 4, 5]
const BACK_OFF = { firstMs: 1000, longestMs: 8000 }

function publishOf(packetIdentifier: number, payload: string, more: Partial<PublishPacket> = {}): PublishPacket {
  return publishPacket('a', payload, { qos: 1, packetIdentifier, ...more })
}

function acknowledgement(type: 4 | 5 | 6 | 7, packetIdentifier: number, reasonCode = 0): Packet {
  return { type, packetIdentifier, reasonCode, properties: noProperties }
}

/** Type, Packet Identifier and payload of what was sent. */
function shapes(packets: readonly Packet[]): string[] {
  const names = Object.entries(PacketType)
  return packets.map((packet) => {
    const name = names.find(([, value]) => value === packet.type)![0]
    const id = 'packetIdentifier' in packet ? ` ${packet.packetIdentifier}` : ''
    const code = 'reasonCode' in packet && packet.reasonCode !== 0 ? ` 0x${packet.reasonCode.toString(16)}` : ''
    const dup = 'dup' in packet && packet.dup ? ' dup' : ''
    return `${name}${id}${code}${dup}${'payload' in packet ? ` ${Buffer.from(packet.payload).toString()}` : ''}`
  })
}

for (const version of VERSIONS) {
  test(`version ${version}: messages of every QoS travel between two clients of a broker`, async () => {
    const broker = await VirtualBroker.start()
    const receiver = ClientEnd.of(broker, { protocolVersion: version, clientId: 'receiver' })
    const suback = receiver.subscribe('a/#', 2)
    receiver.run()
    assert.ok(suback.answer !== undefined && 'reasonCodes' in suback.answer)
    assert.deepEqual(suback.answer.reasonCodes, [2])
    const sender = ClientEnd.of(broker, { protocolVersion: version, clientId: 'sender' })
    for (const qos of [0, 1, 2] as const) sender.publish('a/b', `q${qos}`, { qos })
    assert.deepEqual(receiver.payloads.toSorted(), ['q0', 'q1', 'q2'])
    assert.deepEqual(sender.acknowledgements, [
      ['q1', 0],
      ['q2', 0],
    ])
    assert.equal(sender.client.pending, 0)
    await broker.close()
  })
}

test('CONNECT carries every field and property that was requested [5.0 MQTT-3.1.0-1]', () => {
  const properties: Properties = {
    sessionExpiryInterval: 60,
    receiveMaximum: 7,
    topicAliasMaximum: 3,
    requestProblemInformation: 1,
    requestResponseInformation: 1,
    userProperties: [['k', 'v']],
  }
  const will = {
    topicName: 'w',
    payload: Buffer.from('x'),
    qos: 1,
    retain: true,
    properties: { willDelayInterval: 5 },
  } as const
  const end = ClientEnd.scripted({
    clientId: 'c',
    cleanStart: false,
    keepAlive: 10,
    will,
    userName: 'u',
    password: Buffer.from('p'),
    properties,
    maximumPacketSize: 1000,
  })
  const [connect] = end.take() as [ConnectPacket]
  assert.deepEqual({ ...connect.properties }, { ...properties, maximumPacketSize: 1000 })
  assert.equal(connect.clientId, 'c')
  assert.equal(connect.cleanStart, false)
  assert.equal(connect.keepAlive, 10)
  assert.equal(connect.userName, 'u')
  assert.deepEqual(Buffer.from(connect.password!).toString(), 'p')
  assert.deepEqual([connect.will!.topicName, connect.will!.qos, connect.will!.retain], ['w', 1, true])
  assert.deepEqual({ ...connect.will!.properties }, { willDelayInterval: 5 })
})

test('a bridge sets bit 7 of the version before 5.0, and not in 5.0', () => {
  assert.equal((ClientEnd.scripted({ bridge: true, protocolVersion: 4 }).take()[0] as ConnectPacket).bridge, true)
  assert.equal((ClientEnd.scripted({ bridge: true }).take()[0] as ConnectPacket).bridge, undefined)
})

test('nothing but CONNECT is sent before CONNACK', () => {
  const end = ClientEnd.scripted()
  end.publish('a', 'x', { qos: 1 })
  end.subscribe('b')
  assert.deepEqual(shapes(end.take()), ['CONNECT'])
  end.accept()
  assert.deepEqual(shapes(end.take()), ['PUBLISH 1 x', 'SUBSCRIBE 2'])
})

test('an Assigned Client Identifier is the one that the client keeps [5.0 MQTT-3.2.2-16]', () => {
  const end = ClientEnd.scripted({ backOff: BACK_OFF })
  end.take()
  end.accept({ properties: { assignedClientIdentifier: 'given' } })
  assert.equal(end.client.clientId, 'given')
  end.lose()
  end.advance(1000)
  assert.equal((end.take()[0] as ConnectPacket).clientId, 'given')
})

test('Receive Maximum of the server: more wait for the first PUBACK [5.0 MQTT-3.3.4-9]', () => {
  const end = ClientEnd.loggedIn({}, { receiveMaximum: 1 })
  end.publish('a', 'one', { qos: 1 })
  end.publish('a', 'two', { qos: 1 })
  assert.deepEqual(shapes(end.take()), ['PUBLISH 1 one'])
  end.answer(acknowledgement(4, 1))
  assert.deepEqual(shapes(end.take()), ['PUBLISH 2 two'])
  assert.deepEqual(end.acknowledgements, [['one', 0]])
})

test('QoS 2: PUBREC is answered with PUBREL, and PUBCOMP ends the exchange [5.0 MQTT-4.3.3-4]', () => {
  const end = ClientEnd.loggedIn()
  end.publish('a', 'x', { qos: 2 })
  end.answer(acknowledgement(5, 1))
  assert.deepEqual(shapes(end.take()), ['PUBLISH 1 x', 'PUBREL 1'])
  assert.deepEqual(end.acknowledgements, [])
  end.answer(acknowledgement(7, 1))
  assert.deepEqual(end.acknowledgements, [['x', 0]])
  assert.equal(end.client.pending, 0)
})

test('a PUBREC that refuses ends the exchange, and is reported with its Reason Code [5.0 MQTT-4.3.3-4]', () => {
  const end = ClientEnd.loggedIn()
  end.publish('a', 'x', { qos: 2 })
  end.answer(acknowledgement(5, 1, 0x87))
  assert.deepEqual(shapes(end.take()), ['PUBLISH 1 x'])
  assert.deepEqual(end.acknowledgements, [['x', 0x87]])
  assert.deepEqual(end.drops, [])
})

test('SUBSCRIBE and PUBLISH never share a Packet Identifier [5.0 MQTT-2.2.1-3]', () => {
  const end = ClientEnd.loggedIn()
  end.publish('a', 'x', { qos: 1 })
  end.subscribe('b')
  end.publish('a', 'y', { qos: 1 })
  assert.deepEqual(shapes(end.take()), ['PUBLISH 1 x', 'SUBSCRIBE 2', 'PUBLISH 3 y'])
  end.answer({ type: PacketType.SUBACK, packetIdentifier: 2, reasonCodes: [0], properties: noProperties })
  assert.equal(end.client.pending, 2)
})

test('an answer of another kind than its request is a Protocol Error', () => {
  const end = ClientEnd.loggedIn()
  end.subscribe('b')
  end.take()
  end.answer(acknowledgement(4, 1))
  assert.deepEqual(shapes(end.take()), ['DISCONNECT 0x82'])
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('a SUBACK with another number of Reason Codes is a Protocol Error [5.0 MQTT-3.8.4-6]', () => {
  const end = ClientEnd.loggedIn()
  end.subscribe('b')
  end.take()
  end.answer({ type: PacketType.SUBACK, packetIdentifier: 1, reasonCodes: [0, 0], properties: noProperties })
  assert.deepEqual(shapes(end.take()), ['DISCONNECT 0x82'])
})

test('received QoS 1 is acknowledged, QoS 2 once, and a repeat of QoS 2 is not delivered again [5.0 MQTT-4.3.3-10]', () => {
  const end = ClientEnd.loggedIn()
  end.answer(publishOf(7, 'one'), publishOf(8, 'two', { qos: 2 }), publishOf(8, 'two', { qos: 2, dup: true }))
  assert.deepEqual(shapes(end.take()), ['PUBACK 7', 'PUBREC 8', 'PUBREC 8'])
  end.answer(acknowledgement(6, 8))
  assert.deepEqual(shapes(end.take()), ['PUBCOMP 8'])
  end.answer(publishOf(8, 'three', { qos: 2 }))
  assert.deepEqual(end.payloads, ['one', 'two', 'three'])
})

test('a PUBREL for an unknown Packet Identifier is answered with 0x92', () => {
  const end = ClientEnd.loggedIn()
  end.answer(acknowledgement(6, 9))
  assert.deepEqual(shapes(end.take()), ['PUBCOMP 9 0x92'])
})

test('answers leave in the order of the messages, also if the program decides in another [5.0 MQTT-4.6.0-2]', () => {
  const end = ClientEnd.loggedIn()
  end.verdict = undefined
  end.answer(publishOf(1, 'one'), publishOf(2, 'two', { qos: 2 }), publishOf(3, 'three'))
  const [one, two, three] = end.receipts
  end.client.acknowledge(three!)
  end.client.acknowledge(two!, 0x83)
  end.run()
  assert.deepEqual(end.take(), [])
  end.client.acknowledge(one!)
  end.run()
  assert.deepEqual(shapes(end.take()), ['PUBACK 1', 'PUBREC 2 0x83', 'PUBACK 3'])
})

test('a QoS 2 message that comes again while the program decides is delivered once', () => {
  const end = ClientEnd.scripted({ cleanStart: false, clientId: 'c', backOff: BACK_OFF })
  end.accept()
  end.verdict = undefined
  end.answer(publishOf(5, 'x', { qos: 2 }))
  end.lose()
  end.advance(1000)
  end.accept({ sessionPresent: true })
  end.take()
  end.answer(publishOf(5, 'x', { qos: 2, dup: true }))
  assert.deepEqual(end.payloads, ['x'])
  end.client.acknowledge(end.receipts[0]!)
  end.run()
  assert.deepEqual(shapes(end.take()), ['PUBREC 5'])
})

test('a server that exceeds our Receive Maximum is disconnected with 0x93 [5.0 MQTT-3.3.4-9]', () => {
  const end = ClientEnd.loggedIn({ properties: { receiveMaximum: 1 } })
  end.answer(publishOf(1, 'x', { qos: 2 }), publishOf(2, 'y', { qos: 2 }))
  assert.deepEqual(shapes(end.take()), ['PUBREC 1', 'DISCONNECT 0x93'])
})

test('a server may use the Topic Aliases that it was allowed, and no others [5.0 MQTT-3.1.2-26]', () => {
  const end = ClientEnd.loggedIn({ properties: { topicAliasMaximum: 1 } })
  const aliased = (topicName: string, topicAlias: number): PublishPacket =>
    publishOf(0, 'x', { qos: 0, topicName, properties: { topicAlias } })
  end.answer(aliased('long/name', 1), aliased('', 1))
  assert.deepEqual(
    end.messages.map(({ topicName }) => topicName),
    ['long/name', 'long/name'],
  )
  assert.equal(end.messages[0]!.properties.topicAlias, undefined)
  end.answer(aliased('b', 2))
  assert.deepEqual(shapes(end.take()), ['DISCONNECT 0x94'])
})

test('an alias without a topic that was never set is a Protocol Error', () => {
  const end = ClientEnd.loggedIn({ properties: { topicAliasMaximum: 1 } })
  end.answer(publishOf(0, 'x', { qos: 0, topicName: '', properties: { topicAlias: 1 } }))
  assert.deepEqual(shapes(end.take()), ['DISCONNECT 0x82'])
})

test('our own Topic Aliases stay within what the server allows and what was configured [5.0 MQTT-3.2.2-17]', () => {
  const end = ClientEnd.loggedIn({ outgoingTopicAliases: 2 }, { topicAliasMaximum: 1 })
  for (const topic of ['first', 'first', 'second']) end.publish(topic, 'x')
  const sent = end.take() as PublishPacket[]
  assert.deepEqual(
    sent.map(({ topicName, properties }) => [topicName, properties.topicAlias]),
    [
      ['first', 1],
      ['', 1],
      ['second', undefined],
    ],
  )
})

test('Subscription Identifiers come with the receipt, and are no property of the message', () => {
  const end = ClientEnd.loggedIn()
  end.answer(publishOf(0, 'x', { qos: 0, properties: { subscriptionIdentifiers: [1, 300], contentType: 't' } }))
  assert.deepEqual(end.receipts[0]!.subscriptionIdentifiers, [1, 300])
  assert.deepEqual({ ...end.messages[0]!.properties }, { contentType: 't' })
})

test('Keep Alive: PINGREQ after silence, and the connection ends if no PINGRESP comes [5.0 MQTT-3.1.2-20]', () => {
  const end = ClientEnd.loggedIn({ keepAlive: 10, pingTimeoutMs: 5000 })
  end.advance(9999)
  assert.deepEqual(end.take(), [])
  end.advance(1)
  assert.deepEqual(shapes(end.take()), ['PINGREQ'])
  end.answer({ type: PacketType.PINGRESP })
  end.advance(10_000)
  assert.deepEqual(shapes(end.take()), ['PINGREQ'])
  end.advance(4999)
  assert.deepEqual(end.ends, [])
  end.advance(1)
  assert.deepEqual(end.ends, [['ERR_CLIENT_TIMEOUT', false]])
  assert.equal(end.transport!.isDestroyed, true)
})

test('the Server Keep Alive overrides the requested one [5.0 MQTT-3.1.2-21]', () => {
  const end = ClientEnd.loggedIn({ keepAlive: 10 }, { serverKeepAlive: 3 })
  end.advance(3000)
  assert.deepEqual(shapes(end.take()), ['PINGREQ'])
})

test('a client that only publishes notices that its server is gone', () => {
  const end = ClientEnd.loggedIn({ keepAlive: 10, pingTimeoutMs: 5000 })
  for (let second = 0; end.client.state === 'connected' && second < 16; second++) {
    end.publish('a', 'x')
    end.advance(1000)
  }
  assert.deepEqual(end.ends, [['ERR_CLIENT_TIMEOUT', false]])
})

test('a server that does not answer CONNECT in time is left', () => {
  const end = ClientEnd.scripted({ connectTimeoutMs: 5000 })
  end.advance(5000)
  assert.deepEqual(end.ends, [['ERR_CLIENT_TIMEOUT', false]])
  assert.equal(end.transport!.isDestroyed, true)
})

test('an attempt that opens nothing in time is given up, and what it opens later is closed', () => {
  const late: { attempt: Parameters<ClientEnd['dial']>[0] | undefined } = { attempt: undefined }
  const end = new ClientEnd(
    ClientEnd.scripted().clock,
    { connectTimeoutMs: 5000 },
    (attempt) => void (late.attempt = attempt),
  )
  end.client.start()
  end.advance(5000)
  assert.deepEqual(end.ends, [['ERR_CLIENT_TIMEOUT', false]])
  const transport = ClientEnd.scripted().transport!
  assert.equal(late.attempt!.opened(transport), undefined)
  assert.equal(transport.isDestroyed, true)
})

for (const version of VERSIONS) {
  test(`version ${version}: a refused login is reported with its code`, () => {
    const end = ClientEnd.scripted({ protocolVersion: version, clientId: 'c' })
    end.accept({ reasonCode: version === 5 ? 0x87 : 5 })
    assert.deepEqual(end.ends, [['ERR_CLIENT_REFUSED', false]])
    assert.match(end.errors[0]!.message, /[Nn]ot authorized/)
    assert.equal(end.errors[0]!.reasonCode, version === 5 ? 0x87 : 5)
    assert.equal(end.transport!.isEnded, true)
  })
}

test('a server without 5.0 refuses in the form of 3.1.1, which is understood', () => {
  const end = ClientEnd.scripted()
  end.answerBytes(Buffer.from('20020001', 'hex'))
  assert.deepEqual(end.ends, [['ERR_CLIENT_REFUSED', false]])
  assert.match(end.errors[0]!.message, /unacceptable protocol version/)
})

test("the server's DISCONNECT is reported with its Reason Code, text and Server Reference", () => {
  const end = ClientEnd.loggedIn()
  const properties = { reasonString: 'full', serverReference: 'other:1883' }
  end.answer({ type: PacketType.DISCONNECT, reasonCode: 0x9c, properties })
  const [error] = end.errors
  assert.equal(error!.code, 'ERR_CLIENT_DISCONNECTED')
  assert.deepEqual([error!.reasonCode, error!.serverReference], [0x9c, 'other:1883'])
  assert.match(error!.message, /Use another server \(full\)/)
})

const FORBIDDEN: readonly (readonly [what: string, hex: string, reasonCode: number])[] = [
  ['a packet of type 0', '0000', 0x81],
  ['SUBSCRIBE', '82060001000001610000', 0x82],
  ['a second CONNACK', '2003000000', 0x82],
  ['PUBLISH with QoS 3', '3606000161000100', 0x81],
  ['PUBLISH with a wildcard in its topic', '30040001230078', 0x82],
  ['AUTH without an Authentication Method in CONNECT', 'f00618041500016d', 0x82],
]
for (const [what, hex, reasonCode] of FORBIDDEN) {
  test(`a server that sends ${what} is disconnected with 0x${reasonCode.toString(16)}`, () => {
    const end = ClientEnd.loggedIn()
    end.answerBytes(Buffer.from(hex, 'hex'))
    assert.deepEqual(shapes(end.take()), [`DISCONNECT 0x${reasonCode.toString(16)}`])
    assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
  })
}

test('a packet above our Maximum Packet Size is refused with 0x95 before it is complete [5.0 MQTT-3.1.2-24]', () => {
  const end = ClientEnd.loggedIn({ maximumPacketSize: 100 })
  end.answerBytes(Buffer.from('30ff01', 'hex'))
  assert.deepEqual(shapes(end.take()), ['DISCONNECT 0x95'])
})

test('before 5.0 a server that violates the protocol is only left', () => {
  const end = ClientEnd.loggedIn({ protocolVersion: 4 })
  end.answerBytes(Buffer.from('0000', 'hex'))
  assert.deepEqual(end.take(), [])
  assert.equal(end.transport!.isEnded, true)
})

test('another packet before CONNACK is a Protocol Error [5.0 MQTT-3.2.0-1]', () => {
  const end = ClientEnd.scripted()
  end.answer({ type: PacketType.PINGRESP })
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('Session Present after Clean Start is a Protocol Error [5.0 MQTT-3.2.2-2]', () => {
  const end = ClientEnd.scripted()
  end.accept({ sessionPresent: true })
  assert.deepEqual(end.ends, [['ERR_CLIENT_PROTOCOL', false]])
})

test('a server that keeps its side open is closed two seconds after the end', () => {
  const end = ClientEnd.loggedIn()
  end.client.end()
  assert.equal(end.transport!.isDestroyed, false)
  end.advance(2000)
  assert.equal(end.transport!.isDestroyed, true)
})

test('end sends what was published before it, then DISCONNECT, and reports no error', () => {
  const end = ClientEnd.loggedIn()
  end.client.publish('a', Buffer.from('x'))
  end.client.end(0x04, { reasonString: 'bye' })
  end.run()
  assert.deepEqual(shapes(end.take()), ['PUBLISH 0 x', 'DISCONNECT 0x4'])
  assert.deepEqual(end.ends, [[undefined, false]])
  assert.throws(() => end.client.publish('a', Buffer.from('x')), { code: 'ERR_CLIENT_ENDED' })
})

test('the server is not sent what it does not support, and the program is informed', () => {
  const limits = { maximumQoS: 1, retainAvailable: 0, maximumPacketSize: 50 }
  const end = ClientEnd.loggedIn({}, limits)
  end.publish('a', 'two', { qos: 2 })
  end.publish('a', 'kept', { qos: 1, retain: true })
  end.publish('a', 'x'.repeat(60), { qos: 1 })
  end.publish('a', 'y'.repeat(60))
  assert.deepEqual(end.take(), [])
  assert.deepEqual(end.drops, [
    ['two', 'ERR_CLIENT_NOT_SUPPORTED'],
    ['kept', 'ERR_CLIENT_NOT_SUPPORTED'],
    ['x'.repeat(60), 'ERR_CLIENT_TOO_LARGE'],
    ['y'.repeat(60), 'ERR_CLIENT_TOO_LARGE'],
  ])
  assert.equal(end.client.pending, 0)
})

const UNSUPPORTED: readonly (readonly [Properties, string, Properties])[] = [
  [{ wildcardSubscriptionAvailable: 0 }, 'a/#', {}],
  [{ sharedSubscriptionAvailable: 0 }, '$share/g/a', {}],
  [{ subscriptionIdentifierAvailable: 0 }, 'a', { subscriptionIdentifiers: [1] }],
]
for (const [limits, filter, properties] of UNSUPPORTED) {
  test(`a subscription that the server does not support is not requested: ${Object.keys(limits)[0]}`, () => {
    const end = ClientEnd.loggedIn({}, limits)
    const { answer } = end.subscribe(filter, 0, properties)
    assert.ok(answer instanceof Error)
    assert.equal(answer.code, 'ERR_CLIENT_NOT_SUPPORTED')
    assert.deepEqual(end.take(), [])
    assert.equal(end.client.pending, 0)
  })
}

test('QoS 0 without a connection is dropped; more than the queue holds as well, also from its front', () => {
  const end = ClientEnd.scripted({ maxQueuedMessages: 1 })
  end.publish('a', 'now')
  end.publish('a', 'first', { qos: 1 })
  end.publish('a', 'second', { qos: 1 })
  assert.deepEqual(end.drops, [
    ['now', 'ERR_CLIENT_NOT_CONNECTED'],
    ['second', 'ERR_CLIENT_QUEUE_FULL'],
  ])
  const other = ClientEnd.scripted({ maxQueuedMessages: 1, queueFull: 'drop-oldest' })
  other.publish('a', 'first', { qos: 1 })
  other.publish('a', 'second', { qos: 1 })
  assert.deepEqual(other.drops, [['first', 'ERR_CLIENT_QUEUE_FULL']])
})

test('a message that waits too long expires, at its time and without a connection', () => {
  const end = ClientEnd.scripted({ connectTimeoutMs: 60_000 })
  end.publish('a', 'x', { qos: 1, properties: { messageExpiryInterval: 2 } })
  end.advance(1999)
  assert.deepEqual(end.drops, [])
  end.advance(1)
  assert.deepEqual(end.drops, [['x', 'ERR_CLIENT_EXPIRED']])
})

test('invalid topics, filters and options are errors of the caller', () => {
  const end = ClientEnd.loggedIn()
  assert.throws(() => end.client.publish('a/#', Buffer.alloc(0)), { code: 'ERR_USAGE' })
  assert.throws(() => end.client.subscribe([{ topicFilter: 'a/#/b' }]), { code: 'ERR_USAGE' })
  assert.throws(() => end.client.subscribe([]), { code: 'ERR_USAGE' })
  assert.throws(() => end.client.start(), { code: 'ERR_USAGE' })
  assert.throws(() => end.client.reauthenticate(), { code: 'ERR_USAGE' })
  for (const wrong of [
    { keepAlive: 70_000 },
    { maxInflightMessages: 0 },
    { protocolVersion: 4 as const, properties: { receiveMaximum: 1 } },
    { protocolVersion: 4 as const, cleanStart: false },
    { protocolVersion: 3 as const },
    { protocolVersion: 4 as const, password: Buffer.from('p') },
  ]) {
    assert.throws(() => ClientEnd.scripted(wrong), { code: 'ERR_USAGE' }, JSON.stringify(wrong))
  }
})

test('requests without an answer are limited', () => {
  const end = ClientEnd.loggedIn({ maxRequests: 1 })
  end.subscribe('a')
  assert.throws(() => end.client.subscribe([{ topicFilter: 'b' }]), { code: 'ERR_CLIENT_QUEUE_FULL' })
})

test('an end answers the requests that wait with an error', () => {
  const end = ClientEnd.loggedIn()
  const outcome = end.subscribe('a')
  end.lose()
  assert.ok(outcome.answer instanceof Error)
  assert.equal(outcome.answer.code, 'ERR_CLIENT_LOST')
})

test('UNSUBSCRIBE ends a subscription, and it is not requested again', () => {
  const end = ClientEnd.loggedIn({ backOff: BACK_OFF })
  end.subscribe('a')
  end.answer({ type: PacketType.SUBACK, packetIdentifier: 1, reasonCodes: [0], properties: noProperties })
  end.client.unsubscribe(['a'])
  end.run()
  end.answer({ type: PacketType.UNSUBACK, packetIdentifier: 2, reasonCodes: [0], properties: noProperties })
  end.lose()
  end.take()
  end.advance(1000)
  end.accept()
  assert.deepEqual(shapes(end.take()), ['CONNECT'])
})

test('packets can be watched in both directions', () => {
  const seen: string[] = []
  const watch = {
    sent: (packet: Packet) => void seen.push(`> ${shapes([packet])[0]}`),
    received: (packet: Packet) => void seen.push(`< ${shapes([packet])[0]}`),
  }
  const end = ClientEnd.scripted({}, watch)
  end.accept()
  end.publish('a', 'x', { qos: 1 })
  end.answer(acknowledgement(4, 1), publishOf(3, 'y'))
  assert.deepEqual(seen, ['> CONNECT', '< CONNACK', '> PUBLISH 1 x', '< PUBACK 1', '< PUBLISH 3 y', '> PUBACK 3'])
})

test('lines of one topic leave with a head that is encoded once', () => {
  for (const version of VERSIONS) {
    const end = ClientEnd.loggedIn({ protocolVersion: version, clientId: 'c' })
    const head = end.client.headOf('a/b', { retain: true, ...(version === 5 && { properties: { contentType: 't' } }) })
    const text = Buffer.from(`one\n${'y'.repeat(50_000)}`)
    assert.equal(end.client.publishLine(head, text, 0, 3), true)
    assert.equal(end.client.publishLine(head, text, 4, text.length), true)
    assert.equal(end.client.publishLine(head, text, 3, 3), true)
    end.run()
    const sent = end.take() as PublishPacket[]
    assert.deepEqual(
      sent.map(({ topicName, retain, payload }) => [topicName, retain, payload.length]),
      [
        ['a/b', true, 3],
        ['a/b', true, 50_000],
        ['a/b', true, 0],
      ],
    )
    assert.equal(sent[0]!.properties.contentType, version === 5 ? 't' : undefined)
    end.client.end()
    assert.equal(end.client.publishLine(head, text, 0, 3), false)
  }
})

test('a granted subscription is requested again if the server has lost the Session, and only then', () => {
  for (const isPresent of [true, false]) {
    const end = ClientEnd.scripted({ cleanStart: false, clientId: 'c', backOff: BACK_OFF })
    end.accept()
    const properties = { subscriptionIdentifiers: [4] }
    end.subscribe('a', 1, properties)
    end.answer({ type: PacketType.SUBACK, packetIdentifier: 1, reasonCodes: [1], properties: noProperties })
    end.lose()
    end.take()
    end.advance(1000)
    end.accept({ sessionPresent: isPresent })
    const [, again] = end.take() as [Packet, SubscribePacket | undefined]
    if (isPresent) assert.equal(again, undefined)
    else {
      assert.deepEqual(
        again!.subscriptions.map(({ topicFilter, qos }) => [topicFilter, qos]),
        [['a', 1]],
      )
      assert.deepEqual({ ...again!.properties }, properties)
    }
  }
})
