/**
 * What a Store should give back, as plain Maps; and random Changes that a broker could make, from a seed.
 *
 * @module
 */
import assert from 'node:assert/strict'
import type {
  Change,
  EntryRecord,
  MessageRecord,
  ReplayRecord,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from '../stores/store.ts'

/** Compares two pictures, and shows only where they part. */
export function assertSame(actual: string, expected: string, message: string): void {
  if (actual === expected) return
  let at = 0
  while (actual[at] === expected[at]) at++
  const from = Math.max(0, at - 30)
  assert.fail(`${message}: …${actual.slice(from, at + 500)}… should be …${expected.slice(from, at + 300)}…`)
}

/** A small generator of random numbers, the same on every machine. */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** From 0 up to and without 1. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x1_0000_0000
  }

  below(limit: number): number {
    return Math.floor(this.next() * limit)
  }

  chance(probability: number): boolean {
    return this.next() < probability
  }

  pick<Value>(values: readonly Value[]): Value {
    return values[this.below(values.length)]!
  }
}

interface ModelEntry {
  readonly entry: EntryRecord
  packetIdentifier: number
  released: boolean
}

interface ModelSession {
  session: SessionRecord
  readonly subscriptions: Map<string, SubscriptionRecord>
  readonly replays: Map<string, ReplayRecord>
  readonly entries: Map<number, ModelEntry>
  readonly received: Set<number>
}

export class StoreModel {
  readonly sessions = new Map<number, ModelSession>()
  readonly messages = new Map<number, MessageRecord>()
  readonly retained = new Map<string, number>()
  readonly wills = new Map<number, WillRecord>()

  /** Applies a Change, and insists that all it refers to is there. */
  apply(change: Change): void {
    switch (change.kind) {
      case 'session': {
        const { lastEntryNumber: _, ...session } = change.session
        const known = this.sessions.get(session.sessionNumber)
        if (known !== undefined) known.session = session
        else {
          const maps = { subscriptions: new Map(), replays: new Map(), entries: new Map() }
          this.sessions.set(session.sessionNumber, { session, ...maps, received: new Set<number>() })
        }
        return
      }
      case 'session-ended':
        this.sessions.delete(change.sessionNumber)
        this.wills.delete(change.sessionNumber)
        return
      case 'subscribed':
        this.session(change.sessionNumber).subscriptions.set(change.subscription.topicFilter, change.subscription)
        return
      case 'unsubscribed':
        this.session(change.sessionNumber).subscriptions.delete(change.topicFilter)
        this.session(change.sessionNumber).replays.delete(change.topicFilter)
        return
      case 'replay': {
        const { sessionNumber, topicFilter } = change.replay
        const { subscriptions, replays } = this.session(sessionNumber)
        assert.ok(subscriptions.has(topicFilter), 'a Subscription comes before its replay')
        replays.set(topicFilter, change.replay)
        return
      }
      case 'replay-ended':
        this.session(change.sessionNumber).replays.delete(change.topicFilter)
        return
      case 'message':
        this.messages.set(change.message.messageNumber, change.message)
        return
      case 'queued': {
        const { entry } = change
        if (entry.messageNumber !== 0)
          assert.ok(this.messages.has(entry.messageNumber), 'a message comes before its entry')
        this.session(entry.sessionNumber).entries.set(entry.entryNumber, {
          entry,
          packetIdentifier: 0,
          released: false,
        })
        return
      }
      case 'sent':
        this.#entry(change).packetIdentifier = change.packetIdentifier
        return
      case 'released':
        this.#entry(change).released = true
        return
      case 'done':
        assert.ok(this.session(change.sessionNumber).entries.delete(change.entryNumber))
        return
      case 'received':
        this.session(change.sessionNumber).received.add(change.packetIdentifier)
        return
      case 'received-done':
        this.session(change.sessionNumber).received.delete(change.packetIdentifier)
        return
      case 'retained':
        assert.ok(this.messages.has(change.messageNumber), 'a message comes before what retains it')
        this.retained.set(change.topicName, change.messageNumber)
        return
      case 'retained-cleared':
        this.retained.delete(change.topicName)
        return
      case 'will':
        this.wills.set(change.will.sessionNumber, change.will)
        return
      case 'will-removed':
        this.wills.delete(change.sessionNumber)
        return
    }
  }

  session(sessionNumber: number): ModelSession {
    const session = this.sessions.get(sessionNumber)
    assert.ok(session, `Session ${sessionNumber} exists`)
    return session
  }

  /** Numbers of messages that something refers to. */
  referred(): Set<number> {
    const numbers = new Set(this.retained.values())
    for (const { entries } of this.sessions.values()) {
      for (const { entry, released } of entries.values()) if (!released) numbers.add(entry.messageNumber)
    }
    return numbers
  }

