/**
 * Restores what the Store holds: Sessions with their Subscriptions and messages, retained messages, Wills. `Restoring`
 * assembles what is read record by record; this file gives it its place in the broker.
 *
 * @module
 */
import { StoreError } from '../../base/errors.ts'
import type { Logger } from '../../base/log.ts'
import type { MemoryAccount } from '../../base/memory-account.ts'
import { isOurs, messageOf } from '../../base/thrown.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Session } from '../../protocol/session.ts'
import { subscriptionOf } from '../../protocol/subscription.ts'
import type {
  Change,
  LoadProgress,
  ReplayRecord,
  SessionRecord,
  Store,
  SubscriptionRecord,
} from '../../stores/store.ts'
import type { Memory } from '../../limits/memory.ts'
import type { ProcessMemory } from '../../limits/process-memory.ts'
import type { RetainedMessages } from '../../routing/retained.ts'
import type { Router } from '../../routing/router.ts'
import type { Registration, Sessions, Will } from '../sessions/sessions.ts'
import type { Turn } from '../../turn/turn.ts'
import type { Directory } from '../../access/directory/directory.ts'
import type { Ledger } from './ledger.ts'
import { LoadWatch } from './load-watch.ts'
import type { Payloads } from './payloads.ts'
import { Restoring } from './restore.ts'

/** A clock may be adjusted by a little; a larger difference is logged. */
const CLOCK_BEHIND_MS = 10_000

export interface LoadingParts {
  readonly ledger: Ledger
  readonly store: Store
  readonly log: Logger
  readonly processMemory: ProcessMemory
  readonly turn: Turn
  readonly memory: Memory
  readonly sessions: Sessions
  readonly router: Router
  readonly retainedMessages: RetainedMessages
  readonly payloads: Payloads
  readonly directory: Directory
  makeSession(clientId: string, payer: MemoryAccount): Session
  /** Resumes sending retained messages to a Session. */
  resumeReplay(session: Session, replay: ReplayRecord): void
}

export class Loading {
  readonly #parts: LoadingParts

  constructor(parts: LoadingParts) {
    this.#parts = parts
  }

  /** @returns the Wills whose Sessions have not outlived their Connections, by number */
  async run(report: (progress: LoadProgress) => void): Promise<Iterable<readonly [number, Will]>> {
    const { ledger, store, turn, memory, sessions, retainedMessages, processMemory } = this.#parts
    const restoring = new Restoring({
      ledger,
      now: () => turn.now(),
      addSession: (record) => this.#restoreSession(record),
      subscribe: (session, record) => this.#restoreSubscription(session, record),
      retain: (message) => retainedMessages.restore(message, this.#publisherOf(message)),
      setAccess: (record) => this.#parts.directory.load(record),
    })
    const begins = (newestRecordMs: number): void => this.#compareClock(ledger.beginAt(newestRecordMs))
    const watch = new LoadWatch(processMemory, () => memory.whole.bytes)
    const apply = (change: Change): void => {
      restoring.apply(change)
      watch.loaded(change)
    }
    const progress = (done: LoadProgress): void => {
      report(done)
      watch.progressed(done)
    }
    try {
      ledger.begin(await store.load(apply, progress, begins))
      allRead(restoring)
      await this.#readRetained(restoring.unloadedRetained, progress)
    } finally {
      watch.stop()
    }
    restoring.finish((registration, expiresAtMs, willDueAtMs) => {
      registration.session.ledger = ledger
      sessions.restore(registration, expiresAtMs, willDueAtMs)
    })
    for (const { session, replay } of restoring.replays) this.#parts.resumeReplay(session, replay)
    return restoring.orphanedWills
  }

  #compareClock(behindMs: number): void {
    if (behindMs < CLOCK_BEHIND_MS) return
    const seconds = Math.round(behindMs / 1000)
    this.#parts.log.warn(
      { behindMs },
      `the clock is ${seconds} s behind the newest record of the store: until it has caught up, the time of that record is used`,
    )
  }

  #restoreSession(record: SessionRecord): Registration {
    const { clientId, userName, protocolVersion } = record
    const client = { clientId, userName, protocolVersion, address: '', listener: '' }
    const session = this.#parts.makeSession(clientId, this.#parts.memory.of(client))
    session.userName = userName
    session.sessionExpiryInterval = record.sessionExpiryInterval
    session.sessionNumber = record.sessionNumber
    session.numberEntriesAbove(record.lastEntryNumber ?? 0)
    return this.#parts.sessions.add(session, client, undefined)
  }

  #restoreSubscription(session: Session, record: SubscriptionRecord): void {
    const { subscriptionIdentifier, ...options } = record
    const subscriptionIdentifiers = subscriptionIdentifier === undefined ? [] : [subscriptionIdentifier]
    const subscription = subscriptionOf(session, { ...options, subscriptionIdentifiers })
    session.subscribe(subscription)
    this.#parts.router.add(subscription)
  }

  /**
   * The account to charge for a retained message that was stored: that of its publisher's user, if a Session says who
   * that was.
   */
  #publisherOf({ publisher }: ApplicationMessage): MemoryAccount {
    const { userName } = this.#parts.sessions.get(publisher)?.session ?? {}
    return this.#parts.memory.of({ userName, address: '' })
  }

  async #readRetained(
    messages: readonly ApplicationMessage[],
    report: (progress: LoadProgress) => void,
  ): Promise<void> {
    const atOnce = 1000
    const total = messages.length
    for (let done = 0; done < total; done += atOnce) {
      await this.#parts.payloads.load(messages.slice(done, done + atOnce), (message) =>
        this.#parts.retainedMessages.loaded(message),
      )
      report({ done, total, unit: 'records' })
    }
    for (const message of messages) if (message.isLost) this.#parts.retainedMessages.lose(message)
  }
}

/** @throws {StoreError} for Changes that do not fit together, as a Store of the program may return them */
function allRead(restoring: Restoring): void {
  try {
    restoring.allRead()
  } catch (error) {
    if (isOurs(error)) throw error
    throw new StoreError('ERR_STORE_LOAD', `what the store holds does not fit together: ${messageOf(error)}`, {
      cause: error,
    })
  }
}
