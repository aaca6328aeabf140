import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MatchCache } from '../../../src/topics/match-cache.ts'
import type { CachedTopic } from '../../../src/topics/match-cache.ts'
import { matches } from '../../../src/topics/topic-filter.ts'
import { TopicTrie } from '../../../src/topics/topic-trie.ts'
import { anyTopicFilter, anyTopicName } from './arbitraries.ts'
import fc from '../../support/property.ts'

/** Looks a topic up as the broker does: in the middle of a packet. */
function look<Result>(cache: MatchCache<Result>, topicName: string, put: true): CachedTopic<Result>
function look<Result>(cache: MatchCache<Result>, topicName: string, put?: boolean): CachedTopic<Result> | undefined
function look<Result>(cache: MatchCache<Result>, topicName: string, put = false): CachedTopic<Result> | undefined {
  const topicBytes = Buffer.from(topicName)
  const packet = Buffer.concat([Buffer.from([0x30, 0x00]), topicBytes, Buffer.from('payload')])
  const end = 2 + topicBytes.length
  return cache.find(packet, 2, end) ?? (put ? cache.put(packet, 2, end, topicName) : undefined)
}

test('the trie behind the cache answers as the trie alone, while subscriptions change', () => {
  const step = fc.record({ remove: fc.boolean(), topicFilter: anyTopicFilter, topicName: anyTopicName })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const trie = new TopicTrie<string>()
      const cache = new MatchCache<string[]>({ capacity: 8 })
      const filters = new Set<string>()
      let version = 0
      for (const { remove, topicFilter, topicName } of steps) {
        if (remove ? trie.remove(topicFilter, topicFilter) : trie.add(topicFilter, topicFilter)) version++
        if (remove) filters.delete(topicFilter)
        else filters.add(topicFilter)
        for (const name of [topicName, topicName, 'a/b']) {
          const entry = look(cache, name, true)
          if (entry.version !== version) {
            entry.result = []
            trie.match(entry.topicName, entry.result)
            entry.version = version
          }
          assert.equal(entry.topicName, name)
          assert.deepEqual(Buffer.from(entry.topicBytes).toString(), name)
          assert.deepEqual(entry.result?.toSorted(), [...filters].filter((filter) => matches(filter, name)).toSorted())
        }
      }
    }),
    { numRuns: 300 },
  )
})

test('an entry keeps its own copy of the bytes', () => {
  const cache = new MatchCache<number>()
  const packet = Buffer.from('a/b')
  cache.put(packet, 0, 3, 'a/b')
  packet.fill(0x78)
  assert.equal(look(cache, 'a/b')?.topicName, 'a/b')
  assert.equal(look(cache, 'xxx'), undefined)
})

test('the cache never holds more than its capacity', () => {
  const cache = new MatchCache<number>({ capacity: 60, seed: 7 })
  const topicNames = Array.from({ length: 10_000 }, (_, index) => `topic/${index}`)
  for (const topicName of topicNames) look(cache, topicName, true)
  const kept = topicNames.filter((topicName) => look(cache, topicName) !== undefined)
  assert.ok(kept.length <= 64)
  assert.ok(kept.length > 32)
})

test('a topic that is used stays while others pass through', () => {
  const cache = new MatchCache<number>({ capacity: 4 })
  const busy = look(cache, 'busy', true)
  for (let index = 0; index < 1000; index++) {
    look(cache, `passing/${index}`, true)
    assert.equal(look(cache, 'busy'), busy)
  }
})

test('a set whose entries are all in use still takes a new one', () => {
  const cache = new MatchCache<number>({ capacity: 4 })
  for (const topicName of ['a', 'b', 'c', 'd']) {
    look(cache, topicName, true)
    look(cache, topicName)
  }
  look(cache, 'e', true)
  assert.equal(look(cache, 'e')?.topicName, 'e')
  assert.equal(['a', 'b', 'c', 'd'].filter((topicName) => look(cache, topicName) !== undefined).length, 3)
})

test('an overlong topic gets an entry that is not kept', () => {
  const cache = new MatchCache<number>()
  const long = 'x'.repeat(513)
  assert.equal(look(cache, long, true).topicName, long)
  assert.equal(look(cache, long), undefined)
  look(cache, 'x'.repeat(512), true)
  assert.ok(look(cache, 'x'.repeat(512)) !== undefined)
})

test('of the entries it finds all that a filter matches, and of eight levels no others', () => {
  const cache = new MatchCache<number>({ capacity: 64 })
  fc.assert(
    fc.property(anyTopicFilter, fc.array(anyTopicName, { maxLength: 20 }), (topicFilter, topicNames) => {
      for (const topicName of topicNames) look(cache, topicName, true)
      const kept = [...cache].map(({ topicName }) => topicName)
      const found = new Set(cache.findMatching(topicFilter).map(({ topicName }) => topicName))
      for (const topicName of kept) {
        if (matches(topicFilter, topicName)) assert.ok(found.has(topicName), topicName)
        // Too much where the first level is hidden.
        else if (!topicName.startsWith('$')) assert.ok(!found.has(topicName), topicName)
        if (!/[+#]/.test(topicFilter))
          assert.equal(cache.get(topicFilter)?.topicName === topicName, topicFilter === topicName)
      }
    }),
    { numRuns: 500 },
  )
})

test('levels beyond the eighth are not compared', () => {
  const cache = new MatchCache<number>()
  const eight = '1/2/3/4/5/6/7/8'
  for (const topicName of [eight, `${eight}/9`, `${eight}/x`, `${eight}/9/10`]) look(cache, topicName, true)
  const found = (topicFilter: string): string[] => cache.findMatching(topicFilter).map(({ topicName }) => topicName)
  assert.equal(found(`+/2/3/4/5/6/7/8/9`).length, 3)
  assert.equal(found(`+/2/3/4/5/6/7/x/9`).length, 0)
})
