import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reloadChanges } from '../../../src/config/option-changes.ts'
import { resolveOptions, type ConfigInput } from '../../../src/config/options.ts'

function changed(before: ConfigInput, after: ConfigInput): readonly string[] {
  return reloadChanges(resolveOptions(before), resolveOptions(after)).changed
}

const one = { bind: '127.0.0.1:1' }

test('the same configuration, in another spelling or with a default written out, has not changed', () => {
  assert.deepEqual(changed({ maxQos: 1, listeners: { one } }, { 'max-qos': 1, listeners: { one } }), [])
  assert.deepEqual(changed({ listeners: { one } }, { 'max-qos': 2, listeners: { one } }), [])
})

test('changes are named as a configuration file spells them', () => {
  assert.deepEqual(changed({ listeners: { one } }, { listeners: { one: { bind: '127.0.0.1:2' } } }), [
    'listeners.one.bind',
  ])
  const named = { Hall2: one }
  assert.deepEqual(changed({ listeners: named }, { listeners: { Hall2: { ...one, 'max-packet-size': 1000 } } }), [
    'listeners.Hall2.max-packet-size',
  ])
  assert.deepEqual(changed({ listeners: { one } }, { listeners: { two: { bind: '127.0.0.1:2' } } }), [
    'listeners.one',
    'listeners.two',
  ])
  assert.deepEqual(changed({}, { persistence: { path: 'x' } }), ['persistence'])
  assert.deepEqual(changed({ log: { level: 'info' } }, { log: { level: 'debug' } }), ['log.level'])
  const cloud = { 'client-id': 'plant', url: 'mqtt://cloud', out: [{ filter: 'a/#' }] }
  assert.deepEqual(
    changed({ bridges: { cloud } }, { bridges: { cloud: { ...cloud, queue: { 'max-bytes': 7000000 } } } }),
    ['bridges.cloud.queue.max-bytes'],
  )
})

test('a limit of the top level is named once, whatever inherits it', () => {
  const listeners = { one, two: { bind: '127.0.0.1:2' }, own: { bind: '127.0.0.1:3', maxPacketSize: 500 } }
  assert.deepEqual(changed({ listeners }, { listeners, 'max-packet-size': 1000 }), ['max-packet-size'])
})

test('what is read only at a start waits for one', () => {
  const persistence = { path: 'x' }
  const before = resolveOptions({ persistence, users: {} })
  const after = resolveOptions({ persistence: { path: 'y' }, users: { 'initial-file': 'users.json' }, 'max-qos': 1 })
  const { changed: all, needRestart } = reloadChanges(before, after)
  assert.ok(all.includes('max-qos'))
  assert.deepEqual(needRestart.toSorted(), ['persistence.path', 'users.initial-file'])
})
