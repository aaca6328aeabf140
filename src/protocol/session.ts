/**
 * A Session: what the Server remembers of a Client, whether it is connected or not (§4.1).
 *
 *   deliver ──> queue (bounded) ──window has room?──> Packet Identifier ──> Connection ──> peer
 *                                                     in flight until PUBACK / PUBCOMP
 *
 * The Session outlives its Connection if its Session Expiry Interval says so. QoS 0 goes straight to the Connection, or
 * nowhere. What it changes that must survive is told to its `ledger`; a Session that dies with its Connection has none.
 *
 * @module
 */
import { MemoryAccount, sizeOfText } from '../base/memory-account.ts'
import { Ring } from '../base/ring.ts'
import { copied, Work, type WorkBudget } from '../base/work.ts'
import type { QoS } from '../codec/packet-types.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { AcknowledgementTime } from './acknowledgement-time.ts'
import type { ApplicationMessage } from './application-message.ts'
import type { Client } from './client.ts'
import { Delivery, DeliveryState, sizeOfDelivery, type SharedOrigin } from './delivery.ts'
import { IdentifierSet } from './identifier-set.ts'
import { RECEIVED_BYTES, SESSION_BYTES } from './memory-sizes.ts'
import { OutgoingWindow } from './outgoing-window.ts'
import { sizeOfSubscription, type DeliveryOptions, type Subscriber, type Subscription } from './subscription.ts'
import { WaitingQueue, type Sweep } from './waiting-queue.ts'

/** `#nextToOwn` while there is nothing. */
const NOTHING_TO_OWN = -1
const NOTHING_TAKEN = { taken: [], isDone: true } as const

/** Why a message did not reach a Client. Counted by cause, and told as an event. */
export type DropCause =
  | 'not connected'
  | 'output full'
  | 'queue full'
  | 'expired'
  | 'packet too large'
  | 'cannot be encoded'
  | 'not authorized'
  | 'publisher not authorized'
  | 'no member'
  | 'session ended'
  | 'refused by client'
  | 'memory limit'
  | 'damaged'
  | 'too many attempts'

/** Told about what must survive the Connection; every call is one Change (`stores/store.ts`). */
export interface SessionLedger {
  queued(session: Session, delivery: Delivery): void
  sent(session: Session, delivery: Delivery): void
  released(session: Session, delivery: Delivery): void
  done(session: Session, delivery: Delivery): void
  received(session: Session, packetIdentifier: number): void
  receivedDone(session: Session, packetIdentifier: number): void
}

/** What a Session asks of the Server around it. */
export interface SessionSide {
  now(): number
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
  delivered(session: Session, message: ApplicationMessage, qos: QoS): void
  /** Where work is counted: once it `isSpent` the rest of a backlog waits for this Session's next turn. */
  readonly work: WorkBudget
  /** What all Sessions hold together, moved whenever it changes. */
  readonly gauges: SessionGauges
  /** Output that could leave waits: `resume` when it is this Session's turn. */
  wantsFlow(session: Session): void
  /** `takesMore` was false when somebody looked, and is true again. */
  hasRoom(session: Session): void
  /** Whether a message of so many bytes that has to wait is to leave RAM: `park` is then called once it is stored. */
  parks(session: Session, bytes: number): boolean
  /** The next deliveries of that Session wait for payloads that are in the Store: `flow` once they are loaded. */
  wantsPayloads(session: Session): void
  /** That account had no room for so many bytes of a message. */
  memoryRefused(account: MemoryAccount, bytes: number): void
  /**
   * Moves whenever what Clients may receive may have changed; not a number where it may change at any time. What was queued
   * before is judged again when its turn comes.
   */
  readonly rightsVersion: number
  /** Whether that Session's Client may have a message of that topic now. */
  mayReceive(session: Session, topicName: string): boolean
  /** What was taken for a Shared Subscription cannot go to this Session. @returns whether another member has taken it */
  handsOn(session: Session, delivery: Delivery): boolean
  /** A message was added to its queue, and `isCrowded` holds: `thinned` follows. */
  crowded(session: Session): void
  /** It is crowded no more. */
  thinned(session: Session): void
  /** Something in its queue expires then, and earlier than anything that was there: `dropExpired` is due. */
  expires(session: Session, atMs: number): void
}

/** Counts over all Sessions. */
export interface SessionGauges {
  queuedMessages: number
  /** Of the messages in queues. */
  queuedBytes: number
  /** QoS 1 and 2 messages sent and not acknowledged. */
  inflightOut: number
  /** QoS 2 messages received and not released. */
  inflightIn: number
}

