import assert from 'node:assert/strict'
import { test } from 'node:test'
import { queryObjects } from 'node:v8'
import { matches } from '../../../src/topics/topic-filter.ts'
import { SiblingNode } from '../../../src/topics/sibling-node.ts'
import { TopicMap } from '../../../src/topics/topic-map.ts'
import { anyTopicFilter, anyTopicName } from './arbitraries.ts'
import { assertBelow } from '../../support/measurement.ts'
import fc from '../../support/property.ts'

function mapOf(topicNames: readonly string[]): TopicMap<string> {
  const map = new TopicMap<string>()
  for (const topicName of topicNames) map.set(topicName, `=${topicName}`)
  return map
}

/** Nodes of trees that somebody still refers to. */
function nodesAlive(): number {
  return queryObjects(SiblingNode, { format: 'count' })
}

function sorted<Value>(entries: Iterable<[topicName: string, value: Value]>): [topicName: string, value: Value][] {
  return [...entries].toSorted(([one], [other]) => (one < other ? -1 : 1))
}

function found(map: TopicMap<string>, topicFilter: string): string[] {
  return [...map.match(topicFilter)].map(([topicName]) => topicName).toSorted()
}

test('the map behaves as a Map, and finds what the plain matcher finds', () => {
  const step = fc.record({ remove: fc.boolean(), topicName: anyTopicName, value: fc.integer() })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 50 }), fc.array(anyTopicFilter, { maxLength: 10 }), (steps, filters) => {
      const map = new TopicMap<number>()
      const model = new Map<string, number>()
      for (const { remove, topicName, value } of steps) {
        assert.equal(map.get(topicName), model.get(topicName))
        assert.equal(remove ? map.delete(topicName) : map.set(topicName, value), model.get(topicName))
        if (remove) model.delete(topicName)
        else model.set(topicName, value)
        assert.equal(map.size, model.size)
      }
      assert.deepEqual(sorted(map), sorted(model))
      for (const topicFilter of filters) {
        const expected = [...model].filter(([topicName]) => matches(topicFilter, topicName))
        assert.deepEqual(sorted(map.match(topicFilter)), sorted(expected), topicFilter)
      }
    }),
    { numRuns: 500 },
  )
})

test('a filter that begins with a wildcard finds no name that begins with $ [5.0 MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]', () => {
  const map = mapOf(['$SYS/a', '$SYS', 'a/$b', 'b'])
  assert.deepEqual(found(map, '#'), ['a/$b', 'b'])
  assert.deepEqual(found(map, '+/+'), ['a/$b'])
  assert.deepEqual(found(map, '+'), ['b'])
  assert.deepEqual(found(map, '$SYS/#'), ['$SYS', '$SYS/a'])
})

test('what is there all along is found exactly once, whatever else changes between two steps', () => {
  const change = fc.record({ remove: fc.boolean(), topicName: anyTopicName })
  fc.assert(
    fc.property(
      fc.uniqueArray(anyTopicName, { maxLength: 30 }),
      fc.array(fc.array(change, { maxLength: 4 })),
      anyTopicFilter,
      (topicNames, changes, topicFilter) => {
        const map = mapOf(topicNames)
        const stays = new Set(topicNames)
        const seen = new Map<string, number>()
        let step = 0
        for (const [topicName] of map.match(topicFilter)) {
          seen.set(topicName, (seen.get(topicName) ?? 0) + 1)
          assert.ok(matches(topicFilter, topicName))
          for (const { remove, topicName: changed } of changes[step++] ?? []) {
            if (remove) stays.delete(changed)
            if (remove) map.delete(changed)
            else map.set(changed, 'new')
          }
        }
        for (const topicName of stays) {
          assert.equal(seen.get(topicName) ?? 0, matches(topicFilter, topicName) ? 1 : 0, topicName)
        }
      },
    ),
    { numRuns: 1000 },
  )
})

