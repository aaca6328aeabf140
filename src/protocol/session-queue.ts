/**
 * Messages that wait for a Client: bounded in number and bytes, dropped when they expire, and taken back if another
 * member of a Shared Subscription can get them. A queue that is half full while its Client is connected is crowded, so
 * that publishers can wait.
 *
 * @module
 */
import type { ApplicationMessage } from './application-message.ts'
import { sizeOfDelivery, type Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'
import { SessionCore } from './session-core.ts'
import { WaitingQueue, type Sweep } from './waiting-queue.ts'

const NOTHING_TAKEN = { taken: [], isDone: true } as const
/** Entries of the queue that one step of `dropExpired` examines. */
const LOOKS = 1000
/** The same if a message needs room at once. */
const URGENT_LOOKS = 128

export abstract class QueueingSession extends SessionCore {
  /** Bytes of the messages in the queue. */
  queuedBytes = 0
  /** Since when the queue has not been empty, and how many bytes of it have been sent since. */
  queuedSinceMs = 0
  takenBytes = 0
  protected queue: WaitingQueue | undefined = undefined
  /** True once it has held a message of a Shared Subscription. */
  protected hadShared = false
  /** Whether `crowded` was reported, so that `thinned` has to follow. */
  #isCrowdReported = false

  get queuedMessages(): number {
    return this.queue?.length ?? 0
  }

  protected push(delivery: Delivery, parks: boolean): void {
    if (parks && !delivery.isStored) delivery.message.own()
    if (this.queue === undefined) this.beginQueue()
    const { expiresAtMs } = delivery.message
    if (expiresAtMs < this.queue!.earliestExpiryMs) this.side.expires(this, expiresAtMs)
    this.queue!.push(delivery, parks)
    this.queuedBytes += delivery.message.fullSize
    const { gauges } = this.side
    gauges.queuedMessages++
    gauges.queuedBytes += delivery.message.fullSize
    this.side.queued(this, delivery.message)
    if (!this.isCrowded) return
    this.#isCrowdReported = true
    this.side.crowded(this)
  }

  protected beginQueue(): void {
    this.queue = new WaitingQueue(this.memory)
    this.queuedSinceMs = this.side.now()
    this.takenBytes = 0
    this.lags()
  }

  /** Its Client takes less than is sent to it. */
  lags(): void {
    this.side.lags(this)
  }

  /** Whether its Client is connected and its queue is half full. */
  get isCrowded(): boolean {
    if (this.connection === undefined) return false
    return this.queuedBytes * 2 >= this.limits.maxQueuedBytes || this.queuedMessages * 2 >= this.maxQueuedNow
  }

  protected lookAtCrowd(): void {
    if (!this.#isCrowdReported || this.isCrowded) return
    this.#isCrowdReported = false
    this.side.thinned(this)
  }

  /** Whether a limit of the queue leaves no room for that message, even after what has expired is dropped. */
  protected isFull(message: ApplicationMessage): boolean {
    if (!this.exceeds(message)) return false
    if (this.queue !== undefined && this.queue.earliestExpiryMs <= this.side.now()) this.dropSomeExpired(URGENT_LOOKS)
    return this.exceeds(message)
  }

  protected exceeds(message: ApplicationMessage): boolean {
    return this.queuedMessages + 1 > this.maxQueuedNow || this.exceedsBytes(message)
  }

  protected exceedsBytes(message: ApplicationMessage): boolean {
    return this.queuedBytes + message.fullSize > this.limits.maxQueuedBytes
  }

  /** For a connected Client, which takes its messages soon, memory is the limit. */
  get maxQueuedNow(): number {
    const { maxQueuedMessages, maxQueuedMessagesConnected } = this.limits
    return this.connection === undefined ? maxQueuedMessages : Math.max(maxQueuedMessages, maxQueuedMessagesConnected)
  }

  /** @returns false if the new message is the one to drop */
  protected makeRoom(message: ApplicationMessage, identifiers: readonly number[]): boolean {
    const { maxQueuedBytes, queueFull } = this.limits
    const before = this.queuedMessages
    while (this.isFull(message)) {
      // The queue of a Client that was connected may be longer than its limit is now: one message is dropped for each
      // that comes.
      if (this.queuedMessages < before && !this.exceedsBytes(message)) break
      // A message that has no room even in an empty queue must not empty it.
      const mayDropOldest = queueFull === 'drop-oldest' && message.fullSize <= maxQueuedBytes
      const oldest = mayDropOldest ? this.shift() : undefined
      if (oldest === undefined) {
        this.side.dropped(this, message, 'queue full')
        return false
      }
      this.drop(oldest, 'queue full')
    }
    return this.hasMemoryFor(message, identifiers, false)
  }

  /** @param isUrgent whether it leaves at once: a Client that reads frees memory */
  protected hasMemoryFor(message: ApplicationMessage, identifiers: readonly number[], isUrgent: boolean): boolean {
    const bytes = message.size + sizeOfDelivery(identifiers)
    const refusing = this.memory.refuses(bytes, isUrgent)
    if (refusing === undefined) return this.hasStoreFor(message, isUrgent)
    this.side.memoryRefused(refusing, bytes)
    this.side.dropped(this, message, 'memory limit')
    return false
  }

  protected hasStoreFor(message: ApplicationMessage, isUrgent: boolean): boolean {
    if (this.ledger?.refuses(this, message, isUrgent) !== true) return true
    this.ledger.refused(this, message)
    this.side.dropped(this, message, 'store limit')
    return false
  }

  /** The earliest time at which something in the queue expires; Infinity if nothing does. */
  get earliestExpiryMs(): number {
    return this.queue?.earliestExpiryMs ?? Infinity
  }

  /** Drops what has expired in the queue, a slice at a time. @returns true once the whole queue was examined */
  dropExpired(): boolean {
    this.dropSomeExpired(LOOKS)
    return this.queue?.isSweeping !== true
  }

  /** The number of its newest entry, for `dropWaiting`. */
  get newestEntryNumber(): number {
    return this.lastEntryNumber
  }

  /**
   * Drops what has waited too long: everything in the queue up to that entry, a slice at a time. What is in flight
   * stays.
   *
   * @returns true once all of it has left
   */
  dropWaiting(upToEntry: number): boolean {
    for (let left = LOOKS; left > 0; left--) {
      const oldest = this.queue?.peek()
      if (oldest === undefined || oldest.entryNumber > upToEntry) return true
      this.drop(this.shift()!, 'expired')
    }
    return false
  }

  protected dropSomeExpired(looks: number): void {
    for (const delivery of this.queue?.takeExpired(this.side.now(), looks) ?? []) {
      this.left(delivery.message.fullSize)
      this.drop(delivery, 'expired')
    }
  }

  protected shift(): Delivery | undefined {
    const delivery = this.queue?.shift()
    if (delivery !== undefined) this.left(delivery.message.fullSize)
    return delivery
  }

  /** A message of so many bytes has left the queue. */
  protected left(bytes: number): void {
    this.queuedBytes -= bytes
    const { gauges } = this.side
    gauges.queuedMessages--
    gauges.queuedBytes -= bytes
    if (this.queuedMessages === 0) this.queue = undefined
  }

  protected drop(delivery: Delivery, cause: DropCause): void {
    this.memory.release(delivery.message, delivery.size)
    this.ledger?.done(this, delivery)
    this.side.dropped(this, delivery.message, cause)
  }

  /**
   * Takes out messages of a Shared Subscription that wait, so that another member can get them; it examines so many
   * entries at most. Messages that were sent stay [5.0 MQTT-4.8.2-5]. The Store keeps what was taken until its ledger
   * reports that it is finished.
   */
  takeShared(sweep: Sweep, looks: number): { readonly taken: readonly Delivery[]; readonly isDone: boolean } {
    if (!this.hadShared || this.queue === undefined) return NOTHING_TAKEN
    const result = this.queue.takeOut(sweep, looks)
    for (const delivery of result.taken) {
      this.left(delivery.message.fullSize)
      this.memory.release(delivery.message, delivery.size)
    }
    return result
  }

  /** Everything up to that entry is stored, so messages that were to leave RAM do. */
  park(lastEntryNumber: number): void {
    this.queue?.park(lastEntryNumber)
  }
}
