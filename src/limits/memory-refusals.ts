/** Accounts that had no room: counted each time, and said once, until the account has room again. @module */
import type { Logger } from '../base/log.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { safeExcerpt } from '../base/printable.ts'
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

  /** That account had no room for so many bytes. */
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
}
