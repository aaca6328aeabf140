import assert from 'node:assert/strict'
import { test } from 'node:test'
import { countTopicLevels, topicNameProblem } from '../../../src/topics/topic-name.ts'

function refused(topicName: string, words: RegExp, maxLevels?: number): void {
  assert.match(topicNameProblem(topicName, maxLevels) ?? 'no problem', words, JSON.stringify(topicName.slice(0, 20)))
}

test('a Topic Name holds no wildcards [5.0 MQTT-4.7.0-1] [3.1.1 MQTT-4.7.1-1]', () => {
  for (const topicName of ['#', '+', 'a/#', 'a/+/b', 'a#', 'a+b']) refused(topicName, /wildcards/)
})

test('a Topic Name is not empty [5.0 MQTT-4.7.3-1] [3.1.1 MQTT-4.7.3-1]', () => {
  refused('', /at least one character/)
})

test('a Topic Name holds no U+0000 [5.0 MQTT-4.7.3-2] [3.1.1 MQTT-4.7.3-2]', () => {
  refused('a/\0', /U\+0000/)
})

test('a Topic Name of the host program holds no half of a surrogate pair', () => {
  refused('a/\ud83d', /surrogates/)
  refused('a/\ude00/b', /surrogates/)
  assert.equal(topicNameProblem('a/\u{1f600}'), undefined)
})

test('a Topic Name takes up to 65535 bytes, not characters [5.0 MQTT-4.7.3-3] [3.1.1 MQTT-4.7.3-3]', () => {
  assert.equal(topicNameProblem('a'.repeat(65535)), undefined)
  refused('a'.repeat(65536), /must not exceed 65535 bytes, got 65536/)
  assert.equal(topicNameProblem('€'.repeat(21845)), undefined)
  refused('€'.repeat(21846), /must not exceed 65535 bytes, got 65538/)
})

test('spaces, empty levels, slashes at the ends and a lone slash are valid', () => {
  for (const topicName of ['/', '//', '/a', 'a/', 'a b/ ', '$SYS/a', '\ufeff', '__proto__']) {
    assert.equal(topicNameProblem(topicName), undefined)
  }
})

test('Topic Levels are limited where the caller says so', () => {
  assert.equal(topicNameProblem('a/b/c', 3), undefined)
  assert.equal(topicNameProblem('abcdef', 1), undefined)
  refused('a/b/c/d', /has 4 Topic Levels, more than the limit of 3/, 3)
  refused('//', /has 3 Topic Levels/, 2)
})

test('empty Topic Levels count', () => {
  assert.deepEqual(
    ['a', '/', 'a/', '/a', 'a//b'].map((topic) => countTopicLevels(topic)),
    [1, 2, 2, 2, 3],
  )
})
