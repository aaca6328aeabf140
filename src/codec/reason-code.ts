/**
 * The Reason Codes of MQTT 5.0 (§2.4) and the return codes of 3.1.1 (3.1.1 §3.2.2.3) as one table: the packets that may
 * contain each, and who may send it in a DISCONNECT. Code, tests and manual read this table.
 *
 * @module
 */
import { PacketType, type PacketName, type Sender } from './packet-types.ts'

/** Every Reason Code by name. The standard has three names for 0x00; `Success` represents all of them. */
export const ReasonCode = {
  Success: 0x00,
  GrantedQoS0: 0x00,
  GrantedQoS1: 0x01,
  GrantedQoS2: 0x02,
  DisconnectWithWillMessage: 0x04,
  NoMatchingSubscribers: 0x10,
  NoSubscriptionExisted: 0x11,
  ContinueAuthentication: 0x18,
  ReAuthenticate: 0x19,
  UnspecifiedError: 0x80,
  MalformedPacket: 0x81,
  ProtocolError: 0x82,
  ImplementationSpecificError: 0x83,
  UnsupportedProtocolVersion: 0x84,
  ClientIdentifierNotValid: 0x85,
  BadUserNameOrPassword: 0x86,
  NotAuthorized: 0x87,
  ServerUnavailable: 0x88,
  ServerBusy: 0x89,
  Banned: 0x8a,
  ServerShuttingDown: 0x8b,
  BadAuthenticationMethod: 0x8c,
  KeepAliveTimeout: 0x8d,
  SessionTakenOver: 0x8e,
  TopicFilterInvalid: 0x8f,
  TopicNameInvalid: 0x90,
  PacketIdentifierInUse: 0x91,
  PacketIdentifierNotFound: 0x92,
  ReceiveMaximumExceeded: 0x93,
  TopicAliasInvalid: 0x94,
  PacketTooLarge: 0x95,
  MessageRateTooHigh: 0x96,
  QuotaExceeded: 0x97,
  AdministrativeAction: 0x98,
  PayloadFormatInvalid: 0x99,
  RetainNotSupported: 0x9a,
  QoSNotSupported: 0x9b,
  UseAnotherServer: 0x9c,
  ServerMoved: 0x9d,
  SharedSubscriptionsNotSupported: 0x9e,
  ConnectionRateExceeded: 0x9f,
  MaximumConnectTime: 0xa0,
  SubscriptionIdentifiersNotSupported: 0xa1,
  WildcardSubscriptionsNotSupported: 0xa2,
} as const

export type ReasonCode = (typeof ReasonCode)[keyof typeof ReasonCode]

/** A packet that contains Reason Codes. */
export type ReasonCodePacket = Extract<
  PacketName,
  'CONNACK' | 'PUBACK' | 'PUBREC' | 'PUBREL' | 'PUBCOMP' | 'SUBACK' | 'UNSUBACK' | 'DISCONNECT' | 'AUTH'
>

/** One row of the table of Reason Codes. */
export interface ReasonCodeRow {
  readonly code: ReasonCode
  /** The standard's name. */
  readonly name: string
  /** The standard's name in packets where it differs. */
  readonly nameIn: Readonly<Partial<Record<ReasonCodePacket, string>>>
  readonly packets: readonly ReasonCodePacket[]
  /** Packets in which only one side may send it; in the others, any sender of the packet may. */
  readonly onlyBy: Readonly<Partial<Record<ReasonCodePacket, Sender>>>
  /**
   * The return code in a CONNACK of 3.1.1; absent if none fits, in which case the connection is only closed [3.1.1
   * MQTT-3.2.2-6].
   */
  readonly returnCode: number | undefined
}

