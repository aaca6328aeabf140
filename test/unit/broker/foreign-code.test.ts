/**
 * Every door for foreign code: each function of a plugin or of the host program that the broker calls. Whatever comes
 * of a call (it throws, rejects, returns rubbish, or never comes to its end), the process goes on, other Clients are
 * served, and the broker closes in its time. The tables are complete by their types: a new question, store method or
 * setting does not compile without a row here.
 */
import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import type { Server as HttpServer } from 'node:http'
import { Duplex } from 'node:stream'
import { test } from 'node:test'
import type { Logger } from '../../../src/base/log.ts'
import type { Plugin, PluginFactory } from '../../../src/access/plugin.ts'
import type { BrokerSettings } from '../../../src/broker/broker-settings.ts'
import { eventNames } from '../../../src/reporting/events.ts'
import type { ConfigInput } from '../../../src/config/options.ts'
import { Broker, createBroker } from '../../../src/create-broker.ts'
import { encodePacket } from '../../../src/codec/encode.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { Incoming, Transport } from '../../../src/protocol/transport.ts'
import type { Store } from '../../../src/stores/store.ts'
import { handlingAll } from '../../support/handling-all.ts'
import { listLogger } from '../../support/list-logger.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import type { TestClient } from '../../support/test-client.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

/** What may come of a call. */
const breaches: Readonly<Record<string, () => unknown>> = {
  throws: () => {
    throw new Error('no word')
  },
  'throws null': () => {
    throw null as unknown as Error
  },
  rejects: () => Promise.reject(new Error('no word')),
  'rejects with no Error': () => Promise.reject(Object.create(null) as Error),
  'rejects as a thenable': () => ({ then: (_: unknown, reject: (error: unknown) => void) => reject('no word') }),
  'returns a thenable that throws': () => ({
    then: () => {
      throw new Error('no word')
    },
  }),
  'returns rubbish': () => ({ decision: {}, length: -1 }),
  'returns null': () => null,
  'never comes to its end': () => new Promise(() => undefined),
}

/** How long a close may take: Clients and plugins, then the store. */
const LONGEST_CLOSE_MS = 2000 + 5000 + 1000

/** Something of the host program that is called; `breach` is what it does. */
interface Door {
  readonly config?: object
  readonly settings?: Partial<BrokerSettings>
  /** Exercises it, besides what every broker goes through. */
  readonly use?: (broker: VirtualBroker) => void
  /** Whether a broker that does not start, and says why, is right too. */
  readonly mayNotStart?: true
}

type MakeDoor = (breach: () => never) => Door

const KEPT = { cleanStart: false, properties: { sessionExpiryInterval: 1000 } } as const

/**
 * What every broker goes through: Clients come and go, publish, subscribe, leave Wills; time passes; it is reloaded.
 */
async function live(broker: VirtualBroker): Promise<void> {
  const client = broker.open()
  client.connect({ clientId: 'one', will: { topicName: 'will' }, ...KEPT })
  await pass(broker)
  client.subscribe(['a', 'will'], 1)
  await pass(broker)
  client.publish('a', 'x', 1, { retain: true })
  await pass(broker)
  client.subscribe('a', 1)
  await pass(broker)
  client.drop()
  await pass(broker)
}

async function pass(broker: VirtualBroker): Promise<void> {
  await broker.settle()
  broker.advance(3000)
  await broker.settle()
}

/** A Client that has nothing to do with any of it. */
async function assertServed(broker: VirtualBroker, isAsked: boolean): Promise<void> {
  const other = broker.connect({ clientId: 'other' })
  // Plugins may be asked once more, after a reload.
  for (let times = 0; times < 3; times++) await pass(broker)
  // Whom plugins are asked about may be denied; nobody may hang.
  assert.ok(other.connack !== undefined || other.isClosed || takes(other, PacketType.CONNACK), 'it has its CONNACK')
  if (isAsked) return
  other.subscribe('other', 0)
  other.publish('other', 'y')
  await pass(broker)
  assert.deepEqual(other.takePayloads(), ['y'])
}

function takes(client: TestClient, type: number): boolean {
  return client.take().some((packet) => packet.type === type)
}

async function assertCloses(broker: VirtualBroker): Promise<void> {
  const beganMs = broker.clock.now()
  let isOver = false
  const over = (): void => void (isOver = true)
  broker.broker.close().then(over, over)
  for (let round = 0; !isOver && broker.clock.now() - beganMs <= LONGEST_CLOSE_MS; round++) {
    await broker.settle()
    if (!isOver) broker.advance(100)
  }
  assert.ok(isOver, 'close() has ended in its time')
  assert.equal(broker.broker.state, 'closed')
}

