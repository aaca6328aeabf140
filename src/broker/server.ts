/**
 * Where everything meets: the Server behind every Connection. Each part does one thing (admission, subscribing,
 * publishing, routing, retained messages, Sessions, the turn). This file connects them and answers the questions of
 * Connections. Sessions get their answers from `session-services.ts` and `session-ends.ts`, the registry from
 * `registration-services.ts`, retained messages from `retained-services.ts`.
 *
 *   Connection ── connect ────> Admission ──> Sessions
 *              ── publish ────> Publishing ──> retained, Router ──> Session.deliver
 *              ── subscribe ──> Subscribing ──> Router, retained
 *              ── closed ─────> Sessions ──> Will ──> Publishing
 *
 * @module
 */
import type { Clock } from '../base/clock.ts'
import type { Logger } from '../base/log.ts'
import type { WorkBudget } from '../base/work.ts'
import { Connection } from '../protocol/connection.ts'
import { BufferPool } from '../protocol/output.ts'
import type { ServerSide } from '../protocol/server-side.ts'
import { Session } from '../protocol/session.ts'
import type { SessionGauges } from '../protocol/session-side.ts'
import type { LoadProgress, Store, StoreFigures, StoreHealth } from '../stores/store.ts'
import type { Access } from '../access/access.ts'
import type { Directory } from '../access/directory/directory.ts'
import { Admission } from './sessions/admission.ts'
import { ConnectionLog } from '../reporting/connection-log.ts'
import { notesOf } from './sessions/connection-notes.ts'
import { ClosedConnections } from './sessions/closed-connections.ts'
import { Connections } from './sessions/connections.ts'
import { Departures } from './sessions/departures.ts'
import { BackPressure } from '../turn/back-pressure.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import { Denials } from '../reporting/denials.ts'
import { DurabilityRules } from './durable/durability-rules.ts'
import type { Events } from '../reporting/events.ts'
import { Gathering } from '../turn/gathering.ts'
import { ClientSubscriptions } from './host/client-subscriptions.ts'
import { InputBudget } from '../limits/input-budget.ts'
import { Control, type ControlHandler } from './control.ts'
import { DirectoryStore } from './durable/directory-store.ts'
import { Ledger } from './durable/ledger.ts'
import { Loading } from './durable/loading.ts'
import { LoginReview } from './sessions/login-review.ts'
import { Memory } from '../limits/memory.ts'
import { MemoryRefusals } from '../limits/memory-refusals.ts'
import { Metrics } from '../reporting/metrics.ts'
import { PacketWatch } from '../reporting/packet-watch.ts'
import { Recorder } from '../reporting/recorder/recorder.ts'
import { Reports } from '../reporting/reports.ts'
import { EstateReads } from './durable/estate-reads.ts'
import { Payloads } from './durable/payloads.ts'
import { QueueExpiries } from './sessions/queue-expiries.ts'
import type { ProcessMemory } from '../limits/process-memory.ts'
import { HostPublishing } from './host-publishing.ts'
import { Publishing } from './publishing.ts'
import { RegistrationServices } from './registration-services.ts'
import type { MayReplay } from '../routing/may-replay.ts'
import { Replays } from '../routing/replays.ts'
import { RetainedMessages } from '../routing/retained.ts'
import { Router } from '../routing/router.ts'
import { Sessions } from './sessions/sessions.ts'
import type { Unstored } from './durable/store-end.ts'
import { StoreGate } from '../turn/store-gate.ts'
import { StoreRefusals } from './durable/store-refusals.ts'
import { StoreWaiters } from './durable/store-waiters.ts'
import { Subscribing } from './subscribing.ts'
import { Answers } from '../turn/answers.ts'
import { Transforming } from './transforming.ts'
import { Turn } from '../turn/turn.ts'
import { SessionEnds } from './session-ends.ts'
import { RetainedServices } from './retained-services.ts'
import { routerSideOf, SessionServices } from './session-services.ts'
import { levelsOfListeners } from './durable/levels-of-listeners.ts'

/** What a Server works with. */
export interface ServerParts {
  readonly current: ActiveConfig
  readonly clock: Clock
  readonly store: Store
  readonly events: Events
  readonly log: Logger
  /** Called whenever the health of the Store changes. */
  readonly storeChanged: (health: StoreHealth) => void
  readonly processMemory: ProcessMemory
  /** Loads what carries out commands of administrators. */
  readonly loadControl: () => Promise<ControlHandler>
}

