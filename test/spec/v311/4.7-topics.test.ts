import assert from 'node:assert/strict'
import { answer, assertCloses, bytesOf, received, scene, takeHex, type Scene } from './scene.ts'

const BAD_MULTI_LEVEL = ['#/', '#/a', 'a/#/b', 'a#', 'a/b#', '##', '#+', '/#/', 'a/#a', 'a/##']
const BAD_SINGLE_LEVEL = ['a+', '+a', 'a/b+', 'a/+b/c', '++', '+#', 'a/++/b', '/+a']

function refusesFilters(stage: Scene, filters: readonly string[]): void {
  for (const filter of filters) {
    assertCloses(stage.client('a'), `82 * 0001 "${filter}" 00`)
    assertCloses(stage.client('a'), `82 * 0001 "fine" 00 "${filter}" 00`)
  }
}

/** Which of the topics reach a subscriber of the filter. */
function matching(stage: Scene, filter: string, topics: readonly string[]): string[] {
  const meter = stage.subscriber('meter', filter)
  const sensor = stage.client('sensor')
  for (const topic of topics) sensor.publish(topic, '')
  return received(meter).map((text) => text.slice(0, -1))
}

scene('# stands alone or behind a slash, and last: other filters are refused [3.1.1 MQTT-4.7.1-2]', (stage) => {
  refusesFilters(stage, BAD_MULTI_LEVEL)
  assert.equal(answer(stage.client('a'), '82 * 0001 "#" 00 "/#" 00 "a/#" 00 "a/b/#" 00'), '9006000100000000')
})

scene('+ fills a whole level: other filters are refused [3.1.1 MQTT-4.7.1-3]', (stage) => {
  refusesFilters(stage, BAD_SINGLE_LEVEL)
  const good = '82 * 0001 "+" 00 "+/a" 00 "a/+/b" 00 "/+" 00 "+/+/#" 00'
  assert.equal(answer(stage.client('a'), good), '900700010000000000')
})

scene('+ matches exactly one level, at any place [3.1.1 MQTT-4.7.1-3]', (stage) => {
  const topics = ['a', 'b', 'a/b', 'a/c', 'a/b/c', 'x/b/c', 'a/x/c', '/b', 'a/', '/']
  assert.deepEqual(matching(stage, '+', topics), ['a', 'b'])
  assert.deepEqual(matching(stage, 'a/+', topics), ['a/b', 'a/c', 'a/'])
  assert.deepEqual(matching(stage, '+/b/c', topics), ['a/b/c', 'x/b/c'])
  assert.deepEqual(matching(stage, 'a/+/c', topics), ['a/b/c', 'a/x/c'])
  assert.deepEqual(matching(stage, '+/+', topics), ['a/b', 'a/c', '/b', 'a/', '/'])
})

scene(
  '# matches its parent level and everything below; + needs its level, which may be empty [U311-4.7.1-1] [3.1.1 MQTT-4.7.1-2]',
  (stage) => {
    const topics = ['sport', 'sport/', 'sport/tennis', 'sport/tennis/p1', 'sports', 'other']
    assert.deepEqual(matching(stage, 'sport/#', topics), ['sport', 'sport/', 'sport/tennis', 'sport/tennis/p1'])
    assert.deepEqual(matching(stage, 'sport/tennis/#', topics), ['sport/tennis', 'sport/tennis/p1'])
    assert.deepEqual(matching(stage, '#', topics), topics)
    assert.deepEqual(matching(stage, 'sport/+', topics), ['sport/', 'sport/tennis'])
  },
)

scene(
  'Filters that begin with a wildcard match no topic that begins with $, live or retained [3.1.1 MQTT-4.7.2-1]',
  (stage) => {
    const filters = ['#', '+/#', '+/a', '+', '+/+']
    const sensor = stage.client('sensor')
    for (const topic of ['$a', '$own/a', '$/a']) sensor.publish(topic, 'kept', 0, { retain: true })
    for (const filter of filters) {
      const meter = stage.client('meter')
      meter.subscribe(filter, 1)
      for (const topic of ['$a', '$own/a', '$/a']) sensor.publish(topic, 'live', 1)
      assert.deepEqual(received(meter), [], filter)
    }
    const meter = stage.subscriber('meter', '$own/#')
    sensor.publish('$own/a', 'live', 1)
    assert.deepEqual(received(meter), ['$own/a live'])
  },
)

