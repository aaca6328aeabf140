/**
 * The parts of a Broker that runs, from the configuration to the Store: `start` makes them, `reload` changes them,
 * `stop` ends them. The Broker's lifecycle decides when that is allowed.
 *
 * @module
 */
import { createAccess } from '../config/access-plugins.ts'
import type { Clock } from '../base/clock.ts'
import { type StoreError, UsageError } from '../base/errors.ts'
import { logRefusal, silentLogger, type Logger } from '../base/log.ts'
import { LogTap } from '../base/log-tap.ts'
import { safeLog } from '../base/safe-log.ts'
import { messageOf } from '../base/thrown.ts'
import type { LoadProgress, Store, StoreCondition, StoreHealth } from '../stores/store.ts'
import { describeHealth, reasonOf } from '../stores/store-health.ts'
import type { Access } from '../access/access.ts'
import { Directory, type DirectoryChange } from '../access/directory/directory.ts'
import { directoryLimits } from '../config/directory-limits.ts'
import { realClock } from '../turn/clock.ts'
import { withPlaces, type ConfigSource } from '../config/config-problems.ts'
import type { ActiveConfig } from '../config/active-config.ts'
import { reloadChanges, type ReloadChanges } from '../config/option-changes.ts'
import { Events } from '../reporting/events.ts'
import { HostStreams } from './host/host-streams.ts'
import { certificateEnds } from './host/certificate-ends.ts'
import { AdminDoors } from './host/admin-door.ts'
import { TelemetryExports } from './host/telemetry-export.ts'
import { OpenBridges } from './host/open-bridges.ts'
import type { StartAttempt } from './host/start-attempt.ts'
import { Figures } from '../reporting/figures.ts'
import { resolveOptions, type ConfigInput, type Options } from '../config/options.ts'
import type { PluginFactory } from '../access/plugin.ts'
import { nominalMemory, processMemory } from '../limits/process-memory.ts'
import { RestoreProgress } from './durable/restore-progress.ts'
import { Server } from './server.ts'
import { OpenListeners } from './host/open-listeners.ts'
import { FileRoom, noOpenFiles, openFiles } from '../limits/open-files.ts'
import { readInitialFile } from './initial-file.ts'
import { logDamage, openStoreFor } from './durable/open-store.ts'
import { StoreEnd } from './durable/store-end.ts'
import { SysTopics } from './sys-topics.ts'
import { telemetryHost } from './telemetry-host.ts'
import { version } from './version.ts'
import type { BrokerSettings, RunningFloorParts } from './broker-settings.ts'
import { HostSubscribers } from './host-subscribers.ts'
import { entranceTo } from './entrance.ts'

/**
 * The share of the time for a `close` that Clients may take. A Client that does not leave must leave plugins time to
 * close.
 */
const CONNECTIONS_SHARE = 0.75

/** What the log says about a Store that is full or failing. */
const REFUSED_WHILE: Readonly<Record<Exclude<StoreCondition, 'well'>, string>> = {
  full: 'it accepts no new messages, sessions or subscriptions until there is room',
  failing: 'QoS 1 and 2 are refused until it can',
}

/** The result of a `close`. */
export interface StopOutcome {
  readonly unstoredChanges: number
  readonly error: StoreError | undefined
}

export class RunningParts {
  config: ConfigInput
  source: ConfigSource | undefined
  current: ActiveConfig | undefined = undefined
  server: Server | undefined = undefined
  figures: Figures | undefined = undefined
  fileRoom: FileRoom | undefined = undefined
  readonly listeners: OpenListeners
  readonly hostStreams: HostStreams
  readonly admin: AdminDoors
  readonly #telemetry: TelemetryExports
  readonly bridges: OpenBridges
  readonly subscriptions: HostSubscribers
  readonly events: Events
  readonly directory: Directory
  /** @throws {UsageError} if the broker is not running */
  readonly running: () => Server
  #store: Store | undefined = undefined
  #sysTopics: SysTopics | undefined = undefined
  readonly #settings: BrokerSettings
  readonly #plugins: ReadonlyMap<string, PluginFactory>
  readonly #floors: RunningFloorParts
  readonly #clock: Clock
  readonly #tap: LogTap
  readonly #log: Logger

