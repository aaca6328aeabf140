/**
 * The live state: the result of all Changes so far. A checkpoint writes it, a start emits it, and it decides whether a
 * segment is still needed. It contains the places of payloads, not the payloads.
 *
 * Applying a Change tolerates missing facts. A checkpoint is written while the state changes, so a start applies the
 * Changes since it began to a state that already includes some of them. Each Change therefore states a fact, not an
 * operation: applied again, and followed by all later ones, it leads to the same state.
 *
 *   checkpoint begins          checkpoint ends
 *        |  A    B    C   D       |                  start: (state with some of A..D) + A B C D  =  state after D
 *
 * Hot: every Change passes here.
 *
 * @module
 */
import { invariant } from '../base/errors.ts'
import { NumberMap } from '../base/number-map.ts'
import { WideMap } from '../base/wide-map.ts'
import { LiveSession } from './live-session.ts'
import { MessageIndex } from './message-index.ts'
import { SegmentUsage } from './segment-usage.ts'
import type { AccessRecord, Change, EntryRecord, WillRecord } from './store.ts'

/** What a message that is lost was for: a session, or a topic whose retained message it was. */
type LostReference = Extract<Change, { readonly kind: 'done' | 'retained-cleared' }>

export class LiveState {
  readonly usage = new SegmentUsage()
  readonly messages = new MessageIndex(this.usage)
  readonly #sessions = new NumberMap<LiveSession>()
  /** Stored apart from Sessions: a Will is kept whatever the Session Expiry, so its Session may not be stored. */
  readonly #wills = new NumberMap<WillRecord>()
  readonly #retained = new WideMap<number>()
  /** By type and name; see `accessKey`. */
  readonly #access = new Map<string, AccessRecord>()
  #ended: { readonly session: LiveSession; after: number }[] = []
  /** Whether an entry that cannot be queued is a bug. At start it is not, see above. */
  strict = false
  lastSessionNumber = 0
  lastMessageNumber = 0

  get sessionCount(): number {
    return this.#sessions.size
  }

  hasSession(sessionNumber: number): boolean {
    return this.#sessions.get(sessionNumber) !== undefined
  }

  /** Empty for a session that is not there. */
  clientIdOf(sessionNumber: number): string {
    return this.#sessions.get(sessionNumber)?.session.clientId ?? ''
  }

  get retainedCount(): number {
    return this.#retained.size
  }

  /** The number of references to messages: entries of queues, and retained messages. */
  get referenceCount(): number {
    let count = this.#retained.size
    for (const { entries } of this.#sessions.values()) count += entries.size
    return count
  }

  /** Applies every kind but a message, which the caller adds to `messages` with its place. */
  apply(change: Change): void {
    switch (change.kind) {
      case 'message':
        if (change.message.messageNumber > this.lastMessageNumber) this.lastMessageNumber = change.message.messageNumber
        return
      case 'queued':
        this.#queue(change.entry)
        return
      case 'sent':
        this.#sessions.get(change.sessionNumber)?.sent(change.entryNumber, change.packetIdentifier)
        return
      case 'released':
        this.#forget(this.#sessions.get(change.sessionNumber)?.release(change.entryNumber))
        return
      case 'done':
        this.#forget(this.#sessions.get(change.sessionNumber)?.done(change.entryNumber))
        return
      case 'received':
        this.#sessions.get(change.sessionNumber)?.receive(change.packetIdentifier)
        return
      case 'received-done':
        this.#sessions.get(change.sessionNumber)?.receiveDone(change.packetIdentifier)
        return
      case 'retained':
        this.#retain(change.topicName, change.messageNumber)
        return
      case 'retained-cleared':
        this.#forget(this.#retained.get(change.topicName))
        this.#retained.delete(change.topicName)
        return
      default:
        this.#applyToSession(change)
    }
  }

  /** The rare kinds. */
  #applyToSession(
    change: Extract<
      Change,
      {
        kind:
          | 'session'
          | 'session-ended'
          | 'subscribed'
          | 'unsubscribed'
          | 'replay'
          | 'replay-ended'
          | 'will'
          | 'will-removed'
          | 'access'
          | 'access-removed'
      }
    >,
  ): void {
    switch (change.kind) {
      case 'session': {
        const { sessionNumber } = change.session
        const known = this.#sessions.get(sessionNumber)
        if (known === undefined) this.#sessions.set(sessionNumber, new LiveSession(change.session))
        else known.session = change.session
        this.#noteSessionNumber(sessionNumber)
        return
      }
      case 'session-ended':
        this.#endSession(change.sessionNumber)
        return
      case 'subscribed':
        this.#sessions.get(change.sessionNumber)?.subscribe(change.subscription)
        return
      case 'unsubscribed':
        this.#sessions.get(change.sessionNumber)?.unsubscribe(change.topicFilter)
        return
      case 'replay':
        this.#sessions.get(change.replay.sessionNumber)?.replay(change.replay)
        return
      case 'replay-ended':
        this.#sessions.get(change.sessionNumber)?.endReplay(change.topicFilter)
        return
      case 'will':
        this.#wills.set(change.will.sessionNumber, change.will)
        this.#noteSessionNumber(change.will.sessionNumber)
        return
      case 'will-removed':
        this.#wills.delete(change.sessionNumber)
        return
      case 'access':
        this.#access.set(accessKey(change.record), change.record)
        return
      case 'access-removed':
        this.#access.delete(accessKey(change))
        return
    }
  }

