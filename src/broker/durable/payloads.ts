/**
 * Payloads that are only in the Store: let go of when too much waits in RAM, fetched in batches when a Session comes to them.
 *
 * @module
 */
import { safeExcerpt } from '../../base/printable.ts'
import type { Logger } from '../../base/log.ts'
import type { ApplicationMessage } from '../../protocol/application-message.ts'
import type { Session } from '../../protocol/session.ts'
import type { Store } from '../../stores/store.ts'
import type { Metrics } from '../../reporting/metrics.ts'
import type { Answers } from '../../turn/answers.ts'
import type { Turn } from '../../turn/turn.ts'
import type { Expiring } from '../../base/timer-wheel.ts'

/** How many payloads of one Session are fetched at a time, and how many bytes of them. */
const BATCH_MESSAGES = 256
const BATCH_BYTES = 4 << 20
/** A read that fails is tried again after so long, then after twice as long each time, and so often in all. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5000
const MAX_RETRIES = 10

export interface PayloadLimits {
  /** Bytes that may wait in RAM in all, and in one Session. */
  readonly maxRamBytes: number
  readonly maxSessionRamBytes: number
}

/** A Session whose payloads could not be read, until they are read again. */
class Retry implements Expiring {
  deadlineMs = Infinity
  wheelIndex = -1
  delayMs = FIRST_RETRY_MS
  left = MAX_RETRIES
  readonly expire: () => void

  constructor(again: () => void) {
    this.expire = again
  }
}

export class Payloads {
  limits: PayloadLimits
  readonly #store: Store
  readonly #turn: Turn
  readonly #answers: Pick<Answers, 'when'>
  readonly #metrics: Metrics
  readonly #log: Logger
  readonly #fetching = new Set<Session>()
  readonly #retries = new Map<Session, Retry>()
  readonly #parking = new Set<Session>()

  constructor(
    limits: PayloadLimits,
    store: Store,
    turn: Turn,
    answers: Pick<Answers, 'when'>,
    metrics: Metrics,
    log: Logger,
  ) {
    this.limits = limits
    this.#answers = answers
    this.#metrics = metrics
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
    this.#turn.afterFlush(() => this.#fetch(session))
  }

  #fetch(session: Session): void {
    this.#answers.when<boolean | undefined>(this.#loadNext(session), undefined, session, (isLoaded) => {
      if (isLoaded !== false) this.#forget(session)
      if (isLoaded === true) session.flow()
    })
  }

  /** @returns whether it can go on: if not, it is tried again */
  async #loadNext(session: Session): Promise<boolean> {
    const messages = this.#batchOf(session)
    const { memory } = session
    // Charged before they come, so that Sessions that are read at the same time see each other.
    for (const { payloadLength } of messages) memory.add(payloadLength)
    try {
      await this.load(messages, (message) => {
        if (!message.isLoaded || message.holders === 0) memory.add(-message.payloadLength)
      })
      return true
    } catch (error) {
      for (const { payloadLength } of messages) memory.add(-payloadLength)
      this.#failed(session, error)
      return false
    }
  }

  /** Nothing is lost: the Session stays where it is. After the last try it waits until something moves it, as its Client's return does. */
  #failed(session: Session, error: unknown): void {
    const { clientId } = session
    this.#metrics.payloadReadsFailed++
    const retry = this.#retries.get(session) ?? new Retry(() => this.#again(session))
    const tries = retry.left > 0 ? `tried again in ${retry.delayMs} ms` : 'not tried again until the client reconnects'
    const shown = safeExcerpt(clientId)
    this.#log.error({ clientId: shown, err: error }, `payloads of ${shown} cannot be read from the store; ${tries}`)
    if (retry.left === 0) {
      this.#forget(session)
      return
    }
    this.#retries.set(session, retry)
    this.#turn.arm(retry, this.#turn.now() + retry.delayMs)
    retry.left--
    retry.delayMs = Math.min(retry.delayMs * 2, LONGEST_RETRY_MS)
  }

  #again(session: Session): void {
    if (session.connection === undefined) this.#forget(session)
    else this.#fetch(session)
  }

  #forget(session: Session): void {
    this.#fetching.delete(session)
    this.#retries.delete(session)
  }

  /** Where there is no memory for more, one message after the other: reading frees memory. */
  #batchOf(session: Session): readonly ApplicationMessage[] {
    const messages = session.nextUnloaded(BATCH_MESSAGES, BATCH_BYTES)
    const bytes = messages.reduce((sum, { payloadLength }) => sum + payloadLength, 0)
    return session.memory.refuses(bytes, true) === undefined ? messages : messages.slice(0, 1)
  }

  /**
   * Reads the payloads of those messages into RAM; where one is damaged, its message is lost and no other.
   *
   * @param done called for each of them at the moment at which it is loaded or lost; for none where the Store cannot be read
   */
  async load(messages: readonly ApplicationMessage[], done: (message: ApplicationMessage) => void): Promise<void> {
    if (messages.length === 0) return
    const payloads = await this.#store.read(messages.map(({ messageNumber }) => messageNumber))
    for (const [at, message] of messages.entries()) {
      const payload = payloads[at]
      // One of another length is not the one that was stored.
      if (payload?.length !== message.payloadLength) this.#lose(message)
      else message.load(payload)
      done(message)
    }
  }

  #lose(message: ApplicationMessage): void {
    const { messageNumber, topicName, publisher } = message
    message.lose()
    this.#metrics.payloadsDamaged++
    this.#log.error(
      { messageNumber, topicName, publisher },
      `message ${messageNumber} for ${topicName} is dropped: the store has lost its payload`,
    )
  }
}
