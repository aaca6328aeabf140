import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { TopicTrie } from '../../../src/topics/topic-trie.ts'
import { matches } from '../../../src/topics/topic-filter.ts'
import { anyTopicFilter, anyTopicName } from './arbitraries.ts'

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
        const before = trie.version
        const changes = remove === values.has(value)
        assert.equal(remove ? trie.remove(topicFilter, value) : trie.add(topicFilter, value), changes)
        assert.equal(trie.version > before, changes)
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
