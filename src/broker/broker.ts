/**
 * The Broker as a host program sees it: start, close, publish, subscribe, events, lists, and answers.
 *
 * Floor 4 does not know listeners and plugins (floor 5): `BrokerParts` hands them in, and `src/create-broker.ts` is where
 * they meet. Nothing here touches `process`, so that two Brokers live side by side and restart at will.
 *
 * @module
 */
import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../base/clock.ts'
import { SluiceError, UsageError } from '../base/errors.ts'
import { hasCode, messageOf } from '../base/thrown.ts'
import { within } from '../base/within.ts'
import { Work } from '../base/work.ts'
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import type { Message } from '../protocol/message.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import type { StoreFigures } from '../stores/store.ts'
import type { AccessExplanation } from '../access/access.ts'
import { realClock, stayAlive } from '../turn/clock.ts'
import type { ConfigSource } from '../config/config-problems.ts'
import type { Events } from '../reporting/events.ts'
import type { EventListener, EventName } from '../access/broker-events.ts'
import { hostMessage, type PublishOptions } from './host/host-message.ts'
import { topicQuestion, type HostQuestion } from './host/host-question.ts'
import { checkSettings } from './host/host-settings.ts'
import { closedMeanwhile, StartAttempt } from './host/start-attempt.ts'
import { lazyAdmin, type Admin } from './host/admin.ts'
import { closedConnectionPage, type ClosedConnectionsOptions } from './host/closed-connection-pages.ts'
import { heldMessagePage } from './host/held-messages.ts'
import type { Page, PageOptions } from './host/page.ts'
import type { SubscribeForOptions, SubscriptionInput, SubscriptionResult } from './host/client-subscriptions.ts'
import { sessionPage } from './host/session-pages.ts'
import type { MountOptions } from './host/host-streams.ts'
import type { HostSubscription, SubscribeOptions } from './host/host-subscriber.ts'
import type { Figure } from '../reporting/figure.ts'
import type { Figures } from '../reporting/figures.ts'
import type { Metrics } from '../reporting/metrics.ts'
import { resolveOptions, type ConfigInput, type Options } from '../config/options.ts'
import type { Server } from './server.ts'
import { clientViewOf, type ClientView } from './sessions/client-view.ts'
import type { ClosedConnectionView } from './sessions/closed-connections.ts'
import type { HeldMessageView } from './sessions/held-message-view.ts'
import { viewOf, type SessionView } from './sessions/session-view.ts'
import type { ListenerView, MountedWebSocket } from './host/open-listeners.ts'
import type { BrokerSettings, BrokerState, FloorParts } from './broker-settings.ts'
import { RunningParts } from './running-parts.ts'

/** How long `close` may take unless the caller says otherwise. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 2000

/** The same with `broker.admin`, which is made from the Broker itself. */
export interface BrokerParts extends FloorParts {
  /** Loads what `broker.admin` is. */
  loadAdmin(broker: Broker): Promise<Admin>
}

let runningOf: (broker: Broker) => Server

/** The Server behind a Broker, for the views of operators and for our own tests. */
export function serverOf(broker: Broker): Server {
  return runningOf(broker)
}

export class Broker implements AsyncDisposable {
  static {
    runningOf = (broker) => broker.#running()
  }

  readonly #settings: BrokerSettings
  readonly #clock: Clock
  readonly #events: Events
  readonly #parts: RunningParts
  readonly #loadAdmin: BrokerParts['loadAdmin']
  #state: BrokerState = 'new'
  /** While a start is under way: it sees at its end that the broker is closing, and closes what it opened. */
  #starting: StartAttempt | undefined
  #closing: Promise<void> | undefined
  #reloading: Promise<void> = Promise.resolve()
  #admin: Admin | undefined

  constructor(config: ConfigInput, settings: BrokerSettings, parts: BrokerParts) {
    checkSettings(settings as Readonly<Record<string, unknown>>)
    this.#settings = settings
    this.#clock = settings.clock ?? realClock
    this.#parts = new RunningParts(config, settings, parts, () => this.#running())
    this.#events = this.#parts.events
    this.#loadAdmin = (broker) => parts.loadAdmin(broker)
  }

  /** `new`, `starting`, `started`, `closing` or `closed`. */
  get state(): BrokerState {
    return this.#state
  }

  /** The configuration in force, with every default filled in. */
  get options(): Options {
    return this.#parts.current?.options ?? resolveOptions(this.#parts.config, this.#parts.source)
  }

  /** The open listeners with their actual ports. */
  get listeners(): readonly ListenerView[] {
    return this.#parts.listeners.all
  }