test('searches that are put aside, stepped and given up in any order find what stays exactly once', () => {
  const change = fc.record({
    kind: fc.constantFrom('set', 'delete', 'step', 'end'),
    topicName: anyTopicName,
    at: fc.nat(3),
  })
  const cases = [fc.uniqueArray(anyTopicName, { maxLength: 30 }), fc.array(change, { maxLength: 60 })] as const
  fc.assert(
    fc.property(...cases, fc.array(anyTopicFilter, { minLength: 4, maxLength: 4 }), (topicNames, changes, filters) => {
      const map = new TopicMap<{ readonly topicName: string }>()
      for (const topicName of topicNames) map.set(topicName, { topicName })
      const stays = new Set(topicNames)
      const searches = filters.map((topicFilter) => ({ topicFilter, search: map.search(topicFilter), seen: [''] }))
      const ended = new Set<number>()
      const step = (at: number, maxNodes: number): boolean => {
        const { search, seen } = searches[at]!
        const isMore = search.step(maxNodes)
        if (search.value !== undefined) seen.push(search.value.topicName)
        return isMore
      }
      for (const { kind, topicName, at } of changes) {
        if (kind === 'set') map.set(topicName, { topicName })
        if (kind === 'delete') map.delete(topicName)
        if (kind === 'delete') stays.delete(topicName)
        if (kind === 'step') step(at, 2)
        if (kind === 'end') searches[at]!.search.end()
        if (kind === 'end') ended.add(at)
      }
      for (const [at, { topicFilter, seen }] of searches.entries()) {
        while (step(at, 10));
        for (const topicName of stays) {
          const count = seen.filter((one) => one === topicName).length
          const expected = matches(topicFilter, topicName) ? 1 : 0
          assert.ok(
            count === expected || (ended.has(at) && count < expected),
            `${topicName} for ${topicFilter}: ${count}`,
          )
        }
      }
    }),
    { numRuns: 500 },
  )
})

test('a search that is put aside refers to nodes of the tree alone, whatever comes and goes beside and below', async () => {
  const before = nodesAlive()
  const map = mapOf(['x/0', 'x/1', 'x/2', 'x/3/a', 'x/4'])
  const searches = ['x/+', 'x/#', '#', 'x/3/+', 'x/3'].map((topicFilter) => map.search(topicFilter))
  for (const search of searches) search.step(2)
  for (let round = 0; round < 200; round++) {
    for (const topicName of ['x/1', 'x/0', 'x/3/a', 'x/2', 'x/4']) map.delete(topicName)
    map.set('x/5', 'new')
    map.delete('x/5')
  }
  assert.equal(map.nodes, 0)
  await assertBelow(2, 'nodes besides the root', () => nodesAlive() - before)
  for (const search of searches) assert.equal(search.step(1000), false)
})

test('a walk ends though every step adds topics, beside and below', () => {
  const map = mapOf(['a/1', 'a/2', 'b'])
  let steps = 0
  for (const [topicName] of map.match('#')) {
    steps++
    map.set(`a/new${steps}`, '')
    map.set(`new${steps}`, '')
    map.set(`${topicName}/below`, '')
    map.delete(topicName)
    map.set(topicName, '')
    assert.ok(steps < 100)
  }
  assert.ok(steps >= 3)
})

test('a search stops after so many nodes, also where it finds nothing, and counts them', () => {
  const map = mapOf(Array.from({ length: 1000 }, (_, index) => `device/${index}/state`))
  for (const [topicFilter, expected] of [
    ['device/+/missing', 0],
    ['#', 1000],
  ] as const) {
    const search = map.search(topicFilter)
    let [stops, found, before] = [0, 0, 0]
    while (search.step(100)) {
      assert.ok(search.visited - before <= 100)
      before = search.visited
      if (search.value === undefined) stops++
      else found++
    }
    assert.equal(found, expected)
    if (expected === 0) assert.ok(stops >= 10)
    assert.ok(search.visited >= 1000)
  }
})

test('what is there all along is found exactly once in a tree so wide that its children move', () => {
  const map = new TopicMap<string>()
  const topics = Array.from({ length: 10_000 }, (_, index) => `wide/${index}`)
  for (const topicName of topics) map.set(topicName, topicName)
  const search = map.search('wide/+')
  const seen = new Map<string, number>()
  let steps = 0
  while (search.step(50)) {
    if (search.value === undefined) continue
    seen.set(search.value, (seen.get(search.value) ?? 0) + 1)
    for (let more = 0; more < 3; more++) map.set(`wide/new${steps}-${more}`, 'new')
    if (steps % 2 === 0) map.delete(topics[(steps * 7919) % topics.length]!)
    steps++
  }
  for (const topicName of topics) {
    if (map.get(topicName) !== undefined) assert.equal(seen.get(topicName), 1, topicName)
    else assert.ok((seen.get(topicName) ?? 0) <= 1, topicName)
  }
})

test('a topic of 32768 levels is set, found and deleted', () => {
  const topicName = '/'.repeat(32767)
  const map = mapOf([topicName, 'a'])
  assert.deepEqual(found(map, '#'), [topicName, 'a'])
  assert.deepEqual(found(map, `${'+/'.repeat(32767)}+`), [topicName])
  assert.equal(map.delete(topicName), `=${topicName}`)
  assert.deepEqual(found(map, '#'), ['a'])
})

// ---- in order ----

