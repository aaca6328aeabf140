import assert from 'node:assert/strict'
import { test } from 'node:test'
import { realClock } from '../../../src/turn/clock.ts'
import { Gathering } from '../../../src/turn/gathering.ts'
import { Metrics } from '../../../src/reporting/metrics.ts'

const PAUSE_MS = 0.2

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
