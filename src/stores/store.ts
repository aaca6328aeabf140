/**
 * The Store interface: everything that outlives a Connection, as a stream of Changes, one batch per turn.
 *
 * Memory holds the authoritative state; the Store makes it durable and returns it at start. State that exists only as
 * long as its Connection (a Session with Session Expiry 0, a QoS 0 message in transit) never becomes a Change.
 *
 * Changes refer to long, repeated names by numbers: a Session has a `sessionNumber`, an Application Message a
 * `messageNumber`. The broker takes both from counters that only increase, also across restarts (`load` returns the
 * highest of each). Both, and entry numbers, begin at 1.
 *
 *   session ──┬── subscriptions, and how far the replay of retained messages to each has come
 *             ├── entries: a message on its way to this Client   (messageNumber ──> message, stored once)
 *             ├── received: QoS 2 Packet Identifiers not yet released (§4.3.3)
 *             └── will
 *   retained: Topic Name ──> message
 *   access: (type, name) ──> what operators have set: users, groups, roles, bans
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'

/** What an acknowledgement promises: see the manual's table. */
export type Durability = 'memory' | 'process' | 'disk'

/** A Session's own facts. Written as a whole whenever one of them changes. */
export interface SessionRecord {
  readonly sessionNumber: number
  readonly clientId: string
  /** The identity that created it; `undefined` for an anonymous one. */
  readonly userName: string | undefined
  readonly protocolVersion: 3 | 4 | 5
  /** Seconds; 0xFFFFFFFF never expires. */
  readonly sessionExpiryInterval: number
  /** Wall-clock milliseconds when the Session ends; `undefined` while its Client is connected, or if it never ends. */
  readonly expiresAtMs: number | undefined
  /** Set only by `load`: new entry numbers have to be above this one, even if no such entry is left. Absent: 0. */
  readonly lastEntryNumber?: number
}

/** A subscription with its options (§3.8.3.1). */
export interface SubscriptionRecord {
  readonly topicFilter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly subscriptionIdentifier: number | undefined
}

/**
 * Retained messages that a Subscription has yet to receive. Written before SUBACK is sent, and again as the replay
 * continues, in the turn of the entries that it queued: a message it has passed is never queued twice.
 */
export interface ReplayRecord {
  readonly sessionNumber: number
  /** Of the Subscription. */
  readonly topicFilter: string
  /** Messages with a higher number were retained later: they reached the Subscription when they were published. */
  readonly upToMessageNumber: number
  /** The Topic Name that was reached last, in the order of `topics/ordered-search.ts`; empty at the beginning. */
  readonly afterTopicName: string
}

/** An Application Message that durable facts refer to. Stored once however many there are. */
export interface MessageRecord {
  readonly messageNumber: number
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  /** The publisher's RETAIN. */
  readonly retain: boolean
  readonly properties: Properties
  /** Client Identifier of the publisher, for No Local; empty for the host program. */
  readonly publisher: string
  /**
   * User name of the publisher of a retained message; absent for an anonymous one, and in records of older versions.
   */
  readonly publisherUser?: string | undefined
  /** Wall-clock milliseconds when it expires; `undefined` for never. */
  readonly expiresAtMs: number | undefined
  /** Set only by `load` if the payload stayed on disk: its length in bytes. */
  readonly payloadOnDiskBytes?: number
}

/** A message on its way to one Client. `entryNumber` increases within each Session and gives the delivery order. */
export interface EntryRecord {
  readonly sessionNumber: number
  readonly entryNumber: number
  readonly messageNumber: number
  /** The QoS of this delivery. */
  readonly qos: 1 | 2
  /** The RETAIN flag of this delivery. */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /**
   * The shared filter for which it was queued, so that another member can take it over; `undefined` for an ordinary
   * one.
   */
  readonly sharedFilter: string | undefined
}

/**
 * A Will, kept from CONNECT on whatever the Session Expiry, because it is also published after a crash of the Server.
 */
export interface WillRecord {
  readonly sessionNumber: number
  readonly clientId: string
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
  readonly willDelayInterval: number
  /** Wall-clock milliseconds when it is due; `undefined` while its Connection is open. */
  readonly dueAtMs: number | undefined
  /** The identity whose publish permission is checked when it is due. */
  readonly userName: string | undefined
}

