/**
 * A store's copy of one Session: the broker's own records where they are few, plain numbers where they are many.
 *
 * @module
 */
import { EntryQueue } from './entry-queue.ts'
import type { Change, EntryRecord, ReplayRecord, SessionRecord, SubscriptionRecord } from './store.ts'

const Bit = { qos2: 0x1_0000, retain: 0x2_0000, released: 0x4_0000 } as const
/** Above the bits: the index in `#extras` of an entry's Subscription Identifiers and shared filter; 0 for none. */
const extrasUnit = 0x8_0000

type Extras = Pick<EntryRecord, 'subscriptionIdentifiers' | 'sharedFilter'>
const noExtras: Extras = { subscriptionIdentifiers: [], sharedFilter: undefined }

export class LiveSession {
  session: SessionRecord
  readonly entries = new EntryQueue()
  /** The highest entry number so far, even if that entry is gone. */
  lastEntryNumber = 0
  #subscriptions: Map<string, SubscriptionRecord> | undefined
  /** By Topic Filter. */
  #replays: Map<string, ReplayRecord> | undefined
  #received: Set<number> | undefined
  /** A few subscriptions lead to few combinations, so each is stored once. */
  #extras: Extras[] | undefined
  #extrasPlaces: Map<string, number> | undefined

  constructor(session: SessionRecord) {
    this.session = session
  }

  subscribe(subscription: SubscriptionRecord): void {
    this.#subscriptions ??= new Map()
    this.#subscriptions.set(subscription.topicFilter, subscription)
  }

  unsubscribe(topicFilter: string): void {
    this.#subscriptions?.delete(topicFilter)
    this.endReplay(topicFilter)
  }

  /**
   * @param replay of a Subscription that is already known; if the Subscription has changed, that is written in the same
   * turn
   */
  replay(replay: ReplayRecord): void {
    this.#replays ??= new Map()
    this.#replays.set(replay.topicFilter, replay)
  }

  endReplay(topicFilter: string): void {
    this.#replays?.delete(topicFilter)
    if (this.#replays?.size === 0) this.#replays = undefined
  }

  receive(packetIdentifier: number): void {
    this.#received ??= new Set()
    this.#received.add(packetIdentifier)
  }

  receiveDone(packetIdentifier: number): void {
    this.#received?.delete(packetIdentifier)
  }

  /**
   * Returns the message of an earlier entry with the same number, 0 for none, or -1 if the entry was there before and
   * is gone.
   */
  queue(entry: EntryRecord): number {
    const bits = (entry.qos === 2 ? Bit.qos2 : 0) | (entry.retain ? Bit.retain : 0)
    const all = bits + this.#placeOfExtras(entry) * extrasUnit
    if (entry.entryNumber > this.lastEntryNumber) this.lastEntryNumber = entry.entryNumber
    if (this.entries.push(entry.entryNumber, entry.messageNumber, all)) return 0
    if (!this.entries.find(entry.entryNumber)) return -1
    const { data, at } = this.entries
    const previous = data[at + 1]!
    data[at + 1] = entry.messageNumber
    data[at + 2] = all
    return previous
  }

  sent(entryNumber: number, packetIdentifier: number): void {
    if (!this.entries.find(entryNumber)) return
    const { data, at } = this.entries
    data[at + 2] = data[at + 2]! - (data[at + 2]! % 0x1_0000) + packetIdentifier
  }

  /** Returns the message that is no longer needed; 0 for none. */
  release(entryNumber: number): number {
    if (!this.entries.find(entryNumber)) return 0
    const { data, at } = this.entries
    const messageNumber = data[at + 1]!
    data[at + 1] = 0
    if (data[at + 2]! % extrasUnit < Bit.released) data[at + 2]! += Bit.released
    return messageNumber
  }

  /** Returns the message that is no longer needed; 0 for none. */
  done(entryNumber: number): number {
    if (!this.entries.find(entryNumber)) return 0
    const messageNumber = this.entries.data[this.entries.at + 1]!
    this.entries.remove(entryNumber)
    if (this.entries.size === 0) {
      this.#extras = undefined
      this.#extrasPlaces = undefined
    }
    return messageNumber
  }

  /** Everything except the entries, as Changes. */
  *facts(): Generator<Change> {
    const { lastEntryNumber, session } = this
    const { sessionNumber } = session
    yield { kind: 'session', session: lastEntryNumber === 0 ? session : { ...session, lastEntryNumber } }
    for (const subscription of this.#subscriptions?.values() ?? []) {
      yield { kind: 'subscribed', sessionNumber, subscription }
    }
    for (const replay of this.#replays?.values() ?? []) {
      // A repair may have lost its Subscription.
      if (this.#subscriptions?.has(replay.topicFilter) === true) yield { kind: 'replay', replay }
    }
    for (const packetIdentifier of this.#received ?? []) yield { kind: 'received', sessionNumber, packetIdentifier }
  }

  /** The entries, as Changes; the Session may change between two of them. */
  *entryFacts(): Generator<Change> {
    const { sessionNumber } = this.session
    let after = 0
    for (;;) {
      const some = this.entries.copyAfter(after)
      if (some.length === 0) return
      for (let at = 0; at < some.length; at += 3) {
        const entryNumber = some[at]!
        const bits = some[at + 2]!
        yield { kind: 'queued', entry: this.#entryRecord(entryNumber, some[at + 1]!, bits) }
        const packetIdentifier = bits % 0x1_0000
        if (packetIdentifier !== 0) yield { kind: 'sent', sessionNumber, entryNumber, packetIdentifier }
        if (bits % extrasUnit >= Bit.released) yield { kind: 'released', sessionNumber, entryNumber }
      }
      after = some[some.length - 3]!
    }
  }

  #entryRecord(entryNumber: number, messageNumber: number, bits: number): EntryRecord {
    const extras = this.#extras?.[Math.floor(bits / extrasUnit) - 1] ?? noExtras
    return {
      sessionNumber: this.session.sessionNumber,
      entryNumber,
      messageNumber,
      qos: (bits & Bit.qos2) === 0 ? 1 : 2,
      retain: (bits & Bit.retain) !== 0,
      subscriptionIdentifiers: extras.subscriptionIdentifiers,
      sharedFilter: extras.sharedFilter,
    }
  }

  #placeOfExtras(entry: EntryRecord): number {
    const { subscriptionIdentifiers, sharedFilter } = entry
    if (subscriptionIdentifiers.length === 0 && sharedFilter === undefined) return 0
    this.#extras ??= []
    this.#extrasPlaces ??= new Map()
    const key = `${subscriptionIdentifiers.join()} ${sharedFilter ?? ''}`
    const known = this.#extrasPlaces.get(key)
    if (known !== undefined) return known
    const place = this.#extras.push({ subscriptionIdentifiers, sharedFilter })
    this.#extrasPlaces.set(key, place)
    return place
  }
}
