/** A broker that closes over a Store that cannot write: it ends in time, and reports what was not stored. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StoreError } from '../../../src/base/errors.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import { MemoryDisk } from '../../../src/stores/memory-disk.ts'
import { Broker } from '../../../src/create-broker.ts'
import type { Store } from '../../../src/stores/store.ts'
import { handlingAll } from '../../support/handling-all.ts'
import { VirtualBroker } from '../../support/virtual-broker.ts'
import { listLogger } from '../../support/list-logger.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const FOREVER = { sessionExpiryInterval: 0xffff_ffff }
/** What Clients, and then the disk, have by default. */
const LONGEST_MS = 2000 + 5000

interface Closed {
  readonly error: StoreError | undefined
  readonly tookMs: number
}

/** Closes in virtual time; a close that never ends fails the test after an hour. */
async function close(broker: VirtualBroker, before: (atMs: number) => void = () => undefined): Promise<Closed> {
  const { clock } = broker
  const startedAtMs = clock.now()
  let closed: Closed | undefined
  const ended = (error: StoreError | undefined): void => void (closed = { error, tookMs: clock.now() - startedAtMs })
  broker.broker.close().then(() => ended(undefined), ended)
  for (;;) {
    for (let round = 0; round < 5 && closed === undefined; round++) {
      await new Promise((resolve) => setImmediate(resolve))
      clock.runTurns()
    }
    if (closed !== undefined) return closed
    assert.ok(clock.now() - startedAtMs < 60_000, 'close() has not ended after a minute')
    before(clock.now() - startedAtMs)
    clock.advance(100)
  }
}

/** A broker with one message for an absent reader that is stored, and one that was not: the disk had failed by then. */
async function failing(
  disk: MemoryDisk,
  how: 'rejects' | 'never answers',
  settings: object = {},
): Promise<VirtualBroker> {
  const broker = await VirtualBroker.start({ persistence: {} }, { disk, ...settings })
  const reader = broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
  await broker.settle()
  reader.subscribe('queue', 1)
  await broker.settle()
  reader.drop()
  await broker.settle()
  const publisher = broker.connect({ clientId: 'publisher' })
  publisher.publish('queue', 'stored', 1)
  await broker.settle()
  const puback = publisher.takeFirst(PacketType.PUBACK)
  assert.ok(puback?.type === PacketType.PUBACK && puback.reasonCode === 0)
  fail(disk, how)
  publisher.publish('queue', 'not stored', 1)
  await broker.settle()
  assert.equal(publisher.takeFirst(PacketType.PUBACK), undefined, 'nothing is acknowledged that is not stored')
  return broker
}

function fail(disk: MemoryDisk, how: 'rejects' | 'never answers'): void {
  disk.options.before = (operation) => {
    if (operation === 'read' || operation === 'remove') return
    if (how === 'never answers') return new Promise<void>(() => undefined)
    throw new StoreError('ERR_STORE_DISK', 'cannot write journal-00000001.log: input/output error')
  }
}

for (const how of ['rejects', 'never answers'] as const) {
  test(`a disk that ${how}: close() ends within its time, and reports what was not stored`, async () => {
    const disk = new MemoryDisk()
    const log = listLogger()
    const broker = await failing(disk, how, { logger: log })
    const events: object[] = []
    broker.broker.on('closed', (event) => events.push(event))
    const { error, tookMs } = await close(broker)
    assert.ok(tookMs <= LONGEST_MS, `${tookMs} ms`)
    assert.equal(error?.code, 'ERR_STORE_UNSTORED')
    assert.match(
      error.message,
      /^\d+ changes \(\d+ bytes\) could not be stored within 5 s \(persistence\.close-timeout\)/,
    )
    assert.match(error.message, how === 'rejects' ? /input\/output error/ : /the store has not answered/)
    assert.deepEqual(events, [{ unstoredChanges: Number(/^\d+/.exec(error.message)![0]) }])
    assert.equal(broker.broker.state, 'closed')
    assert.ok(log.lines.includes(error.message))

    const next = await VirtualBroker.start({ persistence: {} }, { disk: disk.kill() })
    const reader = next.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
    await next.settle()
    const got = reader.receiveAll().map(({ payload }) => Buffer.from(payload).toString())
    assert.equal(got[0], 'stored', 'what was acknowledged is there')
    await next.close()
  })
}

