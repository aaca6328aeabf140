/**
 * The contract of every Store: random Changes, written turn by turn, are returned after reopening exactly as a plain
 * Map keeps them.
 *
 * It is a list of cases that works with any test runner.
 *
 * @module
 */
import assert from 'node:assert/strict'
import { realClock } from '../turn/clock.ts'
import type { Change, Store, StoreHealth } from '../stores/store.ts'
import { SeededRandom } from './random.ts'
import { RandomTurns } from './random-turns.ts'
import { assertSame, StoreModel } from './store-model.ts'

/** A place where a store can be opened, closed, and opened again. */
export interface StoreBed {
  open(): Promise<Store>
  /**
   * From now on nothing can be written there, or everything can again. If a bed implements this, the reaction of a
   * store is tested too.
   */
  fail?(isFailing: boolean): void
  /** Removes the place. */
  end?(): Promise<void>
}

/** One requirement for a Store. */
export interface StoreCase {
  /** A sentence, with the seed of its random Changes if it uses any. */
  readonly name: string
  /** Rejects if the Store does not meet the requirement. */
  readonly run: () => Promise<void>
}

/** Opens a store and returns what it loaded, including payloads. */
export async function loadModel(store: Store): Promise<StoreModel> {
  const model = new StoreModel()
  await store.load((change) => model.apply(change))
  await readPayloads(store, model)
  return model
}

/** Fetches the payloads that stayed on disk. */
export async function readPayloads(store: Store, model: StoreModel): Promise<void> {
  const onDisk = [...model.messages.values()].filter((message) => (message.payloadOnDiskBytes ?? 0) > 0)
  const payloads = await store.read(onDisk.map(({ messageNumber }) => messageNumber))
  for (const [index, message] of onDisk.entries()) {
    const payload = payloads[index]
    assert.ok(payload !== undefined, `the payload of message ${message.messageNumber} is there`)
    assert.equal(payload.length, message.payloadOnDiskBytes)
    model.messages.set(message.messageNumber, { ...message, payload: new Uint8Array(payload) })
  }
}

