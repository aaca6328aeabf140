import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../../../src/turn/clock.ts'
import { Gathering } from '../../../src/turn/gathering.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { seed } from '../../support/seed.ts'

const PAUSE_MS = 0.2
const SECOND_MS = 1000

/** @returns ends a turn that had so many reads, and says whether there was a pause behind it */
function setUp(pauseMs = PAUSE_MS): (reads: number, turnMs?: number, packets?: number) => boolean {
  const metrics = new Metrics()
  const gathering = new Gathering({ ...realClock, pause: () => {} }, metrics, pauseMs)
  return (reads, turnMs = 0.05, packets = reads) => {
    const before = metrics.gatherPauses
    metrics.readsReceived += reads
    metrics.packetsReceived += packets
    gathering.afterTurn(turnMs)
    return metrics.gatherPauses > before
  }
}

test('while many Clients say little, there is a pause behind every turn', () => {
  const turn = setUp()
  assert.deepEqual(
    [1, 7, 5, 9, 4].map((reads) => turn(reads)),
    [true, true, true, true, true],
  )
})

test('a pause that gathers little is left out for twice as many turns each time, up to 1024', () => {
  const turn = setUp()
  const gaps: number[] = []
  let gap = 0
  for (let count = 0; count < 4200; count++) {
    if (turn(1)) {
      gaps.push(gap)
      gap = 0
    } else gap++
  }
  assert.deepEqual(gaps, [0, 1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 1024, 1024])
})

test('a pause that pays again is made again at every turn', () => {
  const turn = setUp()
  for (let count = 0; count < 7; count++) turn(1)
  while (!turn(1));
  assert.deepEqual([turn(6), turn(6), turn(6)], [true, true, true])
})

test('a turn that took as long as a pause, whose reads brought many packets, or that nothing was read in, has none behind it', () => {
  const turn = setUp()
  assert.equal(turn(20, PAUSE_MS), false)
  assert.equal(turn(8, 0.05, 17), false)
  assert.equal(turn(0), false)
  assert.equal(turn(1), true)
  assert.equal(turn(0), false, 'the Store began this turn')
  assert.equal(turn(5), true, 'and the pause before it is judged by what was read')
})

test('without gather-pause there is none', () => {
  const turn = setUp(0)
  assert.equal(turn(1), false)
})

/** What a thread costs that wakes for a read, and each read of a turn, in milliseconds. */
const WAKE_MS = 0.01
const READ_MS = 0.013

interface Fleet {
  readonly perSecond: number
  readonly pause: number | 'auto'
  /** How much later than asked for the system ends a pause. */
  readonly lateMs?: number
}

/** Many Clients that send one packet each, at random moments: 20,000 of them in virtual time. */
function serve({ perSecond, pause, lateMs = 0.07 }: Fleet): { turns: number; pauses: number; median: number } {
  const random = new SeededRandom(seed)
  const metrics = new Metrics()
  let now = 0
  const clock = { ...realClock, now: () => now, pause: (milliseconds: number) => void (now += milliseconds + lateMs) }
  const gathering = new Gathering(clock, metrics, pause)
  const delays: number[] = []
  let turns = 0
  let arrival = 0
  while (delays.length < 20_000) {
    if (arrival > now) now = arrival + WAKE_MS
    const begin = now
    const before = delays.length
    const arrivals: number[] = []
    for (; arrival <= begin; arrival -= (Math.log(1 - random.next()) * SECOND_MS) / perSecond) arrivals.push(arrival)
    now += arrivals.length * READ_MS
    for (const each of arrivals) delays.push(now - each)
    turns++
    metrics.readsReceived += delays.length - before
    metrics.packetsReceived += delays.length - before
    gathering.afterTurn(now - begin)
  }
  delays.sort((one, other) => one - other)
  return { turns, pauses: metrics.gatherPauses, median: delays[delays.length >> 1]! }
}

for (const perSecond of [100, 1000, 5000, 10_000]) {
  test(`auto: ${perSecond} packets a second gather too little, so there are next to no pauses and no delay`, () => {
    const [plain, auto] = [serve({ perSecond, pause: 0 }), serve({ perSecond, pause: 'auto' })]
    assert.ok(auto.pauses * 50 < auto.turns, `${auto.pauses} pauses in ${auto.turns} turns`)
    assert.ok(auto.median - plain.median < 0.001, `${plain.median} ms and ${auto.median} ms`)
  })
}

test('auto: 20,000 packets a second take half as many turns', () => {
  const [plain, auto] = [serve({ perSecond: 20_000, pause: 0 }), serve({ perSecond: 20_000, pause: 'auto' })]
  assert.ok(auto.turns < plain.turns * 0.6, `${plain.turns} and ${auto.turns} turns`)
})

for (const perSecond of [15_000, 20_000, 25_000, 30_000, 35_000, 40_000, 50_000, 60_000]) {
  test(`auto: at ${perSecond} packets a second half of them wait at most 0.1 ms longer`, () => {
    const [plain, auto] = [serve({ perSecond, pause: 0 }), serve({ perSecond, pause: 'auto' })]
    assert.ok(auto.median - plain.median < 0.1, `${plain.median} ms and ${auto.median} ms`)
  })
}

test('auto: where the system ends a pause much too late, there are next to none', () => {
  const auto = serve({ perSecond: 20_000, pause: 'auto', lateMs: 1 })
  assert.ok(auto.pauses * 50 < auto.turns, `${auto.pauses} pauses in ${auto.turns} turns`)
})

test('a length that is set is kept, however late the system ends it', () => {
  const fixed = serve({ perSecond: 20_000, pause: 0.2, lateMs: 1 })
  assert.ok(fixed.pauses * 2 > fixed.turns, `${fixed.pauses} pauses in ${fixed.turns} turns`)
})
