/**
 * A whole broker in memory and virtual time, Clients in slots that do as the steps say, two bystanders, and the
 * oracles:
 *
 *   step ──> Client ──bytes──> broker ──bytes──> Client: is that an answer that the standard allows?
 *                │                                        bystanders: is every message there, once and in order?
 *                └──> Requests: which rule is broken?     end: is everybody gone, and all memory back?
 *
 * A world is made from a number and changed by steps alone, so that a list of steps replays what happened.
 *
 * @module
 */
import { hashBytes } from '../../src/base/bytes.ts'
import { silentLogger } from '../../src/base/log.ts'
import { Directory } from '../../src/access/directory/directory.ts'
import { Access } from '../../src/access/access.ts'
import { ListenerState } from '../../src/broker/sessions/listener-state.ts'
import { Events } from '../../src/reporting/events.ts'
import { resolveOptions, type ConfigInput, type Options } from '../../src/config/options.ts'
import { nominalMemory } from '../../src/limits/process-memory.ts'
import { Server } from '../../src/broker/server.ts'
import { Traces } from '../../src/admin/trace/traces.ts'
import type { ProtocolVersion } from '../../src/codec/packet-types.ts'
import { ApplicationMessage } from '../../src/protocol/application-message.ts'
import { MemoryStore } from '../../src/stores/memory-store.ts'
import { poisonMemory } from '../../src/testing/poison.ts'
import type { StoreModel } from '../../src/testing/store-model.ts'
import { VirtualClock } from '../support/virtual-clock.ts'
import { Bystanders } from './bystanders.ts'
import { costOf, excess } from './cost.ts'
import { checkDecoding } from './decoding.ts'
import { FuzzClient, type Surroundings } from './fuzz-client.ts'
import { makePlugin, Promises } from './login.ts'
import { SeededRandom } from '../../src/testing/random.ts'
import { SlowStore } from './slow-store.ts'
import { compareWithStore } from './stored-facts.ts'
import type { LateStep, PromptStep } from './step.ts'

poisonMemory()

export const SLOTS = 6
const VERSIONS = [3, 4, 5] as const
/** Longer than any Session, Will or retained message of a world lives. */
const LIFETIME_MS = 200_000

/** By which a wrong log-in may be told late. */
const LOGIN_DELAY_MS = 300

/** Limits that bite soon; what is not named has its default. */
const LIMITS: ConfigInput = {
  listeners: { default: { bind: '127.0.0.1:1883' } },
  'sys-interval': 0,
  'max-connect-packet-size': 4096,
  'max-packet-size': 20_000,
  'max-session-expiry': 100,
  'max-topic-levels': 10,
  'topic-alias-maximum': 5,
  'receive-maximum': 10,
  'max-outgoing-bytes': 20_000,
}

/** What a world with a Store has. */
const PERSISTENCE: ConfigInput = {
  persistence: { 'max-ram-bytes': 6000, 'max-session-ram-bytes': 2000 },
  'max-uncommitted-bytes': 65_536,
}

/** What worlds differ in. */
const VARIANTS: readonly ConfigInput[] = [
  {},
  { 'max-queued-messages': 5, 'max-inflight-messages': 3, 'queue-full': 'drop-oldest', 'max-subscriptions': 5 },
  { 'max-queued-bytes': 6000, 'max-retained-messages': 3, 'max-sessions': 2, 'max-sessions-per-user': 1 },
  { retain: false, 'max-qos': 1 },
  { 'shared-subscriptions': false, 'wildcard-subscriptions': false, 'subscription-identifiers': false },
  { 'max-packet-size': 200_000, 'max-outgoing-bytes': 300_000 },
  {
    // More than the bystanders ever need: what is theirs is not dropped.
    'max-memory-per-session': 12_000,
    'max-memory': 1_000_000,
    'max-outgoing-topic-aliases': 0,
    'response-information': 'r',
    'client-id-ownership': false,
  },
]

/** A failure of the broker, with the steps that led to it. */
export class FuzzFailure extends Error {}

