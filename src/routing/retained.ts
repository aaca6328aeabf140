/**
 * Retained messages: the last one of each topic (§3.3.1.3). `replays.ts` sends them to new Subscriptions.
 *
 * Their number and memory are limited, and each is charged to its publisher. Beyond a limit a message is not retained,
 * and counted. If the protocol has a way to say so, the publisher is refused and the topic keeps its message; otherwise
 * the message is delivered, and the topic has no retained message any more. A message that expires is removed at that
 * moment, not when somebody asks (U-3.3.1.3-1). What the broker publishes about itself below `$SYS/` takes no room from
 * users, and is always retained.
 *
 * @module
 */
import { sizeOfText, type MemoryAccount } from '../base/memory-account.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { RETAINED_BYTES } from '../protocol/memory-sizes.ts'
import { TopicMap } from '../topics/topic-map.ts'
import type { OrderedSearch } from '../topics/ordered-search.ts'
import type { TopicSearch } from '../topics/topic-search.ts'
import type { RetainedEnd } from '../access/broker-events.ts'
import { NODE_BYTES, sizeInTree } from '../topics/topic-size.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { Turn } from '../turn/turn.ts'
import type { Expiring } from '../base/timer-wheel.ts'

/** The limits; 0 sets none. */
export interface RetainedLimits {
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
}

/** Receives every change, for events and the Store. */
export interface RetainedSide {
  /** Whether the Store accepts that message in place of the other, if it would have to be stored. */
  mayStore(message: ApplicationMessage, replaced: ApplicationMessage | undefined): boolean
  /** Why that account has no room for so many bytes, counted and reported; `undefined` if it has. */
  memoryShortage(account: MemoryAccount, bytes: number): string | undefined
  /** What it counts for in the share of the Store of its publisher; 0 for one that is not stored. */
  storedSizeOf(message: ApplicationMessage): number
  /** Why the share of that user has no room for so many bytes, counted and reported; `undefined` if it has. */
  storeShortage(account: MemoryAccount, bytes: number): string | undefined
  retained(message: ApplicationMessage, replaced: ApplicationMessage | undefined): void
  cleared(topicName: string, action: RetainedEnd): void
}

/** A retained message, and when it expires. */
export class RetainedEntry implements Expiring {
  deadlineMs = 0
  wheelIndex = -1
  readonly message: ApplicationMessage
  /** Counts up with every message that is retained, which gives their order. */
  readonly number: number
  /** The account charged with it. */
  readonly payer: MemoryAccount
  /** What the same is charged with of the Store. */
  storedBytes = 0
  readonly #expired: (entry: RetainedEntry) => void

  constructor(
    message: ApplicationMessage,
    number: number,
    payer: MemoryAccount,
    expired: (entry: RetainedEntry) => void,
  ) {
    this.message = message
    this.number = number
    this.payer = payer
    this.#expired = expired
  }

  expire(): void {
    this.#expired(this)
  }
}

const SYS_PREFIX = '$SYS/'

/** Whether it was published by the broker or its host program, about itself. */
function isOwn({ publisher, topicName }: ApplicationMessage): boolean {
  return publisher === '' && topicName.startsWith(SYS_PREFIX)
}

/** The memory that a retained message takes, which its publisher is charged with. */
function sizeOf(message: ApplicationMessage): number {
  return message.size + RETAINED_BYTES + sizeOfUser(message) + sizeInTree(message.topicName)
}

/** The user name of its publisher, which outlives the publisher's Session. */
function sizeOfUser({ publisherUser }: ApplicationMessage): number {
  return publisherUser === undefined ? 0 : sizeOfText(publisherUser)
}

export class RetainedMessages {
  /** The memory that users' messages take, with their nodes. */
  bytes = 0
  /** The number of the message that was retained last. */
  lastNumber = 0
  /** How many of the messages are the broker's own. */
  #ownCount = 0
  limits: RetainedLimits
  readonly #entries = new TopicMap<RetainedEntry>()
  readonly #turn: Turn
  readonly #metrics: Metrics
  readonly #side: RetainedSide
  /** The broker's account, which is charged with the tree. */
  readonly #whole: MemoryAccount

  constructor(limits: RetainedLimits, turn: Turn, metrics: Metrics, side: RetainedSide, whole: MemoryAccount) {
    this.limits = limits
    this.#turn = turn
    this.#metrics = metrics
    this.#side = side
    this.#whole = whole
  }

  get count(): number {
    return this.#entries.size
  }

  get(topicName: string): ApplicationMessage | undefined {
    return this.#entries.get(topicName)?.message
  }

