/**
 * What a workload is made of: who publishes to whom, how much, how fast. Pure values, so that a table of them can be
 * read, sent to another process and compared between commits.
 *
 * @module
 */
import type { Version } from './frames.ts'

/** Closed loop: at most `window` messages of a group on their way, sent `batch` at a time in one write. */
export interface ClosedLoop {
  readonly window: number
  readonly batch: number
}

/** Open loop: so many messages a second from all publishers together, each in a write of its own. */
export interface Paced {
  readonly perSecond: number
}

interface Messages {
  readonly qos: 0 | 1 | 2
  readonly payloadBytes: number
}

/** Groups of publishers and subscribers; every message of a group goes to all subscribers of the group. */
export interface Traffic extends Messages {
  readonly kind: 'traffic'
  readonly groups: number
  /** In each group. */
  readonly publishers: number
  /** In each group. */
  readonly subscribers: number
  readonly pace: ClosedLoop | Paced
  /** The subscribers of a group form one Shared Subscription: each message goes to one of them. */
  readonly shared?: boolean
  /** So many more subscribers, which stop reading after SUBACK. */
  readonly frozen?: number
  /** Topic Names of each publisher, used in turn; 1 unless said otherwise. */
  readonly topics?: number
  /** So many subscriptions a second, to topics that nobody publishes to, come meanwhile, and as many go. */
  readonly comeAndGo?: number
}

/** Connections that log in and then stay silent. */
export interface Idle {
  readonly kind: 'idle'
  readonly connections: number
  /** Opened before the memory is measured the first time, so that start-up costs are not counted. */
  readonly connectionsBefore: number
}

/** Many subscriptions; then one publisher to names that match exactly one of them each. */
export interface Subscriptions extends Messages {
  readonly kind: 'subscriptions'
  readonly subscriptions: number
  /** Connections that share them. */
  readonly connections: number
  readonly topics: number
  readonly pace: ClosedLoop
}

/** Retained messages, replayed to a new subscriber of `#` again and again. */
export interface Replay extends Messages {
  readonly kind: 'replay'
  readonly retained: number
}

/** Publishers at QoS 1 to Sessions that outlive their Connections. */
export interface Durable extends Messages {
  readonly kind: 'durable'
  readonly publishers: number
  readonly sessions: number
  /** Whether the Clients of the Sessions are there. */
  readonly connected: boolean
  /** In a closed loop it is timed how long so many take, whatever the seconds of a run. */
  readonly messages?: number
  readonly pace: ClosedLoop | Paced
  /** Topic Names of each publisher, used in turn; 1 unless said otherwise. */
  readonly topics?: number
  /** So many retained messages are published before. */
  readonly retained?: number
  /** The broker is killed afterwards, and it is timed how long its next start takes. */
  readonly restarts?: boolean
}

export type Shape = Traffic | Idle | Subscriptions | Replay | Durable

/** A shape with the way to speak to the broker. */
export interface Job {
  readonly shape: Shape
  readonly version: Version
  readonly seconds: number
  readonly warmUpSeconds: number
}
