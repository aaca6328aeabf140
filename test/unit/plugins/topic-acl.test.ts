import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TopicQuestion } from '../../../src/access/plugin.ts'
import topicAcl from '../../../src/plugins/topic-acl.ts'
import { clientOf, contextOf } from './support.ts'

const plugin = topicAcl(
  contextOf({
    acl: {
      plain: ['repositories/+/master', 'calendar/#', 'data/memes'],
      split: { publish: ['commands/#'], subscribe: ['power/#', '$SYS/#'], deny: ['power/secret/#'] },
      own: ['devices/%c/+', '%u/inbox', 'mixed/x%u'],
      shielded: { publish: ['#'], subscribe: ['#'], deny: ['private/%u/#'] },
      everything: ['#'],
      nothing: [],
      '@staff': ['news/#'],
      anonymous: ['open/+'],
    },
    groups: { staff: ['split', 'member'] },
  }),
)

type Case = [
  user: string | undefined,
  action: TopicQuestion['action'],
  topic: string,
  allowed: boolean,
  rule: RegExp,
  clientId?: string,
]

const cases: Case[] = [
  ['plain', 'publish', 'repositories/x/master', true, /topic-check.acl.plain: allow repositories\/\+\/master/],
  ['plain', 'publish', 'repositories/x/y/master', false, /nothing in topic-check.acl.plain allows it/],
  ['plain', 'publish', 'calendar', true, /allow calendar\/#/],
  ['plain', 'receive', 'calendar/today', true, /allow calendar\/#/],
  ['plain', 'receive', 'other', false, /nothing/],
  ['plain', 'subscribe', 'calendar', true, /allow calendar\/#/],
  ['plain', 'subscribe', 'calendar/+/x', true, /allow calendar\/#/],
  ['plain', 'subscribe', 'repositories/+/master', true, /allow repositories/],
  ['plain', 'subscribe', 'repositories/#', false, /nothing/],
  ['plain', 'subscribe', 'data/+', false, /nothing/],
  ['plain', 'subscribe', '#', false, /nothing/],
  ['split', 'publish', 'commands/a', true, /acl.split.publish: allow commands/],
  ['split', 'subscribe', 'commands/a', false, /nothing/],
  ['split', 'receive', 'commands/a', false, /nothing/],
  ['split', 'subscribe', 'power/l1', true, /acl.split.subscribe: allow power/],
  ['split', 'publish', 'power/l1', false, /nothing/],
  ['split', 'subscribe', 'power/#', false, /acl.split.deny: deny power\/secret\/#/],
  ['split', 'subscribe', 'power/+/x', false, /deny power\/secret/],
  ['split', 'receive', 'power/secret/x', false, /deny power\/secret/],
  ['split', 'subscribe', '$SYS/broker/#', true, /\$SYS/],
  ['split', 'publish', 'news/today', true, /acl.@staff: allow news\/#/],
  ['member', 'publish', 'news/today', true, /acl.@staff: allow news\/#/],
  ['member', 'publish', 'commands/a', false, /nothing/],
  ['@staff', 'publish', 'news/today', false, /has no entry @staff/],
  ['own', 'publish', 'devices/c1/up', true, /devices\/%c/],
  ['own', 'publish', 'devices/c2/up', false, /nothing/],
  ['own', 'publish', 'devices/+/up', false, /nothing/, '+'],
  ['own', 'subscribe', 'devices/+/+', false, /nothing/, '+'],
  ['own', 'publish', 'devices/a/b/up', false, /nothing/, 'a/b'],
  ['own', 'subscribe', 'devices/#', false, /nothing/, '#'],
  ['own', 'publish', 'own/inbox', true, /%u\/inbox/],
  ['own', 'publish', 'mixed/x%u', true, /mixed/],
  ['own', 'publish', 'mixed/xown', false, /nothing/],
  ['shielded', 'publish', 'private/shielded/x', false, /deny private/],
  ['shielded', 'publish', 'private/other/x', true, /allow #/],
  ['everything', 'subscribe', '#', true, /allow #/],
  ['everything', 'subscribe', '$SYS/#', false, /nothing/],
  ['everything', 'receive', '$SYS/uptime', false, /nothing/],
  ['nothing', 'publish', 'a', false, /nothing in topic-check.acl.nothing/],
  ['unknown', 'publish', 'open/a', false, /topic-check.acl has no entry unknown/],
  [undefined, 'publish', 'open/a', true, /acl.anonymous: allow open/],
  [undefined, 'subscribe', 'open/#', false, /nothing/],
]

for (const [user, action, topic, allowed, rule, clientId = 'c1'] of cases) {
  test(`topic_acl: ${user ?? '(anonymous)'} as ${clientId}: ${action} ${topic} -> ${allowed ? 'allow' : 'deny'}`, () => {
    const client = clientOf(user, { clientId })
    const answers = {
      publish: () => plugin.mayPublish?.(client, { topic, topicName: topic, qos: 0, retain: false }),
      subscribe: () => plugin.maySubscribe?.(client, topic, 0),
      receive: () => plugin.mayReceive?.(client, topic),
    }
    assert.equal(answers[action](), allowed)
    const explanation = plugin.explain?.({ client, action, topic })
    assert.equal(explanation?.decision, allowed ? 'allow' : 'deny')
    assert.match(explanation?.rule ?? '', rule)
  })
}

test('topic_acl: a name at the first level that begins with $ is not filled in', () => {
  const rules = topicAcl(contextOf({ acl: { $SYS: ['%u/#'] } }))
  assert.equal(rules.maySubscribe?.(clientOf('$SYS'), '$SYS/#', 0), false)
})

test('topic_acl: a deny rule for a name that cannot be filled in denies the whole level', () => {
  const rules = topicAcl(contextOf({ acl: { 'a/b': { publish: ['#'], deny: ['private/%u'] } } }))
  const may = (topicName: string) =>
    rules.mayPublish?.(clientOf('a/b'), { topic: topicName, topicName, qos: 0, retain: false })
  assert.equal(may('private/a'), false)
  assert.equal(may('public/a'), true)
})

const refused: [title: string, options: Record<string, unknown>, message: RegExp][] = [
  ['no acl (C7: the ancestor then allowed all)', {}, /topic_acl requires `acl`/],
  ['a filter that is none', { acl: { bob: ['a/#/b'] } }, /acl.bob: "a\/#\/b" is not a topic filter/],
  ['a group that is not there', { acl: { '@x': [] } }, /there is no group x/],
]
for (const [title, options, message] of refused) {
  test(`topic_acl: ${title} is an error at start`, () => {
    assert.throws(() => topicAcl(contextOf(options)), { name: 'ConfigError', message })
  })
}

test('topic_acl: the entry `anonymous` is for clients without a user name, and not for a user of that name', () => {
  const ask = (userName: string | undefined) =>
    plugin.explain!({ client: clientOf(userName), action: 'publish', topic: 'open/door' })
  assert.equal(ask(undefined).decision, 'allow')
  const { decision, rule } = ask('anonymous')
  assert.equal(decision, 'deny')
  assert.match(rule, /applies to clients without a user name, not to a user of that name/)
})