  *messages(): IterableIterator<ApplicationMessage> {
    for (const [, entry] of this.#entries) yield entry.message
  }

  /**
   * Checks whether there is room for that message in place of the topic's present one.
   *
   * @param payer the account that would be charged
   * @returns which limit leaves no room for it, counted and reported; `undefined` if there is room
   */
  shortageFor(message: ApplicationMessage, payer: MemoryAccount): string | undefined {
    const erases = message.payloadLength === 0
    if (erases || isOwn(message)) return undefined
    const { maxRetainedMessages, maxRetainedBytes } = this.limits
    const present = this.#entries.get(message.topicName)
    const freed = present === undefined ? 0 : sizeOf(present.message)
    const bytes = sizeOf(message)
    const isTooMany =
      maxRetainedMessages > 0 && present === undefined && this.#entries.size - this.#ownCount >= maxRetainedMessages
    const isTooMuch = maxRetainedBytes > 0 && this.bytes + bytes - freed > maxRetainedBytes
    const shortage = isTooMany
      ? `there are ${maxRetainedMessages} retained messages (max-retained-messages)`
      : isTooMuch
        ? `retained messages would have ${this.bytes + bytes - freed} of ${maxRetainedBytes} bytes (max-retained-bytes)`
        : (this.#memoryShortage(bytes, freed, present?.payer, payer) ?? this.#storeShortage(message, present, payer))
    if (shortage !== undefined) this.#metrics.retainedRefusedAtLimit++
    return shortage
  }

  #storeShortage(
    message: ApplicationMessage,
    present: RetainedEntry | undefined,
    payer: MemoryAccount,
  ): string | undefined {
    const freed = present?.payer === payer ? present.storedBytes : 0
    const more = this.#side.storedSizeOf(message) - freed
    return more <= 0 ? undefined : this.#side.storeShortage(payer, more)
  }

  #memoryShortage(
    bytes: number,
    freed: number,
    freedBy: MemoryAccount | undefined,
    payer: MemoryAccount,
  ): string | undefined {
    const more = freedBy === payer ? bytes - freed : bytes
    return more <= 0 ? undefined : this.#side.memoryShortage(payer, more)
  }

  /**
   * Replaces the topic's retained message; an empty payload erases it [5.0 MQTT-3.3.1-5] [5.0 MQTT-3.3.1-6].
   *
   * @param hasRoom whether `shortageFor` found none: without room there is no retained message of that topic from then
   * on
   */
  set(message: ApplicationMessage, payer: MemoryAccount, hasRoom: boolean): void {
    const { topicName } = message
    const old = this.#remove(topicName)
    if (message.payloadLength === 0) {
      if (old !== undefined) this.#side.cleared(topicName, 'cleared')
    } else if (hasRoom && this.#side.mayStore(message, old)) this.#add(message, payer, old)
    else {
      if (hasRoom) this.#metrics.retainedRefusedAtLimit++
      this.#side.cleared(topicName, 'refused')
    }
  }

  /** Restores a message that a Store returned at start. */
  restore(message: ApplicationMessage, payer: MemoryAccount): void {
    this.#remove(message.topicName)
    this.#insert(message, payer)
  }

  /** Called when the payload of a restored message was read. */
  loaded(message: ApplicationMessage): void {
    if (!message.isLoaded) return
    message.own()
    message.pack()
    const { topicName, payloadLength } = message
    this.#entries.get(topicName)?.payer.add(payloadLength)
    this.bytes += payloadLength
  }

  /** Removes a message whose payload the Store has lost. */
  lose({ topicName }: ApplicationMessage): void {
    if (this.#remove(topicName) !== undefined) this.#side.cleared(topicName, 'damaged')
  }

  #add(message: ApplicationMessage, payer: MemoryAccount, replaced: ApplicationMessage | undefined): void {
    message.own()
    this.#insert(message, payer)
    this.#side.retained(message, replaced)
    message.pack()
  }

  #insert(message: ApplicationMessage, payer: MemoryAccount): void {
    const entry = new RetainedEntry(message, ++this.lastNumber, payer, this.#expired)
    const nodes = this.#entries.nodes
    this.#entries.set(message.topicName, entry)
    this.#charge(entry, 1, this.#entries.nodes - nodes)
    if (message.expiresAtMs !== Infinity) this.#turn.arm(entry, message.expiresAtMs)
  }

  #remove(topicName: string): ApplicationMessage | undefined {
    const nodes = this.#entries.nodes
    const entry = this.#entries.delete(topicName)
    if (entry === undefined) return undefined
    this.#charge(entry, -1, this.#entries.nodes - nodes)
    this.#turn.arm(entry, Infinity)
    return entry.message
  }

  /** @param nodes how many nodes were added, or, below 0, removed */
  #charge(entry: RetainedEntry, sign: 1 | -1, nodes: number): void {
    const { message, payer } = entry
    if (isOwn(message)) {
      this.#ownCount += sign
      return
    }
    if (sign > 0) entry.storedBytes = this.#side.storedSizeOf(message)
    payer.addStored(sign * entry.storedBytes)
    this.#whole.add(nodes * NODE_BYTES)
    payer.addShare(sign * sizeInTree(message.topicName))
    const extra = RETAINED_BYTES + sizeOfUser(message)
    this.bytes += sign * (message.size + extra) + nodes * NODE_BYTES
    if (sign > 0) payer.hold(message, extra)
    else payer.release(message, extra)
  }

  readonly #expired = (entry: RetainedEntry): void => {
    this.#metrics.retainedExpired++
    this.#remove(entry.message.topicName)
    this.#side.cleared(entry.message.topicName, 'expired')
  }

  /** Searches for the retained messages that the filter matches, in steps. */
  search(topicFilter: string): TopicSearch<RetainedEntry> {
    return this.#entries.search(topicFilter)
  }

  /** The same in an order that a restart does not change, beginning after that Topic Name; empty for all. */
  searchInOrder(topicFilter: string, after: string): OrderedSearch<RetainedEntry> {
    return this.#entries.searchInOrder(topicFilter, after)
  }
}