/**
 * What operators have set while the broker ran: a user, a group, a role, a ban, or a setting that there is one of. A
 * Store keeps it under its type and name, and does not look into it.
 */
export interface AccessRecord {
  /** Such as `user` or `role`. A version keeps records of types that it does not know. */
  readonly type: string
  /** Unique among the records of its type. */
  readonly name: string
  /** Increases with each change of a record of any type, so that a change can name the version that it is based on. */
  readonly version: number
  /** JSON. */
  readonly content: string
}

/** One fact that changed. All Changes of a turn are stored together, in order, or none of them. */
export type Change =
  | { readonly kind: 'session'; readonly session: SessionRecord }
  /** The Session, with its subscriptions, replays, entries, received identifiers and Will, is gone. */
  | { readonly kind: 'session-ended'; readonly sessionNumber: number }
  | { readonly kind: 'subscribed'; readonly sessionNumber: number; readonly subscription: SubscriptionRecord }
  /** Also ends the replay to that Subscription. */
  | { readonly kind: 'unsubscribed'; readonly sessionNumber: number; readonly topicFilter: string }
  | { readonly kind: 'replay'; readonly replay: ReplayRecord }
  /** The Subscription has received everything. */
  | { readonly kind: 'replay-ended'; readonly sessionNumber: number; readonly topicFilter: string }
  /** Comes before the first Change that refers to it; kept as long as something refers to it at the end of a turn. */
  | { readonly kind: 'message'; readonly message: MessageRecord }
  | { readonly kind: 'queued'; readonly entry: EntryRecord }
  /** The entry has a Packet Identifier and may have been sent. Packet Identifier 0: queued again, not in flight. */
  | {
      readonly kind: 'sent'
      readonly sessionNumber: number
      readonly entryNumber: number
      readonly packetIdentifier: number
    }
  /**
   * PUBREC was received: the message itself is no longer needed, and PUBREL is due until `done`. `load` returns such an
   * entry as `queued` with `messageNumber` 0, `sent`, `released`.
   */
  | { readonly kind: 'released'; readonly sessionNumber: number; readonly entryNumber: number }
  /** Acknowledged, expired or dropped: the entry is gone. */
  | { readonly kind: 'done'; readonly sessionNumber: number; readonly entryNumber: number }
  | { readonly kind: 'received'; readonly sessionNumber: number; readonly packetIdentifier: number }
  | { readonly kind: 'received-done'; readonly sessionNumber: number; readonly packetIdentifier: number }
  | { readonly kind: 'retained'; readonly topicName: string; readonly messageNumber: number }
  | { readonly kind: 'retained-cleared'; readonly topicName: string }
  | { readonly kind: 'will'; readonly will: WillRecord }
  | { readonly kind: 'will-removed'; readonly sessionNumber: number }
  | { readonly kind: 'access'; readonly record: AccessRecord }
  | { readonly kind: 'access-removed'; readonly type: string; readonly name: string }

/** The result of `load`. */
export interface Loaded {
  /** Highest numbers ever used; 0 for an empty store. */
  readonly lastSessionNumber: number
  readonly lastMessageNumber: number
  /**
   * Wall-clock milliseconds of the newest record; 0 for an empty store. A clock behind this time is taken to show it.
   */
  readonly newestRecordMs: number
}

/** The progress of a long start, reported at intervals. */
export interface LoadProgress {
  readonly done: number
  readonly total: number
  readonly unit: 'bytes' | 'records'
}

/**
 * What a Store accepts.
 *
 *   well      everything
 *   full      only Changes that free space or cost a few bytes: acknowledgements, ends, resumed Sessions
 *   failing   nothing can be stored now; pending writes wait, and are stored as soon as possible
 */
export type StoreCondition = 'well' | 'full' | 'failing'

/** Whether a store can write, and if not, why. */
export interface StoreHealth {
  readonly condition: StoreCondition
  /** The disk's error, or `max-bytes` for the configured limit; `undefined` while it is well. */
  readonly cause: Error | 'max-bytes' | undefined
}

/** One thing that is wrong on disk. */
export interface Damage {
  readonly name: string
  /** The file with its folder. */
  readonly path: string
  /** Offset in the file, in bytes. */
  readonly offset: number
  readonly what: string
}

