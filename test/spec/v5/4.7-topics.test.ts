import assert from 'node:assert/strict'
import { UsageError } from '../../../src/base/errors.ts'
import { PacketType } from '../../../src/codec/packet-types.ts'
import type { TestClient } from '../../support/test-client.ts'
import { answer, assertEnds, GUARDED, received, scene, taken, type Stage } from './stage.ts'

/** Which of these Topic Names the filter matches, found out by live messages and by retained ones. */
function matched(stage: Stage, topicFilter: string, topicNames: readonly string[]): string[] {
  const topics = (client: TestClient): string[] => taken(client, PacketType.PUBLISH).map(({ topicName }) => topicName)
  const sensor = stage.client('sensor')
  const meter = stage.subscriber('meter', topicFilter)
  for (const topicName of topicNames) sensor.publish(topicName, 'x', 0, { retain: true })
  const live = topics(meter)
  meter.subscribe(topicFilter)
  assert.deepEqual(topics(meter).sort(byText), [...live].sort(byText), 'what is retained matches alike')
  for (const topicName of topicNames) sensor.publish(topicName, '', 0, { retain: true })
  return live
}

function byText(one: string, other: string): number {
  return one < other ? -1 : 1
}

for (const topic of ['a+', '+', 'a/+/b', '#', 'a/#', 'a#', '/+']) {
  scene(
    `No wildcard in a Topic Name: ${topic} ends the Connection, in the Will it is refused [5.0 MQTT-4.7.0-1]`,
    (stage) => {
      const meter = stage.subscriber('meter', '#')
      for (const publish of [`30 * "${topic}" {}`, `32 * "${topic}" 0001 {}`, `30 * "${topic}" {23 0001}`]) {
        assertEnds(stage.client('sensor'), publish, 0x82)
      }
      const willing = stage.open()
      assert.equal(answer(willing, `10 * "MQTT" 05 06 0000 {17 00} "a" {} "${topic}" 0000`).slice(0, 8), '20030082')
      assert.deepEqual(received(meter), [])
    },
  )
}

for (const [rule, filters] of [
  ['MQTT-4.7.1-1', ['a#', '#a', 'a/#/b', '#/', '#/a', '##', 'a/b#', '/#/', '+#', '#+']],
  ['MQTT-4.7.1-2', ['a+', '+a', 'a/+b', 'a/b+/c', '++', '+/++', '/a+']],
] as const) {
  scene(
    `A filter with a wildcard out of its place ends the Connection, in SUBSCRIBE and UNSUBSCRIBE [5.0 ${rule}]`,
    (stage) => {
      for (const filter of filters) {
        assertEnds(stage.client('a'), `82 * 0001 {} "${filter}" 00`, 0x82)
        assertEnds(stage.client('a'), `82 * 0001 {} "good" 00 "$share/group/${filter}" 00`, 0x82)
        assertEnds(stage.client('a'), `a2 * 0001 {} "${filter}"`, 0x82)
      }
    },
  )
}

const NAMES = ['sport', 'sport/', '/sport', 'sport/tennis', 'sport/tennis/player', 'sport//player', '/', '//', 'Sport']

const MATCHES = [
  ['#', NAMES],
  ['sport/#', ['sport', 'sport/', 'sport/tennis', 'sport/tennis/player', 'sport//player']],
  ['sport/tennis/#', ['sport/tennis', 'sport/tennis/player']],
  ['/#', ['/sport', '/', '//']],
  ['sport/+', ['sport/', 'sport/tennis']],
  ['+', ['sport', 'Sport']],
  ['+/+', ['sport/', '/sport', 'sport/tennis', '/']],
  ['/+', ['/sport', '/']],
  ['+/', ['sport/', '/']],
  ['sport/+/player', ['sport/tennis/player', 'sport//player']],
  ['+/tennis/#', ['sport/tennis', 'sport/tennis/player']],
  ['+/+/#', ['sport/', '/sport', 'sport/tennis', 'sport/tennis/player', 'sport//player', '/', '//']],
  ['+/+/+', ['sport/tennis/player', 'sport//player', '//']],
  ['//', ['//']],
  ['sport', ['sport']],
] as const

for (const [filter, names] of MATCHES) {
  scene(`${filter} matches ${names.join(' ')} [5.0 MQTT-4.7.1-1, MQTT-4.7.1-2] [U-4.7.1-1]`, (stage) => {
    assert.deepEqual(matched(stage, filter, NAMES), names)
  })
}

scene('Filters that begin with a wildcard match no Topic Name that begins with $ [5.0 MQTT-4.7.2-1]', (stage) => {
  const names = ['$app/a', '$app', '$', '$/a', 'a/$b']
  assert.deepEqual(matched(stage, '#', names), ['a/$b'])
  assert.deepEqual(matched(stage, '+/a', names), [])
  assert.deepEqual(matched(stage, '+/+', names), ['a/$b'])
  assert.deepEqual(matched(stage, '+', names), [])
  assert.deepEqual(matched(stage, '$share/group/#', []), [])
  assert.deepEqual(matched(stage, '$app/#', names), ['$app/a', '$app'])
  assert.deepEqual(matched(stage, '$app/+', names), ['$app/a'])
  assert.deepEqual(matched(stage, 'a/+', names), ['a/$b'])
})