export class World implements Surroundings {
  readonly options: Options
  /** Takes packets that go other ways than small ones do. */
  readonly isRoomy: boolean
  readonly clients: (FuzzClient | undefined)[] = Array.from({ length: SLOTS }, () => undefined)
  /** The first thing that went wrong. */
  problem: string | undefined
  readonly #clock: VirtualClock
  readonly #promises = new Promises()
  /** What the Store holds, in a world that has one. */
  readonly #facts: StoreModel | undefined
  readonly #server: Server
  /** Whether there are traces, which look at the time each second. */
  readonly #isTraced: boolean
  readonly #listener: ListenerState
  readonly #bystanders: Bystanders
  /** Whose stream the broker has not heard the end of. */
  readonly #open = new Map<unknown, FuzzClient>()
  /** Every message that anybody published, by a hash. */
  readonly #messages = new Set<string>()
  /** Packet Identifiers that the last Connection of a Client left unacknowledged. */
  readonly #inFlight = new Map<string, ReadonlySet<number>>()
  readonly #topicFilters = new Map<string, Set<string>>()
  #opened = 0

  constructor(number: number) {
    const random = new SeededRandom(number)
    const checksTopics = random.chance(0.7)
    this.#clock = new VirtualClock({ seed: number })
    const plugin = makePlugin(this.#promises, random.chance(0.5))
    const topicCheck: ConfigInput = checksTopics ? { 'topic-check': { plugins: [plugin] } } : {}
    const store = random.chance(0.5) ? this.#makeStore() : undefined
    const isSlow = random.chance(0.8)
    this.#facts = store?.facts
    const persistence: ConfigInput = store === undefined ? {} : PERSISTENCE
    const varied = { ...LIMITS, ...persistence, ...VARIANTS[number % VARIANTS.length] }
    this.options = resolveOptions({
      ...varied,
      auth: { plugins: [plugin], 'max-login-delay-ms': LOGIN_DELAY_MS },
      ...topicCheck,
    })
    this.isRoomy = this.options.maxPacketSize > 100_000
    const access = new Access({
      loginPlugins: [plugin],
      topicPlugins: checksTopics ? [plugin] : undefined,
      clock: this.#clock,
      log: silentLogger,
    })
    const events = new Events(silentLogger)
    if (random.chance(0.3)) events.on('packetReceived', () => {})
    const directory = new Directory(() => this.#clock.wallNow())
    const current = { options: this.options, access, directory }
    this.#server = new Server({
      current,
      clock: this.#clock,
      store: store ?? new MemoryStore(),
      storeChanged: () => undefined,
      loadControl: () => Promise.reject(new Error('nobody asks')),
      events,
      log: silentLogger,
      processMemory: nominalMemory,
    })
    this.#isTraced = number % 5 === 0
    if (this.#isTraced) followEverything(this.#server)
    this.#server.turn.open() // nothing is stored yet that would have to be loaded
    this.#watch(this.#server)
    this.#server.turn.open()
    this.#listener = new ListenerState(this.options.listeners[0]!)
    const versions = [random.pick(VERSIONS), random.pick(VERSIONS)] as const
    const [speaker, listener] = [this.#connect('the speaker', 0), this.#connect('the listener', 0)]
    this.#bystanders = new Bystanders(speaker, listener, versions, this, store !== undefined)
    this.#turn()
    if (isSlow) store?.slowDown(this.#promises)
  }

  #makeStore(): SlowStore {
    return new SlowStore({
      fail: (problem) => this.fail(problem),
      stored: (message) => this.#bystanders.stored(message),
    })
  }

  // ---- what Clients ask (Surroundings) ----

  now(): number {
    return this.#clock.now()
  }

  fail(problem: string): void {
    this.problem ??= problem
  }

  topicFiltersOf(clientId: string): Set<string> {
    const topicFilters = this.#topicFilters.get(clientId) ?? new Set()
    this.#topicFilters.set(clientId, topicFilters)
    return topicFilters
  }

  published(topicName: string, payload: Uint8Array): void {
    this.#messages.add(keyOf(topicName, payload))
  }

  wasPublished(topicName: string, payload: Uint8Array): boolean {
    return this.#messages.has(keyOf(topicName, payload))
  }

  leftInFlight(clientId: string): ReadonlySet<number> {
    return this.#inFlight.get(clientId) ?? new Set()
  }

  leaveInFlight(clientId: string, packetIdentifiers: ReadonlySet<number>): void {
    this.#inFlight.set(clientId, packetIdentifiers)
  }

  hasRival(client: FuzzClient, clientId: string): boolean {
    return this.clients.some((other) => other !== client && other?.requests.connect?.clientId === clientId)
  }

  // ---- steps ----

  /**
   * Does one step.
   *
   * @throws {FuzzFailure} as soon as anything is wrong
   */
  play(step: PromptStep): void {
    try {
      this.#do(step)
    } catch (error) {
      this.#escaped(error)
    }
    this.#check()
  }

  /** As `play`, for steps in which promises come to their end. */
  async playLate(step: LateStep): Promise<void> {
    try {
      if (step.do === 'cost') await this.#measure(step.version, step.bytes)
      else if (step.do === 'end') await this.#end()
      else if (step.do === 'settle') await this.#settle()
      else await this.#commit()
    } catch (error) {
      this.#escaped(error)
    }
    this.#check()
  }

  #escaped(error: unknown): void {
    this.fail(`an exception escaped: ${(error as Error).stack}`)
  }

  #check(): void {
    if (this.problem !== undefined) throw new FuzzFailure(this.problem)
  }

