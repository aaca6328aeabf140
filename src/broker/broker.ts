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
import { heldMessagePage } from './host/held-messages.ts'
import type { Page, PageOptions } from './host/page.ts'
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
}

/** What a broker can be given besides its configuration; everything is optional. */
export interface BrokerSettings {
  /** Anything with pino's methods; default: nothing is logged. */
  readonly logger?: Logger
  /** Closes the broker when it aborts. */
  readonly signal?: AbortSignal
  /** Time and chance; default: the real ones. */
  readonly clock?: Clock
  /** What memory there is; default: the process's, or 1 GiB where the clock is not the real one. */
  readonly processMemory?: ProcessMemory
  /** How many files the process may open; default: what the system says, or no limit where the clock is not the real one. */
  readonly openFiles?: OpenFiles
  /** Where a broker with `persistence` keeps its data; default: the folder that `persistence.path` names. */
  readonly disk?: Disk
  /** Keeps what a broker with `persistence` keeps, instead of files; see `sluice/testing` for what it must do. */
  readonly store?: Store
  /**
   * Starts from a damaged store with what is readable of it: each damage is a warning in the log, and the damaged files are
   * set aside. Default false: damage is an error.
   */
  readonly repair?: boolean
  /** Where the configuration was read from, for messages with line and column. */
  readonly source?: ConfigSource
}

interface Stopped {
  readonly unstoredChanges: number
  readonly error: StoreError | undefined
}

/** A closed broker may be started again. */
export type BrokerState = 'new' | 'starting' | 'started' | 'closing' | 'closed'

let runningOf: (broker: Broker) => Server

