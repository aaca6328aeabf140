/**
 * The options of a client, their defaults and their checks: all of them before the first connection is opened.
 *
 * @module
 */
import { UsageError } from '../base/errors.ts'
import { maxControlPacketBytes } from '../codec/decoder.ts'
import type { WillFields } from '../codec/packets.ts'
import type { ProtocolVersion } from '../codec/packet-types.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import { topicNameProblem } from '../topics/topic-name.ts'

/** Enhanced authentication (§4.12), 5.0 only. */
export interface Authentication {
  /** The Authentication Method. */
  readonly method: string
  /** The Authentication Data of the CONNECT, and of an AUTH that begins a re-authentication. */
  begin(): Uint8Array | undefined
  /**
   * Answers Authentication Data of the server.
   *
   * @param isLast the server has accepted the login: the data only proves who the server is
   * @returns the data of the next AUTH; ignored after the last step
   * @throws if the exchange cannot be continued, which ends the connection
   */
  continue(data: Uint8Array | undefined, isLast: boolean): Uint8Array | undefined
}

/** How a client waits before it connects again. */
export interface BackOffOptions {
  /** Milliseconds before the first attempt; default 1000. */
  readonly firstMs: number
  /** The longest wait in milliseconds; default 30,000. */
  readonly longestMs: number
}

/** The options of a client. */
export interface ClientOptions {
  /** 3 (3.1), 4 (3.1.1) or 5 (5.0); default 5. */
  readonly protocolVersion: ProtocolVersion
  /** Tells the server before 5.0 that this client is a bridge, so that it sends back nothing; default false. */
  readonly bridge: boolean
  /** Default '': the server assigns one. Before 5.0 this requires Clean Start. */
  readonly clientId: string
  /** Whether each connection begins a new Session (§3.1.2.4); default true. */
  readonly cleanStart: boolean
  /** Seconds, at most 65,535; 0 disables it; default 60. The Server Keep Alive overrides it. */
  readonly keepAlive: number
  /** Default: none. */
  readonly will: WillFields | undefined
  readonly userName: string | undefined
  readonly password: Uint8Array | undefined
  /** Further properties of the CONNECT, such as the Session Expiry Interval; 5.0 only. */
  readonly properties: Properties
  readonly authentication: Authentication | undefined
  /** Bytes of the largest packet that is accepted; default: that of the protocol. 5.0 servers are informed of it. */
  readonly maximumPacketSize: number
  /** Topic Aliases that this client assigns, if the server allows as many; default 0. */
  readonly outgoingTopicAliases: number
  /** QoS 1 and 2 messages in flight, if the server allows as many; 1 to 60,000, default 1000. */
  readonly maxInflightMessages: number
  /** QoS 1 and 2 messages that wait; default 100,000. */
  readonly maxQueuedMessages: number
  /** Their bytes; default 64 MiB. */
  readonly maxQueuedBytes: number
  /** Which message is dropped if the queue is full; default `drop-newest`. */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** Bytes that the server has not read beyond which QoS 0 messages are dropped; default 16 MiB. */
  readonly maxUnsentBytes: number
  /** SUBSCRIBE and UNSUBSCRIBE packets without an answer; default 1000. */
  readonly maxRequests: number
  /** Milliseconds from the beginning of an attempt to CONNACK; default 30,000. */
  readonly connectTimeoutMs: number
  /** Milliseconds that a PINGRESP may take; default 30,000. */
  readonly pingTimeoutMs: number
  /** `undefined`: the client ends with its first connection, which is the default. */
  readonly backOff: BackOffOptions | undefined
  /** How many addresses there are, which are tried in turn; default 1. */
  readonly addresses: number
  /** Whether to begin again with the first address after a connection was lost; default false. */
  readonly prefersFirst: boolean
}

/** The default of every option. */
export const clientDefaults: ClientOptions = {
  protocolVersion: 5,
  bridge: false,
  clientId: '',
  cleanStart: true,
  keepAlive: 60,
  will: undefined,
  userName: undefined,
  password: undefined,
  properties: noProperties,
  authentication: undefined,
  maximumPacketSize: maxControlPacketBytes,
  outgoingTopicAliases: 0,
  maxInflightMessages: 1000,
  maxQueuedMessages: 100_000,
  maxQueuedBytes: 64 * 1024 * 1024,
  queueFull: 'drop-newest',
  maxUnsentBytes: 16 * 1024 * 1024,
  maxRequests: 1000,
  connectTimeoutMs: 30_000,
  pingTimeoutMs: 30_000,
  backOff: undefined,
  addresses: 1,
  prefersFirst: false,
}

/** The default waiting times of a client that connects again. */
export const defaultBackOff: BackOffOptions = { firstMs: 1000, longestMs: 30_000 }

/** The numbers among the options, with their limits. */
const RANGES: readonly (readonly [key: keyof ClientOptions, minimum: number, maximum: number])[] = [
  ['keepAlive', 0, 0xffff],
  ['maximumPacketSize', 1, maxControlPacketBytes],
  ['outgoingTopicAliases', 0, 0xffff],
  ['maxInflightMessages', 1, 60_000],
  ['maxQueuedMessages', 0, Number.MAX_SAFE_INTEGER],
  ['maxQueuedBytes', 0, Number.MAX_SAFE_INTEGER],
  ['maxUnsentBytes', 1, Number.MAX_SAFE_INTEGER],
  ['maxRequests', 1, 5000],
  ['connectTimeoutMs', 1, 0x7fff_ffff],
  ['pingTimeoutMs', 1, 0x7fff_ffff],
  ['addresses', 1, Number.MAX_SAFE_INTEGER],
]

/**
 * Adds the defaults and checks everything.
 *
 * @throws {UsageError} naming the option, the value and the limit
 */
export function clientOptionsOf(given: Partial<ClientOptions>): ClientOptions {
  const options = { ...clientDefaults, ...given }
  for (const [key, minimum, maximum] of RANGES) {
    const value = options[key] as number
    if (!Number.isInteger(value) || value < minimum || value > maximum) {
      throw new UsageError(`${key} must be an integer from ${minimum} to ${maximum}, got ${value}`)
    }
  }
  const { protocolVersion, authentication, properties, will } = options
  if (protocolVersion < 5 && (authentication !== undefined || properties !== noProperties)) {
    throw new UsageError('Properties and enhanced authentication require MQTT 5.0')
  }
  if (protocolVersion < 5) checkBefore5(options)
  const willProblem = will === undefined ? undefined : topicNameProblem(will.topicName)
  if (willProblem !== undefined) throw new UsageError(`The Will cannot be published: ${willProblem}`)
  return options
}

function checkBefore5({ clientId, cleanStart, userName, password, protocolVersion }: ClientOptions): void {
  if (password !== undefined && userName === undefined) {
    throw new UsageError('A password requires a user name before MQTT 5.0 [3.1.1 MQTT-3.1.2-22]')
  }
  if (clientId !== '') return
  if (protocolVersion === 3) throw new UsageError('MQTT 3.1 requires a Client Identifier')
  if (!cleanStart) throw new UsageError('A stored Session requires a Client Identifier [3.1.1 MQTT-3.1.3-7]')
}