/**
 * Stores durable facts.
 *
 * A Store reports what it cannot store now (`onHealth`) instead of rejecting a write, because the broker could only
 * write the same Changes again. `load` and `close` reject, and with them the broker's `start` and `close`. A Store that
 * rejects or throws elsewhere affects nothing else: each method documents how the broker reacts.
 *
 *   new ── load ──> loaded ── write, read … ──> close
 */
export interface Store {
  /**
   * False for a Store that keeps nothing (memory): the broker then makes no Changes at all, which makes it cheap.
   */
  readonly keeps: boolean
  /** Bytes that can be written now: a larger message is refused. Absent: no limit is known. */
  readonly roomBytes?: number
  /** What `load` had to leave out because it could not be read; the broker logs it. Absent: such a `load` rejects. */
  readonly damage?: readonly Damage[]
  /**
   * Calls `listener` whenever the health changes, from before `load` until `close`. A Store starts out well, so nothing
   * is reported as long as everything can be stored. There may be several listeners; they do not throw. A Store that
   * can always write has nothing to do here.
   */
  onHealth(listener: (health: StoreHealth) => void): void
  /**
   * Returns everything as the fewest Changes that lead to it, in an order in which each can be applied at once:
   * sessions before their facts, a message before its references. A message may leave its payload on disk: then
   * `payloadOnDiskBytes` is set, `payload` is empty, and `read` fetches it when it is needed.
   *
   * @param begins called once, before the first `apply`, with the `newestRecordMs` of the result: deadlines are counted
   * from it if the clock is behind
   * @throws if it cannot be read: the broker does not start, and `start` rejects with a StoreError `ERR_STORE_LOAD`,
   * whose `cause` it is, or with the error itself if it is a StoreError. An error thrown by `apply` or `progress` ends
   * the load, which rejects with it
   */
  load(
    apply: (change: Change) => void,
    progress?: (progress: LoadProgress) => void,
    begins?: (newestRecordMs: number) => void,
  ): Promise<Loaded>
  /**
   * Writes all Changes or none, in order; resolves when `level` holds. `undefined` means that it already does.
   *
   * It neither rejects nor throws: a failure is reported (`onHealth`) and the write waits; if it still waits when the
   * Store is closed, it stays pending. A write that rejects nevertheless has stored nothing; the broker then treats the
   * Store as failing and repeats the write until it succeeds.
   */
  write(changes: readonly Change[], level: Durability): MaybePromise<void>
  /**
   * Returns payloads of messages that are not in memory, in the order requested; `undefined` for one that is damaged or
   * gone, which does not affect the others. It rejects if nothing can be read now but a later read may succeed.
   */
  read(messageNumbers: readonly number[]): MaybePromise<readonly (Uint8Array | undefined)[]>
  /**
   * Writes what waits, if possible. The broker waits for a limited time (`persistence.close-timeout`); its own `close`
   * rejects with `ERR_STORE_UNSTORED` or `ERR_STORE_CLOSE`.
   *
   * @throws if something was not stored; everything is closed nevertheless
   */
  close(): Promise<void>
  /** The Store's figures, if it has any: the manual's table explains each of them. */
  figures?(): StoreFigures | undefined
}

/**
 * Counters since the start, unless the name begins with `last` or `max` or gives the present state. Times in
 * milliseconds.
 */
export interface StoreFigures {
  readonly turns: number
  readonly changes: number
  readonly commits: number
  readonly syncs: number
  readonly failures: number
  readonly journalBytes: number
  readonly lastBatchTurns: number
  readonly maxBatchTurns: number
  readonly lastCommitMs: number
  readonly maxCommitMs: number
  /** Half of all commits, and 99 of 100, took no longer. Upper bounds of a histogram's buckets. */
  readonly commitP50Ms: number
  readonly commitP99Ms: number
  readonly checkpoints: number
  readonly lastCheckpointMs: number
  readonly lastCheckpointBytes: number
  readonly segmentsRemoved: number
  readonly segmentsRewritten: number
  readonly payloadsRead: number
  readonly timesFull: number
  readonly segments: number
  readonly diskBytes: number
  readonly reserveBytes: number
  readonly liveBytes: number
  readonly uncommittedBytes: number
}