/** What runs behind a Broker, for our own tests, which look at all of it in one step. */
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
      accept: (...what) => this.#running().accept(...what),
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

  /** `new`, `starting`, `started`, `closing` or `closed`; a closed broker may be started again. */
  get state(): BrokerState {
    return this.#state
  }

  /** The configuration that is in force, every default filled in. */
  get options(): Options {
    return this.#current?.options ?? resolveOptions(this.#config, this.#source)
  }

  /** The open listeners with their real ports. */
  get listeners(): readonly ListenerView[] {
    return this.#listeners.all
  }

  /**
   * Every figure of the broker at this moment: counters, gauges and histograms, with unit, description, topics and the name for
   * Prometheus, as the manual's table lists them. Those of the store are missing if the broker has none.
   *
   * @throws {UsageError} for a broker that is not running
   */
  figures(): Figure[] {
    return this.#runningFigures().all()
  }

  /**
   * One of them, by its name.
   *
   * @returns `undefined` for a figure of the store if the broker has none
   * @throws {UsageError} for a name that no figure has, or a broker that is not running
   */
  figure(name: string): Figure | undefined {
    return this.#runningFigures().get(name)
  }

  #runningFigures(): Figures {
    this.#running()
    return this.#figures!
  }

  /** The counters as live fields: each is also one of `figures()`. */
  get metrics(): Readonly<Metrics> {
    return this.#running().metrics
  }

  /** What everything that the broker keeps for its clients takes in memory, and may take; a limit of 0 is none. */
  get memory(): { readonly bytes: number; readonly limit: number } {
    const { bytes, limit } = this.#running().memory.whole
    return { bytes, limit }
  }

  /** How the Store does; `undefined` where nothing is stored. See the table in the manual. */
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
   * Checks the configuration, makes the plugins, restores what is stored, and opens the listeners.
   *
   * @throws {ConfigError} with everything that is wrong; nothing is left open then
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
   * Ends everything: listeners, Connections (5.0 Clients are told 0x8B), timers, plugins, files. May be called at any time,
   * also twice; the broker can be started again afterwards.
   *
   * @param options.timeoutMs how long Clients and plugins may take: Clients that have not read their last bytes after three
   *   quarters of it are cut, plugins that have not closed at its end are left. Default 2000. The Store has
   *   `persistence.close-timeout` besides
   * @throws {StoreError} `ERR_STORE_UNSTORED` if the Store could not write everything in its time, `ERR_STORE_CLOSE` if it has
   *   not closed. Everything else is closed then, and the state is `closed`
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
   * Publishes as the host program: no permission is asked.
   *
   * @param payload text is sent as UTF-8
   * @returns when the message is stored as far as the configuration's durability says
   * @throws {UsageError} for what cannot be published (Topic Name, payload, option or property), or a broker that is not
   *   running
   */
  async publish(topicName: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const server = this.#running()
    server.publishFromHost(hostMessage(topicName, payload, options, server.now()))
    await new Promise<void>((resolve) => server.turn.whenCommitted(resolve))
  }

  /**
   * Subscribes as the host program: iterate over what it returns, or give a listener. It ends by `break`, by
   * `subscription.close()`, by `options.signal`, or with the broker.
   *
   * @throws {UsageError} for a Topic Filter that is not valid, or a broker that is not running
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
   * Calls `listener` with every event of that name, until `off`. Listeners outlive a restart. As with Node's EventEmitter, a
   * function that was added twice is called twice.
   *
   * @throws {UsageError} for a name that no event has, and a listener that is not a function
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
   * The sessions whose clients are connected, a page at a time: `sessions` without those that wait for their clients.
   *
   * @throws {UsageError} for a limit or cursor that is not valid, or a broker that is not running
   */
  async clients(options: PageOptions = {}): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, ({ connection }) => connection !== undefined)
  }

  /**
   * One connected client: what it is, and what its connection and its session are doing.
   *
   * @returns `undefined` where no client of that client identifier is connected
   * @throws {UsageError} for a broker that is not running
   */
  async client(clientId: string): Promise<ClientView | undefined> {
    const registration = this.#running().sessions.get(clientId)
    return registration === undefined ? undefined : clientViewOf(registration, this.#clock)
  }

  /**
   * All sessions, connected or not, a page at a time and in no particular order: the first page without a cursor, each further
   * one with the cursor of the page before. Sessions that come or go meanwhile may be listed or not; those that stay are listed
   * once. `eachSession` goes through all of them in a program.
   *
   * @param options.limit the most sessions in the page, 1 to 1000; default 100
   * @param options.cursor what the page before gave
   * @throws {UsageError} for a limit or cursor that is not valid, or a broker that is not running
   */
  async sessions(options: PageOptions = {}): Promise<Page<SessionView>> {
    return sessionPage(this.#running(), this, options, () => true)
  }

  /**
   * One session, connected or not.
   *
   * @returns `undefined` where there is none of that client identifier
   * @throws {UsageError} for a broker that is not running
   */
  async session(clientId: string): Promise<SessionView | undefined> {
    const registration = this.#running().sessions.get(clientId)
    return registration === undefined ? undefined : viewOf(registration)
  }

  /**
   * The messages of QoS 1 and 2 that a session holds for its client, and what each is waiting for, a page at a time: first those
   * in flight, then the queue in its order. Payloads are not shown.
   *
   * @param options.limit the most messages in the page, 1 to 1000; default 100
   * @param options.cursor what the page before gave
   * @returns `undefined` where there is no session of that client identifier
   * @throws {UsageError} for a limit or cursor that is not valid, or a broker that is not running
   */
  async heldMessages(clientId: string, options: PageOptions = {}): Promise<Page<HeldMessageView> | undefined> {
    const { sessions, turn } = this.#running()
    const registration = sessions.get(clientId)
    return registration && heldMessagePage(registration, turn, this.#clock, options)
  }

  /**
   * All sessions, connected or not, one after the other: the way to go through very many. Others are served meanwhile, so that
   * sessions which come or go on the way may or may not be among them; those that stay come once.
   *
   * @throws {UsageError} for a broker that is not running
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
   * Ends a client's connection. Its session stays, unless `endSession` is set.
   *
   * @param options.reasonCode what a 5.0 client reads; default 0x98, Administrative action
   * @param options.endSession also ends the session; default false. `endSession()` waits until that is stored
   * @returns whether there was a connection, or a session to end
   * @throws {UsageError} for a code that a Server's DISCONNECT does not have, or a broker that is not running
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
   * Ends a session, and the connection that it has: its subscriptions and the messages that wait for it are forgotten. Also the
   * way out for a device whose user name has changed: until its session has ended, it is answered 0x85.
   *
   * @param options.reasonCode what a connected 5.0 client reads; default 0x98, Administrative action
   * @returns whether there was one, once that it has ended is stored as far as the configuration's durability says
   * @throws {UsageError} for a code that a Server's DISCONNECT does not have, or a broker that is not running
   */
  async endSession(clientId: string, options: { reasonCode?: ReasonCode } = {}): Promise<boolean> {
    const { turn } = this.#running()
    const ended = this.#disconnect(clientId, { ...options, endSession: true })
    await new Promise<void>((resolve) => turn.whenCommitted(resolve))
    return ended
  }

  /**
   * Resolves at the end of a turn that is still to come and has served everybody who waits for one: a sign of life that a broker
   * does not give while its event loop or its line of work is stuck. For watchdogs and health checks.
   *
   * @throws {UsageError} for a broker that is not running
   */
  async pulse(): Promise<void> {
    const { turn } = this.#running()
    await turn.share(this)
    await new Promise<void>((resolve) => turn.afterFlush(resolve))
  }

  /**
   * Takes any duplex stream of bytes as a Network Connection, under the limits of the top level of the configuration.
   *
   * @param peer what is known of the other side beyond what a socket tells of itself: its address, its port and whether it is
   *   encrypted
   * @returns whether it was taken; a refused stream is destroyed
   * @throws {UsageError} for what is no open stream of bytes, or a broker that is not running
   */
  attach(stream: Duplex, peer: Partial<Peer> = {}): boolean {
    this.#running()
    return this.#hostStreams.attach(stream, peer, this.options)
  }

  /**
   * As `attach`, for a byte stream that is no Node stream: a test, a simulation, another runtime's socket.
   *
   * @returns what the stream's owner drives; `undefined` where the Connection is refused and has to be closed
   */
  accept(transport: Transport, peer: Peer): Incoming | undefined {
    this.#running()
    return this.#hostStreams.accept(transport, peer, this.options)
  }

  /**
   * Serves MQTT over WebSocket on the host program's own HTTP or HTTPS server, at one path; everything else on that server
   * stays the host's. Ends with the broker, or by the `close` of what it returns (Connections stay then). Limits are those of
   * the top level of the configuration.
   */
  mount(server: HttpServer, options: MountOptions = {}): MountedWebSocket {
    this.#running()
    return this.#hostStreams.mount(server, options, this.options)
  }

  /**
   * Applies a configuration while the broker runs: listeners added and removed, limits, users, rules, certificates. Connections
   * that it still allows stay; an error changes nothing.
   *
   * Several at once are worked off in their order.
   *
   * @throws {ConfigError} with everything that is wrong
   * @throws {UsageError} when the broker is not running, or closes meanwhile
   */
  reload(config: ConfigInput, source: ConfigSource | undefined = this.#source): Promise<void> {
    const done = this.#reloading.then(() => this.#reload(config, source))
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
   * Says how a topic question would be decided and which rule of which plugin decides it, without connecting anyone.
   *
   * @param question.clientId with `userName`, `address` and `listener`: the client that plugins are asked about
   * @throws {UsageError} for a key or an action that there is not, and for a topic that is no Topic Name or Topic Filter
   */
  async explain(question: HostQuestion): Promise<AccessExplanation> {
    this.#running()
    return this.#current!.access.explain(topicQuestion(question))
  }
}