/** Starts; a start that takes too long fails. @returns `undefined` where it rejected with an Error */
async function start(door: Door): Promise<VirtualBroker | undefined> {
  const clock = new VirtualClock()
  const config = { listeners: {}, 'sys-interval': 1, 'plugin-start-timeout': 1, 'plugin-timeout': 1, ...door.config }
  const broker = new Broker(config as ConfigInput, { clock, ...door.settings })
  let started: 'yes' | 'no' | undefined
  let why: unknown
  broker.start().then(
    () => (started = 'yes'),
    (error: unknown) => ([started, why] = ['no', error]),
  )
  const test = new VirtualBroker(broker, clock)
  for (let round = 0; started === undefined && round < 100; round++) {
    await test.settle()
    if (broker.state === 'starting') test.advance(100)
  }
  if (started === 'yes') return test
  assert.ok(door.mayNotStart, `it starts, got ${started ?? 'nothing after ten seconds'}`)
  if (started === undefined) {
    // What never comes to its end cannot be waited for; a close ends it.
    await assertCloses(test)
    await test.settle()
  }
  assert.equal(started, 'no')
  assert.ok(why instanceof Error && 'code' in why, 'it rejects with an Error of ours')
  assert.equal(broker.state, 'closed')
  return undefined
}

/**
 * @param isSync whether it is called, by Node or by us, as what never returns a promise: then a promise is nobody's to
 * handle
 */
function prove(name: string, make: MakeDoor, isAsked = false, isSync = false): void {
  for (const [how, breach] of Object.entries(breaches)) {
    if (isSync && how.startsWith('rejects')) continue
    test(`${name} ${how}: nobody else notices, and the broker closes in its time`, () =>
      handlingAll(async () => {
        const door = make(breach as () => never)
        const broker = await start(door)
        if (broker === undefined) return
        door.use?.(broker)
        await live(broker)
        door.use?.(broker)
        await assertServed(broker, isAsked)
        await assertCloses(broker)
      }))
  }
}

// ---- plugins ----

/** Says yes to everything. */
const yes: Plugin = {
  name: 'yes',
  authenticate: () => ({ decision: 'allow' }),
  mayStay: () => true,
  mayPublish: () => true,
  maySubscribe: () => true,
  mayReceive: () => true,
}

function withPlugin(plugin: Partial<Plugin>): Door {
  const plugins = [yes, { name: 'bad', ...plugin }]
  const config = {
    auth: { plugins },
    'topic-check': { plugins, 'retained-check': 'publisher' },
    intercept: { plugins },
  }
  const question = { action: 'publish', topic: 'a' } as const
  return {
    config,
    use: ({ broker }) => {
      broker.explain(question).catch(() => undefined)
      broker
        .reload({ listeners: {}, 'sys-interval': 1, 'plugin-timeout': 1, ...config } as ConfigInput)
        .catch(() => undefined)
    },
  }
}

type Questions = Exclude<keyof Plugin, 'name' | 'stable' | 'maxLoginChecks'>

const questions: Readonly<Record<Questions, (breach: () => never) => Partial<Plugin>>> = {
  authenticate: (authenticate) => ({ authenticate }),
  mayStay: (mayStay) => ({ mayStay }),
  mayPublish: (mayPublish) => ({ mayPublish }),
  maySubscribe: (maySubscribe) => ({ maySubscribe }),
  mayReceive: (mayReceive) => ({ mayReceive }),
  intercept: (intercept) => ({ intercept }),
  transformDelivery: (transformDelivery) => ({ transformDelivery }),
  explain: (explain) => ({ explain, mayPublish: () => undefined }),
  close: (close) => ({ close }),
}

for (const [name, make] of Object.entries(questions)) {
  prove(`a plugin's ${name}`, (breach) => withPlugin(make(breach)), name !== 'close' && name !== 'explain')
}
prove('the check of a login', (check) => withPlugin({ authenticate: () => ({ decision: 'check', check }) }), true)
prove(
  'the decoy of a login',
  (check) => withPlugin({ authenticate: () => ({ decision: 'check', check, isDecoy: true }) }),
  true,
)
prove('the factory of a plugin', (factory) => ({ config: { plugins: [factory as PluginFactory] }, mayNotStart: true }))
prove("a plugin's listener to every event", (breach) => ({
  config: {
    plugins: [
      ({ events }: { events?: { on: (name: string, listener: () => void) => void } }) => {
        for (const name of eventNames) events!.on(name, breach)
        return { name: 'bad' }
      },
    ],
  },
}))