export class Server implements ServerSide {
  readonly metrics: Metrics = new Metrics()
  readonly buffers: BufferPool = new BufferPool()
  readonly memory: Memory
  readonly turn: Turn
  readonly sessions: Sessions
  readonly router: Router
  readonly retainedMessages: RetainedMessages
  readonly replays: Replays
  readonly gauges: SessionGauges = { queuedMessages: 0, queuedBytes: 0, inflightOut: 0, inflightIn: 0 }
  readonly admission: Admission
  readonly subscribing: Subscribing
  readonly publishing: Publishing
  readonly hostPublishing: HostPublishing
  readonly clientSubscriptions: ClientSubscriptions
  readonly connections: Connections
  readonly inputBudget: InputBudget
  readonly packets: PacketWatch
  readonly deliveryTransforms: Transforming
  readonly reports: Reports
  readonly denials: Denials
  readonly recorder: Recorder
  readonly memoryRefusals: MemoryRefusals
  readonly departures: Departures
  readonly closedConnections: ClosedConnections
  /** Present if something is stored. */
  readonly ledger: Ledger | undefined = undefined
  readonly #payloads: Payloads | undefined = undefined
  /** Decides whether the Store accepts more (§ durability in the manual). */
  readonly #gate: StoreGate
  readonly #waiters: StoreWaiters
  readonly #parts: ServerParts
  readonly #gathering: Gathering
  readonly #review: LoginReview
  readonly #queueExpiries: QueueExpiries
  readonly #backPressure: BackPressure
  readonly sessionServices: SessionServices
  readonly #ends: SessionEnds
  readonly #registrations: RegistrationServices
  readonly #connectionLog: ConnectionLog
  readonly #storeRefusals: StoreRefusals

