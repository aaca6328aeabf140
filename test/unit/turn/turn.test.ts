import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SHARE_UNITS, TURN_UNITS } from '../../../src/base/work.ts'
import type { Connection } from '../../../src/protocol/connection.ts'
import type { Expiring } from '../../../src/base/timer-wheel.ts'
import { Gathering } from '../../../src/turn/gathering.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { Turn, type Task } from '../../../src/turn/turn.ts'
import type { TurnStore } from '../../../src/turn/store-gate.ts'
import type { Change } from '../../../src/stores/store.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

interface TestTurn {
  readonly turn: Turn
  readonly clock: VirtualClock
  readonly metrics: Metrics
  readonly failures: unknown[]
}

function makeTurn(store: TurnStore = new SlowStore()): TestTurn {
  const clock = new VirtualClock()
  const metrics = new Metrics()
  const failures: unknown[] = []
  const gathering = new Gathering(clock, metrics, 0)
  const failed = (error: unknown): void => void failures.push(error)
  const turn = new Turn({ clock, store, metrics, gathering, maxUncommittedBytes: 1_000_000_000, failed })
  turn.open()
  clock.runTurns()
  return { turn, clock, metrics, failures }
}

/** Work of so many units, in steps of 100. */
function workOf(turn: Turn, units: number, done: () => void = () => {}): Task {
  let left = units
  return {
    resume: () => {
      for (; left > 0; left -= 100) {
        if (turn.work.isSpent) return false
        turn.work.spend(100)
      }
      done()
      return true
    },
  }
}

test('an owner with ten thousand tasks gets no more than an owner with one', () => {
  const { turn, clock, metrics } = makeTurn()
  const [busy, modest] = [{}, {}]
  let ofBusy = 0
  let ofBusyBefore = 0
  for (let task = 0; task < 10_000; task++)
    turn.addTask(
      busy,
      workOf(turn, SHARE_UNITS, () => ofBusy++),
    )
  const units = 10 * SHARE_UNITS
  turn.addTask(
    modest,
    workOf(turn, units, () => (ofBusyBefore = ofBusy)),
  )
  clock.runTurns()
  assert.equal(ofBusy, 10_000)
  assert.ok(ofBusyBefore <= 10 + 1, `${ofBusyBefore} tasks of the busy owner were done before the modest one`)
  assert.ok(metrics.mostTurnWork <= TURN_UNITS + SHARE_UNITS)
})

test('whoever asks for little is not behind those who ask for much', () => {
  const { turn, clock, metrics } = makeTurn()
  let turnsUntilDone = Infinity
  for (let owner = 0; owner < 100; owner++) turn.addTask({}, workOf(turn, 10 * TURN_UNITS))
  // It comes while all of them are at work.
  turn.addTask(
    {},
    workOf(turn, 2 * TURN_UNITS, () => {
      const begun = metrics.turns
      turn.addTask(
        {},
        workOf(turn, 100, () => (turnsUntilDone = metrics.turns - begun)),
      )
    }),
  )
  clock.runTurns()
  assert.ok(turnsUntilDone <= 1, `${turnsUntilDone} turns`)
})

test('whoever asks for little is served in the next turn, even if each step of another owner takes a turn by itself', () => {
  const { turn, clock, metrics } = makeTurn()
  let steps = 0
  const greedy = {
    resume: () => {
      turn.work.spend(TURN_UNITS + 1)
      return ++steps === 50
    },
  }
  turn.addTask({}, greedy)
  const waits: number[] = []
  const ask = (): void => {
    const begun = metrics.turns
    turn.addTask(
      {},
      workOf(turn, 100, () => waits.push(metrics.turns - begun)),
    )
    if (steps < 40) turn.afterFlush(ask)
  }
  turn.afterFlush(ask)
  clock.runTurns()
  assert.equal(steps, 50)
  assert.ok(waits.length >= 20, `only ${waits.length} were served`)
  assert.ok(Math.max(...waits) <= 1, `${Math.max(...waits)} turns`)
})

