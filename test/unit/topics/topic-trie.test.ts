import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopicTrie } from '../../../src/topics/topic-trie.ts'
import { matches } from '../../../src/topics/topic-filter.ts'
import { anyTopicFilter, anyTopicName } from './arbitraries.ts'
import fc from '../../support/property.ts'

function matched(trie: TopicTrie<number>, topicName: string): number[] {
  const found: number[] = []
  trie.match(topicName, found)
  return found.toSorted((a, b) => a - b)
}

test('the trie finds what the plain matcher finds, while subscriptions come and go', () => {
  const step = fc.record({
    remove: fc.boolean(),
    topicFilter: anyTopicFilter,
    value: fc.integer({ min: 1, max: 40 }),
  })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.array(anyTopicName, { maxLength: 10 }), (steps, topicNames) => {
      const trie = new TopicTrie<number>()
      const model = new Map<string, Set<number>>()
      for (const { remove, topicFilter, value } of steps) {
        const values = model.get(topicFilter) ?? new Set()
        model.set(topicFilter, values)
        const changes = remove === values.has(value)
        assert.equal(remove ? trie.remove(topicFilter, value) : trie.add(topicFilter, value), changes)
        if (remove) values.delete(value)
        else values.add(value)
      }
      assert.equal(
        trie.size,
        [...model.values()].reduce((sum, values) => sum + values.size, 0),
      )
      for (const topicName of topicNames) {
        const expected = [...model].flatMap(([topicFilter, values]) =>
          matches(topicFilter, topicName) ? [...values] : [],
        )
        assert.deepEqual(
          matched(trie, topicName),
          expected.toSorted((a, b) => a - b),
        )
      }
    }),
    { numRuns: 500 },
  )
})

test('names that begin with $ are hidden from wildcards at the root [5.0 MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]', () => {
  const trie = new TopicTrie<number>()
  for (const [index, topicFilter] of ['#', '+/#', '+/uptime', '+', '$SYS/#', '$SYS/+'].entries()) {
    trie.add(topicFilter, index)
  }
  assert.deepEqual(matched(trie, '$SYS/uptime'), [4, 5])
  assert.deepEqual(matched(trie, '$SYS'), [4])
  assert.deepEqual(matched(trie, 'a/uptime'), [0, 1, 2])
})

test('level names that mean something to JavaScript mean nothing here', () => {
  const trie = new TopicTrie<number>()
  assert.deepEqual(matched(trie, '__proto__/constructor'), [])
  trie.add('__proto__/constructor', 1)
  trie.add('__proto__/toString', 2)
  assert.deepEqual(matched(trie, '__proto__/constructor'), [1])
  assert.deepEqual(matched(trie, 'hasOwnProperty'), [])
})

test('a topic of 32768 levels is added, matched by every kind of filter, and removed', () => {
  const trie = new TopicTrie<number>()
  const topicName = '/'.repeat(32767)
  const filters = [topicName, `${'+/'.repeat(32767)}+`, `${'/'.repeat(20000)}#`, `${'+/'.repeat(32767)}#`]
  for (const [index, topicFilter] of filters.entries()) trie.add(topicFilter, index)
  assert.deepEqual(matched(trie, topicName), [0, 1, 2, 3])
  for (const [index, topicFilter] of filters.entries()) assert.ok(trie.remove(topicFilter, index))
  assert.deepEqual(matched(trie, topicName), [])
})

test('a value among 100,000 at one filter is removed without a search', () => {
  const trie = new TopicTrie<number>()
  const values = Array.from({ length: 100_000 }, (_, index) => index + 1)
  for (const value of values) trie.add('a/+', value)
  assert.ok(!trie.add('a/+', 50_000))
  assert.equal(matched(trie, 'a/b').length, 100_000)
  // A search for each would take minutes. Backwards, forwards and from the middle end the same.
  for (const value of values) if (value % 3 !== 0) assert.ok(trie.remove('a/+', value))
  assert.deepEqual(
    matched(trie, 'a/b'),
    values.filter((value) => value % 3 === 0),
  )
  for (const value of values.toReversed()) assert.equal(trie.remove('a/+', value), value % 3 === 0)
  assert.deepEqual(matched(trie, 'a/b'), [])
  assert.equal(trie.size, 0)
})

test('values may be arrays or sets themselves', () => {
  const trie = new TopicTrie<object>()
  const list = [1, 2]
  const set = new Set([3])
  trie.add('a', list)
  const alone: object[] = []
  trie.match('a', alone)
  assert.deepEqual(alone, [list])
  trie.add('a', set)
  const both: object[] = []
  trie.match('a', both)
  assert.deepEqual(both, [list, set])
})
