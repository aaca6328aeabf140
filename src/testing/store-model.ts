/**
 * The state that a Store should return, as plain Maps.
 *
 * @module
 */
import assert from 'node:assert/strict'
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

/** Compares two pictures, and shows only their difference. */
export function assertSame(actual: string, expected: string, message: string): void {
  if (actual === expected) return
  let at = 0
  while (actual[at] === expected[at]) at++
  const from = Math.max(0, at - 30)
  assert.fail(`${message}: …${actual.slice(from, at + 500)}… should be …${expected.slice(from, at + 300)}…`)
}

interface ModelEntry {
  readonly entry: EntryRecord
  packetIdentifier: number
  released: boolean
}

/** One Session, and everything that belongs to it. */
export interface ModelSession {
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
  /** By type and name. */
  readonly access = new Map<string, AccessRecord>()

  /** Applies a Change, and asserts that everything it refers to exists. */
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
      case 'access':
        this.access.set(`${change.record.type} ${change.record.name}`, change.record)
        return
      case 'access-removed':
        this.access.delete(`${change.type} ${change.name}`)
        return
    }
  }

  session(sessionNumber: number): ModelSession {
    const session = this.sessions.get(sessionNumber)
    assert.ok(session, `Session ${sessionNumber} exists`)
    return session
  }

  /** Numbers of messages that have references. */
  referred(): Set<number> {
    const numbers = new Set(this.retained.values())
    for (const { entries } of this.sessions.values()) {
      for (const { entry, released } of entries.values()) if (!released) numbers.add(entry.messageNumber)
    }
    return numbers
  }

  /** The whole state as one value to compare, independent of order and storage. */
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
        access: sorted(this.access),
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

/** Keys in a fixed order, and without those that only `load` sets. */
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
