/**
 * What the tests of 3.1.1 share: a Broker for each, its Clients, and bytes in the notation of
 * `test/unit/codec/packet-bytes.ts`: hex, `"text"` with its length, `*` for the Remaining Length.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BrokerSettings } from '../../../src/broker/broker-settings.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import type { Plugin } from '../../../src/access/plugin.ts'
import { type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'
import { bytesOf } from '../../unit/codec/packet-bytes.ts'
import { answer, inShort, takeHex } from '../said.ts'
import { sessionsOf } from '../../support/sessions.ts'

export { answer, bytesOf, inShort, takeHex }

/** CONNACK 0x00 with Session Present 0, and the same with 1. */
export const ACCEPTED = '20020000'
export const RESUMED = '20020100'

/** Lets everybody in, whatever they claim. */
export const everyone: Plugin = { name: 'everyone', authenticate: () => ({ decision: 'allow' }) }

export class Scene {
  readonly broker: VirtualBroker
  /** Why Connections with a Session ended, in order. */
  readonly ends: string[] = []

  constructor(broker: VirtualBroker) {
    this.broker = broker
    broker.broker.on('clientDisconnected', ({ client, cause }) => this.ends.push(`${client.clientId}: ${cause}`))
  }

  /** A Client of 3.1.1 that is let in. */
  client(clientId: string, options: Omit<ConnectOptions, 'clientId'> = {}): TestClient {
    const client = this.broker.connect({ version: 4, ...options, clientId })
    assert.equal(client.connack?.reasonCode, 0, `${clientId} is let in`)
    takeHex(client)
    return client
  }

  /** A Client with CleanSession 0. */
  durable(clientId: string, options: Omit<ConnectOptions, 'clientId'> = {}): TestClient {
    return this.client(clientId, { cleanStart: false, ...options })
  }

  /** A new Network Connection that sends these bytes first. */
  raw(notation: string): TestClient {
    const client = this.broker.open(4)
    client.sendBytes(bytesOf(notation))
    return client
  }

  /** A Client that is subscribed. */
  subscriber(clientId: string, topicFilter: string, qos: 0 | 1 | 2 = 0): TestClient {
    const client = this.client(clientId)
    assert.deepEqual(client.subscribe(topicFilter, qos).reasonCodes, [qos])
    takeHex(client)
    return client
  }

  /** What is retained under the filter: `topic=payload`, each. */
  retained(topicFilter = '#'): string[] {
    const client = this.client('looks')
    client.subscribe(topicFilter)
    const found = publishes(client).map(({ topicName, payload }) => `${topicName}=${Buffer.from(payload).toString()}`)
    client.disconnect()
    return found
  }

  /** Whether a Session of that Client Identifier is kept. */
  hasSession(clientId: string): boolean {
    return [...sessionsOf(this.broker.broker)].some((session) => session.clientId === clientId)
  }
}

/** A test with a Broker of its own, in which nothing may go wrong inside the Server. */
export function scene(
  name: string,
  play: (scene: Scene) => void | Promise<void>,
  config: ConfigInput = {},
  settings: BrokerSettings = {},
): void {
  test(name, async () => {
    const broker = await VirtualBroker.start(config, settings)
    await play(new Scene(broker))
    assert.equal(broker.broker.metrics.internalErrors, 0)
    await broker.close()
  })
}

/** The Server's whole answer to these bytes is the close: 3.1.1 has no other for a violation. */
export function assertCloses(client: TestClient, notation: string | Uint8Array): void {
  const what = typeof notation === 'string' ? notation : Buffer.from(notation).toString('hex')
  assert.equal(client.isClosed, false, `open before ${what}`)
  assert.equal(answer(client, notation), '', `nothing is said to ${what}`)
  assert.equal(client.isClosed, true, `${what} ends the Connection`)
}

/** The PUBLISH packets that wait, unacknowledged; everything that waits is taken. */
export function publishes(client: TestClient): PublishPacket[] {
  return client.take().filter((packet) => packet.type === PacketType.PUBLISH)
}

/** What a Client has received, in short. */
export function received(client: TestClient): string[] {
  return inShort(publishes(client))
}
