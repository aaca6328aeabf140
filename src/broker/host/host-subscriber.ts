/**
 * Subscriptions of the host program: a callback, or an async iterator with a bounded queue whose drops are counted.
 *
 *   for await (const message of broker.subscribe('sensors/+/temperature')) …
 *
 * It ends by `break`, by an `AbortSignal`, by `close()`, or with the broker. Its messages are routed as those of a
 * Session.
 *
 * @module
 */
import { MemoryAccount } from '../../base/memory-account.ts'
import { Ring } from '../../base/ring.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Message } from '../../protocol/message.ts'
import type { DropCause } from '../../protocol/drop-cause.ts'
import type { ReplayReceiver } from '../../routing/replays.ts'
import { subscriptionOf, type Subscriber, type Subscription } from '../../protocol/subscription.ts'

/** The default of `maxQueuedMessages`. */
export const DEFAULT_HOST_QUEUE = 10_000
/** The default of `maxQueuedBytes`. */
export const DEFAULT_HOST_QUEUE_BYTES = 67_108_864
/** The memory of a place in the queue. */
const PLACE_BYTES = 16

/** The least time between two searches for expired messages. */
const SWEEP_EVERY_MS = 100

/** Options of `broker.subscribe`. */
export interface SubscribeOptions {
  /** Aborting it ends the subscription. */
  readonly signal?: AbortSignal
  /** Messages that may wait for the iterator. Beyond it, new ones are dropped and counted. Default 10,000. */
  readonly maxQueuedMessages?: number
  /** Memory in bytes that waiting messages may take. Beyond it, new ones are dropped and counted. Default 64 MiB. */
  readonly maxQueuedBytes?: number
  /** Whether to deliver matching retained messages first. Default true. */
  readonly retained?: boolean
}

/** The services of the broker that a host subscription uses. */
export interface HostSide {
  subscribe(subscription: Subscription): void
  unsubscribe(subscription: Subscription): void
  /** `takesMore` was false when somebody asked, and is true again. */
  hasRoom(host: HostSubscriber): void
  dropped(message: ApplicationMessage, cause: DropCause): void
  now(): number
  /** The account to charge for messages that wait. */
  readonly payer: MemoryAccount
}

/** A subscription of the host program: an async iterable, or a handle to close if a listener was passed. */
export interface HostSubscription extends AsyncIterableIterator<Message>, AsyncDisposable {
  readonly topicFilter: string
  /** Number of messages that wait for the iterator. */
  readonly queuedMessages: number
  /** Messages that found the queue full. */
  readonly droppedMessages: number
  /** Ends the subscription; messages that wait are still returned. */
  close(): void
  /** Ends the subscription and discards waiting messages; `break` calls it. */
  return(): Promise<IteratorResult<Message, undefined>>
  /** Resolves with the next message, or with `done` once the subscription has ended. */
  next(): Promise<IteratorResult<Message, undefined>>
}

/** A host subscription as the broker uses it. */
export class HostSubscriber implements Subscriber, HostSubscription {
  readonly clientId = ''
  readonly isEnded = false
  readonly topicFilter: string
  /** Messages that found the queue full. */
  droppedMessages = 0
  readonly #side: HostSide
  readonly #subscription: Subscription
  readonly #listener: ((message: ApplicationMessage) => void) | undefined
  readonly #queue = new Ring<ApplicationMessage>()
  readonly #maxQueued: number
  readonly #memory: MemoryAccount
  readonly #waiting: ((result: IteratorResult<ApplicationMessage, undefined>) => void)[] = []
  readonly #signal: AbortSignal | undefined
  #isClosed = false
  /** Whether retained messages wait until the iterator has taken some. */
  #isAwaited = false
  #sweptAtMs = -Infinity

