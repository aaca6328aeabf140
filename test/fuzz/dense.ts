/**
 * Packets that hold as much as their bytes can: what they are made of is as short as the protocol lets it be, and repeated. What a
 * broker makes of each piece then shows the most.
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { PacketType, type Packet, type ProtocolVersion } from '../../src/codec/packets.ts'
import type { Properties } from '../../src/codec/properties.ts'
import type { SeededRandom } from '../../src/testing/random.ts'
import { mutate } from './mutate.ts'

const VERSIONS = [3, 4, 5] as const
const SIZES = [100, 1_000, 5_000, 20_000, 60_000]
const NAMES = ['', 'a', 'ä', '漢', '🌡']
const LEVELS = ['a', 'b', 'r', '+', '', 'ä']
const TOPICS = ['a', 'a/b', 'r/1', '/', 'ä']

/** Pieces of so many bytes each that fit into `size`. */
function many<Piece>(size: number, pieceBytes: number, make: (at: number) => Piece): Piece[] {
  return Array.from({ length: Math.max(1, Math.floor(size / pieceBytes)) }, (_, at) => make(at))
}

function userProperties(random: SeededRandom, size: number): Properties {
  const pair = [random.pick(NAMES), random.pick(NAMES)] as const
  return { userProperties: many(size, 5 + Buffer.byteLength(pair[0] + pair[1]), () => pair) }
}

function filters(random: SeededRandom, size: number, optionBytes: number): string[] {
  const levels = 1 + random.integer(3)
  const isNumbered = random.chance(0.5)
  return many(size, 2 + optionBytes + levels * 2 + (isNumbered ? 4 : 0), (at) => {
    const all = Array.from({ length: levels }, () => random.pick(LEVELS))
    return `${all.join('/') || 'a'}${isNumbered ? `/${at}` : ''}`
  })
}

type Shape = (random: SeededRandom, size: number, version: ProtocolVersion) => Packet | readonly Packet[]

const empty = { properties: {} }
const plain = { dup: false, qos: 0, retain: false, packetIdentifier: 0, payload: Buffer.from('x'), ...empty } as const

const SHAPES: readonly Shape[] = [
  (random, size, protocolVersion) => ({
    ...{ type: PacketType.CONNECT, protocolVersion, cleanStart: true, keepAlive: 0, clientId: 'c' },
    properties: userProperties(random, size),
  }),
  (random, size, protocolVersion) => {
    const will = { topicName: 'w', payload: Buffer.from('x'), qos: 0, retain: false } as const
    return {
      ...{ type: PacketType.CONNECT, protocolVersion, cleanStart: true, keepAlive: 0, clientId: 'c', ...empty },
      will: { ...will, properties: userProperties(random, size) },
    }
  },
  (random, size) => ({
    ...{ type: PacketType.PUBLISH, ...plain, topicName: random.pick(TOPICS), retain: random.chance(0.3) },
    properties: userProperties(random, size),
  }),
  (random, size) => ({
    ...{ type: PacketType.PUBLISH, ...plain, topicName: 'a/'.repeat(Math.min(size, 60_000) / 2) },
    retain: random.chance(0.3),
  }),
  (random, size) => {
    const options = {
      qos: 0,
      noLocal: false,
      retainAsPublished: false,
      retainHandling: random.pick([0, 1, 2] as const),
    } as const
    const subscriptions = filters(random, size, 1).map((topicFilter) => ({ topicFilter, ...options }))
    return { type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, ...empty }
  },
  (random, size) => ({
    ...{ type: PacketType.UNSUBSCRIBE, packetIdentifier: 1, topicFilters: filters(random, size, 0), ...empty },
  }),
  (random, size) => ({
    ...{ type: PacketType.SUBSCRIBE, packetIdentifier: 1, properties: userProperties(random, size) },
    subscriptions: [{ topicFilter: 'a', qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 }],
  }),
  (random, size) => ({
    ...{ type: random.pick([4, 5, 7] as const), packetIdentifier: 1, reasonCode: 0 },
    properties: userProperties(random, size),
  }),
  (random, size) => ({ type: PacketType.DISCONNECT, reasonCode: 0, properties: userProperties(random, size) }),
  (random, size) => ({
    ...{ type: PacketType.AUTH, reasonCode: 0x18 },
    properties: { authenticationMethod: 'm', ...userProperties(random, size) },
  }),
  (_, size) => many(size, 2, () => ({ type: PacketType.PINGREQ })),
  (random, size) => {
    const type = random.pick([PacketType.PUBACK, PacketType.PUBREC, PacketType.PUBREL, PacketType.PUBCOMP])
    return many(size, 4, (at) => ({ type, packetIdentifier: 1 + (at % 60_000), reasonCode: 0, ...empty }))
  },
  (random, size) => {
    const topicName = random.pick(TOPICS)
    return many(size, 6 + topicName.length, () => ({ type: PacketType.PUBLISH, ...plain, topicName }))
  },
]

/** What one Client sends, all at once; now and then damaged. */
export function denseBytes(random: SeededRandom): { readonly version: ProtocolVersion; readonly bytes: Buffer } {
  const version = random.chance(0.7) ? 5 : random.pick(VERSIONS)
  const size = Math.ceil(random.pick(SIZES) * (0.2 + random.integer(80) / 100))
  const shape = random.pick(SHAPES)(random, size, version)
  const packets = Array.isArray(shape) ? (shape as readonly Packet[]) : [shape as Packet]
  const known = packets.filter(({ type }) => version === 5 || type !== PacketType.AUTH)
  const bytes = Buffer.concat(known.map((packet) => encodePacket(packet, version)))
  return { version, bytes: bytes.length > 0 && random.chance(0.3) ? mutate(bytes, bytes, random) : bytes }
}
