/**
 * Payloads that are only in the Store: they are released from RAM when too much waits, and fetched in batches when
 * their Session comes to them.
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

/** How many payloads of one Session are fetched at a time, and how many bytes. */
const BATCH_MESSAGES = 256
const BATCH_BYTES = 4 << 20
/** A failed read is tried again after this time, which doubles with each attempt, up to a number of attempts. */
const FIRST_RETRY_MS = 100
const LONGEST_RETRY_MS = 5000
const MAX_RETRIES = 10

export interface PayloadLimits {
  /** The most bytes that may wait in RAM, in total and in one Session. */
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

  /**
   * Whether a message that has to wait in that Session exceeds the limits, so that it is to leave RAM once it is
   * stored.
   */
  parks(session: Session, bytes: number, waitingInAll: number): boolean {
    const { maxSessionRamBytes, maxRamBytes } = this.limits
    if (session.queuedBytes + bytes <= maxSessionRamBytes && waitingInAll + bytes <= maxRamBytes) return false
    if (this.#parking.size === 0) this.#turn.afterFlush(() => this.#parkOnceStored())
    this.#parking.add(session)
    return true
  }

  /** The end of a turn is too early: while a commit is in progress, the Store does not have the turns after it. */
  #parkOnceStored(): void {
    const parking = [...this.#parking].map((session) => ({ session, lastEntryNumber: session.lastEntryNumber }))
    this.#parking.clear()
    this.#turn.whenCommitted(() => {
      for (const { session, lastEntryNumber } of parking) session.park(lastEntryNumber)
    })
  }

  /** Fetches what that Session will send next, then lets it continue. */
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

  /** @returns whether it can continue; if not, it is tried again */
  async #loadNext(session: Session): Promise<boolean> {
    const messages = this.#batchOf(session)
    const { memory } = session
    // They are charged before they are read, so that Sessions that read at the same time see each other.
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

  /**
   * Nothing is lost: the Session stays where it is. After the last attempt it waits until something moves it, such as
   * the return of its Client.
   */
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

  /** If there is no memory for more, it reads one message after the other, because reading frees memory. */
  #batchOf(session: Session): readonly ApplicationMessage[] {
    const messages = session.nextUnloaded(BATCH_MESSAGES, BATCH_BYTES)
    const bytes = messages.reduce((sum, { payloadLength }) => sum + payloadLength, 0)
    return session.memory.refuses(bytes, true) === undefined ? messages : messages.slice(0, 1)
  }

  /**
   * Reads the payloads of those messages into RAM. If one is damaged, only its own message is lost.
   *
   * @param done called for each message when it is loaded or lost; for none if the Store cannot be read
   */
  async load(messages: readonly ApplicationMessage[], done: (message: ApplicationMessage) => void): Promise<void> {
    if (messages.length === 0) return
    const payloads = await this.#store.read(messages.map(({ messageNumber }) => messageNumber))
    for (const [at, message] of messages.entries()) {
      const payload = payloads[at]
      // A payload of another length is not the one that was stored.
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