  /**
   * Releases what ended Sessions referred to, at most 256 entries per call, because a long queue at once would block.
   *
   * @returns whether more is left
   */
  sweep(): boolean {
    const ended = this.#ended[0]
    if (ended === undefined) return false
    const some = ended.session.entries.copyAfter(ended.after)
    for (let at = 1; at < some.length; at += 3) this.#forget(some[at])
    if (some.length > 0) ended.after = some[some.length - 3]!
    else this.#ended.shift()
    return this.#ended.length > 0
  }

  /**
   * What operators have set, Sessions and their facts, and Wills: everything that can be emitted before any message.
   */
  *sessionFacts(): Generator<Change> {
    for (const record of this.#access.values()) yield { kind: 'access', record }
    for (const session of this.#sessions.values()) yield* session.facts()
    for (const will of this.#wills.values()) yield { kind: 'will', will }
  }

  /** The facts that refer to messages. */
  *messageFacts(): Generator<Change> {
    for (const session of this.#sessions.values()) yield* session.entryFacts()
    for (const [topicName, messageNumber] of this.#retained.entries())
      yield { kind: 'retained', topicName, messageNumber }
  }

  /** Drops references to messages that no segment contains, for a repair. Returns the dropped facts as Changes. */
  dropLost(): LostReference[] {
    const lost = new Set(this.messages.lost())
    const dropped: LostReference[] = []
    for (const fact of this.messageFacts()) {
      if (fact.kind === 'queued' && lost.has(fact.entry.messageNumber)) {
        dropped.push({ kind: 'done', sessionNumber: fact.entry.sessionNumber, entryNumber: fact.entry.entryNumber })
      } else if (fact.kind === 'retained' && lost.has(fact.messageNumber)) {
        dropped.push({ kind: 'retained-cleared', topicName: fact.topicName })
      }
    }
    for (const change of dropped) this.apply(change)
    return dropped
  }

  #noteSessionNumber(sessionNumber: number): void {
    if (sessionNumber > this.lastSessionNumber) this.lastSessionNumber = sessionNumber
  }

  #queue(entry: EntryRecord): void {
    const replaced = this.#sessions.get(entry.sessionNumber)?.queue(entry) ?? -1
    if (replaced < 0) {
      invariant(
        !this.strict,
        `entry ${entry.entryNumber} of Session ${entry.sessionNumber} has no Session or is not new`,
      )
      return
    }
    if (entry.messageNumber !== 0) this.messages.refer(entry.messageNumber)
    this.#forget(replaced)
  }

  #retain(topicName: string, messageNumber: number): void {
    const replaced = this.#retained.get(topicName)
    this.messages.refer(messageNumber)
    this.#retained.set(topicName, messageNumber)
    this.#forget(replaced)
  }

  #forget(messageNumber: number | undefined): void {
    if (messageNumber !== undefined && messageNumber !== 0) this.messages.release(messageNumber)
  }

  #endSession(sessionNumber: number): void {
    const session = this.#sessions.get(sessionNumber)
    if (session !== undefined && session.entries.size > 0) this.#ended.push({ session, after: 0 })
    this.#sessions.delete(sessionNumber)
    this.#wills.delete(sessionNumber)
  }
}

/** No type has a line feed in it, so that no two records have the same key. */
function accessKey({ type, name }: Pick<AccessRecord, 'type' | 'name'>): string {
  return `${type}\n${name}`
}