  /** All of it as one value to compare, without what order or storage may change. */
  picture(): string {
    const sessions = [...this.sessions.values()].map(({ session, subscriptions, replays, entries, received }) => ({
      session,
      subscriptions: sorted(subscriptions),
      replays: sorted(replays),
      received: [...received].toSorted((a, b) => a - b),
      entries: [...entries.values()].map(({ entry, packetIdentifier, released }) => ({
        ...entry,
        messageNumber: released ? 0 : entry.messageNumber,
        packetIdentifier,
        released,
      })),
    }))
    const referred = this.referred()
    const messages = [...this.messages.values()].filter(({ messageNumber }) => referred.has(messageNumber))
    return JSON.stringify(
      {
        sessions: sessions.toSorted((a, b) => a.session.sessionNumber - b.session.sessionNumber),
        messages: messages.toSorted((a, b) => a.messageNumber - b.messageNumber).map((message) => picturable(message)),
        retained: sorted(this.retained),
        wills: sorted(this.wills),
      },
      (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString('base64') : value),
    )
  }

  #entry(name: { sessionNumber: number; entryNumber: number }): ModelEntry {
    const entry = this.session(name.sessionNumber).entries.get(name.entryNumber)
    assert.ok(entry, `entry ${name.entryNumber} of Session ${name.sessionNumber} exists`)
    return entry
  }
}

/** Keys in a fixed order, and without what only `load` sets. */
function picturable(message: MessageRecord): object {
  const { payloadOnDiskBytes: _, ...rest } = message
  return byName(Object.entries({ ...rest, properties: byName(Object.entries(rest.properties)) }))
}

function sorted<Key, Value>(map: ReadonlyMap<Key, Value>): [Key, Value][] {
  return byName([...map])
}

function byName<Key, Value>(entries: readonly [Key, Value][]): [Key, Value][] {
  return entries.toSorted(([a], [b]) => (a < b ? -1 : 1))
}

/** Turns that a broker could write: they fit the model, which goes along with them. */
export class RandomTurns {
  readonly model: StoreModel
  #random: Random
  #numbersUsed: number
  #sessionNumber: number
  #messageNumber: number
  #entryNumbers = new Map<number, number>()
  #payloadBytes: number

  /** @param numbersUsed highest number of a session, message or entry in a model that is not empty */
  constructor(random: Random, model: StoreModel, payloadBytes = 200, numbersUsed = 0) {
    this.#numbersUsed = numbersUsed
    this.#sessionNumber = numbersUsed
    this.#messageNumber = numbersUsed
    this.#random = random
    this.model = model
    this.#payloadBytes = payloadBytes
  }

  /** One to six things that happen, as one turn. */
  next(): Change[] {
    const changes: Change[] = []
    const make = (change: Change): void => {
      this.model.apply(change)
      changes.push(change)
    }
    for (let count = 1 + this.#random.below(6); count > 0 || changes.length === 0; count--) this.#happen(make)
    return changes
  }

  #happen(make: (change: Change) => void): void {
    const random = this.#random
    const sessions = [...this.model.sessions.values()]
    const session = sessions.length > 0 ? random.pick(sessions) : undefined
    const dice = random.below(100)
    if (session === undefined || (dice < 4 && sessions.length < 12)) return this.#newSession(make)
    if (dice < 40) return this.#publish(make, sessions)
    if (dice < 85) return this.#progress(make, session)
    this.#rare(make, session, dice)
  }

  #newSession(make: (change: Change) => void): void {
    const session = this.#session(++this.#sessionNumber)
    make({ kind: 'session', session })
    if (this.#random.chance(0.5)) make({ kind: 'will', will: this.#will(session.sessionNumber) })
  }