  #do(step: PromptStep): void {
    switch (step.do) {
      case 'open':
        this.#openSlot(step.slot, step.address)
        return
      case 'send':
        this.clients[step.slot]?.send(step.bytes)
        return
      case 'turn':
        this.#bystanders.speak()
        this.#turn()
        return
      case 'wait':
        this.#turn()
        this.#clock.advance(step.milliseconds)
        this.#turn()
        for (const client of this.clients) {
          client?.checkKeepAlive()
          client?.checkPace()
        }
        return
      case 'decode': {
        const { problem } = checkDecoding(step.bytes, step.version, step.sender)
        if (problem !== undefined) this.fail(problem)
        return
      }
      default:
        this.clients[step.slot]?.[step.do]()
    }
  }

  /** Notes how Connections end, and what is the broker's own mistake. */
  #watch({ departures, reports }: Server): void {
    const closed = departures.closed.bind(departures)
    departures.closed = (connection, end) => {
      closed(connection, end)
      this.#open.get(connection)?.ended(end)
    }
    const failed = reports.failed.bind(reports)
    reports.failed = (connection, error) => {
      failed(connection, error)
      this.fail(`internal error: ${(error as Error).stack}`)
    }
  }

  /** A slot has one Connection at a time: the one before is lost. */
  #openSlot(slot: number, address: number): void {
    this.clients[slot]?.lose()
    this.clients[slot] = this.#connect(`client ${slot}, connection ${++this.#opened}`, address)
  }

  #connect(name: string, address: number): FuzzClient {
    const client = new FuzzClient(name, this)
    const peer = { listener: 'default', address: `192.0.2.${address}`, encrypted: false }
    client.incoming = this.#server.connections.accept(client, peer, this.#listener)
    if (client.incoming === undefined) this.fail(`${name} is refused at once`)
    this.#open.set(client.incoming, client)
    return client
  }

  async #measure(version: ProtocolVersion, bytes: Uint8Array): Promise<void> {
    const problem = excess(await costOf(version, bytes))
    if (problem !== undefined) this.fail(`out of proportion: ${problem}`)
  }

  /** Ends turns until nothing more happens. */
  #turn(): void {
    let goesOn = true
    for (let round = 0; goesOn; round++) {
      this.#clock.runTurns()
      goesOn = this.#bystanders.listen()
      for (const client of this.#open.values()) {
        if (client.deliverInbox()) goesOn = true
        // What the Server has ended is gone as soon as the far end has taken what was left.
        if (client.isEnded && !client.isLost && !client.isFrozen) {
          client.lose()
          goesOn = true
        }
        if (client.isLost) this.#open.delete(client.incoming)
      }
      if (round > 10_000) throw new Error('turns without end')
    }
  }

  async #settle(): Promise<void> {
    do await this.#commit()
    while (this.#promises.size > 0)
  }

  /** Promises that are kept lead to new ones: those wait for the next time. */
  async #commit(): Promise<void> {
    this.#promises.keep()
    await new Promise<void>((resolve) => setImmediate(resolve))
    this.#turn()
  }

  // ---- the end ----

  async #end(): Promise<void> {
    for (const client of this.clients) client?.thaw()
    this.#turn()
    await this.#settle()
    this.#clock.advance(LOGIN_DELAY_MS)
    await this.#settle()
    for (const client of this.clients) client?.checkSettled()
    this.#compareWithStore()
    for (const client of this.clients) client?.lose()
    this.#turn()
    this.#clock.advance(LIFETIME_MS)
    await this.#settle()
    this.#clearRetained()
    this.#bystanders.speak()
    await this.#settle()
    this.#bystanders.check()
    this.#account()
    this.clients.fill(undefined)
    this.#topicFilters.clear()
    this.#messages.clear()
    this.#inFlight.clear()
  }

  #compareWithStore(): void {
    if (this.#facts === undefined) return
    const { sessions, retainedMessages } = this.#server
    const difference = compareWithStore(this.#facts, [...sessions.all()], retainedMessages)
    if (difference !== undefined) this.fail(`the Store differs: ${difference}`)
  }

  #clearRetained(): void {
    const topicNames = Array.from(this.#server.retainedMessages.messages(), ({ topicName }) => topicName)
    const erasing = {
      payload: new Uint8Array(0),
      qos: 0,
      retain: true,
      publisher: '',
      receivedAtMs: this.now(),
    } as const
    for (const topicName of topicNames)
      this.#server.hostPublishing.publish(ApplicationMessage.of({ topicName, ...erasing }))
  }

  /** Only the bystanders are left. */
  #account(): void {
    const { connections, sessions, router, retainedMessages, admission, gauges } = this.#server
    const counts: Record<string, readonly [is: number, shouldBe: number]> = {
      connections: [connections.size, 2],
      'accepted connections': [admission.connected, 2],
      'newcomers in the lobby': [connections.lobby.size, 0],
      'newcomers of the listener': [this.#listener.newcomers.size, 0],
      'networks with streams': [connections.lobby.networkCount, 1],
      'accepted connections of the listener': [this.#listener.connected, 2],
      streams: [this.#open.size, 2],
      sessions: [sessions.count, 2],
      'sessions away': [sessions.awayCount, 0],
      subscriptions: [router.subscriptions, 1],
      'retained messages': [retainedMessages.count, 0],
      'retained bytes': [retainedMessages.bytes, 0],
      'queued messages': [gauges.queuedMessages, 0],
      'queued bytes': [gauges.queuedBytes, 0],
      'messages in flight': [gauges.inflightOut, 0],
      'messages received and not released': [gauges.inflightIn, 0],
      'stored sessions': [this.#facts?.sessions.size ?? 1, 1],
      'stored messages': [this.#facts?.messages.size ?? 0, 0],
      'stored wills': [this.#facts?.wills.size ?? 0, 0],
      'stored retained messages': [this.#facts?.retained.size ?? 0, 0],
      'waiting timers': [this.#clock.waitingTimers, this.#isTraced ? 1 : 0],
    }
    for (const [what, [is, shouldBe]] of Object.entries(counts)) {
      if (is !== shouldBe) this.fail(`memory is not back to where it was: ${is} ${what}, not ${shouldBe}`)
    }
  }
}

function keyOf(topicName: string, payload: Uint8Array): string {
  return `${hashBytes(payload, 0, payload.length)} ${payload.length} ${topicName}`
}

/** Traces of all clients and of all messages, which must not change what happens. */
function followEverything(server: Server): void {
  const settings = { ...TRACE_SETTINGS, showPayloads: 'operator' } as const
  const traces = new Traces(server, () => settings)
  const caller = { name: 'fuzz', role: 'operator' } as const
  for (const filter of [{ address: '0.0.0.0/0' }, { userName: 'ann' }, { topicFilter: '#' }]) {
    const trace = traces.start({ ...filter, payloadBytes: 20, seconds: 1e9 }, caller, false)
    const sink = { write: () => undefined, close: () => undefined, waitingBytes: 0 }
    traces.read(trace, { after: 0, maxBytes: 100_000, mayRead: () => true }, sink)
  }
}

const TRACE_SETTINGS = {
  ...{ maxTraces: 4, maxTracesPerCaller: 4, maxTraceSeconds: 1e9, maxTraceRecords: 1e9, maxTraceBytes: 1e12 },
  ...{ maxTraceRate: 100, maxTraceClients: 3, maxTraceBufferBytes: 65_536 },
}
