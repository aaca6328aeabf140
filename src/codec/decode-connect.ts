/**
 * Decodes CONNECT (§3.1), the packet that determines the version of all later ones.
 *
 *   name | version | Connect Flags | Keep Alive | [properties] || ClientID | [Will] | [User Name] | [Password]
 *
 * Name and version come first, so an error after them can still be answered in that version: see `ConnectError`.
 *
 * @module
 */
import { type ConnectPacket, type ReceivedConnect, type ReceivedWill, type WillFields } from './packets.ts'
import { PacketType, type ProtocolVersion, type QoS } from './packet-types.ts'
import { noPacketLimits, type PacketLimits } from './packet-limits.ts'
import { noProperties } from './properties.ts'
import { checkProperties, FoundProperties, readFourBytes } from './property-check.ts'
import { noPropertyList, PropertyList } from './property-list.ts'
import { readProperties } from './property-reader.ts'
import { ConnectError, forbidden, malformed, ProtocolError, UnsupportedVersionError } from './protocol-error.ts'
import { Reader, refuseWildcard } from './reader.ts'

/** Connect Flags (§3.1.2.3). */
const Flag = {
  reserved: 0b0000_0001,
  cleanStart: 0b0000_0010,
  will: 0b0000_0100,
  willQoS: 0b0001_1000,
  willRetain: 0b0010_0000,
  password: 0b0100_0000,
  userName: 0b1000_0000,
} as const

/**
 * Set in the version byte by bridges of 3.1 and 3.1.1: Mosquitto's sets it unless configured with `try_private false`.
 * The standards do not define it; any other unknown version byte stays unsupported.
 */
const BRIDGE = 0x80

/** Shared by all calls: it is read before the next list is checked. */
const found = new FoundProperties()

/**
 * Decodes the CONNECT whose variable header begins at `bodyStart`. Everything that is kept is copied.
 *
 * @param readsUserProperties whether the User Properties of the CONNECT itself are needed; those of its Will are always
 * kept
 * @throws {UnsupportedVersionError} for an unsupported protocol
 * @throws {ConnectError} for any other error, with the version in which it can be answered
 */
export function decodeConnect(
  bytes: Uint8Array,
  bodyStart: number,
  end: number,
  firstByte: number,
  limits: PacketLimits = noPacketLimits,
  readsUserProperties = true,
): ReceivedConnect {
  const reader = new Reader(bytes, bodyStart, end, limits, readsUserProperties)
  let version: ProtocolVersion | undefined
  try {
    const level = readLevel(reader)
    const isBridge = level >= BRIDGE
    version = (level & ~BRIDGE) as ProtocolVersion
    if ((firstByte & 0x0f) !== 0) throw malformed('CONNECT has fixed header flags other than 0000 [5.0 MQTT-2.1.3-1]')
    // The stream was divided into packets before the version was known: only now can the needless byte be an error.
    if (version === 5 && hasNeedlessLengthByte(bytes, bodyStart)) throw malformed('Remaining Length is malformed')
    return readRest(reader, version, isBridge)
  } catch (error) {
    if (!(error instanceof ProtocolError) || error instanceof ConnectError) throw error
    throw new ConnectError(version, error.reasonCode, `CONNECT: ${error.message}`, { cause: error })
  }
}

/** Converts it to plain values, for plugins and host programs. */
export function connectPacketOf(received: ReceivedConnect): ConnectPacket {
  const { will } = received
  return { ...received, will: will && willFieldsOf(will) }
}

function willFieldsOf({ willDelayInterval, properties, ...fields }: ReceivedWill): WillFields {
  const travelling = properties.decode()
  return { ...fields, properties: willDelayInterval === undefined ? travelling : { ...travelling, willDelayInterval } }
}

/** Reads the version, including the bridge bit. */
function readLevel(reader: Reader): number {
  const protocolName = reader.string('Protocol Name')
  const level = reader.byte('Protocol Version')
  const older = protocolName === 'MQTT' ? 4 : protocolName === 'MQIsdp' ? 3 : undefined
  const isServed =
    older !== undefined && (level === older || level === (older | BRIDGE) || (older === 4 && level === 5))
  if (!isServed) throw new UnsupportedVersionError(protocolName, level)
  return level
}

