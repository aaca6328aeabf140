/**
 * PUBLISH: who may publish, what is refused, and what happens to a message that is accepted (§3.3).
 *
 *   PUBLISH, Will ──> topic, Store ──> permission ──> interceptors ──> retained ──> Router ──> Session.deliver
 *   host program, $SYS ───────────────────────────────────────────────┘
 *
 * @module
 */
import { copied, Work } from '../base/work.ts'
import type { MemoryAccount } from '../base/memory-account.ts'
import { MessageNotAcceptedError, ProtocolError } from '../codec/protocol-error.ts'
import { ReasonCode } from '../codec/reason-code.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Client } from '../protocol/client.ts'
import type { Connection } from '../protocol/connection.ts'
import { PENDING, type KnownTopic } from '../protocol/server-side.ts'
import { countTopicLevels } from '../topics/topic-name.ts'
import { isReserved } from '../access/bridge-client.ts'
import { NO_VOTE, type LateVote } from '../access/late-vote.ts'
import { Intercepting, permissionNow } from './intercepting.ts'
import { NoRoom } from './no-room.ts'
import { type OpenInterception, OpenInterceptions } from './open-interceptions.ts'
import { canBeRefused, knowsOfNoRetain } from './publish-answers.ts'
import { WillPublishing } from './will-publishing.ts'
import type { Control } from './control.ts'
import { notesOf } from './sessions/connection-notes.ts'
import type { BackPressure } from '../turn/back-pressure.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import { PublishRefusals, type PublishRefusalsParts } from './publish-refusals.ts'
import type { Memory } from '../limits/memory.ts'
import type { MemoryRefusals } from '../limits/memory-refusals.ts'
import type { ListenerOptions } from '../config/options.ts'
import type { RetainedMessages } from '../routing/retained.ts'
import type { Router } from '../routing/router.ts'
import type { StoreWaiters } from './durable/store-waiters.ts'
import type { Answers } from '../turn/answers.ts'
import type { Turn } from '../turn/turn.ts'

const DOLLAR = 0x24

export interface PublishingParts extends PublishRefusalsParts {
  readonly current: ActiveConfig
  readonly router: Router
  readonly retained: RetainedMessages
  readonly turn: Turn
  readonly answers: Answers
  readonly waiters: StoreWaiters
  readonly backPressure: BackPressure
  readonly control: Control
  /** Whether the Store accepts a new message of so many bytes. */
  canStore(bytes: number): boolean
  /** Records that the Store did not accept a message of so many bytes. @returns why */
  notStored(bytes: number): string
  /** Whether that message has to be stored for its receivers. */
  isStored(message: ApplicationMessage): boolean
  readonly memory: Memory
  readonly memoryRefusals: MemoryRefusals
}

/** The host program has no limit of its own. */
const HOST = { userName: undefined, address: '' }

export class Publishing {
  readonly wills: WillPublishing
  readonly #parts: PublishingParts
  readonly #router: Router
  readonly #retained: RetainedMessages
  readonly #intercepting: Intercepting<Connection>
  readonly #open = new OpenInterceptions()
  readonly #refusals: PublishRefusals
  #isStopped = false

