/**
 * What the tests of 5.0 share: a Broker for each, its Clients, and bytes in the notation of
 * `test/unit/codec/packet-bytes.ts`: hex, `"text"` with its length, `{…}` properties with theirs, `*` for the Remaining
 * Length.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { bytesOf } from '../../unit/codec/packet-bytes.ts'
import { answer, inShort, knowBytes, takeHex } from '../said.ts'
import { sessionsOf } from '../../support/sessions.ts'

export { answer, bytesOf, inShort, takeHex }

/** A Session that outlives its Connection. */
export const KEPT = { sessionExpiryInterval: 1000 } as const

/** Everything below `denied/` is denied: to publish, to subscribe to and to receive. */
export const guard: Plugin = {
  name: 'guard',
  authenticate: () => ({ decision: 'allow' }),
  mayPublish: (_client, { topicName }) => !topicName.startsWith('denied/'),
  maySubscribe: (_client, topicFilter) => !topicFilter.startsWith('denied/'),
}

export const GUARDED: ConfigInput = { auth: { plugins: [guard] }, 'topic-check': { plugins: [guard] } }

export class Stage {
  readonly broker: VirtualBroker
  /** Why Connections with a Session ended, in order. */
  readonly ends: string[] = []

  constructor(broker: VirtualBroker) {
    this.broker = broker
    broker.broker.on('clientDisconnected', ({ client, cause }) => this.ends.push(`${client.clientId}: ${cause}`))
  }

  /** A Client that is let in. */
  client(clientId: string, options: Omit<ConnectOptions, 'clientId'> = {}): TestClient {
    const client = this.broker.connect({ ...options, clientId })
    assert.equal(client.connack?.reasonCode, 0, `${clientId} is let in`)
    // CONNACK is known; what a resumed Session had to send right behind it is not.
    knowBytes(client, 2 + client.bytes[1]!)
    return client
  }

  /** A Client whose Session is kept, and goes on if there is one. */
  durable(clientId: string, properties: ConnectOptions['properties'] = {}): TestClient {
    return this.client(clientId, { cleanStart: false, properties: { ...KEPT, ...properties } })
  }

  /** A Client that is subscribed. */
  subscriber(clientId: string, topicFilter: string, qos: QoS = 0, options: Omit<ConnectOptions, 'clientId'> = {}) {
    const client = this.client(clientId, options)
    assert.deepEqual(client.subscribe(topicFilter, qos).reasonCodes, [qos])
    knowBytes(client, client.bytes.length)
    return client
  }

  /** A new Network Connection that has sent nothing. */
  open(): TestClient {
    return this.broker.open(5)
  }

  hasSession(clientId: string): boolean {
    return sessionsOf(this.broker.broker).some((session) => session.clientId === clientId)
  }
}

/** A test with a Broker of its own, in which nothing may go wrong inside the Server. */
export function scene(name: string, play: (stage: Stage) => void | Promise<void>, config: ConfigInput = {}): void {
  test(name, async () => {
    const broker = await VirtualBroker.start(config)
    await play(new Stage(broker))
    assert.equal(broker.broker.metrics.internalErrors, 0)
    await broker.close()
  })
}

/** All that came is a DISCONNECT with that Reason Code, and then the close. */
export function assertEnded(client: TestClient, reasonCode: number, what = ''): void {
  const packets = client.take()
  assert.deepEqual(
    packets.map((packet) => ({ type: packet.type, code: 'reasonCode' in packet ? packet.reasonCode : undefined })),
    [{ type: PacketType.DISCONNECT, code: reasonCode }],
    what,
  )
  assert.equal(client.isClosed, true, `${what} closes the Network Connection`)
}

/** These bytes are answered by DISCONNECT with that Reason Code, the close, and nothing else. */
export function assertEnds(client: TestClient, notation: string | Uint8Array, reasonCode: number): void {
  const what = typeof notation === 'string' ? notation : Buffer.from(notation).toString('hex')
  assert.equal(client.isClosed, false, `open before ${what}`)
  client.take()
  client.sendBytes(typeof notation === 'string' ? bytesOf(notation) : notation)
  assertEnded(client, reasonCode, what)
}

/** The packets of one type that wait; everything that waits is taken. */
export function taken<Type extends PacketType>(client: TestClient, type: Type): Extract<Packet, { type: Type }>[] {
  return client.take().filter((packet): packet is Extract<Packet, { type: Type }> => packet.type === type)
}

/** What a Client has received and not acknowledged, in short. */
export function received(client: TestClient): string[] {
  return inShort(taken(client, PacketType.PUBLISH))
}