// ---- the host program ----

prove('a listener to every event', (breach) => ({
  use: ({ broker }) => {
    for (const name of eventNames) broker.on(name, breach)
  },
}))
prove('the listener of a subscription', (breach) => ({
  use: ({ broker }) => void broker.subscribe('#', breach),
}))

const loggers: Readonly<
  Record<Exclude<keyof Logger, 'refusal' | 'isSummedUp'>, (breach: () => never) => Partial<Logger>>
> = {
  debug: (debug) => ({ debug }),
  info: (info) => ({ info }),
  warn: (warn) => ({ warn }),
  error: (error) => ({ error }),
  isLevelEnabled: (isLevelEnabled) => ({ isLevelEnabled }),
}
for (const [name, make] of Object.entries(loggers)) {
  prove(`a logger's ${name}`, (breach) => ({ settings: { logger: { ...listLogger(), ...make(breach) } } }))
}
prove('every method of a logger', (breach) => ({
  settings: { logger: { debug: breach, info: breach, warn: breach, error: breach } },
}))

const stores: Readonly<Record<Exclude<keyof Store, 'keeps'>, 'get' | 'call'>> = {
  onHealth: 'call',
  load: 'call',
  write: 'call',
  read: 'call',
  close: 'call',
  figures: 'call',
  roomBytes: 'get',
  damage: 'get',
}
for (const [name, kind] of Object.entries(stores)) {
  prove(
    `a store's ${name}`,
    (breach) => {
      const store = Object.defineProperty({ ...emptyStore }, name, kind === 'get' ? { get: breach } : { value: breach })
      return { config: { persistence: {} }, settings: { store }, mayNotStart: true }
    },
    true,
  )
}

/** Has nothing, and forgets everything. */
const emptyStore: Store = {
  keeps: true,
  onHealth: () => undefined,
  load: () => Promise.resolve({ lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 }),
  write: () => undefined,
  read: () => [],
  close: () => Promise.resolve(),
}

const transports: Readonly<Record<keyof Transport, 'get' | 'call'>> = {
  write: 'call',
  unsentBytes: 'get',
  pauseReading: 'call',
  resumeReading: 'call',
  end: 'call',
  destroy: 'call',
}
const CONNECT = encodePacket(
  { type: PacketType.CONNECT, protocolVersion: 5, clientId: 'foreign', cleanStart: true, keepAlive: 1, properties: {} },
  5,
)
for (const [name, kind] of Object.entries(transports)) {
  prove(`a transport's ${name}`, (breach) => ({
    use: (broker) => {
      let incoming: Incoming | undefined
      const lost = (): void => incoming?.lost()
      const own = { unsentBytes: 0, write: () => true, pauseReading() {}, resumeReading() {}, end: lost, destroy: lost }
      const transport = Object.defineProperty(own, name, kind === 'get' ? { get: breach } : { value: breach })
      incoming = broker.broker.accept(transport, { listener: 'foreign', address: '', encrypted: false })
      incoming?.receive(CONNECT)
      incoming?.receive(encodePacket({ type: PacketType.PINGREQ }, 5))
    },
  }))
}

const streams = ['_write', '_read', '_final', '_destroy', 'write', 'pause', 'resume', 'end', 'destroy'] as const
for (const name of streams) {
  prove(
    `an attached stream's ${name}`,
    (breach) => ({
      use: (broker) => {
        const stream = new Duplex({ read() {}, write: (_chunk, _encoding, done) => done() })
        broker.broker.attach(stream, { address: '192.0.2.7' })
        Object.defineProperty(stream, name, { value: breach })
        stream.push(CONNECT)
      },
    }),
    false,
    true,
  )
}

prove(
  'the HTTP server of a mount',
  (breach) => ({
    use: ({ broker }) => {
      const server = Object.assign(new EventEmitter(), { listening: true }) as unknown as HttpServer
      broker.mount(server)
      Object.defineProperty(server, 'off', { value: breach })
    },
  }),
  false,
  true,
)

prove(
  'the signal of a subscription',
  (breach) => ({
    use: ({ broker }) => {
      const signal = { aborted: false, addEventListener() {}, removeEventListener: breach }
      broker.subscribe('#', { signal: signal as unknown as AbortSignal })
    },
  }),
  false,
  true,
)