  #publish(make: (change: Change) => void, sessions: readonly ModelSession[]): void {
    const random = this.#random
    const message = this.#message(++this.#messageNumber)
    make({ kind: 'message', message })
    const retains = random.chance(0.2)
    if (retains) make({ kind: 'retained', topicName: message.topicName, messageNumber: message.messageNumber })
    const receivers = sessions.filter(() => random.chance(0.4))
    if (receivers.length === 0 && !retains) receivers.push(random.pick(sessions))
    for (const { session } of receivers) {
      const entryNumber = (this.#entryNumbers.get(session.sessionNumber) ?? this.#numbersUsed) + 1 + random.below(2)
      this.#entryNumbers.set(session.sessionNumber, entryNumber)
      make({ kind: 'queued', entry: this.#entry(session.sessionNumber, entryNumber, message.messageNumber) })
    }
  }

  /** An entry goes on: sent, released, done. */
  #progress(make: (change: Change) => void, { session, entries }: ModelSession): void {
    const random = this.#random
    const first = [...entries.values()].slice(0, 4)
    if (first.length === 0) return
    const { entry, packetIdentifier, released } = random.pick(first)
    const name = { sessionNumber: session.sessionNumber, entryNumber: entry.entryNumber }
    if (random.chance(0.6)) make({ kind: 'done', ...name })
    else if (packetIdentifier === 0) make({ kind: 'sent', ...name, packetIdentifier: 1 + random.below(65535) })
    else if (entry.qos === 2 && !released) make({ kind: 'released', ...name })
    else if (!released) make({ kind: 'sent', ...name, packetIdentifier: 0 })
  }

  #rare(make: (change: Change) => void, { session, subscriptions, received }: ModelSession, dice: number): void {
    const random = this.#random
    const { sessionNumber } = session
    const packetIdentifier = 1 + random.below(20)
    const [owing] = [...this.model.sessions.values()].flatMap(({ replays }) => [...replays.values()])
    if (dice === 85 && random.chance(0.5)) make({ kind: 'session-ended', sessionNumber })
    else if (dice < 88)
      make({ kind: 'session', session: { ...session, expiresAtMs: 1_700_000_000_000 + random.below(1e6) } })
    else if (dice < 90) make({ kind: 'subscribed', sessionNumber, subscription: this.#subscription() })
    else if (dice < 91 && subscriptions.size > 0)
      make({ kind: 'replay', replay: this.#replay(sessionNumber, random.pick([...subscriptions.keys()])) })
    else if (dice < 92 && subscriptions.size > 0)
      make({ kind: 'unsubscribed', sessionNumber, topicFilter: random.pick([...subscriptions.keys()]) })
    else if (dice < 93 && owing !== undefined)
      make({ kind: 'replay-ended', sessionNumber: owing.sessionNumber, topicFilter: owing.topicFilter })
    else if (dice < 95) make({ kind: 'received', sessionNumber, packetIdentifier })
    else if (dice < 97 && received.size > 0)
      make({ kind: 'received-done', sessionNumber, packetIdentifier: random.pick([...received]) })
    else if (dice < 98) make({ kind: 'retained-cleared', topicName: this.#topicName() })
    else if (dice < 99) make({ kind: 'will', will: this.#will(sessionNumber) })
    else make({ kind: 'will-removed', sessionNumber })
  }

  #replay(sessionNumber: number, topicFilter: string): ReplayRecord {
    const afterTopicName = this.#random.chance(0.3) ? '' : this.#topicName()
    return { sessionNumber, topicFilter, upToMessageNumber: this.#messageNumber, afterTopicName }
  }

  #session(sessionNumber: number): SessionRecord {
    const random = this.#random
    return {
      sessionNumber,
      clientId: `client-${sessionNumber}-ü`,
      userName: random.chance(0.5) ? undefined : `user ${random.below(3)}`,
      protocolVersion: random.pick([3, 4, 5] as const),
      sessionExpiryInterval: random.chance(0.5) ? 0xffff_ffff : random.below(1e6),
      expiresAtMs: undefined,
    }
  }

  #message(messageNumber: number): MessageRecord {
    const random = this.#random
    const rich = random.chance(0.3)
    return {
      messageNumber,
      topicName: this.#topicName(),
      payload: this.#payload(),
      qos: random.pick([1, 2] as const),
      retain: random.chance(0.2),
      properties: rich
        ? {
            contentType: 'text/plain',
            messageExpiryInterval: 60,
            userProperties: [
              ['a', 'ä'],
              ['a', ''],
            ],
          }
        : {},
      publisher: random.chance(0.8) ? `publisher ${random.below(3)}` : '',
      ...(messageNumber % 3 === 0 && { publisherUser: `user ${messageNumber % 5}` }),
      expiresAtMs: rich ? 1_700_000_060_000 + messageNumber : undefined,
    }
  }

  #entry(sessionNumber: number, entryNumber: number, messageNumber: number): EntryRecord {
    const random = this.#random
    return {
      sessionNumber,
      entryNumber,
      messageNumber,
      qos: random.pick([1, 2] as const),
      retain: random.chance(0.2),
      subscriptionIdentifiers: random.chance(0.3) ? [1 + random.below(3), 268_435_455] : [],
      sharedFilter: random.chance(0.2) ? '$share/group/a/+' : undefined,
    }
  }

  #subscription(): SubscriptionRecord {
    const random = this.#random
    return {
      topicFilter: `${random.pick(['a', 'b', '+'])}/${random.below(4)}/#`,
      qos: random.pick([0, 1, 2] as const),
      noLocal: random.chance(0.5),
      retainAsPublished: random.chance(0.5),
      retainHandling: random.pick([0, 1, 2] as const),
      subscriptionIdentifier: random.chance(0.5) ? undefined : 1 + random.below(100),
    }
  }

  #will(sessionNumber: number): WillRecord {
    const random = this.#random
    return {
      sessionNumber,
      clientId: `client-${sessionNumber}-ü`,
      topicName: this.#topicName(),
      payload: this.#payload(),
      qos: random.pick([0, 1, 2] as const),
      retain: random.chance(0.5),
      properties: random.chance(0.5) ? { correlationData: new Uint8Array([1, 2, 3]) } : {},
      willDelayInterval: random.below(100),
      dueAtMs: random.chance(0.5) ? undefined : 1_700_000_000_000,
      userName: undefined,
    }
  }

  #topicName(): string {
    return `topic/${this.#random.below(8)}/größe`
  }

  #payload(): Uint8Array {
    const length = this.#random.chance(0.1) ? 0 : this.#random.below(this.#payloadBytes)
    return Uint8Array.from({ length }, () => this.#random.below(256))
  }
}
