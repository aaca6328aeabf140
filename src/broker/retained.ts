/**
 * Retained messages: the last one of each topic, replayed to new Subscriptions (§3.3.1.3).
 *
 * Both their number and their bytes have a limit; beyond it a new topic is not retained (the message itself goes its way) and
 * counted. A message that expires is gone at that moment, not when somebody asks (U-3.3.1.3-1). What the broker publishes of
 * itself below `$SYS/` takes no room from users, and is always retained.
 *
 * @module
 */
import { Work } from '../base/work.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import { TopicMap } from '../topics/topic-map.ts'
import type { RetainedEnd } from './events.ts'
import type { Metrics } from './metrics.ts'
import type { Expiring, Turn } from './turn.ts'

/** Nodes of the topic tree that a replay visits before it looks at the turn's budget. */
const REPLAY_STEP_NODES = 256

/** 0 sets no limit. */
export interface RetainedLimits {
  readonly maxRetainedMessages: number
  readonly maxRetainedBytes: number
}

/** Told about every change, for events and the Store. */
export interface RetainedSide {
  hasMemoryFor(bytes: number): boolean
  /** Whether the Store, if it would have to keep that message, takes it in the place of the other. */
  mayStore(message: ApplicationMessage, replaced: ApplicationMessage | undefined): boolean
  retained(message: ApplicationMessage, replaced: ApplicationMessage | undefined): void
  cleared(topicName: string, action: RetainedEnd): void
}

class RetainedEntry implements Expiring {
  deadlineMs = 0
  wheelIndex = -1
  readonly message: ApplicationMessage
  readonly #expired: (entry: RetainedEntry) => void

  constructor(message: ApplicationMessage, expired: (entry: RetainedEntry) => void) {
    this.message = message
    this.#expired = expired
  }

  expire(): void {
    this.#expired(this)
  }
}

const SYS_PREFIX = '$SYS/'

/** Published by the broker or its host program, about itself. */
function isOwn({ publisher, topicName }: ApplicationMessage): boolean {
  return publisher === '' && topicName.startsWith(SYS_PREFIX)
}

export class RetainedMessages {
  /** Bytes of users' messages: what the limits are about. */
  bytes = 0
  /** How many of the messages are the broker's own. */
  #ownCount = 0
  limits: RetainedLimits
  readonly #entries = new TopicMap<RetainedEntry>()
  readonly #turn: Turn
  readonly #metrics: Metrics
  readonly #side: RetainedSide

  constructor(limits: RetainedLimits, turn: Turn, metrics: Metrics, side: RetainedSide) {
    this.limits = limits
    this.#turn = turn
    this.#metrics = metrics
    this.#side = side
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

  /** Takes the place of the topic's retained message; an empty payload erases it [5.0 MQTT-3.3.1-5] [5.0 MQTT-3.3.1-6]. */
  set(message: ApplicationMessage): void {
    const { topicName } = message
    const old = this.#remove(topicName)
    if (message.payloadLength === 0) {
      if (old !== undefined) this.#side.cleared(topicName, 'cleared')
    } else if (this.#hasRoomFor(message) && this.#side.mayStore(message, old)) this.#add(message, old)
    else {
      this.#metrics.retainedRefusedAtLimit++
      this.#side.cleared(topicName, 'refused')
    }
  }

  /** Puts back what a Store gave at start. */
  restore(message: ApplicationMessage): void {
    this.#remove(message.topicName)
    this.#insert(message)
  }

  /** The Store has lost what was retained there. */
  lose({ topicName }: ApplicationMessage): void {
    if (this.#remove(topicName) !== undefined) this.#side.cleared(topicName, 'damaged')
  }

  #hasRoomFor(message: ApplicationMessage): boolean {
    if (isOwn(message)) return true
    const { maxRetainedMessages, maxRetainedBytes } = this.limits
    if (maxRetainedMessages > 0 && this.#entries.size - this.#ownCount >= maxRetainedMessages) return false
    if (maxRetainedBytes > 0 && this.bytes + message.size > maxRetainedBytes) return false
    return this.#side.hasMemoryFor(message.size)
  }

  #add(message: ApplicationMessage, replaced: ApplicationMessage | undefined): void {
    message.own()
    this.#insert(message)
    this.#side.retained(message, replaced)
  }

  #insert(message: ApplicationMessage): void {
    const entry = new RetainedEntry(message, this.#expired)
    this.#entries.set(message.topicName, entry)
    this.#count(message, 1)
    if (message.expiresAtMs !== Infinity) this.#turn.arm(entry, message.expiresAtMs)
  }

  #remove(topicName: string): ApplicationMessage | undefined {
    const entry = this.#entries.delete(topicName)
    if (entry === undefined) return undefined
    this.#count(entry.message, -1)
    this.#turn.arm(entry, Infinity)
    return entry.message
  }

  #count(message: ApplicationMessage, change: 1 | -1): void {
    if (isOwn(message)) this.#ownCount += change
    else this.bytes += change * message.size
  }

  readonly #expired = (entry: RetainedEntry): void => {
    this.#metrics.retainedExpired++
    this.#remove(entry.message.topicName)
    this.#side.cleared(entry.message.topicName, 'expired')
  }

  /**
   * Hands every retained message that the filter matches to `send`; at once as far as the turn's budget reaches, the rest
   * in later turns.
   *
   * @param send answers false when nobody wants more: the Client has left
   */
  replay(topicFilter: string, send: (message: ApplicationMessage) => boolean): void {
    if (this.#entries.size === 0) return
    const matches = this.#entries.matchInSteps(topicFilter, REPLAY_STEP_NODES)
    const slice = (): boolean => {
      while (!this.#turn.work.isSpent) {
        const next = matches.next()
        if (next.done === true) return true
        this.#turn.work.spend(Work.delivery)
        if (next.value === undefined) continue
        const { message } = next.value[1]
        if (!message.isExpired(this.#turn.now()) && !send(message)) return true
      }
      return false
    }
    if (!slice()) this.#turn.addTask(this, { resume: slice })
  }
}
