import assert from 'node:assert/strict'
import { test } from 'node:test'
import topicTaboo from '../../../src/plugins/topic-taboo.ts'
import { clientOf, contextOf } from './support.ts'

const plugin = topicTaboo(contextOf({}))
const bob = clientOf('bob')

test('topic_taboo: its topics are denied to publish and to receive, all others allowed', () => {
  for (const topicName of ['prohibited', 'top-secret', 'data/classified', 'data', 'data/open', 'prohibited/x']) {
    const allowed = !['prohibited', 'top-secret', 'data/classified'].includes(topicName)
    assert.equal(plugin.mayPublish?.(bob, { topic: topicName, topicName, qos: 0, retain: false }), allowed)
    assert.equal(plugin.mayReceive?.(bob, topicName), allowed)
    assert.equal(
      plugin.explain?.({ client: bob, action: 'publish', topic: topicName }).decision,
      allowed ? 'allow' : 'deny',
    )
  }
})

test('topic_taboo: every filter that can match a taboo is denied (C7: # walked around it)', () => {
  for (const topicFilter of ['#', '+', 'data/+', 'data/#', '+/classified', '+/+', 'prohibited', 'prohibited/#']) {
    assert.equal(plugin.maySubscribe?.(bob, topicFilter, 0), false, topicFilter)
  }
  for (const topicFilter of ['data', 'data/open', 'data/+/x', '$SYS/#', 'a/#', '+/+/+']) {
    assert.equal(plugin.maySubscribe?.(bob, topicFilter, 0), true, topicFilter)
  }
  assert.deepEqual(plugin.explain?.({ client: bob, action: 'subscribe', topic: 'data/#' }), {
    plugin: 'topic_taboo',
    decision: 'deny',
    rule: 'topic-check.taboo: data/classified',
  })
})

test('topic_taboo: user admin is exempt', () => {
  const admin = clientOf('admin')
  assert.equal(plugin.maySubscribe?.(admin, '#', 0), true)
  assert.equal(
    plugin.mayPublish?.(admin, { topic: 'prohibited', topicName: 'prohibited', qos: 0, retain: false }),
    true,
  )
  assert.match(plugin.explain!({ client: admin, action: 'publish', topic: 'prohibited' }).rule, /exempt/)
})

test('topic_taboo: other topics than the ancestor’s', () => {
  const own = topicTaboo(contextOf({ taboo: ['internal/#'] }))
  assert.equal(own.mayReceive?.(bob, 'internal/a'), false)
  assert.equal(own.mayReceive?.(bob, 'prohibited'), true)
  assert.throws(() => topicTaboo(contextOf({ taboo: ['a#'] })), /"a#" is not a topic filter/)
})
