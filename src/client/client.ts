/**
 * One MQTT client (3.1, 3.1.1, 5.0), for tools, bridges and tests. It opens no socket and reads no clock: the program
 * around it (`ClientSide`) opens byte streams, and time comes from a `Clock`, so a client runs in virtual time as well.
 *
 *   idle ── start ──> dialling ── opened ──> logging in ── CONNACK ──> connected
 *                        ^                        │                        │
 *                        └──── waiting <──────────┴── lost, refused, … ────┘        back-off; without one: ended
 *
 * Messages of QoS 1 and 2 may be published at any time: they wait, up to a limit, and are sent again after a connection
 * was lost, as the standard requires. QoS 0 requires a connection.
 *
 * @module
 */
import type { Clock, Timer } from '../base/clock.ts'
import { UsageError } from '../base/errors.ts'
import type { ConnackPacket, SubackPacket, SubscriptionRequest, UnsubackPacket } from '../codec/packets.ts'
import { noProperties, type Properties } from '../codec/properties.ts'
import { ApplicationMessage } from '../protocol/application-message.ts'
import type { Incoming, Transport } from '../protocol/transport.ts'
import { topicNameProblem } from '../topics/topic-name.ts'
import { BackOff } from './back-off.ts'
import { ClientConnection } from './client-connection.ts'
import { ClientError } from './client-error.ts'
import { type ClientOptions, clientOptionsOf } from './client-options.ts'
import { type Answer, ClientRequests } from './client-requests.ts'
import { ClientSession } from './client-session.ts'
import type { ClientSide, Receipt } from './client-side.ts'
import { DialAttempt } from './dial-attempt.ts'
import { type PublishHead, publishHeadOf, type PublishOptions } from './publish-head.ts'
import { ReceivedPublish } from './received-publish.ts'
import type { RelayedFlow } from './relayed-flow.ts'
import { serverLimitsOf, type ServerLimits } from './server-limits.ts'
import { SessionServices } from './session-services.ts'

export type { PublishOptions }

/** Where a client is between its start and its end. */
export type ClientState = 'idle' | 'dialling' | 'logging in' | 'connected' | 'waiting' | 'ended'

/** Every subscription of a client is delivered as it is: with its own QoS and RETAIN. */
const AS_PUBLISHED = { qos: 2, noLocal: false, retainAsPublished: true, subscriptionIdentifiers: [] } as const

export class Client {
  readonly side: ClientSide
  readonly clock: Clock
  readonly session: ClientSession
  readonly requests: ClientRequests
  #options: ClientOptions
  #state: ClientState = 'idle'
  #connack: ConnackPacket | undefined
  readonly #backOff: BackOff | undefined
  readonly #services: SessionServices
  #attempt: DialAttempt | undefined
  #attempts = 0
  #connection: ClientConnection | undefined
  #connectedAtMs = 0
  /** When the state `dialling`, `logging in` or `waiting` ends. */
  #stateDeadlineMs = Infinity
  #timer: Timer | undefined
  #timerAtMs = Infinity

