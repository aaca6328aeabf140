/**
 * Turns what happens into what is stored: every fact that outlives a Connection becomes a Change of the current turn.
 *
 *   Session, Subscription, delivery, retained message, Will ──> Change ──> Turn ──> Store
 *
 * A Session is stored if its Session Expiry Interval is above 0 (3.1.1: CleanSession 0). A Will is stored from CONNECT
 * on, whatever the Session. A message is written once, before the first fact that refers to it. Times in Changes are
 * wall-clock times. If the clock is behind the newest record, that record's time counts instead, so that nothing ends
 * early.
 *
 * @module
 */
import type { Clock } from '../../base/clock.ts'
import { sizeOfText, type MemoryAccount } from '../../base/memory-account.ts'
import { WallTime } from '../../base/wall-time.ts'
import { WideMap } from '../../base/wide-map.ts'
import { noPropertyList, withProperties } from '../../codec/property-list.ts'
import { noProperties } from '../../codec/properties.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import { DeliveryState, type Delivery } from '../../protocol/delivery.ts'
import type { Session } from '../../protocol/session.ts'
import type { SessionLedger } from '../../protocol/session-side.ts'
import type { Subscription } from '../../protocol/subscription.ts'
import type { Change, Loaded, ReplayRecord, SessionRecord, SubscriptionRecord } from '../../stores/store.ts'
import { UnrecordedEntry } from './unrecorded-entry.ts'
import { sizeStored } from './size-stored.ts'
import type { DurabilityRules } from './durability-rules.ts'
import { NEVER_EXPIRES, type Registration, type Will } from '../sessions/sessions.ts'
import type { Turn } from '../../turn/turn.ts'

/** The memory that a Change takes until it is stored, besides its texts and its payload; an estimate. */
const CHANGE_BYTES = 100

/** The position of a replay in this turn; it may advance before the turn ends. */
interface ReplayChange {
  readonly kind: 'replay'
  replay: ReplayRecord
}

export class Ledger implements SessionLedger<Session> {
  #lastSessionNumber = 0
  #lastMessageNumber = 0
  /** Converts stored times. */
  #wallTime: WallTime
  /** The last entry that was recorded, and its place among all Changes. */
  #newest: UnrecordedEntry | undefined
  #newestChange = 0
  /** The last replay that was recorded, and in which turn. */
  #newestReplay: ReplayChange | undefined
  #newestReplayTurn = 0
  /** The Change that ended a Client's last Session, until it is stored. */
  readonly #endings = new WideMap<number>()
  readonly #turn: Turn
  readonly #clock: Clock
  readonly #rules: DurabilityRules
  readonly #storeRefused: (account: MemoryAccount, bytes: number) => void

  /** @param storeRefused called when a user's share of the Store has no room for so many bytes */
  constructor(
    turn: Turn,
    clock: Clock,
    rules: DurabilityRules,
    storeRefused: (account: MemoryAccount, bytes: number) => void,
  ) {
    this.#turn = turn
    this.#storeRefused = storeRefused
    this.#wallTime = new WallTime(clock)
    this.#clock = clock
    this.#rules = rules
  }

  /**
   * Counts times from the newest record on. Call it before the first stored time is converted.
   *
   * @returns how far the clock is behind it, in milliseconds
   */
  beginAt(newestRecordMs: number): number {
    this.#wallTime = new WallTime(this.#clock, newestRecordMs)
    return this.#wallTime.behindMs
  }

  /** Continues with the numbers where the Store ended. */
  begin({ lastSessionNumber, lastMessageNumber }: Loaded): void {
    this.#lastSessionNumber = lastSessionNumber
    this.#lastMessageNumber = lastMessageNumber
  }

  /** Wall-clock milliseconds of a monotonic time; `undefined` for never. */
  toWall(monotonicMs: number | undefined): number | undefined {
    if (monotonicMs === undefined || monotonicMs === Infinity) return undefined
    return Math.round(monotonicMs - this.#turn.now() + this.#wallTime.now())
  }

  /** Monotonic milliseconds of a stored time; Infinity for never. */
  fromWall(wallMs: number | undefined): number {
    if (wallMs === undefined) return Infinity
    return wallMs - this.#wallTime.now() + this.#turn.now()
  }

  #record(change: Change, bytes = 0): void {
    this.#turn.record(change, CHANGE_BYTES + bytes)
  }

