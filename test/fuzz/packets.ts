/** What Clients say that keep the rules, by chance: names are few, so that Clients meet. @module */
import {
  type ConnectPacket,
  type Packet,
  type PublishPacket,
  type SubscriptionRequest,
} from '../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from '../../src/codec/packet-types.ts'
import { noProperties, type Properties } from '../../src/codec/properties.ts'
import { DENIED, METHOD, SLOW } from './login.ts'
import type { SeededRandom } from '../../src/testing/random.ts'

const CLIENT_IDS = ['one', 'two', 'three', 'four', '']
const USER_NAMES = ['ann', 'bob', `${SLOW} sam`, `${DENIED} dan`]
const TOPIC_NAMES = [
  'a',
  'b',
  'a/b',
  'a/b/c',
  '/',
  'ä/漢',
  `${SLOW}/a`,
  `${DENIED}/a`,
  '$SYS/a',
  '$a/b',
  'a/'.repeat(12),
]
const TOPIC_FILTERS = [
  ...['#', '+', 'a', 'a/#', 'a/+', '+/b/#', '/', 'ä/+', '$a/#', '$SYS/#', `${SLOW}/#`, `${DENIED}/#`],
  ...['$share/g/a/#', '$share/g/#', '$share/h/+', `$share/h/${SLOW}/+`],
]
const WRONG_FILTERS = ['', 'a#', 'a/#/b', '+a', '$share/g', '$share//a', '$share/+/a', 'a/'.repeat(20)]
const QOS = [0, 1, 2] as const
const SIZES = [0, 1, 2, 5, 10, 20, 50, 100]
const LARGE_SIZES = [1000, 9000, 19_900]
/** Where a length takes another byte, or bytes go another way through the broker. */
const EDGE_TOPICS = [128, 1024, 8192, 16_384, 40_960, 65_528, 65_529, 65_531, 65_535].map((length) =>
  'e'.repeat(length),
)
const EDGE_SIZES = [1024, 8192, 16_384, 40_960, 65_536]
/** No payload looks like memory that nobody wrote (`src/testing/poison.ts`). */
const FILLINGS = 0xdb

/** Properties of 5.0, each with that chance; none before. */
function some(random: SeededRandom, version: ProtocolVersion, chance: number, all: Properties): Properties {
  if (version < 5) return noProperties
  return Object.fromEntries(Object.entries(all).filter(() => random.chance(chance)))
}

export function connectPacket(random: SeededRandom, version: ProtocolVersion): ConnectPacket {
  const cleanStart = random.chance(0.4)
  const clientId = random.pick(CLIENT_IDS)
  const userName = random.chance(0.3) ? random.pick(USER_NAMES) : undefined
  const properties = some(random, version, 0.3, {
    sessionExpiryInterval: random.pick([0, 5, 1000, 0xffffffff]),
    receiveMaximum: random.pick([1, 2, 5, 65_535]),
    maximumPacketSize: random.pick([1, 20, 50, 200, 2000]),
    topicAliasMaximum: random.pick([0, 1, 3]),
    requestProblemInformation: random.integer(2),
    requestResponseInformation: random.integer(2),
    userProperties: [['a', 'b']],
  })
  const exchanges = version === 5 && random.chance(0.15)
  return {
    type: PacketType.CONNECT,
    protocolVersion: version,
    cleanStart: clientId === '' || cleanStart,
    keepAlive: random.pick([0, 0, 1, 60]),
    clientId: clientId === '' && version === 3 ? 'three' : clientId,
    will: random.chance(0.3) ? willFields(random, version) : undefined,
    userName,
    password: userName !== undefined && random.chance(0.5) ? random.bytes(3) : undefined,
    properties: exchanges
      ? {
          ...properties,
          authenticationMethod: random.chance(0.9) ? METHOD : 'other',
          authenticationData: random.bytes(2),
        }
      : properties,
  }
}

function willFields(random: SeededRandom, version: ProtocolVersion): NonNullable<ConnectPacket['will']> {
  return {
    topicName: random.pick(TOPIC_NAMES),
    payload: random.bytes(random.integer(5)),
    qos: random.pick(QOS),
    retain: random.chance(0.3),
    properties: some(random, version, 0.3, {
      willDelayInterval: random.pick([0, 3, 500]),
      ...messageProperties(random),
    }),
  }
}

