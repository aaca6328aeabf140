/** Any valid packet of any version, from either side, for property tests. */
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type QoS, type Sender } from '../../../src/codec/packet-types.ts'
import { holderRules, type PropertyHolder, type PropertyRow } from '../../../src/codec/property-table.ts'
import type { Properties } from '../../../src/codec/properties.ts'
import { isReasonCodeAllowed } from '../../../src/codec/reason-code.ts'
import fc from '../../support/property.ts'

export interface Exchange {
  readonly packet: Packet
  readonly version: ProtocolVersion
  readonly sender: Sender
}

const text = fc.string({ unit: 'binary', maxLength: 20 }).map((each) => each.replaceAll('\0', '-'))
const topicName = text.map((each) => `t${each.replaceAll(/[+#]/g, '/')}`)
const bytes = fc.uint8Array({ maxLength: 30 })
const identifier = fc.integer({ min: 1, max: 0xffff })
const qos = fc.constantFrom<QoS>(0, 1, 2)

function valueOf(row: PropertyRow): fc.Arbitrary<unknown> {
  const integer = (max: number): fc.Arbitrary<number> =>
    fc.integer({ min: row.minimum, max: Math.min(row.maximum, max) })
  switch (row.type) {
    case 'Byte':
      return integer(0xff)
    case 'Two Byte Integer':
      return integer(0xffff)
    case 'Four Byte Integer':
      return integer(0xffffffff)
    case 'Variable Byte Integer':
      return integer(0x0fffffff)
    case 'UTF-8 Encoded String':
      return row.key === 'responseTopic' ? topicName : text
    case 'Binary Data':
      return bytes
    case 'UTF-8 String Pair':
      return fc.tuple(text, text)
  }
}

/** Any properties that the holder may have from this side; none before 5.0. */
function propertiesOf(holder: PropertyHolder, version: ProtocolVersion, sender: Sender): fc.Arbitrary<Properties> {
  if (version < 5) return fc.constant({})
  const rows = holderRules[holder].rows.filter(({ key }) => {
    if (holder === 'PUBLISH' && key === 'subscriptionIdentifiers') return sender === 'server'
    if (holder === 'DISCONNECT' && key === 'sessionExpiryInterval') return sender === 'client'
    return true
  })
  const fields = rows.map((row) => {
    const many = row.repeatableIn.includes(holder) ? 3 : 1
    const value = valueOf(row)
    return [row.key, row.repeatableIn.length > 0 ? fc.array(value, { minLength: 1, maxLength: many }) : value] as const
  })
  const requiredKeys = holder === 'AUTH' ? ['authenticationMethod'] : []
  return fc
    .record(Object.fromEntries(fields), { requiredKeys })
    .filter(
      (each) => holder !== 'CONNECT' || !('authenticationData' in each) || 'authenticationMethod' in each,
    ) as fc.Arbitrary<Properties>
}

function reasonCodeOf(type: PacketType, version: ProtocolVersion, sender: Sender): fc.Arbitrary<number> {
  if (version < 5) {
    if (type === PacketType.SUBACK) return fc.constantFrom(...(version === 3 ? [0, 1, 2] : [0, 1, 2, 0x80]))
    return type === PacketType.CONNACK ? fc.nat(5) : fc.constant(0)
  }
  const codes = Array.from({ length: 256 }, (_, code) => code)
  return fc.constantFrom(...codes.filter((code) => isReasonCodeAllowed(type, code, sender)))
}

function connect(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const properties = propertiesOf('CONNECT', version, 'client')
  const will = fc.record({
    topicName,
    payload: bytes,
    qos,
    retain: fc.boolean(),
    properties: propertiesOf('WILL', version, 'client'),
  })
  return fc
    .record(
      {
        type: fc.constant(PacketType.CONNECT),
        protocolVersion: fc.constant(version),
        cleanStart: fc.boolean(),
        keepAlive: fc.nat(0xffff),
        clientId: text,
        properties,
        will,
        userName: text,
        password: bytes,
      },
      { requiredKeys: ['type', 'protocolVersion', 'cleanStart', 'keepAlive', 'clientId', 'properties'] },
    )
    .filter((each) => version === 5 || each.password === undefined || each.userName !== undefined)
}

function publish(version: ProtocolVersion, sender: Sender): fc.Arbitrary<Packet> {
  return fc
    .record({ qos, dup: fc.boolean(), packetIdentifier: identifier, retain: fc.boolean(), topicName, payload: bytes })
    .chain((fields) =>
      propertiesOf('PUBLISH', version, sender).map((properties) => ({
        type: PacketType.PUBLISH,
        ...fields,
        dup: fields.dup && fields.qos > 0,
        packetIdentifier: fields.qos > 0 ? fields.packetIdentifier : 0,
        properties,
      })),
    )
}

function subscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  const option = <Value>(value: fc.Arbitrary<Value>, before5: Value): fc.Arbitrary<Value> =>
    version === 5 ? value : fc.constant(before5)
  const subscription = fc
    .record({
      topicFilter: text,
      qos,
      noLocal: option(fc.boolean(), false),
      retainAsPublished: option(fc.boolean(), false),
      retainHandling: option(fc.constantFrom<0 | 1 | 2>(0, 1, 2), 0),
    })
    .filter(({ topicFilter, noLocal }) => !(noLocal && topicFilter.startsWith('$share/')))
  return fc.record({
    type: fc.constant(PacketType.SUBSCRIBE),
    packetIdentifier: identifier,
    subscriptions: fc.array(subscription, { minLength: 1, maxLength: 5 }),
    properties: propertiesOf('SUBSCRIBE', version, 'client'),
  })
}

function connack(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc
    .record({
      type: fc.constant(PacketType.CONNACK),
      sessionPresent: fc.boolean(),
      reasonCode: reasonCodeOf(PacketType.CONNACK, version, 'server'),
      properties: propertiesOf('CONNACK', version, 'server'),
    })
    .map((each) => ({ ...each, sessionPresent: each.sessionPresent && each.reasonCode === 0 && version > 3 }))
}

function acknowledgement(version: ProtocolVersion, sender: Sender): fc.Arbitrary<Packet> {
  const { PUBACK, PUBREC, PUBREL, PUBCOMP } = PacketType
  return fc.constantFrom(PUBACK, PUBREC, PUBREL, PUBCOMP).chain((type) =>
    fc.record({
      type: fc.constant(type),
      packetIdentifier: identifier,
      reasonCode: reasonCodeOf(type, version, sender),
      properties: propertiesOf('PUBACK', version, sender),
    }),
  )
}

function subscribeAnswer(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.constantFrom(PacketType.SUBACK, PacketType.UNSUBACK).chain((type) => {
    const codes = fc.array(reasonCodeOf(type, version, 'server'), { minLength: 1, maxLength: 5 })
    return fc.record({
      type: fc.constant(type),
      packetIdentifier: identifier,
      reasonCodes: type === PacketType.UNSUBACK && version < 5 ? fc.constant([]) : codes,
      properties: propertiesOf('SUBACK', version, 'server'),
    })
  })
}

function unsubscribe(version: ProtocolVersion): fc.Arbitrary<Packet> {
  return fc.record({
    type: fc.constant(PacketType.UNSUBSCRIBE),
    packetIdentifier: identifier,
    topicFilters: fc.array(text, { minLength: 1, maxLength: 5 }),
    properties: propertiesOf('UNSUBSCRIBE', version, 'client'),
  })
}

function ending(type: 14 | 15, version: ProtocolVersion, sender: Sender): fc.Arbitrary<Packet> {
  const holder = type === PacketType.AUTH ? 'AUTH' : 'DISCONNECT'
  return fc.record({
    type: fc.constant(type),
    reasonCode: reasonCodeOf(type, version, sender),
    properties: propertiesOf(holder, version, sender),
  })
}

function packetOf(version: ProtocolVersion, sender: Sender): fc.Arbitrary<Packet> {
  const both = [publish(version, sender), acknowledgement(version, sender)]
  const since5 = version === 5 ? [ending(PacketType.AUTH, version, sender)] : []
  const disconnect = ending(PacketType.DISCONNECT, version, sender)
  if (sender === 'client') {
    const ping = fc.constant<Packet>({ type: PacketType.PINGREQ })
    return fc.oneof(...both, ...since5, connect(version), subscribe(version), unsubscribe(version), ping, disconnect)
  }
  const pong = fc.constant<Packet>({ type: PacketType.PINGRESP })
  const ends = version === 5 ? [disconnect] : []
  return fc.oneof(...both, ...since5, ...ends, connack(version), subscribeAnswer(version), pong)
}

export const anyExchange: fc.Arbitrary<Exchange> = fc
  .record({ version: fc.constantFrom<ProtocolVersion>(3, 4, 5), sender: fc.constantFrom<Sender>('client', 'server') })
  .chain(({ version, sender }) => packetOf(version, sender).map((packet) => ({ packet, version, sender })))