/** What a Session sends through: its Client's Connection. */
export interface SessionConnection {
  /** Who is connected. */
  readonly client: Client
  /** True while output piles up: only what is already in flight goes on. */
  readonly congested: boolean
  /** Whether it is as well to hand it more at once: its peer takes what it has. */
  readonly takesMore: boolean
  /** Whether the Client's Maximum Packet Size lets it have that message. */
  fits(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): boolean
  /** @returns why this Client cannot have it, as where it exceeds its Maximum Packet Size; `undefined` where it was sent */
  sendPublish(
    message: ApplicationMessage,
    retain: boolean,
    subscriptionIdentifiers: readonly number[],
  ): DropCause | undefined
  sendDelivery(delivery: Delivery, dup: boolean): DropCause | undefined
  sendPubrel(delivery: Delivery): void
}

export interface SessionLimits {
  readonly maxInflightMessages: number
  readonly maxQueuedMessages: number
  /** The same while its Client is connected, where this is more. */
  readonly maxQueuedMessagesConnected: number
  readonly maxQueuedBytes: number
  /** Bytes that everything it holds may take; 0 sets no limit. */
  readonly maxMemoryPerSession: number
  /** Which message goes when the queue is full. */
  readonly queueFull: 'drop-newest' | 'drop-oldest'
  /** Connections that may end by the Client's own errors over one message, until it is dropped; 0 sets no limit. */
  readonly maxDeliveryAttempts: number
}

/** How well a Session can take a message: what the choice of a Shared Subscription goes by, the best last. */
export const Readiness = {
  /** It cannot have it at all. */
  None: 0,
  /** It exceeds the Client's Maximum Packet Size. */
  TooLarge: 1,
  /** Its queue is full, and it is away. */
  AwayFull: 2,
  Full: 3,
  /** It can keep it until its Client is back. */
  Away: 4,
  /** It can keep it until there is room in its window. */
  Waits: 5,
  /** It would send it at once. */
  Now: 6,
} as const
export type Readiness = (typeof Readiness)[keyof typeof Readiness]

/** What a Session takes in memory that holds nothing yet. */
export function sizeOfSession(clientId: string, userName: string | undefined): number {
  return SESSION_BYTES + sizeOfText(clientId) + sizeOfUserName(userName)
}

function sizeOfUserName(userName: string | undefined): number {
  return userName === undefined ? 0 : sizeOfText(userName)
}

/** Entries of the queue that are looked at in one step of `dropExpired`. */
const LOOKS = 1000
/** The same where a message needs room at once. */
const URGENT_LOOKS = 128

const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map()

export class Session implements Subscriber {
  readonly clientId: string
  /** Seconds; 0 ends with the Connection, 0xFFFFFFFF never. */
  sessionExpiryInterval = 0
  /** Name in the Store. */
  sessionNumber = 0
  ledger: SessionLedger | undefined = undefined
  /** Packet Identifiers of QoS 2 messages taken over and not yet released (§4.3.3); made when needed. */
  receivedIdentifiers: IdentifierSet | undefined = undefined
  /** Charged with all that it holds. */
  readonly memory: MemoryAccount
  /** Bytes of the messages in the queue. */
  queuedBytes = 0
  /** Since when there has been something in the queue, and how many bytes of it have been sent since. */
  queuedSinceMs = 0
  takenBytes = 0
  isEnded = false
  #userName: string | undefined = undefined
  #limits: SessionLimits
  readonly #side: SessionSide
  /** Made with the first Subscription: most Clients of a large fleet have few or none. */
  #subscriptions: Map<string, Subscription> | undefined = undefined
  /** How many Connections it has had. */
  connectionNumber = 0
  #connection: SessionConnection | undefined = undefined
  #queue: WaitingQueue | undefined = undefined
  readonly #window: OutgoingWindow
  /** How many deliveries may be in flight on this Connection (§3.3.4, Receive Maximum). */
  #receiveMaximum = 0
  /** PUBLISH packets of QoS 1 and 2 sent on this Connection and not finished. */
  #openOnConnection = 0
  /** Of this Connection; made with the first PUBLISH of QoS 1 or 2. */
  #acknowledgements: AcknowledgementTime | undefined = undefined
  /** What this Connection still owes from earlier ones. */
  #toResend: Ring<Delivery> | undefined = undefined
  #lastEntryNumber = 0
  #isFlowDue = false
  /** Slot of the window from which on messages have to get memory of their own, after the Connection was lost. */
  #nextToOwn = NOTHING_TO_OWN
  /** It has held something of a Shared Subscription. */
  #hadShared = false
  /** Somebody has more for it once it `takesMore`. */
  #isAwaited = false
  /** `thinned` has to follow. */
  #isCrowdTold = false
  /** Under which rights new entries were judged, and the last one that was judged under others. */
  #rightsVersion = 0
  #unjudgedUpTo = 0

