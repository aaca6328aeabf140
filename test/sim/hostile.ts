/**
 * Clients that keep to nothing: noise, broken packets, forged identities, packets at the wrong time. Each attack is one
 * Connection; no other Client may notice it.
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { type ConnectPacket, type Packet } from '../../src/codec/packets.ts'
import { PacketType } from '../../src/codec/packet-types.ts'
import { noProperties } from '../../src/codec/properties.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import { passwordOf } from './rules.ts'

const USER = 'mallory'

function connectAs(clientId: string, more: Partial<ConnectPacket> = {}): Uint8Array {
  const packet: ConnectPacket = {
    type: PacketType.CONNECT,
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 10,
    clientId,
    userName: USER,
    password: Buffer.from(passwordOf(USER)),
    properties: noProperties,
    ...more,
  }
  return encodePacket(packet, packet.protocolVersion)
}

function publish(name: string, topicName: string, qos: 0 | 1 | 2, packetIdentifier: number): Packet {
  const bytes = Buffer.from(`${name} ${packetIdentifier}`)
  const flags = { dup: false, retain: false, properties: noProperties }
  return { type: PacketType.PUBLISH, qos, topicName, packetIdentifier, payload: bytes, ...flags }
}

function encodeAll(packets: readonly Packet[]): Uint8Array {
  return Buffer.concat(packets.map((packet) => encodePacket(packet, 5)))
}

const PINGREQ: Packet = { type: PacketType.PINGREQ }

/** What an attack sends; chunks go one after the other. */
type Attack = (random: SeededRandom, name: string, victim: string) => readonly Uint8Array[]

const ATTACKS: readonly Attack[] = [
  (random) => [random.bytes(random.between(1, 200))],
  (random, name) => [connectAs(name), random.bytes(random.between(1, 200))],
  (random, name) => [connectAs(name).subarray(0, random.between(1, 20))],
  // Who takes a victim's name without its User Name must not touch its Session.
  (_random, _name, victim) => [connectAs(victim)],
  (_random, _name, victim) => [connectAs(victim, { userName: 'u0', password: Buffer.from('wrong') })],
  (_random, name) => [connectAs(name), connectAs(name)],
  (_random, name) => [connectAs(name), encodeAll([publish(name, '$SYS/broker/version', 1, 1)])],
  (_random, name) => [connectAs(name), encodeAll([publish(name, 'p/u1/z', 1, 1), publish(name, 'p/u2/z', 2, 2)])],
  // More than Receive Maximum, and identifiers that come again.
  (_random, name) => [
    connectAs(name),
    encodeAll(Array.from({ length: 30 }, (_, index) => publish(name, 't/1/x', 2, index + 1))),
  ],
  (_random, name) => [connectAs(name), encodeAll(Array.from({ length: 5 }, () => publish(name, 't/1/y', 2, 7)))],
  // Acknowledgements for nothing.
  (random, name) => [
    connectAs(name),
    encodeAll(
      ([PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP] as const).map((type) => ({
        type,
        packetIdentifier: random.between(1, 5),
        reasonCode: 0,
        properties: noProperties,
      })),
    ),
  ],
  (_random, name) => [connectAs(name), encodeAll(Array.from({ length: 200 }, () => PINGREQ))],
  // One byte of good packets is wrong.
  (random, name) => {
    const subscribe: Packet = {
      type: PacketType.SUBSCRIBE,
      packetIdentifier: 3,
      subscriptions: [{ topicFilter: 't/+/y', qos: 2, noLocal: true, retainAsPublished: true, retainHandling: 1 }],
      properties: { subscriptionIdentifiers: [9] },
    }
    const bytes = Uint8Array.from(encodeAll([subscribe, publish(name, 't/2/y', 1, 4), PINGREQ]))
    bytes[random.integer(bytes.length)] = random.integer(256)
    return [connectAs(name), bytes]
  },
  (random, name) => {
    const bytes = Uint8Array.from(connectAs(name))
    bytes[random.integer(12)] = random.integer(256)
    return [bytes]
  },
]

/** Draws an attack. */
export function drawAttack(random: SeededRandom, name: string, victim: string): readonly Uint8Array[] {
  return random.pick(ATTACKS)(random, name, victim)
}