  constructor(
    side: HostSide,
    topicFilter: string,
    options: SubscribeOptions,
    listener: ((message: ApplicationMessage) => void) | undefined,
  ) {
    this.#side = side
    this.topicFilter = topicFilter
    this.#listener = listener
    this.#maxQueued = options.maxQueuedMessages ?? DEFAULT_HOST_QUEUE
    const maxBytes = options.maxQueuedBytes ?? DEFAULT_HOST_QUEUE_BYTES
    this.#memory = new MemoryAccount('session', '', maxBytes, side.payer)
    this.#signal = options.signal
    this.#subscription = subscriptionOf(this, {
      topicFilter,
      qos: 2, // nothing is lost within the process
      noLocal: false,
      retainAsPublished: true,
      retainHandling: options.retained === false ? 2 : 0,
      subscriptionIdentifiers: [],
    })
    if (this.#signal?.aborted === true) {
      this.#isClosed = true
      return
    }
    this.#signal?.addEventListener('abort', this.#abort, { once: true })
    side.subscribe(this.#subscription)
  }

  readonly #abort = (): void => this.close()

  get queuedMessages(): number {
    return this.#queue.length
  }

  /** The receiver of its retained messages: they fill no more than half of its queue at once. */
  get replayReceiver(): ReplayReceiver {
    const takesMore = (): boolean => this.#takesMore
    return {
      owner: this,
      get takesMore() {
        return takesMore()
      },
      wants: () => !this.#isClosed,
      send: (message) => this.deliver(message),
    }
  }

  get #takesMore(): boolean {
    if (this.#listener !== undefined || this.#queue.length * 2 < this.#maxQueued) return true
    this.#isAwaited = true
    return false
  }

  deliver(message: ApplicationMessage): void {
    if (this.#isClosed) return
    message.own()
    if (this.#listener !== undefined) this.#listener(message)
    else if (this.#waiting.length > 0) this.#waiting.shift()!({ value: message, done: false })
    else if (this.#hasRoomFor(message)) {
      this.#memory.hold(message, PLACE_BYTES)
      this.#queue.push(message)
    } else {
      this.droppedMessages++
      this.#side.dropped(message, 'queue full')
    }
  }

  /**
   * Expired messages take no room, but are only searched for now and then, because that examines everything that waits.
   */
  #hasRoomFor(message: ApplicationMessage): boolean {
    if (this.#takes(message)) return true
    const now = this.#side.now()
    if (now < this.#sweptAtMs + SWEEP_EVERY_MS) return false
    this.#sweptAtMs = now
    const gone = this.#queue.takeOut(0, this.#queue.length, (waiting) => waiting.isExpired(now))
    for (const expired of gone) this.#dropExpired(expired)
    return this.#takes(message)
  }

  #takes({ size }: ApplicationMessage): boolean {
    return this.#queue.length < this.#maxQueued && this.#memory.refuses(size + PLACE_BYTES) === undefined
  }

  #dropExpired(message: ApplicationMessage): void {
    this.#memory.release(message, PLACE_BYTES)
    this.#side.dropped(message, 'expired')
  }

  /** Takes the first message that has not expired. */
  #shift(): ApplicationMessage | undefined {
    for (let next = this.#queue.shift(); next !== undefined; next = this.#queue.shift()) {
      if (this.#isClosed || !next.isExpired(this.#side.now())) {
        this.#memory.release(next, PLACE_BYTES)
        return next
      }
      this.#dropExpired(next)
    }
    return undefined
  }

  /** Ends the subscription; messages that wait are still returned. */
  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#signal?.removeEventListener('abort', this.#abort)
    this.#side.unsubscribe(this.#subscription)
    for (const waiting of this.#waiting.splice(0)) waiting({ value: undefined, done: true })
  }

  [Symbol.asyncIterator](): this {
    return this
  }

  next(): Promise<IteratorResult<ApplicationMessage, undefined>> {
    const message = this.#shift()
    if (this.#isAwaited) this.#look()
    if (message !== undefined) return Promise.resolve({ value: message, done: false })
    if (this.#isClosed) return Promise.resolve({ value: undefined, done: true })
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  #look(): void {
    this.#isAwaited = false
    if (this.#takesMore) this.#side.hasRoom(this)
  }

  /** Called by `break`. */
  return(): Promise<IteratorResult<ApplicationMessage, undefined>> {
    this.close()
    while (this.#shift() !== undefined);
    return Promise.resolve({ value: undefined, done: true })
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.close()
    return Promise.resolve()
  }
}
