/**
 * What happens when an account has no room in memory or in the store: the request is refused with 0x97, Quota exceeded.
 * Every refusal is counted; the log and the event report the first one, until the account has room again.
 *
 * @module
 */
import type { Logger } from '../base/log.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { safeExcerpt } from '../base/printable.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { Events } from '../reporting/events.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { Memory } from './memory.ts'

const COUNTER_OF = {
  connection: 'memoryRefusedConnection',
  session: 'memoryRefusedSession',
  user: 'memoryRefusedUser',
  broker: 'memoryRefusedBroker',
} as const
const OPTION_OF = { user: 'max-memory-per-user', broker: 'max-memory' } as const

/** An account had no room. */
export class MemoryRefusal {
  readonly reasonCode = ReasonCode.QuotaExceeded
  readonly #account: MemoryAccount
  readonly #bytes: number

  constructor(account: MemoryAccount, bytes: number) {
    this.#account = account
    this.#bytes = bytes
  }

  /** For the log. */
  get detail(): string {
    const { kind, bytes, limit } = this.#account
    return `no memory for ${this.#bytes} bytes: the ${kind} uses ${bytes} of ${limit}`
  }
}

export class MemoryRefusals {
  readonly #memory: Memory
  readonly #events: Events
  readonly #log: Logger
  readonly #metrics: Metrics

  constructor(memory: Memory, events: Events, log: Logger, metrics: Metrics) {
    this.#memory = memory
    this.#events = events
    this.#log = log
    this.#metrics = metrics
  }

  /**
   * Asks an account for room.
   *
   * @param isUrgent as for `MemoryAccount.refuses`
   * @returns `undefined` if there is room; otherwise a refusal, which is counted and reported
   */
  check(account: MemoryAccount, bytes: number, isUrgent = false): MemoryRefusal | undefined {
    const refusing = account.refuses(bytes, isUrgent)
    if (refusing === undefined) return undefined
    this.refused(refusing, bytes)
    return new MemoryRefusal(refusing, bytes)
  }

  /** Counts and reports that an account had no room for so many bytes. */
  refused(account: MemoryAccount, bytes: number): void {
    const { kind, owner, limit } = account
    this.#metrics[COUNTER_OF[kind]]++
    if (!this.#memory.isNews(account)) return
    const whose = kind === 'broker' ? 'the broker' : `${kind} ${safeExcerpt(owner)}`
    // A line for each session would let a client that makes many of them fill the log.
    if (kind === 'broker' || kind === 'user') {
      this.#log.warn(
        { account: kind, owner: safeExcerpt(owner), bytes: account.bytes, limit },
        `no room for ${bytes} bytes: ${whose} uses ${account.bytes} of ${limit} bytes of memory (${OPTION_OF[kind]})`,
      )
    }
    this.#events.emit('memoryLimit', { account: kind, owner, bytes: account.bytes, limit })
  }

  /** As `check`, for a user's share of the store. @returns the reason, for the log */
  checkStored(account: MemoryAccount, bytes: number): string | undefined {
    const refusing = account.refusesStored(bytes)
    if (refusing === undefined) return undefined
    this.storeRefused(refusing, bytes)
    return `no room in the store for ${bytes} bytes: the user has ${refusing.storedBytes} of ${refusing.storeLimit}`
  }

  /** Counts and reports that a user's share of the store had no room for so many bytes. */
  storeRefused(account: MemoryAccount, bytes: number): void {
    const { owner, storedBytes, storeLimit: limit } = account
    this.#metrics.storeRefusedUser++
    if (!this.#memory.isNewsOfStore(account)) return
    const shown = safeExcerpt(owner)
    this.#log.warn(
      { owner: shown, bytes: storedBytes, limit },
      `no room for ${bytes} bytes: user ${shown} uses ${storedBytes} of ${limit} bytes of the store (persistence.max-bytes-per-user)`,
    )
    this.#events.emit('storeLimit', { owner, bytes: storedBytes, limit })
  }
}