scene('A Shared Subscription to # matches no Topic Name that begins with $ [5.0 MQTT-4.7.2-1]', (stage) => {
  const member = stage.subscriber('member', '$share/group/#')
  const sensor = stage.client('sensor')
  for (const name of ['$app/a', 'a', '$share/group/a']) sensor.publish(name, 'x')
  assert.deepEqual(received(member), ['a x'])
})

scene(
  '$SYS/ is the Server’s: it publishes there, and no Client does [U-4.7.2-1]',
  (stage) => {
    const meter = stage.subscriber('meter', '$SYS/#', 1)
    const sensor = stage.client('sensor')
    assert.equal(answer(sensor, '32 * "$SYS/broker/uptime" 0001 {} 78'), '4003000187')
    assert.equal(answer(sensor, '31 * "$SYS/broker/mine" {} 78'), '')
    stage.broker.advance(2000)
    const topics = taken(meter, PacketType.PUBLISH).map(({ topicName }) => topicName)
    assert.ok(topics.length > 0)
    assert.ok(topics.every((name) => name.startsWith('$SYS/broker/') && name !== '$SYS/broker/mine'))
  },
  { 'sys-interval': 1 },
)

scene(
  'An empty Topic Name without an alias, and an empty Topic Filter, are Protocol Errors [5.0 MQTT-4.7.3-1]',
  (stage) => {
    assertEnds(stage.client('a'), '30 * 0000 {} 78', 0x82)
    assertEnds(stage.client('a'), '32 * 0000 0001 {} 78', 0x82)
    assertEnds(stage.client('a'), '82 * 0001 {} 0000 00', 0x82)
    assertEnds(stage.client('a'), 'a2 * 0001 {} 0000', 0x82)
    const one = stage.subscriber('one', '/')
    stage.client('sensor').publish('/', 'x')
    assert.deepEqual(received(one), ['/ x'])
  },
)

scene('U+0000 in a Topic Name or Topic Filter is malformed [5.0 MQTT-4.7.3-2]', (stage) => {
  for (const text of ['0001 00', '0003 61 00 62', '0004 c3a4 00 62']) {
    assertEnds(stage.client('a'), `30 * ${text} {} 78`, 0x81)
    assertEnds(stage.client('a'), `82 * 0001 {} ${text} 00`, 0x81)
    assertEnds(stage.client('a'), `a2 * 0001 {} ${text}`, 0x81)
  }
})

scene(
  'Topic Names and filters have up to 65535 bytes, and travel whole; one byte more is not to be had [5.0 MQTT-4.7.3-3]',
  async (stage) => {
    const longest = 'ä'.repeat(32_767) + 'a'
    assert.equal(Buffer.byteLength(longest), 65_535)
    assert.deepEqual(matched(stage, longest, [longest]), [longest])
    for (const tooLong of [`${longest}b`, 'ä'.repeat(32_768)]) {
      await assert.rejects(stage.broker.broker.publish(tooLong, 'x'), UsageError)
      assert.throws(() => stage.broker.broker.subscribe(tooLong), UsageError)
    }
  },
)

scene('Matching is literal: nothing is normalised, folded or replaced [5.0 MQTT-4.7.3-4]', (stage) => {
  const names = [
    'a',
    'A',
    'ä',
    'a\u0308',
    '\ufeffa',
    'a ',
    ' a',
    'a\u00a0',
    'a/b',
    'a\\b',
    'a//b',
    'a/./b',
    'a%2Fb',
    'ſ',
    's',
    'ﬁ',
    'fi',
    'Ⅳ',
    'IV',
  ]
  for (const name of names) assert.deepEqual(matched(stage, name, names), [name])
})

scene(
  'Case, spaces, slashes and empty levels count, and levels are as many as the bytes allow [U-4.7.3-1]',
  (stage) => {
    const names = ['Room 1', 'room 1', 'Room 1/', '/Room 1', '/', '//', '///', 'Room  1']
    for (const name of names) assert.deepEqual(matched(stage, name, names), [name])
    const deep = '/'.repeat(65_534) + 'a'
    assert.deepEqual(matched(stage, deep, [deep]), [deep])
    assert.deepEqual(matched(stage, `${'/'.repeat(60_000)}#`, [deep, '/']), [deep])
  },
  { 'max-topic-levels': 65_535 },
)

scene(
  'Topics come into being by use; who may use them is decided for each Client [U-4.7.3-2]',
  (stage) => {
    const client = stage.client('a')
    assert.equal(answer(client, '82 * 0001 {} "never/used" 00 "denied/x" 00'), '90050001000087')
    assert.equal(answer(client, '32 * "never/used" 0001 {} 78'), '300e000a6e657665722f757365640078' + '40020001')
    assert.equal(answer(client, '32 * "denied/x" 0002 {} 78'), '4003000287')
  },
  GUARDED,
)

scene('The Topic Name that goes out is the one that came in [U-3.3.2.1-2]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  stage.client('sensor').publish('a//b/ ', 'x')
  assert.deepEqual(received(meter), ['a//b/  x'])
})

scene(
  'Control characters and non-characters in a string pass: a Server may refuse them, this one does not [U-1.5.4-1]',
  (stage) => {
    for (const character of ['\u0001', '\u001f', '\u007f', '\u009f', '\ufdd0', '\uffff', '\u{1ffff}']) {
      assert.deepEqual(matched(stage, `a${character}`, [`a${character}`]), [`a${character}`])
    }
  },
)
