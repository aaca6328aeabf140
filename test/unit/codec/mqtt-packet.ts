/**
 * Packets in the shape of `mqtt-packet`, the codec under MQTT.js and aedes, and back: for comparing two codecs that
 * were written apart. User Properties are compared by name, since `mqtt-packet` keeps them in an object.
 *
 * @module
 */
import mqttPacket from 'mqtt-packet'
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, packetTypes, type ProtocolVersion } from '../../../src/codec/packet-types.ts'
import { propertyTable } from '../../../src/codec/property-table.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { plain } from './packet-bytes.ts'

/** A packet as `mqtt-packet` has it: fields by name. */
export type Theirs = Record<string, unknown>

const PROTOCOL_NAMES = { 3: 'MQIsdp', 4: 'MQTT', 5: 'MQTT' } as const

/** Properties that have another name there. */
const otherNames: Readonly<Record<string, string>> = {
  subscriptionIdentifiers: 'subscriptionIdentifier',
  subscriptionIdentifierAvailable: 'subscriptionIdentifiersAvailable',
}

/** Properties of one byte are true or false there, save for this one. */
const isBoolean = (key: string, type: string): boolean => type === 'Byte' && key !== 'maximumQoS'

export function toTheirs(packet: Packet, version: ProtocolVersion): Theirs {
  const cmd = packetTypes[packet.type - 1]!.name.toLowerCase()
  const properties = 'properties' in packet && version === 5 ? { properties: theirProperties(packet.properties) } : {}
  return { cmd, ...properties, ...theirFields(packet, version) }
}

function theirFields(packet: Packet, version: ProtocolVersion): Theirs {
  const messageId = 'packetIdentifier' in packet ? packet.packetIdentifier : undefined
  switch (packet.type) {
    case PacketType.CONNECT: {
      const { will, protocolVersion, cleanStart: clean, keepAlive: keepalive, clientId } = packet
      return {
        ...{ protocolId: PROTOCOL_NAMES[protocolVersion], protocolVersion, clean, keepalive, clientId },
        username: packet.userName,
        password: packet.password && Buffer.from(packet.password),
        will: will && {
          topic: will.topicName,
          payload: Buffer.from(will.payload),
          qos: will.qos,
          retain: will.retain,
          ...(version === 5 && { properties: theirProperties(will.properties) }),
        },
      }
    }
    case PacketType.CONNACK:
      return {
        sessionPresent: packet.sessionPresent,
        [version === 5 ? 'reasonCode' : 'returnCode']: packet.reasonCode,
      }
    case PacketType.PUBLISH: {
      const { topicName: topic, qos, dup, retain, payload } = packet
      return { topic, qos, dup, retain, payload: Buffer.from(payload), ...(qos > 0 && { messageId }) }
    }
    case PacketType.SUBSCRIBE:
      return { messageId, subscriptions: packet.subscriptions.map((one) => theirSubscription(one, version)) }
    case PacketType.UNSUBSCRIBE:
      return { messageId, unsubscriptions: [...packet.topicFilters] }
    case PacketType.SUBACK:
      return { messageId, granted: [...packet.reasonCodes] }
    case PacketType.UNSUBACK:
      return { messageId, ...(version === 5 && { granted: [...packet.reasonCodes] }) }
    case PacketType.PINGREQ:
    case PacketType.PINGRESP:
      return {}
    default:
      return { messageId, ...(version === 5 && { reasonCode: packet.reasonCode }) }
  }
}

type Subscription = Extract<Packet, { type: typeof PacketType.SUBSCRIBE }>['subscriptions'][number]

function theirSubscription(one: Subscription, version: ProtocolVersion): Theirs {
  const { topicFilter: topic, qos, noLocal: nl, retainAsPublished: rap, retainHandling: rh } = one
  return version === 5 ? { topic, qos, nl, rap, rh } : { topic, qos }
}

function theirProperties(properties: Properties): Theirs {
  const theirs: Theirs = {}
  for (const { key, type } of propertyTable) {
    const value = properties[key]
    if (value === undefined) continue
    const name = otherNames[key] ?? key
    if (key === 'userProperties') theirs[name] = byName(properties.userProperties!)
    else if (key === 'subscriptionIdentifiers') theirs[name] = oneOrMany(value as number[])
    else if (value instanceof Uint8Array) theirs[name] = Buffer.from(value)
    else theirs[name] = isBoolean(key, type) ? value === 1 : value
  }
  return theirs
}

/** One value stands alone, several in an array. */
function oneOrMany<Value>(values: readonly Value[]): Value | readonly Value[] {
  return values.length === 1 ? values[0]! : values
}

function byName(pairs: readonly (readonly [name: string, value: string])[]): object {
  const groups = new Map<string, string[]>()
  for (const [name, value] of pairs) groups.set(name, [...(groups.get(name) ?? []), value])
  const named = Object.create(null) as Record<string, unknown>
  for (const [name, values] of groups) named[name] = oneOrMany(values)
  return named
}

/** What `mqtt-packet` reads in these bytes, as plain values; an `Error` where it refuses them. */
export function parseTheirs(bytes: Uint8Array, version: ProtocolVersion): Theirs | Error {
  const parser = mqttPacket.parser({ protocolVersion: version })
  const packets: Theirs[] = []
  let refusal: Error | undefined
  parser.on('packet', (packet) => packets.push(packet as unknown as Theirs))
  parser.on('error', (error: Error) => (refusal ??= error))
  const left = parser.parse(Buffer.from(bytes))
  if (refusal !== undefined) return refusal
  if (packets.length !== 1 || left > 0) return new Error(`${packets.length} packets and ${left} bytes over`)
  return packets[0]!
}

/** The bytes that `mqtt-packet` writes; an `Error` where it refuses to. */
export function generateTheirs(packet: Theirs, version: ProtocolVersion): Uint8Array | Error {
  try {
    return mqttPacket.generate(packet as unknown as mqttPacket.Packet, { protocolVersion: version })
  } catch (error) {
    return error as Error
  }
}

/** The fields that say something, for comparing: without those that its parser sets in every packet. */
export function meaning(theirs: Theirs): Theirs {
  const { length: _, bridgeMode: __, ...fields } = theirs
  if (fields['cmd'] !== 'publish') for (const flag of ['qos', 'dup', 'retain', 'topic', 'payload']) delete fields[flag]
  return withoutEmptyProperties(plain({ ...fields })) as Theirs
}

function withoutEmptyProperties(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array || Array.isArray(value)) return value
  const entries = Object.entries(value).filter(
    ([key, field]) => key !== 'properties' || Object.keys(field as object).length > 0,
  )
  return Object.fromEntries(
    entries.map(([key, field]) => [key, key === 'will' ? withoutEmptyProperties(field) : (field as unknown)]),
  )
}
