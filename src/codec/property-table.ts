/**
 * The table of the 27 properties (§2.2.2.2), which decoder, encoder, tests and manual read.
 *
 * @module
 */
import { PacketType, type PacketName } from './packet-types.ts'
import type { Properties } from './properties.ts'
import { ReasonCode } from './reason-code.ts'
import { maxVariableByteInteger } from './variable-byte-integer.ts'

/** The places of properties: a packet, or the Will in the payload of a CONNECT. */
export type PropertyHolder = Exclude<PacketName, 'PINGREQ' | 'PINGRESP'> | 'WILL'

/** The encoding of a value (§1.5). */
export type WireType =
  | 'Byte'
  | 'Two Byte Integer'
  | 'Four Byte Integer'
  | 'Variable Byte Integer'
  | 'UTF-8 Encoded String'
  | 'Binary Data'
  | 'UTF-8 String Pair'

/** One row of the table of properties. */
export interface PropertyRow {
  readonly id: number
  /** The name of its field in `Properties`. */
  readonly key: keyof Properties
  /** The standard's name. */
  readonly name: string
  readonly type: WireType
  readonly holders: readonly PropertyHolder[]
  /** Where it may occur more than once; elsewhere a repetition is a Protocol Error. */
  readonly repeatableIn: readonly PropertyHolder[]
  /** Limits of the value that are stricter than those of the type. */
  readonly minimum: number
  readonly maximum: number
  /** The Reason Code for a value beyond these limits. */
  readonly breach: ReasonCode
}

/** Limits of a value; an omitted one is that of the type. */
type Limits = Partial<Pick<PropertyRow, 'minimum' | 'maximum' | 'breach'>>

/** The largest value of each type that is a number (§1.5). */
export const largestOfType: Partial<Record<WireType, number>> = {
  Byte: 0xff,
  'Two Byte Integer': 0xffff,
  'Four Byte Integer': 0xffffffff,
  'Variable Byte Integer': maxVariableByteInteger,
}

const flag: Limits = { maximum: 1 }
const notZero: Limits = { minimum: 1 }

function row(
  id: number,
  key: keyof Properties,
  name: string,
  type: WireType,
  holders: string,
  limits: Limits = {},
  repeatableIn = '',
): PropertyRow {
  return {
    id,
    key,
    name,
    type,
    holders: holders.split(' ') as PropertyHolder[],
    repeatableIn: repeatableIn.split(' ').filter(Boolean) as PropertyHolder[],
    minimum: limits.minimum ?? 0,
    maximum: limits.maximum ?? largestOfType[type] ?? 0,
    breach: limits.breach ?? ReasonCode.ProtocolError,
  }
}

const everyHolder =
  'CONNECT CONNACK PUBLISH WILL PUBACK PUBREC PUBREL PUBCOMP SUBSCRIBE SUBACK UNSUBSCRIBE UNSUBACK DISCONNECT AUTH'
const answers = 'CONNACK PUBACK PUBREC PUBREL PUBCOMP SUBACK UNSUBACK DISCONNECT AUTH'

