/**
 * SUBSCRIBE and UNSUBSCRIBE: what is granted, what is refused, and which retained messages follow (§3.8.4, §3.10.4).
 *
 * A filter that the standard forbids ends the Connection; one that this Server or its rules refuse gets its own code in the
 * SUBACK, and the others are served.
 *
 * @module
 */
import type { MaybePromise } from '../base/maybe-promise.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import type { QoS, SubscribePacket, SubscriptionRequest, UnsubscribePacket } from '../codec/packets.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Connection } from '../protocol/connection.ts'
import { PENDING, type Pending } from '../protocol/server-side.ts'
import type { DropCause, Session } from '../protocol/session.ts'
import { sizeOfSubscription, type Subscription } from '../protocol/subscription.ts'
import { countTopicLevels } from '../topics/topic-name.ts'
import { parseSharedFilter, topicFilterProblem } from '../topics/topic-filter.ts'
import { notesOf } from './connection-notes.ts'
import type { StoreWaiters } from './store-waiters.ts'
import type { Turn } from './turn.ts'
import type { Current } from './current.ts'
import type { Events } from './events.ts'
import type { Metrics } from './metrics.ts'
import type { Options } from './options.ts'
import type { RetainedMessages } from './retained.ts'
import type { Router } from './router.ts'

const NO_IDENTIFIERS: readonly number[] = []

export interface SubscribingParts {
  readonly current: Current
  readonly router: Router
  readonly retained: RetainedMessages
  readonly metrics: Metrics
  readonly events: Events
  readonly turn: Turn
  readonly waiters: StoreWaiters
  /** False while the Store cannot write and the Session would have to be stored. */
  canStore(session: Session): boolean
  /** To the Store with it, if the Session is kept. */
  subscribed(session: Session, subscription: Subscription): void
  unsubscribed(session: Session, topicFilter: string): void
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
  /** What a member of a Shared Subscription held goes to others. */
  leftShared(session: Session, topicFilter: string): void
  /** That account had no room for so many bytes. */
  memoryRefused(account: MemoryAccount, bytes: number): void
}

/** One filter of a SUBSCRIBE that passed the form checks. */
interface Wish {
  readonly request: SubscriptionRequest
  /** Without `$share/Name/`. */
  readonly matchFilter: string
  readonly isShared: boolean
  /** A code that is settled before anybody is asked. */
  readonly refused: ReasonCode | undefined
}

export class Subscribing {
  readonly #parts: SubscribingParts
  /** Made by `subscribe`, sent by `subscribed`, which follows at once. */
  #owed: Subscription[] = []

  constructor(parts: SubscribingParts) {
    this.#parts = parts
  }

  /** @throws {ProtocolError} for filters and options that the standard or CONNACK rules out */
  subscribe(connection: Connection, packet: SubscribePacket): readonly number[] | Pending {
    const { turn, waiters } = this.#parts
    if (turn.isStoreBehind && connection.session!.ledger !== undefined) {
      return waiters.wait(connection, () => {
        const reasonCodes = this.subscribe(connection, packet)
        if (reasonCodes !== PENDING) connection.subscribeAnswered(packet, reasonCodes)
      })
    }
    checkIdentifier(connection, packet)
    const wishes = packet.subscriptions.map((request) => this.#wish(connection, request))
    const answers = wishes.map((wish) => this.#ask(connection, wish))
    if (!answers.some((answer) => answer instanceof Promise)) {
      return this.#grantAll(connection, packet, wishes, answers as boolean[])
    }
    void Promise.all(answers.map((answer) => Promise.resolve(answer))).then((known) => {
      if (connection.isConnected) {
        connection.subscribeAnswered(packet, this.#grantAll(connection, packet, wishes, known))
      }
    })
    return PENDING
  }

  #wish(connection: Connection, request: SubscriptionRequest): Wish {
    // Before 5.0 there are no Shared Subscriptions; serving them there too is what users expect of a broker.
    const { matchFilter, isShared } = checkFilter(request.topicFilter)
    if (isShared && request.noLocal) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'No Local on a Shared Subscription') // [5.0 MQTT-3.8.3-4]
    }
    const missing = missingCapability(this.#parts.current.options, matchFilter, isShared)
    const isTold = connection.protocolVersion === 5 && missing !== undefined
    if (isTold && missingCapability(notesOf(connection).announced!, matchFilter, isShared) !== undefined) {
      throw new ProtocolError(missing, `${request.topicFilter}: this kind of Subscription is switched off`)
    }
    const { maxTopicLevels } = notesOf(connection).listener.options
    const tooDeep = countTopicLevels(matchFilter) > maxTopicLevels ? ReasonCode.QuotaExceeded : undefined
    return { request, matchFilter, isShared, refused: missing ?? tooDeep }
  }

  #ask(connection: Connection, { request, matchFilter, refused }: Wish): MaybePromise<boolean> {
    return refused !== undefined || this.#parts.current.access.maySubscribe(connection.client, matchFilter, request.qos)
  }

