/**
 * Turns stored Changes back into Sessions, queues, retained messages and Wills, at start.
 *
 * @module
 */
import { noProperties } from '../../codec/properties.ts'
import { PropertyList } from '../../codec/property-list.ts'
import { ApplicationMessage } from '../../protocol/application-message.ts'
import { Delivery, DeliveryState } from '../../protocol/delivery.ts'
import type { Session } from '../../protocol/session.ts'
import type {
  AccessRecord,
  Change,
  EntryRecord,
  MessageRecord,
  ReplayRecord,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from '../../stores/store.ts'
import type { Ledger } from './ledger.ts'
import { RestoredMessages } from './restored-messages.ts'
import type { Registration, Will } from '../sessions/sessions.ts'

/** The services of the broker that restoring uses. */
export interface RestoreSide {
  readonly ledger: Ledger
  now(): number
  addSession(record: SessionRecord): Registration
  subscribe(session: Session, record: SubscriptionRecord): void
  retain(message: ApplicationMessage): void
  /** Restores a record that operators have set. */
  setAccess(record: AccessRecord): void
}

export class Restoring {
  readonly #side: RestoreSide
  /** Takes the place of a message that is no longer needed, because only PUBREL is still to be sent. */
  readonly #released = ApplicationMessage.of({
    topicName: '',
    payload: new Uint8Array(0),
    qos: 2,
    retain: false,
    publisher: '',
    receivedAtMs: 0,
  })
  readonly #registrations = new Map<number, Registration>()
  readonly #expiresAtMs = new Map<Registration, number | undefined>()
  readonly #willDueAtMs = new Map<Registration, number | undefined>()
  #messages = new RestoredMessages()
  /** The last entry read of each Session; what follows may say that it was sent. */
  readonly #lastEntries = new Map<number, Delivery>()
  /** Wills whose Sessions did not outlive their Connections; they are due at once. */
  readonly orphanedWills = new Map<number, Will>()
  /** Retained messages whose payloads have to be read before Clients come. */
  readonly unloadedRetained: ApplicationMessage[] = []
  /** Replays that were not finished; they continue once everything is loaded. */
  readonly replays: { readonly session: Session; readonly replay: ReplayRecord }[] = []

  constructor(side: RestoreSide) {
    this.#side = side
  }

  apply(change: Change): void {
    switch (change.kind) {
      case 'session':
        this.#session(change.session)
        return
      case 'subscribed':
        this.#side.subscribe(this.#sessionOf(change.sessionNumber), change.subscription)
        return
      case 'replay':
        this.replays.push({ session: this.#sessionOf(change.replay.sessionNumber), replay: change.replay })
        return
      case 'message':
        this.#message(change.message)
        return
      case 'queued':
        this.#queued(change.entry)
        return
      case 'sent':
        this.#entry(change.sessionNumber, change.entryNumber).state = DeliveryState.Sent
        this.#entry(change.sessionNumber, change.entryNumber).packetIdentifier = change.packetIdentifier
        return
      case 'released':
        this.#entry(change.sessionNumber, change.entryNumber).state = DeliveryState.Released
        return
      case 'received':
        this.#sessionOf(change.sessionNumber).addReceived(change.packetIdentifier)
        return
      case 'retained':
        this.#retained(change.messageNumber)
        return
      case 'will':
        this.#will(change.will)
        return
      case 'access':
        this.#side.setAccess(change.record)
        return
      default:
        throw new Error(`the store returned a change of kind ${change.kind}, which load must not return`)
    }
  }

  #session(record: SessionRecord): void {
    const registration = this.#side.addSession(record)
    this.#registrations.set(record.sessionNumber, registration)
    const { expiresAtMs } = record
    this.#expiresAtMs.set(registration, expiresAtMs === undefined ? undefined : this.#side.ledger.fromWall(expiresAtMs))
  }

  #sessionOf(sessionNumber: number): Session {
    return this.#registrations.get(sessionNumber)!.session
  }

  #message(record: MessageRecord): void {
    const { messageNumber, payload, payloadOnDiskBytes, qos, retain, properties } = record
    if (payloadOnDiskBytes !== undefined && properties === noProperties) {
      this.#messages.add(record, payloadOnDiskBytes)
      return
    }
    const topicName = this.#messages.name(record.topicName)
    const publisher = this.#messages.name(record.publisher)
    const expiresAtMs = this.#side.ledger.fromWall(record.expiresAtMs)
    const interval = properties.messageExpiryInterval
    const receivedAtMs = interval === undefined ? this.#side.now() : expiresAtMs - interval * 1000
    const parts = { topicName, qos, retain, properties, publisher, receivedAtMs }
    const message =
      payloadOnDiskBytes === undefined
        ? ApplicationMessage.of({ ...parts, payload })
        : ApplicationMessage.stored(parts, messageNumber, payloadOnDiskBytes)
    if (record.publisherUser !== undefined) message.publisherUser = this.#messages.name(record.publisherUser)
    message.messageNumber = messageNumber
    message.isRecorded = true
    this.#messages.addWhole(message)
  }

  #queued(entry: EntryRecord): void {
    const { sessionNumber, entryNumber, messageNumber, qos, retain, subscriptionIdentifiers, sharedFilter } = entry
    this.#settle(sessionNumber)
    const shared = sharedFilter === undefined ? undefined : { topicFilter: sharedFilter }
    const message = this.#messages.find(messageNumber) ?? this.#released
    const delivery = new Delivery(message, qos, retain, subscriptionIdentifiers, shared, entryNumber)
    delivery.isStored = true
    this.#lastEntries.set(sessionNumber, delivery)
  }

  #entry(sessionNumber: number, entryNumber: number): Delivery {
    const delivery = this.#lastEntries.get(sessionNumber)
    if (delivery?.entryNumber === entryNumber) return delivery
    throw new Error(`the store returned a change of entry ${entryNumber} before the entry itself`)
  }

  /** The last entry is complete, and goes into its Session. */
  #settle(sessionNumber: number): void {
    const delivery = this.#lastEntries.get(sessionNumber)
    if (delivery === undefined) return
    const session = this.#sessionOf(sessionNumber)
    session.restore(delivery)
    this.#side.ledger.restored(session, delivery)
  }

  #retained(messageNumber: number): void {
    const message = this.#messages.find(messageNumber)!
    if (!message.isLoaded) this.unloadedRetained.push(message)
    this.#side.retain(message)
  }

  #will(record: WillRecord): void {
    const { clientId, userName, topicName, payload, qos, retain, properties, willDelayInterval } = record
    const fields = { topicName, payload, qos, retain, properties: PropertyList.of(properties) }
    const client = { clientId, userName, address: '', listener: '', protocolVersion: 5 } as const
    const will: Will = { fields, client, delayInterval: willDelayInterval }
    const registration = this.#registrations.get(record.sessionNumber)
    if (registration === undefined) {
      this.orphanedWills.set(record.sessionNumber, will)
      return
    }
    registration.will = will
    const { dueAtMs } = record
    this.#willDueAtMs.set(registration, dueAtMs === undefined ? undefined : this.#side.ledger.fromWall(dueAtMs))
  }

  /** Everything was read, so nothing will refer to a message any more. */
  allRead(): void {
    for (const sessionNumber of this.#lastEntries.keys()) this.#settle(sessionNumber)
    this.#lastEntries.clear()
    this.#messages = new RestoredMessages()
  }

  /** @param begin starts the wait of each Session, in the order in which they were made, with the stored times */
  finish(
    begin: (registration: Registration, expiresAtMs: number | undefined, willDueAtMs: number | undefined) => void,
  ): void {
    for (const sessionNumber of Float64Array.from(this.#registrations.keys()).sort()) {
      const registration = this.#registrations.get(sessionNumber)!
      begin(registration, this.#expiresAtMs.get(registration), this.#willDueAtMs.get(registration))
    }
  }
}
