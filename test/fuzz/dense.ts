/**
 * Packets that hold as much as their bytes can: what they are made of is as short as the protocol lets it be, and
 * repeated. What a broker makes of each piece then shows the most.
 *
 * @module
 */
import { encodePacket } from '../../src/codec/encode.ts'
import { type Packet } from '../../src/codec/packets.ts'
import { PacketType, type PacketName, type ProtocolVersion } from '../../src/codec/packet-types.ts'
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

export type Shape = (random: SeededRandom, size: number, version: ProtocolVersion) => Packet | readonly Packet[]

const empty = { properties: {} }
const plain = { dup: false, qos: 0, retain: false, packetIdentifier: 0, payload: Buffer.from('x'), ...empty } as const

type ClientPacket = Exclude<PacketName, 'CONNACK' | 'SUBACK' | 'UNSUBACK' | 'PINGRESP'>

const options = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
const connect = { type: PacketType.CONNECT, cleanStart: true, keepAlive: 0, clientId: 'c', ...empty } as const

/** So many acknowledgements of that type, of packets that there are not. */
function acknowledgements(type: 4 | 5 | 6 | 7): Shape {
  return (_, size) => many(size, 4, (at) => ({ type, packetIdentifier: 1 + (at % 60_000), reasonCode: 0, ...empty }))
}

function explained(type: 4 | 5 | 6 | 7): Shape {
  return (random, size) => ({ type, packetIdentifier: 1, reasonCode: 0, properties: userProperties(random, size) })
}

/** Of every Control Packet that a Client may send, what holds the most, and where one is short, as many as go in. */
const SHAPES: Readonly<Record<ClientPacket, readonly Shape[]>> = {
  CONNECT: [
    (random, size, protocolVersion) => ({ ...connect, protocolVersion, properties: userProperties(random, size) }),
    (random, size, protocolVersion) => {
      const will = { topicName: 'w', payload: Buffer.from('x'), qos: 0, retain: false } as const
      return { ...connect, protocolVersion, will: { ...will, properties: userProperties(random, size) } }
    },
    (random, size, protocolVersion) => {
      const long = random.pick(NAMES.slice(1)).repeat(Math.floor(Math.min(size, 60_000) / 4))
      const topicName = `${'w/'.repeat(Math.floor(Math.min(size, 60_000) / 4))}w`
      const will = { topicName, payload: Buffer.alloc(size), qos: 0, retain: false, ...empty } as const
      const password = Buffer.alloc(Math.min(size, 60_000), 'p')
      return {
        ...connect,
        protocolVersion,
        ...random.pick([{ userName: long, password }, { clientId: long }, { will }]),
      }
    },
  ],
  PUBLISH: [
    (random, size) => ({
      ...{ type: PacketType.PUBLISH, ...plain, topicName: random.pick(TOPICS), retain: random.chance(0.3) },
      properties: userProperties(random, size),
    }),
    (random, size) => ({
      ...{ type: PacketType.PUBLISH, ...plain, topicName: 'a/'.repeat(Math.min(size, 60_000) / 2) },
      retain: random.chance(0.3),
    }),
    (random, size) => {
      const topicName = random.pick(TOPICS)
      return many(size, 6 + topicName.length, () => ({ type: PacketType.PUBLISH, ...plain, topicName }))
    },
    (random, size) => {
      const [topicName, qos] = [random.pick(TOPICS), random.pick([1, 2] as const)]
      const packet = { type: PacketType.PUBLISH, ...plain, topicName, qos } as const
      return many(size, 8 + topicName.length, (at) => ({ ...packet, packetIdentifier: 1 + (at % 60_000) }))
    },
    // A long name once, and from then on its alias.
    (_, size, version) => {
      const topicName = `z${'/z'.repeat(Math.floor(Math.min(size, 60_000) / 4))}`
      const properties = version === 5 ? { topicAlias: 1 } : {}
      const packet = { type: PacketType.PUBLISH, ...plain, properties } as const
      const short = version === 5 ? '' : 'z'
      return [{ ...packet, topicName }, ...many(size / 2, 9, () => ({ ...packet, topicName: short }))]
    },
  ],
  PUBACK: [acknowledgements(PacketType.PUBACK), explained(PacketType.PUBACK)],
  PUBREC: [acknowledgements(PacketType.PUBREC), explained(PacketType.PUBREC)],
  PUBREL: [acknowledgements(PacketType.PUBREL), explained(PacketType.PUBREL)],
  PUBCOMP: [acknowledgements(PacketType.PUBCOMP), explained(PacketType.PUBCOMP)],
  SUBSCRIBE: [
    (random, size) => {
      const asked = { ...options, retainHandling: random.pick([0, 1, 2] as const) }
      const subscriptions = filters(random, size, 1).map((topicFilter) => ({ topicFilter, ...asked }))
      return { type: PacketType.SUBSCRIBE, packetIdentifier: 1, subscriptions, ...empty }
    },
    (random, size) => ({
      ...{ type: PacketType.SUBSCRIBE, packetIdentifier: 1, properties: userProperties(random, size) },
      subscriptions: [{ topicFilter: 'a', ...options }],
    }),
    (random, size) => {
      const topicFilter = random.pick(['a', 'r/#', '+', '$share/g/a'])
      const subscriptions = [{ topicFilter, ...options, retainHandling: 2 as const }]
      const packet = { type: PacketType.SUBSCRIBE, subscriptions, ...empty } as const
      return many(size, 8 + topicFilter.length, (at) => ({ ...packet, packetIdentifier: 1 + (at % 60_000) }))
    },
  ],
  UNSUBSCRIBE: [
    (random, size) => ({
      ...{ type: PacketType.UNSUBSCRIBE, packetIdentifier: 1, topicFilters: filters(random, size, 0), ...empty },
    }),
    (_, size) => {
      const packet = { type: PacketType.UNSUBSCRIBE, topicFilters: ['a'], ...empty } as const
      return many(size, 8, (at) => ({ ...packet, packetIdentifier: 1 + (at % 60_000) }))
    },
  ],
  PINGREQ: [(_, size) => many(size, 2, () => ({ type: PacketType.PINGREQ }))],
  DISCONNECT: [
    (random, size) => ({ type: PacketType.DISCONNECT, reasonCode: 0, properties: userProperties(random, size) }),
  ],
  AUTH: [
    (random, size) => ({
      ...{ type: PacketType.AUTH, reasonCode: 0x18 },
      properties: { authenticationMethod: 'm', ...userProperties(random, size) },
    }),
  ],
}

/** All of them, whichever packet they are about. */
export const denseShapes: readonly Shape[] = Object.values(SHAPES).flat()

/** What one Client sends, all at once; now and then damaged. */
export function denseBytes(random: SeededRandom): { readonly version: ProtocolVersion; readonly bytes: Buffer } {
  const version = random.chance(0.7) ? 5 : random.pick(VERSIONS)
  const size = Math.ceil(random.pick(SIZES) * (0.2 + random.integer(80) / 100))
  const shape = random.pick(denseShapes)(random, size, version)
  const packets = Array.isArray(shape) ? (shape as readonly Packet[]) : [shape as Packet]
  const known = packets.filter(({ type }) => version === 5 || type !== PacketType.AUTH)
  const bytes = Buffer.concat(known.map((packet) => encodePacket(packet, version)))
  return { version, bytes: bytes.length > 0 && random.chance(0.3) ? mutate(bytes, bytes, random) : bytes }
}
