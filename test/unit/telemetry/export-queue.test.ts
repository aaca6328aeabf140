import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ExportQueue, type ExportQueueParts } from '../../../src/telemetry/export-queue.ts'
import type { ExportOutcome } from '../../../src/telemetry/exporters.ts'
import { VirtualClock } from '../../support/virtual-clock.ts'

const ACCEPTED: ExportOutcome = { code: 0 }
const REFUSED: ExportOutcome = { code: 1, error: new Error('503') }

class Probe {
  readonly clock = new VirtualClock()
  readonly batches: number[][] = []
  readonly problems: (string | undefined)[] = []
  lost = 0
  /** Answers of the exporter; without one it never answers. */
  answers: (ExportOutcome | Error)[] = []
  readonly queue: ExportQueue<number>

  constructor(limits: Partial<ExportQueueParts<number>> = {}) {
    this.queue = new ExportQueue({
      exporter: {
        export: (batch, done) => {
          this.batches.push(batch)
          const answer = this.answers.shift()
          if (answer instanceof Error) throw answer
          if (answer !== undefined) done(answer)
        },
        shutdown: () => Promise.resolve(),
      },
      ...{ clock: this.clock, maxQueued: 6, maxBatch: 3, intervalMs: 5_000, timeoutMs: 10_000 },
      lost: (count) => (this.lost += count),
      exported: (problem) => this.problems.push(problem),
      ...limits,
    })
  }

  add(...items: number[]): void {
    for (const item of items) this.queue.add(item)
    this.clock.runTurns()
  }
}

test('items wait for the interval; a full batch goes at the end of the turn', () => {
  const probe = new Probe()
  probe.answers = [ACCEPTED, ACCEPTED]
  probe.add(1)
  probe.clock.advance(4_999)
  assert.deepEqual(probe.batches, [])
  probe.clock.advance(1)
  assert.deepEqual(probe.batches, [[1]])
  for (const item of [2, 3, 4]) probe.queue.add(item)
  assert.equal(probe.batches.length, 1, 'not while a message is on its way')
  probe.clock.runTurns()
  assert.deepEqual(probe.batches, [[1], [2, 3, 4]])
  assert.equal(probe.lost, 0)
})

test('while one export is under way, items wait up to max-queued; further ones are lost and counted', () => {
  const probe = new Probe()
  probe.add(1, 2, 3)
  assert.deepEqual(probe.batches, [[1, 2, 3]])
  probe.add(4, 5, 6, 7, 8, 9, 10, 11)
  assert.deepEqual(probe.batches, [[1, 2, 3]])
  assert.deepEqual([probe.queue.isFull, probe.lost], [true, 2])
})

test('an exporter that hangs loses its batch after its time, and is asked again', () => {
  const probe = new Probe()
  probe.add(1, 2, 3, 4)
  probe.clock.advance(11_000)
  assert.deepEqual([probe.problems, probe.lost], [['no answer'], 3])
  probe.answers = [ACCEPTED]
  probe.clock.advance(5_000)
  assert.deepEqual(probe.batches, [[1, 2, 3], [4]])
  assert.deepEqual(probe.problems, ['no answer', undefined])
})

test('after a failure the next batch waits for the interval, however many wait', () => {
  const probe = new Probe()
  probe.answers = [REFUSED, new Error('broken'), ACCEPTED]
  probe.add(1, 2, 3)
  probe.add(4, 5, 6, 7)
  assert.deepEqual([probe.batches.length, probe.problems], [1, ['503']])
  probe.clock.advance(5_000)
  assert.deepEqual([probe.batches.length, probe.problems], [2, ['503', 'broken']])
  probe.clock.advance(5_000)
  assert.deepEqual(probe.batches.at(-1), [7])
  assert.equal(probe.lost, 6)
})

test('the end exports everything that waits, batch by batch', async () => {
  const probe = new Probe()
  probe.answers = [ACCEPTED, ACCEPTED]
  for (const item of [1, 2, 3, 4]) probe.queue.add(item)
  await probe.queue.end()
  assert.deepEqual(probe.batches, [[1, 2, 3], [4]])
  assert.equal(probe.lost, 0)
})

test('the end gives up what an exporter refuses, and waits for one that is under way', async () => {
  const probe = new Probe()
  probe.add(1, 2, 3, 4, 5)
  const ended = probe.queue.end()
  probe.clock.advance(11_000)
  await ended
  assert.deepEqual([probe.batches.length, probe.lost], [1, 5])
})

test('owners share the queue: a loud one gets half of it, two a third each, and a quiet one always has room', () => {
  const probe = new Probe({ maxQueued: 12, maxBatch: 100 })
  const held = (owner: string, count: number): number => {
    const before = probe.lost
    for (let at = 0; at < count; at++) probe.queue.add(at, owner)
    return count - (probe.lost - before)
  }
  assert.equal(held('loud', 1000), 6)
  assert.equal(held('other', 1000), 3)
  assert.deepEqual([probe.queue.hasRoomFor('loud'), probe.queue.hasRoomFor('quiet')], [false, true])
  assert.equal(held('quiet', 1), 1)
  probe.answers = [ACCEPTED]
  probe.clock.advance(5_000)
  assert.equal(probe.batches[0]!.length, 10)
  assert.equal(held('loud', 1000), 6, 'what was exported no longer counts')
})
