/** What one Connection may do and cost. @module */
import type { PacketLimits } from '../codec/packet-limits.ts'
import type { ConnectionMemoryLimits } from './connection-memory.ts'
import type { PaceLimits } from './pace.ts'

/** Limits that a Connection enforces by itself; each listener may have its own. */
export interface ConnectionLimits extends PacketLimits, PaceLimits, ConnectionMemoryLimits {
  readonly maxConnectPacketSize: number
  /** Seconds. */
  readonly connectTimeout: number
  /** Seconds that the broker may take for a login. */
  readonly loginTimeout: number
  /** Seconds of grace after 1.5 × Keep Alive. */
  readonly timeoutDisconnectDelay: number
  /** The longest Session Expiry Interval, in seconds. */
  readonly maxSessionExpiry: number
  readonly receiveMaximum: number
  readonly maxQos: 0 | 1 | 2
  readonly topicAliasMaximum: number
  readonly maxOutgoingTopicAliases: number
  /** Bytes of output that may wait before the Connection counts as congested. */
  readonly maxOutgoingBytes: number
  /** Seconds until a Connection whose peer takes no output is closed. */
  readonly drainTimeout: number
  /** Messages per second, 0 = no limit. */
  readonly maxPublishRate: number
  /** Bytes per second, 0 = no limit. */
  readonly maxByteRate: number
}
