/**
 * The Broker as a host program sees it: start, close, publish, subscribe, events, lists, and answers.
 *
 * Floor 4 does not know listeners and plugins (floor 5): `BrokerParts` hands them in, and `src/create-broker.ts` is where
 * they meet. Nothing here touches `process`, so that two Brokers live side by side and restart at will.
 *
 * @module
 */
import { createAccess } from '../config/access-plugins.ts'
import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import { isDeepStrictEqual } from 'node:util'
import type { Clock } from '../base/clock.ts'
import type { Disk } from '../base/disk.ts'
import { type StoreError, UsageError } from '../base/errors.ts'
import { logRefusal, silentLogger, type Logger } from '../base/log.ts'
import { Work } from '../base/work.ts'
import { safeLog } from '../base/safe-log.ts'
import { PacketType } from '../codec/packet-types.ts'
import { isReasonCodeAllowed, ReasonCode } from '../codec/reason-code.ts'
import type { Message } from '../protocol/message.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import type { Store, StoreCondition, StoreFigures, StoreHealth } from '../stores/store.ts'
import { describeHealth, reasonOf } from '../stores/store-health.ts'
import { topicFilterProblem } from '../topics/topic-filter.ts'
import { Access, type AccessExplanation } from '../access/access.ts'
import { realClock, stayAlive } from './turn/clock.ts'
import type { ConfigSource } from '../config/config-problems.ts'
import type { ListenerState } from './sessions/listener-state.ts'
import type { Current } from '../config/current.ts'
import { callGuarded, Events } from './reporting/events.ts'
import type { EventListener, EventName } from '../access/broker-events.ts'
import { hostMessage, type PublishOptions } from './host/host-message.ts'
import { topicQuestion, type HostQuestion } from './host/host-question.ts'
import { lazyAdmin, type Admin } from './host/admin.ts'
import { closedConnectionPage, type ClosedConnectionsOptions } from './host/closed-connection-pages.ts'
import { heldMessagePage } from './host/held-messages.ts'
import type { Page, PageOptions } from './host/page.ts'
import type { SubscribeForOptions, SubscriptionInput, SubscriptionResult } from './host/host-subscriptions.ts'
import { sessionPage } from './host/session-pages.ts'
import { HostStreams, type MountOptions, type StreamPumps } from './host/host-streams.ts'
import { HostSubscriber, type HostSide, type HostSubscription, type SubscribeOptions } from './host/host-subscriber.ts'
import type { Figure } from './reporting/figure.ts'
import { Figures } from './reporting/figures.ts'
import type { Metrics } from './reporting/metrics.ts'
import { resolveOptions, type ConfigInput, type Options } from '../config/options.ts'
import type { PluginFactory } from '../access/plugin.ts'
import { nominalMemory, processMemory, type ProcessMemory } from './limits/process-memory.ts'
import { RestoreProgress } from './durable/restore-progress.ts'
import { Server } from './server.ts'
import { clientViewOf, type ClientView } from './sessions/client-view.ts'
import type { ClosedConnectionView } from './sessions/closed-connections.ts'
import type { HeldMessageView } from './sessions/held-message-view.ts'
import { viewOf, type SessionView } from './sessions/session-view.ts'
import {
  OpenListeners,
  type Entrance,
  type ListenerView,
  type MountedWebSocket,
  type OpenOne,
} from './host/open-listeners.ts'
import type { HandshakeRefusal, ListenerTrouble } from '../access/listener-events.ts'
import { FileRoom, noOpenFiles, openFiles, type OpenFiles } from './limits/open-files.ts'
import { logDamage, openStoreFor } from './durable/open-store.ts'
import { StoreEnd } from './durable/store-end.ts'
import { SysTopics } from './sys-topics.ts'
import { version } from './version.ts'

/** How long `close` may take unless the caller says otherwise. */
export const DEFAULT_CLOSE_TIMEOUT_MS = 2000

/** How much of it Clients may take: one that does not go must not leave plugins without time to close. */
const CONNECTIONS_SHARE = 0.75

/** What the log says about a Store that is not well. */
const REFUSED_WHILE: Readonly<Record<Exclude<StoreCondition, 'well'>, string>> = {
  full: 'it takes no new messages, sessions or subscriptions until it has room',
  failing: 'QoS 1 and 2 are refused until it can',
}