test('those who ask for much are served in every turn, however many ask for little', () => {
  const { turn, clock, metrics } = makeTurn()
  let ofMuch = 0
  let turnsUntilDone = 0
  turn.addTask(
    {},
    workOf(turn, 20 * SHARE_UNITS, () => ((ofMuch = 1), (turnsUntilDone = metrics.turns))),
  )
  const begun = metrics.turns
  const crowd = (): void => {
    if (ofMuch === 1) return
    for (let owner = 0; owner < 500; owner++) turn.addTask({}, workOf(turn, 1000))
    turn.addTask({}, { resume: () => (turn.afterFlush(crowd), true) })
  }
  crowd()
  clock.runTurns()
  assert.equal(ofMuch, 1)
  assert.ok(turnsUntilDone - begun <= 25, `${turnsUntilDone - begun} turns`)
})

test('a task that throws is over; the others go on', () => {
  const { turn, clock, failures } = makeTurn()
  let isDone = false
  const owner = {}
  turn.addTask(owner, {
    resume: () => {
      throw new Error('a mistake')
    },
  })
  turn.addTask(
    owner,
    workOf(turn, 100, () => (isDone = true)),
  )
  clock.runTurns()
  assert.ok(isDone)
  assert.equal(failures.length, 1)
})

test('a deadline that throws is over; others, and those that come later, are kept', () => {
  const { turn, clock, failures } = makeTurn()
  const expired: string[] = []
  const entry = (name: string, expire: () => void = () => void expired.push(name)): Expiring => ({
    ...{ deadlineMs: 0, wheelIndex: -1, expire },
  })
  const mistake = new Error('our own mistake')
  const wrong = entry('wrong', () => {
    throw mistake
  })
  for (const [one, at] of [
    [wrong, 10],
    [entry('same'), 10],
    [entry('later'), 20],
  ] as const)
    turn.arm(one, turn.now() + at)
  clock.advance(100)
  assert.deepEqual([expired, failures], [['same', 'later'], [mistake]])
})

test('what is done at the end of a turn, or once something is stored, and throws is over; the rest is done', async () => {
  const store = new SlowStore()
  const { turn, clock, failures } = makeTurn(store)
  const mistakes = [new Error('flushed'), new Error('stored')]
  const done: string[] = []
  const throws = (at: number) => (): never => {
    throw mistakes[at]
  }
  turn.record({ kind: 'retained-cleared', topicName: 'a' }, 1)
  turn.afterFlush(throws(0))
  turn.afterFlush(() => void done.push('flushed'))
  turn.whenCommitted(throws(1))
  turn.whenCommitted(() => void done.push('stored'))
  clock.runTurns()
  await store.store(clock)
  assert.deepEqual([done, failures], [['flushed', 'stored'], mistakes])
})

test('a Connection that cannot write, or go on, is ended; the others write, and go on', () => {
  const { turn, clock } = makeTurn()
  const did: string[] = []
  const connection = (name: string, act: () => void): Connection =>
    ({
      flush: act,
      release: () => (act(), false),
      heldUntilChange: 0,
      fail: (error: Error) => void did.push(`${name} ended: ${error.message}`),
    }) as unknown as Connection
  const wrong = connection('one', () => {
    throw new Error('our own mistake')
  })
  const right = connection('two', () => void did.push('two'))
  for (const one of [wrong, right]) turn.wantsFlush(one)
  clock.runTurns()
  assert.deepEqual(did, ['one ended: our own mistake', 'two'])
  did.length = 0
  for (const one of [wrong, right]) turn.wantsRelease(one)
  turn.now()
  clock.runTurns()
  assert.deepEqual(did, ['one ended: our own mistake', 'two'])
})

test('thousands of deadlines at one moment come in their order, over several turns', () => {
  const { turn, clock, metrics } = makeTurn()
  const fired: number[] = []
  for (let entry = 0; entry < 30_000; entry++) {
    const expire = (): void => {
      turn.work.spend(50)
      fired.push(entry)
    }
    turn.arm({ deadlineMs: 0, wheelIndex: -1, expire }, clock.now() + 1000 + (entry % 7))
  }
  clock.advance(1010)
  assert.equal(fired.length, 30_000)
  assert.ok(fired.every((entry, at) => at === 0 || entry % 7 >= fired[at - 1]! % 7))
  assert.ok(metrics.mostTurnWork <= TURN_UNITS + SHARE_UNITS, String(metrics.mostTurnWork))
})