function row(
  code: ReasonCode,
  name: string,
  packets: string,
  more: Partial<Pick<ReasonCodeRow, 'nameIn' | 'onlyBy' | 'returnCode'>> = {},
): ReasonCodeRow {
  const { nameIn = {}, onlyBy = {}, returnCode } = more
  return { code, name, nameIn, packets: packets.split(' ') as ReasonCodePacket[], onlyBy, returnCode }
}

const serverEnds = { DISCONNECT: 'server' } as const

/** The 43 Reason Codes (§2.4 and the tables of chapter 3). */
export const reasonCodes: readonly ReasonCodeRow[] = [
  row(0x00, 'Success', 'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH', {
    nameIn: { SUBACK: 'Granted QoS 0', DISCONNECT: 'Normal disconnection' },
    onlyBy: { AUTH: 'server' },
  }),
  row(0x01, 'Granted QoS 1', 'SUBACK'),
  row(0x02, 'Granted QoS 2', 'SUBACK'),
  row(0x04, 'Disconnect with Will Message', 'DISCONNECT', { onlyBy: { DISCONNECT: 'client' } }),
  row(0x10, 'No matching subscribers', 'PUBACK PUBREC', { onlyBy: { PUBACK: 'server', PUBREC: 'server' } }),
  row(0x11, 'No subscription existed', 'UNSUBACK'),
  row(0x18, 'Continue authentication', 'AUTH'),
  row(0x19, 'Re-authenticate', 'AUTH', { onlyBy: { AUTH: 'client' } }),
  row(0x80, 'Unspecified error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'),
  row(0x81, 'Malformed Packet', 'CONNACK DISCONNECT'),
  row(0x82, 'Protocol Error', 'CONNACK DISCONNECT'),
  row(0x83, 'Implementation specific error', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT'),
  row(0x84, 'Unsupported Protocol Version', 'CONNACK', { returnCode: 1 }),
  row(0x85, 'Client Identifier not valid', 'CONNACK', { returnCode: 2 }),
  row(0x86, 'Bad User Name or Password', 'CONNACK', { returnCode: 4 }),
  row(0x87, 'Not authorized', 'CONNACK PUBACK PUBREC SUBACK UNSUBACK DISCONNECT', {
    onlyBy: serverEnds,
    returnCode: 5,
  }),
  row(0x88, 'Server unavailable', 'CONNACK', { returnCode: 3 }),
  row(0x89, 'Server busy', 'CONNACK DISCONNECT', { onlyBy: serverEnds, returnCode: 3 }),
  row(0x8a, 'Banned', 'CONNACK', { returnCode: 5 }),
  row(0x8b, 'Server shutting down', 'DISCONNECT', { onlyBy: serverEnds }),
  // The common list of §2.4 includes DISCONNECT; table 3-10, to which [5.0 MQTT-3.14.2-1] refers, does not.
  row(0x8c, 'Bad authentication method', 'CONNACK'),
  row(0x8d, 'Keep Alive timeout', 'DISCONNECT', { onlyBy: serverEnds }),
  row(0x8e, 'Session taken over', 'DISCONNECT', { onlyBy: serverEnds }),
  row(0x8f, 'Topic Filter invalid', 'SUBACK UNSUBACK DISCONNECT', { onlyBy: serverEnds }),
  row(0x90, 'Topic Name invalid', 'CONNACK PUBACK PUBREC DISCONNECT'),
  row(0x91, 'Packet Identifier in use', 'PUBACK PUBREC SUBACK UNSUBACK'),
  row(0x92, 'Packet Identifier not found', 'PUBREL PUBCOMP'),
  row(0x93, 'Receive Maximum exceeded', 'DISCONNECT'),
  row(0x94, 'Topic Alias invalid', 'DISCONNECT'),
  row(0x95, 'Packet too large', 'CONNACK DISCONNECT'),
  row(0x96, 'Message rate too high', 'DISCONNECT'),
  row(0x97, 'Quota exceeded', 'CONNACK PUBACK PUBREC SUBACK DISCONNECT', { returnCode: 3 }),
  row(0x98, 'Administrative action', 'DISCONNECT'),
  row(0x99, 'Payload format invalid', 'CONNACK PUBACK PUBREC DISCONNECT'),
  row(0x9a, 'Retain not supported', 'CONNACK DISCONNECT', { onlyBy: serverEnds }),
  // Table 3-10 assigns it to the Server only, but §3.3.4 requires a Client to send it.
  row(0x9b, 'QoS not supported', 'CONNACK DISCONNECT'),
  row(0x9c, 'Use another server', 'CONNACK DISCONNECT', { onlyBy: serverEnds, returnCode: 3 }),
  row(0x9d, 'Server moved', 'CONNACK DISCONNECT', { onlyBy: serverEnds, returnCode: 3 }),
  row(0x9e, 'Shared Subscriptions not supported', 'SUBACK DISCONNECT', { onlyBy: serverEnds }),
  row(0x9f, 'Connection rate exceeded', 'CONNACK DISCONNECT', { onlyBy: serverEnds, returnCode: 3 }),
  row(0xa0, 'Maximum connect time', 'DISCONNECT', { onlyBy: serverEnds }),
  row(0xa1, 'Subscription Identifiers not supported', 'SUBACK DISCONNECT', { onlyBy: serverEnds }),
  row(0xa2, 'Wildcard Subscriptions not supported', 'SUBACK DISCONNECT', { onlyBy: serverEnds }),
]

/** The return codes of CONNACK before 5.0, by value from 0 up (3.1.1 §3.2.2.3). */
export const connectReturnCodes: readonly string[] = [
  'Connection Accepted',
  'Connection Refused, unacceptable protocol version',
  'Connection Refused, identifier rejected',
  'Connection Refused, Server unavailable',
  'Connection Refused, bad user name or password',
  'Connection Refused, not authorized',
]

const byClient = 1
const byServer = 2

/** For each packet type and code, who may send it, as bits. */
const allowed = compile()

function compile(): Uint8Array {
  const table = new Uint8Array(16 * 256)
  for (const { code, packets, onlyBy } of reasonCodes) {
    for (const packet of packets) {
      const only = onlyBy[packet]
      table[PacketType[packet] * 256 + code] = (only === 'server' ? 0 : byClient) | (only === 'client' ? 0 : byServer)
    }
  }
  return table
}

/**
 * Whether `code` is allowed in a 5.0 packet of this type from this side.
 *
 * @example
 * isReasonCodeAllowed(14, 0x8e, 'client') // false: only a Server may send "Session taken over"
 */
export function isReasonCodeAllowed(packetType: PacketType, code: number, sender: Sender): code is ReasonCode {
  return (allowed[packetType * 256 + code]! & (sender === 'client' ? byClient : byServer)) !== 0
}

const rowsByCode = new Map<number, ReasonCodeRow>(reasonCodes.map((entry) => [entry.code, entry]))

/**
 * The standard's name for a Reason Code, for log lines and pages.
 *
 * @example
 * reasonCodeName(0x00, 'DISCONNECT') // 'Normal disconnection'
 */
export function reasonCodeName(code: number, packet?: ReasonCodePacket): string {
  const found = rowsByCode.get(code)
  if (found === undefined) return `0x${code.toString(16).padStart(2, '0')}`
  return (packet && found.nameIn[packet]) ?? found.name
}

/**
 * The return code in a CONNACK of 3.1 or 3.1.1 for a Reason Code of 5.0.
 *
 * @returns 0 to 5, or `undefined` if none fits and the connection is only closed [3.1.1 MQTT-3.2.2-6]
 *
 * @example
 * toReturnCode(0x89) // 3: busy is "Server unavailable"
 */
export function toReturnCode(reasonCode: ReasonCode): number | undefined {
  return reasonCode === ReasonCode.Success ? 0 : rowsByCode.get(reasonCode)?.returnCode
}
