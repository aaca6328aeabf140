import assert from 'node:assert/strict'
import { test } from 'node:test'
import { EntryQueue } from '../../../src/stores/entry-queue.ts'
import { SeededRandom } from '../../../src/testing/random.ts'
import { seed } from '../../support/seed.ts'

function all(queue: EntryQueue): number[] {
  const numbers: number[] = []
  for (let after = 0; ; after = numbers.at(-1)!) {
    const some = queue.copyAfter(after)
    if (some.length === 0) return numbers
    for (let at = 0; at < some.length; at += 3) numbers.push(some[at]!)
  }
}

test(`an EntryQueue has what a Map has, in order (TEST_SEED=${seed})`, () => {
  const random = new SeededRandom(seed)
  const queue = new EntryQueue()
  const model = new Map<number, number>()
  let entryNumber = 0
  for (let step = 0; step < 20_000; step++) {
    // Long phases of growing and of shrinking, so that chunks come and go.
    if (random.chance(step % 4000 < 2000 ? 0.7 : 0.3)) {
      entryNumber += 1 + (random.chance(0.1) ? random.integer(1000) : 0)
      assert.ok(queue.push(entryNumber, entryNumber * 2, 7))
      model.set(entryNumber, entryNumber * 2)
    } else if (model.size > 0) {
      const near = [...model.keys()].slice(0, 30)
      const gone = random.chance(0.7) ? near[0]! : random.pick(near)
      queue.remove(gone)
      model.delete(gone)
      assert.equal(queue.find(gone), false)
    }
    assert.equal(queue.size, model.size)
  }
  assert.deepEqual(all(queue), [...model.keys()])
  for (const [number, messageNumber] of model) {
    assert.ok(queue.find(number))
    assert.equal(queue.data[queue.at + 1], messageNumber)
  }
})

test('an entry that was there and is gone does not come again', () => {
  const queue = new EntryQueue()
  for (let number = 1; number <= 600; number++) queue.push(number, number, 0)
  queue.remove(300)
  assert.equal(queue.push(300, 300, 0), false)
  assert.equal(queue.find(300), false)
  assert.equal(queue.find(601), false)
  assert.equal(queue.find(0), false)
})
