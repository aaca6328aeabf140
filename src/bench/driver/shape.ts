/**
 * The definition of a workload: who publishes to whom, how much, how fast. Pure values, so that a table of them can be
 * read, sent to another process and compared between commits.
 *
 * @module
 */
import type { Version } from './frames.ts'

/** Closed loop: at most `window` messages of a group in transit, sent `batch` at a time in one write. */
export interface ClosedLoop {
  readonly window: number
  readonly batch: number
}

/** Open loop: this many messages per second from all publishers together, each in its own write. */
export interface Paced {
  readonly perSecond: number
}

interface Messages {
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
}

/** Groups of publishers and subscribers; every message of a group is delivered to all of its subscribers. */
export interface Traffic extends Messages {
  readonly kind: 'traffic'
  readonly groups: number
  /** In each group. */
  readonly publishers: number
  /** In each group. */
  readonly subscribers: number
  readonly pace: ClosedLoop | Paced
  /** The subscribers of a group form one Shared Subscription: each message is delivered to one of them. */
  readonly shared?: boolean
  /** This many additional subscribers, which stop reading after SUBACK. */
  readonly frozen?: number
  /** Topic Names of each publisher, used in turn. Default 1. */
  readonly topics?: number
  /** This many subscriptions per second, to topics without a publisher, are added meanwhile, and as many removed. */
  readonly churnPerSecond?: number
}

/** Connections that log in and then stay silent. */
export interface Idle {
  readonly kind: 'idle'
  readonly connections: number
  /** Opened before the memory is measured first, so that start-up costs are not counted. */
  readonly connectionsBefore: number
}

/** Many subscriptions, then one publisher to names that each match exactly one of them. */
export interface Subscriptions extends Messages {
  readonly kind: 'subscriptions'
  readonly subscriptions: number
  /** Connections that share them. */
  readonly connections: number
  readonly topics: number
  readonly pace: ClosedLoop
}

/** Retained messages, replayed repeatedly to a new subscriber of `#`. */
export interface Replay extends Messages {
  readonly kind: 'replay'
  readonly retained: number
}

/** Things that stay while nobody is connected. */
export interface Kept extends Messages {
  readonly kind: 'kept'
  readonly things: 'sessions' | 'retained messages'
  readonly count: number
  /** Made before the memory is measured first, so that start-up costs are not counted. */
  readonly countBefore: number
}

/** Publishers at QoS 1 to sessions that outlive their connections. */
export interface Durable extends Messages {
  readonly kind: 'durable'
  readonly publishers: number
  readonly sessions: number
  /** Whether the clients of the sessions are connected. */
  readonly connected: boolean
  /** In a closed loop, the time for this many messages is measured, whatever the duration of a run. */
  readonly messages?: number
  readonly pace: ClosedLoop | Paced
  /** Topic Names of each publisher, used in turn. Default 1. */
  readonly topics?: number
  /** This many retained messages are published first. */
  readonly retained?: number
  /** The broker is killed afterwards, and the duration of its next start is measured. */
  readonly restarts?: boolean
}

/** What Clients do at the door, one after another, each on a connection of its own. */
export interface Visits {
  readonly kind: 'visits'
  readonly what: 'connects' | 'takeovers' | 'drops'
  readonly count: number
  /** Made before the measurement, so that the broker's code is warm. */
  readonly countBefore: number
}

/** Connections that do nothing but ping. */
export interface Pings {
  readonly kind: 'pings'
  readonly connections: number
  /** From all of them together. */
  readonly perSecond: number
}

/** Stored sessions with messages that wait, which all come back at once. */
export interface Storm extends Messages {
  readonly kind: 'storm'
  readonly sessions: number
  readonly messagesEach: number
}

/** The start of a broker, measured by whoever starts it. */
export interface Start {
  readonly kind: 'start'
}

export type Shape = Traffic | Idle | Subscriptions | Replay | Durable | Kept | Visits | Pings | Storm | Start

/** A shape with the protocol version and transport. */
export interface Job {
  readonly shape: Shape
  readonly version: Version
  readonly seconds: number
  readonly warmUpSeconds: number
}
