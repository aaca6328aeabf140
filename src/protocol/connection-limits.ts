/** What one Connection may do and cost. @module */
import type { PacketLimits } from '../codec/packet-limits.ts'
import type { ConnectionMemoryLimits } from './connection-memory.ts'
import type { PaceLimits } from './pace.ts'

/** Limits that a Connection keeps by itself; a listener may have its own. */
export interface ConnectionLimits extends PacketLimits, PaceLimits, ConnectionMemoryLimits {
  readonly maxConnectPacketSize: number
  /** Seconds. */
  readonly connectTimeout: number
  /** Seconds that a login may take us. */
  readonly loginTimeout: number
  /** Seconds of grace after 1.5 × Keep Alive. */
  readonly timeoutDisconnectDelay: number
  /** The longest Session Expiry Interval, in seconds. */
  readonly maxSessionExpiry: number
  readonly receiveMaximum: number
  readonly maxQos: 0 | 1 | 2
  readonly topicAliasMaximum: number
  readonly maxOutgoingTopicAliases: number
  /** Output that may wait before the Connection counts as congested. */
  readonly maxOutgoingBytes: number
  /** Seconds until a peer that takes no output is closed. */
  readonly drainTimeout: number
  /** Messages per second, 0 = no limit. */
  readonly maxPublishRate: number
  /** Bytes per second, 0 = no limit. */
  readonly maxByteRate: number
}
