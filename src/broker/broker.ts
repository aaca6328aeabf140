/**
 * The Broker as a host program sees it: start, close, publish, subscribe, events, lists, and answers.
 *
 * Floor 4 does not know listeners and plugins (floor 5): they come as `BrokerParts`, from `src/create-broker.ts`.
 * Nothing here touches `process`, so several Brokers can run side by side and be restarted at will.
 *
 * @module
 */
import type { Server as HttpServer } from 'node:http'
import type { Duplex } from 'node:stream'
import type { ReasonCode } from '../codec/reason-code.ts'
import type { Message } from '../protocol/message.ts'
import type { Incoming, Peer, Transport } from '../protocol/transport.ts'
import type { StoreFigures } from '../stores/store.ts'
import type { AccessExplanation } from '../access/access.ts'
import type { ConfigInput, ConfigSource, Options, ReloadChanges } from '../config/options.ts'
import { resolveOptions } from '../config/options.ts'
import { Emitter } from '../reporting/emitter.ts'
import type { Figure } from '../reporting/figure.ts'
import type { Metrics } from '../reporting/metrics.ts'
import { realClock } from '../turn/clock.ts'
import { lazyAdmin, type Admin, type AdminHandler, type AdminHandlerOptions } from './host/admin.ts'
import type { SubscribeForOptions, SubscriptionInput, SubscriptionResult } from './host/client-subscriptions.ts'
import type { ClosedConnectionsOptions } from './host/closed-connection-pages.ts'
import { hostMessage, type PublishOptions } from './host/host-message.ts'
import { topicQuestion, type HostQuestion } from './host/host-question.ts'
import { checkSettings } from './host/host-settings.ts'
import type { MountOptions } from './host/host-streams.ts'
import type { HostSubscription, SubscribeOptions } from './host/host-subscriber.ts'
import type { ListenerView, MountedWebSocket } from './host/open-listeners.ts'
import type { Page, PageOptions } from './host/page.ts'
import type { ClientView } from './sessions/client-view.ts'
import type { ClosedConnectionView } from './sessions/closed-connections.ts'
import type { HeldMessageView } from './sessions/held-message-view.ts'
import type { SessionView } from './sessions/session-view.ts'
import type { BrokerSettings, BrokerState } from './broker-settings.ts'
import { HostClients, type DisconnectOptions } from './host-clients.ts'
import { Lifecycle } from './lifecycle.ts'
import { partsFor, type PartsFor } from './parts-for.ts'
import type { RunningParts } from './running-parts.ts'
import type { Server } from './server.ts'

/** The life of a Broker, for whoever lets it read its configuration again. */
export let lifeOf: (broker: Broker) => Lifecycle

/** The Server of a Broker, for the views of operators and for tests. */
export function serverOf(broker: Broker): Server {
  return lifeOf(broker).running()
}

export class Broker extends Emitter implements AsyncDisposable {
  static {
    lifeOf = (broker) => broker.#life
  }

  readonly #life: Lifecycle
  readonly #parts: RunningParts
  readonly #clients: HostClients
  readonly #admin: Admin

  constructor(config: ConfigInput, settings: BrokerSettings, parts: PartsFor<Broker>) {
    checkSettings(settings as Readonly<Record<string, unknown>>)
    const life = new Lifecycle(
      config,
      settings,
      partsFor(() => this, parts),
    )
    super(life.parts.events)
    this.#life = life
    this.#parts = life.parts
    this.#clients = new HostClients(() => life.running(), settings.clock ?? realClock)
    this.#admin = lazyAdmin(() => parts.loadAdmin(this))
  }

