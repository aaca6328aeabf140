/** What many tests of the standard say in one word. @module */
import assert from 'node:assert/strict'
import { type Packet, type PublishPacket } from '../../../src/codec/packets.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { VirtualBroker } from '../../support/virtual-broker.ts'
import type { ConnectOptions, TestClient } from '../../support/test-client.ts'

export const SECOND = 1000
export const ACCEPTED = { type: PacketType.CONNACK, reasonCode: 0 } as const

/** Milliseconds before and after which something has to happen: `justBefore(60)` is one short of 60 s. */
export const justBefore = (seconds: number): number => seconds * SECOND - 1

/**
 * The code of the DISCONNECT (or of the CONNACK, before it) that came last, with the close behind it; 'close' for a
 * bare one.
 */
export function endOf(client: TestClient): number | 'close' | 'open' {
  if (!client.isClosed) return 'open'
  const last = client.take().at(-1)
  const tells = last?.type === PacketType.DISCONNECT || last?.type === PacketType.CONNACK
  return tells ? last.reasonCode : 'close'
}

/** The PUBLISH packets among those that wait; all are taken. */
export function publishes(client: TestClient): PublishPacket[] {
  return client.take().filter((packet): packet is PublishPacket => packet.type === PacketType.PUBLISH)
}

/** The one PUBLISH that came, and nothing but it. */
export function onlyPublish(client: TestClient): PublishPacket {
  const packets = client.take()
  assert.equal(packets.length, 1, `one packet, not ${packets.map(({ type }) => type).join()}`)
  assert.equal(packets[0]!.type, PacketType.PUBLISH)
  return packets[0] as PublishPacket
}

export const typesOf = (packets: readonly Packet[]): number[] => packets.map(({ type }) => type)

/** Connects with Clean Start 0, as `clientId`, for a Session that lasts that many seconds. */
export function resume(
  broker: VirtualBroker,
  clientId: string,
  sessionExpiryInterval: number,
  options: ConnectOptions = {},
): TestClient {
  const properties = { sessionExpiryInterval, ...options.properties }
  return broker.connect({ clientId, cleanStart: false, ...options, properties })
}

/** A Client that receives everything on those topics, at QoS 2, as it was published. */
export function watch(broker: VirtualBroker, ...filters: string[]): TestClient {
  const watcher = broker.connect({ clientId: 'watcher' })
  watcher.subscribe(filters, 2, { retainAsPublished: true })
  watcher.take()
  return watcher
}
