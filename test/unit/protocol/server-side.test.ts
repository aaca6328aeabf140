/** The Server behind a Connection, as small as a test may make it: one line for each part of a `ServerSide`. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MemoryAccount } from '../../../src/base/memory-account.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { noProperties } from '../../../src/codec/properties.ts'
import { ReasonCode } from '../../../src/codec/reason-code.ts'
import { Connection } from '../../../src/protocol/connection.ts'
import { BufferPool } from '../../../src/protocol/output.ts'
import type { ServerSide } from '../../../src/protocol/server-side.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { CachedTopic } from '../../../src/topics/match-cache.ts'
import {
  acceptanceOf,
  connectionLimits,
  FakeTransport,
  HandTurn,
  packetsOf,
  sessionIn,
} from '../../support/fake-server.ts'

const CONNECT = encodePacket(
  {
    ...{ type: PacketType.CONNECT, protocolVersion: 5, cleanStart: true },
    ...{ keepAlive: 0, clientId: 'meter', properties: noProperties },
  },
  5,
)
const PUBLISH = encodePacket(
  {
    ...{ type: PacketType.PUBLISH, dup: false, qos: 1, retain: false, topicName: 'a/b', packetIdentifier: 7 },
    ...{ properties: noProperties, payload: Buffer.from('21.5') },
  },
  5,
)

test('a Connection logs in and publishes before a Server of one line for each part', () => {
  const turn = new HandTurn()
  const account = new MemoryAccount('user', '', 0, undefined)
  const heard: string[] = []
  const server: ServerSide = {
    ...{ turn, metrics: new Metrics(), buffers: new BufferPool() },
    ...{ memory: { of: () => account }, memoryRefusals: { refused: () => {} }, inputBudget: { change: () => {} } },
    admission: { connect: (to, packet) => to.accept(acceptanceOf(packet, sessionIn(turn))), authenticate: () => {} },
    publishing: { publish: (_from, { topicName }) => (heard.push(topicName), ReasonCode.NoMatchingSubscribers) },
    subscribing: { subscribe: () => [], subscribed: () => {}, unsubscribe: () => [] },
    router: { topic: (bytes, start, end) => new CachedTopic('a/b', bytes.slice(start, end), 0) },
    deliveryTransforms: { isAsked: false, transform: (_to, message) => message },
    packets: { watches: () => false, received: () => {}, sent: () => {} },
    reports: { throttled: () => {}, failed: () => {} },
    departures: { lost: () => {}, closed: () => {}, gone: () => {} },
  }
  const transport = new FakeTransport()
  const peer = { listener: 'test', address: '192.0.2.7', encrypted: false }
  const connection = new Connection(server, transport, peer, connectionLimits)

  connection.receive(Buffer.concat([CONNECT, PUBLISH]))
  turn.end()

  const [connack, puback] = packetsOf(transport.takeBytes(), 5)
  assert.equal(connack?.type, PacketType.CONNACK)
  assert.deepEqual(puback, {
    ...{ type: PacketType.PUBACK, packetIdentifier: 7 },
    ...{ reasonCode: ReasonCode.NoMatchingSubscribers, properties: noProperties },
  })
  assert.deepEqual(heard, ['a/b'])
})
