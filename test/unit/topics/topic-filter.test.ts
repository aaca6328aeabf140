import assert from 'node:assert/strict'
import { test } from 'node:test'
import { matches, parseSharedFilter, topicFilterProblem } from '../../../src/topics/topic-filter.ts'

test('# stands alone or behind a slash, and last [5.0 MQTT-4.7.1-1] [3.1.1 MQTT-4.7.1-2]', () => {
  for (const topicFilter of ['#', 'a/#', '/#', '+/#', 'a/+/#']) assert.equal(topicFilterProblem(topicFilter), undefined)
  for (const topicFilter of ['a#', '#/a', 'a/#/b', 'a/b#', '##', '#/', 'a/#+', '/#/']) {
    assert.match(topicFilterProblem(topicFilter) ?? 'no problem', /# must be the last/, topicFilter)
  }
})

test('+ fills a whole level, anywhere [5.0 MQTT-4.7.1-2] [3.1.1 MQTT-4.7.1-3]', () => {
  for (const topicFilter of ['+', '+/a', 'a/+/b', '/+', '+/+', '+/']) {
    assert.equal(topicFilterProblem(topicFilter), undefined)
  }
  for (const topicFilter of ['a+', '+a', 'a/b+', 'a/+b/c', '++', '+#']) {
    assert.match(topicFilterProblem(topicFilter) ?? 'no problem', /\+ must be a whole/, topicFilter)
  }
})

test('a Topic Filter is neither empty nor too long, has no U+0000 and keeps the limit of levels [5.0 MQTT-4.7.3-1] [5.0 MQTT-4.7.3-2] [5.0 MQTT-4.7.3-3]', () => {
  assert.match(topicFilterProblem('') ?? '', /a Topic Filter must have at least one character/)
  assert.match(topicFilterProblem('a\0/+') ?? '', /a Topic Filter must not contain U\+0000/)
  assert.match(topicFilterProblem('a'.repeat(65536)) ?? '', /a Topic Filter must not exceed 65535 bytes/)
  assert.match(topicFilterProblem('a/+/#', 2) ?? '', /this Topic Filter has 3 Topic Levels/)
  assert.equal(topicFilterProblem('a/+/#', 3), undefined)
})

test('a shared filter needs a ShareName [5.0 MQTT-4.8.2-1]', () => {
  assert.deepEqual(parseSharedFilter('$share/group/a/+'), { shareName: 'group', topicFilter: 'a/+' })
  assert.deepEqual(parseSharedFilter('$share/group//a'), { shareName: 'group', topicFilter: '/a' })
  assert.deepEqual(parseSharedFilter('$share/g//'), { shareName: 'g', topicFilter: '/' })
  assert.equal(parseSharedFilter('$share//a'), 'a ShareName must have at least one character')
  assert.equal(parseSharedFilter('$share/'), 'a ShareName must have at least one character')
})

test('a ShareName has no wildcards, and a slash and a Topic Filter follow it [5.0 MQTT-4.8.2-2]', () => {
  assert.equal(parseSharedFilter('$share/g+/a'), 'a ShareName must not contain wildcards')
  assert.equal(parseSharedFilter('$share/#/a'), 'a ShareName must not contain wildcards')
  assert.equal(parseSharedFilter('$share/#'), 'a ShareName must not contain wildcards')
  assert.equal(parseSharedFilter('$share/g'), 'a slash and a Topic Filter must follow the ShareName')
  assert.equal(parseSharedFilter('$share/g/'), 'a slash and a Topic Filter must follow the ShareName')
})

test('a filter that does not begin with $share/ is not a shared one', () => {
  for (const topicFilter of ['a', '$share', '$shared/g/a', '/$share/g/a', '$SHARE/g/a', '+/g/a']) {
    assert.equal(parseSharedFilter(topicFilter), undefined)
  }
})

/** Filter, Topic Names it matches, Topic Names it does not. */
const examples: [topicFilter: string, matched: string[], notMatched: string[]][] = [
  ['sport/tennis', ['sport/tennis'], ['sport', 'sport/tennis/', '/sport/tennis', 'sport/tennis/a']],
  ['sport/#', ['sport', 'sport/', 'sport/a', 'sport/a/b'], ['sports', 'spor', '/sport']],
  ['sport/+', ['sport/', 'sport/a'], ['sport', 'sport/a/b', 'sport/a/']],
  ['+/+', ['/finance', 'a/b', '/'], ['finance', 'a/b/c']],
  ['/+', ['/finance', '/'], ['finance', '//']],
  ['+', ['finance'], ['/finance', '/']],
  ['a/+/c', ['a/b/c', 'a//c'], ['a/c', 'a/b/d']],
  ['a/+/#', ['a/b', 'a/b/c', 'a/'], ['a']],
  ['#', ['a', '/', 'a/b/c'], []],
  ['a//b', ['a//b'], ['a/b', 'a///b']],
]

test('wildcards match as §4.7.1 says [3.1.1 MQTT-3.3.2-3] [5.0 MQTT-3.3.2-3]', () => {
  for (const [topicFilter, matched, notMatched] of examples) {
    for (const topicName of matched) assert.ok(matches(topicFilter, topicName), `${topicFilter} matches ${topicName}`)
    for (const topicName of notMatched) {
      assert.ok(!matches(topicFilter, topicName), `${topicFilter} does not match ${topicName}`)
    }
  }
})

test('a filter that begins with a wildcard matches no name that begins with $ [5.0 MQTT-4.7.2-1] [3.1.1 MQTT-4.7.2-1]', () => {
  for (const topicFilter of ['#', '+', '+/#', '+/uptime', '+/+']) {
    assert.ok(!matches(topicFilter, '$SYS/uptime'), topicFilter)
    assert.ok(!matches(topicFilter, '$SYS'), topicFilter)
  }
  assert.ok(matches('$SYS/#', '$SYS'))
  assert.ok(matches('$SYS/+', '$SYS/uptime'))
  assert.ok(matches('#', 'a/$SYS'))
  assert.ok(matches('+/+', 'a/$SYS'))
})

test('matching is literal: no case folding, no Unicode or slash normalising [5.0 MQTT-4.7.3-4] [3.1.1 MQTT-4.7.3-4]', () => {
  assert.ok(!matches('ACCOUNTS', 'Accounts'))
  assert.ok(!matches('caf\u00e9', 'cafe\u0301'))
  assert.ok(!matches('a/b', 'a//b'))
  assert.ok(!matches('a', 'a/'))
})
