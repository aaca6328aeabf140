/** What several shapes need. @module */
import { copied, Work } from '../../../src/base/work.ts'
import { PacketType, type QoS } from '../../../src/codec/packet-types.ts'
import type { SeededRandom } from '../../../src/testing/random.ts'
import type { Attack } from '../attack.ts'
import { acknowledgement, bytesOf, connectPacket, publishPacket, subscribePacket, userProperties } from '../packets.ts'
import type { Peer } from '../peer.ts'
import { MALLORY } from '../posture.ts'

/** A Session that outlives its Connection by an hour. */
export const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 3600 } } as const

/** Something large that is made when it is first asked for: a plan that is only drawn costs nothing. */
export function later<Value>(make: () => Value): () => Value {
  let made: { readonly value: Value } | undefined
  return () => (made ??= { value: make() }).value
}

/** User Properties of about so many bytes: many small ones or few large ones. */
export function propertiesOf(random: SeededRandom, bytes: number): () => Buffer {
  const name = 'n'.repeat(random.pick([0, 0, 1, 30, 1000]))
  const value = 'v'.repeat(random.pick([0, 0, 1, 30, 60_000]))
  const count = Math.max(1, Math.floor(bytes / (5 + name.length + value.length)))
  return later(() => userProperties(count, name, value))
}

/** Acknowledges everything, as a Client has to. */
export function acknowledges(peer: Peer): Peer {
  peer.onPacket = (packet) => {
    if (packet.type === PacketType.PUBLISH && packet.qos > 0) {
      peer.send(acknowledgement(packet.qos === 1 ? PacketType.PUBACK : PacketType.PUBREC, packet.packetIdentifier))
    } else if (packet.type === PacketType.PUBREL)
      peer.send(acknowledgement(PacketType.PUBCOMP, packet.packetIdentifier))
    else if (packet.type === PacketType.PUBREC) peer.send(acknowledgement(PacketType.PUBREL, packet.packetIdentifier))
  }
  return peer
}

/** Connected, and subscribed as far as the broker lets it. */
export async function subscribed(
  attack: Attack,
  clientId: string,
  topicFilters: readonly string[],
  qos: QoS = 0,
  packet: Parameters<Attack['connect']>[1] = {},
): Promise<Peer> {
  const peer = await attack.connect(clientId, packet)
  let isAnswered = false
  peer.onPacket = ({ type }) => (isAnswered ||= type === PacketType.SUBACK)
  peer.send(subscribePacket(1, topicFilters, qos))
  await attack.orOver(peer.until(() => isAnswered))
  peer.onPacket = undefined
  return peer
}

/** Publishes small retained messages, many in a chunk. @returns how many were sent */
export async function retainAll(
  attack: Attack,
  peer: Peer,
  topics: readonly string[],
  payload: string,
): Promise<number> {
  const AT_ONCE = 500
  let sent = 0
  while (sent < topics.length && !attack.isOver && !peer.isClosed) {
    const some = topics.slice(sent, sent + AT_ONCE)
    await attack.orOver(peer.written(bytesOf(...some.map((topic) => publishPacket(topic, payload, { retain: true })))))
    sent += some.length
  }
  return Math.min(sent, topics.length)
}

/** Everything that was published before has been worked off. */
export async function caughtUp(attack: Attack, peer: Peer, timeoutMs = 20_000): Promise<void> {
  let isAnswered = false
  const before = peer.onPacket
  peer.onPacket = (packet) => {
    isAnswered ||= packet.type === PacketType.PINGRESP
    before?.(packet)
  }
  peer.send({ type: PacketType.PINGREQ })
  await attack.orOver(peer.until(() => isAnswered, timeoutMs))
  peer.onPacket = before
}

/** Takes retained messages back. */
export async function eraseAll(attack: Attack, topics: readonly string[]): Promise<void> {
  const peer = await attack.connect('m-cleaner')
  await retainAll(attack, peer, topics, '')
  await caughtUp(attack, peer)
}

/** Ends Sessions. */
export async function endSessions(attack: Attack, clientIds: readonly string[]): Promise<void> {
  await attack.connectAll(clientIds.length, (at) => attack.connect(clientIds[at]!))
}

/** As `mallory` wants to log in, with that password. */
export function loginBytes(clientId: string, password: string, more: Parameters<typeof connectPacket>[1] = {}): Buffer {
  return bytesOf(connectPacket(clientId, { userName: MALLORY.userName, password: Buffer.from(password), ...more }))
}

export function numbered(count: number, make: (at: number) => string): string[] {
  return Array.from({ length: count }, (_, at) => make(at))
}

export function megabytes(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}

/**
 * Units of work that a message of so many bytes may cost in one go: it is handed to each receiver, stored, and copied
 * for it.
 */
export function reaching(receivers: number, bytes: number): number {
  return receivers * (Work.delivery + 2 * Work.change + 2 * copied(bytes + 1000))
}