  #grantAll(
    connection: Connection,
    packet: SubscribePacket,
    wishes: readonly Wish[],
    allowed: readonly boolean[],
  ): number[] {
    this.#owed = []
    const identifiers = packet.properties.subscriptionIdentifiers ?? NO_IDENTIFIERS
    return wishes.map((wish, at) => {
      const code = wish.refused ?? this.#grant(connection, wish, allowed[at]!, identifiers)
      this.#tell(connection, wish.request.topicFilter, code)
      return code
    })
  }

  #tell({ client }: Connection, topicFilter: string, code: number): void {
    const { events, metrics } = this.#parts
    if (code < 0x80) events.tell('subscribed', { client, topicFilter, qos: code as QoS })
    else {
      metrics.subscribesRefused++
      events.tell('subscribeRefused', { client, topicFilter, reasonCode: code })
    }
  }

  #grant(connection: Connection, wish: Wish, allowed: boolean, subscriptionIdentifiers: readonly number[]): number {
    if (!allowed) return ReasonCode.NotAuthorized
    const session = connection.session!
    if (!this.#parts.canStore(session)) return ReasonCode.ImplementationSpecificError
    const { maxQos, maxSubscriptions } = notesOf(connection).listener.options
    const { request, isShared } = wish
    const old = session.subscriptions.get(request.topicFilter)
    if (old === undefined && session.subscriptions.size >= maxSubscriptions) return ReasonCode.QuotaExceeded
    if (old === undefined && !this.#hasMemoryFor(session, request.topicFilter)) return ReasonCode.QuotaExceeded
    const qos = request.qos < maxQos ? request.qos : maxQos
    const subscription: Subscription = { ...request, subscriber: session, qos, subscriptionIdentifiers }
    this.#replace(session, old, subscription)
    // Never for a shared one (U-3.8.4-3); 1 only for a new Subscription [5.0 MQTT-3.3.1-10].
    const isOwed = request.retainHandling === 0 || (request.retainHandling === 1 && old === undefined)
    if (isOwed && !isShared) this.#owed.push(subscription)
    return qos
  }

  #hasMemoryFor(session: Session, topicFilter: string): boolean {
    const bytes = sizeOfSubscription(topicFilter)
    // What goes with its Connection may use the reserve: reading frees memory.
    const refusing = session.memory.refuses(bytes, session.sessionExpiryInterval === 0)
    if (refusing !== undefined) this.#parts.memoryRefused(refusing, bytes)
    return refusing === undefined
  }

  /** [5.0 MQTT-3.8.4-3] */
  #replace(session: Session, old: Subscription | undefined, subscription: Subscription): void {
    const { router } = this.#parts
    if (old !== undefined) router.remove(old)
    router.add(subscription)
    session.subscribe(subscription)
    this.#parts.subscribed(session, subscription)
  }

  /** SUBACK is written: retained messages follow (§3.3.1.3). */
  subscribed(connection: Connection): void {
    const owed = this.#owed
    this.#owed = []
    for (const subscription of owed) this.#replay(connection, subscription)
  }

  #replay(connection: Connection, subscription: Subscription): void {
    const session = connection.session!
    const { current, retained } = this.#parts
    retained.replay(subscription.topicFilter, (message) => {
      if (connection.isClosed || session.subscriptions.get(subscription.topicFilter) !== subscription) return false
      const isOwn = subscription.noLocal && message.publisher === session.clientId
      if (isOwn) return true
      if (current.access.mayReceive(connection.client, message.topicName)) sendRetained(session, message, subscription)
      else this.#parts.dropped(session, message, 'not authorized')
      return true
    })
  }

  /** @throws {ProtocolError} for filters that the standard rules out; then nothing is unsubscribed */
  unsubscribe(connection: Connection, packet: UnsubscribePacket): number[] {
    for (const topicFilter of packet.topicFilters) checkFilter(topicFilter)
    return packet.topicFilters.map((topicFilter) => this.#unsubscribe(connection, topicFilter))
  }

  #unsubscribe(connection: Connection, topicFilter: string): ReasonCode {
    const session = connection.session!
    const subscription = session.subscriptions.get(topicFilter) // [5.0 MQTT-3.10.4-1]
    if (subscription === undefined) return ReasonCode.NoSubscriptionExisted
    session.unsubscribe(topicFilter)
    this.#parts.router.remove(subscription)
    this.#parts.unsubscribed(session, topicFilter)
    this.#parts.leftShared(session, topicFilter)
    this.#parts.events.tell('unsubscribed', { client: connection.client, topicFilter })
    return ReasonCode.Success
  }
}

