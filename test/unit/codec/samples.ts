/**
 * Valid packets as bytes and as values, for both directions and all versions: what is decoded, encoded, cut and bent.
 */
import { type Packet } from '../../../src/codec/packets.ts'
import { PacketType, type ProtocolVersion, type Sender } from '../../../src/codec/packet-types.ts'
import { allVersions } from './packet-bytes.ts'

export interface Sample {
  readonly name: string
  readonly version: ProtocolVersion
  readonly sender: Sender
  /** In the notation of `packet-bytes.ts`. */
  readonly bytes: string
  readonly packet: Packet
  /** Lengths of the body, shorter than its own, at which it is valid too; from `validFrom` on all are. */
  readonly validCuts: readonly number[]
  readonly validFrom: number
}

const properties = {}
const { CONNECT, CONNACK, PUBLISH, PUBACK, PUBREC, PUBREL, PUBCOMP, SUBSCRIBE } = PacketType
const { SUBACK, UNSUBSCRIBE, UNSUBACK, PINGREQ, PINGRESP, DISCONNECT, AUTH } = PacketType

type Cuts = { readonly validCuts?: readonly number[]; readonly validFrom?: number }

function sample(
  versions: readonly ProtocolVersion[],
  sender: Sender | 'both',
  name: string,
  bytes: string,
  packet: Packet,
  { validCuts = [], validFrom = Infinity }: Cuts = {},
): Sample[] {
  const senders: readonly Sender[] = sender === 'both' ? ['client', 'server'] : [sender]
  return versions.flatMap((version) =>
    senders.map((each) => ({
      name: `${name} (version ${version}, ${each})`,
      version,
      sender: each,
      bytes,
      packet,
      validCuts,
      validFrom,
    })),
  )
}