test('persistence.close-timeout says how long a close waits for the disk', async () => {
  const disk = new MemoryDisk()
  const broker = await VirtualBroker.start({ persistence: { 'close-timeout': 30 } }, { disk })
  broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
  await broker.settle()
  fail(disk, 'never answers')
  const { error, tookMs } = await close(broker)
  assert.equal(error?.code, 'ERR_STORE_UNSTORED')
  assert.ok(tookMs > 20_000 && tookMs <= 32_000, `${tookMs} ms`)
})

test('a disk that writes again while the broker closes has everything, and close() resolves', async () => {
  const disk = new MemoryDisk()
  const broker = await failing(disk, 'rejects')
  const { error } = await close(broker, (atMs) => {
    if (atMs >= 1000) delete disk.options.before
  })
  assert.equal(error, undefined)
  const next = await VirtualBroker.start({ persistence: {} }, { disk: disk.kill() })
  const reader = next.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
  await next.settle()
  assert.deepEqual(
    reader.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
    ['stored', 'not stored'],
  )
  await next.close()
})

test('a broker that gave up on its disk starts again once that works', async () => {
  const disk = new MemoryDisk()
  const broker = await failing(disk, 'rejects')
  assert.notEqual((await close(broker)).error, undefined)
  delete disk.options.before
  await broker.broker.start()
  broker.clock.runTurns()
  assert.equal(broker.broker.state, 'started')
  assert.equal((await close(broker)).error, undefined)
})

/** A store of the host program that has nothing and forgets everything. */
const emptyStore: Store = {
  keeps: true,
  onHealth: () => undefined,
  load: () => Promise.resolve({ lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 }),
  write: () => undefined,
  read: () => [],
  close: () => Promise.resolve(),
}

