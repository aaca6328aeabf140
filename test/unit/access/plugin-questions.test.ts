import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Plugin } from '../../../src/access/plugin.ts'
import { PluginQuestions } from '../../../src/access/plugin-questions.ts'
import { CapturedLog, ManualClock } from '../plugins/support.ts'

const NONE: Plugin = { name: 'busy' }

test('a plugin that computes for long before it returns is a warning that names it, its place and what to do, once a second', () => {
  const clock = new ManualClock()
  const log = new CapturedLog()
  const questions = new PluginQuestions(clock, log, 5000, new Map([[NONE, 'sluice.yaml:3:7: auth.plugins.0']]))
  const takes = (ms: number) => (): boolean => {
    clock.advance(ms)
    return true
  }
  assert.equal(questions.ask(NONE, 'mayPublish', takes(49)), true)
  assert.deepEqual(log.lines, [])
  assert.equal(questions.askNow(NONE, 'mayReceive', takes(120)), true)
  assert.equal(log.lines.length, 1)
  const said =
    /^warn plugin busy stopped the whole broker for 120 ms in mayReceive \(listed at sluice\.yaml:3:7: auth\.plugins\.0\): it should do long work elsewhere, such as in a worker thread, and return a promise/
  assert.match(log.lines[0]!, said)
  void questions.ask(NONE, 'mayPublish', takes(60))
  assert.equal(log.lines.length, 1)
  clock.advance(1000)
  void questions.ask(NONE, 'mayPublish', takes(70))
  assert.match(log.lines[1]!, /for 70 ms in mayPublish .*; 1 more since the last such line/)
})

test('a plugin that throws after a long computation is reported for both', () => {
  const clock = new ManualClock()
  const log = new CapturedLog()
  const questions = new PluginQuestions(clock, log, 5000)
  void questions.ask(NONE, 'mayPublish', () => {
    clock.advance(50)
    throw new Error('of the plugin')
  })
  assert.deepEqual(
    log.lines.map((line) => line.split(' {')[0]!.slice(0, 46)),
    ['warn plugin busy stopped the whole broker for ', 'error plugin busy failed in mayPublish, which '],
  )
})

test('a failure names the place where the plugin is listed', () => {
  const log = new CapturedLog()
  const places = new Map([[NONE, 'topic-check.plugins.1']])
  const questions = new PluginQuestions(new ManualClock(), log, 5000, places)
  void questions.ask(NONE, 'maySubscribe', () => {
    throw new Error('of the plugin')
  })
  const said = /^error plugin busy failed in maySubscribe, which counts as a deny \(listed at topic-check\.plugins\.1\)/
  assert.match(log.lines[0]!, said)
})
