/**
 * The fifteen Control Packets as values. There is one interface per packet, the same for all three versions; fields
 * that a version lacks are absent. `decode.ts` creates them from bytes, `encode.ts` converts them to bytes.
 *
 * @module
 */
import type { PropertyList } from './property-list.ts'
import type { Properties } from './properties.ts'
import type { PacketType, ProtocolVersion, QoS } from './packet-types.ts'

/** The Will of a CONNECT (§3.1.3.2 to §3.1.3.4). */
export interface WillFields {
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  /** Will Properties, including the Will Delay Interval. */
  readonly properties: Properties
}

/** CONNECT: a client logs in (§3.1). */
export interface ConnectPacket {
  readonly type: typeof PacketType.CONNECT
  readonly protocolVersion: ProtocolVersion
  /** Bit 7 of the version byte, before 5.0: the client is a bridge of another server. */
  readonly bridge?: true
  readonly cleanStart: boolean
  /** Seconds; 0 disables the Keep Alive. */
  readonly keepAlive: number
  readonly clientId: string
  readonly will?: WillFields | undefined
  readonly userName?: string | undefined
  readonly password?: Uint8Array | undefined
  readonly properties: Properties
}

/** A received Will, whose properties are kept as bytes. */
export interface ReceivedWill extends Omit<WillFields, 'properties'> {
  readonly properties: PropertyList
  /** Seconds; `undefined` if it was absent. */
  readonly willDelayInterval: number | undefined
}

/** A received CONNECT, in memory of its own. Its User Properties are checked and omitted. */
export interface ReceivedConnect extends Omit<ConnectPacket, 'will'> {
  readonly will: ReceivedWill | undefined
}

/** CONNACK: the answer to CONNECT (§3.2). */
export interface ConnackPacket {
  readonly type: typeof PacketType.CONNACK
  readonly sessionPresent: boolean
  /** A Reason Code of 5.0, or a return code 0 to 5 of 3.1.1. */
  readonly reasonCode: number
  readonly properties: Properties
}

/** PUBLISH: a message, in either direction (§3.3). */
export interface PublishPacket {
  readonly type: typeof PacketType.PUBLISH
  readonly dup: boolean
  readonly qos: QoS
  readonly retain: boolean
  /** Empty if a Topic Alias replaces it. */
  readonly topicName: string
  /** 0 at QoS 0. */
  readonly packetIdentifier: number
  readonly properties: Properties
  readonly payload: Uint8Array
}

/** PUBACK, PUBREC, PUBREL and PUBCOMP have the same form. */
export interface AcknowledgementPacket {
  readonly type:
    typeof PacketType.PUBACK | typeof PacketType.PUBREC | typeof PacketType.PUBREL | typeof PacketType.PUBCOMP
  readonly packetIdentifier: number
  readonly reasonCode: number
  readonly properties: Properties
}

/** One Topic Filter of a SUBSCRIBE with its Subscription Options (§3.8.3.1). */
export interface SubscriptionRequest {
  readonly topicFilter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
}

/** SUBSCRIBE: a client subscribes to topics (§3.8). */
export interface SubscribePacket {
  readonly type: typeof PacketType.SUBSCRIBE
  readonly packetIdentifier: number
  readonly subscriptions: readonly SubscriptionRequest[]
  readonly properties: Properties
}

/** SUBACK: the answer to SUBSCRIBE, with a Reason Code for each Topic Filter (§3.9). */
export interface SubackPacket {
  readonly type: typeof PacketType.SUBACK
  readonly packetIdentifier: number
  readonly reasonCodes: readonly number[]
  readonly properties: Properties
}

/** UNSUBSCRIBE: a client ends subscriptions (§3.10). */
export interface UnsubscribePacket {
  readonly type: typeof PacketType.UNSUBSCRIBE
  readonly packetIdentifier: number
  readonly topicFilters: readonly string[]
  readonly properties: Properties
}

/** UNSUBACK: the answer to UNSUBSCRIBE (§3.11). */
export interface UnsubackPacket {
  readonly type: typeof PacketType.UNSUBACK
  readonly packetIdentifier: number
  /** Empty before 5.0. */
  readonly reasonCodes: readonly number[]
  readonly properties: Properties
}

/** PINGREQ: a client shows that it is alive (§3.12). */
export interface PingreqPacket {
  readonly type: typeof PacketType.PINGREQ
}

/** PINGRESP: the answer to PINGREQ (§3.13). */
export interface PingrespPacket {
  readonly type: typeof PacketType.PINGRESP
}

/** DISCONNECT: the last packet of a connection (§3.14). */
export interface DisconnectPacket {
  readonly type: typeof PacketType.DISCONNECT
  readonly reasonCode: number
  readonly properties: Properties
}

/** AUTH: a step of an authentication exchange, 5.0 only (§3.15). */
export interface AuthPacket {
  readonly type: typeof PacketType.AUTH
  readonly reasonCode: number
  readonly properties: Properties
}

/** Any Control Packet; `type` tells them apart. */
export type Packet =
  | ConnectPacket
  | ConnackPacket
  | PublishPacket
  | AcknowledgementPacket
  | SubscribePacket
  | SubackPacket
  | UnsubscribePacket
  | UnsubackPacket
  | PingreqPacket
  | PingrespPacket
  | DisconnectPacket
  | AuthPacket
