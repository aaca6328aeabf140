/** The fifteen types of Control Packets and their rules (§2.1). @module */

/** 3 is MQTT 3.1 (MQIsdp), 4 is 3.1.1, 5 is 5.0: the value in CONNECT. */
export type ProtocolVersion = 3 | 4 | 5

/** The Quality of Service of a message: at most once, at least once, exactly once (§4.3). */
export type QoS = 0 | 1 | 2

/** Control Packet types (§2.1.2): the high half of a packet's first byte. */
export const PacketType = {
  CONNECT: 1,
  CONNACK: 2,
  PUBLISH: 3,
  PUBACK: 4,
  PUBREC: 5,
  PUBREL: 6,
  PUBCOMP: 7,
  SUBSCRIBE: 8,
  SUBACK: 9,
  UNSUBSCRIBE: 10,
  UNSUBACK: 11,
  PINGREQ: 12,
  PINGRESP: 13,
  DISCONNECT: 14,
  AUTH: 15,
} as const
/** The number of a Control Packet type. */
export type PacketType = (typeof PacketType)[keyof typeof PacketType]
/** The name of a Control Packet type. */
export type PacketName = keyof typeof PacketType

/** The side of the Network Connection that sends a packet. */
export type Sender = 'client' | 'server'

/** One row of the table of Control Packets. */
export interface PacketTypeRow {
  readonly name: PacketName
  readonly value: PacketType
  readonly sentBy: Sender | 'both'
  /** The required value of the low half of the first byte; `undefined` if it contains DUP, QoS and RETAIN. */
  readonly flags: number | undefined
  /** `qos`: only at QoS 1 and 2. */
  readonly packetIdentifier: 'never' | 'always' | 'qos'
  /** Whether 5.0 gives it properties. */
  readonly hasProperties: boolean
  /** The first version that defines it. */
  readonly since: ProtocolVersion
}

function row(
  name: PacketName,
  sentBy: Sender | 'both',
  flags: number | undefined,
  packetIdentifier: 'never' | 'always' | 'qos',
  hasProperties = true,
  since: ProtocolVersion = 3,
): PacketTypeRow {
  return { name, value: PacketType[name], sentBy, flags, packetIdentifier, hasProperties, since }
}

/** The fifteen Control Packets (§2.1.2, §2.1.3), by value from 1 up. */
export const packetTypes: readonly PacketTypeRow[] = [
  row('CONNECT', 'client', 0b0000, 'never'),
  row('CONNACK', 'server', 0b0000, 'never'),
  row('PUBLISH', 'both', undefined, 'qos'),
  row('PUBACK', 'both', 0b0000, 'always'),
  row('PUBREC', 'both', 0b0000, 'always'),
  row('PUBREL', 'both', 0b0010, 'always'),
  row('PUBCOMP', 'both', 0b0000, 'always'),
  row('SUBSCRIBE', 'client', 0b0010, 'always'),
  row('SUBACK', 'server', 0b0000, 'always'),
  row('UNSUBSCRIBE', 'client', 0b0010, 'always'),
  row('UNSUBACK', 'server', 0b0000, 'always'),
  row('PINGREQ', 'client', 0b0000, 'never', false),
  row('PINGRESP', 'server', 0b0000, 'never', false),
  row('DISCONNECT', 'both', 0b0000, 'never'),
  row('AUTH', 'both', 0b0000, 'never', true, 5),
]