  // ---- Sessions ----

  /** Records that a Session was made or resumed, that its Client has left, or that its expiry changed. */
  session(registration: Registration): void {
    const { session } = registration
    if (session.sessionExpiryInterval === 0 && session.ledger === undefined) return
    if (session.ledger === undefined) this.#adopt(session)
    this.#record({ kind: 'session', session: this.#sessionRecord(registration) }, sizeOfText(session.clientId))
  }

  #adopt(session: Session): void {
    this.#number(session)
    session.ledger = this
  }

  #number(session: Session): number {
    if (session.sessionNumber === 0) session.sessionNumber = ++this.#lastSessionNumber
    return session.sessionNumber
  }

  #sessionRecord({ session, client, connection, expiresAtMs }: Registration): SessionRecord {
    const { sessionNumber, clientId, userName, sessionExpiryInterval } = session
    const { protocolVersion } = client
    const common = { sessionNumber, clientId, userName, protocolVersion, sessionExpiryInterval }
    if (connection !== undefined) return { ...common, expiresAtMs: undefined }
    // A broker that stops ends Connections without starting the wait; it begins now.
    const endsAtMs =
      expiresAtMs === undefined && sessionExpiryInterval !== NEVER_EXPIRES
        ? this.#turn.now() + sessionExpiryInterval * 1000
        : expiresAtMs
    return { ...common, expiresAtMs: this.toWall(endsAtMs) }
  }

  sessionEnded(session: Session): void {
    if (session.sessionNumber === 0) return
    this.#forget(session)
    this.#noteEnding(session.clientId, this.#turn.changeCount)
  }

  #forget(session: Session): void {
    this.#record({ kind: 'session-ended', sessionNumber: session.sessionNumber }, sizeOfText(session.clientId))
    session.memory.addStored(-session.memory.storedBytes)
    session.ledger = undefined
    session.sessionNumber = 0
  }

  /**
   * Records that a Session has ended and that some of its messages are still to be handed to others. After a restart it
   * is loaded, ends immediately, and the handover continues; its Client may have a new Session by then.
   */
  sessionOver(registration: Registration): void {
    const expiresAtMs = this.toWall(this.#turn.now())
    const session = { ...this.#sessionRecord(registration), sessionExpiryInterval: 0, expiresAtMs }
    this.#record({ kind: 'session', session }, sizeOfText(session.clientId))
    this.#noteEnding(session.clientId, this.#turn.changeCount)
  }

  /** Records, after `sessionOver`, that all of them have been handed over. */
  sessionForgotten(registration: Registration): void {
    this.#forget(registration.session)
    // The Store has removed the Will with its Session.
    if (registration.will !== undefined) this.will(registration, registration.will)
  }

  #noteEnding(clientId: string, change: number): void {
    this.#endings.set(clientId, change)
    this.#turn.whenCommitted(() => {
      if (this.#endings.get(clientId) === change) this.#endings.delete(clientId)
    })
  }

  /** The Change without which an ended Session of that Client would come back; 0 if it is stored. */
  endingOf(clientId: string): number {
    return this.#endings.get(clientId) ?? 0
  }

  subscribed({ ledger, sessionNumber }: Session, subscription: Subscription): void {
    if (ledger === undefined) return
    const bytes = sizeOfText(subscription.topicFilter)
    this.#record({ kind: 'subscribed', sessionNumber, subscription: subscriptionRecord(subscription) }, bytes)
  }

  unsubscribed({ ledger, sessionNumber }: Session, topicFilter: string): void {
    if (ledger !== undefined)
      this.#record({ kind: 'unsubscribed', sessionNumber, topicFilter }, sizeOfText(topicFilter))
  }

  // ---- replays ----

  /** The highest number of a message that something stored may refer to. */
  get lastMessageNumber(): number {
    return this.#lastMessageNumber
  }

  /** Records the position of a replay, together with all entries that it has made so far. */
  replay({ ledger, sessionNumber }: Session, position: Omit<ReplayRecord, 'sessionNumber'>): void {
    if (ledger === undefined) return
    const replay = { sessionNumber, ...position }
    const newest = this.#newestReplay
    const isSame = newest?.replay.sessionNumber === sessionNumber && newest.replay.topicFilter === replay.topicFilter
    if (isSame && this.#newestReplayTurn === this.#turn.recordedTurns) {
      newest.replay = replay
      return
    }
    this.#newestReplay = { kind: 'replay', replay }
    this.#newestReplayTurn = this.#turn.recordedTurns
    this.#record(this.#newestReplay, sizeOfText(replay.topicFilter) + sizeOfText(replay.afterTopicName))
  }

  replayEnded({ ledger, sessionNumber }: Session, topicFilter: string): void {
    if (ledger === undefined) return
    this.#newestReplay = undefined
    this.#record({ kind: 'replay-ended', sessionNumber, topicFilter }, sizeOfText(topicFilter))
  }

  // ---- Wills ----

  will({ session, willDueAtMs }: Registration, will: Will | undefined): void {
    if (will !== undefined) this.#recordWill(this.#number(session), will, willDueAtMs)
    else if (session.sessionNumber !== 0) this.willRemoved(session.sessionNumber)
  }

  /**
   * Records a Will that is due and about which a plugin has not decided yet. It gets a number of its own, because its
   * Session may end meanwhile, or its Client may return with another Will.
   *
   * @returns the number, for `willRemoved`
   */
  undecidedWill({ session }: Registration, will: Will): number {
    const number = ++this.#lastSessionNumber
    this.#recordWill(number, will, this.#turn.now())
    if (session.sessionNumber !== 0) this.willRemoved(session.sessionNumber)
    return number
  }

  #recordWill(sessionNumber: number, { fields, client, delayInterval }: Will, willDueAtMs: number | undefined): void {
    const { topicName, payload, qos, retain, properties } = fields
    const { clientId, userName } = client
    const dueAtMs = this.toWall(willDueAtMs)
    const message = { topicName, payload, qos, retain, properties: noProperties }
    const record = { sessionNumber, clientId, userName, willDelayInterval: delayInterval, dueAtMs, ...message }
    this.#record(
      { kind: 'will', will: withProperties(record, properties) },
      payload.length + properties.length + sizeOfText(topicName),
    )
  }

  willRemoved(sessionNumber: number): void {
    this.#record({ kind: 'will-removed', sessionNumber })
  }

  // ---- messages ----

  /** Whether that message is stored for those of its receivers that are stored, and as a retained message. */
  isStored(message: ApplicationMessage): boolean {
    return message.isRecorded || this.#rules.levelOf(message) !== 'memory'
  }

  /** @returns whether facts about that message are stored */
  #keeps(message: ApplicationMessage): boolean {
    if (message.isRecorded) return true
    const level = this.#rules.levelOf(message)
    if (level === 'memory') return false
    this.#turn.raise(level)
    if (message.messageNumber === 0) message.messageNumber = ++this.#lastMessageNumber
    return true
  }

  /** Appends the message itself, before the first Change that refers to it. */
  appendMessage(message: ApplicationMessage, changes: Change[]): void {
    if (message.isRecorded) return
    message.isRecorded = true
    const { messageNumber, topicName, payload, qos, retain, propertyList, publisher, publisherUser } = message
    const expiresAtMs = this.toWall(message.expiresAtMs)
    const properties = noProperties
    const plain = { messageNumber, topicName, payload, qos, retain, properties, publisher, expiresAtMs }
    const known = publisherUser === undefined ? plain : { ...plain, publisherUser }
    const record = propertyList === noPropertyList ? known : withProperties(known, propertyList)
    changes.push({ kind: 'message', message: record })
  }

  /**
   * @param replaced the message that was retained there before: if it was stored and the new one is not, it must not
   *   stay in the Store
   */
  retained(message: ApplicationMessage, replaced: ApplicationMessage | undefined): void {
    if (!this.#keeps(message)) {
      if (replaced !== undefined && replaced.messageNumber !== 0) this.retainedCleared(message.topicName)
      return
    }
    const appendTo = (changes: Change[]): void => {
      this.appendMessage(message, changes)
      changes.push({ kind: 'retained', topicName: message.topicName, messageNumber: message.messageNumber })
    }
    this.#turn.record({ appendTo }, CHANGE_BYTES + message.payloadLength + message.namesSize)
  }

  retainedCleared(topicName: string): void {
    this.#record({ kind: 'retained-cleared', topicName }, sizeOfText(topicName))
  }

  refuses({ memory }: Session, message: ApplicationMessage, isUrgent: boolean): boolean {
    // Most have room: whether the Store keeps it is asked of the others alone.
    return memory.refusesStored(sizeStored(message), isUrgent) !== undefined && this.isStored(message)
  }

  refused({ memory }: Session, message: ApplicationMessage): void {
    const bytes = sizeStored(message)
    const account = memory.refusesStored(bytes)
    if (account !== undefined) this.#storeRefused(account, bytes)
  }

  /** An entry that the Store gave at start. */
  restored({ memory }: Session, delivery: Delivery): void {
    if (delivery.state !== DeliveryState.Released) memory.addStored(sizeStored(delivery.message))
  }

  queued({ sessionNumber, memory }: Session, delivery: Delivery): void {
    if (!this.#keeps(delivery.message)) return
    memory.addStored(sizeStored(delivery.message))
    delivery.isStored = true
    delivery.isUnrecorded = true
    this.#newest = new UnrecordedEntry(this, sessionNumber, delivery)
    const { message } = delivery
    this.#turn.record(this.#newest, CHANGE_BYTES + message.payloadLength + message.namesSize)
    this.#newestChange = this.#turn.changeCount
  }

  sent({ sessionNumber }: Session, delivery: Delivery): void {
    const { isStored, isUnrecorded, entryNumber, packetIdentifier } = delivery
    if (!isStored) return
    if (isUnrecorded && this.#newest?.delivery === delivery && this.#newestChange === this.#turn.changeCount) {
      this.#newest.isSent = true
      return
    }
    this.#recordOf(delivery, { kind: 'sent', sessionNumber, entryNumber, packetIdentifier })
  }

  released({ sessionNumber, memory }: Session, delivery: Delivery): void {
    const { isStored, entryNumber } = delivery
    if (!isStored) return
    memory.addStored(-sizeStored(delivery.message))
    this.#recordOf(delivery, { kind: 'released', sessionNumber, entryNumber })
  }

  /** Records what becomes of an entry, in order. If the entry is finished before it was recorded, nothing is. */
  #recordOf(delivery: Delivery, change: Change): void {
    if (delivery.isUnrecorded) {
      const appendTo = (changes: Change[]): void => void (delivery.isStored && changes.push(change))
      this.#turn.record({ appendTo }, CHANGE_BYTES)
    } else this.#record(change)
  }

  done({ sessionNumber, memory }: Session, delivery: Delivery): void {
    // A message that was released is the Store's no longer.
    if (delivery.isStored && delivery.state !== DeliveryState.Released) memory.addStored(-sizeStored(delivery.message))
    if (delivery.isUnrecorded) {
      delivery.isUnrecorded = false
      delivery.isStored = false
    } else if (delivery.isStored) this.#record({ kind: 'done', sessionNumber, entryNumber: delivery.entryNumber })
  }

  received({ sessionNumber }: Session, packetIdentifier: number): void {
    this.#record({ kind: 'received', sessionNumber, packetIdentifier })
  }

  receivedDone({ sessionNumber }: Session, packetIdentifier: number): void {
    this.#record({ kind: 'received-done', sessionNumber, packetIdentifier })
  }
}

function subscriptionRecord(subscription: Subscription): SubscriptionRecord {
  const { topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifiers } = subscription
  const [subscriptionIdentifier] = subscriptionIdentifiers
  return { topicFilter, qos, noLocal, retainAsPublished, retainHandling, subscriptionIdentifier }
}
