/**
 * The Store seam: what outlives a Connection, as a stream of Changes, one batch a turn.
 *
 * RAM holds the truth; the Store makes it durable and gives it back at start. What exists only as long as its Connection
 * (a Session with Session Expiry 0, a QoS 0 message in passing) never becomes a Change.
 *
 * Names inside Changes are numbers where a name would be long and repeated: a Session has a `sessionNumber`, an
 * Application Message a `messageNumber`; the broker draws both from counters that only go up and never come back, also
 * across restarts (`load` names the highest of each). Both, and entry numbers, begin at 1.
 *
 *   session ──┬── subscriptions, and how far the replay of retained messages to each has come
 *             ├── entries: a message on its way to this Client   (messageNumber ──> message, stored once)
 *             ├── received: QoS 2 Packet Identifiers not yet released (§4.3.3)
 *             └── will
 *   retained: Topic Name ──> message
 *
 * @module
 */
import type { QoS } from '../codec/packet-types.ts'
import type { Properties } from '../codec/properties.ts'
import type { MaybePromise } from '../base/maybe-promise.ts'

/** What an acknowledgement promises: see the manual's table. */
export type Durability = 'memory' | 'process' | 'disk'

/** A Session's own facts. Written whole whenever one of them changes. */
export interface SessionRecord {
  readonly sessionNumber: number
  readonly clientId: string
  /** The identity that made it (§5 of the design); `undefined` for an anonymous one. */
  readonly userName: string | undefined
  readonly protocolVersion: 3 | 4 | 5
  /** Seconds; 0xFFFFFFFF never expires. */
  readonly sessionExpiryInterval: number
  /** Wall-clock milliseconds when the Session ends; `undefined` while its Client is connected, or if it never ends. */
  readonly expiresAtMs: number | undefined
  /** Set only by `load`: an entry number that new ones have to be above, also if those entries are gone. Absent: 0. */
  readonly lastEntryNumber?: number
}

export interface SubscriptionRecord {
  readonly topicFilter: string
  readonly qos: QoS
  readonly noLocal: boolean
  readonly retainAsPublished: boolean
  readonly retainHandling: 0 | 1 | 2
  readonly subscriptionIdentifier: number | undefined
}

/**
 * Retained messages that a Subscription is still owed. Written before SUBACK leaves, and again, in the turn of the entries that
 * were queued for it, as it goes on: what it has come past is never queued twice.
 */
export interface ReplayRecord {
  readonly sessionNumber: number
  /** Of the Subscription. */
  readonly topicFilter: string
  /** Messages with a higher number were retained later: they reached the Subscription as they were published. */
  readonly upToMessageNumber: number
  /** The Topic Name that was reached last, in the order of `topics/ordered-search.ts`; empty at the beginning. */
  readonly afterTopicName: string
}

/** An Application Message that something durable refers to. Stored once however many refer to it. */
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
  /** User name of the publisher of a retained message; absent for an anonymous one, and in what versions before wrote. */
  readonly publisherUser?: string | undefined
  /** Wall-clock milliseconds when it expires; `undefined` never. */
  readonly expiresAtMs: number | undefined
  /** Set only by `load`, where the payload stayed on disk: its length in bytes. */
  readonly payloadOnDiskBytes?: number
}

/** A message on its way to one Client. `entryNumber` counts up in each Session: their order is the delivery order. */
export interface EntryRecord {
  readonly sessionNumber: number
  readonly entryNumber: number
  readonly messageNumber: number
  /** The QoS of this delivery. */
  readonly qos: 1 | 2
  /** The RETAIN flag of this delivery. */
  readonly retain: boolean
  readonly subscriptionIdentifiers: readonly number[]
  /** The shared filter it was taken for, so that another member can have it; `undefined` for an ordinary one. */
  readonly sharedFilter: string | undefined
}

/** A Will, kept from CONNECT on, whatever the Session Expiry: a crash of the Server publishes it. */
export interface WillRecord {
  readonly sessionNumber: number
  readonly clientId: string
  readonly topicName: string
  readonly payload: Uint8Array
  readonly qos: QoS
  readonly retain: boolean
  readonly properties: Properties
  readonly willDelayInterval: number
  /** Wall-clock milliseconds when it is due; `undefined` while its Connection lives. */
  readonly dueAtMs: number | undefined
  /** What the publish permission is judged by, when it is due. */
  readonly userName: string | undefined
}

/** One fact that changed. All Changes of a turn are stored together, in order, or none of them. */
export type Change =
  | { readonly kind: 'session'; readonly session: SessionRecord }
  /** The Session, with its subscriptions, replays, entries, received identifiers and Will, is gone. */
  | { readonly kind: 'session-ended'; readonly sessionNumber: number }
  | { readonly kind: 'subscribed'; readonly sessionNumber: number; readonly subscription: SubscriptionRecord }
  /** The replay to that Subscription is over too. */
  | { readonly kind: 'unsubscribed'; readonly sessionNumber: number; readonly topicFilter: string }
  | { readonly kind: 'replay'; readonly replay: ReplayRecord }
  /** Nothing is owed to that Subscription any more. */
  | { readonly kind: 'replay-ended'; readonly sessionNumber: number; readonly topicFilter: string }
  /** Comes before the first Change that refers to it; lives as long as something refers to it at the end of a turn. */
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
   * PUBREC came: the message itself is no longer needed, PUBREL is owed until `done`. `load` gives such an entry back as
   * `queued` with `messageNumber` 0, `sent`, `released`.
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

