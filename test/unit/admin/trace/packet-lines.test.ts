/** Every packet of 3.1.1 and 5.0, in both directions, as a line for people; and what a trace never shows. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from '../../../support/property.ts'
import { packetFields } from '../../../../src/admin/trace/packet-fields.ts'
import { packetText, quotedBytes, traceLine } from '../../../../src/admin/trace/trace-line.ts'
import type { Packet } from '../../../../src/codec/packets.ts'
import { packetTypes, PacketType } from '../../../../src/codec/packet-types.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const subscription = { topicFilter: 'a/+', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 } as const
const will = {
  topicName: 'gone',
  payload: bytes('x'),
  qos: 1,
  retain: true,
  properties: { willDelayInterval: 5 },
} as const
const connect = { type: PacketType.CONNECT, cleanStart: false, keepAlive: 60, clientId: 'meter' } as const
const publish = { type: PacketType.PUBLISH, topicName: 'a/b', payload: bytes('230') } as const

const LINES: readonly (readonly [packet: Packet & { protocolVersion?: number }, line: string])[] = [
  [
    {
      ...connect,
      protocolVersion: 4,
      userName: 'ann',
      password: bytes('secret'),
      will: { ...will, properties: {} },
      properties: {},
    },
    'CONNECT 3.1.1, client "meter", Clean Session 0, Keep Alive 60, User Name "ann", Password (6 bytes), Will "gone" (QoS 1, RETAIN, payload (1 byte))',
  ],
  [
    { ...connect, protocolVersion: 5, will, properties: { sessionExpiryInterval: 60, receiveMaximum: 10 } },
    'CONNECT 5.0, client "meter", Clean Start 0, Keep Alive 60, Will "gone" (QoS 1, RETAIN, payload (1 byte), Will Delay Interval 5), Session Expiry Interval 60, Receive Maximum 10',
  ],
  [
    { ...connect, protocolVersion: 3, bridge: true, properties: {} },
    'CONNECT 3.1 (bridge), client "meter", Clean Session 0, Keep Alive 60',
  ],
  [
    { type: PacketType.CONNACK, protocolVersion: 4, sessionPresent: false, reasonCode: 5, properties: {} },
    'CONNACK Connection Refused, not authorized (5), Session Present 0',
  ],
  [
    {
      type: PacketType.CONNACK,
      protocolVersion: 5,
      sessionPresent: true,
      reasonCode: 0,
      properties: { assignedClientIdentifier: 'auto' },
    },
    'CONNACK Success, Session Present 1, Assigned Client Identifier "auto"',
  ],
  [
    { type: PacketType.CONNACK, protocolVersion: 5, sessionPresent: false, reasonCode: 0x86, properties: {} },
    'CONNACK Bad User Name or Password (0x86), Session Present 0',
  ],
  [
    { ...publish, dup: false, qos: 0, retain: false, packetIdentifier: 0, properties: {} },
    'PUBLISH "a/b", QoS 0, payload (3 bytes)',
  ],
  [
    {
      ...publish,
      dup: true,
      qos: 2,
      retain: true,
      packetIdentifier: 7,
      properties: { messageExpiryInterval: 9, userProperties: [['a', 'b']] },
    },
    'PUBLISH "a/b", QoS 2, DUP, RETAIN, Packet Identifier 7, payload (3 bytes), Message Expiry Interval 9, User Property (1)',
  ],
  ...(['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'] as const).map(
    (name) =>
      [{ type: PacketType[name], packetIdentifier: 7, reasonCode: 0, properties: {} }, `${name} 7, Success`] as const,
  ),
  [
    { type: PacketType.PUBACK, packetIdentifier: 7, reasonCode: 0x87, properties: { reasonString: 'no' } },
    'PUBACK 7, Not authorized (0x87), Reason String "no"',
  ],
  [
    {
      type: PacketType.SUBSCRIBE,
      packetIdentifier: 3,
      subscriptions: [subscription],
      properties: { subscriptionIdentifiers: [4] },
    },
    'SUBSCRIBE 3, "a/+" at QoS 1 No Local Retain As Published Retain Handling 2, Subscription Identifier [4]',
  ],
  [
    { type: PacketType.SUBACK, packetIdentifier: 3, reasonCodes: [0, 2, 0x80], properties: {} },
    'SUBACK 3, Granted QoS 0, Granted QoS 2 (0x02), Unspecified error (0x80)',
  ],
  [
    { type: PacketType.UNSUBSCRIBE, packetIdentifier: 4, topicFilters: ['a', 'b'], properties: {} },
    'UNSUBSCRIBE 4, "a", "b"',
  ],
  [
    { type: PacketType.UNSUBACK, packetIdentifier: 4, reasonCodes: [0, 0x11], properties: {} },
    'UNSUBACK 4, Success, No subscription existed (0x11)',
  ],
  [{ type: PacketType.PINGREQ }, 'PINGREQ'],
  [{ type: PacketType.PINGRESP }, 'PINGRESP'],
  [{ type: PacketType.DISCONNECT, reasonCode: 0, properties: {} }, 'DISCONNECT Normal disconnection'],
  [{ type: PacketType.DISCONNECT, reasonCode: 0x8e, properties: {} }, 'DISCONNECT Session taken over (0x8E)'],
  [
    {
      type: PacketType.AUTH,
      reasonCode: 0x18,
      properties: { authenticationMethod: 'SCRAM-SHA-256', authenticationData: bytes('n,,n=ann') },
    },
    'AUTH Continue authentication (0x18), Authentication Method "SCRAM-SHA-256", Authentication Data (8 bytes)',
  ],
]

test('each packet is a line in the words of the standard, the same in both directions', () => {
  for (const [packet, line] of LINES) {
    const { protocolVersion } = packet
    const fields = { ...packetFields(packet, 0), ...(protocolVersion !== undefined && { protocolVersion }) }
    assert.equal(packetText(fields), line)
    const record = { seq: 1, atMs: 0, clientId: 'meter', connection: 1, packet: fields }
    assert.equal(traceLine({ ...record, direction: 'received' }), `-> ${line}`)
    assert.equal(traceLine({ ...record, direction: 'sent' }), `<- ${line}`)
  }
  const names = new Set(LINES.map(([{ type }]) => packetTypes[type - 1]!.name))
  assert.equal(names.size, 15)
})

test('text of clients cannot forge a line', () => {
  const forged = packetFields(
    {
      ...publish,
      topicName: 'a\n<- CONNACK\u001b[2J',
      dup: false,
      qos: 0,
      retain: false,
      packetIdentifier: 0,
      properties: {},
    },
    0,
  )
  assert.equal(packetText(forged), 'PUBLISH "a\\u000a<- CONNACK\\u001b[2J", QoS 0, payload (3 bytes)')
})

const SECRET = 'hunter2-hunter2'
const TOKEN = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtZXRlciJ9.c2ln'

/** Puts the secret wherever a packet has room for bytes, and a token wherever it has text. */
function poisoned(value: unknown, key: string): unknown {
  if (value instanceof Uint8Array) return bytes(SECRET)
  if (typeof value === 'string') return TOKEN
  if (key === 'userProperties') return [[SECRET, SECRET]]
  if (Array.isArray(value)) return value.map((one) => poisoned(one, ''))
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([name, one]) => [name, poisoned(one, name)]))
}