function messageProperties(random: SeededRandom): Properties {
  return {
    payloadFormatIndicator: random.integer(2),
    messageExpiryInterval: random.pick([0, 1, 5, 1000]),
    contentType: 'text',
    responseTopic: 'a/b',
    correlationData: random.bytes(3),
    userProperties: [
      ['a', 'b'],
      ['a', ''],
    ],
  }
}

/** @param isRoomy whether packets of some 100 KiB are allowed, so that some are that large */
export function publishPacket(random: SeededRandom, version: ProtocolVersion, isRoomy: boolean): PublishPacket {
  const isLarge = isRoomy && random.chance(0.1)
  const qos = random.pick(QOS)
  const alias = version === 5 && random.chance(0.2) ? { topicAlias: 1 + random.integer(5) } : {}
  const usesAlias = 'topicAlias' in alias && random.chance(0.5)
  return {
    type: PacketType.PUBLISH,
    dup: qos > 0 && random.chance(0.1),
    qos,
    retain: random.chance(0.2),
    topicName: usesAlias ? '' : random.pick(isLarge ? EDGE_TOPICS : TOPIC_NAMES),
    packetIdentifier: qos === 0 ? 0 : packetIdentifier(random),
    properties: random.chance(0.3)
      ? { ...some(random, version, 0.3, messageProperties(random)), ...alias }
      : version === 5
        ? alias
        : noProperties,
    payload: Buffer.alloc(isLarge ? edgeSize(random) : plainSize(random), random.integer(FILLINGS)),
  }
}

function plainSize(random: SeededRandom): number {
  return random.pick(random.chance(0.97) ? SIZES : LARGE_SIZES)
}

function edgeSize(random: SeededRandom): number {
  return random.chance(0.5) ? random.pick(SIZES) : random.pick(EDGE_SIZES) + random.integer(48) - 24
}

/** Few, so that they are used again while they are in use. */
export function packetIdentifier(random: SeededRandom): number {
  return 1 + random.integer(random.chance(0.9) ? 12 : 65_535)
}

function subscription(random: SeededRandom, version: ProtocolVersion): SubscriptionRequest {
  const topicFilter = random.pick(random.chance(0.01) ? WRONG_FILTERS : TOPIC_FILTERS)
  const qos: QoS = random.pick(QOS)
  if (version < 5) return { topicFilter, qos, noLocal: false, retainAsPublished: false, retainHandling: 0 }
  return {
    topicFilter,
    qos,
    noLocal: random.chance(0.2) && !topicFilter.startsWith('$share/'),
    retainAsPublished: random.chance(0.3),
    retainHandling: random.pick([0, 1, 2]),
  }
}

export function subscribePacket(random: SeededRandom, version: ProtocolVersion): Packet {
  return {
    type: PacketType.SUBSCRIBE,
    packetIdentifier: packetIdentifier(random),
    subscriptions: Array.from({ length: 1 + random.integer(3) }, () => subscription(random, version)),
    properties: some(random, version, 0.3, { subscriptionIdentifiers: [1 + random.integer(300)] }),
  }
}

export function unsubscribePacket(random: SeededRandom, version: ProtocolVersion): Packet {
  return {
    type: PacketType.UNSUBSCRIBE,
    packetIdentifier: packetIdentifier(random),
    topicFilters: Array.from({ length: 1 + random.integer(3) }, () => subscription(random, version).topicFilter),
    properties: noProperties,
  }
}

export function disconnectPacket(random: SeededRandom, version: ProtocolVersion): Packet {
  return {
    type: PacketType.DISCONNECT,
    reasonCode: version === 5 ? random.pick([0, 0, 4, 0x81]) : 0,
    properties: some(random, version, 0.3, { sessionExpiryInterval: random.pick([0, 5, 1000]), reasonString: 'bye' }),
  }
}

export function authPacket(random: SeededRandom): Packet {
  return {
    type: PacketType.AUTH,
    reasonCode: random.pick([0x18, 0x19]),
    properties: {
      authenticationMethod: METHOD,
      authenticationData: random.chance(0.1) ? Buffer.from('no') : Buffer.from('yes'),
    },
  }
}
