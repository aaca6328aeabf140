/**
 * What has to outlive a broker's process: compares what the Store gives back with what the oracles knew, and makes it
 * what they know from then on.
 *
 *   known and acknowledged, or older than the last quiet moment   ──> has to be there
 *   known, but nobody was told that it is stored                  ──> may be there
 *   never known, or over and told so                              ──> must not be there
 *
 * What a replay of retained messages has not brought is not there itself, but the Store says that it is owed.
 *
 * @module
 */
import type { EntryRecord, MessageRecord } from '../../src/stores/store.ts'
import { matches } from '../../src/topics/topic-filter.ts'
import type { StoreModel } from '../../src/testing/store-model.ts'
import {
  identifiersOf,
  keyOf,
  makeCopy,
  ModelSession,
  shortOf,
  type Copy,
  type Message,
  type ModelWill,
  type SharedCopy,
} from './facts.ts'

/** What was known when the process ended. */
export interface Past {
  readonly sessions: ReadonlyMap<string, ModelSession>
  /** Sessions that have ended since the last quiet moment. */
  readonly ended: readonly ModelSession[]
  readonly retained: ReadonlyMap<string, Message>
  /** What each topic retained since the last quiet moment, before what it retains now. */
  readonly formerRetained: ReadonlyMap<string, readonly (Message | undefined)[]>
  /** Wills that were sent or taken away since then, and messages for Shared Subscriptions. */
  readonly formerWills: ReadonlySet<string>
  readonly shared: ReadonlyMap<string, readonly SharedCopy[]>
  isSafe(copy: Copy): boolean
  isRegular(clientId: string): boolean
}

export interface SurvivalSide {
  now(): number
  wallNow(): number
  nextSequence(): number
  fail(text: string): void
}

type StoredSession = StoreModel extends { sessions: Map<number, infer Session> } ? Session : never
type StoredEntry = StoredSession extends { entries: Map<number, infer Entry> } ? Entry : never

/** Copies of a Session that are not in the Store, and the filters that it owes a replay to. */
interface Missing {
  readonly session: ModelSession
  readonly copies: readonly Copy[]
  readonly replayed: readonly string[]
  readonly isSure: (copy: Copy) => boolean
}

export class Survival {
  readonly sessions = new Map<string, ModelSession>()
  readonly retained = new Map<string, Message>()
  readonly shared = new Map<string, SharedCopy[]>()
  /** Of Sessions that did not outlive the process: due at once. */
  readonly owedWills: ModelWill[] = []
  /** By Client: QoS 2 Packet Identifiers that it has not released. */
  readonly received = new Map<string, ReadonlySet<number>>()
  /** By message: copies for Shared Subscriptions that nobody has been sent. */
  readonly #unseenShared = new Map<string, number>()
  /** Messages that replays still owe for certain. */
  replaysSurvived = 0
  /** What was known to be on its way to a stored Session, and is not in the Store. */
  readonly #missing: Missing[] = []
  readonly #facts: StoreModel
  readonly #past: Past
  readonly #side: SurvivalSide

  constructor(facts: StoreModel, past: Past, side: SurvivalSide) {
    this.#facts = facts
    this.#past = past
    this.#side = side
    for (const stored of facts.sessions.values()) this.#session(stored)
    this.#checkSessions()
    this.#wills()
    this.#retain()
    for (const missing of this.#missing) this.#replays(missing)
    this.#checkShared()
  }

  #check(condition: boolean, text: () => string): void {
    if (!condition) this.#side.fail(`after the restart ${text()}`)
  }

  #fromWall(wallMs: number): number {
    const now = this.#side.now()
    return Math.max(now, now + wallMs - this.#side.wallNow())
  }