const EVERY_SECRET = {
  ...{ authenticationData: bytes('x'), correlationData: bytes('x'), userProperties: [['a', 'b']] },
  ...{ reasonString: 'x', responseInformation: 'x', serverReference: 'x', contentType: 'x', futureBytes: bytes('x') },
}

test('no secret is shown, wherever it is in any packet', () => {
  for (const [packet] of LINES) {
    const full = 'properties' in packet ? { ...packet, properties: { ...packet.properties, ...EVERY_SECRET } } : packet
    const shown = packetFields(poisoned(full, '') as Packet, 0)
    const text = JSON.stringify(shown) + packetText(shown)
    const base64 = Buffer.from(SECRET).toString('base64')
    for (const hidden of [SECRET, base64, TOKEN]) assert.ok(!text.includes(hidden), `${shown.type}: ${text}`)
  }
})

test('bytes that are secret leave no trace in any form, whatever they are', () => {
  const secrets = fc.uint8Array({ minLength: 12, maxLength: 100 }).map((random) => Buffer.from(random))
  const property = fc.property(secrets, fc.nat({ max: LINES.length - 1 }), (secret, index) => {
    const [packet] = LINES[index]!
    const properties = { authenticationData: secret, correlationData: secret }
    const content = {
      ...('payload' in packet && { payload: secret }),
      ...('will' in packet && { will: { ...will, payload: secret } }),
    }
    const full = { ...packet, ...content, password: secret, properties } as unknown as Packet
    const shown = packetFields(full, 0)
    const text = JSON.stringify(shown) + packetText(shown)
    for (const form of ['base64', 'base64url', 'hex', 'latin1', 'utf8'] as const) {
      assert.ok(!text.includes(secret.toString(form)), `${shown.type} shows ${form}`)
    }
  })
  fc.assert(property)
})

test('where payloads may be shown, passwords and Authentication Data still are not', () => {
  for (const [packet] of LINES) {
    const full = 'properties' in packet ? { ...packet, properties: { ...packet.properties, ...EVERY_SECRET } } : packet
    const hidden = {
      ...full,
      ...('payload' in full && { payload: bytes('open') }),
      ...('will' in full && { will: undefined }),
    }
    const shown = JSON.stringify(packetFields(poisonedSecrets(hidden) as Packet, 1000))
    assert.ok(!shown.includes(Buffer.from(SECRET).toString('base64')), shown)
  }
  const correlation = packetFields(
    {
      ...publish,
      dup: false,
      qos: 0,
      retain: false,
      packetIdentifier: 0,
      properties: { correlationData: bytes('abc'), userProperties: [['k', 'v']] },
    },
    10,
  )
  assert.equal(
    packetText(correlation),
    'PUBLISH "a/b", QoS 0, payload "230" (3 bytes), Correlation Data "abc" (3 bytes), User Property "k"="v"',
  )
})

/** The secret in fields that are none of a message. */
function poisonedSecrets(packet: object): unknown {
  return Object.fromEntries(
    Object.entries(packet).map(([name, value]) => {
      if (name === 'properties') return [name, poisonedSecrets(value as object)]
      const isSecret = value instanceof Uint8Array && name !== 'payload' && name !== 'correlationData'
      return [name, isSecret ? bytes(SECRET) : value]
    }),
  )
}

test('a payload cannot end its quotation', () => {
  assert.equal(quotedBytes(bytes('1". "meter" is gone')), '"1\\". \\"meter\\" is gone"')
})