  /** @param payer whose account its own belongs to */
  constructor(clientId: string, side: SessionSide, limits: SessionLimits, payer?: MemoryAccount) {
    this.clientId = clientId
    this.#side = side
    this.#limits = limits
    this.memory = new MemoryAccount('session', clientId, limits.maxMemoryPerSession, payer)
    this.memory.add(sizeOfSession(clientId, undefined))
    this.#window = new OutgoingWindow(this.memory)
  }

  /** The identity that made it; another gets 0x85. */
  get userName(): string | undefined {
    return this.#userName
  }

  set userName(userName: string | undefined) {
    this.memory.add(sizeOfUserName(userName) - sizeOfUserName(this.#userName))
    this.#userName = userName
  }

  get limits(): SessionLimits {
    return this.#limits
  }

  set limits(limits: SessionLimits) {
    this.#limits = limits
    this.memory.limit = limits.maxMemoryPerSession
  }

  get connection(): SessionConnection | undefined {
    return this.#connection
  }

  /** By Topic Filter as the Client wrote it. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    return this.#subscriptions ?? NO_SUBSCRIPTIONS
  }

  /** Adds a Subscription, in place of the one with its Topic Filter if there is one (U-4.8.1-1). */
  subscribe(subscription: Subscription): void {
    const { topicFilter } = subscription
    this.#subscriptions ??= new Map()
    if (!this.#subscriptions.has(topicFilter)) this.memory.addShare(sizeOfSubscription(topicFilter))
    this.#subscriptions.set(topicFilter, subscription)
  }

  unsubscribe(topicFilter: string): void {
    if (this.#subscriptions?.delete(topicFilter) !== true) return
    this.memory.addShare(-sizeOfSubscription(topicFilter))
  }

  get queuedMessages(): number {
    return this.#queue?.length ?? 0
  }

  get inflightMessages(): number {
    return this.#window.size
  }

  /** QoS 1 and 2 messages that may be in flight on this Connection: the Client's Receive Maximum, or less. */
  get receiveMaximum(): number {
    return this.#receiveMaximum
  }

  /** How many more may be sent before the Client acknowledges one (§4.9); 0 without a Connection. */
  get sendQuota(): number {
    return this.#connection === undefined ? 0 : Math.max(0, this.#receiveMaximum - this.#openOnConnection)
  }

  /** Mean time from PUBLISH to PUBACK or PUBREC on this Connection, in milliseconds; `undefined` before the first one. */
  get acknowledgementMs(): number | undefined {
    return this.#acknowledgements?.meanMs
  }

  /** True when a message would leave at once: what the fair choice of a Shared Subscription prefers. */
  get isReady(): boolean {
    return this.#hasRoom() && this.#toResend === undefined
  }

  /** How well it can take that message at that QoS. */
  readinessFor(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): Readiness {
    const connection = this.#connection
    if (connection !== undefined && !connection.fits(message, qos, subscriptionIdentifiers)) return Readiness.TooLarge
    if (qos === 0) {
      if (connection === undefined) return Readiness.None
      return connection.congested ? Readiness.Full : Readiness.Now
    }
    if (this.isReady && this.queuedMessages === 0) return Readiness.Now
    const bytes = message.size + sizeOfDelivery(subscriptionIdentifiers)
    const isFull = this.#isFull(message) || this.memory.refuses(bytes, false) !== undefined
    if (connection === undefined) return isFull ? Readiness.AwayFull : Readiness.Away
    return isFull ? Readiness.Full : Readiness.Waits
  }

  #hasRoom(): boolean {
    return (
      this.#connection !== undefined && !this.#connection.congested && this.#openOnConnection < this.#receiveMaximum
    )
  }

  /**
   * Connects: resends what is unfinished, under its old identifiers and in its old order [5.0 MQTT-4.4.0-1], then goes on.
   *
   * @param receiveMaximum what the Client allows in flight, 65535 where it did not say
   */
  connect(connection: SessionConnection, receiveMaximum: number): void {
    this.#connection = connection
    this.#nextToOwn = NOTHING_TO_OWN
    this.connectionNumber++
    this.#receiveMaximum = Math.min(receiveMaximum, this.#limits.maxInflightMessages)
    this.#openOnConnection = 0
    this.#acknowledgements = undefined
    if (this.#window.size > 0) {
      this.#side.work.spend(this.#window.size * Work.entry)
      this.#toResend = new Ring()
      for (const delivery of this.#window.inOrder()) {
        delivery.isOpen = false
        this.#toResend.push(delivery)
      }
    }
    this.flow()
  }

  disconnect(): void {
    this.#connection = undefined
    this.#lookAtCrowd()
    this.#toResend = undefined
    if (this.#window.size === 0) {
      this.#window.clear()
      return
    }
    // When very many Connections are lost at once, this must not be a step that each of them takes whole.
    this.#nextToOwn = 0
    this.#askForFlow()
  }

  /** What is in flight may now stay for long, and must not keep the memory of others alive. */
  #ownInFlight(): void {
    const { work } = this.#side
    for (; this.#nextToOwn < this.#window.slots; this.#nextToOwn++) {
      if (this.#mustPause()) return
      work.spend(Work.entry)
      this.#window.inSlot(this.#nextToOwn)?.message.own()
    }
    this.#nextToOwn = NOTHING_TO_OWN
  }

  /**
   * Goes on resending as far as the Client's Receive Maximum lets it: the quota is the Connection's, fresh on each
   * (U-4.9-3), and a PUBREL needs none of it.
   */
  #resend(connection: SessionConnection, waiting: Ring<Delivery>): void {
    for (let next = waiting.peek(); next !== undefined && this.#hasRoom(); next = waiting.peek()) {
      if (this.#mustPause()) return
      this.#spend(next)
      const isOver = this.#window.get(next.packetIdentifier) !== next
      if (!isOver && next.state === DeliveryState.Sent && !next.message.isLost && !this.#mayHave(next)) {
        this.#revoke(next)
      }
      if (!isOver && next.state === DeliveryState.Sent && !next.message.isLoaded && !next.message.isLost) {
        this.#side.wantsPayloads(this)
        return
      }
      waiting.shift()
      if (isOver || this.#window.get(next.packetIdentifier) !== next) continue
      if (next.state === DeliveryState.Sent && next.message.isLost) {
        this.#dropSent(next, 'damaged')
        continue
      }
      if (next.state === DeliveryState.Released) connection.sendPubrel(next)
      else {
        const cause = connection.sendDelivery(next, true)
        if (cause === undefined) this.#open(next)
        else if (next.qos === 1) this.#finishUnsent(next, cause)
        else this.#dropSent(next, cause)
      }
    }
    if (waiting.length === 0) this.#toResend = undefined
  }

  /** QoS 2 that was sent goes to nobody else [5.0 MQTT-4.8.2-5]. */
  #dropSent(delivery: Delivery, cause: DropCause): void {
    this.#leaveWindow(delivery)
    this.#drop(delivery, cause)
  }

  /**
   * What was sent, and may not be received any longer, is not sent again. At QoS 2 the Client may have it, and must not take the
   * next message under its identifier for it: the exchange is brought to its end.
   */
  #revoke(delivery: Delivery): void {
    if (delivery.qos === 1) {
      this.#finishUnsent(delivery, 'not authorized')
      return
    }
    delivery.state = DeliveryState.Released
    this.ledger?.released(this, delivery)
    this.#side.dropped(this, delivery.message, 'not authorized')
  }

  /** Rights may have changed since entries were judged: all that were made until now are doubted. */
  #lookAtRights(): void {
    const version = this.#side.rightsVersion
    if (version === this.#rightsVersion) return
    this.#rightsVersion = version
    this.doubtRights()
  }

  /** What waits is judged again when its turn comes: somebody else may be its Client now. */
  doubtRights(): void {
    this.#unjudgedUpTo = this.#lastEntryNumber
  }

  #mayHave({ entryNumber, message }: Delivery): boolean {
    return entryNumber > this.#unjudgedUpTo || this.#side.mayReceive(this, message.topicName)
  }

  #open(delivery: Delivery): void {
    delivery.isOpen = true
    this.#openOnConnection++
    const acknowledgements = (this.#acknowledgements ??= new AcknowledgementTime())
    if (acknowledgements.isIdle) acknowledgements.begin(delivery.packetIdentifier, this.#side.now())
  }

  /** Delivers, queues or drops. Hot: runs for every receiver of every message. */
  deliver(message: ApplicationMessage, options: DeliveryOptions, shared?: SharedOrigin): void {
    const retain = options.retainAsPublished && message.retain
    this.send(message, message.qos < options.qos ? message.qos : options.qos, retain, options, shared)
  }

  /** Delivers at that QoS with that RETAIN (retained messages have it set whatever the options say). */
  send(message: ApplicationMessage, qos: QoS, retain: boolean, options: DeliveryOptions, shared?: SharedOrigin): void {
    if (qos === 0) this.#sendAtMostOnce(message, retain, options.subscriptionIdentifiers)
    else this.#enqueue(message, qos, retain, options.subscriptionIdentifiers, shared)
  }

  #sendAtMostOnce(message: ApplicationMessage, retain: boolean, identifiers: readonly number[]): void {
    const connection = this.#connection
    if (connection === undefined) this.#side.dropped(this, message, 'not connected')
    else if (connection.congested) this.#side.dropped(this, message, 'output full')
    else {
      const cause = connection.sendPublish(message, retain, identifiers)
      if (cause === undefined) this.#side.delivered(this, message, 0)
      else this.#side.dropped(this, message, cause)
    }
  }

  #enqueue(
    message: ApplicationMessage,
    qos: 1 | 2,
    retain: boolean,
    identifiers: readonly number[],
    shared: SharedOrigin | undefined,
  ): void {
    const waits = this.queuedMessages > 0 || !this.isReady || !message.isLoaded
    if (waits) this.#lookAtRights()
    if (waits ? !this.#makeRoom(message, identifiers) : !this.#hasMemoryFor(message, identifiers, true)) return
    const mayPark = waits && shared === undefined && this.ledger !== undefined
    const parks = mayPark && this.#side.parks(this, message.fullSize)
    if (waits && !parks) message.own()
    else message.keep()
    const delivery = new Delivery(message, qos, retain, identifiers, shared, ++this.#lastEntryNumber)
    if (shared !== undefined) this.#hadShared = true
    this.ledger?.queued(this, delivery)
    if (waits) {
      this.#push(delivery, parks)
      if (!message.isLoaded) this.flow()
    } else {
      this.memory.hold(message, delivery.size)
      this.#sendFirst(delivery)
    }
  }

  #push(delivery: Delivery, parks: boolean): void {
    if (parks && !delivery.isStored) delivery.message.own()
    if (this.#queue === undefined) this.#beginQueue()
    const { expiresAtMs } = delivery.message
    if (expiresAtMs < this.#queue!.earliestExpiryMs) this.#side.expires(this, expiresAtMs)
    this.#queue!.push(delivery, parks)
    this.queuedBytes += delivery.message.fullSize
    const { gauges } = this.#side
    gauges.queuedMessages++
    gauges.queuedBytes += delivery.message.fullSize
    if (!this.isCrowded) return
    this.#isCrowdTold = true
    this.#side.crowded(this)
  }

  #beginQueue(): void {
    this.#queue = new WaitingQueue(this.memory)
    this.queuedSinceMs = this.#side.now()
    this.takenBytes = 0
  }

  /** Whether its Client is connected and half of its queue is full. */
  get isCrowded(): boolean {
    if (this.#connection === undefined) return false
    return this.queuedBytes * 2 >= this.#limits.maxQueuedBytes || this.queuedMessages * 2 >= this.#maxQueuedMessages
  }

  #lookAtCrowd(): void {
    if (!this.#isCrowdTold || this.isCrowded) return
    this.#isCrowdTold = false
    this.#side.thinned(this)
  }

  /** Whether a limit of the queue has no room for that message, also without what has expired in it. */
  #isFull(message: ApplicationMessage): boolean {
    if (!this.#exceeds(message)) return false
    if (this.#queue !== undefined && this.#queue.earliestExpiryMs <= this.#side.now()) this.#dropExpired(URGENT_LOOKS)
    return this.#exceeds(message)
  }

  #exceeds(message: ApplicationMessage): boolean {
    return this.queuedMessages + 1 > this.#maxQueuedMessages || this.#exceedsBytes(message)
  }

  #exceedsBytes(message: ApplicationMessage): boolean {
    return this.queuedBytes + message.fullSize > this.#limits.maxQueuedBytes
  }

  /** What a connected Client takes soon is limited by the memory that it needs. */
  get #maxQueuedMessages(): number {
    const { maxQueuedMessages, maxQueuedMessagesConnected } = this.#limits
    return this.#connection === undefined ? maxQueuedMessages : Math.max(maxQueuedMessages, maxQueuedMessagesConnected)
  }

  /** When something in the queue expires: not before that; Infinity if nothing does. */
  get earliestExpiryMs(): number {
    return this.#queue?.earliestExpiryMs ?? Infinity
  }

  /** Drops what has expired in the queue, a slice of it at a time. @returns true when all of it was looked through */
  dropExpired(): boolean {
    this.#dropExpired(LOOKS)
    return this.#queue?.isSweeping !== true
  }

  #dropExpired(looks: number): void {
    for (const delivery of this.#queue?.takeExpired(this.#side.now(), looks) ?? []) {
      this.#left(delivery.message.fullSize)
      this.#drop(delivery, 'expired')
    }
  }

