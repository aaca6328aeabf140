/**
 * Payloads that are only in the Store: let go of when too much waits in RAM, fetched in batches when a Session comes to them.
 *
 * @module
 */
import type { Logger } from '../base/log.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Session } from '../protocol/session.ts'
import type { Store } from '../stores/store.ts'
import type { Turn } from './turn.ts'

/** How many payloads of one Session are fetched at a time. */
const BATCH_MESSAGES = 256

export interface PayloadLimits {
  /** Bytes that may wait in RAM in all, and in one Session. */
  readonly maxRamBytes: number
  readonly maxSessionRamBytes: number
}

export class Payloads {
  limits: PayloadLimits
  readonly #store: Store
  readonly #turn: Turn
  readonly #log: Logger
  readonly #fetching = new Set<Session>()
  readonly #parking = new Set<Session>()

  constructor(limits: PayloadLimits, store: Store, turn: Turn, log: Logger) {
    this.limits = limits
    this.#store = store
    this.#turn = turn
    this.#log = log
  }

  /** Whether a message that has to wait in that Session is to leave RAM, beyond the limits: as soon as it is stored. */
  parks(session: Session, bytes: number, waitingInAll: number): boolean {
    const { maxSessionRamBytes, maxRamBytes } = this.limits
    if (session.queuedBytes + bytes <= maxSessionRamBytes && waitingInAll + bytes <= maxRamBytes) return false
    if (this.#parking.size === 0) this.#turn.afterFlush(() => this.#parkOnceStored())
    this.#parking.add(session)
    return true
  }

  /** The end of a turn is too early: while a commit runs, the Store has not been given the turn behind it. */
  #parkOnceStored(): void {
    const parking = [...this.#parking].map((session) => ({ session, lastEntryNumber: session.lastEntryNumber }))
    this.#parking.clear()
    this.#turn.whenCommitted(() => {
      for (const { session, lastEntryNumber } of parking) session.park(lastEntryNumber)
    })
  }

  /** Fetches what that Session will send next, then lets it go on. */
  fetch(session: Session): void {
    if (this.#fetching.has(session)) return
    this.#fetching.add(session)
    this.#turn.afterFlush(() => void this.#fetch(session))
  }

  async #fetch(session: Session): Promise<void> {
    const messages = session.nextUnloaded(BATCH_MESSAGES)
    try {
      await this.load(messages)
    } catch (error) {
      // Nothing is lost: the Session stays where it is, and tries again when its Client comes back.
      this.#log.error(
        { clientId: session.clientId, error },
        `payloads of ${session.clientId} cannot be read from the store`,
      )
      return
    } finally {
      this.#fetching.delete(session)
    }
    this.#turn.now()
    session.flow()
  }

  /** Reads the payloads of those messages into RAM. */
  async load(messages: readonly ApplicationMessage[]): Promise<void> {
    if (messages.length === 0) return
    const payloads = await this.#store.read(messages.map(({ messageNumber }) => messageNumber))
    for (const [at, message] of messages.entries()) message.load(payloads[at]!)
  }
}