/** What a host program may hand in beside the configuration, with where it is proved. */
const settings: Readonly<Record<keyof BrokerSettings, MakeDoor | string>> = {
  logger: 'above',
  store: 'above',
  signal: (breach) => ({
    settings: {
      signal: { aborted: false, addEventListener() {}, removeEventListener: breach } as unknown as AbortSignal,
    },
  }),
  processMemory: (breach) => ({
    settings: { processMemory: { availableBytes: 2 ** 30, usedBytes: breach, usedShare: breach, watch: breach } },
    mayNotStart: true,
  }),
  openFiles: (breach) => ({ settings: { openFiles: { limit: 1000, count: breach } }, mayNotStart: true }),
  clock: 'nowhere: without time there is no broker',
  disk: 'test/unit/broker/closing-store.test.ts and test/contract: it rejects, or never answers',
  repair: 'is no code',
  source: 'is no code',
  readConfig: (breach) => ({
    settings: { readConfig: breach },
    use: ({ broker }) => void broker.admin.reload().catch(() => undefined),
  }),
}
for (const [name, make] of Object.entries(settings))
  if (typeof make !== 'string') prove(`the setting ${name}`, make, false, true)

test('a setting that is not what it has to be is a UsageError that names what it lacks, before anything is open', () => {
  const wrong: readonly (readonly [settings: object, message: RegExp])[] = [
    [
      { logger: {} },
      /the logger .* has no method debug, info, warn, error; pass one .* such as \{ logger: pino\(\) \}/,
    ],
    [{ logger: null }, /the logger .* got null/],
    [{ log: console }, /^a broker has no setting "log"; the settings are logger, clock,/],
    [{ loger: console }, /^a broker has no setting "loger"; did you mean logger\?$/],
    [console, /^the settings of a broker are not a logger: write createBroker\(config, \{ logger \}\)$/],
    [{ logger: 'console' }, /the logger .* got a string/],
    [{ clock: { now: () => 0 } }, /the clock .* has no method wallNow, setTimer/],
    [{ signal: {} }, /the signal .* has no method addEventListener/],
    [{ disk: { open: 7 } }, /the disk .* has no method open, list/],
    [{ processMemory: {} }, /the processMemory .* has no method usedBytes/],
    [{ openFiles: {} }, /the openFiles .* has no method count/],
  ]
  for (const name of Object.keys(settings)) void new Broker({ listeners: {} }, { [name]: undefined })
  for (const [settings, message] of wrong) {
    assert.throws(() => new Broker({ listeners: {} }, settings), { code: 'ERR_USAGE', message })
  }
})

test('a setting in the place of the configuration is an error that says where it goes', async () => {
  await assert.rejects(createBroker({ logger: console } as object), {
    code: 'ERR_CONFIG',
    message:
      /^logger is not a known key here; a program passes it in the second argument, createBroker\(config, \{ logger \}\)/,
  })
})

test('iterators that are left: nothing waits for them, and the broker closes', () =>
  handlingAll(async () => {
    const broker = await VirtualBroker.start()
    for (let at = 0; at < 10; at++) broker.connect({ clientId: `c${at}` })
    const subscription = broker.broker.subscribe('#')
    void subscription.next()
    await subscription.return()
    void broker.broker.subscribe('#').next()
    const sessions = broker.broker.eachSession()
    await sessions.next()
    await sessions.return()
    void broker.broker.eachSession().next()
    await assert.rejects(async () => {
      for await (const _ of broker.broker.eachSession()) throw new Error('the loop is left')
    }, /the loop is left/)
    await assertCloses(broker)
  }))

test('a Connection that its owner says is lost twice is counted once', async () => {
  const broker = await VirtualBroker.start({ 'max-connections-per-address': 2 })
  const own = { unsentBytes: 0, write: () => true, pauseReading() {}, resumeReading() {}, end() {}, destroy() {} }
  const accept = (): Incoming | undefined =>
    broker.broker.accept({ ...own }, { listener: 'foreign', address: '192.0.2.7', encrypted: false })
  const [first, second, refused] = [accept(), accept(), accept()]
  assert.ok(first !== undefined && second !== undefined && refused === undefined)
  for (let times = 0; times < 3; times++) first.lost()
  assert.notEqual(accept(), undefined)
  assert.equal(accept(), undefined, 'still two at a time')
  await broker.close()
})
