/**
 * The Server as retained messages see it: whether they may be stored and replayed, and where changes are reported.
 *
 * @module
 */
import type { Vote } from '../access/late-vote.ts'
import type { MayReplay } from '../routing/may-replay.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { Work, type WorkBudget } from '../base/work.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Events } from '../reporting/events.ts'
import type { RetainedEnd } from '../access/broker-events.ts'
import type { Ledger } from './durable/ledger.ts'
import { sizeStored } from './durable/size-stored.ts'
import type { MemoryRefusals } from '../limits/memory-refusals.ts'
import type { RetainedSide } from '../routing/retained.ts'
import type { StoreGate } from '../turn/store-gate.ts'

/** What RetainedServices work with. */
export interface RetainedServicesParts {
  readonly current: ActiveConfig
  readonly events: Events
  readonly work: WorkBudget
  readonly gate: StoreGate
  readonly memoryRefusals: MemoryRefusals
  /** Present if something is stored. */
  ledger(): Ledger | undefined
}

export class RetainedServices implements RetainedSide {
  readonly #parts: RetainedServicesParts

  constructor(parts: RetainedServicesParts) {
    this.#parts = parts
  }

  /** Messages of the host program and of the broker itself are not checked. */
  mayReplay(message: ApplicationMessage): ReturnType<MayReplay> {
    const { options, access } = this.#parts.current
    if (message.publisher === '' || options.topicCheck?.retainedCheck !== 'publisher' || !access.checksTopics)
      return true
    this.#parts.work.spend(Work.question)
    const { publisher: clientId, publisherUser: userName } = message
    const client = { clientId, userName, address: '', listener: '', protocolVersion: 5 } as const
    return this.#voted(message, access.mayPublish(client, message))
  }

  /** A reload may have replaced the plugins that were asked. */
  #voted(message: ApplicationMessage, allowed: Vote): ReturnType<MayReplay> {
    if (typeof allowed === 'boolean') return allowed
    return allowed.then((vote) => ({
      now: () =>
        vote.isOvertaken(this.#parts.current.access) ? this.mayReplay(message) : this.#voted(message, vote.now()),
    }))
  }

  /** While the Store is full, a message may only replace one that is no smaller. */
  mayStore(message: ApplicationMessage, replaced: ApplicationMessage | undefined): boolean {
    if (this.#parts.gate.health.condition !== 'full' || this.#parts.ledger()?.isStored(message) !== true) return true
    return message.size <= (replaced?.size ?? 0)
  }

  retained(message: ApplicationMessage, replaced: ApplicationMessage | undefined): void {
    this.#parts.ledger()?.retained(message, replaced)
    this.#parts.events.emit('retained', { topic: message.topic, action: 'set' })
  }

  cleared(topicName: string, action: RetainedEnd): void {
    this.#parts.ledger()?.retainedCleared(topicName)
    this.#parts.events.emit('retained', { topic: topicName, action })
  }

  memoryShortage(account: MemoryAccount, bytes: number): string | undefined {
    return this.#parts.memoryRefusals.check(account, bytes)?.detail
  }

  storedSizeOf(message: ApplicationMessage): number {
    return this.#parts.ledger()?.isStored(message) === true ? sizeStored(message) : 0
  }

  storeShortage(account: MemoryAccount, bytes: number): string | undefined {
    return this.#parts.memoryRefusals.checkStored(account, bytes)
  }
}