  /** @throws {UsageError} for an invalid option */
  constructor(options: Partial<ClientOptions>, side: ClientSide, clock: Clock) {
    this.#options = clientOptionsOf(options)
    this.side = side
    this.clock = clock
    const { backOff, maxInflightMessages, maxQueuedMessages, maxQueuedBytes, queueFull, clientId } = this.#options
    this.#backOff = backOff === undefined ? undefined : new BackOff(backOff, () => clock.random())
    this.#services = new SessionServices(side, clock, {
      problem: () => this.#connection?.problem,
      expiresAt: (atMs) => this.#arm(atMs),
    })
    const limits = {
      maxInflightMessages,
      maxQueuedMessages,
      maxQueuedMessagesConnected: maxQueuedMessages,
      maxQueuedBytes,
      maxMemoryPerSession: 0,
      queueFull,
      maxDeliveryAttempts: 0,
    }
    this.session = new ClientSession(clientId, this.#services, limits, (message, reasonCode) =>
      side.acknowledged?.(message, reasonCode),
    )
    this.requests = new ClientRequests(this.session, this.#options.maxRequests, side.relay === undefined)
  }

  get options(): ClientOptions {
    return this.#options
  }

  get state(): ClientState {
    return this.#state
  }

  /** As sent, or as the server assigned it. */
  get clientId(): string {
    return this.#options.clientId
  }

  /** The CONNACK of the current connection. */
  get connack(): ConnackPacket | undefined {
    return this.#connack
  }

  /** What the server allows; without a connection: everything. */
  get limits(): ServerLimits {
    return this.#connection?.sender.limits ?? serverLimitsOf(noProperties)
  }

  /** What sends on behalf of a side that keeps the Session; `undefined` without a connection. */
  get relayed(): RelayedFlow | undefined {
    return this.#connection?.isConnected === true ? this.#connection.relayed : undefined
  }

  /** QoS 1 and 2 messages that are not finished, and SUBSCRIBE and UNSUBSCRIBE packets without an answer. */
  get pending(): number {
    return this.session.messagesInFlight + this.session.queuedMessages + this.requests.length
  }

  /** Whether more may be published without piling up; `writable` of the side follows if not. */
  get takesMore(): boolean {
    return this.#connection === undefined
      ? this.session.takesMore
      : this.session.takesMore && this.#connection.takesMore
  }

  /**
   * Begins the first attempt to connect.
   *
   * @throws {UsageError} if it was started before
   */
  start(): void {
    if (this.#state !== 'idle') throw new UsageError(`The client is ${this.#state}; it can be started once`)
    this.#dial()
  }

  #dial(): void {
    this.#state = 'dialling'
    this.#stateDeadlineMs = this.clock.now() + this.#options.connectTimeoutMs
    this.#attempt = new DialAttempt(this, this.#attempts++ % this.#options.addresses)
    this.#arm()
    this.side.dial(this.#attempt)
  }

  /** @internal */
  opened(attempt: DialAttempt, transport: Transport): Incoming | undefined {
    if (attempt !== this.#attempt) {
      transport.destroy()
      return undefined
    }
    this.#attempt.opens()
    this.#attempt = undefined
    this.#state = 'logging in'
    try {
      this.#connection = new ClientConnection(this, transport, this.#stateDeadlineMs)
    } catch (error) {
      transport.destroy()
      if (!(error instanceof ClientError)) throw error
      this.#ended(error)
      return undefined
    }
    this.wantsFlush(this.#connection)
    this.#arm()
    return this.#connection
  }

  /** @internal */
  failed(attempt: DialAttempt, cause: Error): void {
    if (attempt !== this.#attempt) return
    this.#retry(new ClientError('ERR_CLIENT_UNREACHABLE', cause.message, { cause }))
  }

  /** @internal */
  loggedIn(_connection: ClientConnection, connack: ConnackPacket): void {
    this.#state = 'connected'
    this.#stateDeadlineMs = Infinity
    this.#connack = connack
    this.#connectedAtMs = this.clock.now()
    if (this.#options.prefersFirst) this.#attempts = 0
    const { assignedClientIdentifier } = connack.properties
    if (assignedClientIdentifier !== undefined) {
      this.#options = { ...this.#options, clientId: assignedClientIdentifier }
    }
    this.#arm()
    this.side.connected(connack)
  }

  /** @internal */
  over(connection: ClientConnection, error: ClientError | undefined): void {
    if (connection !== this.#connection) return
    if (this.#state === 'connected') this.#backOff?.lasted(this.clock.now() - this.#connectedAtMs)
    this.#connection = undefined
    this.#connack = undefined
    this.session.disconnect()
    this.requests.suspend()
    if (error === undefined) this.#ended(undefined)
    else this.#retry(error)
  }

  /** @internal */
  wantsFlush(connection: ClientConnection): void {
    this.clock.atEndOfTurn(() => {
      connection.flush()
      this.#services.endTurn()
    })
  }

  #retry(error: ClientError): void {
    this.#attempt?.cancel()
    this.#attempt = undefined
    if (this.#backOff === undefined) {
      this.#ended(error)
      return
    }
    const waitMs = this.#backOff.next()
    this.#state = 'waiting'
    this.#stateDeadlineMs = this.clock.now() + waitMs
    this.#arm()
    this.side.disconnected(error, waitMs)
  }

  #ended(error: ClientError | undefined): void {
    this.#state = 'ended'
    this.#attempt?.cancel()
    this.#attempt = undefined
    this.#stateDeadlineMs = Infinity
    this.#timer?.cancel()
    this.requests.end(error ?? new ClientError('ERR_CLIENT_ENDED', 'The client was ended'))
    this.side.disconnected(error, undefined)
  }

  // ---- time ----

  /**
   * Sets the timer again if it would fire too late.
   *
   * @param expiryMs when something that begins to wait expires
   */
  #arm(expiryMs = Infinity): void {
    const dueMs = Math.min(
      this.#connection?.deadlineMs ?? this.#stateDeadlineMs,
      this.session.earliestExpiryMs,
      expiryMs,
    )
    if (dueMs >= this.#timerAtMs || this.#state === 'ended') return
    this.#timer?.cancel()
    this.#timerAtMs = dueMs
    this.#timer = this.clock.setTimer(dueMs - this.clock.now(), () => {
      this.#timerAtMs = Infinity
      this.#expire()
      this.#arm()
    })
  }

  #expire(): void {
    const now = this.clock.now()
    if (now >= this.session.earliestExpiryMs) this.session.dropExpired()
    if (this.#connection !== undefined) this.#connection.expire()
    else if (now >= this.#stateDeadlineMs) this.#stateIsLate()
  }

  #stateIsLate(): void {
    if (this.#state === 'waiting') this.#dial()
    else this.#retry(new ClientError('ERR_CLIENT_TIMEOUT', 'No network connection could be opened in time'))
  }

  // ---- what the program wants ----

  /**
   * Publishes a message. The payload must not change afterwards.
   *
   * @returns the message that `acknowledged` or `dropped` of the side will be called with; at QoS 0 only `dropped`
   * @throws {UsageError} for an invalid topic, or properties before 5.0
   * @throws {ClientError} `ERR_CLIENT_ENDED`
   */
  publish(
    topicName: string,
    payload: Uint8Array,
    { qos = 0, retain = false, properties = noProperties }: PublishOptions = {},
  ): ApplicationMessage {
    const problem = topicNameProblem(topicName)
    if (problem !== undefined) throw new UsageError(`Cannot publish to ${JSON.stringify(topicName)}: ${problem}`)
    const receivedAtMs = this.clock.now()
    const message = ApplicationMessage.of({ topicName, payload, qos, retain, properties, publisher: '', receivedAtMs })
    this.forward(message)
    return message
  }

  /** Publishes a message that exists already, such as one that another client has received. */
  forward(message: ApplicationMessage): void {
    this.#mustNotBeEnded()
    this.session.deliver(message, AS_PUBLISHED)
  }

  /**
   * Encodes what many QoS 0 messages have in common, for `publishLine`.
   *
   * @throws {UsageError} if it cannot be encoded
   */
  headOf(topicName: string, { retain = false, properties = noProperties }: PublishOptions = {}): PublishHead {
    return publishHeadOf(topicName, retain, properties, this.#options.protocolVersion)
  }

  /**
   * Publishes `payload[start..end)` at QoS 0, without creating a message. Hot: runs for every line of `sluice pub -l`.
   *
   * @returns false if there is no connection, or the packet exceeds the server's Maximum Packet Size
   */
  publishLine(head: PublishHead, payload: Uint8Array, start: number, end: number): boolean {
    const connection = this.#connection
    return connection?.isConnected === true && connection.sender.publishLine(head, payload, start, end)
  }

  /**
   * Subscribes. If the server loses the Session, the subscription is requested again automatically.
   *
   * @param answer is called with the SUBACK, which may contain refusals, or an error if none will come
   * @throws {UsageError} for an invalid Topic Filter
   * @throws {ClientError} `ERR_CLIENT_QUEUE_FULL` or `ERR_CLIENT_ENDED`
   */
  subscribe(
    subscriptions: readonly (Partial<SubscriptionRequest> & { readonly topicFilter: string })[],
    answer: Answer<SubackPacket> = () => undefined,
    properties: Properties = noProperties,
  ): void {
    this.#mustNotBeEnded()
    const defaults = { qos: 0, noLocal: false, retainAsPublished: false, retainHandling: 0 } as const
    this.requests.subscribe(
      subscriptions.map((subscription) => ({ ...defaults, ...subscription })),
      properties,
      answer,
    )
  }

  /** Unsubscribes. @throws as `subscribe` */
  unsubscribe(
    topicFilters: readonly string[],
    answer: Answer<UnsubackPacket> = () => undefined,
    properties: Properties = noProperties,
  ): void {
    this.#mustNotBeEnded()
    this.requests.unsubscribe(topicFilters, properties, answer)
  }

  /** Answers a message for which `received` returned `undefined`; answers leave in the order of the messages. */
  acknowledge(receipt: Receipt, reasonCode = 0): void {
    if (!(receipt instanceof ReceivedPublish)) return
    receipt.reasonCode = reasonCode
    if (this.#connection !== undefined) this.#connection.publishes.acknowledge(receipt, reasonCode)
    else if (receipt.qos === 2) this.session.decided(receipt)
  }

  /** Begins a re-authentication (§4.12.1). @throws {UsageError} without a connection with enhanced authentication */
  reauthenticate(): void {
    if (this.#connection?.isConnected !== true || this.#options.authentication === undefined) {
      throw new UsageError('A re-authentication requires a connection with an Authentication Method')
    }
    this.#connection.reauthenticate()
  }

  /** Sends a PINGREQ now; the connection ends if it is not answered in time. Does nothing without a connection. */
  ping(): void {
    if (this.#connection?.isConnected !== true) return
    this.#connection.ping()
    this.#arm()
  }

  /** Stops reading from the server, which is how a program that is slow holds it back. */
  pauseReading(): void {
    this.#connection?.pauseReading()
  }

  /** Ends what `pauseReading` began. */
  resumeReading(): void {
    this.#connection?.resumeReading()
  }

  /** Ends the connection because of that error, and connects again as after any other. */
  abandon(error: ClientError): void {
    this.#connection?.abandon(error)
  }

  /**
   * Ends the client: with DISCONNECT if it is connected. What waits is not sent; `pending` is 0 once nothing does.
   *
   * @throws {ClientError} if the properties cannot be encoded; the client goes on then
   */
  end(reasonCode = 0, properties: Properties = noProperties): void {
    if (this.#state === 'ended') return
    if (this.#connection !== undefined) this.#connection.disconnect(reasonCode, properties)
    else this.#ended(undefined)
  }

  #mustNotBeEnded(): void {
    if (this.#state === 'ended') throw new ClientError('ERR_CLIENT_ENDED', 'The client was ended')
  }
}