/** CONNACK said what holds for this Connection: a reload changes it for the next one only. */
function checkIdentifier(connection: Connection, { properties }: SubscribePacket): void {
  if (properties.subscriptionIdentifiers === undefined || notesOf(connection).announced!.subscriptionIdentifiers) return
  throw new ProtocolError(ReasonCode.SubscriptionIdentifiersNotSupported, 'Subscription Identifiers are switched off')
}

/**
 * CONNACK told a 5.0 Client of it; an older one, and one that was connected when a reload switched it off, learns it from its
 * SUBACK [3.1.1 MQTT-3.8.3-2].
 */
function missingCapability(
  { sharedSubscriptions, wildcardSubscriptions }: Options,
  matchFilter: string,
  isShared: boolean,
): ReasonCode | undefined {
  if (isShared && !sharedSubscriptions) return ReasonCode.SharedSubscriptionsNotSupported
  if (!wildcardSubscriptions && /[+#]/.test(matchFilter)) return ReasonCode.WildcardSubscriptionsNotSupported
  return undefined
}

/** @throws {ProtocolError} for a filter that §4.7 or §4.8.2 rules out [5.0 MQTT-4.8.2-1] */
function checkFilter(topicFilter: string): Pick<Wish, 'matchFilter' | 'isShared'> {
  const shared = parseSharedFilter(topicFilter)
  const matchFilter = typeof shared === 'object' ? shared.topicFilter : topicFilter
  const problem = typeof shared === 'string' ? shared : topicFilterProblem(matchFilter)
  if (problem !== undefined) throw new ProtocolError(ReasonCode.ProtocolError, `${topicFilter}: ${problem}`)
  return { matchFilter, isShared: shared !== undefined }
}

/** RETAIN 1 (U-3.3.1.3-2), at the lower of both QoS [5.0 MQTT-3.8.4-8]. */
function sendRetained(session: Session, message: ApplicationMessage, subscription: Subscription): void {
  const qos = message.qos < subscription.qos ? message.qos : subscription.qos
  session.send(message, qos, true, subscription)
}