/** What the floors above put in. */
export interface BrokerParts extends StreamPumps {
  readonly openListener: OpenOne
  readonly plugins: ReadonlyMap<string, PluginFactory>
  /** Loads what `broker.admin` is. */
  loadAdmin(broker: Broker): Promise<Admin>
}

/** What a broker can be given in addition to its configuration. Every setting is optional. */
export interface BrokerSettings {
  /** An object with pino's methods. Default: nothing is logged. */
  readonly logger?: Logger
  /** Aborting it closes the broker. */
  readonly signal?: AbortSignal
  /** The source of time and randomness. Default: the real one. */
  readonly clock?: Clock
  /** The memory that is available. Default: that of the process, or 1 GiB if `clock` is not the real one. */
  readonly processMemory?: ProcessMemory
  /** How many files the process may open. Default: the system's limit, or no limit if `clock` is not the real one. */
  readonly openFiles?: OpenFiles
  /** Where a broker with `persistence` keeps its data. Default: the folder named by `persistence.path`. */
  readonly disk?: Disk
  /**
   * Stores the data of a broker with `persistence`, instead of files. `storeCases` of `sluice/testing` tests such a
   * store.
   */
  readonly store?: Store
  /**
   * Whether to start from a damaged store with everything that is readable. Each damaged part is logged as a warning,
   * and damaged files are set aside. Default false: damage is an error.
   */
  readonly repair?: boolean
  /** Where the configuration was read from, so that errors can name line and column. */
  readonly source?: ConfigSource
}

interface Stopped {
  readonly unstoredChanges: number
  readonly error: StoreError | undefined
}

/** The state of a broker. A closed broker can be started again. */
export type BrokerState = 'new' | 'starting' | 'started' | 'closing' | 'closed'

let runningOf: (broker: Broker) => Server

/** The Server behind a Broker, for the views of operators and for our own tests. */
export function serverOf(broker: Broker): Server {
  return runningOf(broker)
}

export class Broker implements AsyncDisposable {
  static {
    runningOf = (broker) => broker.#running()
  }

  #config: ConfigInput
  #source: ConfigSource | undefined
  readonly #settings: BrokerSettings
  readonly #parts: BrokerParts
  readonly #clock: Clock
  readonly #log: Logger
  readonly #events: Events
  readonly #hostSubscriptions = new Set<HostSubscriber>()
  #state: BrokerState = 'new'
  #current: Current | undefined
  #server: Server | undefined
  readonly #listeners: OpenListeners
  readonly #hostStreams: HostStreams
  #store: Store | undefined
  #figures: Figures | undefined
  #sysTopics: SysTopics | undefined
  #fileRoom: FileRoom | undefined
  /** While a start is under way: it sees at its end that the broker is closing, and closes what it opened. */
  #starting: Promise<void> | undefined
  #closing: Promise<void> | undefined
  #reloading: Promise<void> = Promise.resolve()
  #admin: Admin | undefined

  constructor(config: ConfigInput, settings: BrokerSettings, parts: BrokerParts) {
    this.#config = config
    this.#settings = settings
    this.#parts = parts
    this.#clock = settings.clock ?? realClock
    this.#log = safeLog(settings.logger ?? silentLogger, this.#clock)
    this.#source = settings.source
    this.#events = new Events(this.#log)
    const entrance: Entrance = {
      arrive: (...what) => this.#running().connections.arrive(...what),
      accept: (...what) => this.#running().connections.accept(...what),
      turnedAway: (refusal) => this.#turnedAway(refusal),
      cannotListen: (trouble) => this.#cannotListen(trouble),
      listens: (up) => this.#events.tell('listenerOpened', up),
      certificatesChanged: () => this.#current?.access.revoked(),
      hasFile: (...who) => this.#hasFile(...who),
      lostToFiles: (...who) => this.#lostToFiles(...who),
    }
    const log = this.#listenerLog()
    this.#listeners = new OpenListeners(parts.openListener, entrance, this.#clock, log)
    this.#hostStreams = new HostStreams(parts, entrance, this.#clock, log)
  }