scene('A wildcard below the first level matches topics that begin with $ [3.1.1 MQTT-4.7.2-1]', (stage) => {
  assert.deepEqual(matching(stage, '$own/+', ['$own/a', '$own/$b']), ['$own/a', '$own/$b'])
  assert.deepEqual(matching(stage, 'a/#', ['a/$b', 'a/$b/c']), ['a/$b', 'a/$b/c'])
})

scene('Clients cannot publish to $SYS [U311-4.7.2-1]', (stage) => {
  const meter = stage.subscriber('meter', '$SYS/#', 1)
  const sensor = stage.client('sensor')
  sensor.publish('$SYS/broker/version', 'false', 1, { retain: true })
  assert.deepEqual([received(meter), stage.retained('$SYS/#')], [[], []])
  const will = stage.raw('10 * "MQTT" 04 06 0000 "id" "$SYS/x" 0000')
  assert.deepEqual([takeHex(will), will.isClosed], ['20020005', true])
})

scene('An empty Topic Name or filter ends the Connection [3.1.1 MQTT-4.7.3-1]', (stage) => {
  for (const packet of [
    '30 * "" 78',
    '32 * "" 0001 78',
    '34 * "" 0001',
    '82 * 0001 "" 00',
    '82 * 0001 "a" 00 "" 00',
    'a2 * 0001 ""',
  ]) {
    assertCloses(stage.client('a'), packet)
  }
  assertCloses(stage.broker.open(4), '10 * "MQTT" 04 06 0000 "id" "" 0000')
  const meter = stage.subscriber('meter', 'x')
  assert.equal(answer(stage.client('a'), '32 * "x" 0001'), '40020001')
  assert.deepEqual(received(meter), ['x '], 'one character is enough')
})

scene('Topic Names and filters of 65535 bytes are served whole [3.1.1 MQTT-4.7.3-3]', (stage) => {
  const longest = `${'ä'.repeat(32_767)}/`
  assert.equal(Buffer.byteLength(longest), 65_535)
  const meter = stage.subscriber('meter', longest)
  stage.client('sensor').publish(longest, 'x')
  assert.deepEqual(received(meter), [`${longest} x`])
  assert.equal(answer(meter, bytesOf(`a2 * 0001 "${longest}"`)), 'b0020001')
})

scene(
  'Matching is literal: no normalising of Unicode, case, slashes or blanks [3.1.1 MQTT-4.7.3-4] [U311-4.7.3-1]',
  (stage) => {
    const pairs = [
      ['\u00c5', 'A\u030a'],
      ['a', 'A'],
      ['/a', 'a'],
      ['a/', 'a'],
      ['a//b', 'a/b'],
      ['a b', 'ab'],
      ['a', ' a'],
      ['stra\u00dfe', 'strasse'],
      ['\ufb01', 'fi'],
      ['%61', 'a'],
      ['a/./b', 'a/b'],
    ] as const
    for (const [one, other] of pairs) {
      assert.deepEqual(matching(stage, one, [one, other]), [one])
      assert.deepEqual(matching(stage, other, [one, other]), [other])
    }
    assert.deepEqual(matching(stage, '/', ['/', '//', 'a/']), ['/'])
    assert.deepEqual(matching(stage, '/+', ['/', '/a', 'a', '/finance']), ['/', '/a', '/finance'])
  },
)

scene('Bytes of a Topic Name reach subscribers unchanged [3.1.1 MQTT-4.7.3-4]', (stage) => {
  const meter = stage.subscriber('meter', '#')
  const sensor = stage.client('sensor')
  for (const topic of ['A\u030a', '\u00c5', 'ﬁ/ß', ' / ', '//', '\u202e', '🦥/\u200d']) {
    sensor.publish(topic, '')
    assert.equal(takeHex(meter), Buffer.from(bytesOf(`30 * "${topic}"`)).toString('hex'))
  }
})
