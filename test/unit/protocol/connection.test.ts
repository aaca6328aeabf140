import assert from 'node:assert/strict'
import { test } from 'node:test'
import { encodePacket } from '../../../src/codec/encode.ts'
import type { Packet, SubscribePacket, UnsubscribePacket } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { Connection } from '../../../src/protocol/connection.ts'
import type { ServedConnection } from '../../../src/protocol/served-connection.ts'
import { PENDING, type ConnectionEnd } from '../../../src/protocol/server-side.ts'
import {
  acceptanceOf,
  connectionLimits,
  FakeServer,
  FakeTransport,
  messageOf,
  TestConnection,
} from '../../support/fake-server.ts'

const PINGREQ: Packet = { type: PacketType.PINGREQ }
const VERSIONS = [3, 4, 5] as const

/** One that never answers CONNECT. */
function undecidedServer(): FakeServer {
  const server = new FakeServer()
  server.admission.connect = () => {}
  return server
}

const typesOf = (packets: readonly Packet[]): number[] => packets.map(({ type }) => type)

test('bytes drive a Connection: CONNECT and PUBLISH in, CONNACK and PUBACK out, with nothing around it but what it asks', () => {
  const [server, transport, published] = [new FakeServer(), new FakeTransport(), [] as string[]]
  server.publishing.publish = (_connection, message) => {
    published.push(`${message.topicName}: ${message.text()}`)
    return ReasonCode.Success
  }
  const connection = new Connection(
    server,
    transport,
    { listener: '', address: '', encrypted: false },
    connectionLimits,
  )
  connection.receive(Buffer.from('100e 00044d515454 05 02 0000 00 000163'.replaceAll(' ', ''), 'hex'))
  connection.receive(Buffer.from('3208 000174 0007 00 3231'.replaceAll(' ', ''), 'hex'))
  server.turn.end()
  assert.deepEqual(published, ['t: 21'])
  assert.equal(transport.takeBytes().toString('hex'), '2003000000' + '40020007')
})

test('CONNECT is answered by CONNACK, and only then anything else [5.0 MQTT-3.2.0-1] [3.1.1 MQTT-3.2.0-1]', () => {
  for (const version of VERSIONS) {
    const one = new TestConnection(version)
    const connect = { type: PacketType.CONNECT, protocolVersion: version, cleanStart: true, keepAlive: 0 } as const
    one.send({ ...connect, clientId: 'c', properties: noProperties }, PINGREQ)
    assert.deepEqual(typesOf(one.take()), [PacketType.CONNACK, PacketType.PINGRESP])
  }
})

test('bytes may come one by one', () => {
  const one = new TestConnection(4)
  const packets = [
    encodePacket(
      {
        type: PacketType.CONNECT,
        protocolVersion: 4,
        cleanStart: true,
        keepAlive: 0,
        clientId: 'c',
        properties: noProperties,
      },
      4,
    ),
    encodePacket(PINGREQ, 4),
  ]
  for (const byte of Buffer.concat(packets)) one.sendBytes(Uint8Array.of(byte))
  assert.deepEqual(typesOf(one.take()), [PacketType.CONNACK, PacketType.PINGRESP])
})

test('a first packet that is no CONNECT ends the Connection without a word [5.0 MQTT-3.1.0-1] [3.1.1 MQTT-3.1.0-1]', () => {
  const one = new TestConnection()
  one.send(PINGREQ)
  assert.equal(one.transport.ended, 'end')
  assert.equal(one.transport.takeBytes().length, 0)
  assert.equal(one.server.end?.cause, 'protocol error')
})