/**
 * The first byte of a CONNECT has bit 7 clear, so if the byte before the last length byte has it set, the last one only
 * adds zero.
 */
function hasNeedlessLengthByte(bytes: Uint8Array, bodyStart: number): boolean {
  return bodyStart >= 2 && bytes[bodyStart - 1] === 0 && bytes[bodyStart - 2]! >= 0x80
}

function readRest(reader: Reader, protocolVersion: ProtocolVersion, isBridge: boolean): ReceivedConnect {
  const flags = reader.byte('Connect Flags')
  checkFlags(flags, protocolVersion)
  const keepAlive = reader.twoByteInteger('Keep Alive')
  const properties = protocolVersion === 5 ? readProperties(reader, 'CONNECT', 'client') : noProperties
  const clientId = reader.string('Client Identifier')
  const will = (flags & Flag.will) === 0 ? undefined : readWill(reader, flags, protocolVersion)
  const userName = hasField(reader, flags & Flag.userName, protocolVersion) ? reader.string('User Name') : undefined
  const password = hasField(reader, flags & Flag.password, protocolVersion) ? reader.binary('Password') : undefined
  reader.expectEnd()
  const cleanStart = (flags & Flag.cleanStart) !== 0
  return {
    type: PacketType.CONNECT,
    protocolVersion,
    cleanStart,
    keepAlive,
    clientId,
    will,
    userName,
    password,
    properties,
    ...(isBridge && { bridge: true }),
  }
}

function checkFlags(flags: number, version: ProtocolVersion): void {
  if ((flags & Flag.reserved) !== 0) throw malformed('Connect Flags bit 0 is reserved [5.0 MQTT-3.1.2-3]')
  if ((flags & Flag.willQoS) === Flag.willQoS) throw malformed('Will QoS is 3 [5.0 MQTT-3.1.2-12]')
  if ((flags & Flag.will) === 0) {
    if ((flags & Flag.willQoS) !== 0) throw malformed('Will QoS without Will Flag [5.0 MQTT-3.1.2-11]')
    if ((flags & Flag.willRetain) !== 0) throw malformed('Will Retain without Will Flag [5.0 MQTT-3.1.2-13]')
  }
  if (version < 5 && (flags & Flag.password) !== 0 && (flags & Flag.userName) === 0) {
    throw malformed('Password without User Name [3.1.1 MQTT-3.1.2-22]')
  }
}

/**
 * Whether a field announced by the flags is present. Only in 3.1 may it be missing although its flag is set: there the
 * Remaining Length has precedence, for the sake of clients older than the flags (3.1 §3.1, "User name and password
 * flags").
 */
function hasField(reader: Reader, flag: number, version: ProtocolVersion): boolean {
  return flag !== 0 && !(version === 3 && reader.isAtEnd)
}

function readWill(reader: Reader, flags: number, version: ProtocolVersion): ReceivedWill {
  const { properties, willDelayInterval } = version === 5 ? readWillProperties(reader) : noWillProperties
  const topicName = reader.string('Will Topic')
  if (topicName === '') throw forbidden('Will Topic is empty [5.0 MQTT-4.7.3-1]')
  refuseWildcard(topicName, 'Will Topic')
  const payload = reader.binary('Will Payload')
  const qos = ((flags & Flag.willQoS) >> 3) as QoS
  return { topicName, payload, qos, retain: (flags & Flag.willRetain) !== 0, properties, willDelayInterval }
}

type WillProperties = Pick<ReceivedWill, 'properties' | 'willDelayInterval'>

const noWillProperties: WillProperties = { properties: noPropertyList, willDelayInterval: undefined }

/** Copies them unchanged, without the Will Delay Interval. */
function readWillProperties(reader: Reader): WillProperties {
  const length = reader.variableByteInteger('Property Length')
  if (length === 0) return noWillProperties
  const { bytes, at, end } = reader.part(length, 'Properties')
  checkProperties(bytes, at, end, 'WILL', 'client', found, reader.limits.maxUserProperties)
  const delayAt = found.at('willDelayInterval')
  const list = PropertyList.received(bytes, at, end, found)
  return {
    properties: list.bytes === bytes ? list.copy() : list,
    willDelayInterval: delayAt < 0 ? undefined : readFourBytes(bytes, delayAt),
  }
}
