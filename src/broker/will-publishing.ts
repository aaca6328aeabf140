/**
 * Wills that are due. Each counts as a message of its Client: permissions and plugins are asked about it as about any
 * other, but nobody waits for an answer.
 *
 * @module
 */
import { ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import { PENDING, type Pending } from '../protocol/server-side.ts'
import { countTopicLevels } from '../topics/topic-name.ts'
import { isReserved } from '../access/bridge-client.ts'
import { NO_VOTE, type Vote } from '../access/late-vote.ts'
import { Intercepting, type InterceptingSide } from './intercepting.ts'
import type { NoRoom } from './no-room.ts'
import type { Events } from '../reporting/events.ts'
import type { Memory } from '../limits/memory.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { Will } from './sessions/sessions.ts'
import type { Answers } from '../turn/answers.ts'
import type { Turn } from '../turn/turn.ts'

/** A Will that is due. */
interface DueWill {
  readonly client: Client
  /** Called once it was sent or refused. */
  readonly settled: () => void
}

export interface WillPublishingParts extends Pick<InterceptingSide<DueWill>, 'current' | 'work' | 'replaced' | 'drop'> {
  readonly turn: Turn
  readonly memory: Memory
  readonly metrics: Metrics
  readonly events: Events
  readonly answers: Answers
  /** Whether the broker is closing, so that nothing more is stored. */
  isStopped(): boolean
  /** Retains and delivers a message. */
  accept(client: Client, message: ApplicationMessage): ReasonCode
  /** Counts and reports a refusal. @param detail why, if the reason is not a permission */
  refused(client: Client, message: ApplicationMessage, refusal: ReasonCode | NoRoom, detail?: string): ReasonCode
}

export class WillPublishing {
  readonly #parts: WillPublishingParts
  readonly #intercepting: Intercepting<DueWill>

  constructor(parts: WillPublishingParts) {
    this.#parts = parts
    const { current, work, replaced, drop } = parts
    this.#intercepting = new Intercepting<DueWill>({
      ...{ current, work, replaced, drop },
      take: (due, message) => this.#take(due, message),
      check: ({ client }, message) => this.#checkTopic(client, message),
      refuse: ({ client }, ...what) => parts.refused(client, ...what),
      later: (due, ...what) => this.#later(due, ...what),
    })
  }

  /**
   * @param settled called once it was sent or refused, which may be later. Until then the Store has to keep it, because
   *   its Client does not send it again
   * @returns whether it was settled at once
   */
  publish(will: Will, settled: () => void): boolean {
    const { fields, client } = will
    const due = { client, settled }
    const { topicName, payload, qos, retain, properties } = fields
    const message = ApplicationMessage.of({
      ...{ topicName, payload, qos, retain, properties, publisher: client.clientId },
      receivedAtMs: this.#parts.turn.now(),
    })
    const reasonCode = this.#ask(due, message)
    if (reasonCode !== PENDING) settled()
    return reasonCode !== PENDING
  }

  #ask(due: DueWill, message: ApplicationMessage): number {
    return this.#voted(due, message, this.#parts.current.access.mayPublish(due.client, message))
  }

  #voted(due: DueWill, message: ApplicationMessage, allowed: Vote): number {
    if (!(allowed instanceof Promise)) return this.#decided(due, message, allowed)
    return this.#later(due, message, allowed, NO_VOTE, (vote) => {
      // A reload may have replaced the plugins that were asked.
      const isOvertaken = vote.isOvertaken(this.#parts.current.access)
      return isOvertaken ? this.#ask(due, message) : this.#voted(due, message, vote.now())
    })
  }

  #decided(due: DueWill, message: ApplicationMessage, isAllowed: boolean): number {
    if (!isAllowed) return this.#parts.refused(due.client, message, ReasonCode.NotAuthorized)
    if (this.#parts.current.access.intercepts) return this.#intercepting.pass(due, message, undefined)
    return this.#take(due, message)
  }

  #take({ client }: DueWill, message: ApplicationMessage): ReasonCode {
    this.#parts.metrics.willsPublished++
    const reasonCode = this.#parts.accept(client, message)
    this.#parts.events.emit('willPublished', { clientId: client.clientId, topic: message.topic })
    return reasonCode
  }

  #later<Value>(
    { client, settled }: DueWill,
    message: ApplicationMessage,
    answer: Promise<Value>,
    otherwise: Value,
    act: (value: Value) => number,
  ): Pending {
    const payer = this.#parts.memory.of(client)
    payer.hold(message, 0)
    this.#parts.answers.when(answer, otherwise, payer, (value) => {
      payer.release(message, 0)
      // It stays in the Store, and is sent at the next start.
      if (this.#parts.isStopped()) return
      if (act(value) !== PENDING) settled()
    })
    return PENDING
  }

  /** Checks a topic from a plugin by the rules that CONNECT applied to the topic of the Will. */
  #checkTopic(client: Client, { topicName }: ApplicationMessage): ReasonCode | undefined {
    if (isReserved(topicName, client)) return ReasonCode.NotAuthorized
    const { options } = this.#parts.current
    const { maxTopicLevels } = options.listeners.find(({ name }) => name === client.listener) ?? options
    return countTopicLevels(topicName) > maxTopicLevels ? ReasonCode.TopicNameInvalid : undefined
  }
}
