/**
 * What a Connection needs from the Server behind it: the turn that it works in, and parts that each answer a question
 * or two. In the broker they are its own parts; in a test, a line for each will do.
 *
 * If an answer takes time (a login by HTTP, a plugin with a promise), a part returns `PENDING` and answers later
 * through the Connection's `…Answered` method. Until then, this Connection's next packets wait in order, and all other
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
import type { DropCause } from './drop-cause.ts'

/** The answer comes later. No Reason Code has this value. */
export const PENDING = -1
export type Pending = typeof PENDING

/** How a Network Connection ended. The log line, the event and the Will depend on it. */
export interface ConnectionEnd {
  readonly cause: EndCause
  /** The Reason Code that was sent or received, or would have been. */
  readonly reasonCode: ReasonCode
  /** For people; it contains no secret. */
  readonly detail: string
  /** True if the peer closed it before sending a byte, as health checks do. */
  readonly isSilent?: boolean
}

/** Why a connection ended. */
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

/** Plain counters, which the hot path increments. */
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

/** A topic seen in a packet, as the Server knows it; `result` is the Server's own. */
export type KnownTopic = CachedTopic<unknown>

/** The turn, as far as a Connection sees it. */
export interface ConnectionTurn {
  /** Counts the work. Once it `isSpent`, the rest of a chunk waits until it is this Connection's turn again. */
  readonly work: WorkBudget
  /** The number of the newest Change, and of the newest stored one: see `HeldLane`. Both stay 0 without a Store. */
  readonly changeCount: number
  readonly committedCount: number
  /** Monotonic milliseconds, the same throughout a turn. */
  now(): number
  /** Calls `expire` at that monotonic time; never if it is Infinity. */
  arm(connection: Expiring, deadlineMs: number): void
  /** Output was gathered: calls `flush` at the end of this turn. */
  wantsFlush(connection: ServedConnection): void
  /** Input waits inside: calls `resume` when it is this Connection's turn again. */
  wantsTurn(connection: ServedConnection): void
  /** Packets wait for the Store: calls `release` after each commit. */
  wantsRelease(connection: ServedConnection): void
}

/** Decides who may log in. */
export interface LoginQuestions {
  /** Answered by `accept`, `challenge` or `refuse`, now or later. */
  connect(connection: ServedConnection, packet: ReceivedConnect): void
  /**
   * A step of an exchange, before CONNACK or after (§4.12): answered by `accept`, `challenge`, `refuse` or
   * `reAuthenticated`.
   */
  authenticate(connection: ServedConnection, packet: AuthPacket): void
}

/** Decides where messages go. */
export interface PublishQuestions {
  /** @returns its Reason Code, or `PENDING`: `publishAnswered` later */
  publish(connection: ServedConnection, message: ApplicationMessage, topic: KnownTopic): number
}

/** Decides who gets messages. */
export interface SubscribeQuestions {
  /** @returns a Reason Code for each filter, or `PENDING`: `subscribeAnswered` later */
  subscribe(connection: ServedConnection, packet: SubscribePacket): readonly number[] | Pending
  /** SUBACK is written, so retained messages may follow. */
  subscribed(connection: ServedConnection): void
  /** @returns a Reason Code for each filter, or `PENDING`: `unsubscribeAnswered` later */
  unsubscribe(connection: ServedConnection, packet: UnsubscribePacket): readonly number[] | Pending
}

/** Topic Names that are known. */
export interface TopicNames {
  /** The known topic with those bytes; validates a new one. @throws {ProtocolError} for a malformed Topic Name */
  topic(bytes: Uint8Array, start: number, end: number): KnownTopic
}

/** Plugins that look at what is sent. */
export interface DeliveryTransforms {
  /** Whether there are any. Hot: read for every delivery. */
  readonly isAsked: boolean
  /** @returns the message to send in its place, which may be the same, or why none is sent */
  transform(connection: ServedConnection, message: ApplicationMessage): ApplicationMessage | DropCause
}

/** Listeners to packets, and traces. */
export interface PacketListeners {
  /**
   * Whether anybody watches the packets of that Connection; otherwise no objects are made. Hot: asked for every packet.
   */
  watches(connection: ServedConnection): boolean
  received(connection: ServedConnection, packet: Packet): void
  sent(connection: ServedConnection, packet: Packet): void
}

/** Reports about a Connection that continues. */
export interface ConnectionReports {
  /** It has exceeded its rate, and is not read for a while. */
  throttled(connection: ServedConnection, option: 'max-publish-rate' | 'max-byte-rate'): void
  /** A mistake of the broker was caught at the edge of a Connection. */
  failed(connection: ServedConnection, error: unknown): void
}

/** What follows when a Connection ends. */
export interface Departing {
  /** Its byte stream is gone, and this turn is spent: calls `settleLoss` in a later one. */
  lost(connection: ServedConnection): void
  /** The Connection has ended; called once. */
  closed(connection: ServedConnection, end: ConnectionEnd): void
  /** Its byte stream is gone as well; called once, after `closed`. */
  gone(connection: ServedConnection): void
}

export interface ServerSide {
  readonly turn: ConnectionTurn
  readonly metrics: ConnectionMetrics
  readonly buffers: BufferPool
  readonly admission: LoginQuestions
  readonly publishing: PublishQuestions
  readonly subscribing: SubscribeQuestions
  readonly router: TopicNames
  readonly deliveryTransforms: DeliveryTransforms
  readonly packets: PacketListeners
  readonly reports: ConnectionReports
  readonly departures: Departing
  /** The account to charge for the Connections of a Client, which may not have logged in. */
  readonly memory: { of(client: Client): MemoryAccount }
  readonly memoryRefusals: {
    /** That account had no room for so many bytes. */
    refused(account: MemoryAccount, bytes: number): void
  }
  readonly inputBudget: {
    /** Changes how many bytes of a Connection's input the broker holds: see `Connection.heldBytes`. */
    change(bytes: number): void
  }
}