  /** Who is refused before MQTT is logged by listeners, unless the configuration says that nobody is. */
  #listenerLog(): Logger {
    if (this.#log === silentLogger) return this.#log
    return {
      ...this.#log,
      refusal: (...what) => {
        if (this.#current?.options.log.refusals !== false) logRefusal(this.#log, ...what)
      },
    }
  }

  /** Some may come while the broker starts or closes. */
  #turnedAway(refusal: HandshakeRefusal): void {
    if (this.#server !== undefined) this.#server.metrics.handshakesRefused++
    this.#events.tell('handshakeRefused', refusal)
  }

  #cannotListen(trouble: ListenerTrouble): void {
    if (this.#server !== undefined) this.#server.metrics.failedOpens++
    this.#events.tell('listenerFailed', trouble)
  }

  #hasFile(address: string, state: ListenerState): boolean {
    const { lobby } = this.#running().connections
    if (this.#fileRoom === undefined || lobby.streams < this.#fileRoom.streams) return true
    this.#lostToFiles(address, state)
    return false
  }

  #lostToFiles(address: string, { options: { name: listener } }: ListenerState): void {
    this.#running().metrics.connectionsLostToFiles++
    this.#fileRoom?.lost()
    const detail = 'the process may open no more files (ulimit -n, LimitNOFILE=)'
    const refused = { clientId: '', userName: undefined, address, listener, reasonCode: ReasonCode.ServerBusy, detail }
    this.#events.tell('clientRefused', refused)
  }

  /** `new`, `starting`, `started`, `closing` or `closed`. */
  get state(): BrokerState {
    return this.#state
  }

  /** The configuration in force, with every default filled in. */
  get options(): Options {
    return this.#current?.options ?? resolveOptions(this.#config, this.#source)
  }

  /** The open listeners with their actual ports. */
  get listeners(): readonly ListenerView[] {
    return this.#listeners.all
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
    return this.#figures!
  }