function inOrder(map: TopicMap<string>, topicFilter: string, after = '', maxNodes = 3): string[] {
  const names: string[] = []
  const search = map.searchInOrder(topicFilter, after)
  while (search.step(maxNodes)) if (search.value !== undefined) names.push(search.value)
  return names
}

function namesOf(topicNames: Iterable<string>): TopicMap<string> {
  const map = new TopicMap<string>()
  for (const topicName of topicNames) map.set(topicName, topicName)
  return map
}

test('a search in order finds what the plain matcher finds, once, and the rest behind each of it in another map too', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(anyTopicName, { maxLength: 40 }),
      fc.uniqueArray(anyTopicName, { maxLength: 10 }),
      anyTopicFilter,
      (topicNames, others, topicFilter) => {
        const all = inOrder(namesOf(topicNames), topicFilter)
        const expected = topicNames.filter((topicName) => matches(topicFilter, topicName))
        assert.deepEqual(all.toSorted(), expected.toSorted())
        const restarted = namesOf(topicNames.toReversed())
        for (const one of others) restarted.delete(one)
        for (const [at, after] of all.entries()) {
          const rest = all.slice(at + 1).filter((topicName) => !others.includes(topicName))
          assert.deepEqual(inOrder(restarted, topicFilter, after), rest, `${topicFilter} behind ${after}`)
        }
      },
    ),
    { numRuns: 500 },
  )
})

test('searches in order that are put aside and made anew find what stays exactly once', () => {
  const change = fc.record({ kind: fc.constantFrom('set', 'delete', 'step', 'anew'), topicName: anyTopicName })
  const cases = [fc.uniqueArray(anyTopicName, { maxLength: 30 }), fc.array(change, { maxLength: 60 })] as const
  fc.assert(
    fc.property(...cases, anyTopicFilter, (topicNames, changes, topicFilter) => {
      const map = namesOf(topicNames)
      const stays = new Set(topicNames)
      const seen: string[] = []
      let search = map.searchInOrder(topicFilter, '')
      const step = (maxNodes: number): boolean => {
        const isMore = search.step(maxNodes)
        if (search.value !== undefined) seen.push(search.value)
        return isMore
      }
      for (const { kind, topicName } of changes) {
        if (kind === 'set') map.set(topicName, topicName)
        if (kind === 'delete') map.delete(topicName)
        if (kind === 'delete') stays.delete(topicName)
        if (kind === 'step') step(1)
        if (kind === 'anew') search = map.searchInOrder(topicFilter, seen.at(-1) ?? '')
      }
      while (step(10));
      assert.equal(new Set(seen).size, seen.length, 'none comes twice')
      for (const topicName of stays) assert.equal(seen.includes(topicName), matches(topicFilter, topicName), topicName)
    }),
    { numRuns: 500 },
  )
})

test('a search in order goes through a level that is wider than a window, and through one that is divided', () => {
  for (const count of [127, 128, 129, 5_000, 9_000]) {
    const topics = Array.from({ length: count }, (_, at) => `wide/${at}/state`)
    const map = namesOf(topics)
    const all = inOrder(map, 'wide/+/state')
    assert.deepEqual(all.toSorted(), topics.toSorted())
    const middle = all.length >> 1
    assert.deepEqual(inOrder(namesOf(topics.toReversed()), '#', all[middle]), all.slice(middle + 1))
    const search = map.searchInOrder('#', '')
    search.step(100_000)
    assert.ok(search.nameBytes > 0 && search.nameBytes < (128 + count / 16) * 64, 'it keeps a part of the names')
    search.end()
    assert.equal(search.nameBytes, 0)
    assert.equal(search.step(1), false)
  }
})

test('a search in order that is put aside refers to no node of the tree', async () => {
  const before = nodesAlive()
  const map = namesOf(['x/0', 'x/1', 'x/2', 'x/3/a', 'x/4'])
  const searches = ['x/+', 'x/#', '#', 'x/3/+', 'x/3'].map((topicFilter) => map.searchInOrder(topicFilter, ''))
  for (const search of searches) search.step(3)
  for (const topicName of ['x/1', 'x/0', 'x/3/a', 'x/2', 'x/4']) map.delete(topicName)
  assert.equal(map.nodes, 0)
  await assertBelow(2, 'nodes besides the root', () => nodesAlive() - before)
  for (const search of searches) assert.equal(search.step(1000), false)
})

test('a topic of 32768 levels is found in order', () => {
  const topicName = '/'.repeat(32767)
  const map = namesOf([topicName, 'a'])
  assert.deepEqual(inOrder(map, '#', '', 1000).toSorted(), [topicName, 'a'].toSorted())
  assert.deepEqual(inOrder(map, `${'+/'.repeat(32767)}+`, '', 1000), [topicName])
})