  constructor(parts: ServerParts) {
    const { current, clock, store, events } = parts
    const { options } = current
    this.#parts = parts
    this.#connectionLog = new ConnectionLog(parts.log, current)
    this.denials = new Denials(parts.log, current)
    this.packets = new PacketWatch(events)
    this.reports = new Reports(events, parts.log, this.metrics)
    this.#gathering = new Gathering(clock, this.metrics, options.gatherPause)
    this.memory = new Memory(options, parts.processMemory)
    this.memoryRefusals = new MemoryRefusals(this.memory, events, parts.log, this.metrics)
    this.#gate = new StoreGate(store, clock, parts.log, parts.storeChanged)
    this.#storeRefusals = new StoreRefusals(this.#gate, clock, parts.log, this.metrics)
    const { maxUncommittedBytes } = options
    const [gathering, metrics] = [this.#gathering, this.metrics]
    const failed = (error: unknown, owner?: object): void => this.#failed(error, owner)
    this.turn = new Turn({ clock, store: this.#gate, metrics, gathering, maxUncommittedBytes, failed })
    const answers = new Answers(this.turn, failed)
    this.deliveryTransforms = new Transforming(current, metrics, this.turn.work)
    this.#waiters = new StoreWaiters(this.turn)
    this.turn.onCaughtUp = () => this.#waiters.caughtUp()
    this.#gate.onChanged = () => this.#waiters.conditionChanged()
    this.turn.onEnd = (nowMs) => this.memory.measure(nowMs)
    events.observer = this.recorder = new Recorder({ current, metrics, events, turn: this.turn })
    this.#queueExpiries = new QueueExpiries(this.turn)
    this.#backPressure = new BackPressure(this.turn, this.metrics)
    this.#registrations = new RegistrationServices({
      ...{
        turn: this.turn,
        backPressure: this.#backPressure,
        sessions: () => this.sessions,
        ledger: () => this.ledger,
      },
      ...{ wills: () => this.publishing.wills, ends: () => this.#ends },
    })
    const registrations = this.#registrations
    this.sessions = new Sessions(options, this.turn, this.metrics, registrations)
    const { whole } = this.memory
    const routerSide = routerSideOf(current, this.work, () => this.sessionServices)
    this.router = new Router(routerSide, Math.floor(clock.random() * 0x1_0000_0000), whole)
    const { memoryRefusals } = this
    const ofRetained = { current, events, work: this.work, gate: this.#gate, memoryRefusals, ledger: () => this.ledger }
    const retainedServices = new RetainedServices(ofRetained)
    this.retainedMessages = new RetainedMessages(options, this.turn, this.metrics, retainedServices, whole)
    const mayReplay: MayReplay = (message) => retainedServices.mayReplay(message)
    this.replays = new Replays({ retained: this.retainedMessages, turn: this.turn, answers, mayReplay })
    const { persistence } = options
    if (store.keeps && persistence !== undefined) {
      const rules = new DurabilityRules(persistence, levelsOfListeners(options.listeners, this.sessions))
      this.turn.baseLevel = rules.level
      this.ledger = new Ledger(this.turn, clock, rules, (...what) => memoryRefusals.storeRefused(...what))
      this.#payloads = new Payloads(persistence, store, this.turn, answers, this.metrics, parts.log)
      current.directory.keeper = new DirectoryStore(this.turn, this.#gate)
    }
    const ofSessions = {
      ...{ current, events, turn: this.turn, metrics: this.metrics, gauges: this.gauges },
      ...{ sessions: this.sessions, router: this.router, replays: this.replays, queueExpiries: this.#queueExpiries },
    }
    this.#ends = new SessionEnds({
      ...ofSessions,
      ledger: this.ledger,
      payloads: this.#payloads && new EstateReads(this.#payloads, this.turn, this.metrics, parts.log),
      dropped: (...what) => this.sessionServices.dropped(...what),
    })
    this.sessionServices = new SessionServices({
      ...ofSessions,
      payloads: this.#payloads,
      backPressure: this.#backPressure,
      memoryRefusals: this.memoryRefusals,
      denials: this.denials,
      packets: this.packets,
      ends: this.#ends,
    })
    const shared = {
      ...{ current, events, clock, answers, turn: this.turn, metrics: this.metrics, memory: this.memory },
      ...{ memoryRefusals, router: this.router, retained: this.retainedMessages, replays: this.replays },
      ...{ sessions: this.sessions, waiters: this.#waiters, backPressure: this.#backPressure, packets: this.packets },
      ...{ recorder: this.recorder, control: new Control(current, parts.loadControl) },
      denied: (...what: Parameters<Denials['denied']>) => this.denials.denied(...what),
      full: (...what: Parameters<Denials['full']>) => this.denials.full(...what),
    }
    this.admission = new Admission({
      ...shared,
      makeSession: (client, listener) =>
        new Session(client.clientId, this.sessionServices, listener, this.memory.of(client)),
      sessionChanged: (registration) => {
        registrations.changed(registration)
        if (registration.will !== undefined) registrations.willChanged(registration)
      },
      endingOf: (clientId) => this.ledger?.endingOf(clientId) ?? 0,
      canStore: (bytes) => this.#gate.canAdd(bytes),
      canTakeAway: (bytes) => this.#gate.canTakeAway(bytes),
      loggedIn: (connection, accepted) => {
        this.recorder.loggedIn(connection, this.sessions.get(accepted.client.clientId)!.session, accepted)
        this.connections.loggedIn(connection)
        this.#connectionLog.connected(connection, accepted)
        this.packets.tap?.loggedIn(connection, accepted.client)
      },
      slowed: (slowed) => this.#connectionLog.slowed(slowed),
      review: (connection) => this.#review.ask(connection),
    })
    this.inputBudget = new InputBudget({
      limit: () => current.options.maxInputBytes,
      connections: () => this.connections,
      holderOf: (connection) => {
        const { userName } = connection.client
        return userName === undefined ? `from ${notesOf(connection).network.name}` : `user ${userName}`
      },
      metrics: this.metrics,
    })
    this.connections = new Connections({
      ...shared,
      server: this,
      connected: () => this.admission.connected,
      refused: (refused) => this.#connectionLog.refused(refused),
    })
    this.closedConnections = new ClosedConnections(shared)
    this.departures = new Departures({
      ...shared,
      closedConnections: this.closedConnections,
      connectionLog: this.#connectionLog,
      admission: this.admission,
      connections: () => this.connections,
      forget: (connection) => this.#waiters.forget(connection),
      areKept: this.ledger !== undefined,
      changed: (registration) => registrations.changed(registration),
    })
    this.#review = new LoginReview({ ...shared, connections: this.connections })
    this.subscribing = new Subscribing({
      ...shared,
      subscribed: (session, subscription) => this.ledger?.subscribed(session, subscription),
      unsubscribed: (session, topicFilter) => this.ledger?.unsubscribed(session, topicFilter),
      ledger: this.ledger,
      canStore: (session) => session.ledger === undefined || this.#gate.canAdd(0),
      dropped: (...what) => this.sessionServices.dropped(...what),
      leftShared: (session, topicFilters) => this.#ends.left(session, topicFilters),
    })
    const { subscribing } = this
    this.clientSubscriptions = new ClientSubscriptions({ ...shared, subscribing })
    this.publishing = new Publishing({
      ...shared,
      canStore: (bytes) => this.#gate.canAdd(bytes),
      notStored: (bytes) => this.#storeRefusals.refused(bytes),
      isStored: (message) => this.ledger?.isStored(message) ?? false,
    })
    const { publishing, ledger } = this
    const ofHost = { publishing, ledger, gate: this.#gate, storeRefusals: this.#storeRefusals }
    this.hostPublishing = new HostPublishing(ofHost)
    current.directory.onRefused = (option) => {
      this.metrics.directoryRefusedAtLimit++
      events.emit('limitReached', { option, owner: '' })
    }
    this.#watchAccess()
  }

  /** Ends the Connection for which a task has failed: a Client must not wait for something that does not come. */
  #failed(error: unknown, owner: object | undefined): void {
    const connection = owner instanceof Session ? this.sessions.get(owner.clientId)?.connection : owner
    if (connection instanceof Connection) connection.fail(error)
    else this.reports.taskFailed(error)
  }

  /** Users, groups, roles and bans. */
  get directory(): Directory {
    return this.#parts.current.directory
  }

  get clock(): Clock {
    return this.#parts.clock
  }

  /** `undefined` if nothing is stored. */
  get storeHealth(): StoreHealth | undefined {
    return this.ledger === undefined ? undefined : this.#gate.health
  }

  /** The figures of the Store; `undefined` if nothing is stored. */
  get storeFigures(): StoreFigures | undefined {
    return this.#parts.store.figures?.()
  }

  #watchAccess(): void {
    this.#access.onChanged(() => this.router.forget())
    this.#access.onRevoked(() => this.#review.begin())
  }

  get #access(): Access {
    return this.#parts.current.access
  }

  /**
   * Restores what is stored, before the first Client comes. No deadline, task or commit runs until everything is
   * restored.
   *
   * @throws {StoreError} if the Store cannot be read
   */
  async restore(report: (progress: LoadProgress) => void, throwIfClosed: () => void = () => {}): Promise<void> {
    const orphanedWills = this.ledger === undefined ? [] : await this.#loading(this.ledger).run(report)
    throwIfClosed()
    this.turn.open()
    for (const [sessionNumber, will] of orphanedWills) {
      this.#registrations.publishWill(will, () => this.ledger!.willRemoved(sessionNumber))
    }
  }

  #loading(ledger: Ledger): Loading {
    const { store, log, processMemory, current } = this.#parts
    const { turn, memory, sessions, router, retainedMessages } = this
    return new Loading({
      ...{ ledger, store, log, processMemory, turn, memory, sessions, router, retainedMessages },
      payloads: this.#payloads!,
      directory: current.directory,
      makeSession: (clientId, payer) => new Session(clientId, this.sessionServices, current.options, payer),
      resumeReplay: (session, replay) => this.subscribing.resumeReplay(session, replay),
    })
  }

  /**
   * Applies the options in `current` from now on. Connections keep the limits that their CONNACK announced; those whose
   * login the new rules exclude are ended.
   *
   * @param removedListeners listeners whose Connections are ended, whoever is connected
   */
  reconfigure(removedListeners: readonly string[]): void {
    const { options } = this.#parts.current
    this.#gathering.pause = options.gatherPause
    this.sessions.limits = options
    this.retainedMessages.limits = options
    this.memory.limit(options)
    this.admission.limitRate()
    this.closedConnections.trim()
    this.recorder.trim()
    this.deliveryTransforms.reconfigure()
    this.#watchAccess()
    this.router.forget()
    if (removedListeners.length > 0) this.connections.endThoseOn(removedListeners)
    this.#review.begin()
  }

  /**
   * Ends all Connections, accepts no new ones, and stores what is left.
   *
   * @param timeoutMs the time after which Clients that have not read their last bytes are cut off
   * @param writingMs the time after that for storing what is left; the rest is given up
   * @returns the Changes that were given up
   */
  async shutDown(timeoutMs: number, writingMs: number): Promise<Unstored | undefined> {
    this.#registrations.flushWills()
    await this.connections.shutDown(timeoutMs)
    this.publishing.stop()
    const isStored = await this.turn.settle(writingMs)
    this.#gate.close()
    this.clientSubscriptions.stop()
    const { changeCount, committedCount, uncommittedBytes } = this.turn
    // Without persistence, there is nothing to wait for.
    if (isStored || changeCount === committedCount) return undefined
    return { changes: changeCount - committedCount, bytes: uncommittedBytes, cause: this.#gate.health.cause }
  }

  // ---- the turn ----

  get work(): WorkBudget {
    return this.turn.work
  }

  now(): number {
    return this.turn.now()
  }
}