for (const [protocol, bytes, detail] of [
  ['TLS', Buffer.from('160301020001000001fc0303', 'hex'), /^this looks like TLS; connect without it, .* ssl: on \(/],
  [
    'HTTP',
    `GET / HTTP/1.1\r\nHost: broker\r\n${'x'.repeat(80)}`,
    /^this looks like HTTP; .* type ws \(first packet is/,
  ],
  ['HTTP', `POST / HTTP/1.1\r\nHost: broker\r\n${'x'.repeat(80)}`, /^this looks like HTTP; /],
  ['neither', Buffer.from('e000', 'hex'), /^first packet is type 14, not CONNECT$/],
] as const) {
  test(`a first packet that is ${protocol} (${String(bytes[0])}) ends the Connection with a detail that names it`, () => {
    const one = new TestConnection()
    one.sendBytes(Buffer.from(bytes))
    assert.equal(one.server.end?.cause, 'protocol error')
    assert.match(one.server.end.detail, detail)
  })
}

test('a second CONNECT is a Protocol Error [5.0 MQTT-3.1.0-2] [3.1.1 MQTT-3.1.0-2]', () => {
  for (const version of VERSIONS) {
    const one = TestConnection.connected(version)
    one.connect()
    const told = one.take()
    assert.deepEqual(typesOf(told), version === 5 ? [PacketType.DISCONNECT] : [])
    assert.equal(one.server.end?.reasonCode, ReasonCode.ProtocolError)
  }
})

test('a second CONNECT is a Protocol Error, whatever is in it: codes of CONNACK are none of DISCONNECT [5.0 MQTT-3.14.2-1]', () => {
  for (const connect of ['100c00044d51545454020000000000', '1000', '10020003']) {
    const one = TestConnection.connected(5)
    one.sendBytes(Buffer.from(connect, 'hex'))
    assert.deepEqual(
      one.take().map((packet) => 'reasonCode' in packet && packet.reasonCode),
      [ReasonCode.ProtocolError],
    )
  }
})

test('what comes in the middle of an exchange and is no AUTH is a Protocol Error, whatever is in it [5.0 MQTT-3.1.2-30]', () => {
  const server = new FakeServer()
  server.admission.connect = (connection) => connection.challenge(undefined)
  const one = new TestConnection(5, {}, server)
  one.connect({ properties: { authenticationMethod: 'm' } })
  one.take()
  one.sendBytes(Buffer.from('3007000161032300007a', 'hex')) // Topic Alias 0
  assert.deepEqual(
    one.take().map((packet) => 'reasonCode' in packet && packet.reasonCode),
    [ReasonCode.ProtocolError],
  )
})

test('whoever sends no CONNECT in time is closed, and so is one whose log-in never ends', () => {
  const silent = new TestConnection()
  silent.at(9999)
  assert.equal(silent.transport.ended, undefined)
  silent.at(10_000)
  assert.equal(silent.server.end?.cause, 'connect timeout')

  const undecided = new TestConnection(5, {}, undecidedServer())
  undecided.connect()
  undecided.at(29_999)
  assert.equal(
    undecided.server.end,
    undefined,
    'the time that a login takes us is not the time that a CONNECT may take',
  )
  undecided.at(30_000)
  const { cause, reasonCode } = undecided.server.end!
  assert.deepEqual([cause, reasonCode], ['connect timeout', ReasonCode.ServerBusy])
})

test('while the log-in is pending the next packets wait, and time spent so does not count', () => {
  let answer = (): void => {}
  const server = new FakeServer()
  server.admission.connect = (connection, packet) => {
    answer = () => connection.accept(acceptanceOf(packet, server.session))
  }
  const one = new TestConnection(5, {}, server)
  one.connect({ keepAlive: 1 })
  one.send(PINGREQ)
  assert.deepEqual(one.take(), [])
  assert.ok(one.transport.isPaused)
  server.turn.nowMs = 5000
  answer()
  assert.deepEqual(typesOf(one.take()), [PacketType.CONNACK, PacketType.PINGRESP])
  assert.ok(!one.transport.isPaused)
  one.at(6499)
  assert.equal(server.end, undefined)
  one.at(6500)
  assert.equal(server.end!.cause, 'keep alive timeout')
})

test('a re-authentication that ends while a PUBLISH waits for its answer lets nothing past it [5.0 MQTT-4.6.0-5]', () => {
  for (const answer of ['challenge', 'reAuthenticated'] as const) {
    const one = TestConnection.connected(5, {}, { authenticationMethod: 'm' })
    one.send({ type: PacketType.AUTH, reasonCode: 0x19, properties: { authenticationMethod: 'm' } })
    one.server.publishing.publish = () => PENDING
    one.publish(1, 1)
    one.connection[answer](undefined, undefined)
    one.publish(2, 1)
    assert.deepEqual(typesOf(one.take()), [PacketType.AUTH])
    one.connection.publishAnswered(0)
    one.connection.publishAnswered(0)
    const identifiers = one.take().map((packet) => 'packetIdentifier' in packet && packet.packetIdentifier)
    assert.deepEqual(identifiers, [1])
    one.connection.publishAnswered(0)
    const [second] = one.take()
    assert.deepEqual(second, { type: PacketType.PUBACK, packetIdentifier: 2, reasonCode: 0, properties: {} })
  }
})

test('an answer that comes after the end changes nothing', () => {
  const server = undecidedServer()
  const one = new TestConnection(5, {}, server)
  one.connect()
  one.connection.lost()
  one.connection.refuse(ReasonCode.NotAuthorized, 'late')
  one.connection.challenge(undefined)
  one.connection.reAuthenticated(undefined, undefined)
  one.connection.publishAnswered(0)
  assert.deepEqual(server.calls, ['closed', 'gone'])
  assert.equal(one.transport.takeBytes().length, 0)
})

/** What a Server may answer later: the request, its refusal, and what the Client reads then. */
const answeredLater: readonly {
  readonly what: string
  readonly asks: (one: TestConnection) => void
  readonly answers: (connection: ServedConnection) => void
  readonly answer: (version: ProtocolVersion) => Packet
}[] = [
  {
    what: 'PUBLISH',
    asks: (one) => {
      one.server.publishing.publish = () => PENDING
      one.publish(7, 1)
    },
    answers: (connection) => connection.publishAnswered(ReasonCode.NotAuthorized),
    answer: (version) => ({
      ...{ type: PacketType.PUBACK, packetIdentifier: 7, properties: noProperties },
      reasonCode: version === 5 ? ReasonCode.NotAuthorized : ReasonCode.Success,
    }),
  },
  {
    what: 'SUBSCRIBE',
    asks: (one) => {
      one.server.subscribing.subscribe = () => PENDING
      one.send(subscribeTo('a', 'b'))
    },
    answers: (connection) => connection.subscribeAnswered(subscribeTo('a', 'b'), [ReasonCode.NotAuthorized, 1]),
    answer: (version) => ({
      ...{ type: PacketType.SUBACK, packetIdentifier: 8, properties: noProperties },
      // 3.1 has no refusal: QoS 0 is granted.
      reasonCodes: [version === 5 ? ReasonCode.NotAuthorized : version === 4 ? 0x80 : 0, 1],
    }),
  },
  {
    what: 'UNSUBSCRIBE',
    asks: (one) => {
      one.server.subscribing.unsubscribe = () => PENDING
      one.send(unsubscribeFrom('a', 'b'))
    },
    answers: (connection) =>
      connection.unsubscribeAnswered(unsubscribeFrom('a', 'b'), [ReasonCode.NoSubscriptionExisted, 0]),
    answer: (version) => ({
      ...{ type: PacketType.UNSUBACK, packetIdentifier: 9, properties: noProperties },
      reasonCodes: version === 5 ? [ReasonCode.NoSubscriptionExisted, 0] : [],
    }),
  },
]

for (const { what, asks, answers, answer } of answeredLater) {
  test(`a pending ${what} holds the next packets, and is answered with its own Packet Identifier`, () => {
    for (const version of VERSIONS) {
      const one = TestConnection.connected(version)
      asks(one)
      one.send(PINGREQ)
      assert.deepEqual(one.take(), [])
      answers(one.connection)
      assert.deepEqual(one.take(), [answer(version), { type: PacketType.PINGRESP }])
    }
  })

  test(`an answer to a ${what} that comes after its Connection has ended does nothing`, () => {
    const one = TestConnection.connected()
    asks(one)
    one.connection.lost()
    answers(one.connection)
    assert.deepEqual(one.take(), [])
    assert.equal(one.server.end?.cause, 'connection lost')
  })
}

function subscribeTo(...topicFilters: string[]): SubscribePacket {
  const options = { qos: 1, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
  const subscriptions = topicFilters.map((topicFilter) => ({ topicFilter, ...options }))
  return { type: PacketType.SUBSCRIBE, packetIdentifier: 8, subscriptions, properties: noProperties }
}

function unsubscribeFrom(...topicFilters: string[]): UnsubscribePacket {
  return { type: PacketType.UNSUBSCRIBE, packetIdentifier: 9, topicFilters, properties: noProperties }
}

test('Keep Alive counts from the last packet, at 1.5 times, with the delay behind it [5.0 MQTT-3.1.2-22] [3.1.1 MQTT-3.1.2-24]', () => {
  const one = TestConnection.connected(4, { timeoutDisconnectDelay: 2 }, noProperties, 10)
  one.server.turn.nowMs = 8000
  one.send(PINGREQ)
  one.at(15_000)
  one.at(24_999)
  assert.equal(one.server.end, undefined)
  one.at(25_000)
  assert.equal(one.server.end!.cause, 'keep alive timeout')
})

test('a spent turn stops in the middle of a chunk and goes on in the next', () => {
  const one = TestConnection.connected()
  one.server.turn.spend()
  one.connection.receive(Buffer.concat([encodePacket(PINGREQ, 5), encodePacket(PINGREQ, 5)]))
  assert.equal(one.transport.chunks.length, 0)
  assert.ok(one.transport.isPaused)
  one.server.turn.end()
  assert.ok(!one.transport.isPaused)
  assert.deepEqual(typesOf(one.take()), [PacketType.PINGRESP, PacketType.PINGRESP])
})

test('a peer that takes no output is not read beyond the limit, and is read again once it took it', () => {
  const one = TestConnection.connected(5, { maxOutgoingBytes: 4 })
  one.transport.isFrozen = true
  one.send(PINGREQ, PINGREQ)
  assert.ok(one.connection.congested)
  one.send(PINGREQ)
  assert.ok(one.transport.isPaused)
  one.transport.isFrozen = false
  one.transport.unsentBytes = 0
  one.connection.drained()
  one.server.turn.end()
  assert.ok(!one.transport.isPaused)
  assert.equal(one.take().length, 3)
})

test('a peer that takes nothing until drain-timeout is cut; one that takes something is only slow', () => {
  const one = TestConnection.connected(5, { maxOutgoingBytes: 4 })
  one.transport.isFrozen = true
  one.send(PINGREQ, PINGREQ)
  one.transport.unsentBytes = 3
  one.at(60_000)
  assert.equal(one.server.end, undefined)
  one.at(120_000)
  assert.equal(one.server.end!.cause, 'slow receiver')
  assert.equal(one.transport.ended, 'destroy')
})

test('bytes that are taken count, whatever has come to what waits since', () => {
  const one = TestConnection.connected(5)
  one.transport.isFrozen = true
  one.send(PINGREQ, PINGREQ)
  one.transport.unsentBytes = 3
  one.send(PINGREQ, PINGREQ, PINGREQ)
  one.at(60_000)
  assert.equal(one.server.end, undefined, 'it took a byte, though more waits than before')
  one.send(PINGREQ)
  one.at(120_000)
  assert.equal((one.server.end as ConnectionEnd | undefined)?.cause, 'slow receiver', 'it took nothing')
})

test('beyond max-publish-rate the Client is read more slowly, and loses nothing', () => {
  const one = TestConnection.connected(5, { maxPublishRate: 2 })
  for (let at = 0; at < 4; at++) one.publish(0, 0)
  assert.equal(one.server.published.length, 3)
  assert.ok(one.transport.isPaused)
  one.at(500)
  assert.equal(one.server.published.length, 4)
  assert.equal(one.server.metrics.rateLimited, 2)
})

test('beyond max-byte-rate the Client is read more slowly', () => {
  const one = TestConnection.connected(5, { maxByteRate: 10 })
  one.sendBytes(Buffer.from('c000'.repeat(10), 'hex'))
  assert.deepEqual(one.take(), [])
  one.at(1000)
  assert.equal(one.take().length, 10)
})

test('DISCONNECT ends the stream, and what came behind it is ignored [5.0 MQTT-3.14.4-1] [3.1.1 MQTT-3.14.4-1]', () => {
  for (const version of VERSIONS) {
    const one = TestConnection.connected(version)
    one.send({ type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties }, PINGREQ)
    assert.deepEqual(one.take(), [])
    assert.equal(one.server.end?.cause, 'disconnected by client')
    assert.equal(one.transport.ended, 'end')
  }
})

test('Session Expiry at DISCONNECT after none at CONNECT is a Protocol Error', () => {
  const one = TestConnection.connected()
  const disconnect = { type: PacketType.DISCONNECT, reasonCode: 0, properties: { sessionExpiryInterval: 5 } } as const
  one.send(disconnect)
  assert.equal(one.server.end?.reasonCode, ReasonCode.ProtocolError)

  const kept = TestConnection.connected()
  kept.connection.session!.sessionExpiryInterval = 100
  kept.send(disconnect)
  assert.equal(kept.server.session.sessionExpiryInterval, 5)
})

test('the Server says why it ends a Connection of 5.0, and only closes the others', () => {
  for (const version of VERSIONS) {
    const one = TestConnection.connected(version)
    one.connection.disconnect(ReasonCode.SessionTakenOver, 'session taken over', 'the reason')
    const expected = { type: PacketType.DISCONNECT, reasonCode: 0x8e, properties: { reasonString: 'the reason' } }
    assert.deepEqual(one.take(), version === 5 ? [expected] : [])
    one.connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', 'once more')
    assert.equal(one.server.end?.cause, 'session taken over')
  }
})

test('without Request Problem Information no Reason String goes out on acknowledgements [5.0 MQTT-3.1.2-29]', () => {
  const one = TestConnection.connected(5, {}, { requestProblemInformation: 0 })
  one.connection.disconnect(ReasonCode.AdministrativeAction, 'disconnected by server', 'the reason')
  assert.deepEqual(one.take(), [{ type: PacketType.DISCONNECT, reasonCode: 0x98, properties: {} }])
})

test('a refusal says its code where the version has one, and then closes [5.0 MQTT-3.2.2-7] [3.1.1 MQTT-3.2.2-5]', () => {
  const codes = [
    [5, ReasonCode.Banned, 0x8a],
    [4, ReasonCode.NotAuthorized, 5],
    [4, ReasonCode.ServerBusy, 3],
    [3, ReasonCode.BadUserNameOrPassword, 4],
    [4, ReasonCode.QoSNotSupported, undefined],
  ] as const
  for (const [version, reasonCode, said] of codes) {
    const server = new FakeServer()
    server.admission.connect = (connection) => connection.refuse(reasonCode, 'no')
    const one = new TestConnection(version, {}, server)
    one.connect()
    const connack = { type: PacketType.CONNACK, sessionPresent: false, reasonCode: said, properties: {} }
    assert.deepEqual(one.take(), said === undefined ? [] : [connack])
    assert.equal(one.transport.ended, 'end')
  }
})

test('a mistake of our own ends this Connection, is told, and says nothing of itself to the peer', () => {
  const one = TestConnection.connected()
  one.server.publishing.publish = () => {
    throw new TypeError('our own mistake')
  }
  one.publish(0, 0)
  assert.ok(one.server.calls.includes('failed TypeError: our own mistake'))
  assert.deepEqual(one.take(), [
    { type: PacketType.DISCONNECT, reasonCode: 0x80, properties: { reasonString: 'internal error' } },
  ])
})

test('a log-in that ends ends its Connection with 0x87', () => {
  const server = new FakeServer()
  server.admission.connect = (connection, packet) =>
    connection.accept({ ...acceptanceOf(packet, server.session), loginExpiresAtMs: 3000 })
  const one = new TestConnection(5, {}, server)
  one.connect()
  one.take()
  one.at(2999)
  assert.equal(server.end, undefined)
  one.at(3000)
  assert.equal(server.end!.cause, 'login expired')
  assert.equal(server.end!.reasonCode, ReasonCode.NotAuthorized)
})

test('an ended stream that does not close is cut after a while', () => {
  const one = TestConnection.connected()
  one.send({ type: PacketType.DISCONNECT, reasonCode: 0, properties: noProperties })
  assert.equal(one.transport.ended, 'end')
  one.at(5000)
  assert.equal(one.transport.ended, 'destroy')
  one.connection.lost()
  assert.equal(one.server.turn.deadlineMs, Infinity)
  assert.deepEqual(one.server.calls, ['closed', 'gone'])
})

test('a loss for which a turn has no work left is told in a later one, once', () => {
  const one = TestConnection.connected()
  one.server.turn.spend()
  one.connection.lost(new Error('reset by peer'))
  assert.deepEqual(one.server.calls, [])
  one.server.turn.end()
  assert.equal(one.server.end?.detail, 'reset by peer')
  assert.deepEqual(one.server.calls, ['closed', 'gone'])
  assert.ok(!one.connection.settleLoss())
})

test('what ends a Connection whose loss waits is told, and its loss no more', () => {
  const one = TestConnection.connected()
  one.server.turn.spend()
  one.connection.lost()
  one.connection.disconnect(ReasonCode.ServerShuttingDown, 'server shutting down', '')
  assert.equal(one.server.end?.cause, 'server shutting down')
  one.server.turn.end()
  assert.deepEqual(one.server.calls, ['closed', 'gone'])
  assert.equal(one.server.end.cause, 'server shutting down')
})

test('a loss of the network is told once, with its cause', () => {
  const one = TestConnection.connected()
  one.connection.lost(new Error('reset by peer'))
  assert.equal(one.server.end?.detail, 'reset by peer')
  assert.deepEqual(one.server.calls, ['closed', 'gone'])
  one.connection.receive(Buffer.from('c000', 'hex'))
  assert.deepEqual(one.take(), [])
})

test('CONNACK waits for the Store, and everything else waits for CONNACK', () => {
  const server = new FakeServer()
  server.admission.connect = (connection, packet) => {
    server.turn.changeCount = 1
    connection.accept(acceptanceOf(packet, server.session))
  }
  const one = new TestConnection(5, {}, server)
  one.connect()
  one.send(PINGREQ)
  assert.deepEqual(one.take(), [])
  server.turn.committedCount = 1
  assert.equal(one.connection.release(1), false)
  assert.deepEqual(typesOf(one.take()), [PacketType.CONNACK, PacketType.PINGRESP])
})

test('a QoS 2 message of the Session that waits for the next commit behind CONNACK keeps its Connection waiting', () => {
  const server = new FakeServer()
  const sent = (): void => void server.turn.changeCount++
  const nothing = (): void => {}
  server.session.ledger = {
    refuses: () => false,
    ...{
      refused: nothing,
      queued: nothing,
      released: nothing,
      done: nothing,
      received: nothing,
      receivedDone: nothing,
    },
    sent,
  }
  const options = { qos: 2, noLocal: false, retainAsPublished: false, subscriptionIdentifiers: [] } as const
  server.session.deliver(messageOf({ qos: 2 }), options)
  server.admission.connect = (connection, packet) => {
    server.turn.changeCount = 1
    connection.accept(acceptanceOf(packet, server.session))
  }
  const one = new TestConnection(5, {}, server)
  one.connect()
  server.turn.committedCount = 1
  assert.equal(one.connection.release(1), true)
  assert.deepEqual(typesOf(one.take()), [PacketType.CONNACK])
  server.turn.committedCount = 2
  assert.equal(one.connection.release(2), false)
  assert.deepEqual(typesOf(one.take()), [PacketType.PUBLISH])
})

test('an acknowledgement waits for the Change that its message made; PINGRESP does not', () => {
  const one = TestConnection.connected()
  one.server.publishing.publish = () => {
    one.server.turn.changeCount++
    return 0
  }
  one.publish(1, 1)
  one.send(PINGREQ)
  assert.deepEqual(typesOf(one.take()), [PacketType.PINGRESP])
  one.server.publishing.publish = () => 0
  one.publish(2, 1)
  assert.deepEqual(one.take(), [], 'an earlier one of its lane waits')
  one.server.turn.committedCount = 1
  one.connection.release(1)
  assert.deepEqual(typesOf(one.take()), [PacketType.PUBACK, PacketType.PUBACK])
})

test('what waits for the Store dies with its Connection', () => {
  const one = TestConnection.connected()
  one.server.publishing.publish = () => {
    one.server.turn.changeCount++
    return 0
  }
  one.publish(1, 1)
  one.connection.disconnect(ReasonCode.SessionTakenOver, 'session taken over', '')
  one.server.turn.committedCount = 1
  assert.equal(one.connection.release(1), false)
  assert.deepEqual(typesOf(one.take()), [PacketType.DISCONNECT])
})

test('whoever watches packets sees both directions', () => {
  const one = TestConnection.connected()
  one.server.packets.isWatched = true
  one.publish(1, 1)
  assert.deepEqual(one.server.calls, ['received 3', 'sent 4'])
})
