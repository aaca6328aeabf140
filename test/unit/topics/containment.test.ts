import assert from 'node:assert/strict'
import { test } from 'node:test'
import { covers, overlaps } from '../../../src/topics/containment.ts'
import { matches } from '../../../src/topics/topic-filter.ts'
import { anyTopicFilter, anyTopicName } from './arbitraries.ts'
import fc from '../../support/property.ts'

const yes: [rule: string, topicFilter: string][] = [
  ['a/#', 'a'],
  ['a/#', 'a/b'],
  ['a/#', 'a/+/b'],
  ['a/#', 'a/#'],
  ['a/+', 'a/+'],
  ['a/+', 'a/b'],
  ['+/+', 'a/+'],
  ['#', '#'],
  ['#', '+/x'],
  ['#', '/'],
  ['#', '+/#'],
  ['+/#', '#'],
  ['+/#', '+'],
  ['/+/#', '/#'],
  ['$SYS/#', '$SYS/+'],
  ['a/+', 'a/$b'],
]

const no: [rule: string, topicFilter: string][] = [
  ['a/+', 'a/#'],
  ['a/+', 'a'],
  ['a/+', 'a/b/c'],
  ['a/+/#', 'a/#'],
  ['a', 'a/#'],
  ['a/b', 'a/+'],
  ['a/b/#', 'a/+/#'],
  ['+', '#'],
  ['+/+', '#'],
  ['#', '$SYS/#'],
  ['+/#', '$SYS/a'],
  ['+', '$SYS'],
  ['$SYS/#', '#'],
]

test('a rule covers a filter only if it matches every Topic Name that the filter can match', () => {
  for (const [rule, topicFilter] of yes) assert.ok(covers(rule, topicFilter), `${rule} covers ${topicFilter}`)
  for (const [rule, topicFilter] of no) assert.ok(!covers(rule, topicFilter), `${rule} does not cover ${topicFilter}`)
})

test('a rule that begins with a wildcard has nothing to do with $ topics [5.0 MQTT-4.7.2-1]', () => {
  for (const rule of ['#', '+/#', '+/uptime']) {
    assert.ok(!covers(rule, '$SYS/uptime'), rule)
    assert.ok(!overlaps(rule, '$SYS/uptime'), rule)
    assert.ok(!overlaps('$SYS/#', rule), rule)
  }
  assert.ok(overlaps('$SYS/#', '$SYS/+'))
})

/**
 * Filters of up to three levels against every Topic Name of up to four. `z` and `$z` are in no filter: they stand for
 * the endless rest that a wildcard also matches.
 */
const topicFilters = combine(['', 'a', 'b', '$a', '+'], 2)
  .concat(combine(['a', '+'], 3))
  .flatMap((levels) => [levels.join('/'), [...levels, '#'].join('/')])
  .concat('#')
  .filter((topicFilter) => topicFilter !== '')
const topicNames = combine(['', 'a', 'b', 'z', '$a', '$z'], 4)
  .map((levels) => levels.join('/'))
  .filter((topicName) => topicName !== '')

/** All lists of one to `most` of these levels. */
function combine(levels: string[], most: number): string[][] {
  if (most === 0) return []
  const shorter = combine(levels, most - 1)
  return levels.flatMap((level) => [[level], ...shorter.map((rest) => [level, ...rest])])
}

test('covers and overlaps agree with trying every small Topic Name', () => {
  const matched = new Map(
    topicFilters.map((topicFilter) => [
      topicFilter,
      new Set(topicNames.filter((topicName) => matches(topicFilter, topicName))),
    ]),
  )
  const anyFilter = fc.constantFrom(...topicFilters)
  fc.assert(
    fc.property(anyFilter, anyFilter, (one, other) => {
      const ones = matched.get(one)!
      const others = [...matched.get(other)!]
      assert.equal(
        covers(one, other),
        others.every((topicName) => ones.has(topicName)),
        `${one} covers ${other}`,
      )
      const common = others.some((topicName) => ones.has(topicName))
      assert.equal(overlaps(one, other), common, `${one} overlaps ${other}`)
      assert.equal(overlaps(other, one), common, `${other} overlaps ${one}`)
    }),
    { numRuns: 3000 },
  )
})

test('a filter covers a Topic Name, and overlaps it, exactly if it matches it', () => {
  fc.assert(
    fc.property(anyTopicFilter, anyTopicName, (topicFilter, topicName) => {
      const expected = matches(topicFilter, topicName)
      assert.equal(covers(topicFilter, topicName), expected, `${topicFilter} covers ${topicName}`)
      assert.equal(overlaps(topicFilter, topicName), expected, `${topicFilter} overlaps ${topicName}`)
    }),
    { numRuns: 3000 },
  )
})