/** What `load` says at its end. */
export interface Loaded {
  /** Highest numbers ever used; 0 for an empty store. */
  readonly lastSessionNumber: number
  readonly lastMessageNumber: number
  /** Wall-clock milliseconds of the newest record; 0 for an empty store. A clock behind it counts as this time. */
  readonly newestRecordMs: number
}

/** How far a long start is, told now and then. */
export interface LoadProgress {
  readonly done: number
  readonly total: number
  readonly unit: 'bytes' | 'records'
}

/**
 * Whether a Store takes new things on.
 *
 *   well      everything
 *   full      only what takes away or costs a few bytes: acknowledgements, ends, Sessions that are resumed
 *   failing   nothing can be stored now; what was written waits, and is stored as soon as it can be
 */
export type StoreCondition = 'well' | 'full' | 'failing'

export interface StoreHealth {
  readonly condition: StoreCondition
  /** What the disk said, or that a limit of the configuration is reached; `undefined` while it is well. */
  readonly cause: Error | 'max-bytes' | undefined
}

/** One thing that is wrong on disk. */
export interface Damage {
  readonly name: string
  /** The file with its folder. */
  readonly path: string
  /** Where in the file, in bytes. */
  readonly offset: number
  readonly what: string
}

/**
 * Durable facts.
 *
 * A Store reports what it cannot store now (`onHealth`) instead of rejecting a write, because the broker could only write the
 * same again. `load` and `close` reject, and the broker's `start` and `close` with them. A Store that rejects or throws where it
 * should not harms nothing else: each method says what the broker does then.
 *
 *   new ── load ──> loaded ── write, read … ──> close
 */
export interface Store {
  /**
   * False where nothing is kept (memory): the broker then makes no Changes at all, which is what makes it cheap.
   */
  readonly keeps: boolean
  /** Bytes that can be written now: a message that is larger is refused. Absent: no limit is known. */
  readonly roomBytes?: number
  /** What `load` had to leave out because it could not be read: the broker logs it. Absent: such a `load` rejects. */
  readonly damage?: readonly Damage[]
  /**
   * Calls `listener` whenever its health has changed, from before `load` until `close`; it begins well, so that nothing is
   * reported as long as everything can be stored. There may be several listeners; they do not throw. One that can always store
   * has nothing to do here.
   */
  onHealth(listener: (health: StoreHealth) => void): void
  /**
   * Gives everything back as the fewest Changes that lead to it, in an order in which each may be applied at once:
   * sessions before what hangs on them, a message before what refers to it.
   * A message given back by `load` may leave its payload on disk: then `payloadOnDiskBytes` is set, `payload` is empty,
   * and `read` fetches it when its turn comes.
   *
   * @param begins called once, before the first `apply`, with the `newestRecordMs` that the result has: deadlines are
   * counted from it where the clock is behind
   * @throws where it cannot be read: the broker does not start, and `start` rejects with the same error. What `apply` or
   * `progress` throws ends the load, which rejects with it
   */
  load(
    apply: (change: Change) => void,
    progress?: (progress: LoadProgress) => void,
    begins?: (newestRecordMs: number) => void,
  ): Promise<Loaded>
  /**
   * All or none, in order; done when `level` holds. `undefined` at once means done already.
   *
   * It neither rejects nor throws: what cannot be stored now is reported (`onHealth`) and waits, and what still waits when the
   * Store is closed stays pending. A write that rejects nevertheless has stored nothing; the broker then takes the Store for
   * failing, and writes the same Changes again until it succeeds.
   */
  write(changes: readonly Change[], level: Durability): MaybePromise<void>
  /**
   * Payloads of messages that are not in RAM, in the order asked; `undefined` for one that is damaged or gone, whatever
   * becomes of the others. It rejects where nothing can be read now, and reading later may succeed.
   */
  read(messageNumbers: readonly number[]): MaybePromise<readonly (Uint8Array | undefined)[]>
  /**
   * Writes what waits, if it can. The broker waits for a limited time (`persistence.close-timeout`); its own `close` rejects
   * with `ERR_STORE_UNSTORED` or `ERR_STORE_CLOSE`.
   *
   * @throws where something was not stored; everything is closed nevertheless
   */
  close(): Promise<void>
  /** How it does, where it tells: the manual's table says what each figure means. */
  figures?(): StoreFigures
}

/** Counters from the start on, unless the name says `last`, `max` or what there is now. Times in milliseconds. */
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
  /** Half of all commits took no longer; and 99 of 100. Upper bounds of a histogram's buckets. */
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
