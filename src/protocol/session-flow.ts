/**
 * What a Session sends, and when: first what an earlier Connection left unfinished, then the queue, as far as the
 * window, the Client's Receive Maximum and the share of the turn allow. Messages that have waited are judged again by
 * the present rights.
 *
 * @module
 */
import { Ring } from '../base/ring.ts'
import { copied, Work } from '../base/work.ts'
import type { ApplicationMessage } from './application-message.ts'
import { DeliveryState, type Delivery } from './delivery.ts'
import type { DropCause } from './drop-cause.ts'
import type { SessionConnection } from './session-connection.ts'
import { InFlightSession } from './session-in-flight.ts'

/** The value of `#nextToOwn` while there is nothing to do. */
const NOTHING_TO_OWN = -1

export abstract class FlowingSession extends InFlightSession {
  /** Deliveries of earlier Connections that this one has to send again. */
  #toResend: Ring<Delivery> | undefined = undefined
  #isFlowDue = false
  /**
   * The slot of the window from which messages still have to get memory of their own, after the Connection was lost.
   */
  #nextToOwn = NOTHING_TO_OWN
  /** Somebody has more for it and waits until it `takesMore`. */
  #isAwaited = false
  /** The version of the rights by which new entries were judged, and the last entry that was judged by others. */
  #rightsVersion = 0
  #unjudgedUpTo = 0

  /** True if a message would be sent at once, which a Shared Subscription prefers. */
  get isReady(): boolean {
    return this.hasRoom() && this.#toResend === undefined
  }

  /**
   * Whether more can be passed to it without piling up: its peer takes what it is sent, and half of its queue is free.
   * If not, `hasRoom` follows.
   */
  get takesMore(): boolean {
    const { maxQueuedMessages, maxQueuedBytes } = this.limits
    const isFree = this.queuedMessages * 2 < maxQueuedMessages && this.queuedBytes * 2 < maxQueuedBytes
    if (isFree && this.connection?.takesMore === true) return true
    this.#isAwaited = true
    return false
  }

  /**
   * Connects: sends what is unfinished again, with its old identifiers and in its old order [5.0 MQTT-4.4.0-1], then
   * continues with the queue.
   *
   * @param receiveMaximum how many messages the Client allows in flight; 65535 if it did not say
   */
  connect(connection: SessionConnection, receiveMaximum: number): void {
    this.connection = connection
    this.#nextToOwn = NOTHING_TO_OWN
    this.connectionNumber++
    this.receiveMaximum = Math.min(receiveMaximum, this.limits.maxInflightMessages)
    this.openOnConnection = 0
    this.acknowledgements = undefined
    if (this.window.size > 0) {
      this.side.work.spend(this.window.size * Work.entry)
      this.#toResend = new Ring()
      for (const delivery of this.window.inOrder()) {
        delivery.isOpen = false
        this.#toResend.push(delivery)
      }
    }
    this.flow()
    if (this.queue !== undefined) this.lags()
  }

  disconnect(): void {
    this.connection = undefined
    this.lookAtCrowd()
    this.#toResend = undefined
    if (this.window.size === 0) {
      this.window.clear()
      return
    }
    // When very many Connections are lost at once, no single one may take this step as a whole.
    this.#nextToOwn = 0
    this.askForFlow()
  }