/** The 27 properties, by identifier. */
export const propertyTable: readonly PropertyRow[] = [
  row(0x01, 'payloadFormatIndicator', 'Payload Format Indicator', 'Byte', 'PUBLISH WILL', flag),
  row(0x02, 'messageExpiryInterval', 'Message Expiry Interval', 'Four Byte Integer', 'PUBLISH WILL'),
  row(0x03, 'contentType', 'Content Type', 'UTF-8 Encoded String', 'PUBLISH WILL'),
  row(0x08, 'responseTopic', 'Response Topic', 'UTF-8 Encoded String', 'PUBLISH WILL'),
  row(0x09, 'correlationData', 'Correlation Data', 'Binary Data', 'PUBLISH WILL'),
  row(
    0x0b,
    'subscriptionIdentifiers',
    'Subscription Identifier',
    'Variable Byte Integer',
    'PUBLISH SUBSCRIBE',
    notZero,
    'PUBLISH',
  ),
  row(0x11, 'sessionExpiryInterval', 'Session Expiry Interval', 'Four Byte Integer', 'CONNECT CONNACK DISCONNECT'),
  row(0x12, 'assignedClientIdentifier', 'Assigned Client Identifier', 'UTF-8 Encoded String', 'CONNACK'),
  row(0x13, 'serverKeepAlive', 'Server Keep Alive', 'Two Byte Integer', 'CONNACK'),
  row(0x15, 'authenticationMethod', 'Authentication Method', 'UTF-8 Encoded String', 'CONNECT CONNACK AUTH'),
  row(0x16, 'authenticationData', 'Authentication Data', 'Binary Data', 'CONNECT CONNACK AUTH'),
  row(0x17, 'requestProblemInformation', 'Request Problem Information', 'Byte', 'CONNECT', flag),
  row(0x18, 'willDelayInterval', 'Will Delay Interval', 'Four Byte Integer', 'WILL'),
  row(0x19, 'requestResponseInformation', 'Request Response Information', 'Byte', 'CONNECT', flag),
  row(0x1a, 'responseInformation', 'Response Information', 'UTF-8 Encoded String', 'CONNACK'),
  row(0x1c, 'serverReference', 'Server Reference', 'UTF-8 Encoded String', 'CONNACK DISCONNECT'),
  row(0x1f, 'reasonString', 'Reason String', 'UTF-8 Encoded String', answers),
  row(0x21, 'receiveMaximum', 'Receive Maximum', 'Two Byte Integer', 'CONNECT CONNACK', notZero),
  row(0x22, 'topicAliasMaximum', 'Topic Alias Maximum', 'Two Byte Integer', 'CONNECT CONNACK'),
  row(0x23, 'topicAlias', 'Topic Alias', 'Two Byte Integer', 'PUBLISH', {
    minimum: 1,
    breach: ReasonCode.TopicAliasInvalid,
  }),
  row(0x24, 'maximumQoS', 'Maximum QoS', 'Byte', 'CONNACK', flag),
  row(0x25, 'retainAvailable', 'Retain Available', 'Byte', 'CONNACK', flag),
  row(0x26, 'userProperties', 'User Property', 'UTF-8 String Pair', everyHolder, {}, everyHolder),
  row(0x27, 'maximumPacketSize', 'Maximum Packet Size', 'Four Byte Integer', 'CONNECT CONNACK', notZero),
  row(0x28, 'wildcardSubscriptionAvailable', 'Wildcard Subscription Available', 'Byte', 'CONNACK', flag),
  row(0x29, 'subscriptionIdentifierAvailable', 'Subscription Identifier Available', 'Byte', 'CONNACK', flag),
  row(0x2a, 'sharedSubscriptionAvailable', 'Shared Subscription Available', 'Byte', 'CONNACK', flag),
]

/** The rules of one holder: its rows, and as bits by row number which are allowed and which may repeat. */
export interface HolderRules {
  readonly holder: PropertyHolder
  readonly rows: readonly PropertyRow[]
  readonly allowed: number
  readonly repeatable: number
}

function rulesOf(holder: PropertyHolder): HolderRules {
  const bits = (has: (entry: PropertyRow) => boolean): number =>
    propertyTable.reduce((mask, entry, index) => (has(entry) ? mask | (1 << index) : mask), 0)
  return {
    holder,
    rows: propertyTable.filter((entry) => entry.holders.includes(holder)),
    allowed: bits((entry) => entry.holders.includes(holder)),
    repeatable: bits((entry) => entry.repeatableIn.includes(holder)),
  }
}

/** The rules of each holder. */
export const holderRules = Object.fromEntries(
  (Object.keys(PacketType) as PacketName[])
    .filter((name) => name !== 'PINGREQ' && name !== 'PINGRESP')
    .concat('WILL' as never)
    .map((holder) => [holder, rulesOf(holder as PropertyHolder)]),
) as Record<PropertyHolder, HolderRules>

/** Row number by identifier; -1 if no property has it. */
export const rowNumbers: Int8Array = new Int8Array(0x2b).fill(-1)
for (const [number, { id }] of propertyTable.entries()) rowNumbers[id] = number

/** Row number by field. */
export const rowNumberOf = Object.fromEntries(propertyTable.map(({ key }, number) => [key, number])) as Readonly<
  Record<keyof Properties, number>
>
