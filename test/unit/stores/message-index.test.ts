import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MessageIndex } from '../../../src/stores/message-index.ts'
import { SegmentUsage } from '../../../src/stores/segment-usage.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { seed } from '../../support/seed.ts'

test(`a MessageIndex has what a Map has, and knows what lives in each segment (TEST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed)
  const usage = new SegmentUsage()
  const index = new MessageIndex(usage)
  const model = new Map<number, { segment: number; offset: number; length: number; references: number }>()
  for (let step = 0; step < 60_000; step++) {
    const number = random.chance(0.2) ? 2 ** 40 + random.integer(3000) : 1 + random.integer(9000)
    const known = model.get(number)
    if (known === undefined || random.chance(0.1)) {
      const place = { segment: 1 + random.integer(3), offset: random.integer(2 ** 32), length: random.integer(1000) }
      index.place(number, place.segment, place.offset, place.length)
      model.set(number, { ...place, references: known?.references ?? 0 })
    } else if (random.chance(0.4)) {
      index.refer(number)
      known.references++
    } else {
      index.release(number)
      index.forgetReleased()
      if (--known.references <= 0) model.delete(number)
    }
  }
  assert.equal(index.size, model.size)
  for (const [number, { references, ...place }] of model) {
    assert.deepEqual(index.locate(number), place)
    assert.equal(index.lives(number), references > 0)
  }
  for (const segment of [1, 2, 3]) {
    const inSegment = [...model.values()].filter((place) => place.segment === segment)
    assert.equal(usage.of(segment).liveMessages, inSegment.length)
  }
  assert.equal(usage.total.liveMessages, model.size)
})

test('a message that is referred to before it is found, and never found, is lost', () => {
  const index = new MessageIndex(new SegmentUsage())
  index.refer(7)
  assert.deepEqual([...index.lost()], [7])
  assert.equal(index.locate(7), undefined)
  index.place(7, 1, 100, 10)
  assert.deepEqual([...index.lost()], [])
})

test('a message stays to the end of the turn, which may refer to it again', () => {
  const index = new MessageIndex(new SegmentUsage())
  index.place(7, 1, 100, 10)
  index.refer(7)
  index.release(7)
  index.refer(7)
  index.forgetReleased()
  assert.deepEqual(index.locate(7), { segment: 1, offset: 100, length: 10 })
  index.release(7)
  index.forgetReleased()
  assert.equal(index.has(7), false)
})

test('while a start replays, a message without references stays, because they may come again', () => {
  const index = new MessageIndex(new SegmentUsage())
  index.forgets = false
  index.place(7, 1, 100, 10)
  index.refer(7)
  index.release(7)
  assert.ok(index.has(7))
  index.forgets = true
  index.dropUnreferenced()
  assert.equal(index.has(7), false)
})