  constructor(parts: PublishingParts) {
    this.#parts = parts
    this.#refusals = new PublishRefusals(parts)
    this.#router = parts.router
    this.#retained = parts.retained
    const { current, metrics } = parts
    const shared = {
      ...{ current, work: parts.turn.work },
      replaced: (from: ApplicationMessage, to: ApplicationMessage): void => this.#refusals.replaced(from, to),
      drop: (message: ApplicationMessage): void => this.#refusals.dropped(message),
    }
    this.wills = new WillPublishing({
      ...shared,
      ...{ metrics, turn: parts.turn, memory: parts.memory, events: parts.events, answers: parts.answers },
      isStopped: () => this.#isStopped,
      accept: (client, message) => this.#take(message, undefined, client),
      refused: (client, ...what) => this.#refusals.refused(client, ...what),
    })
    this.#intercepting = new Intercepting<Connection>({
      ...shared,
      take: (connection, message, topic) => this.#takeIntercepted(connection, message, topic),
      check: (connection, message) => this.#checkTopic(connection, message) ?? this.#checkStore(connection, message),
      refuse: (connection, ...what) => this.#denied(connection, ...what),
      later: (connection, ...what) => this.#laterOnce(connection, ...what),
    })
  }

  /** From now on the Store accepts nothing more, and answers of plugins come too late. */
  stop(): void {
    this.#isStopped = true
  }

  /** Hot: runs for every message received. */
  publish(connection: Connection, message: ApplicationMessage, topic: KnownTopic): number {
    if (this.#open.size > 0) {
      const earlier = this.#open.before(connection)
      if (earlier !== undefined) return this.#behind(earlier, connection, message)
    }
    const refusal = this.#checkTopic(connection, message) ?? this.#checkStore(connection, message)
    if (refusal !== undefined)
      return this.#controlled(connection, message) ?? this.#denied(connection, message, refusal)
    if (this.#mustWait(message)) return this.#wait(connection, message, topic)
    const access = this.#parts.current.access
    if (!access.checksTopics) return this.#pass(connection, message, topic)
    const notes = notesOf(connection)
    const known = access.stable ? notes.recall(topic, access.version) : undefined
    if (known === true) return this.#pass(connection, message, topic)
    if (known === false) return this.#denied(connection, message, ReasonCode.NotAuthorized)
    const { version } = access
    const allowed = access.mayPublish(connection.client, message)
    if (allowed instanceof Promise) return this.#waitForVote(connection, message, allowed)
    if (access.stable && !connection.isClosed) notes.remember(topic, version, allowed, payerOf(connection))
    return allowed
      ? this.#pass(connection, message, topic)
      : this.#denied(connection, message, ReasonCode.NotAuthorized)
  }

  #waitForVote(connection: Connection, message: ApplicationMessage, vote: Promise<LateVote>): number {
    return this.#later(connection, message, vote, NO_VOTE, (late) =>
      this.#answer(connection, () => this.#voted(connection, message, late)),
    )
  }

  /** Plugins have answered. Rights may have changed, or a reload replaced the plugins, since they were asked. */
  #voted(connection: Connection, message: ApplicationMessage, vote: LateVote): number {
    if (vote.isOvertaken(this.#parts.current.access)) return this.publish(connection, message, this.#topicOf(message))
    const allowed = vote.now()
    if (allowed instanceof Promise) return this.#waitForVote(connection, message, allowed)
    if (allowed) return this.#pass(connection, message, undefined)
    return this.#denied(connection, message, ReasonCode.NotAuthorized)
  }

  /** Topics below `$CONTROL/` are a door to administrators. @returns `undefined` for any other message */
  #controlled(connection: Connection, message: ApplicationMessage): number | undefined {
    const { control, turn } = this.#parts
    const now = (): number => turn.now()
    return control.publish(connection, message, now, (answer, act) =>
      this.#later(connection, message, answer, undefined, (text) => this.#answer(connection, () => act(text))),
    )
  }

  /** Continues with a message that may be published. Hot: runs for every message received. */
  #pass(connection: Connection, message: ApplicationMessage, topic: KnownTopic | undefined): number {
    const { access, returns } = this.#parts.current
    if (returns?.(connection.client, message) === true) return ReasonCode.Success
    if (access.intercepts) return this.#intercepting.pass(connection, message, topic)
    return this.#take(message, topic, connection.client, connection)
  }

  /** Looks up a topic that is not the one in the packet; its routes are cached as well. */
  #topicOf({ topicName }: ApplicationMessage): KnownTopic {
    const bytes = Buffer.from(topicName)
    return this.#router.topic(bytes, 0, bytes.length)
  }

  /** Keeps a message until a plugin has answered, and continues then. */
  #later<Value>(
    connection: Connection,
    message: ApplicationMessage,
    answer: Promise<Value>,
    otherwise: Value,
    act: (value: Value) => void,
  ): number {
    const payer = payerOf(connection)
    const refusal = this.#checkMemory(connection, payer, message)
    if (refusal !== undefined) return this.#denied(connection, message, refusal)
    payer.hold(message, 0)
    this.#parts.answers.whenFor(connection, answer, otherwise, (value) => {
      payer.release(message, 0)
      act(value)
    })
    return PENDING
  }

  /** Continues after a question that may be repeated: about permissions, or about an earlier message. */
  #answer(connection: Connection, act: () => number): void {
    // The message was sent before the Connection ended, so it counts even if nobody waits for its answer. At QoS 2 it
    // would come twice, because its Client, which has no PUBREC, sends it again.
    if (this.#isStopped || (connection.isClosed && connection.pendingPublishQos === 2)) return
    const reasonCode = act()
    if (reasonCode !== PENDING) connection.publishAnswered(reasonCode)
  }

  /**
   * As `#later`, for plugins that intercept: they have seen the message, and must not see it again when it is sent
   * again.
   */
  #laterOnce<Value>(
    connection: Connection,
    message: ApplicationMessage,
    answer: Promise<Value>,
    otherwise: Value,
    act: (value: Value) => number,
  ): number {
    const reasonCode = this.#later(connection, message, answer, otherwise, (value) =>
      this.#decide(connection, () => act(value)),
    )
    // Not before: a message that is refused for lack of memory, by a Reason Code or an error, must not hold up others.
    if (reasonCode === PENDING) this.#open.begin(connection)
    return reasonCode
  }

  /** At QoS 2 the message belongs to the Session, even if its Connection has ended. */
  #decide(connection: Connection, act: () => number): void {
    let reasonCode: number | undefined
    try {
      const isOrphaned = connection.isClosed && connection.pendingPublishQos === 2
      if (this.#isStopped || (isOrphaned && connection.session!.isEnded)) return
      reasonCode = act()
      if (reasonCode === PENDING) return
      if (!isOrphaned) connection.publishAnswered(reasonCode)
      else if (reasonCode < 0x80) connection.session!.addReceived(connection.pendingPublishIdentifier)
    } finally {
      if (reasonCode !== PENDING) this.#open.end(connection, reasonCode)
    }
  }

  /**
   * Plugins have not decided about a message that came through another Connection of this Session; it may be the same
   * one.
   */
  #behind(earlier: OpenInterception, connection: Connection, message: ApplicationMessage): number {
    if (this.#parts.memoryRefusals.check(payerOf(connection), message.size, true) !== undefined) {
      // A Reason Code would also answer the earlier message.
      throw new MessageNotAcceptedError('limit exceeded', 'no memory for a message that waits for an earlier one')
    }
    return this.#later(connection, message, earlier.decided, undefined, () =>
      this.#answer(connection, () => {
        const { pendingPublishQos, pendingPublishIdentifier } = connection
        const isSame = pendingPublishQos === 2 && pendingPublishIdentifier === earlier.packetIdentifier
        return isSame ? earlier.reasonCode : this.publish(connection, message, this.#topicOf(message))
      }),
    )
  }

  /** While the Store is behind, messages that would have to be stored wait. */
  #mustWait(message: ApplicationMessage): boolean {
    return (message.qos > 0 || message.retain) && this.#parts.turn.isStoreBehind && this.#parts.isStored(message)
  }

  #wait(connection: Connection, message: ApplicationMessage, topic: KnownTopic): number {
    const payer = payerOf(connection)
    const refusal = this.#checkMemory(connection, payer, message)
    if (refusal !== undefined) return this.#denied(connection, message, refusal)
    const resume = (): void => {
      const reasonCode = this.#isStopped ? PENDING : this.publish(connection, message, topic)
      if (reasonCode !== PENDING) connection.publishAnswered(reasonCode)
    }
    return this.#parts.waiters.wait(connection, resume, message, payer)
  }

  /**
   * A plugin may have moved a message that is not stored to a topic that is. A message about which plugins have taken
   * long does not wait: each Connection has one at most.
   */
  #takeIntercepted(connection: Connection, message: ApplicationMessage, topic?: KnownTopic): number {
    if (!this.#mustWait(message) || this.#open.has(connection)) {
      return this.#take(message, topic ?? this.#topicOf(message), connection.client, connection)
    }
    const payer = payerOf(connection)
    const refusal = this.#checkMemory(connection, payer, message)
    if (refusal !== undefined) return this.#denied(connection, message, refusal)
    // Plugins have seen it, and do not see it again: as behind a late answer, it does not end with its Connection.
    this.#open.begin(connection)
    const waiter = { guard: (run: () => void): void => connection.guard(run) }
    const permission = permissionNow(this.#parts.current)
    const resume = (): void =>
      this.#decide(connection, () => {
        const stored = this.#checkStore(connection, message)
        if (stored !== undefined) return this.#denied(connection, message, stored)
        if (permission.isOver) return this.#intercepting.askAgain(connection, message)
        return this.#takeIntercepted(connection, message)
      })
    return this.#parts.waiters.wait(waiter, resume, message, payer)
  }

  #checkTopic(connection: Connection, message: ApplicationMessage): ReasonCode | undefined {
    const { topicName } = message
    if (topicName.charCodeAt(0) === DOLLAR && isReserved(topicName, connection.client)) return ReasonCode.NotAuthorized
    if (message.retain && !this.#parts.current.options.retain && knowsOfNoRetain(connection)) {
      throw new ProtocolError(ReasonCode.RetainNotSupported, 'retained messages are disabled') // [5.0 MQTT-3.2.2-14]
    }
    const { maxTopicLevels } = connection.limits as ListenerOptions
    if (topicName.length > maxTopicLevels && countTopicLevels(topicName) > maxTopicLevels)
      return ReasonCode.TopicNameInvalid
    return undefined
  }

  /** While the Store cannot write, messages that would have to be stored are refused; QoS 0 continues. */
  #checkStore({ protocolVersion }: Connection, message: ApplicationMessage): NoRoom | undefined {
    if (message.qos === 0 || this.#parts.canStore(message.size) || !this.#parts.isStored(message)) return undefined
    // 3.1.1 has no negative acknowledgement. Closing the Connection makes the Client keep the message.
    const cause = this.#parts.notStored(message.size)
    if (protocolVersion < 5) throw new MessageNotAcceptedError('not stored', cause)
    return new NoRoom(cause)
  }

  /** A message that waits for a plugin, or for the Store, has to be kept meanwhile. */
  #checkMemory(connection: Connection, payer: MemoryAccount, message: ApplicationMessage): NoRoom | undefined {
    const refusal = this.#parts.memoryRefusals.check(payer, message.size, true)
    if (refusal === undefined) return undefined
    if (connection.protocolVersion < 5 && message.qos > 0) {
      throw new MessageNotAcceptedError('limit exceeded', 'no memory for a message that has to wait')
    }
    return new NoRoom(refusal.detail)
  }

  /** It is acknowledged all the same, so that a 3.1.1 device does not send it for ever [3.1.1 MQTT-3.3.5-2]. */
  #denied({ client }: Connection, message: ApplicationMessage, ...why: [ReasonCode | NoRoom, string?]): ReasonCode {
    if (message.qos === 0) this.#parts.metrics.publishDroppedIn++
    return this.#refusals.refused(client, message, ...why)
  }

  /**
   * Accepts a message: retains it if its RETAIN is 1, and delivers it.
   *
   * @param connection that of its Client; `undefined` if nobody waits for an answer
   */
  #take(
    message: ApplicationMessage,
    topic: KnownTopic | undefined,
    client: Client | undefined,
    connection?: Connection,
  ): ReasonCode {
    const noRoom = message.retain ? this.#retain(message, client, connection) : undefined
    if (noRoom !== undefined) return this.#denied(connection!, message, noRoom)
    const { backPressure } = this.#parts
    if (backPressure.isHit) backPressure.clear()
    const reasonCode = this.#deliver(message, topic, client)
    if (backPressure.isHit && connection !== undefined)
      backPressure.holdClient(connection, connection.session!, message.fullSize)
    return reasonCode
  }

  #deliver(message: ApplicationMessage, topic: KnownTopic | undefined, client: Client | undefined): ReasonCode {
    const { dropped } = this.#parts.metrics
    const droppedBefore = dropped['memory limit'] + dropped['store limit']
    const receivers = this.#router.route(message, topic)
    this.#parts.turn.work.spend(receivers * (Work.delivery + copied(message.size)))
    this.#parts.packets.tap?.published(client, message, receivers)
    this.#parts.packets.spans?.published(client, message, receivers)
    if (this.#parts.events.hasListener.published) {
      message.own()
      this.#parts.events.emit('published', { client, message, receivers })
    }
    if (receivers === 0) return ReasonCode.NoMatchingSubscribers
    // Nobody could take the message, so its publisher may try again later.
    const droppedNow = dropped['memory limit'] + dropped['store limit'] - droppedBefore
    return droppedNow === receivers ? ReasonCode.QuotaExceeded : ReasonCode.Success
  }

  /** @returns why there is no room, where its publisher can be told so */
  #retain(
    message: ApplicationMessage,
    client: Client | undefined,
    connection: Connection | undefined,
  ): NoRoom | undefined {
    if (this.#parts.current.options.retain) {
      message.publisherUser = client?.userName
      const payer = connection === undefined ? this.#parts.memory.of(client ?? HOST) : payerOf(connection)
      const shortage = this.#retained.shortageFor(message, payer)
      if (shortage !== undefined && connection !== undefined && canBeRefused(connection, message)) {
        return new NoRoom(shortage)
      }
      this.#retained.set(message, payer, shortage === undefined)
    } else if (client !== undefined) {
      this.#parts.metrics.retainIgnored++
      this.#parts.events.emit('retained', { topic: message.topic, action: 'refused' })
    }
    return undefined
  }

  /** Publishes a message of the host program, without asking for permission. */
  publishFromHost(message: ApplicationMessage): void {
    this.#parts.recorder.publishedByHost(message)
    this.#take(message, undefined, undefined)
  }

  /** Publishes a retained text of the broker itself, below `$SYS/`. */
  publishText(topicName: string, text: string): void {
    const parts = { topicName, payload: Buffer.from(text), qos: 0, retain: true, publisher: '' } as const
    this.publishFromHost(ApplicationMessage.of({ ...parts, receivedAtMs: this.#parts.turn.now() }))
  }
}

function payerOf({ session }: Connection): MemoryAccount {
  return session!.memory.parent ?? session!.memory
}