  /** `new`, `starting`, `started`, `closing` or `closed`. */
  get state(): BrokerState {
    return this.#life.state
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
   * @throws {UsageError} if the broker is not running
   */
  figures(): Figure[] {
    return this.#parts.runningFigures.all()
  }

  /**
   * Returns one figure by its name.
   *
   * @returns `undefined` for a figure of the store if the broker has none
   * @throws {UsageError} if no figure has that name, or the broker is not running
   */
  figure(name: string): Figure | undefined {
    return this.#parts.runningFigures.get(name)
  }

  /**
   * Views and actions for operators. They return plain values; lists come in pages. The module is loaded by the first
   * call.
   */
  get admin(): Admin {
    return this.#admin
  }

  /** Answers requests to the HTTP API on the program's own HTTP server. @throws {UsageError} for an invalid option */
  adminHandler(options: AdminHandlerOptions = {}): AdminHandler {
    return this.#parts.admin.handler(options)
  }

  /** The counters as live fields; each is also one of `figures()`. */
  get metrics(): Readonly<Metrics> {
    return this.#life.running().metrics
  }

  /** The memory charged for everything that the broker keeps for its clients, and its limit; 0 means no limit. */
  get memory(): { readonly bytes: number; readonly limit: number } {
    const { bytes, limit } = this.#life.running().memory.whole
    return { bytes, limit }
  }

  /** The figures of the store; `undefined` if nothing is stored. */
  get storeFigures(): StoreFigures | undefined {
    return this.#life.running().storeFigures
  }

  /**
   * Checks the configuration, creates the plugins, restores what is stored, and opens the listeners.
   *
   * @throws {ConfigError} with all mistakes in the configuration
   * @throws {StoreError} if the store cannot be opened or read
   * @throws {UsageError} if the broker runs already, or is closed while it starts
   * @throws {SluiceError} `ERR_START` for anything without a code that code of the program threw. After an error,
   *   nothing is left open
   */
  start(): Promise<void> {
    return this.#life.start(() => this.close())
  }

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
  close({ timeoutMs }: { timeoutMs?: number } = {}): Promise<void> {
    return this.#life.close(timeoutMs)
  }

  /** The same as `close()`, for `await using`. */
  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  /**
   * Publishes a message as the host program. No permission is checked.
   *
   * @param payload bytes, or text, which is sent as UTF-8
   * @returns a promise that resolves once the message is stored, as far as the configured durability requires
   * @throws {UsageError} if the topic name, payload, an option or a property is invalid, the topic is below
   *   `$CONTROL/`, or the broker is not running
   */
  async publish(topicName: string, payload: string | Uint8Array, options: PublishOptions = {}): Promise<void> {
    const server = this.#life.running()
    server.hostPublishing.publish(hostMessage(topicName, payload, options, server.now()))
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
    return this.#parts.subscriptions.subscribe(this.#life.running(), topicFilter, listenerOrOptions, maybeOptions)
  }

  /**
   * Returns the sessions whose clients are connected, a page at a time.
   *
   * @param options which page: its `limit`, 1 to 1000 sessions, default 100, and the `cursor` of the previous page
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async clients(options: PageOptions = {}): Promise<Page<SessionView>> {
    return this.#clients.connected(options)
  }

  /**
   * Returns a connected client with the state of its connection and its session.
   *
   * @returns `undefined` if no client with that client identifier is connected
   * @throws {UsageError} if the broker is not running
   */
  async client(clientId: string): Promise<ClientView | undefined> {
    return this.#clients.client(clientId)
  }

  /**
   * Returns all sessions, connected or not, a page at a time and in no particular order. Sessions that start or end
   * between two pages may be missing; a session that exists all the time is listed exactly once. To process all
   * sessions, use `eachSession`.
   *
   * @param options which page: its `limit`, 1 to 1000 sessions, default 100, and the `cursor` of the previous page
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async sessions(options: PageOptions = {}): Promise<Page<SessionView>> {
    return this.#clients.sessions(options)
  }

  /**
   * Returns one session, connected or not.
   *
   * @returns `undefined` if there is no session with that client identifier
   * @throws {UsageError} if the broker is not running
   */
  async session(clientId: string): Promise<SessionView | undefined> {
    return this.#clients.session(clientId)
  }

  /**
   * Returns the messages of QoS 1 and 2 that a session holds for its client, and what each is waiting for, a page at a
   * time: first those in flight, then the queue in its order. Payloads are not included.
   *
   * @param options which page: its `limit`, 1 to 1000 messages, default 100, and the `cursor` of the previous page
   * @returns `undefined` if there is no session with that client identifier
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async heldMessages(clientId: string, options: PageOptions = {}): Promise<Page<HeldMessageView> | undefined> {
    return this.#clients.heldMessages(clientId, options)
  }

  /**
   * Returns the connections that have ended most recently, and why, a page at a time, the newest first. The broker
   * keeps `max-closed-connections` of them. Connections that were refused before their login are not included.
   *
   * @param options which page: its `limit`, 1 to 1000 connections, default 100, and the `cursor` of the previous page;
   *   `clientId` selects the connections of one client
   * @throws {UsageError} if the limit or cursor is invalid, or the broker is not running
   */
  async closedConnections(options: ClosedConnectionsOptions = {}): Promise<Page<ClosedConnectionView>> {
    return this.#clients.closedConnections(options)
  }

  /**
   * Iterates over all sessions, connected or not, while clients are served. Sessions that start or end meanwhile may be
   * missing; a session that exists all the time is returned exactly once.
   *
   * @throws {UsageError} if the broker is not running
   */
  async *eachSession(): AsyncGenerator<SessionView, void, undefined> {
    yield* this.#clients.eachSession()
  }

  /**
   * Ends a client's connection. Its session is kept, unless `endSession` is set.
   *
   * @returns whether there was a connection, or a session to end
   * @throws {UsageError} if the code is not allowed in a DISCONNECT of a server, or the broker is not running
   */
  async disconnect(clientId: string, options: DisconnectOptions = {}): Promise<boolean> {
    return this.#clients.disconnect(clientId, options)
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
    return this.#clients.endSession(clientId, options)
  }

  /**
   * Subscribes on behalf of a client, connected or not, as if it had sent a SUBSCRIBE. The limits of its listener
   * apply, and plugins are asked for permission. Retained messages follow as Retain Handling says; a client that is not
   * connected receives them when it returns, except those at QoS 0. The subscriptions belong to the client from then
   * on.
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
    return this.#clients.subscribeFor(clientId, subscriptions, options)
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
    return this.#clients.unsubscribeFor(clientId, topicFilters)
  }

  /**
   * Resolves at the end of a coming turn that has served everything waiting for one. It does not resolve while the
   * event loop or the line of work is stuck, so watchdogs and health checks can use it.
   *
   * @throws {UsageError} if the broker is not running
   */
  async pulse(): Promise<void> {
    const { turn } = this.#life.running()
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
    this.#life.running()
    return this.#parts.hostStreams.attach(stream, peer, this.options)
  }

  /**
   * The same as `attach` for a byte stream that is not a Node stream: a test, a simulation, another runtime's socket.
   *
   * @returns the object that the owner of the stream has to call; `undefined` if it was refused and has to be closed
   */
  accept(transport: Transport, peer: Peer): Incoming | undefined {
    this.#life.running()
    return this.#parts.hostStreams.accept(transport, peer, this.options)
  }

  /**
   * Serves MQTT over WebSocket at one path of the host program's own HTTP or HTTPS server; the program still handles
   * all other requests. This ends with the broker, or with the `close` of the result, which leaves connections open.
   * The limits of the top level of the configuration apply.
   */
  mount(server: HttpServer, options: MountOptions = {}): MountedWebSocket {
    this.#life.running()
    return this.#parts.hostStreams.mount(server, options, this.options)
  }

  /**
   * Applies a new configuration while the broker runs: listeners, limits, users, rules, certificates. Connections that
   * it still allows stay open. An error changes nothing. Several calls are processed in their order.
   *
   * @param config default: the present configuration once more, so that its files are read again
   * @returns the keys that have changed
   * @throws {ConfigError} with all mistakes in the configuration
   * @throws {UsageError} if the broker is not running, or closes meanwhile
   */
  reload(config?: ConfigInput, source: ConfigSource | undefined = this.#parts.source): Promise<ReloadChanges> {
    return this.#life.reload(config, source)
  }

  /**
   * Returns how a question about a topic would be decided, and which rule of which plugin decides it, without a
   * connection.
   *
   * @param question.clientId with `userName`, `address` and `listener`, the client that plugins are asked about
   * @throws {UsageError} for an unknown key or action, or an invalid topic name or topic filter
   */
  async explain(question: HostQuestion): Promise<AccessExplanation> {
    this.#life.running()
    return this.#parts.current!.access.explain(topicQuestion(question))
  }
}
