import assert from 'node:assert/strict'
import { test } from 'node:test'
import { grantKeepAlive } from '../../../src/protocol/keep-alive.ts'
import { OutgoingAliases } from '../../../src/protocol/outgoing-aliases.ts'

const KEEP_ALIVES: readonly (readonly [requested: number, maximum: number, granted: number])[] = [
  [0, 0, 0],
  [60, 0, 60],
  [60, 30, 30],
  [20, 30, 20],
  [0, 300, 300],
]
for (const [requested, maximum, granted] of KEEP_ALIVES) {
  test(`Keep Alive ${requested} under a limit of ${maximum} is ${granted}`, () => {
    assert.equal(grantKeepAlive(requested, maximum), granted)
  })
}

test('Topic Aliases are given from 1 up to the maximum, and stay [5.0 MQTT-3.1.2-26]', () => {
  const aliases = new OutgoingAliases(2)
  assert.equal(aliases.find('a'), 0)
  assert.equal(aliases.assign('a'), 1)
  assert.equal(aliases.nextFor('b'), 2)
  assert.equal(aliases.assign('b'), 2)
  assert.equal(aliases.nextFor('c'), 0)
  assert.equal(aliases.assign('c'), 0)
  assert.deepEqual([aliases.find('a'), aliases.find('b'), aliases.find('c')], [1, 2, 0])
})

test('topics with an alias take no more than 65,536 characters on one Connection; shorter ones still get one', () => {
  const aliases = new OutgoingAliases(10)
  assert.equal(aliases.assign('a'.repeat(65_000)), 1)
  assert.deepEqual([aliases.assign('b'.repeat(537)), aliases.assign('c'.repeat(536))], [0, 2])
  assert.deepEqual([aliases.assign('d'), aliases.find('a'.repeat(65_000))], [0, 1])
})