/** The cases, each of which gets a bed of its own. */
const cases: Readonly<Record<string, (bed: StoreBed, seed: number) => Promise<void>>> = {
  'an empty store gives nothing back, and starts its numbers at 0': async (bed) => {
    const store = await bed.open()
    const changes: Change[] = []
    const loaded = await store.load((change) => changes.push(change))
    assert.deepEqual(changes, [])
    assert.deepEqual(loaded, { lastSessionNumber: 0, lastMessageNumber: 0, newestRecordMs: 0 })
    await store.close()
  },

  'the time of the newest record is known before the first fact is given back': async (bed, seed) => {
    const first = await bed.open()
    await first.load(() => undefined)
    const turns = new RandomTurns(new SeededRandom(seed + 3), new StoreModel())
    for (let turn = 0; turn < 10; turn++) await first.write(turns.next(), 'disk')
    await first.close()

    const second = await bed.open()
    const order: (number | string)[] = []
    const loaded = await second.load(
      ({ kind }) => order.push(kind),
      undefined,
      (newestRecordMs) => order.push(newestRecordMs),
    )
    assert.ok(loaded.newestRecordMs > 0)
    assert.equal(order[0], loaded.newestRecordMs)
    assert.equal(order.filter((each) => typeof each === 'number').length, 1)
    await second.close()
  },

  'random turns, reopened now and then, come back as written': async (bed, seed) => {
    const random = new SeededRandom(seed)
    const turns = new RandomTurns(random, new StoreModel())
    for (let round = 0; round < 8; round++) {
      const store = await bed.open()
      const model = await loadModel(store)
      assertSame(model.picture(), turns.model.picture(), `round ${round}`)
      for (let turn = random.integer(120); turn > 0; turn--) {
        const done = store.write(turns.next(), random.pick(['disk', 'process', 'memory'] as const))
        if (random.chance(0.2)) await done
      }
      await store.close()
    }
  },

  'a message that one receiver is done with goes on to another in the same turn': async (bed) => {
    const store = await bed.open()
    await store.load(() => undefined)
    await store.write(handedOn, 'disk')
    const [payload] = await store.read([1])
    assert.equal(Buffer.from(payload!).toString(), 'handed on')
    await store.close()
  },

  'a store that can store everything is well, and reports nothing': async (bed, seed) => {
    const store = await bed.open()
    const reports = reportsOf(store)
    await store.load(() => undefined)
    const turns = new RandomTurns(new SeededRandom(seed + 5), new StoreModel())
    for (let turn = 0; turn < 20; turn++) await store.write(turns.next(), 'disk')
    await store.close()
    assert.deepEqual(reports, [])
  },

  'a write that cannot be stored waits, is reported and does not reject; then it is stored': async (bed, seed) => {
    if (bed.fail === undefined) return
    const store = await bed.open()
    const reports = [reportsOf(store), reportsOf(store)] as const
    await store.load(() => undefined)
    const turns = new RandomTurns(new SeededRandom(seed + 4), new StoreModel())
    await store.write(turns.next(), 'disk')
    bed.fail(true)
    let isDone = false
    const written = [1, 2, 3].map(() => Promise.resolve(store.write(turns.next(), 'disk')))
    const done = Promise.all(written).finally(() => (isDone = true))
    while (reports[0].length === 0) await passing()
    for (let round = 0; round < 50; round++) await passing()
    assert.deepEqual([isDone, reports[0].some(({ condition }) => condition === 'well')], [false, false])
    for (const { cause } of reports[0]) assert.ok(cause !== undefined, 'a report names its cause')
    bed.fail(false)
    await done
    assert.deepEqual(reports[0].at(-1), { condition: 'well', cause: undefined })
    assert.deepEqual(reports[1], reports[0], 'every listener is called')
    await store.close()

    const again = await bed.open()
    assertSame((await loadModel(again)).picture(), turns.model.picture(), 'opened again')
    await again.close()
  },

  'a close that cannot store what waits rejects once; the writes stay pending, and the store can be opened again':
    async (bed, seed) => {
      if (bed.fail === undefined) return
      const store = await bed.open()
      const reports = reportsOf(store)
      await store.load(() => undefined)
      const turns = new RandomTurns(new SeededRandom(seed + 6), new StoreModel())
      for (let turn = 0; turn < 5; turn++) await store.write(turns.next(), 'disk')
      const stored = turns.model.picture()
      bed.fail(true)
      let outcome = 'pending'
      const written = Promise.resolve(store.write(turns.next(), 'disk'))
      written.then(
        () => (outcome = 'stored'),
        () => (outcome = 'rejected'),
      )
      while (reports.length === 0) await passing()
      await assert.rejects(() => store.close())
      for (let round = 0; round < 50; round++) await passing()
      assert.equal(outcome, 'pending')
      bed.fail(false)

      const again = await bed.open()
      assertSame(
        (await loadModel(again)).picture(),
        stored,
        'what was stored before is there, and nothing of what was not',
      )
      await again.close()
    },

  'payloads can be read while the store is written, in any order': async (bed, seed) => {
    const store = await bed.open()
    await store.load(() => undefined)
    const random = new SeededRandom(seed + 1)
    const turns = new RandomTurns(random, new StoreModel(), 5000)
    for (let turn = 0; turn < 60; turn++) {
      const done = store.write(turns.next(), 'disk')
      const wanted = [...turns.model.referred()].filter(() => random.chance(0.3)).toSorted(() => random.next() - 0.5)
      const payloads = await store.read(wanted)
      const expected = wanted.map((messageNumber) => turns.model.messages.get(messageNumber)!.payload)
      assert.deepEqual(
        payloads.map((bytes) => Buffer.from(bytes!)),
        expected.map((bytes) => Buffer.from(bytes)),
      )
      await done
    }
    await store.close()
  },

  'a message that is gone is given back as undefined, and the others that were asked for as written': async (bed) => {
    const store = await bed.open()
    await store.load(() => undefined)
    await store.write(handedOn, 'disk')
    const payloads = await store.read([99, 1, 100])
    assert.deepEqual(
      payloads.map((bytes) => bytes && Buffer.from(bytes).toString()),
      [undefined, 'handed on', undefined],
    )
    await store.close()
  },

  'the highest numbers ever used are known, though nothing that used them lives': async (bed, seed) => {
    const first = await bed.open()
    await first.load(() => undefined)
    const turns = new RandomTurns(new SeededRandom(seed + 2), new StoreModel())
    for (let turn = 0; turn < 20; turn++) await first.write(turns.next(), 'disk')
    const { sessions, retained, access } = turns.model
    const last = Math.max(...sessions.keys())
    const ended = [...sessions.keys()].map((sessionNumber) => ({ kind: 'session-ended', sessionNumber }) as const)
    const cleared = [...retained.keys()].map((topicName) => ({ kind: 'retained-cleared', topicName }) as const)
    const removed = [...access.values()].map(({ type, name }) => ({ kind: 'access-removed', type, name }) as const)
    await first.write([...ended, ...cleared, ...removed], 'disk')
    await first.close()

    const second = await bed.open()
    const loaded = await second.load((change) => assert.equal(change.kind, 'nothing'))
    assert.ok(loaded.lastSessionNumber >= last)
    assert.equal(loaded.lastMessageNumber, Math.max(0, ...turns.model.messages.keys()))
    assert.ok(loaded.newestRecordMs > 0)
    await second.close()
  },
}