  /**
   * Returns every figure of the broker with its current value: counters, gauges and histograms, each with unit,
   * description, topics and name for Prometheus. Those of the store are missing if the broker has none.
   *
   * @throws {UsageError} if the broker is not running
   */
  figures(): Figure[] {
    return this.#runningFigures().all()
  }

  /**
   * Returns one figure by its name.
   *
   * @returns `undefined` for a figure of the store if the broker has none
   * @throws {UsageError} if no figure has that name, or the broker is not running
   */
  figure(name: string): Figure | undefined {
    return this.#runningFigures().get(name)
  }

  #runningFigures(): Figures {
    this.#running()
    return this.#parts.figures!
  }

  /**
   * Views and actions for operators. They return plain values; lists come in pages. The module is loaded by the first
   * call.
   */
  get admin(): Admin {
    return (this.#admin ??= lazyAdmin(() => this.#loadAdmin(this)))
  }

  /** The counters as live fields; each is also one of `figures()`. */
  get metrics(): Readonly<Metrics> {
    return this.#running().metrics
  }

  /** The memory charged for everything that the broker keeps for its clients, and its limit; 0 means no limit. */
  get memory(): { readonly bytes: number; readonly limit: number } {
    const { bytes, limit } = this.#running().memory.whole
    return { bytes, limit }
  }

  /** The figures of the store; `undefined` if nothing is stored. */
  get storeFigures(): StoreFigures | undefined {
    return this.#running().storeFigures
  }

  /** @throws {UsageError} */
  #running(): Server {
    if (this.#parts.server !== undefined) return this.#parts.server
    const wayOut = this.#state === 'starting' ? 'wait until start() has resolved' : 'call start() first'
    throw new UsageError(`the broker is ${this.#state}; ${wayOut}`)
  }

  /**
   * Checks the configuration, creates the plugins, restores what is stored, and opens the listeners.
   *
   * @throws {ConfigError} with all mistakes in the configuration
   * @throws {StoreError} if the store cannot be opened or read
   * @throws {UsageError} if the broker runs already, or is closed while it starts
   * @throws {SluiceError} `ERR_START` for anything without a code that code of the program threw. After an error, nothing
   *   is left open
   */
  async start(): Promise<void> {
    if (this.#state !== 'new' && this.#state !== 'closed') {
      throw new UsageError(`the broker is ${this.#state}; only a new or closed broker can be started`)
    }
    this.#state = 'starting'
    this.#closing = undefined
    const alive = stayAlive()
    const attempt = new StartAttempt()
    this.#starting = attempt
    const started = this.#startOrStop(attempt)
    attempt.over = started.catch(() => {}) // the caller of start() gets the error
    try {
      await started
    } finally {
      this.#starting = undefined
      alive.cancel()
    }
    this.#events.tell('started', { listeners: this.listeners })
    this.#settings.signal?.addEventListener('abort', this.#abort, { once: true })
    if (this.#settings.signal?.aborted === true) await this.close()
  }

  async #startOrStop(attempt: StartAttempt): Promise<void> {
    try {
      await this.#parts.start(attempt, () => this.#mustStillStart())
      this.#mustStillStart()
      this.#state = 'started'
    } catch (error) {
      await this.#parts.stop(DEFAULT_CLOSE_TIMEOUT_MS)
      if (this.#state === 'starting') this.#state = 'closed'
      // Code of the program can throw anything.
      if (hasCode(error)) throw error
      throw new SluiceError('ERR_START', `the broker cannot start: ${messageOf(error)}`, { cause: error })
    }
  }

  /** A large store takes its time to load, which a `close` does not wait for. */
  #mustStillStart(): void {
    if (this.#state !== 'starting') throw closedMeanwhile()
  }

  /** What could not be stored is in the log, and nobody awaits this. */
  readonly #abort = (): void => void this.close().catch(() => {})

  /**
   * Closes everything: listeners, connections (5.0 clients receive 0x8B), timers, plugins and files. It may be called
   * at any time, also twice, and the broker can be started again afterwards.
   *
   * @param options.timeoutMs milliseconds for clients and plugins. After three quarters of it, clients that have not
   *   read their last bytes are disconnected; at its end, plugins that have not closed are abandoned. Default 2000. The
   *   store has `persistence.close-timeout` in addition
   * @throws {StoreError} `ERR_STORE_UNSTORED` if the store could not write everything in its time, `ERR_STORE_CLOSE` if
   *   it has not closed. Everything else is closed then, and the state is `closed`
   */
  close({ timeoutMs = DEFAULT_CLOSE_TIMEOUT_MS }: { timeoutMs?: number } = {}): Promise<void> {
    if (this.#state === 'new' || this.#state === 'closed') return Promise.resolve()
    return (this.#closing ??= this.#close(timeoutMs))
  }

  async #close(timeoutMs: number): Promise<void> {
    this.#state = 'closing'
    this.#parts.attempt('the signal', () => this.#settings.signal?.removeEventListener('abort', this.#abort))
    this.#events.tell('closing', { connections: this.#parts.server?.connections.size ?? 0 })
    const alive = stayAlive()
    if (this.#starting !== undefined) await this.#endStart(this.#starting, timeoutMs)
    const { unstoredChanges, error } = await this.#parts.stop(timeoutMs).finally(() => alive.cancel())
    this.#state = 'closed'
    this.#events.tell('closed', { unstoredChanges })
    if (error !== undefined) throw error
  }

  /** A start ends by itself, unless it waits for code of the program that never comes to its end. */
  async #endStart(attempt: StartAttempt, timeoutMs: number): Promise<void> {
    if (!(await within(attempt.over, timeoutMs, this.#clock))) attempt.giveUp()
    await attempt.over
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  // ---- messages ----

  /**
   * Publishes a message as the host program. No permission is checked.
   *
   * @param payload bytes, or text, which is sent as UTF-8
   * @returns a promise that resolves once the message is stored, as far as the configured durability requires
   * @throws {UsageError} if the topic name, payload, an option or a property is invalid, or the broker is not running
   */
  async publish(topicName: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const server = this.#running()
    server.publishFromHost(hostMessage(topicName, payload, options, server.now()))
    await new Promise<void>((resolve) => server.turn.whenCommitted(resolve))
  }

  /**
   * Subscribes as the host program. Iterate over the result, or pass a listener. The subscription ends with `break`,
   * `subscription.close()`, `options.signal`, or the broker.
   *
   * @throws {UsageError} if the topic filter is invalid, or the broker is not running
   */
  subscribe(topicFilter: string, options?: SubscribeOptions): HostSubscription
  subscribe(topicFilter: string, listener: (message: Message) => void, options?: SubscribeOptions): HostSubscription
  subscribe(
    topicFilter: string,
    listenerOrOptions?: SubscribeOptions | ((message: Message) => void),
    maybeOptions: SubscribeOptions = {},
  ): HostSubscription {
    return this.#parts.subscriptions.subscribe(this.#running(), topicFilter, listenerOrOptions, maybeOptions)
  }

  // ---- events ----

  /**
   * Calls `listener` with every event of that name, until `off`. Listeners remain when the broker is restarted. As with
   * Node's EventEmitter, a function that was added twice is called twice.
   *
   * @throws {UsageError} if no event has that name, or the listener is not a function
   */
  on<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.on(name, listener)
    return this
  }

  /** Calls `listener` with the next event of that name only. */
  once<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.once(name, listener)
    return this
  }

  /** Removes a listener that `on` or `once` added; a function that does not listen is ignored. */
  off<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    this.#events.off(name, listener)
    return this
  }

  /** The same as `on`. */
  addListener<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    return this.on(name, listener)
  }

  /** The same as `off`. */
  removeListener<Name extends EventName>(name: Name, listener: EventListener<Name>): this {
    return this.off(name, listener)
  }

  // ---- Clients ----

  /**
   * Returns the sessions whose clients are connected, a page at a time.
   *
   * @param options.limit maximum number of sessions in the page, 1 to 1000; default 100
   * @param options.cursor the `cursor` of the previous page; omitted for the first page
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async clients(options: PageOptions = {}): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, ({ connection }) => connection !== undefined)
  }

  /**
   * Returns a connected client with the state of its connection and its session.
   *
   * @returns `undefined` if no client with that client identifier is connected
   * @throws {UsageError} if the broker is not running
   */
  async client(clientId: string): Promise<ClientView | undefined> {
    const registration = this.#running().sessions.get(clientId)
    return registration === undefined ? undefined : clientViewOf(registration, this.#clock)
  }

  /**
   * Returns all sessions, connected or not, a page at a time and in no particular order. Sessions that start or end
   * between two pages may be missing; a session that exists all the time is listed exactly once. To process all
   * sessions, use `eachSession`.
   *
   * @param options.limit maximum number of sessions in the page, 1 to 1000; default 100
   * @param options.cursor the `cursor` of the previous page; omitted for the first page
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async sessions(options: PageOptions = {}): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, () => true)
  }

  /**
   * Returns one session, connected or not.
   *
   * @returns `undefined` if there is no session with that client identifier
   * @throws {UsageError} if the broker is not running
   */
  async session(clientId: string): Promise<SessionView | undefined> {
    const registration = this.#running().sessions.get(clientId)
    return registration === undefined ? undefined : viewOf(registration)
  }

  /**
   * Returns the messages of QoS 1 and 2 that a session holds for its client, and what each is waiting for, a page at a
   * time: first those in flight, then the queue in its order. Payloads are not included.
   *
   * @param options.limit maximum number of messages in the page, 1 to 1000; default 100
   * @param options.cursor the `cursor` of the previous page; omitted for the first page
   * @returns `undefined` if there is no session with that client identifier
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async heldMessages(clientId: string, options: PageOptions = {}): Promise<Page<HeldMessageView> | undefined> {
    const { sessions, turn } = this.#running()
    const registration = sessions.get(clientId)
    return registration && heldMessagePage(registration, turn, this.#clock, options)
  }

  /**
   * Returns the connections that have ended most recently, and why, a page at a time, the newest first. The broker keeps
   * `max-closed-connections` of them. Connections that were refused before their login are not included.
   *
   * @param options.limit maximum number of connections in the page, 1 to 1000; default 100
   * @param options.cursor the `cursor` of the previous page; omitted for the first page
   * @param options.clientId only connections with that client identifier; default: all
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async closedConnections(options: ClosedConnectionsOptions = {}): Promise<Page<ClosedConnectionView>> {
    const { closedConnections, turn } = this.#running()
    return closedConnectionPage(closedConnections, turn, options)
  }

  /**
   * Iterates over all sessions, connected or not. Clients are served meanwhile, so sessions that start or end during
   * the iteration may be missing; a session that exists all the time is returned exactly once.
   *
   * @throws {UsageError} if the broker is not running
   */
  async *eachSession(): AsyncGenerator<SessionView, void, undefined> {
    const { sessions, turn } = this.#running()
    for (const registration of sessions.all()) {
      if (turn.work.isSpent) await turn.share(this)
      if (sessions.get(registration.session.clientId) !== registration) continue
      turn.work.spend(Work.entry * (1 + registration.session.subscriptions.size))
      yield viewOf(registration)
    }
  }

  /**
   * Ends a client's connection. Its session is kept, unless `endSession` is set.
   *
   * @param options.reasonCode the Reason Code that a 5.0 client receives; default 0x98, Administrative action
   * @param options.endSession whether to end the session too; default false. This does not wait until its end is
   *   stored, as `endSession()` does
   * @returns whether there was a connection, or a session to end
   * @throws {UsageError} if the code is not allowed in a DISCONNECT of a server, or the broker is not running
   */
  async disconnect(
    clientId: string,
    options: { reasonCode?: ReasonCode; endSession?: boolean } = {},
  ): Promise<boolean> {
    return this.#disconnect(clientId, options)
  }

  #disconnect(clientId: string, options: { reasonCode?: ReasonCode; endSession?: boolean }): boolean {
    const { reasonCode = ReasonCode.AdministrativeAction, endSession = false } = options
    if (!isReasonCodeAllowed(PacketType.DISCONNECT, reasonCode, 'server')) {
      // [5.0 MQTT-3.14.2-1]
      throw new UsageError(`a Server's DISCONNECT does not have the Reason Code 0x${Number(reasonCode).toString(16)}`)
    }
    const { sessions } = this.#running()
    const { connection } = sessions.get(clientId) ?? {}
    connection?.disconnect(reasonCode, 'disconnected by server', 'disconnected by an administrator')
    const left = sessions.get(clientId)
    if (endSession && left !== undefined) sessions.end(left, 'administrator')
    return connection !== undefined || (endSession && left !== undefined)
  }

  /**
   * Ends a session and its connection, if it has one, and discards its subscriptions and waiting messages. A device
   * whose user name has changed needs this: it is refused with 0x85 until its old session has ended.
   *
   * @param options.reasonCode the Reason Code that a connected 5.0 client receives; default 0x98, Administrative action
   * @returns whether there was a session, once its end is stored as far as the configured durability requires
   * @throws {UsageError} if the code is not allowed in a DISCONNECT of a server, or the broker is not running
   */
  async endSession(clientId: string, options: { reasonCode?: ReasonCode } = {}): Promise<boolean> {
    const { turn } = this.#running()
    const ended = this.#disconnect(clientId, { ...options, endSession: true })
    await new Promise<void>((resolve) => turn.whenCommitted(resolve))
    return ended
  }

  /**
   * Subscribes on behalf of a client, connected or not, as if it had sent a SUBSCRIBE. The limits of its listener apply,
   * and plugins are asked for permission. Retained messages follow as Retain Handling says; a client that is not
   * connected receives them when it returns, except those at QoS 0. The subscriptions belong to the client from then on.
   *
   * @param options.subscriptionIdentifier for all of them; default: none
   * @returns what became of each subscription, once it is stored as the configuration's durability requires;
   *   `undefined` if there is no session with that client identifier
   * @throws {UsageError} if a subscription is invalid, or the broker is not running or closes meanwhile
   */
  async subscribeFor(
    clientId: string,
    subscriptions: readonly SubscriptionInput[],
    options: SubscribeForOptions = {},
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const { sessions, clientSubscriptions } = this.#running()
    const registration = sessions.get(clientId)
    return registration && clientSubscriptions.subscribeFor(registration, subscriptions, options)
  }

  /**
   * Unsubscribes on behalf of a client, connected or not, as if it had sent an UNSUBSCRIBE. Messages that are already
   * waiting for it are still delivered.
   *
   * @returns 0x00 for each filter, or 0x11 if there was no such subscription, once that is stored; `undefined` if there
   *   is no session with that client identifier
   * @throws {UsageError} if a topic filter is invalid, or the broker is not running or closes meanwhile
   */
  async unsubscribeFor(
    clientId: string,
    topicFilters: readonly string[],
  ): Promise<readonly SubscriptionResult[] | undefined> {
    const { sessions, clientSubscriptions } = this.#running()
    const registration = sessions.get(clientId)
    return registration && clientSubscriptions.unsubscribeFor(registration, topicFilters)
  }

  /**
   * Resolves at the end of a coming turn that has served everything waiting for one. It does not resolve while the
   * event loop or the line of work is stuck, so watchdogs and health checks can use it.
   *
   * @throws {UsageError} if the broker is not running
   */
  async pulse(): Promise<void> {
    const { turn } = this.#running()
    await turn.share(this)
    await new Promise<void>((resolve) => turn.afterFlush(resolve))
  }

  /**
   * Accepts any duplex stream of bytes as a connection, under the limits of the top level of the configuration.
   *
   * @param peer address, port and whether the stream is encrypted; overrides what is read from a socket
   * @returns whether it was accepted; a refused stream is destroyed
   * @throws {UsageError} if it is not an open stream of bytes, or the broker is not running
   */
  attach(stream: Duplex, peer: Partial<Peer> = {}): boolean {
    this.#running()
    return this.#parts.hostStreams.attach(stream, peer, this.options)
  }

  /**
   * The same as `attach` for a byte stream that is not a Node stream: a test, a simulation, another runtime's socket.
   *
   * @returns the object that the owner of the stream has to call; `undefined` if the connection is refused and has to
   *   be closed
   */
  accept(transport: Transport, peer: Peer): Incoming | undefined {
    this.#running()
    return this.#parts.hostStreams.accept(transport, peer, this.options)
  }

  /**
   * Serves MQTT over WebSocket at one path of the host program's own HTTP or HTTPS server; the program still handles
   * all other requests. This ends with the broker, or with the `close` of the result, which leaves connections open.
   * The limits of the top level of the configuration apply.
   */
  mount(server: HttpServer, options: MountOptions = {}): MountedWebSocket {
    this.#running()
    return this.#parts.hostStreams.mount(server, options, this.options)
  }

  /**
   * Applies a new configuration while the broker runs: listeners, limits, users, rules, certificates. Connections that
   * it still allows stay open. An error changes nothing. Several calls are processed in their order.
   *
   * @param config default: the present configuration once more, so that its files are read again
   * @throws {ConfigError} with all mistakes in the configuration
   * @throws {UsageError} if the broker is not running, or closes meanwhile
   */
  reload(config?: ConfigInput, source: ConfigSource | undefined = this.#parts.source): Promise<void> {
    const isStarted = (): boolean => this.#state === 'started'
    const done = this.#reloading.then(() => this.#parts.reload(config ?? this.#parts.config, source, isStarted))
    // Whoever called is told; those that wait behind it only wait.
    this.#reloading = done.catch(() => {})
    return done
  }

  /**
   * Returns how a question about a topic would be decided, and which rule of which plugin decides it, without a
   * connection.
   *
   * @param question.clientId with `userName`, `address` and `listener`, the client that plugins are asked about
   * @throws {UsageError} for an unknown key or action, or an invalid topic name or topic filter
   */
  async explain(question: HostQuestion): Promise<AccessExplanation> {
    this.#running()
    return this.#parts.current!.access.explain(topicQuestion(question))
  }
}
