/** Rule × action × topic × user: what the broker does over a real Connection, and what `explain` says of it. @module */
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test, type TestContext } from 'node:test'
import type { MqttClient } from 'mqtt'
import type { ConfigInput } from '../../src/config/options.ts'
import type { Plugin } from '../../src/access/plugin.ts'
import { createBroker, type Broker } from '../../src/create-broker.ts'
import { dial } from './mqtt-js.ts'
import { scratchFolder } from '../support/scratch-folder.ts'

type Case = readonly [
  user: string | undefined,
  action: 'publish' | 'subscribe' | 'receive',
  topic: string,
  decision: 'allow' | 'deny',
  rule: string,
]

interface Table {
  readonly title: string
  readonly check: NonNullable<ConfigInput['topicCheck']>
  readonly cases: readonly Case[]
}

const ACL = 'topic-check.acl.'
const RULES = `topic read news/#
user meter
topic power/#
topic deny power/secret/#
pattern write devices/%c/#
`

const tables: readonly Table[] = [
  {
    title: 'topic_acl: one list for both, and wildcards',
    check: { acl: { ann: ['repositories/+/master', 'calendar/#'], anonymous: ['open/+'] } },
    cases: [
      ['ann', 'publish', 'repositories/x/master', 'allow', `${ACL}ann: allow repositories/+/master`],
      ['ann', 'publish', 'repositories/x/y/master', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'publish', 'calendar', 'allow', `${ACL}ann: allow calendar/#`],
      ['ann', 'subscribe', 'calendar/#', 'allow', `${ACL}ann: allow calendar/#`],
      ['ann', 'subscribe', 'calendar/+/may', 'allow', `${ACL}ann: allow calendar/#`],
      ['ann', 'subscribe', 'repositories/+/master', 'allow', `${ACL}ann: allow repositories/+/master`],
      ['ann', 'subscribe', 'repositories/#', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'subscribe', '#', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'subscribe', '$share/g/calendar/+', 'allow', `${ACL}ann: allow calendar/#`],
      ['ann', 'subscribe', '$share/g/#', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'receive', 'calendar/may', 'allow', `${ACL}ann: allow calendar/#`],
      ['ann', 'receive', 'other', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['eve', 'publish', 'calendar', 'deny', 'topic-check.acl has no entry eve'],
      ['eve', 'subscribe', 'open/a', 'deny', 'topic-check.acl has no entry eve'],
      ['eve', 'receive', 'open/a', 'deny', 'topic-check.acl has no entry eve'],
      [undefined, 'publish', 'open/a', 'allow', `${ACL}anonymous: allow open/+`],
      [undefined, 'subscribe', 'open/#', 'deny', 'nothing in topic-check.acl.anonymous allows it'],
      [undefined, 'receive', 'open/a', 'allow', `${ACL}anonymous: allow open/+`],
    ],
  },
  {
    title: 'topic_acl: separate lists, deny, groups, %u and %c, $SYS',
    check: {
      acl: {
        ann: { publish: ['commands/#'], subscribe: ['power/#'], deny: ['power/secret/#'] },
        bob: ['devices/%c/up', '%u/inbox', '#'],
        'a/b': ['homes/%u'],
        '@staff': { subscribe: ['$SYS/#'] },
      },
      groups: { staff: ['ann'] },
    },
    cases: [
      ['ann', 'publish', 'commands/stop', 'allow', `${ACL}ann.publish: allow commands/#`],
      ['ann', 'subscribe', 'commands/stop', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'publish', 'power/l1', 'deny', 'nothing in topic-check.acl.ann allows it'],
      ['ann', 'subscribe', 'power/l1', 'allow', `${ACL}ann.subscribe: allow power/#`],
      ['ann', 'subscribe', 'power/#', 'deny', `${ACL}ann.deny: deny power/secret/#`],
      ['ann', 'receive', 'power/secret/x', 'deny', `${ACL}ann.deny: deny power/secret/#`],
      ['ann', 'receive', 'power/l1', 'allow', `${ACL}ann.subscribe: allow power/#`],
      ['ann', 'subscribe', '$SYS/#', 'allow', `${ACL}@staff.subscribe: allow $SYS/#`],
      ['ann', 'publish', '$SYS/broker/x', 'deny', 'below $SYS/ only a bridge may publish, and only its own state'],
      ['ann', 'receive', '$SYS/broker/x', 'allow', `${ACL}@staff.subscribe: allow $SYS/#`],
      ['bob', 'subscribe', '#', 'allow', `${ACL}bob: allow #`],
      ['bob', 'subscribe', '$SYS/#', 'deny', 'nothing in topic-check.acl.bob allows it'],
      ['bob', 'subscribe', '$SYS/broker/uptime', 'deny', 'nothing in topic-check.acl.bob allows it'],
      ['bob', 'receive', '$SYS/broker/x', 'deny', 'nothing in topic-check.acl.bob allows it'],
      ['bob', 'publish', 'devices/id-bob/up', 'allow', `${ACL}bob: allow devices/%c/up`],
      ['bob', 'publish', 'bob/inbox', 'allow', `${ACL}bob: allow %u/inbox`],
      ['a/b', 'publish', 'homes/a/b', 'deny', 'nothing in topic-check.acl.a/b allows it'],
    ],
  },
  {
    title: 'topic_taboo: its topics, every filter that can match one, and the user admin',
    check: { plugins: ['topic_taboo'] },
    cases: [
      ['ann', 'publish', 'prohibited', 'deny', 'topic-check.taboo: prohibited'],
      ['ann', 'subscribe', 'data/+', 'deny', 'topic-check.taboo: data/classified'],
      ['ann', 'subscribe', '#', 'deny', 'topic-check.taboo: prohibited'],
      ['ann', 'subscribe', 'data/open', 'allow', 'no taboo'],
      ['ann', 'publish', 'prohibited/below', 'allow', 'no taboo'],
      ['ann', 'receive', 'top-secret', 'deny', 'topic-check.taboo: top-secret'],
      ['ann', 'receive', 'data/open', 'allow', 'no taboo'],
      ['admin', 'publish', 'prohibited', 'allow', 'user admin is exempt'],
      ['admin', 'subscribe', '#', 'allow', 'user admin is exempt'],
      ['admin', 'receive', 'top-secret', 'allow', 'user admin is exempt'],
    ],
  },
  {
    title: "acl.file: Mosquitto's rules",
    check: { 'acl-file': 'rules' },
    cases: [
      [undefined, 'subscribe', 'news/#', 'allow', 'line 1 of rules: topic read news/#'],
      [undefined, 'publish', 'news/a', 'deny', 'no line of rules allows it for clients without a user name'],
      [undefined, 'receive', 'news/a', 'allow', 'line 1 of rules: topic read news/#'],
      ['meter', 'publish', 'power/a', 'allow', 'line 3 of rules: topic power/#'],
      ['meter', 'publish', 'power/secret/a', 'deny', 'line 4 of rules: topic deny power/secret/#'],
      ['meter', 'subscribe', 'power/#', 'deny', 'line 4 of rules: topic deny power/secret/#'],
      ['meter', 'receive', 'power/a', 'allow', 'line 3 of rules: topic power/#'],
      ['meter', 'receive', 'power/secret/a', 'deny', 'line 4 of rules: topic deny power/secret/#'],
      ['meter', 'publish', 'devices/id-meter/x', 'allow', 'line 5 of rules: pattern write devices/%c/#'],
      ['meter', 'publish', 'devices/other/x', 'deny', 'no line of rules allows it for meter'],
      ['eve', 'subscribe', 'news/a', 'deny', 'no line of rules allows it for eve'],
      ['eve', 'publish', 'devices/id-eve/x', 'allow', 'line 5 of rules: pattern write devices/%c/#'],
    ],
  },
]

const everybody: Plugin = { name: 'everybody', authenticate: () => ({ decision: 'allow' }) }
const clientIdOf = (user: string | undefined): string => (user === undefined ? 'nobody' : `id-${user}`)

/** One Client for each user, subscribed to everything as long as nothing is checked. */
async function everyone(t: TestContext, url: string, { cases }: Table): Promise<Map<string | undefined, MqttClient>> {
  const clients = new Map<string | undefined, MqttClient>()
  for (const user of new Set(cases.map(([name]) => name))) {
    const options = {
      protocolVersion: 5,
      clientId: clientIdOf(user),
      ...(user !== undefined && { username: user }),
    } as const
    const client = await dial(url, options)
    t.after(() => client.end(true))
    await client.subscribeAsync(['#', '$SYS/#'])
    clients.set(user, client)
  }
  return clients
}

/** What happens to it: the decision of the broker as the Client feels it. */
async function tried(broker: Broker, client: MqttClient, [, action, topic]: Case): Promise<'allow' | 'deny'> {
  if (action === 'receive') return received(broker, client, topic)
  try {
    if (action === 'publish') await client.publishAsync(topic, '', { qos: 1 })
    else await client.subscribeAsync(topic)
    return 'allow'
  } catch (error) {
    assert.match(String(error), /Not authorized/)
    return 'deny'
  }
}

/** Whether a message of the host program arrives; what is sent behind it on a Connection says that it will not. */
async function received(broker: Broker, client: MqttClient, topic: string): Promise<'allow' | 'deny'> {
  const topics: string[] = []
  client.on('message', (topicName) => topics.push(topicName))
  await broker.publish(topic, 'x')
  await client.unsubscribeAsync('nothing/of/the/kind')
  client.removeAllListeners('message')
  return topics.includes(topic) ? 'allow' : 'deny'
}

function writeRules(): string {
  const folder = scratchFolder()
  writeFileSync(join(folder, 'rules'), RULES)
  return join(folder, 'rules')
}

for (const table of tables) {
  test(`${table.title}: felt by Clients, and explained`, async (t) => {
    const open = { listeners: { door: { bind: '127.0.0.1:0' } }, auth: { plugins: [everybody] }, 'sys-interval': 0 }
    await using broker = await createBroker(open)
    const clients = await everyone(t, broker.listeners[0]!.url, table)
    const check = 'acl-file' in table.check ? { 'acl-file': writeRules() } : table.check
    await broker.reload({ ...open, 'topic-check': check })
    for (const each of table.cases) {
      const [user, action, topic, decision, rule] = each
      const title = `${user ?? '(anonymous)'} ${action} ${topic}`
      const clientId = clientIdOf(user)
      const explained = await broker.explain({ clientId, ...(user !== undefined && { userName: user }), action, topic })
      assert.deepEqual([explained.decision, explained.explanations[0]?.rule], [decision, rule], title)
      assert.equal(await tried(broker, clients.get(user)!, each), decision, title)
    }
  })
}
