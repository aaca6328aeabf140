import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { after, before, test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Plugin, PluginContext, TopicQuestion } from '../../../src/access/plugin.ts'
import aclFile, { parseAclFile } from '../../../src/plugins/acl-file.ts'
import { FILE_LOOK_INTERVAL_MS } from '../../../src/plugins/watched-file.ts'
import { CapturedLog, clientOf, contextOf, ManualClock } from './support.ts'

const RULES = `# who may do what
topic read news/#

user meter
topic power/#
topic deny power/secret/#
topic write with space/a
user control room
topic readwrite %u/literal
pattern write devices/%c/#
pattern read %u/inbox
user meter
topic read later
`

let folder: string
before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'sluice-acl-'))
})
after(() => rm(folder, { recursive: true }))

let files = 0
async function open(
  t: TestContext,
  text: string,
  more: Partial<PluginContext> = {},
): Promise<{ plugin: Plugin; path: string }> {
  const path = join(folder, `acl-${++files}.txt`)
  await writeFile(path, text)
  const plugin = await aclFile(contextOf({ aclFile: path }, more))
  t.after(() => plugin.close?.())
  return { plugin, path }
}

const cases: [
  user: string | undefined,
  action: TopicQuestion['action'],
  topic: string,
  allowed: boolean,
  rule: RegExp,
][] = [
  [undefined, 'subscribe', 'news/#', true, /^line 2 of acl-\d+.txt: topic read news\/#$/],
  [undefined, 'publish', 'news/a', false, /no line of acl-\d+.txt allows it for clients without a user name/],
  [undefined, 'publish', 'devices/c1/a', true, /^line 10 .*pattern write devices\/%c\/#$/],
  ['meter', 'receive', 'news/a', false, /allows it for meter/],
  ['meter', 'publish', 'power/a', true, /^line 5 /],
  ['meter', 'subscribe', 'power/a', true, /^line 5 /],
  ['meter', 'publish', 'power/secret/a', false, /^line 6 .*topic deny power\/secret\/#$/],
  ['meter', 'subscribe', 'power/#', false, /^line 6 /],
  ['meter', 'publish', 'with space/a', true, /^line 7 /],
  ['meter', 'receive', 'with space/a', false, /no line/],
  ['meter', 'receive', 'later', true, /^line 13 /],
  ['meter', 'publish', 'devices/c1/a', true, /^line 10 /],
  ['meter', 'publish', 'devices/c2/a', false, /no line/],
  ['meter', 'subscribe', 'meter/inbox', true, /^line 11 /],
  ['control room', 'publish', '%u/literal', true, /^line 9 /],
  ['control room', 'publish', 'control room/literal', false, /no line/],
  ['nobody', 'receive', 'nobody/inbox', true, /^line 11 /],
  ['nobody', 'publish', 'power/a', false, /no line/],
  ['a/b', 'receive', 'a/b/inbox', false, /no line/],
]
for (const [user, action, topic, allowed, rule] of cases) {
  test(`acl.file: ${user ?? '(anonymous)'}: ${action} ${topic} -> ${allowed ? 'allow' : 'deny'}`, async (t) => {
    const { plugin } = await open(t, RULES)
    const client = clientOf(user)
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

const PARTS = `pattern readwrite sensor-%u/%c_out/#
pattern deny sensor-%u/%c_out/secret
`
for (const [user, clientId, topic, allowed] of [
  ['ann', 'c1', 'sensor-ann/c1_out/a', true],
  ['ann', 'c1', 'sensor-ann/c1_out/secret', false],
  ['ann', 'c1', 'sensor-bob/c1_out/a', false],
  ['ann', 'c2', 'sensor-ann/c1_out/a', false],
  [undefined, 'c1', 'sensor-/c1_out/a', false],
  ['', 'c1', 'sensor-/c1_out/a', false],
  ['a/c1_out/x', 'c1', 'sensor-a/c1_out/x', false],
  ['+', 'c1', 'sensor-+/c1_out/a', false],
] as const) {
  test(`acl.file: %u and %c as parts of levels, as Mosquitto has them: ${user} at ${topic} -> ${allowed}`, async (t) => {
    const { plugin } = await open(t, PARTS)
    const client = clientOf(user, { clientId })
    assert.equal(plugin.mayReceive?.(client, topic), allowed)
    assert.equal(plugin.mayPublish?.(client, { topic, topicName: topic, qos: 0, retain: false }), allowed)
  })
}

const badLines: [text: string, message: RegExp][] = [
  ['user a\n\ntopc read x', /acl-\d+.txt, line 3 begins with topc; expected user, topic or pattern/],
  ['user', /line 1 has nothing after user/],
  ['topic reed x', /line 1 has the access reed; expected read, write, readwrite or deny/],
  ['topic a/#/b', /line 1 has an invalid topic filter a\/#\/b/],
  ['pattern read a+/b', /line 1 has an invalid topic filter a\+\/b/],
  [
    'user u\nx\ntopic\ntopic a',
    /acl-\d+.txt, line 2 begins with x; .*\n.*acl-\d+.txt, line 3 has nothing after topic$/,
  ],
]
for (const [text, message] of badLines) {
  test(`acl.file: the line ${JSON.stringify(text.split('\n').at(-1))} is an error that names it by number`, async (t) => {
    await assert.rejects(open(t, text), { name: 'ConfigError', message })
  })
}

test('acl.file: without acl-file it does not start', async () => {
  await assert.rejects(aclFile(contextOf({})), /acl.file requires `acl-file`/)
})

test('acl.file: changed rules hold without a restart, and remembered answers are called off', async (t) => {
  const [clock, log] = [new ManualClock(), new CapturedLog()]
  let changes = 0
  const { plugin, path } = await open(t, 'user u\ntopic a', { clock, log, changed: () => void changes++ })
  assert.equal(plugin.stable, true)
  await writeFile(path, 'user u\ntopic longer/b')
  clock.advance(FILE_LOOK_INTERVAL_MS)
  while (changes === 0) await new Promise(setImmediate)
  assert.equal(plugin.mayReceive?.(clientOf('u'), 'a'), false)
  assert.equal(plugin.mayReceive?.(clientOf('u'), 'longer/b'), true)
})

test('acl.file: rules before the first `user` are for clients without a user name, those of `user anonymous` for that user', () => {
  const { ofUsers } = parseAclFile('topic read open\nuser anonymous\ntopic read named\n', 'rules')
  const topics = (userName: string | undefined) => ofUsers.get(userName)?.map(({ source }) => source.split(' ').at(-1))
  assert.deepEqual([topics(undefined), topics('anonymous')], [['open'], ['named']])
})