const never = (): Promise<never> => new Promise(() => undefined)
const hostStores: readonly (readonly [string, Partial<Store>, string])[] = [
  ['whose write never ends', { write: never }, 'ERR_STORE_UNSTORED'],
  ['whose write rejects', { write: () => Promise.reject(new Error('no')) }, 'ERR_STORE_UNSTORED'],
  ['whose close never ends', { close: never }, 'ERR_STORE_CLOSE'],
  ['whose close rejects', { close: () => Promise.reject(new Error('no')) }, 'ERR_STORE_CLOSE'],
]
for (const [what, methods, code] of hostStores) {
  test(`a store of the host program ${what}: close() ends within its time`, async () => {
    let writes = 0
    const write = methods.write ?? ((): undefined => undefined)
    const store: Store = { ...emptyStore, ...methods, write: (...batch) => (writes++, write(...batch)) }
    const broker = await VirtualBroker.start({ persistence: {} }, { store })
    broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
    await broker.settle()
    const { error, tookMs } = await close(broker)
    assert.equal(error?.code, code)
    assert.ok(tookMs <= LONGEST_MS, `${tookMs} ms`)
    const before = writes
    for (let round = 0; round < 100; round++) {
      broker.advance(1000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(writes, before, 'a store that was closed is left alone')
  })
}

test('a signal that closes the broker over a failing disk: the log has it, and nothing is left unhandled', async () => {
  const controller = new AbortController()
  const log = listLogger()
  const broker = await failing(new MemoryDisk(), 'rejects', { logger: log, signal: controller.signal })
  controller.abort()
  for (let round = 0; round < 200 && broker.broker.state !== 'closed'; round++) {
    await broker.settle()
    broker.advance(100)
  }
  assert.equal(broker.broker.state, 'closed')
  assert.equal(log.lines.filter((line) => line.includes('could not be stored within')).length, 1)
})

test('close() while a store loads: the load is given up, and nothing is changed', async () => {
  const disk = new MemoryDisk()
  const first = await VirtualBroker.start({ persistence: {} }, { disk })
  for (let at = 0; at < 3000; at++) void first.broker.publish(`t/${at}`, Buffer.alloc(1000), { retain: true })
  await first.close()
  const before = disk.usedBytes
  const clock = new VirtualClock()
  const broker = new Broker({ listeners: {}, persistence: {} }, { disk, clock })
  let reads = 0
  let closed: Promise<void> | undefined
  disk.options.before = (operation) => {
    if (operation === 'read' && ++reads === 3) closed = broker.close()
  }
  await assert.rejects(broker.start(), /closed while it started/)
  await closed
  assert.equal(broker.state, 'closed')
  assert.ok(reads < 6, `${reads} reads`)
  assert.equal(disk.usedBytes, before)
})

/** A method that is no promise either. */
function throwing(): never {
  throw new Error('no word')
}

/** How a method of a store may break the contract. */
const breaches: readonly (readonly [string, () => Promise<never>])[] = [
  ['rejects', () => Promise.reject(new Error('no word'))],
  ['rejects without an error', () => Promise.reject(undefined as unknown as Error)],
  ['rejects with a text', () => Promise.reject('no word' as unknown as Error)],
  ['throws', throwing],
  [
    'returns an awaitable that is no Promise and rejects',
    () => ({ then: (_: unknown, reject: (error: Error) => void) => reject(new Error('no word')) }) as Promise<never>,
  ],
]

for (const [how, breach] of breaches) {
  test(`a store of the host program whose write ${how} counts as failing, and nothing is left unhandled`, () =>
    handlingAll(async () => {
      const broker = await VirtualBroker.start({ persistence: {} }, { store: { ...emptyStore, write: breach } })
      const conditions: string[] = []
      broker.broker.on('storeHealth', ({ condition, reason }) => conditions.push(`${condition}: ${reason}`))
      broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
      await broker.settle()
      assert.equal(conditions.length, 1)
      assert.match(
        conditions[0]!,
        /^failing: the store of this program rejected a write: (no word|.*no Error was thrown)/,
      )
      assert.equal((await close(broker)).error?.code, 'ERR_STORE_UNSTORED')
    }))

  test(`a store of the host program whose close ${how}: close() reports it, and nothing is left unhandled`, () =>
    handlingAll(async () => {
      const broker = await VirtualBroker.start({ persistence: {} }, { store: { ...emptyStore, close: breach } })
      assert.equal((await close(broker)).error?.code, 'ERR_STORE_CLOSE')
      assert.equal(broker.broker.state, 'closed')
    }))

  test(`a store of the host program whose load ${how}: start() rejects, the next may succeed, and nothing is left unhandled`, () =>
    handlingAll(async () => {
      let isBroken = true
      const store: Store = { ...emptyStore, load: (...all) => (isBroken ? breach() : emptyStore.load(...all)) }
      const clock = new VirtualClock()
      const broker = new Broker({ listeners: {}, persistence: {} }, { store, clock })
      const cause: unknown = await (async () => breach())().catch((error: unknown) => error)
      await assert.rejects(broker.start(), (error) => {
        assert.ok(error instanceof StoreError)
        assert.equal(error.code, 'ERR_STORE_LOAD')
        assert.match(error.message, /^the store of this program cannot be loaded: (no word|.*no Error was thrown)/)
        assert.deepEqual(error.cause, cause)
        return 'cause' in error
      })
      assert.equal(broker.state, 'closed')
      isBroken = false
      await broker.start()
      assert.equal((await close(new VirtualBroker(broker, clock))).error, undefined)
    }))
}

test('a store of the host program that rejects once nobody waits any more: nothing is left unhandled', () =>
  handlingAll(async () => {
    const rejects: ((error: Error) => void)[] = []
    const later = (): Promise<never> => new Promise((_, reject) => rejects.push(reject))
    const store: Store = { ...emptyStore, write: later, close: later }
    const broker = await VirtualBroker.start({ persistence: {} }, { store })
    broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
    await broker.settle()
    assert.equal((await close(broker)).error?.code, 'ERR_STORE_UNSTORED')
    assert.equal(rejects.length, 2)
    for (const reject of rejects) reject(new Error('no word'))
    for (let round = 0; round < 5; round++) {
      broker.advance(10_000)
      await new Promise((resolve) => setImmediate(resolve))
    }
    assert.equal(rejects.length, 2, 'a store that was closed is not written')
  }))

test('a store of the host program that outlives two starts: each report is passed on once', async () => {
  const listeners: Parameters<Store['onHealth']>[0][] = []
  const store: Store = { ...emptyStore, onHealth: (listener) => void listeners.push(listener) }
  const broker = await VirtualBroker.start({ persistence: {} }, { store })
  const reasons: string[] = []
  broker.broker.on('storeHealth', ({ reason }) => reasons.push(reason))
  await broker.close()
  await broker.broker.start()
  for (const listener of listeners) listener({ condition: 'full', cause: new Error('the quota is used up') })
  assert.deepEqual(reasons, ['the quota is used up'])
  await broker.close()
})

test('what a store of the host program could not load is logged, whichever class it is of', async () => {
  const log = listLogger()
  const damage = [{ name: 'page-7', path: '/data/page-7', offset: 42, what: 'the checksum is wrong' }]
  const broker = await VirtualBroker.start({ persistence: {} }, { store: { ...emptyStore, damage }, logger: log })
  assert.ok(log.lines.includes('damage: /data/page-7, byte 42: the checksum is wrong'))
  await broker.close()
})

test('an object that is no store: start() rejects, and names the methods that it has not', async () => {
  const store = { keeps: true, load: never, write: () => undefined } as unknown as Store
  const broker = new Broker({ listeners: {}, persistence: {} }, { store, clock: new VirtualClock() })
  await assert.rejects(broker.start(), { code: 'ERR_USAGE', message: /has no method onHealth, read, close;/ })
})

const notLoaded: readonly (readonly [what: string, load: () => unknown, message: RegExp])[] = [
  ['resolves with nothing', () => undefined, /cannot be loaded/],
  [
    'resolves with numbers that are none',
    () => ({ lastSessionNumber: 'a' }),
    /lastSessionNumber must be a number from 0/,
  ],
  ['resolves without the newest record', () => ({ lastSessionNumber: 0, lastMessageNumber: 0 }), /newestRecordMs must/],
]
for (const [what, load, message] of notLoaded) {
  test(`a store of the host program whose load ${what}: start() rejects with an Error that says so`, async () => {
    const store = { ...emptyStore, load } as Store
    const broker = new Broker({ listeners: {}, persistence: {} }, { store, clock: new VirtualClock() })
    await assert.rejects(broker.start(), { code: 'ERR_STORE_LOAD', message })
    assert.equal(broker.state, 'closed')
  })
}

/** Changes that nobody can apply. */
const wrongChanges: readonly unknown[] = [null, 7, { kind: 'queued', entry: { sessionNumber: 7 } }, { kind: 'session' }]
for (const change of wrongChanges) {
  test(`a store of the host program that loads ${JSON.stringify(change)}, and swallows what that throws, has not loaded`, async () => {
    const store: Store = {
      ...emptyStore,
      load: async (apply, ...rest) => {
        await Promise.resolve(change as never)
          .then(apply)
          .catch(() => undefined)
        return emptyStore.load(apply, ...rest)
      },
    }
    const broker = new Broker({ listeners: {}, persistence: {} }, { store, clock: new VirtualClock() })
    await assert.rejects(broker.start(), { code: 'ERR_STORE_LOAD' })
    assert.equal(broker.state, 'closed')
  })
}

/** What the broker can do without. */
const rubbish: Readonly<Record<string, object>> = {
  'figures that throw': { figures: throwing },
  'figures that are none': { figures: () => 'many' },
  'room that is NaN': { roomBytes: NaN },
  'room that is a text': { roomBytes: 'much' },
  'room that cannot be read': { get roomBytes() { return throwing() } },
  'damage that is no list': { damage: 7 },
  'damage that holds nothing': { damage: [null] },
  'damage that cannot be read': { get damage() { return throwing() } },
  'reports that say nothing': { onHealth: (tell: (health: unknown) => void) => [null, {}, { condition: 'ill' }].forEach(tell) },
} // prettier-ignore
for (const [what, parts] of Object.entries(rubbish)) {
  test(`a store of the host program with ${what} is used without`, () =>
    handlingAll(async () => {
      const store = Object.defineProperties(
        {},
        {
          ...Object.getOwnPropertyDescriptors(emptyStore),
          ...Object.getOwnPropertyDescriptors(parts),
        },
      ) as Store
      const broker = await VirtualBroker.start({ persistence: {}, 'sys-interval': 1 }, { store })
      const client = broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
      await broker.settle()
      client.subscribe('a', 1)
      await broker.settle()
      client.publish('a', 'x', 1)
      broker.advance(3000)
      await broker.settle()
      assert.deepEqual(client.takePayloads(), ['x'])
      assert.equal(broker.broker.figures().length > 0, true)
      assert.equal((await close(broker)).error, undefined)
    }))
}

test('a store of the host program whose room cannot be read costs one line a second, however often it is asked', async () => {
  const descriptors = Object.getOwnPropertyDescriptors(emptyStore)
  const store = Object.defineProperties({}, { ...descriptors, roomBytes: { get: throwing } }) as Store
  const logger = listLogger()
  const broker = await VirtualBroker.start({ persistence: {} }, { store, logger })
  const client = broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
  await broker.settle()
  client.subscribe('a', 1)
  await broker.settle()
  for (let count = 0; count < 100; count++) client.publish('a', 'x', 1)
  await broker.settle()
  const linesOf = (): string[] => logger.lines.filter((line) => line.includes('failed in roomBytes'))
  assert.equal(linesOf().length, 1)
  broker.advance(1000)
  client.publish('a', 'x', 1)
  await broker.settle()
  assert.equal(linesOf().length, 2)
  await close(broker)
})

test('a store of the host program whose onHealth throws: start() rejects with an Error of ours', async () => {
  const store: Store = { ...emptyStore, onHealth: throwing }
  const broker = new Broker({ listeners: {}, persistence: {} }, { store, clock: new VirtualClock() })
  await assert.rejects(broker.start(), { code: 'ERR_STORE_LOAD', message: /cannot report its health: no word/ })
})

const MESSAGE = {
  messageNumber: 1,
  topicName: 'a',
  qos: 1,
  retain: false,
  properties: {},
  publisher: '',
  expiresAtMs: undefined,
} as const
const SESSION = {
  sessionNumber: 1,
  clientId: 'reader',
  userName: undefined,
  protocolVersion: 5,
  sessionExpiryInterval: 0xffff_ffff,
  expiresAtMs: undefined,
} as const
const ENTRY = {
  sessionNumber: 1,
  entryNumber: 1,
  messageNumber: 1,
  qos: 1,
  retain: false,
  subscriptionIdentifiers: [],
  sharedFilter: undefined,
} as const

/** Payloads that a store may answer a read with. */
const reads: readonly (readonly [what: string, read: () => unknown, tried: boolean])[] = [
  ['throws', throwing, true],
  ['rejects with null', () => Promise.reject(null as unknown as Error), true],
  ['gives no list', () => 'x', true],
  ['gives too few', () => [], true],
  ['gives a text', () => ['x'], false],
  ['gives a payload of another length', () => [Buffer.from('longer')], false],
]
for (const [what, read, isTried] of reads) {
  test(`a store of the host program whose read ${what}: ${isTried ? 'it is read again' : 'that message is dropped'}`, () =>
    handlingAll(async () => {
      let isBroken = true
      const load: Store['load'] = async (apply, _progress, begins) => {
        begins?.(0)
        apply({ kind: 'message', message: { ...MESSAGE, payload: Buffer.alloc(0), payloadOnDiskBytes: 1 } })
        apply({ kind: 'session', session: SESSION })
        apply({ kind: 'queued', entry: ENTRY })
        return { lastSessionNumber: 1, lastMessageNumber: 1, newestRecordMs: 0 }
      }
      const store = { ...emptyStore, load, read: () => (isBroken ? read() : [Buffer.from('x')]) } as Store
      const broker = await VirtualBroker.start({ persistence: {} }, { store })
      const client = broker.connect({ clientId: 'reader', cleanStart: false, properties: FOREVER })
      await broker.settle()
      isBroken = false
      broker.advance(1000)
      await broker.settle()
      assert.deepEqual(
        client.receiveAll().map(({ payload }) => Buffer.from(payload).toString()),
        isTried ? ['x'] : [],
      )
      assert.equal(broker.broker.metrics.payloadsDamaged, isTried ? 0 : 1)
      await close(broker)
    }))
}