  /**
   * Views and actions for operators. They return plain values; lists come in pages. The module is loaded by the first
   * call.
   */
  get admin(): Admin {
    return (this.#admin ??= lazyAdmin(() => this.#parts.loadAdmin(this)))
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
    if (this.#server !== undefined) return this.#server
    const wayOut = this.#state === 'starting' ? 'wait until start() has resolved' : 'call start() first'
    throw new UsageError(`the broker is ${this.#state}; ${wayOut}`)
  }

  /**
   * Checks the configuration, creates the plugins, restores what is stored, and opens the listeners.
   *
   * @throws {ConfigError} with all mistakes in the configuration; nothing is left open then
   */
  async start(): Promise<void> {
    if (this.#state !== 'new' && this.#state !== 'closed') {
      throw new UsageError(`the broker is ${this.#state}; only a new or closed one starts`)
    }
    this.#state = 'starting'
    this.#closing = undefined
    const alive = stayAlive()
    const started = this.#startOrStop()
    this.#starting = started.catch(() => {}) // whoever called is told
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

  async #startOrStop(): Promise<void> {
    try {
      await this.#startParts()
      this.#mustStillStart()
      this.#state = 'started'
    } catch (error) {
      await this.#stopParts(DEFAULT_CLOSE_TIMEOUT_MS)
      if (this.#state === 'starting') this.#state = 'closed'
      throw error
    }
  }

  /** A large store takes its time to load, which a `close` does not wait for. */
  #mustStillStart(): void {
    if (this.#state !== 'starting') throw new UsageError('the broker was closed while it started')
  }

  async #startParts(): Promise<void> {
    const options = resolveOptions(this.#config, this.#source)
    const current = { options, access: await this.#makeAccess(options, this.#source) }
    this.#current = current
    const { disk, store: own, repair = false } = this.#settings
    const store = await openStoreFor(options, { clock: this.#clock, log: this.#log, disk, own, repair })
    this.#store = store
    const storeChanged = (health: StoreHealth): void => this.#storeHealth(health)
    const server = new Server({
      current,
      store,
      clock: this.#clock,
      log: this.#log,
      events: this.#events,
      storeChanged,
      processMemory: this.#settings.processMemory ?? (this.#clock === realClock ? processMemory : nominalMemory),
    })
    const progress = new RestoreProgress(this.#clock, this.#log)
    await server.restore((done) => {
      this.#mustStillStart()
      progress.update(done)
    })
    this.#figures = new Figures(server, this.#clock)
    this.#server = server // only now: nobody may act on a store that is loading
    logDamage(store, this.#log)
    await this.#listeners.open(options.listeners)
    const files = this.#settings.openFiles ?? (this.#clock === realClock ? openFiles : noOpenFiles)
    this.#fileRoom = new FileRoom(files, this.#clock, this.#log)
    if (options.listeners.length > 0) this.#fileRoom.warn(options.maxConnections)
    this.#sysTopics = new SysTopics(server, this.#figures, this.#clock)
    this.#startSysTopics(options)
  }

  #startSysTopics({ sysInterval }: Options): void {
    this.#sysTopics?.start(sysInterval, `sluice ${version}`)
  }

  #storeHealth(health: StoreHealth): void {
    const { condition, cause } = health
    if (condition === 'well') this.#log.info(`${describeHealth(health)} again`)
    else this.#log.error(`${describeHealth(health)}; ${REFUSED_WHILE[condition]}`)
    const reason = condition === 'well' ? '' : reasonOf(cause)
    this.#events.tell('storeHealth', { healthy: condition === 'well', condition, reason })
  }

  #makeAccess(options: Options, source: ConfigSource | undefined): Promise<Access> {
    const { baseFolder } = options
    const shared = { log: this.#log, clock: this.#clock, events: this.#events, source }
    return createAccess(options, { registry: this.#parts.plugins, baseFolder, ...shared })
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
    this.#settings.signal?.removeEventListener('abort', this.#abort)
    this.#events.tell('closing', { connections: this.#server?.connections.size ?? 0 })
    const alive = stayAlive()
    if (this.#starting !== undefined) await this.#starting
    const { unstoredChanges, error } = await this.#stopParts(timeoutMs).finally(() => alive.cancel())
    this.#state = 'closed'
    this.#events.tell('closed', { unstoredChanges })
    if (error !== undefined) throw error
  }

  async #stopParts(timeoutMs: number): Promise<Stopped> {
    const beganAtMs = this.#clock.now()
    this.#sysTopics?.stop()
    this.#sysTopics = undefined
    this.#hostStreams.close()
    const closed = this.#listeners.close()
    const storeEnd = new StoreEnd(this.#current?.options.persistence?.closeTimeout ?? 0, this.#clock)
    const unstored = await this.#server?.shutDown(timeoutMs * CONNECTIONS_SHARE, storeEnd.writingMs)
    await closed
    for (const subscription of [...this.#hostSubscriptions]) subscription.close()
    // A slow disk takes nothing of the time that plugins have.
    const usedMs = Math.min(this.#clock.now() - beganAtMs, timeoutMs * CONNECTIONS_SHARE)
    await this.#current?.access.close(timeoutMs - usedMs)
    const error = this.#store === undefined ? undefined : await storeEnd.close(this.#store, unstored)
    if (error !== undefined) this.#log.error({ err: error }, error.message)
    this.#store = undefined
    this.#server = undefined
    this.#figures = undefined
    this.#fileRoom = undefined
    this.#current = undefined
    return { unstoredChanges: unstored?.changes ?? 0, error }
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
    const server = this.#running()
    const problem = topicFilterProblem(topicFilter)
    if (problem !== undefined) throw new UsageError(`cannot subscribe to ${JSON.stringify(topicFilter)}: ${problem}`)
    if (topicFilter.startsWith('$share/')) {
      throw new UsageError('the host program has no Shared Subscriptions: there is only one of it')
    }
    const listener = typeof listenerOrOptions === 'function' ? this.#guard(listenerOrOptions) : undefined
    const options = typeof listenerOrOptions === 'function' ? maybeOptions : (listenerOrOptions ?? {})
    const subscription = new HostSubscriber(this.#hostSide(server), topicFilter, options, listener)
    this.#hostSubscriptions.add(subscription)
    return subscription
  }

  /** A listener that throws, or rejects, is logged; the broker and other receivers go on. */
  #guard(listener: (message: Message) => void): (message: Message) => void {
    return (message) => {
      callGuarded(listener, message, (error) =>
        this.#log.error(
          { topicName: message.topicName, err: error },
          'a subscription listener of the host program threw',
        ),
      )
    }
  }

  #hostSide(server: Server): HostSide {
    return {
      payer: server.memory.of({ userName: undefined, address: '' }),
      subscribe: (subscription) => {
        server.router.add(subscription)
        if (subscription.retainHandling === 2) return
        const host = subscription.subscriber as HostSubscriber
        const owed = { subscription, upToNumber: server.retainedMessages.lastNumber }
        server.replays.owe(host, () => host.replayReceiver, [owed])
      },
      hasRoom: (host) => server.replays.hasRoom(host),
      unsubscribe: (subscription) => {
        server.router.remove(subscription)
        server.replays.end(subscription.subscriber)
        this.#hostSubscriptions.delete(subscription.subscriber as HostSubscriber)
      },
      dropped: (message, cause) => {
        server.metrics.dropped[cause]++
        this.#events.tell('dropped', { clientId: '', message, cause })
      },
      now: () => server.now(),
    }
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
    const { sessions, hostSubscriptions } = this.#running()
    const registration = sessions.get(clientId)
    return registration && hostSubscriptions.subscribeFor(registration, subscriptions, options)
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
    const { sessions, hostSubscriptions } = this.#running()
    const registration = sessions.get(clientId)
    return registration && hostSubscriptions.unsubscribeFor(registration, topicFilters)
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
    return this.#hostStreams.attach(stream, peer, this.options)
  }

  /**
   * The same as `attach` for a byte stream that is not a Node stream: a test, a simulation, another runtime's socket.
   *
   * @returns the object that the owner of the stream has to call; `undefined` if the connection is refused and has to
   *   be closed
   */
  accept(transport: Transport, peer: Peer): Incoming | undefined {
    this.#running()
    return this.#hostStreams.accept(transport, peer, this.options)
  }

  /**
   * Serves MQTT over WebSocket at one path of the host program's own HTTP or HTTPS server; the program still handles
   * all other requests. This ends with the broker, or with the `close` of the result, which leaves connections open.
   * The limits of the top level of the configuration apply.
   */
  mount(server: HttpServer, options: MountOptions = {}): MountedWebSocket {
    this.#running()
    return this.#hostStreams.mount(server, options, this.options)
  }

  /**
   * Applies a new configuration while the broker runs: listeners, limits, users, rules, certificates. Connections that
   * it still allows stay open. An error changes nothing. Several calls are processed in their order.
   *
   * @param config default: the present configuration once more, so that its files are read again
   * @throws {ConfigError} with all mistakes in the configuration
   * @throws {UsageError} if the broker is not running, or closes meanwhile
   */
  reload(config?: ConfigInput, source: ConfigSource | undefined = this.#source): Promise<void> {
    const done = this.#reloading.then(() => this.#reload(config ?? this.#config, source))
    // Whoever called is told; those that wait behind it only wait.
    this.#reloading = done.catch(() => {})
    return done
  }

  async #reload(config: ConfigInput, source: ConfigSource | undefined): Promise<void> {
    const server = this.#running()
    const current = this.#current!
    const options = resolveOptions(config, source)
    const access = await this.#makeAccess(options, source)
    let removed: readonly string[]
    try {
      removed = await this.#listeners.change(options.listeners)
      if (this.#server !== server || this.#state !== 'started') {
        await this.#listeners.close()
        throw new UsageError('the broker was closed while it was reloaded')
      }
    } catch (error) {
      await access.close()
      throw error
    }
    if (!isDeepStrictEqual(options.persistence, current.options.persistence)) {
      this.#log.warn('`persistence` has changed; the change takes effect at the next start')
    }
    const before = current.access
    this.#config = config
    this.#source = source
    current.options = options
    current.access = access
    this.#hostStreams.reload(options)
    server.reconfigure(removed)
    this.#startSysTopics(options)
    await before.close()
    this.#events.tell('reloaded', { listeners: this.listeners })
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
    return this.#current!.access.explain(topicQuestion(question))
  }
}