/**
 * The cases that every Store has to pass, for your own test runner. Each creates a bed, uses it, and removes it.
 *
 * @param makeBed creates a new, empty place for stores
 * @param seed of the random Changes; it is part of the names of the cases. Default 1
 *
 * @example
 * const noBed = () => Promise.reject(new Error('no place to create one'))
 * storeCases(noBed, 7)[0].name // 'an empty store gives nothing back, and starts its numbers at 0 (seed 7)'
 */
export function storeCases(makeBed: () => Promise<StoreBed>, seed = 1): StoreCase[] {
  return Object.entries(cases).map(([name, use]) => ({
    name: `${name} (seed ${seed})`,
    run: () => inBed(makeBed, (bed) => use(bed, seed)),
  }))
}

/** Records what the store reports from now on. */
function reportsOf(store: Store): StoreHealth[] {
  const reports: StoreHealth[] = []
  store.onHealth((health) => reports.push(health))
  return reports
}

function passing(): Promise<void> {
  return new Promise((resolve) => realClock.atEndOfTurn(resolve))
}

async function inBed(makeBed: () => Promise<StoreBed>, use: (bed: StoreBed) => Promise<void>): Promise<void> {
  const bed = await makeBed()
  try {
    await use(bed)
  } finally {
    await bed.end?.()
  }
}

/** One turn: the first receiver cannot take the message, the second keeps it. */
const handedOn: readonly Change[] = [
  ...[1, 2].map((sessionNumber): Change => {
    const session = {
      sessionNumber,
      clientId: `client ${sessionNumber}`,
      userName: undefined,
      protocolVersion: 5,
    } as const
    return { kind: 'session', session: { ...session, sessionExpiryInterval: 1000, expiresAtMs: undefined } }
  }),
  {
    kind: 'message',
    message: {
      ...{ messageNumber: 1, topicName: 'a', payload: Buffer.from('handed on'), qos: 1, retain: false, properties: {} },
      ...{ publisher: '', expiresAtMs: undefined },
    },
  },
  ...[1, 2].flatMap((sessionNumber): Change[] => {
    const entry = { sessionNumber, entryNumber: 1, messageNumber: 1, qos: 1, retain: false } as const
    const queued: Change = { kind: 'queued', entry: { ...entry, subscriptionIdentifiers: [], sharedFilter: undefined } }
    return sessionNumber === 1 ? [queued, { kind: 'done', sessionNumber, entryNumber: 1 }] : [queued]
  }),
]
