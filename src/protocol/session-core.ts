/**
 * What a Session is made of: the lowest of its layers. Each layer is a noun of its own and knows only those below it.
 *
 *   session.ts                 what comes: messages, and what a Store gave at start
 *   session-flow.ts            what is sent next, or again, while there is room
 *   session-in-flight.ts       what was sent and is not finished
 *   session-queue.ts           what waits
 *   session-core.ts            whose it is, its Subscriptions and its account
 *
 * They form one object, because each message of QoS 1 and 2 passes through most of them. Methods that layers share are
 * `protected`: a class with private ones (`#`) adds a field to each Session.
 *
 * @module
 */
import { MemoryAccount, sizeOfText } from '../base/memory-account.ts'
import type { ClientRecord } from './client-record.ts'
import type { DropCause } from './drop-cause.ts'
import { DropLog } from './drop-log.ts'
import { IdentifierSet } from './identifier-set.ts'
import { RECEIVED_BYTES, SESSION_BYTES } from './memory-sizes.ts'
import type { SessionConnection } from './session-connection.ts'
import type { SessionLimits } from './session-limits.ts'
import type { SessionLedger, SessionSide } from './session-side.ts'
import { sizeOfSubscription, type Subscription } from './subscription.ts'

/** Packet Identifiers that are charged at once. */
const RECEIVED_STEP = 16

const NO_SUBSCRIPTIONS: ReadonlyMap<string, Subscription> = new Map()

/** The memory that a Session takes that holds nothing yet. */
export function sizeOfSession(clientId: string, userName: string | undefined): number {
  return SESSION_BYTES + sizeOfText(clientId) + sizeOfUserName(userName)
}

function sizeOfUserName(userName: string | undefined): number {
  return userName === undefined ? 0 : sizeOfText(userName)
}

export abstract class SessionCore {
  readonly clientId: string
  /** In seconds; with 0 it ends with the Connection, with 0xFFFFFFFF never. */
  sessionExpiryInterval = 0
  /** The number of the Session in the Store. */
  sessionNumber = 0
  ledger: SessionLedger<this> | undefined = undefined
  /** Packet Identifiers of QoS 2 messages accepted and not yet released (§4.3.3); made when needed. */
  receivedIdentifiers: IdentifierSet | undefined = undefined
  /** For how many of them its account is charged: in steps, as they come and go with each message. */
  protected receivedCharged = 0
  /** Charged with everything that it holds. */
  readonly memory: MemoryAccount
  isEnded = false
  /** Where it reports what happens to its Client; `undefined` until its first login since the start. */
  record: ClientRecord | undefined = undefined
  /** What has not reached its Client since the start; made with the first such message. */
  drops: DropLog | undefined = undefined
  /** How many Connections it has had. */
  connectionNumber = 0
  /** Set by `connect` and `disconnect` alone. */
  connection: SessionConnection | undefined = undefined
  /** The number of the newest message that was ever meant for it. */
  lastEntryNumber = 0
  protected readonly side: SessionSide<this>
  #userName: string | undefined = undefined
  #limits: SessionLimits
  /**
   * None, the only one, or all of them: most Clients of a large fleet have few, and a Map takes more than one of them.
   */
  #subscriptions: Subscription | Map<string, Subscription> | undefined = undefined

  /** @param payer the account that its own belongs to */
  constructor(clientId: string, side: SessionSide<SessionCore>, limits: SessionLimits, payer?: MemoryAccount) {
    this.clientId = clientId
    this.side = side
    this.#limits = limits
    this.memory = new MemoryAccount('session', clientId, limits.maxMemoryPerSession, payer)
    this.memory.add(sizeOfSession(clientId, undefined))
  }

  /** The identity that made it; any other gets 0x85. */
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

  /** By Topic Filter as the Client wrote it. Not for the hot path: it may be made anew for each call. */
  get subscriptions(): ReadonlyMap<string, Subscription> {
    const held = this.#subscriptions
    if (held === undefined) return NO_SUBSCRIPTIONS
    return held instanceof Map ? held : new Map([[held.topicFilter, held]])
  }

  /** Adds a Subscription, in place of the one with its Topic Filter if there is one (U-4.8.1-1). */
  subscribe(subscription: Subscription): void {
    const { topicFilter } = subscription
    const held = this.#subscriptions
    const isNew =
      held === undefined || (held instanceof Map ? !held.has(topicFilter) : held.topicFilter !== topicFilter)
    if (isNew) this.memory.addShare(sizeOfSubscription(topicFilter))
    if (held instanceof Map) held.set(topicFilter, subscription)
    else if (held === undefined || !isNew) this.#subscriptions = subscription
    else this.#subscriptions = new Map([held, subscription].map((each) => [each.topicFilter, each]))
  }

  unsubscribe(topicFilter: string): void {
    const held = this.#subscriptions
    if (held === undefined) return
    if (held instanceof Map) {
      if (!held.delete(topicFilter)) return
    } else {
      if (held.topicFilter !== topicFilter) return
      this.#subscriptions = undefined
    }
    this.memory.addShare(-sizeOfSubscription(topicFilter))
  }

  /** Records that a message does not reach its Client. */
  noteDrop(topicName: string, cause: DropCause): void {
    if (this.isEnded) return
    this.drops ??= new DropLog(this.memory)
    this.drops.add(this.side.now(), topicName, cause)
  }

  /** Whether that Packet Identifier of QoS 2 was accepted and is not released yet [5.0 MQTT-4.3.3-10]. */
  hasReceived(packetIdentifier: number): boolean {
    return this.receivedIdentifiers?.has(packetIdentifier) ?? false
  }

  addReceived(packetIdentifier: number): void {
    // A plugin that was asked about the message may have ended the Session.
    if (this.isEnded) return
    const identifiers = (this.receivedIdentifiers ??= new IdentifierSet())
    if (!identifiers.add(packetIdentifier)) return
    this.side.gauges.inflightIn++
    if (identifiers.size > this.receivedCharged) this.chargeReceived(RECEIVED_STEP)
    this.ledger?.received(this, packetIdentifier)
  }

  /** @returns whether there was such an identifier */
  releaseReceived(packetIdentifier: number): boolean {
    const identifiers = this.receivedIdentifiers
    if (identifiers?.delete(packetIdentifier) !== true) return false
    this.side.gauges.inflightIn--
    // A step remains as long as the table does, so that a Client that sends one after the other costs none.
    if (identifiers.size + 2 * RECEIVED_STEP <= this.receivedCharged) this.chargeReceived(-RECEIVED_STEP)
    this.ledger?.receivedDone(this, packetIdentifier)
    return true
  }

  protected chargeReceived(identifiers: number): void {
    this.receivedCharged += identifiers
    this.memory.add(identifiers * RECEIVED_BYTES)
  }

  /** Numbers new entries from the next number on: a Store does not accept a number twice. */
  numberEntriesAbove(entryNumber: number): void {
    this.lastEntryNumber = Math.max(this.lastEntryNumber, entryNumber)
  }
}