  constructor(config: ConfigInput, settings: BrokerSettings, parts: RunningFloorParts, running: () => Server) {
    this.config = config
    this.source = settings.source
    this.running = running
    this.#settings = settings
    this.#plugins = parts.plugins
    this.#floors = parts
    this.#clock = settings.clock ?? realClock
    this.#tap = new LogTap(settings.logger ?? silentLogger)
    this.#log = safeLog(this.#tap, this.#clock)
    this.events = new Events(this.#log)
    this.directory = new Directory(() => this.#clock.wallNow(), parts.makeCredentials)
    this.directory.onChanged((change) => this.#directoryChanged(change))
    this.subscriptions = new HostSubscribers(this.events, this.#log)
    const entrance = entranceTo(this)
    const log = this.#listenerLog()
    this.listeners = new OpenListeners(parts.openListener, entrance, this.#clock, log)
    this.hostStreams = new HostStreams(parts, entrance, this.#clock, log)
    this.#telemetry = new TelemetryExports(parts.openTelemetry, this.#clock)
    const host = { clock: this.#clock, log: this.#log, events: this.events }
    this.admin = new AdminDoors(parts.openAdmin, host)
    this.bridges = new OpenBridges(parts.loadBridges, host)
  }

  /** @throws {UsageError} if the broker is not running */
  get runningFigures(): Figures {
    this.running()
    return this.figures!
  }

  /** Listeners log peers that are refused before MQTT, unless the configuration switches that off. */
  #listenerLog(): Logger {
    return {
      ...this.#log,
      refusal: (...what) => {
        if (this.current?.options.log.refusals !== false) logRefusal(this.#log, ...what)
      },
    }
  }

  /**
   * Checks the configuration, makes the plugins, restores what is stored, and opens the listeners.
   *
   * @param attempt ends waiting for code of the program
   * @param mustStillStart throws if the broker was closed meanwhile, since a large store takes time to load
   */
  async start(attempt: StartAttempt, mustStillStart: () => void): Promise<void> {
    const options = resolveOptions(this.config, this.source)
    this.directory.begin(directoryLimits(options))
    const access = this.#makeAccess(options, this.source)
    const { directory } = this
    const current = { options, directory, access: await attempt.waitFor(access, (late) => void late.close()) }
    this.current = current
    const { disk, store: own, repair = false } = this.#settings
    const store = await openStoreFor(options, { clock: this.#clock, log: this.#log, disk, own, repair })
    this.#store = store
    const storeChanged = (health: StoreHealth): void => this.#storeHealth(health)
    const server = new Server({
      current,
      store,
      clock: this.#clock,
      log: this.#log,
      events: this.events,
      storeChanged,
      loadControl: this.#floors.loadControl,
      processMemory: this.#settings.processMemory ?? (this.#clock === realClock ? processMemory : nominalMemory),
    })
    const progress = new RestoreProgress(this.#clock, this.#log)
    const report = (done: LoadProgress): void => {
      mustStillStart()
      progress.update(done)
    }
    await attempt.waitFor(server.restore(report, () => attempt.throwIfGivenUp()))
    await attempt.waitFor(readInitialFile(options, directory, this.#log, this.#floors.planAccess))
    this.figures = new Figures(server, this.#clock, () => certificateEnds(this.listeners.all, this.admin.door))
    this.server = server // only now, because a store that is loading must not be used
    await this.#prepareTelemetry(options, server)
    this.#telemetry.commit() // lines about the start are exported as well
    logDamage(store, keptOf(server), this.#log)
    // Their sessions exist before the first message can come.
    const beginBridges = await this.bridges.prepare(options).catch(placed(this.source))
    this.bridges.serve(server)
    beginBridges()
    this.current.returns = this.bridges.returns
    await this.listeners.open(options.listeners).catch(placed(this.source))
    await this.admin.open(options)
    const files = this.#settings.openFiles ?? (this.#clock === realClock ? openFiles : noOpenFiles)
    this.fileRoom = new FileRoom(files, this.#clock, this.#log)
    if (options.listeners.length > 0) this.fileRoom.warn(options.maxConnections)
    this.#sysTopics = new SysTopics(server, this.figures, this.#clock)
    this.#startSysTopics(options)
  }

  async #prepareTelemetry({ telemetry }: Options, server: Server): Promise<void> {
    const parts = { clock: this.#clock, log: this.#log, tap: this.#tap, events: this.events }
    await this.#telemetry.prepare(telemetry, telemetryHost(parts, server, this.figures!))
  }

  /** Rights that were taken away end at once, also for messages that wait and for Clients that are logged in. */
  #directoryChanged({ rules, logins }: DirectoryChange): void {
    const access = this.current?.access
    if (rules) access?.changed()
    if (logins) access?.revoked()
  }

  #startSysTopics({ sysInterval }: Options): void {
    this.#sysTopics?.start(sysInterval, `sluice ${version}`)
  }

  #storeHealth(health: StoreHealth): void {
    const { condition, cause } = health
    if (condition === 'well') this.#log.info(`${describeHealth(health)} again`)
    else this.#log.error(`${describeHealth(health)}; ${REFUSED_WHILE[condition]}`)
    const reason = condition === 'well' ? '' : reasonOf(cause)
    this.events.emit('storeHealth', { healthy: condition === 'well', condition, reason })
  }

  #makeAccess(options: Options, source: ConfigSource | undefined): Promise<Access> {
    const { baseFolder } = options
    const { directory } = this
    const shared = { log: this.#log, clock: this.#clock, events: this.events, directory, source }
    return createAccess(options, { registry: this.#plugins, baseFolder, ...shared })
  }

  /** Runs code of the program, whose errors must not keep the broker from closing. */
  attempt(what: string, act: () => void): void {
    try {
      act()
    } catch (error) {
      this.#log.error({ err: error }, `${what} of this program failed while the broker closed: ${messageOf(error)}`)
    }
  }

  /** Ends all parts that exist, even after a start that failed halfway. */
  async stop(timeoutMs: number): Promise<StopOutcome> {
    const beganAtMs = this.#clock.now()
    this.#sysTopics?.stop()
    this.#sysTopics = undefined
    this.bridges.close()
    this.hostStreams.close()
    const closed = Promise.all([this.listeners.close(), this.admin.close()])
    const storeEnd = new StoreEnd(this.current?.options.persistence?.closeTimeout ?? 0, this.#clock)
    const unstored = await this.server?.shutDown(timeoutMs * CONNECTIONS_SHARE, storeEnd.writingMs)
    await closed
    this.subscriptions.close((act) => this.attempt('a subscription', act))
    // A slow disk must not take time from the plugins.
    const usedMs = Math.min(this.#clock.now() - beganAtMs, timeoutMs * CONNECTIONS_SHARE)
    await this.current?.access.close(timeoutMs - usedMs)
    await this.#telemetry.close()
    const error = this.#store === undefined ? undefined : await storeEnd.close(this.#store, unstored)
    if (error !== undefined) this.#log.error({ err: error }, error.message)
    this.#store = undefined
    this.server = undefined
    this.figures = undefined
    this.fileRoom = undefined
    this.current = undefined
    return { unstoredChanges: unstored?.changes ?? 0, error }
  }

  /** @param isStarted whether the broker is still running; it may be closed meanwhile */
  async reload(
    config: ConfigInput,
    source: ConfigSource | undefined,
    isStarted: () => boolean,
  ): Promise<ReloadChanges> {
    const server = this.running()
    const current = this.current!
    const options = resolveOptions(config, source)
    const access = await this.#makeAccess(options, source)
    if (this.server !== server || !isStarted()) {
      await access.close()
      throw closedWhileReloaded()
    }
    let removed: readonly string[]
    let changeBridges: () => void
    const { admin } = this
    try {
      await this.#prepareTelemetry(options, server)
      changeBridges = await this.bridges.prepare(options).catch(placed(source))
      await admin.prepare(options)
      removed = await this.listeners.change(options.listeners).catch(placed(source))
      if (this.server !== server || !isStarted()) {
        await this.listeners.close()
        throw closedWhileReloaded()
      }
    } catch (error) {
      this.#telemetry.abandon()
      await admin.abandon()
      await access.close()
      throw error
    }
    const changes = reloadChanges(current.options, options)
    for (const key of changes.needRestart) {
      this.#log.warn({ key }, `\`${key}\` has changed; the change takes effect at the next start`)
    }
    const before = current.access
    this.config = config
    this.source = source
    current.options = options
    this.directory.limits = directoryLimits(options)
    current.access = access
    this.hostStreams.reload(options)
    server.reconfigure(removed)
    admin.commit()
    this.#telemetry.commit()
    changeBridges()
    current.returns = this.bridges.returns
    this.#startSysTopics(options)
    await before.close()
    this.events.emit('reloaded', { listeners: this.listeners.all })
    return changes
  }
}

/** What has come back from the store. */
function keptOf({ sessions, router, retainedMessages, gauges }: Server): Parameters<typeof logDamage>[1] {
  const [subscriptions, queuedMessages] = [router.subscriptions, gauges.queuedMessages + gauges.inflightOut]
  return { sessions: sessions.count, subscriptions, queuedMessages, retainedMessages: retainedMessages.count }
}

/** @throws the error, with the place of the key that it names */
function placed(source: ConfigSource | undefined): (error: unknown) => never {
  return (error) => {
    throw withPlaces(error, source)
  }
}

function closedWhileReloaded(): UsageError {
  return new UsageError('the broker was closed during the reload')
}