const subscription = { noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
const will = { topicName: 'w', payload: Uint8Array.of(1, 2), qos: 2, retain: true, properties } as const
const password = Uint8Array.of(0, 255)

const before5 = [3, 4] as const

export const samples: readonly Sample[] = [
  // CONNECT
  ...sample([3], 'client', 'CONNECT', '10 * "MQIsdp" 03 02 003c "id"', {
    type: CONNECT,
    protocolVersion: 3,
    cleanStart: true,
    keepAlive: 60,
    clientId: 'id',
    properties,
  }),
  ...sample(
    [3],
    'client',
    'CONNECT with everything',
    '10 * "MQIsdp" 03 f6 ffff "id" "w" 0002 0102 "user" 0002 00ff',
    {
      type: CONNECT,
      protocolVersion: 3,
      cleanStart: true,
      keepAlive: 65_535,
      clientId: 'id',
      will,
      userName: 'user',
      password,
      properties,
    },
    // Either credential may be missing in 3.1 although its flag is set.
    { validCuts: [23, 29] },
  ),
  ...sample([4], 'client', 'CONNECT', '10 * "MQTT" 04 00 0000 ""', {
    type: CONNECT,
    protocolVersion: 4,
    cleanStart: false,
    keepAlive: 0,
    clientId: '',
    properties,
  }),
  ...sample([4], 'client', 'CONNECT with everything', '10 * "MQTT" 04 f6 003c "id" "w" 0002 0102 "user" 0002 00ff', {
    type: CONNECT,
    protocolVersion: 4,
    cleanStart: true,
    keepAlive: 60,
    clientId: 'id',
    will,
    userName: 'user',
    password,
    properties,
  }),
  ...sample([5], 'client', 'CONNECT', '10 * "MQTT" 05 02 000a 00 "id"', {
    type: CONNECT,
    protocolVersion: 5,
    cleanStart: true,
    keepAlive: 10,
    clientId: 'id',
    properties,
  }),
  ...sample(
    [5],
    'client',
    'CONNECT with everything',
    `10 * "MQTT" 05 f6 000a
      {11 ffffffff 15 "m" 16 0002 0102 17 00 19 01 21 0001 22 000a 26 "a" "b" 27 00010000}
      "id"
      {01 01 02 00000010 03 "t" 08 "r" 09 0001 07 18 00000005}
      "w" 0002 0102 "user" 0002 00ff`,
    {
      type: CONNECT,
      protocolVersion: 5,
      cleanStart: true,
      keepAlive: 10,
      clientId: 'id',
      will: {
        ...will,
        properties: {
          payloadFormatIndicator: 1,
          messageExpiryInterval: 16,
          contentType: 't',
          responseTopic: 'r',
          correlationData: Uint8Array.of(7),
          willDelayInterval: 5,
        },
      },
      userName: 'user',
      password,
      properties: {
        sessionExpiryInterval: 0xffffffff,
        authenticationMethod: 'm',
        authenticationData: Uint8Array.of(1, 2),
        requestProblemInformation: 0,
        requestResponseInformation: 1,
        receiveMaximum: 1,
        topicAliasMaximum: 10,
        userProperties: [['a', 'b']],
        maximumPacketSize: 65_536,
      },
    },
  ),
  ...sample([5], 'client', 'CONNECT with a password and no user name', '10 * "MQTT" 05 40 0000 00 "" 0002 00ff', {
    type: CONNECT,
    protocolVersion: 5,
    cleanStart: false,
    keepAlive: 0,
    clientId: '',
    password,
    properties,
  }),

  // CONNACK
  ...sample(before5, 'server', 'CONNACK', '20 * 00 05', {
    type: CONNACK,
    sessionPresent: false,
    reasonCode: 5,
    properties,
  }),
  ...sample([4], 'server', 'CONNACK with Session Present', '20 * 01 00', {
    type: CONNACK,
    sessionPresent: true,
    reasonCode: 0,
    properties,
  }),
  ...sample([5], 'server', 'CONNACK', '20 * 00 87 00', {
    type: CONNACK,
    sessionPresent: false,
    reasonCode: 0x87,
    properties,
  }),
  ...sample(
    [5],
    'server',
    'CONNACK with everything',
    `20 * 01 00 {11 00000001 12 "c" 13 0002 15 "m" 16 0001 09 1a "i" 1c "s" 1f "r" 21 0003 22 0004 24 01 25 00
      26 "a" "b" 26 "a" "c" 27 00000005 28 00 29 01 2a 00}`,
    {
      type: CONNACK,
      sessionPresent: true,
      reasonCode: 0,
      properties: {
        sessionExpiryInterval: 1,
        assignedClientIdentifier: 'c',
        serverKeepAlive: 2,
        authenticationMethod: 'm',
        authenticationData: Uint8Array.of(9),
        responseInformation: 'i',
        serverReference: 's',
        reasonString: 'r',
        receiveMaximum: 3,
        topicAliasMaximum: 4,
        maximumQoS: 1,
        retainAvailable: 0,
        userProperties: [
          ['a', 'b'],
          ['a', 'c'],
        ],
        maximumPacketSize: 5,
        wildcardSubscriptionAvailable: 0,
        subscriptionIdentifierAvailable: 1,
        sharedSubscriptionAvailable: 0,
      },
    },
  ),

  // PUBLISH
  ...sample(
    before5,
    'both',
    'PUBLISH QoS 0',
    '31 * "a/b" 6869',
    {
      type: PUBLISH,
      dup: false,
      qos: 0,
      retain: true,
      topicName: 'a/b',
      packetIdentifier: 0,
      properties,
      payload: Uint8Array.of(0x68, 0x69),
    },
    { validFrom: 5 },
  ),
  ...sample(
    before5,
    'both',
    'PUBLISH QoS 2',
    '3c * "a/b" ffff 6869',
    {
      type: PUBLISH,
      dup: true,
      qos: 2,
      retain: false,
      topicName: 'a/b',
      packetIdentifier: 0xffff,
      properties,
      payload: Uint8Array.of(0x68, 0x69),
    },
    { validFrom: 7 },
  ),
  ...sample(
    [5],
    'both',
    'PUBLISH QoS 1',
    '32 * "a" 0001 00',
    {
      type: PUBLISH,
      dup: false,
      qos: 1,
      retain: false,
      topicName: 'a',
      packetIdentifier: 1,
      properties,
      payload: new Uint8Array(0),
    },
    { validFrom: 6 },
  ),
  ...sample(
    [5],
    'server',
    'PUBLISH with everything',
    '3b * "" 0102 {01 01 02 00000010 03 "t" 08 "r" 09 0001 07 0b 01 0b ac02 23 0001 26 "a" "b"} 68',
    {
      type: PUBLISH,
      dup: true,
      qos: 1,
      retain: true,
      topicName: '',
      packetIdentifier: 0x0102,
      properties: {
        payloadFormatIndicator: 1,
        messageExpiryInterval: 16,
        contentType: 't',
        responseTopic: 'r',
        correlationData: Uint8Array.of(7),
        subscriptionIdentifiers: [1, 300],
        topicAlias: 1,
        userProperties: [['a', 'b']],
      },
      payload: Uint8Array.of(0x68),
    },
    { validFrom: 39 },
  ),

  // PUBACK, PUBREC, PUBREL, PUBCOMP
  ...([PUBACK, PUBREC, PUBREL, PUBCOMP] as const).flatMap((type) => {
    const firstByte = ((type << 4) | (type === PUBREL ? 2 : 0)).toString(16)
    const refusal = type === PUBACK || type === PUBREC ? 0x87 : 0x92
    const code = refusal.toString(16)
    const name = `acknowledgement ${firstByte}`
    return [
      ...sample(allVersions, 'both', name, `${firstByte} * 0001`, {
        type,
        packetIdentifier: 1,
        reasonCode: 0,
        properties,
      }),
      ...sample(
        [5],
        'both',
        `${name} with a code`,
        `${firstByte} * 0001 ${code}`,
        { type, packetIdentifier: 1, reasonCode: refusal, properties },
        { validCuts: [2] },
      ),
      ...sample(
        [5],
        'both',
        `${name} with everything`,
        `${firstByte} * 0001 ${code} {1f "r" 26 "a" "b"}`,
        {
          type,
          packetIdentifier: 1,
          reasonCode: refusal,
          properties: { reasonString: 'r', userProperties: [['a', 'b']] },
        },
        { validCuts: [2, 3] },
      ),
    ]
  }),

  // SUBSCRIBE and SUBACK
  ...sample(
    before5,
    'client',
    'SUBSCRIBE',
    '82 * 000a "a" 01 "#" 02',
    {
      type: SUBSCRIBE,
      packetIdentifier: 10,
      subscriptions: [
        { topicFilter: 'a', qos: 1, ...subscription },
        { topicFilter: '#', qos: 2, ...subscription },
      ],
      properties,
    },
    { validCuts: [6] },
  ),
  ...sample(
    [5],
    'client',
    'SUBSCRIBE',
    '82 * 000a {0b ac02 26 "a" "b"} "a" 2d "$share/g/a" 1a',
    {
      type: SUBSCRIBE,
      packetIdentifier: 10,
      subscriptions: [
        { topicFilter: 'a', qos: 1, noLocal: true, retainAsPublished: true, retainHandling: 2 },
        { topicFilter: '$share/g/a', qos: 2, noLocal: false, retainAsPublished: true, retainHandling: 1 },
      ],
      properties: { subscriptionIdentifiers: [300], userProperties: [['a', 'b']] },
    },
    { validCuts: [17] },
  ),
  ...sample(
    [3],
    'server',
    'SUBACK',
    '90 * 000a 00 01 02',
    { type: SUBACK, packetIdentifier: 10, reasonCodes: [0, 1, 2], properties },
    { validCuts: [3, 4] },
  ),
  ...sample(
    [4],
    'server',
    'SUBACK',
    '90 * 000a 00 80',
    { type: SUBACK, packetIdentifier: 10, reasonCodes: [0, 0x80], properties },
    { validCuts: [3] },
  ),
  ...sample(
    [5],
    'server',
    'SUBACK',
    '90 * 000a {1f "r" 26 "a" "b"} 00 9e',
    {
      type: SUBACK,
      packetIdentifier: 10,
      reasonCodes: [0, 0x9e],
      properties: { reasonString: 'r', userProperties: [['a', 'b']] },
    },
    { validCuts: [15] },
  ),

  // UNSUBSCRIBE and UNSUBACK
  ...sample(
    before5,
    'client',
    'UNSUBSCRIBE',
    'a2 * 000a "a" "#"',
    { type: UNSUBSCRIBE, packetIdentifier: 10, topicFilters: ['a', '#'], properties },
    { validCuts: [5] },
  ),
  ...sample(
    [5],
    'client',
    'UNSUBSCRIBE',
    'a2 * 000a {26 "a" "b"} "a" "#"',
    {
      type: UNSUBSCRIBE,
      packetIdentifier: 10,
      topicFilters: ['a', '#'],
      properties: { userProperties: [['a', 'b']] },
    },
    { validCuts: [13] },
  ),
  ...sample(before5, 'server', 'UNSUBACK', 'b0 * 000a', {
    type: UNSUBACK,
    packetIdentifier: 10,
    reasonCodes: [],
    properties,
  }),
  ...sample(
    [5],
    'server',
    'UNSUBACK',
    'b0 * 000a 00 11 87',
    { type: UNSUBACK, packetIdentifier: 10, reasonCodes: [0x11, 0x87], properties },
    { validCuts: [4] },
  ),

  // PINGREQ, PINGRESP, DISCONNECT, AUTH
  ...sample(allVersions, 'client', 'PINGREQ', 'c0 *', { type: PINGREQ }),
  ...sample(allVersions, 'server', 'PINGRESP', 'd0 *', { type: PINGRESP }),
  ...sample(allVersions, 'client', 'DISCONNECT', 'e0 *', { type: DISCONNECT, reasonCode: 0, properties }),
  ...sample(
    [5],
    'server',
    'DISCONNECT',
    'e0 * 8e',
    { type: DISCONNECT, reasonCode: 0x8e, properties },
    { validCuts: [0] },
  ),
  ...sample(
    [5],
    'client',
    'DISCONNECT with everything',
    'e0 * 04 {11 00000009 1f "r" 26 "a" "b"}',
    {
      type: DISCONNECT,
      reasonCode: 4,
      properties: { sessionExpiryInterval: 9, reasonString: 'r', userProperties: [['a', 'b']] },
    },
    { validCuts: [0, 1] },
  ),
  ...sample(
    [5],
    'server',
    'DISCONNECT with everything',
    'e0 * 9d {1c "s" 1f "r"}',
    { type: DISCONNECT, reasonCode: 0x9d, properties: { serverReference: 's', reasonString: 'r' } },
    { validCuts: [0, 1] },
  ),
  ...sample([5], 'both', 'AUTH', 'f0 * 18 {15 "m" 16 0003 010203}', {
    type: AUTH,
    reasonCode: 0x18,
    properties: { authenticationMethod: 'm', authenticationData: Uint8Array.of(1, 2, 3) },
  }),
]
