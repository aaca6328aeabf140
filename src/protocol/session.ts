/**
 * A Session: what the Server remembers of a Client, whether it is connected or not (§4.1).
 *
 *   deliver ──> queue (bounded) ──window has room?──> Packet Identifier ──> Connection ──> peer
 *                                                     in flight until PUBACK / PUBCOMP
 *
 * The Session outlives its Connection if its Session Expiry Interval says so. A message of QoS 0 goes to the Connection
 * at once, or is dropped. Changes that must survive are reported to its `ledger`; a Session that ends with its
 * Connection has none.
 *
 * @module
 */
import { Work } from '../base/work.ts'
import type { QoS } from '../codec/packet-types.ts'
import type { ApplicationMessage } from './application-message.ts'
import { Delivery, DeliveryState, sizeOfDelivery, type SharedOrigin } from './delivery.ts'
import { Readiness } from './readiness.ts'
import { sizeOfSession } from './session-core.ts'
import { FlowingSession } from './session-flow.ts'
import type { DeliveryOptions, Subscriber } from './subscription.ts'

export class Session extends FlowingSession implements Subscriber {
  /** Delivers, queues or drops. Hot: runs for every receiver of every message. */
  deliver(message: ApplicationMessage, options: DeliveryOptions, shared?: SharedOrigin): void {
    const retain = options.retainAsPublished && message.retain
    this.send(message, message.qos < options.qos ? message.qos : options.qos, retain, options, shared)
  }

  /** Delivers at that QoS with that RETAIN (retained messages have it set, whatever the options say). */
  send(message: ApplicationMessage, qos: QoS, retain: boolean, options: DeliveryOptions, shared?: SharedOrigin): void {
    if (qos === 0) this.#sendAtMostOnce(message, retain, options.subscriptionIdentifiers)
    else this.#enqueue(message, qos, retain, options.subscriptionIdentifiers, shared)
  }

  #sendAtMostOnce(message: ApplicationMessage, retain: boolean, identifiers: readonly number[]): void {
    const { connection } = this
    if (connection === undefined) this.side.dropped(this, message, 'not connected')
    else if (connection.congested) this.side.dropped(this, message, 'output full')
    else {
      const cause = connection.sendPublish(message, retain, identifiers)
      if (cause === undefined) this.side.delivered(this, message, 0)
      else this.side.dropped(this, message, cause)
    }
  }

  #enqueue(
    message: ApplicationMessage,
    qos: 1 | 2,
    retain: boolean,
    identifiers: readonly number[],
    shared: SharedOrigin | undefined,
  ): void {
    if (this.isEnded) {
      // A plugin or a listener may have ended it while this message was on its way.
      this.side.dropped(this, message, 'session ended')
      return
    }
    const waits = this.queuedMessages > 0 || !this.isReady || !message.isLoaded
    if (waits) this.lookAtRights()
    if (waits ? !this.makeRoom(message, identifiers) : !this.hasMemoryFor(message, identifiers, true)) return
    const mayPark = waits && shared === undefined && this.ledger !== undefined
    const parks = mayPark && this.side.parks(this, message.fullSize)
    if (waits && !parks) message.own()
    else message.keep()
    const delivery = new Delivery(message, qos, retain, identifiers, shared, ++this.lastEntryNumber)
    if (shared !== undefined) this.hadShared = true
    this.ledger?.queued(this, delivery)
    if (waits) {
      // Nothing of it is recorded while its Client is away: others must not push out why that is so.
      if (this.connection !== undefined) this.record?.queued(message.topicName)
      this.push(delivery, parks)
      if (!message.isLoaded) this.flow()
    } else {
      this.memory.hold(message, delivery.size)
      this.sendFirst(delivery)
    }
  }

  /** How well it can take that message at that QoS, for the choice of a Shared Subscription. */
  readinessFor(message: ApplicationMessage, qos: QoS, subscriptionIdentifiers: readonly number[]): Readiness {
    const { connection } = this
    if (connection !== undefined && !connection.fits(message, qos, subscriptionIdentifiers)) return Readiness.TooLarge
    if (qos === 0) {
      if (connection === undefined) return Readiness.None
      return connection.congested ? Readiness.Full : Readiness.Now
    }
    if (this.isReady && this.queuedMessages === 0) return Readiness.Now
    const bytes = message.size + sizeOfDelivery(subscriptionIdentifiers)
    const hasNoMemory = this.memory.refuses(bytes, false) !== undefined
    const isFull = this.isFull(message) || hasNoMemory || this.ledger?.refuses(this, message, false) === true
    if (connection === undefined) return isFull ? Readiness.AwayFull : Readiness.Away
    return isFull ? Readiness.Full : Readiness.Waits
  }

  /** Whether it may hold messages that other members of a Shared Subscription can get. */
  get holdsShared(): boolean {
    return this.hadShared && !this.isEmpty
  }

  /**
   * Ends it. What it holds has to be taken out with `remains`. Its Subscriptions stay, since there may be very many.
   */
  end(): void {
    this.isEnded = true
    this.drops?.release()
    this.drops = undefined
    this.window.clear()
    const received = this.receivedIdentifiers?.size ?? 0
    this.memory.add(-sizeOfSession(this.clientId, this.userName))
    this.chargeReceived(-this.receivedCharged)
    this.side.gauges.inflightIn -= received
    this.receivedIdentifiers = undefined
  }

  /**
   * What an ended Session holds, one delivery after the other, beginning with those that were sent. It gives up each.
   */
  *remains(): Generator<Delivery, void, undefined> {
    this.side.work.spend(this.window.size * Work.entry)
    for (const delivery of this.window.inOrder()) {
      this.forget(delivery)
      this.window.clear()
      yield delivery
    }
    while (this.queue !== undefined) {
      const delivery = this.shift()!
      this.memory.release(delivery.message, delivery.size)
      yield delivery
    }
  }

  /** Puts back a delivery that was read from a Store at start; call it in the order of the entries. */
  restore(delivery: Delivery): void {
    this.numberEntriesAbove(delivery.entryNumber)
    if (delivery.shared !== undefined) this.hadShared = true
    if (delivery.state === DeliveryState.Waiting) this.push(delivery, false)
    else {
      this.memory.hold(delivery.message, delivery.size)
      this.window.restore(delivery)
      this.side.gauges.inflightOut++
    }
  }

  /**
   * A part of what is in flight and then of what waits, in the order of the entries.
   *
   * @returns the first `count` after that entry, and how many wait before the first of those that wait
   */
  heldAfter(entryNumber: number, count: number): { readonly deliveries: readonly Delivery[]; readonly before: number } {
    const inFlight = this.window.after(entryNumber, count)
    if (inFlight.length === count || this.queue === undefined) return { deliveries: inFlight, before: 0 }
    const { deliveries, before } = this.queue.after(entryNumber, count - inFlight.length)
    return { deliveries: [...inFlight, ...deliveries], before }
  }

  /** Everything waiting or in flight, for lists and for the ledger of a Session that becomes durable. */
  *deliveries(): IterableIterator<Delivery> {
    yield* this.window.inOrder()
    if (this.queue !== undefined) yield* this.queue
  }
}
