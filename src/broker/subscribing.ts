/**
 * SUBSCRIBE and UNSUBSCRIBE: what is granted, what is refused, and which retained messages follow (§3.8.4, §3.10.4).
 *
 * A filter that the standard forbids ends the Connection. A filter that this Server or its rules refuse gets its own
 * code in the SUBACK, and the others are granted.
 *
 * @module
 */
import { Work, type WorkBudget } from '../base/work.ts'
import type { SubscribePacket, SubscriptionRequest, UnsubscribePacket } from '../codec/packets.ts'
import type { QoS } from '../codec/packet-types.ts'
import { ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import type { ApplicationMessage } from '../protocol/application-message.ts'
import type { Connection } from '../protocol/connection.ts'
import { PENDING, type Pending } from '../protocol/server-side.ts'
import type { DropCause } from '../protocol/drop-cause.ts'
import type { Session } from '../protocol/session.ts'
import { sizeOfSubscription, subscriptionOf, type Subscription } from '../protocol/subscription.ts'
import { countTopicLevels } from '../topics/topic-name.ts'
import { checkFilter } from '../routing/checked-filter.ts'
import { bridgeRequest } from '../access/bridge-client.ts'
import { isControlTopic } from '../access/control-topics.ts'
import type { LateVote, Vote } from '../access/late-vote.ts'
import type { Control } from './control.ts'
import { notesOf } from './sessions/connection-notes.ts'
import type { StoreWaiters } from './durable/store-waiters.ts'
import type { SubscribeCapabilities, SubscribeOrigin } from '../routing/subscribe-origin.ts'
import {
  SubscribeWork,
  type CheckedRequest,
  type LateVotes,
  type SubscribeRequest,
  type SubscribeSide,
} from '../routing/subscribe-work.ts'
import { ConnectionOrigin } from './sessions/connection-origin.ts'
import type { Answers } from '../turn/answers.ts'
import type { Task, Turn } from '../turn/turn.ts'
import { UnsubscribeWork, type UnsubscribeSide } from '../routing/unsubscribe-work.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import type { Denials } from '../reporting/denials.ts'
import type { MemoryRefusal, MemoryRefusals } from '../limits/memory-refusals.ts'
import type { Events } from '../reporting/events.ts'
import type { Metrics } from '../reporting/metrics.ts'
import type { ReplayRecord } from '../stores/store.ts'
import type { Ledger } from './durable/ledger.ts'
import type { Owed, ReplayLedger, ReplayReceiver, Replays } from '../routing/replays.ts'
import type { RetainedMessages } from '../routing/retained.ts'
import type { Router } from '../routing/router.ts'

const NO_IDENTIFIERS: readonly number[] = []

export interface SubscribingParts {
  readonly current: ActiveConfig
  readonly control: Control
  readonly router: Router
  readonly retained: RetainedMessages
  readonly replays: Replays
  readonly metrics: Metrics
  readonly events: Events
  readonly turn: Turn
  readonly answers: Answers
  readonly waiters: StoreWaiters
  /** False if the Session would have to be stored and the Store cannot write. */
  canStore(session: Session): boolean
  /** Stores it, if the Session is stored. */
  subscribed(session: Session, subscription: Subscription): void
  unsubscribed(session: Session, topicFilter: string): void
  /** Stores which retained messages are still to be sent; absent if nothing is stored. */
  readonly ledger: Ledger | undefined
  dropped(session: Session, message: ApplicationMessage, cause: DropCause): void
  /** Hands the messages that a member of these Shared Subscriptions held on to others. */
  leftShared(session: Session, topicFilters: ReadonlySet<string>): void
  readonly memoryRefusals: MemoryRefusals
  /** Logs a refusal. */
  readonly denied: Denials['denied']
}

export class Subscribing implements SubscribeSide, UnsubscribeSide {
  readonly work: WorkBudget
  readonly #parts: SubscribingParts
  /** Set by `subscribe` and used by `subscribed`, which follows at once. */
  #owed: readonly Owed[] = []

  constructor(parts: SubscribingParts) {
    this.#parts = parts
    this.work = parts.turn.work
  }

  /** @throws {ProtocolError} if the standard or CONNACK forbids a filter or an option */
  subscribe(connection: Connection, packet: SubscribePacket): readonly number[] | Pending {
    const { turn, waiters } = this.#parts
    if (turn.isStoreBehind && this.#isStored(connection.session!)) {
      return waiters.wait(connection, () => {
        const reasonCodes = this.subscribe(connection, packet)
        if (reasonCodes !== PENDING) connection.subscribeAnswered(packet, reasonCodes)
      })
    }
    checkIdentifier(connection, packet)
    const origin = new ConnectionOrigin(connection, (reasonCodes) => connection.subscribeAnswered(packet, reasonCodes))
    return this.#begin(origin, packet)
  }

  #begin(origin: SubscribeOrigin, packet: SubscribeRequest): readonly number[] | Pending {
    const work = new SubscribeWork(this, origin, packet)
    if (!work.begin()) return PENDING
    this.#owed = work.owed
    return work.reasonCodes
  }

  answered(
    { origin }: SubscribeWork,
    answers: Promise<LateVotes>,
    otherwise: LateVotes,
    run: (answers: LateVotes) => void,
  ): void {
    this.#parts.answers.when(answers, otherwise, origin.session, (known) => origin.guard(() => run(known)))
  }

  #isStored(session: Session): boolean {
    return session.ledger !== undefined && this.#parts.canStore(session)
  }

  /** The same for the host program: `origin.answered` follows, at once if possible. */
  subscribeFor(origin: SubscribeOrigin, packet: SubscribeRequest): void {
    const { turn, waiters } = this.#parts
    if (turn.isStoreBehind && this.#isStored(origin.session)) {
      waiters.wait(origin, () => {
        if (origin.isOver) origin.abandoned()
        else this.subscribeFor(origin, packet)
      })
      return
    }
    const reasonCodes = this.#begin(origin, packet)
    if (reasonCodes !== PENDING) origin.answered(reasonCodes)
  }

  addTask(owner: object, task: Task): void {
    this.#parts.turn.addTask(owner, task)
  }

  finished({ origin, reasonCodes, owed }: SubscribeWork): void {
    this.#owed = owed
    origin.answered(reasonCodes)
  }

  abandoned({ origin, owed }: SubscribeWork): void {
    if (!origin.session.isEnded) this.#owe(origin.session, owed)
    origin.abandoned()
  }

  check(origin: SubscribeOrigin, asked: SubscriptionRequest): CheckedRequest {
    // Before 5.0 there are no Shared Subscriptions; users expect a broker to serve them there, too.
    const { matchFilter, isShared } = checkFilter(asked.topicFilter)
    if (isShared && asked.noLocal) {
      throw new ProtocolError(ReasonCode.ProtocolError, 'No Local on a Shared Subscription') // [5.0 MQTT-3.8.3-4]
    }
    const request = bridgeRequest(origin.client, asked, isShared)
    const missing = missingCapability(this.#parts.current.options, matchFilter, isShared)
    const { announced } = origin
    const wasAnnounced = missing !== undefined && announced !== undefined
    if (wasAnnounced && missingCapability(announced, matchFilter, isShared) !== undefined) {
      throw new ProtocolError(missing, `${request.topicFilter}: this kind of subscription is disabled`)
    }
    const levels = countTopicLevels(matchFilter)
    const tooDeep = levels > origin.limits.maxTopicLevels ? ReasonCode.QuotaExceeded : undefined
    return { request, matchFilter, isShared, levels, refused: missing ?? tooDeep }
  }

  ask({ client }: SubscribeOrigin, { request, matchFilter }: CheckedRequest): Vote {
    const { access } = this.#parts.current
    if (isControlTopic(matchFilter)) return this.#parts.control.mayUse(client)
    if (!access.checksTopics && client.console === undefined) return true
    const allowed = access.maySubscribe(client, matchFilter, request.qos)
    this.work.spend(Work.question)
    this.work.look()
    return allowed
  }

  isOvertaken(vote: LateVote): boolean {
    return vote.isOvertaken(this.#parts.current.access)
  }

  grant(work: SubscribeWork, checked: CheckedRequest, allowed: boolean): number {
    const code = checked.refused ?? this.#grant(work, checked, allowed)
    this.#report(work.origin, checked.request.topicFilter, code)
    return code
  }

  #report({ client }: SubscribeOrigin, topicFilter: string, code: number): void {
    const { events, metrics } = this.#parts
    if (code < 0x80) events.emit('subscribed', { client, topicFilter, qos: code as QoS })
    else {
      metrics.subscribesRefused++
      this.#parts.denied(client, 'subscribe', topicFilter, code)
      events.emit('subscribeRefused', { client, topicFilter, reasonCode: code })
    }
  }

  #grant({ origin, packet, owed }: SubscribeWork, checked: CheckedRequest, allowed: boolean): number {
    if (!allowed) return ReasonCode.NotAuthorized
    const { session } = origin
    if (!this.#parts.canStore(session)) return ReasonCode.ImplementationSpecificError
    const { maxQos, maxSubscriptions } = origin.limits
    const { request, isShared } = checked
    const old = session.subscriptions.get(request.topicFilter)
    if (old === undefined && session.subscriptions.size >= maxSubscriptions) return ReasonCode.QuotaExceeded
    const refusal = old === undefined ? this.#checkMemory(session, request.topicFilter) : undefined
    if (refusal !== undefined) return refusal.reasonCode
    const qos = request.qos < maxQos ? request.qos : maxQos
    const subscriptionIdentifiers = packet.properties.subscriptionIdentifiers ?? NO_IDENTIFIERS
    const subscription = subscriptionOf(session, { ...request, qos, subscriptionIdentifiers })
    this.#replace(session, old, subscription)
    // Never for a Shared Subscription (U-3.8.4-3); with 1, only for a new Subscription [5.0 MQTT-3.3.1-10].
    const isOwed = request.retainHandling === 0 || (request.retainHandling === 1 && old === undefined)
    if (isOwed && !isShared) owed.push(this.#owedTo(session, subscription))
    else this.#parts.replays.forget(session, request.topicFilter)
    return qos
  }

  #owedTo({ connectionNumber }: Session, subscription: Subscription): Owed {
    const { retained, ledger } = this.#parts
    const upToMessageNumber = ledger?.lastMessageNumber
    return { subscription, upToNumber: retained.lastNumber, upToMessageNumber, connectionNumber }
  }

  /** A Session that ends with its Connection may use the reserve, because reading frees memory. */
  #checkMemory({ memory, sessionExpiryInterval }: Session, topicFilter: string): MemoryRefusal | undefined {
    return this.#parts.memoryRefusals.check(memory, sizeOfSubscription(topicFilter), sessionExpiryInterval === 0)
  }

  /** [5.0 MQTT-3.8.4-3] */
  #replace(session: Session, old: Subscription | undefined, subscription: Subscription): void {
    const { router } = this.#parts
    if (old !== undefined) router.remove(old)
    router.add(subscription)
    session.subscribe(subscription)
    this.#parts.subscribed(session, subscription)
  }

  /** Sends retained messages after SUBACK is written (§3.3.1.3). */
  subscribed({ session }: { readonly session: Session | undefined }): void {
    const owed = this.#owed
    this.#owed = []
    this.#owe(session!, owed)
  }

  #owe(session: Session, owed: readonly Owed[]): void {
    this.#parts.replays.owe(session, () => this.#receiver(session), owed)
  }

  /** Continues with retained messages that were still to be sent before a restart, once the Client is back. */
  resumeReplay(session: Session, { topicFilter, upToMessageNumber, afterTopicName }: ReplayRecord): void {
    const subscription = session.subscriptions.get(topicFilter)
    if (session.isEnded || subscription === undefined) return
    const upToNumber = this.#parts.retained.lastNumber
    const owed = { subscription, upToNumber, upToMessageNumber, after: afterTopicName, isStored: true }
    this.#owe(session, [owed])
  }

  #receiver(session: Session): ReplayReceiver {
    return {
      owner: session,
      memory: session.memory,
      ledger: this.#ledgerOf(session),
      get takesMore() {
        return session.takesMore
      },
      wants: ({ subscription, connectionNumber }) => {
        if (session.isEnded || session.subscriptions.get(subscription.topicFilter) !== subscription) return false
        const isSame = session.connection !== undefined && session.connectionNumber === connectionNumber
        return subscription.qos > 0 || isSame
      },
      send: (message, owed) => this.#sendRetained(session, message, owed),
      withhold: (message) => this.#parts.dropped(session, message, 'publisher not authorized'),
    }
  }

  #ledgerOf(session: Session): ReplayLedger | undefined {
    const { ledger } = this.#parts
    if (ledger === undefined || session.ledger === undefined) return undefined
    return {
      replay: ({ subscription, upToMessageNumber = 0 }, afterTopicName) =>
        ledger.replay(session, { topicFilter: subscription.topicFilter, upToMessageNumber, afterTopicName }),
      replayEnded: ({ subscription }) => ledger.replayEnded(session, subscription.topicFilter),
    }
  }

  /**
   * Sends with RETAIN 1 (U-3.3.1.3-2), at the lower of both QoS [5.0 MQTT-3.8.4-8]. The rest of a replay continues on
   * the next Connection, except for QoS 0, which ends with the Connection as everywhere.
   */
  #sendRetained(session: Session, message: ApplicationMessage, { subscription, connectionNumber }: Owed): void {
    const isOwn = subscription.noLocal && message.publisher === session.clientId
    if (isOwn) return
    const qos = message.qos < subscription.qos ? message.qos : subscription.qos
    if (qos === 0 && session.connectionNumber !== connectionNumber) return
    const present = session.connection!
    const { access } = this.#parts.current
    if (access.mayReceive(present.client, message.topicName)) session.send(message, qos, true, subscription)
    else this.#parts.dropped(session, message, 'not authorized')
  }

  /** @throws {ProtocolError} if the standard forbids a filter; then nothing is unsubscribed */
  unsubscribe(connection: Connection, packet: UnsubscribePacket): readonly number[] | Pending {
    const origin = new ConnectionOrigin(connection, (reasonCodes) =>
      connection.unsubscribeAnswered(packet, reasonCodes),
    )
    const work = new UnsubscribeWork(this, origin, packet)
    if (work.step()) return work.reasonCodes
    this.addTask(origin.session, work)
    return PENDING
  }

  /** The same for the host program: `origin.answered` follows, at once if possible. */
  unsubscribeFor(origin: SubscribeOrigin, packet: Pick<UnsubscribePacket, 'topicFilters'>): void {
    const work = new UnsubscribeWork(this, origin, packet)
    if (!work.resume()) this.addTask(origin.session, work)
  }

  unsubscribeOne({ session, client }: SubscribeOrigin, topicFilter: string): ReasonCode {
    const subscription = session.subscriptions.get(topicFilter) // [5.0 MQTT-3.10.4-1]
    if (subscription === undefined) return ReasonCode.NoSubscriptionExisted
    session.unsubscribe(topicFilter)
    this.#parts.replays.forget(session, topicFilter)
    this.#parts.router.remove(subscription)
    this.#parts.unsubscribed(session, topicFilter)
    this.#parts.events.emit('unsubscribed', { client, topicFilter })
    return ReasonCode.Success
  }

  unsubscribed({ session }: SubscribeOrigin, sharedFilters: ReadonlySet<string>): void {
    this.#parts.leftShared(session, sharedFilters)
  }
}

/** CONNACK announced the rule for this Connection; a reload only changes it for the next one. */
function checkIdentifier(connection: Connection, { properties }: SubscribePacket): void {
  if (properties.subscriptionIdentifiers === undefined || notesOf(connection).announced!.subscriptionIdentifiers) return
  throw new ProtocolError(ReasonCode.SubscriptionIdentifiersNotSupported, 'Subscription Identifiers are disabled')
}

/**
 * CONNACK has told a 5.0 Client. An older one, or one that was connected when a reload switched it off, learns it from
 * its SUBACK [3.1.1 MQTT-3.8.3-2].
 */
function missingCapability(
  { sharedSubscriptions, wildcardSubscriptions }: SubscribeCapabilities,
  matchFilter: string,
  isShared: boolean,
): ReasonCode | undefined {
  if (isShared && !sharedSubscriptions) return ReasonCode.SharedSubscriptionsNotSupported
  if (!wildcardSubscriptions && /[+#]/.test(matchFilter)) return ReasonCode.WildcardSubscriptionsNotSupported
  return undefined
}