const COMMIT_UNITS = 40_000
/** What a turn counts besides what it packs. */
const SLACK_UNITS = 1000

/** Keeps what it is given, and says that it is stored when told. */
class SlowStore implements TurnStore {
  readonly roomBytes = Infinity
  readonly writes: (readonly Change[])[] = []
  readonly #waiting: (() => void)[] = []

  write(changes: readonly Change[]): Promise<void> {
    this.writes.push(changes)
    return new Promise((resolve) => this.#waiting.push(resolve))
  }

  /** The oldest write is stored. */
  async store(clock: VirtualClock): Promise<void> {
    this.#waiting.shift()!()
    await Promise.resolve()
    await Promise.resolve()
    clock.runTurns()
  }
}

function record(turn: Turn, clock: VirtualClock, changes: number): void {
  for (let change = 0; change < changes; change++) turn.record({ kind: 'will-removed', sessionNumber: change + 1 }, 100)
  clock.runTurns()
}

test('what gathered during a slow commit is packed piece by piece, whole turns each', async () => {
  const store = new SlowStore()
  const { turn, clock, metrics } = makeTurn(store)
  record(turn, clock, 10)
  assert.equal(store.writes.length, 1)
  for (let one = 0; one < 100; one++) record(turn, clock, 1500)
  assert.equal(store.writes.length, 1, 'one commit at a time')
  await store.store(clock)
  const sizes = store.writes.slice(1).map(({ length }) => length)
  assert.ok(
    sizes.every((size) => size === 1500),
    String(sizes),
  )
  assert.equal(sizes.length, 100)
  assert.equal(turn.committedCount, 10)
  assert.ok(metrics.mostTurnWork <= TURN_UNITS + SHARE_UNITS, String(metrics.mostTurnWork))
})

test('a second piece is packed in a turn only where it fits', async () => {
  const store = new SlowStore()
  const { turn, clock, metrics } = makeTurn(store)
  record(turn, clock, 10)
  for (const changes of [3500, 3500, 100, 100, 1999, 2001, 300]) record(turn, clock, changes)
  Object.assign(metrics, { mostTurnWork: 0 })
  const begun = metrics.turns
  await store.store(clock)
  assert.deepEqual(
    store.writes.map(({ length }) => length),
    [10, 3500, 3500, 200, 1999, 2001, 300],
  )
  assert.equal(metrics.turns - begun, 4)
  assert.ok(metrics.mostTurnWork <= COMMIT_UNITS + SLACK_UNITS, String(metrics.mostTurnWork))
})

test('a turn with more Changes than fit is packed all the same, alone', async () => {
  const store = new SlowStore()
  const { turn, clock, metrics } = makeTurn(store)
  record(turn, clock, 10)
  for (const changes of [6000, 100]) record(turn, clock, changes)
  const begun = metrics.turns
  await store.store(clock)
  assert.deepEqual(
    store.writes.map(({ length }) => length),
    [10, 6000, 100],
  )
  assert.equal(metrics.turns - begun, 2)
})

test('small turns are packed together', async () => {
  const store = new SlowStore()
  const { turn, clock } = makeTurn(store)
  record(turn, clock, 1)
  for (let one = 0; one < 100; one++) record(turn, clock, 3)
  await store.store(clock)
  assert.deepEqual(
    store.writes.map(({ length }) => length),
    [1, 300],
  )
})

test('a piece is committed only when all before it are', async () => {
  const store = new SlowStore()
  const { turn, clock } = makeTurn(store)
  record(turn, clock, 1)
  for (let one = 0; one < 3; one++) record(turn, clock, 1500)
  const stored: number[] = []
  turn.whenCommitted(() => stored.push(turn.committedCount))
  await store.store(clock)
  await store.store(clock)
  await store.store(clock)
  assert.deepEqual(stored, [])
  assert.equal(turn.committedCount, 3001)
  await store.store(clock)
  assert.deepEqual(stored, [4501])
})