  /** Messages in flight may now stay for long, and must not keep the memory of others alive. */
  protected ownInFlight(): void {
    const { work } = this.side
    for (; this.#nextToOwn < this.window.slots; this.#nextToOwn++) {
      if (this.mustPause()) return
      work.spend(Work.entry)
      this.window.inSlot(this.#nextToOwn)?.message.own()
    }
    this.#nextToOwn = NOTHING_TO_OWN
  }

  /** Continues at this Session's turn, after `wantsFlow`. */
  resume(): boolean {
    this.#isFlowDue = false
    if (this.#nextToOwn !== NOTHING_TO_OWN) this.ownInFlight()
    this.flow()
    return true
  }

  /** Sends from the queue while the window has room. Call it whenever there may be room. */
  flow(): void {
    if (this.#toResend !== undefined || this.queue !== undefined) this.lookAtRights()
    if (this.#toResend !== undefined && this.connection !== undefined) this.resend(this.connection, this.#toResend)
    if (this.queue !== undefined) this.flowQueue()
    this.lookAtCrowd()
    if (!this.#isAwaited) return
    this.#isAwaited = false
    if (this.takesMore) this.side.hasRoom(this)
  }

  protected mustPause(): boolean {
    if (!this.side.work.isSpent) return false
    this.askForFlow()
    return true
  }

  protected askForFlow(): void {
    if (this.#isFlowDue) return
    this.#isFlowDue = true
    this.side.wantsFlow(this)
  }

  protected spend({ message }: Delivery): void {
    this.side.work.spend(Work.delivery + copied(message.size))
  }

  /**
   * Continues to send again, as far as the Client's Receive Maximum allows: the quota is the Connection's, new on each
   * (U-4.9-3), and a PUBREL needs none of it.
   */
  protected resend(connection: SessionConnection, waiting: Ring<Delivery>): void {
    for (let next = waiting.peek(); next !== undefined && this.hasRoom(); next = waiting.peek()) {
      if (this.mustPause()) return
      this.spend(next)
      const isOver = this.window.get(next.packetIdentifier) !== next
      if (!isOver && next.state === DeliveryState.Sent && !next.message.isLost && !this.mayHave(next)) {
        this.revoke(next, 'not authorized')
      }
      if (!isOver && next.state === DeliveryState.Sent && !next.message.isLoaded && !next.message.isLost) {
        this.side.wantsPayloads(this)
        return
      }
      waiting.shift()
      if (isOver || this.window.get(next.packetIdentifier) !== next) continue
      if (next.state === DeliveryState.Sent && next.message.isLost) {
        this.dropSent(next, 'damaged')
        continue
      }
      if (next.state === DeliveryState.Released) connection.sendPubrel(next)
      else {
        const cause = connection.sendDelivery(next, true)
        if (cause === undefined) this.open(next)
        else if (next.qos === 1) this.finishUnsent(next, cause)
        else if (cause !== 'dropped by plugin' && cause !== 'plugin failed') this.dropSent(next, cause)
        else {
          this.revoke(next, cause)
          connection.sendPubrel(next)
        }
      }
    }
    if (waiting.length === 0) this.#toResend = undefined
  }

  /**
   * A message that was sent and may no longer be received is not sent again. At QoS 2 the Client may have it, and must
   * not take the next message with its identifier for it, so the exchange is completed.
   */
  protected revoke(delivery: Delivery, cause: DropCause): void {
    if (delivery.qos === 1) {
      this.finishUnsent(delivery, cause)
      return
    }
    delivery.state = DeliveryState.Released
    this.ledger?.released(this, delivery)
    this.side.dropped(this, delivery.message, cause)
  }

  protected flowQueue(): void {
    while (this.queue !== undefined && this.isReady) {
      if (this.mustPause()) return
      const next = this.queue.peek()!
      this.spend(next)
      const cause = this.whyNot(next)
      if (cause === undefined) {
        if (!next.message.isLoaded) {
          this.side.wantsPayloads(this)
          return
        }
        this.takenBytes += next.message.fullSize
        this.sendFirst(this.shift()!)
      } else this.giveUp(this.shift()!, cause)
    }
  }

  /** Why a message that has waited cannot be sent. */
  protected whyNot(delivery: Delivery): DropCause | undefined {
    const { message } = delivery
    if (message.isLost) return 'damaged'
    if (message.isExpired(this.side.now())) return 'expired'
    return this.mayHave(delivery) ? undefined : 'not authorized'
  }

  /** Gives up a delivery. If another member of its Shared Subscription can get it, it goes there. */
  protected giveUp(delivery: Delivery, cause: DropCause): void {
    const isOthers = cause === 'packet too large' || cause === 'not authorized'
    if (isOthers && delivery.shared !== undefined && this.side.handsOn(this, delivery, cause)) return
    this.drop(delivery, cause)
  }

  protected sendFirst(delivery: Delivery): void {
    delivery.state = DeliveryState.Sent
    this.window.add(delivery)
    this.side.gauges.inflightOut++
    this.ledger?.sent(this, delivery)
    const cause = this.connection!.sendDelivery(delivery, false)
    if (cause === undefined) {
      this.open(delivery)
      this.side.delivered(this, delivery.message, delivery.qos)
    } else this.finishUnsent(delivery, cause)
  }

  /** Finishes a delivery that this Client cannot get as if it had been delivered [5.0 MQTT-3.1.2-25]. */
  protected finishUnsent(delivery: Delivery, cause: DropCause): void {
    this.leaveWindow(delivery)
    this.giveUp(delivery, cause)
  }

  /** If the rights may have changed, all entries made until now have to be judged again. */
  protected lookAtRights(): void {
    const version = this.side.rightsVersion
    if (version === this.#rightsVersion) return
    this.#rightsVersion = version
    this.doubtRights()
  }

  /** Messages that wait are judged again at their turn, because a different user may be its Client now. */
  doubtRights(): void {
    this.#unjudgedUpTo = this.lastEntryNumber
  }

  protected mayHave({ entryNumber, message }: Delivery): boolean {
    return entryNumber > this.#unjudgedUpTo || this.side.mayReceive(this, message.topicName)
  }

  /**
   * Of the next `count` messages, in the order of sending, those whose payloads are only in the Store: at least one,
   * and no more than `bytes` of others.
   */
  nextUnloaded(count: number, bytes: number): ApplicationMessage[] {
    const resent = Math.min(count, this.#toResend?.length ?? 0)
    const next = Array.from({ length: resent }, (_, at) => this.#toResend!.at(at)!)
    next.push(...(this.queue?.upcoming(count - resent) ?? []))
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
}