  /** Those that the stored Session may be, the likeliest first. */
  #knownAs(clientId: string): readonly ModelSession[] {
    const { sessions, ended } = this.#past
    const present = sessions.get(clientId)
    const former = ended.filter((session) => session.clientId === clientId)
    if (present === undefined) return former
    // One that may never have been stored comes after those that were.
    return present.expiryMs === 0 ? [...former, present] : [present, ...former]
  }

  #session(stored: StoredSession): void {
    const { session: record, subscriptions, entries, received } = stored
    const { clientId, userName, sessionExpiryInterval, expiresAtMs } = record
    const session = new ModelSession(clientId)
    this.sessions.set(clientId, session)
    this.received.set(clientId, received)
    const known = this.#knownAs(clientId)
    session.userName = userName
    session.isSafe = true
    session.expiryMs = sessionExpiryInterval * 1000
    const now = this.#side.now()
    session.expiresAtMs = expiresAtMs === undefined ? now + session.expiryMs : this.#fromWall(expiresAtMs)
    session.awaySinceMs = now
    for (const { topicFilter, subscriptionIdentifier, ...options } of subscriptions.values()) {
      const identifiers = subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier]
      session.subscriptions.set(topicFilter, { topicFilter, ...options, identifiers })
      session.safeFilters.add(topicFilter)
    }
    if (!this.#past.isRegular(clientId)) return
    this.#check(known.length > 0, () => `there is a Session of ${clientId}, which had ended`)
    if (known.length === 0) return
    this.#checkSession(session, known)
    this.#entries(session, known, [...entries.values()], [...stored.replays.keys()])
  }

  #checkSession(session: ModelSession, known: readonly ModelSession[]): void {
    const { clientId, userName } = session
    const [before] = known
    this.#check(before!.userName === userName, () => `the Session of ${clientId} belongs to ${userName}`)
    before!.successor = session
    for (const [key, count] of before!.sentOnce) session.sentOnce.set(key, count)
    for (const [key, count] of before!.applied) session.applied.set(key, count)
    for (const topicFilter of session.subscriptions.keys()) {
      const isKnown = known.some(({ subscriptions, left }) => subscriptions.has(topicFilter) || left.has(topicFilter))
      this.#check(isKnown, () => `${clientId} is subscribed to ${topicFilter}, which it was not`)
    }
    if (!before!.isSafe) return
    for (const topicFilter of before!.safeFilters) {
      this.#check(session.subscriptions.has(topicFilter), () => `${clientId} has lost its Subscription ${topicFilter}`)
    }
  }

  // ---- messages on their way ----

  #entries(
    session: ModelSession,
    known: readonly ModelSession[],
    entries: readonly StoredEntry[],
    replayed: readonly string[],
  ): void {
    // What its Client has finished may not have been read when the process ended.
    const pool = new Set(
      known.flatMap(({ waiting, inflight, recent, late }) => {
        return [...waiting[1], ...waiting[2], ...inflight.values(), ...recent, ...late.values()]
      }),
    )
    for (const stored of entries) {
      const copy = this.#copyOf(session, pool, stored)
      if (copy !== undefined) this.#takeUp(session, copy, stored)
    }
    const [before] = known
    const isSure = before === this.#past.sessions.get(session.clientId) && before!.isSafe
    if (isSure) this.#checkLost(before!, pool)
    const waiting = new Set([...before!.waiting[1], ...before!.waiting[2]])
    const copies = [...pool].filter(({ isReplay, shared }) => isReplay && shared === undefined)
    this.#missing.push({ session, copies, replayed, isSure: (copy) => isSure && waiting.has(copy) })
  }

  /**
   * What the Store owes of a replay comes. At QoS 1 the broker sends before it has stored how far the replay has come,
   * so that what was sent may come again.
   */
  #replays({ session, copies, replayed, isSure }: Missing): void {
    for (const copy of copies) {
      const { topicName, key } = copy.message
      const retained = this.retained.get(topicName)
      const isRetained = retained?.key === key
      const isOwed = replayed.some((topicFilter) => matches(topicFilter, topicName))
      const isDue = isSure(copy) && copy.doubt === undefined && copy.sequence === 0
      this.#check(isOwed || !isDue || !isRetained || !(copy.isPromised || this.#past.isSafe(copy)), () => {
        return `the replay of ${shortOf(key)} to ${session.clientId} is forgotten`
      })
      const qos = copy.qos as 1 | 2
      if (!isOwed || !isRetained || (qos === 2 && copy.sequence > 0)) continue
      const fresh = makeCopy(retained, qos, copy.retain, [], copy.group)
      const { identifiers, isPromised } = copy
      session.waiting[qos].push({ ...fresh, identifiers, isPromised, isReplay: true })
      if (isDue) {
        this.replaysSurvived++
        continue
      }
      const again = session.waiting[qos].at(-1)!
      again.doubt = { copies: new Set([again]), drops: 0, isLoose: true }
    }
  }

  /** The copy that a stored entry is. */
  #copyOf({ clientId }: ModelSession, pool: Set<Copy>, stored: StoredEntry): Copy | undefined {
    const { entry, packetIdentifier, released } = stored
    const message = this.#facts.messages.get(entry.messageNumber)
    const key = message && keyOf(message.topicName, message.payload)
    const fits = (copy: Copy): boolean =>
      released ? copy.hasPubrec : copy.message.key === key && copy.qos === entry.qos && copy.retain === entry.retain
    const isSame = (copy: Copy): boolean => packetIdentifier > 0 && copy.packetIdentifier === packetIdentifier
    const identifiers = identifiersOf(entry.subscriptionIdentifiers)
    const fitting = [...pool].filter(fits)
    const best = fitting.filter((copy) => copy.identifiers === identifiers)
    const all = best.length > 0 ? best : fitting
    // For a Shared Subscription it may be another one than what its Client has had of the same message.
    const isShared = entry.sharedFilter !== undefined
    const waiting = all.find(({ sequence }) => sequence === 0) ?? (isShared ? undefined : all[0])
    const found = all.find(isSame) ?? (released ? fitting.find(isSame) : waiting)
    if (found !== undefined) {
      pool.delete(found)
      this.#checkProgress(clientId, found, stored)
      return found
    }
    if (isShared && key !== undefined) return this.#sharedCopy(clientId, key, entry)
    this.#check(false, () => `${clientId} is owed ${key === undefined ? 'a PUBREL' : shortOf(key)}, which it was not`)
    return undefined
  }

  #sharedCopy(clientId: string, key: string, entry: EntryRecord): Copy | undefined {
    const one = this.#past.shared.get(key)?.find(({ topicFilter }) => topicFilter === entry.sharedFilter)
    this.#check(one !== undefined, () => `${clientId} is owed ${shortOf(key)} for ${entry.sharedFilter} out of nowhere`)
    if (one === undefined) return undefined
    return makeCopy(one.message, entry.qos, entry.retain, entry.subscriptionIdentifiers, 0)
  }

  /** At QoS 2 nothing that somebody has seen is undone. */
  #checkProgress(clientId: string, copy: Copy, { packetIdentifier, released }: StoredEntry): void {
    if (copy.qos < 2 || copy.sequence === 0) return
    const what = (): string => `${clientId}, ${shortOf(copy.message.key)}`
    this.#check(packetIdentifier === copy.packetIdentifier, () => `a Packet Identifier is forgotten: ${what()}`)
    this.#check(released || copy.releasedOn === undefined, () => `a PUBREL is forgotten: ${what()}`)
  }

  #takeUp(session: ModelSession, copy: Copy, { entry, packetIdentifier, released }: StoredEntry): void {
    const { sharedFilter, qos } = entry
    const { key } = copy.message
    // It was refused, but that is forgotten: it comes once more.
    if (qos === 2 && copy.isRefused) session.sentOnce.set(key, (session.sentOnce.get(key) ?? 0) + 1)
    const isSent = packetIdentifier > 0
    if (sharedFilter !== undefined && copy.sequence === 0) {
      this.#unseenShared.set(key, (this.#unseenShared.get(key) ?? 0) + 1)
    }
    const shared = sharedFilter === undefined ? undefined : this.#share(copy.message, sharedFilter)
    const isNew = isSent && copy.sequence === 0
    const fresh: Copy = {
      ...copy,
      packetIdentifier,
      sequence: isSent ? this.#side.nextSequence() : 0,
      connections: 0,
      owedTo: undefined,
      openOn: undefined,
      releasedOn: undefined,
      hasPubrec: released,
      isFinished: false,
      isRefused: false,
      doubt: undefined,
      shared,
      memberships: sharedFilter === undefined ? undefined : new Map([[sharedFilter, qos]]),
    }
    if (isNew && qos === 2) session.sentOnce.set(key, (session.sentOnce.get(key) ?? 0) + 1)
    if (isSent) session.inflight.set(packetIdentifier, fresh)
    if (shared === undefined) {
      if (!isSent) session.waiting[qos].push(fresh)
    } else if (isSent) {
      shared.session = session
      shared.copy = fresh
    }
  }

  #share(message: Message, topicFilter: string): SharedCopy {
    const list = this.shared.get(message.key) ?? []
    const before = this.#past.shared.get(message.key)?.find((one) => one.topicFilter === topicFilter)
    const { isOptional = true, isDurable = false } = before ?? {}
    const shared = {
      message,
      topicFilter,
      isOptional,
      isDurable,
      session: undefined,
      copy: undefined,
      isForbidden: false,
    }
    list.push(shared)
    this.shared.set(message.key, list)
    return shared
  }

  #checkLost(before: ModelSession, pool: ReadonlySet<Copy>): void {
    for (const copy of [...before.waiting[1], ...before.waiting[2], ...before.inflight.values()]) {
      if (!pool.has(copy) || copy.doubt !== undefined || copy.shared !== undefined) continue
      // See `#replays`.
      if (copy.isReplay && copy.sequence === 0) continue
      const isSeen = copy.qos === 2 && copy.sequence > 0
      this.#check(!isSeen && !this.#past.isSafe(copy), () => {
        return `${before.clientId} has lost ${shortOf(copy.message.key)} at QoS ${copy.qos}`
      })
    }
  }

  /** For which Subscription somebody got a message nobody can see: what is owed is counted. */
  #checkShared(): void {
    for (const [key, list] of this.#past.shared) {
      const owed = list.filter(({ session, isOptional, isForbidden, isDurable, message }) => {
        return session === undefined && !isOptional && !isForbidden && isDurable && message.isAcked
      })
      const stored = this.#unseenShared.get(key) ?? 0
      this.#check(owed.length <= stored, () => `${shortOf(key)} is lost for one of ${filtersOf(owed)}`)
    }
  }

  // ---- the rest ----

  #checkSessions(): void {
    for (const [clientId, session] of this.#past.sessions) {
      if (!session.isSafe || session.expiryMs === 0 || !this.#past.isRegular(clientId)) continue
      this.#check(this.sessions.has(clientId), () => `the Session of ${clientId} is lost`)
    }
  }

  #wills(): void {
    const stored = new Set<string>()
    for (const [sessionNumber, will] of this.#facts.wills) {
      const { clientId, topicName, payload, willDelayInterval, dueAtMs } = will
      const key = keyOf(topicName, payload)
      stored.add(key)
      const isKnown =
        this.#past.formerWills.has(key) || this.#knownAs(clientId).some((session) => session.will?.key === key)
      this.#check(isKnown || !this.#past.isRegular(clientId), () => `there is a Will of ${clientId} that it took away`)
      const delayMs = willDelayInterval * 1000
      const isOfSession = this.#facts.sessions.has(sessionNumber)
      const session = isOfSession ? this.sessions.get(clientId) : undefined
      const now = this.#side.now()
      if (session === undefined) this.owedWills.push({ key, clientId, delayMs, dueAtMs: now })
      else {
        const waitMs = Math.min(delayMs, session.expiryMs)
        session.will = {
          key,
          clientId,
          delayMs,
          dueAtMs: dueAtMs === undefined ? now + waitMs : this.#fromWall(dueAtMs),
        }
      }
    }
    for (const { clientId, will, isWillSafe } of this.#past.sessions.values()) {
      if (will === undefined || !isWillSafe || !this.#past.isRegular(clientId)) continue
      this.#check(stored.has(will.key), () => `the Will of ${clientId} is lost`)
    }
  }

  #retain(): void {
    const { retained, formerRetained } = this.#past
    for (const topicName of new Set([...this.#facts.retained.keys(), ...formerRetained.keys(), ...retained.keys()])) {
      const history = [...(formerRetained.get(topicName) ?? []), retained.get(topicName)]
      const acknowledged = history.findLastIndex((one) => one?.isAcked === true)
      const stored = this.#retainedMessage(topicName)
      const key = stored && keyOf(stored.topicName, stored.payload)
      const same = history.slice(Math.max(0, acknowledged)).filter((one) => one?.key === key)
      // It may have been sent twice.
      const found = same.find((one) => this.#expiresWith(one, stored)) ?? same[0]
      this.#check(found !== undefined || key === undefined, () => `${topicName} retains ${shortOf(key!)} from before`)
      this.#check(key !== undefined || history.slice(Math.max(0, acknowledged)).includes(undefined), () => {
        return `${topicName} retains nothing any more`
      })
      if (found === undefined) continue
      this.retained.set(topicName, { ...found, expiresAtMs: Math.max(this.#side.now(), found.expiresAtMs) })
    }
  }

  #retainedMessage(topicName: string): MessageRecord | undefined {
    const messageNumber = this.#facts.retained.get(topicName)
    return messageNumber === undefined ? undefined : this.#facts.messages.get(messageNumber)
  }

  #expiresWith(message: Message | undefined, stored: MessageRecord | undefined): boolean {
    if (message === undefined || stored?.expiresAtMs === undefined) return true
    return message.expiresAtMs === stored.expiresAtMs - this.#side.wallNow() + this.#side.now()
  }
}

function filtersOf(copies: readonly SharedCopy[]): string {
  return copies.map(({ topicFilter }) => topicFilter).join(', ')
}
