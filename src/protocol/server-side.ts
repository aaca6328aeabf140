/**
 * What a Connection asks of the Server behind it. The broker answers; so can ten lines in a test.
 *
 * Where an answer takes time (a login by HTTP, a plugin with a promise) the Server returns `PENDING` and answers later
 * through the Connection's `…Answered` method; until then this Connection's next packets wait in order, and all other
 * Connections continue. So the machine itself never awaits.
 *
 * @module
 */
import type { MemoryAccount } from '../base/memory-account.ts'
import type { Expiring } from '../base/timer-wheel.ts'
import type { WorkBudget } from '../base/work.ts'
import type { AuthPacket, Packet, ReceivedConnect, SubscribePacket, UnsubscribePacket } from '../codec/packets.ts'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { CachedTopic } from '../topics/match-cache.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { Client } from './client.ts'
import type { ServedConnection } from './served-connection.ts'
import type { BufferPool } from './output.ts'

/** The answer comes later. No Reason Code has this value. */
export const PENDING = -1
export type Pending = typeof PENDING

/** How a Network Connection ended: what the log line, the event and the Will are decided by. */
export interface ConnectionEnd {
  readonly cause: EndCause
  /** The code that travelled, or would have. */
  readonly reasonCode: ReasonCode
  /** For people; holds no secret. */
  readonly detail: string
  /** The peer closed it before it had sent a byte, as health checks do. */
  readonly isSilent?: boolean
}

export type EndCause =
  | 'disconnected by client'
  | 'connection lost'
  | 'connect timeout'
  | 'keep alive timeout'
  | 'packet timeout'
  | 'protocol error'
  | 'limit exceeded'
  | 'not stored'
  | 'refused'
  | 'session taken over'
  | 'slow receiver'
  | 'login expired'
  | 'login revoked'
  | 'authentication failed'
  | 'disconnected by server'
  | 'server shutting down'
  | 'internal error'

/** Plain counters that the hot path adds to. */
export interface ConnectionMetrics {
  bytesReceived: number
  readsReceived: number
  bytesSent: number
  packetsReceived: number
  packetsSent: number
  publishReceived: number
  publishSent: number
  publishBytesReceived: number
  publishBytesSent: number
  publishDroppedIn: number
  packetsOverLimit: number
  readingPaused: number
  rateLimited: number
  qosLowered: number
}

/** What the Server knows of a topic seen in a packet; `result` is the Server's own. */
export type KnownTopic = CachedTopic<unknown>

export interface ServerSide {
  readonly metrics: ConnectionMetrics
  readonly buffers: BufferPool
  /** Number of the newest Change, and of the newest one that is stored: see `HeldLane`. Both stay 0 without a Store. */
  readonly changeCount: number
  readonly committedCount: number
  /** Where work is counted. Once it `isSpent` the rest of a chunk waits until it is this Connection's turn again. */
  readonly work: WorkBudget
  /** A Connection makes us hold so many bytes of its input more, or less: see `Connection.heldBytes`. */
  inputHeld(bytes: number): void
  /** A Connection has overdrawn its rate, and is not read for a while. */
  throttled(connection: ServedConnection, option: 'max-publish-rate' | 'max-byte-rate'): void
  /** Who pays for the Connections of that Client, who may not have logged in. */
  payerOf(client: Client): MemoryAccount
  /** That account had no room for so many bytes. */
  memoryRefused(account: MemoryAccount, bytes: number): void
  /** True if somebody listens to packets. */
  readonly watchesPackets: boolean
  /** Monotonic milliseconds, the same throughout a turn. */
  now(): number
  /** The known topic with those bytes; validates a new one. @throws {ProtocolError} for a malformed Topic Name */
  topic(bytes: Uint8Array, start: number, end: number): KnownTopic

  /** To be answered by `accept`, `challenge` or `refuse`, now or later. */
  connect(connection: ServedConnection, packet: ReceivedConnect): void
  /** A step of an exchange, before CONNACK or after (§4.12): answered by `accept`, `challenge`, `refuse` or `reAuthenticated`. */
  authenticate(connection: ServedConnection, packet: AuthPacket): void
  /** @returns its Reason Code, or `PENDING`: `publishAnswered` later */
  publish(connection: ServedConnection, message: ApplicationMessage, topic: KnownTopic): number
  /** @returns a Reason Code for each filter, or `PENDING`: `subscribeAnswered` later */
  subscribe(connection: ServedConnection, packet: SubscribePacket): readonly number[] | Pending
  /** SUBACK is written: now retained messages may follow. */
  subscribed(connection: ServedConnection, packet: SubscribePacket, reasonCodes: readonly number[]): void
  /** @returns a Reason Code for each filter, or `PENDING`: `unsubscribeAnswered` later */
  unsubscribe(connection: ServedConnection, packet: UnsubscribePacket): readonly number[] | Pending
  /** A DISCONNECT of 5.0 that sets a new Session Expiry Interval, in seconds. */
  changeSessionExpiry(connection: ServedConnection, seconds: number): void
  /** The Connection is over; called once. */
  closed(connection: ServedConnection, end: ConnectionEnd): void

  /** Its byte stream is gone as well; called once, after `closed`. */
  gone(connection: ServedConnection): void

  /** Output was gathered: `flush` at the end of this turn. */
  wantsFlush(connection: ServedConnection): void
  /** Input waits inside: `resume` when it is this Connection's turn again. */
  wantsTurn(connection: ServedConnection): void
  /** Packets wait for the Store: `release` after each commit. */
  wantsRelease(connection: ServedConnection): void
  /** `expire` at that monotonic time; Infinity: never. */
  arm(connection: Expiring, deadlineMs: number): void
  packetReceived(connection: ServedConnection, packet: Packet): void
  packetSent(connection: ServedConnection, packet: Packet): void
  /** Our own mistake, caught at the edge of a Connection. */
  failed(connection: ServedConnection, error: unknown): void
}