  /** @returns false when the new message is the one that has to go */
  #makeRoom(message: ApplicationMessage, identifiers: readonly number[]): boolean {
    const { maxQueuedBytes, queueFull } = this.#limits
    const before = this.queuedMessages
    while (this.#isFull(message)) {
      // What came while its Client was connected may be more than it may have now: one goes for each that comes.
      if (this.queuedMessages < before && !this.#exceedsBytes(message)) break
      // What has no room even in an empty queue must not empty it.
      const mayDropOldest = queueFull === 'drop-oldest' && message.fullSize <= maxQueuedBytes
      const oldest = mayDropOldest ? this.#shift() : undefined
      if (oldest === undefined) {
        this.#side.dropped(this, message, 'queue full')
        return false
      }
      this.#drop(oldest, 'queue full')
    }
    return this.#hasMemoryFor(message, identifiers, false)
  }

  /** @param isUrgent it leaves at once: whoever reads frees memory */
  #hasMemoryFor(message: ApplicationMessage, identifiers: readonly number[], isUrgent: boolean): boolean {
    const bytes = message.size + sizeOfDelivery(identifiers)
    const refusing = this.memory.refuses(bytes, isUrgent)
    if (refusing === undefined) return true
    this.#side.memoryRefused(refusing, bytes)
    this.#side.dropped(this, message, 'memory limit')
    return false
  }

  #shift(): Delivery | undefined {
    const delivery = this.#queue?.shift()
    if (delivery !== undefined) this.#left(delivery.message.fullSize)
    return delivery
  }

  /** A message of so many bytes waits no more. */
  #left(bytes: number): void {
    this.queuedBytes -= bytes
    const { gauges } = this.#side
    gauges.queuedMessages--
    gauges.queuedBytes -= bytes
    if (this.queuedMessages === 0) this.#queue = undefined
  }

  #drop(delivery: Delivery, cause: DropCause): void {
    this.memory.release(delivery.message, delivery.size)
    this.ledger?.done(this, delivery)
    this.#side.dropped(this, delivery.message, cause)
  }

  /**
   * Whether more can be handed to it without piling up: its peer takes what it is sent, and half of its queue is free.
   * Where not, `hasRoom` follows.
   */
  get takesMore(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.#limits
    const isFree = this.queuedMessages * 2 < maxQueuedMessages && this.queuedBytes * 2 < maxQueuedBytes
    if (isFree && this.#connection?.takesMore === true) return true
    this.#isAwaited = true
    return false
  }

  /** It is this Session's turn, after `wantsFlow`. */
  resume(): boolean {
    this.#isFlowDue = false
    if (this.#nextToOwn !== NOTHING_TO_OWN) this.#ownInFlight()
    this.flow()
    return true
  }

  /** Sends from the queue while the window has room. To be called whenever room may have come. */
  flow(): void {
    if (this.#toResend !== undefined || this.#queue !== undefined) this.#lookAtRights()
    if (this.#toResend !== undefined && this.#connection !== undefined) this.#resend(this.#connection, this.#toResend)
    if (this.#queue !== undefined) this.#flowQueue()
    this.#lookAtCrowd()
    if (!this.#isAwaited) return
    this.#isAwaited = false
    if (this.takesMore) this.#side.hasRoom(this)
  }

  #mustPause(): boolean {
    if (!this.#side.work.isSpent) return false
    this.#askForFlow()
    return true
  }

  #askForFlow(): void {
    if (this.#isFlowDue) return
    this.#isFlowDue = true
    this.#side.wantsFlow(this)
  }

  #spend({ message }: Delivery): void {
    this.#side.work.spend(Work.delivery + copied(message.size))
  }

  #flowQueue(): void {
    while (this.#queue !== undefined && this.isReady) {
      if (this.#mustPause()) return
      const next = this.#queue.peek()!
      this.#spend(next)
      const cause = this.#whyNot(next)
      if (cause === undefined) {
        if (!next.message.isLoaded) {
          this.#side.wantsPayloads(this)
          return
        }
        this.takenBytes += next.message.fullSize
        this.#sendFirst(this.#shift()!)
      } else this.#giveUp(this.#shift()!, cause)
    }
  }

  /** Why something that waited cannot be sent. */
  #whyNot(delivery: Delivery): DropCause | undefined {
    const { message } = delivery
    if (message.isLost) return 'damaged'
    if (message.isExpired(this.#side.now())) return 'expired'
    return this.#mayHave(delivery) ? undefined : 'not authorized'
  }

  /** What another member of its Shared Subscription can have goes there. */
  #giveUp(delivery: Delivery, cause: DropCause): void {
    const isOthers = cause === 'packet too large' || cause === 'not authorized'
    if (isOthers && delivery.shared !== undefined && this.#side.handsOn(this, delivery)) {
      this.memory.release(delivery.message, delivery.size)
      this.ledger?.done(this, delivery)
    } else this.#drop(delivery, cause)
  }

  #sendFirst(delivery: Delivery): void {
    delivery.state = DeliveryState.Sent
    this.#window.add(delivery)
    this.#side.gauges.inflightOut++
    this.ledger?.sent(this, delivery)
    const cause = this.#connection!.sendDelivery(delivery, false)
    if (cause === undefined) {
      this.#open(delivery)
      this.#side.delivered(this, delivery.message, delivery.qos)
    } else this.#finishUnsent(delivery, cause)
  }

  /** Nothing that this Client can have: as though it had been delivered [5.0 MQTT-3.1.2-25]. */
  #finishUnsent(delivery: Delivery, cause: DropCause): void {
    this.#leaveWindow(delivery)
    this.#giveUp(delivery, cause)
  }

  /**
   * Its Client broke the protocol. Where that happens over one message again and again, the message is dropped: it would come
   * with each Connection, and end it.
   *
   * @param packetIdentifier which delivery the Client was answering; `undefined` if it cannot be told: the oldest is suspected
   */
  clientFailed(packetIdentifier: number | undefined): void {
    const answered = packetIdentifier === undefined ? undefined : this.#window.get(packetIdentifier)
    const suspect = answered?.isOpen === true ? answered : this.#window.inOrder().find(({ isOpen }) => isOpen)
    if (suspect === undefined) return
    suspect.failures++
    const { maxDeliveryAttempts } = this.#limits
    if (maxDeliveryAttempts === 0 || suspect.failures < maxDeliveryAttempts) return
    this.#forget(suspect)
    this.ledger?.done(this, suspect)
    this.#side.dropped(this, suspect.message, 'too many attempts')
  }

  #leaveWindow(delivery: Delivery): void {
    this.#window.remove(delivery)
    this.#side.gauges.inflightOut--
  }

  #forget(delivery: Delivery): void {
    this.#leaveWindow(delivery)
    this.memory.release(delivery.message, delivery.size)
    if (delivery.isOpen) this.#openOnConnection--
  }

  #finish(delivery: Delivery): void {
    this.#forget(delivery)
    this.ledger?.done(this, delivery)
    this.flow()
  }

  /** Whatever its Reason Code is. */
  #acknowledged(packetIdentifier: number): void {
    const acknowledgements = this.#acknowledgements
    if (acknowledgements?.times(packetIdentifier) === true) acknowledgements.end(this.#side.now())
  }

  /** PUBACK: an identifier that is not in flight is nobody's loss. */
  puback(packetIdentifier: number, reasonCode: number): void {
    const delivery = this.#window.get(packetIdentifier)
    if (delivery === undefined || delivery.qos !== 1) return
    this.#acknowledged(packetIdentifier)
    if (reasonCode >= 0x80) this.#side.dropped(this, delivery.message, 'refused by client')
    this.#finish(delivery)
  }

  /**
   * PUBREC: answered with PUBREL unless the Client refused the message [5.0 MQTT-4.3.3-4].
   *
   * @returns the Reason Code that PUBREL has to carry, or `undefined` where none is owed
   */
  pubrec(packetIdentifier: number, reasonCode: number): ReasonCode | undefined {
    const delivery = this.#window.get(packetIdentifier)
    if (delivery === undefined || delivery.qos !== 2) {
      return reasonCode >= 0x80 ? undefined : ReasonCode.PacketIdentifierNotFound
    }
    this.#acknowledged(packetIdentifier)
    if (reasonCode >= 0x80) {
      // PUBREC after PUBREL cannot refuse any more; before it, the message is dropped [5.0 MQTT-4.4.0-2].
      this.#side.dropped(this, delivery.message, 'refused by client')
      this.#finish(delivery)
      return undefined
    }
    if (delivery.state !== DeliveryState.Released) {
      delivery.state = DeliveryState.Released
      this.ledger?.released(this, delivery)
    }
    return ReasonCode.Success
  }

  pubcomp(packetIdentifier: number): void {
    const delivery = this.#window.get(packetIdentifier)
    if (delivery?.qos === 2 && delivery.state === DeliveryState.Released) this.#finish(delivery)
  }

  /** Whether that QoS 2 Packet Identifier was taken over and not released yet [5.0 MQTT-4.3.3-10]. */
  hasReceived(packetIdentifier: number): boolean {
    return this.receivedIdentifiers?.has(packetIdentifier) ?? false
  }

  addReceived(packetIdentifier: number): void {
    this.receivedIdentifiers ??= new IdentifierSet()
    const before = this.receivedIdentifiers.size
    this.receivedIdentifiers.add(packetIdentifier)
    const added = this.receivedIdentifiers.size - before
    this.#side.gauges.inflightIn += added
    this.memory.add(added * RECEIVED_BYTES)
    this.ledger?.received(this, packetIdentifier)
  }

  /** @returns whether there was such an identifier */
  releaseReceived(packetIdentifier: number): boolean {
    if (this.receivedIdentifiers?.delete(packetIdentifier) !== true) return false
    this.memory.add(-RECEIVED_BYTES)
    this.#side.gauges.inflightIn--
    this.ledger?.receivedDone(this, packetIdentifier)
    return true
  }

  /**
   * Takes out what waits for a Shared Subscription, so that another member can have it; looks at so many entries at most. What
   * was sent stays [5.0 MQTT-4.8.2-5].
   */
  takeShared(sweep: Sweep, looks: number): { readonly taken: readonly Delivery[]; readonly isDone: boolean } {
    if (!this.#hadShared || this.#queue === undefined) return NOTHING_TAKEN
    const result = this.#queue.takeOut(sweep, looks)
    for (const delivery of result.taken) {
      this.#left(delivery.message.fullSize)
      this.memory.release(delivery.message, delivery.size)
      this.ledger?.done(this, delivery)
    }
    return result
  }

  /** Whether it may hold what other members of a Shared Subscription can have. */
  get holdsShared(): boolean {
    return this.#hadShared && !this.isEmpty
  }

  /** Nothing waits, and nothing is in flight. */
  get isEmpty(): boolean {
    return this.#queue === undefined && this.#window.size === 0
  }

  /** Ends it: what it holds has to be taken out by `remains`. Its Subscriptions stay, which may be very many. */
  end(): void {
    this.isEnded = true
    this.#window.clear()
    const received = this.receivedIdentifiers?.size ?? 0
    this.memory.add(-sizeOfSession(this.clientId, this.#userName) - received * RECEIVED_BYTES)
    this.#side.gauges.inflightIn -= received
    this.receivedIdentifiers = undefined
  }

  /** What an ended Session holds, one delivery after the other, each of which it gives up: first what was sent. */
  *remains(): Generator<Delivery, void, undefined> {
    this.#side.work.spend(this.#window.size * Work.entry)
    for (const delivery of this.#window.inOrder()) {
      this.#forget(delivery)
      this.#window.clear()
      yield delivery
    }
    while (this.#queue !== undefined) {
      const delivery = this.#shift()!
      this.memory.release(delivery.message, delivery.size)
      yield delivery
    }
  }

  /** Everything up to that entry is stored: what waits and was to leave RAM does. */
  park(lastEntryNumber: number): void {
    this.#queue?.park(lastEntryNumber)
  }

  /**
   * Of the next `count` messages, in the order in which they will be sent, those whose payloads are in the Store alone: at least
   * one, and no more than `bytes` of others.
   */
  nextUnloaded(count: number, bytes: number): ApplicationMessage[] {
    const resent = Math.min(count, this.#toResend?.length ?? 0)
    const next = Array.from({ length: resent }, (_, at) => this.#toResend!.at(at)!)
    next.push(...(this.#queue?.upcoming(count - resent) ?? []))
    const found: ApplicationMessage[] = []
    let foundBytes = 0
    for (const { message, state } of next) {
      if (state === DeliveryState.Released || message.isLoaded || message.isLost) continue
      foundBytes += message.payloadLength
      if (found.length > 0 && foundBytes > bytes) break
      found.push(message)
    }
    return found
  }

  /** Of the newest message that was ever meant for it. */
  get lastEntryNumber(): number {
    return this.#lastEntryNumber
  }

  /** Numbers new entries above that one: a Store does not take a number twice. */
  numberEntriesAbove(entryNumber: number): void {
    this.#lastEntryNumber = Math.max(this.#lastEntryNumber, entryNumber)
  }

  /** Puts back what a Store gave at start, in entry order. */
  restore(delivery: Delivery): void {
    this.numberEntriesAbove(delivery.entryNumber)
    if (delivery.shared !== undefined) this.#hadShared = true
    if (delivery.state === DeliveryState.Waiting) this.#push(delivery, false)
    else {
      this.memory.hold(delivery.message, delivery.size)
      this.#window.restore(delivery)
      this.#side.gauges.inflightOut++
    }
  }

  /** How large the table of what is in flight is, which `heldAfter` goes through. */
  get windowSlots(): number {
    return this.#window.slots
  }

  /**
   * Some of what is in flight and then of what waits, in the order of their entries.
   *
   * @returns the first `count` above that entry, and how many wait before the first of those that wait
   */
  heldAfter(entryNumber: number, count: number): { readonly deliveries: readonly Delivery[]; readonly before: number } {
    const inFlight = this.#window.after(entryNumber, count)
    if (inFlight.length === count || this.#queue === undefined) return { deliveries: inFlight, before: 0 }
    const { deliveries, before } = this.#queue.after(entryNumber, count - inFlight.length)
    return { deliveries: [...inFlight, ...deliveries], before }
  }

  /** Everything waiting or in flight, for lists and for the ledger of a Session that becomes durable. */
  *deliveries(): IterableIterator<Delivery> {
    yield* this.#window.inOrder()
    if (this.#queue !== undefined) yield* this.#queue
  }
}
