/**
 * Random Changes that a broker could make, turn by turn, from a seed.
 *
 * @module
 */
import type {
  AccessRecord,
  Change,
  EntryRecord,
  MessageRecord,
  ReplayRecord,
  SessionRecord,
  SubscriptionRecord,
  WillRecord,
} from '../stores/store.ts'
import type { SeededRandom } from './random.ts'
import type { ModelSession, StoreModel } from './store-model.ts'

/** Generates turns that a broker could write: they are consistent with the model, which is updated with them. */
export class RandomTurns {
  readonly model: StoreModel
  #random: SeededRandom
  #numbersUsed: number
  #sessionNumber: number
  #messageNumber: number
  #entryNumbers = new Map<number, number>()
  #payloadBytes: number

  /** @param numbersUsed highest number of a session, message or entry in a model that is not empty */
  constructor(random: SeededRandom, model: StoreModel, payloadBytes = 200, numbersUsed = 0) {
    this.#numbersUsed = numbersUsed
    this.#sessionNumber = numbersUsed
    this.#messageNumber = numbersUsed
    this.#random = random
    this.model = model
    this.#payloadBytes = payloadBytes
  }

  /** One to six random events, as one turn. */
  next(): Change[] {
    const changes: Change[] = []
    const make = (change: Change): void => {
      this.model.apply(change)
      changes.push(change)
    }
    for (let count = 1 + this.#random.integer(6); count > 0 || changes.length === 0; count--) this.#happen(make)
    return changes
  }

  #happen(make: (change: Change) => void): void {
    const random = this.#random
    const sessions = [...this.model.sessions.values()]
    const session = sessions.length > 0 ? random.pick(sessions) : undefined
    const dice = random.integer(100)
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
      const entryNumber = (this.#entryNumbers.get(session.sessionNumber) ?? this.#numbersUsed) + 1 + random.integer(2)
      this.#entryNumbers.set(session.sessionNumber, entryNumber)
      make({ kind: 'queued', entry: this.#entry(session.sessionNumber, entryNumber, message.messageNumber) })
    }
  }

  /** Advances an entry: sent, released, done. */
  #progress(make: (change: Change) => void, { session, entries }: ModelSession): void {
    const random = this.#random
    const first = [...entries.values()].slice(0, 4)
    if (first.length === 0) return
    const { entry, packetIdentifier, released } = random.pick(first)
    const name = { sessionNumber: session.sessionNumber, entryNumber: entry.entryNumber }
    if (random.chance(0.6)) make({ kind: 'done', ...name })
    else if (packetIdentifier === 0) make({ kind: 'sent', ...name, packetIdentifier: 1 + random.integer(65535) })
    else if (entry.qos === 2 && !released) make({ kind: 'released', ...name })
    else if (!released) make({ kind: 'sent', ...name, packetIdentifier: 0 })
  }

  #rare(make: (change: Change) => void, { session, subscriptions, received }: ModelSession, dice: number): void {
    const random = this.#random
    const { sessionNumber } = session
    const packetIdentifier = 1 + random.integer(20)
    const [owing] = [...this.model.sessions.values()].flatMap(({ replays }) => [...replays.values()])
    if (dice === 85 && random.chance(0.5)) make({ kind: 'session-ended', sessionNumber })
    else if (dice < 88)
      make({ kind: 'session', session: { ...session, expiresAtMs: 1_700_000_000_000 + random.integer(1e6) } })
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
    if (random.chance(0.3)) this.#setAccess(make)
  }

  #setAccess(make: (change: Change) => void): void {
    const { type, name, ...rest } = this.#accessRecord()
    if (this.#random.chance(0.3)) make({ kind: 'access-removed', type, name })
    else make({ kind: 'access', record: { type, name, ...rest } })
  }

  #accessRecord(): AccessRecord {
    const random = this.#random
    return {
      type: random.pick(['user', 'group', 'role', 'ban']),
      name: random.pick(['größe', '', 'a\nb', 'x'.repeat(60)]),
      version: 1_700_000_000_000 + random.integer(1e6),
      content: JSON.stringify({ rules: 'ü'.repeat(random.integer(200)) }),
    }
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
      userName: random.chance(0.5) ? undefined : `user ${random.integer(3)}`,
      protocolVersion: random.pick([3, 4, 5] as const),
      sessionExpiryInterval: random.chance(0.5) ? 0xffff_ffff : random.integer(1e6),
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
      publisher: random.chance(0.8) ? `publisher ${random.integer(3)}` : '',
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
      subscriptionIdentifiers: random.chance(0.3) ? [1 + random.integer(3), 268_435_455] : [],
      sharedFilter: random.chance(0.2) ? '$share/group/a/+' : undefined,
    }
  }

  #subscription(): SubscriptionRecord {
    const random = this.#random
    return {
      topicFilter: `${random.pick(['a', 'b', '+'])}/${random.integer(4)}/#`,
      qos: random.pick([0, 1, 2] as const),
      noLocal: random.chance(0.5),
      retainAsPublished: random.chance(0.5),
      retainHandling: random.pick([0, 1, 2] as const),
      subscriptionIdentifier: random.chance(0.5) ? undefined : 1 + random.integer(100),
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
      willDelayInterval: random.integer(100),
      dueAtMs: random.chance(0.5) ? undefined : 1_700_000_000_000,
      userName: undefined,
    }
  }

  #topicName(): string {
    return `topic/${this.#random.integer(8)}/größe`
  }

  #payload(): Uint8Array {
    const length = this.#random.chance(0.1) ? 0 : this.#random.integer(this.#payloadBytes)
    return Uint8Array.from({ length }, () => this.#random.integer(256))
  }
}
